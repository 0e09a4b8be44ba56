//! `shipitfile.js`: what it hands to `initConfig`, as node answers it, with places in the file's own text.

use serde_json::{Map, Value as Json};

use super::model::{
    Host, MOST_ENVIRONMENTS, MOST_ITEMS, Target, left_out_as, node, place, section, shared, text_node,
};
use crate::config::file::{Node, Value};
use crate::config::pm2::{EcosystemError, Place, Remark, Section, Unread, find, places};
use crate::config::problem::{Problem, Span};
use crate::config::sources::Text;

/// What node runs: it takes the file's name, and writes to descriptor 3 what [`super::read_foreign`] takes.
pub const EVALUATE_SHIPIT_JS: &str = include_str!("shipit.js");

/// Calls on shipit whose first argument is a name.
const NAMING: [&str; 8] = ["require", "task", "blTask", "on", "once", "off", "emit", "start"];

pub(super) fn read(text: &Text, answer: &[u8]) -> Result<Section, Unread> {
    let file = || text.file.clone().unwrap_or_default();
    let garbled = || Unread::Ecosystem(EcosystemError::Garbled { file: file() });
    let answer: Json = serde_json::from_slice(answer).map_err(|_| garbled())?;
    if let Some(thrown) = answer.get("thrown") {
        let message = thrown.get("message").and_then(Json::as_str).unwrap_or_default().to_owned();
        let line = thrown.get("line").and_then(Json::as_u64).and_then(|line| usize::try_from(line).ok());
        return Err(Unread::Ecosystem(EcosystemError::Threw { file: file(), line, message }));
    }
    let config = answer.get("config").and_then(Json::as_object).ok_or_else(garbled)?;
    let calls = answer.get("calls").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let said: Vec<Remark> = calls.iter().filter_map(|call| call_left_out(text, call)).collect();
    let whole = text.base()..text.base();
    if config.len() > MOST_ENVIRONMENTS {
        let problem = Problem::at(whole, format!("more than {MOST_ENVIRONMENTS} environments"));
        return Err(Unread::Problem(problem));
    }
    let (none, places) = (Map::new(), places(&text.text));
    let table = |name: &str| config.get(name).and_then(Json::as_object).unwrap_or(&none);
    let names = config.keys().filter(|name| *name != "default");
    let targets = names.map(|name| {
        let reader = Reader { text, places: &places, name, own: table(name), common: table("default") };
        reader.target(&said)
    });
    section(&[text], targets.collect(), &whole)
}

/// A call on shipit; none: `require('shipit-deploy')`, whose work shipit does.
fn call_left_out(text: &Text, call: &Json) -> Option<Remark> {
    let word = |key: &str| call.get(key).and_then(Json::as_str).unwrap_or_default();
    if word("call") == "require" && ["shipit-deploy", "shipit-shared"].contains(&word("name")) {
        return None;
    }
    let line = call.get("line").and_then(Json::as_u64);
    let name = file_name(text);
    let place = line.map_or(name.clone(), |line| format!("{name}:{line}"));
    // Any other argument may hold a secret.
    let plain = |c: char| c.is_alphanumeric() || "-_:./@".contains(c);
    let named = NAMING.contains(&word("call")) && word("name").chars().all(plain);
    let argument = if named { word("name") } else { "" };
    Some(left_out_as(place, format!("{} {argument}", word("call")).trim()))
}

fn file_name(text: &Text) -> String {
    let name = text.file.as_deref().and_then(std::path::Path::file_name).unwrap_or_default();
    name.to_string_lossy().into_owned()
}

struct Reader<'a> {
    text: &'a Text,
    places: &'a [Place],
    name: &'a str,
    own: &'a Map<String, Json>,
    common: &'a Map<String, Json>,
}

impl Reader<'_> {
    /// A value with its place in the text; shipit-js lays an environment over `default`, key by key.
    fn value(&self, key: &str) -> Option<(&Json, Span)> {
        let own = self.own.get(key).map(|value| (value, self.name));
        let (value, table) = own.or_else(|| Some((self.common.get(key)?, "default")))?;
        Some((value, self.span(&[table, key])))
    }

    fn span(&self, path: &[&str]) -> Span {
        let found = find(self.places, path).map_or(0..0, |place| place.key.start..place.value.end);
        self.text.base() + found.start..self.text.base() + found.end
    }

    /// A key that is not taken over; the text may come from another file, and not hold it.
    fn left_out(&self, path: &[&str], key: &str, around: &str) -> Remark {
        match find(self.places, path) {
            Some(found) => {
                let base = self.text.base();
                let span = base + found.key.start..base + found.key.end;
                left_out_as(place(self.text, &span), &format!("{around}: {key}"))
            }
            None => left_out_as(file_name(self.text), &format!("{around}: {key}")),
        }
    }

    fn target(&self, said: &[Remark]) -> Target {
        let mut target = Target { name: self.name.to_owned(), remarks: said.to_vec(), ..Target::default() };
        for (table, name) in [(self.common, "default"), (self.own, self.name)] {
            let others = table.keys().filter(|key| !is_taken_over(key));
            target.remarks.extend(others.map(|key| self.left_out(&[name, key.as_str()], key, name)));
        }
        target.repo = self.string("repositoryUrl", &mut target.problems);
        target.path = self.string("deployTo", &mut target.problems);
        target.branch = self.string("branch", &mut target.problems);
        let at = self.span(&[self.name]);
        target.span = at.clone();
        if target.branch.is_none() && self.value("branch").is_none() {
            target.branch = Some(text_node("master", &at));
        }
        let key = self.key(&mut target);
        target.keep = self.value("keepReleases").and_then(|(value, span)| match value.as_i64() {
            Some(keep) => Some(node(Value::Integer(keep), &span)),
            None => {
                let problem = Problem::at(span, "`keepReleases` is no number");
                target.problems.push(problem.help("write a number, and import again"));
                None
            }
        });
        self.hosts(&mut target, key.as_ref());
        self.shared(&mut target);
        target
    }

    fn string(&self, key: &str, problems: &mut Vec<Problem>) -> Option<Node> {
        let (value, span) = self.value(key)?;
        if let Some(text) = value.as_str() {
            return Some(text_node(text, &span));
        }
        let help = "write a text, and import again";
        problems.push(Problem::at(span, format!("`{key}` is no text")).help(help));
        None
    }

    fn key(&self, target: &mut Target) -> Option<Node> {
        self.string("key", &mut target.problems)
    }

    fn hosts(&self, target: &mut Target, key: Option<&Node>) {
        let Some((servers, span)) = self.value("servers") else { return };
        let one = std::slice::from_ref(servers);
        if servers.as_array().is_some_and(|servers| servers.len() > MOST_ITEMS) {
            target.problems.push(Problem::at(span, format!("more than {MOST_ITEMS} hosts")));
            return;
        }
        for server in servers.as_array().map_or(one, Vec::as_slice) {
            match host(server, &span, key) {
                Some(host) => target.hosts.push(host),
                None => {
                    let problem = Problem::at(
                        span.clone(),
                        "a host in `servers` is neither a text nor an object with `host`",
                    );
                    target.problems.push(problem.help("write its name, and import again"));
                }
            }
            let pairs = server.as_object().into_iter().flatten();
            for (other, _) in pairs.filter(|(key, value)| !is_of_host(key, value)) {
                target.remarks.push(left_out_as(place(self.text, &span), &format!("servers: {other}")));
            }
        }
    }

    fn shared(&self, target: &mut Target) {
        let Some((value, span)) = self.value("shared") else { return };
        let empty = Map::new();
        let mut whole = value.is_object();
        let mut lists = [Vec::new(), Vec::new()];
        for (key, value) in value.as_object().unwrap_or(&empty) {
            let at = match key.as_str() {
                "files" => 0,
                "dirs" => 1,
                other => {
                    whole &= other == "overwrite";
                    continue;
                }
            };
            let one = std::slice::from_ref(value);
            for item in value.as_array().map_or(one, Vec::as_slice) {
                // An entry may be a table with its path.
                let path = item.as_str().or_else(|| item.get("path")?.as_str());
                let mut keys = item.as_object().into_iter().flat_map(Map::keys);
                whole &= path.is_some() && keys.all(|key| key == "path" || key == "overwrite");
                lists[at].extend(path.map(|path| text_node(path, &span)));
            }
        }
        if !whole {
            let what = "shared: what is more than files and dirs";
            target.remarks.push(left_out_as(place(self.text, &span), what));
        }
        let [files, directories] = lists;
        target.shared = shared(files, directories);
    }
}

/// Whether a key of a host has a value that is taken over.
fn is_of_host(key: &str, value: &Json) -> bool {
    match key {
        "host" | "user" => value.is_string(),
        "port" => port(value).is_some(),
        "role" | "roles" => roles(value).is_some(),
        _ => false,
    }
}

fn port(value: &Json) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn roles(value: &Json) -> Option<Vec<&str>> {
    match value {
        Json::Array(roles) => roles.iter().map(Json::as_str).collect(),
        role => Some(vec![role.as_str()?]),
    }
}

fn is_taken_over(key: &str) -> bool {
    // The workspace is where shipit-js clones on the operator's machine, which nothing does here.
    const KEYS: [&str; 10] = [
        "servers",
        "deployTo",
        "repositoryUrl",
        "branch",
        "keepReleases",
        "key",
        "shared",
        "workspace",
        "keepWorkspace",
        "shallowClone",
    ];
    KEYS.contains(&key)
}

fn host(server: &Json, span: &Span, key: Option<&Node>) -> Option<Host> {
    let text = |name: &str| server.get(name).and_then(Json::as_str);
    let whole = server.as_str().or_else(|| text("host"))?;
    let mut host = Host::of(whole, span);
    host.user = host.user.or_else(|| text("user").map(|user| text_node(user, span)));
    host.port =
        host.port.or_else(|| server.get("port").and_then(port).map(|port| node(Value::Integer(port), span)));
    host.key = key.cloned();
    let named = server.get("role").or_else(|| server.get("roles")).and_then(roles).unwrap_or_default();
    host.roles = named.into_iter().map(|role| text_node(role, span)).collect();
    Some(host)
}
