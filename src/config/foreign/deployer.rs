//! What Deployer's files say, whether YAML or PHP, as environments: one for each stage, or for hosts that deploy the same.

use super::model::{Host, Target, node, not_plain, shared, taken, text_node};
use crate::config::file::{Entry, Node, Table, Value};
use crate::config::pm2::Remark;
use crate::config::problem::{Problem, Span};
use crate::config::sources::Text;

/// The environment of hosts without a stage.
const USUAL: &str = "production";

/// Longer texts are no setting.
const LONGEST: usize = 4096;
/// Values that are replaced in one text, those in replaced ones counted.
const REPLACED: usize = 64;

/// What is set for all hosts, or for one.
#[derive(Clone, Default)]
pub(super) struct Part {
    pub entries: Vec<Entry>,
    /// What is set to something that PHP would have to work out.
    pub unread: Vec<(String, Span)>,
}

/// One host; its alias is its name where no other is given.
#[derive(Clone)]
pub(super) struct Machine {
    pub alias: Node,
    pub part: Part,
}

/// A whole file.
pub(super) struct Deployer<'a> {
    pub text: &'a Text,
    pub config: Part,
    pub machines: Vec<Machine>,
    pub remarks: Vec<Remark>,
}

/// Keys that are taken over; of others `application` may be named in values.
pub(super) fn is_taken_over(key: &str) -> bool {
    const KEYS: [&str; 15] = [
        "repository",
        "branch",
        "deploy_path",
        "keep_releases",
        "shared_files",
        "shared_dirs",
        "application",
        "hostname",
        "remote_user",
        "port",
        "identity_file",
        "labels",
        "roles",
        "stage",
        "local",
    ];
    KEYS.contains(&key)
}

/// The shared paths of Deployer's own recipes, as its version 7 has them.
pub(super) fn recipe(file: &str) -> Option<(&'static [&'static str], &'static [&'static str])> {
    let name = file.rsplit_once("recipe/")?.1;
    match name.strip_suffix(".php").unwrap_or(name) {
        "common" => Some((&[], &[])),
        "laravel" => Some((&[".env"], &["storage"])),
        "symfony" => Some((&[".env.local"], &["var/log"])),
        "wordpress" => Some((&["wp-config.php"], &["wp-content/uploads"])),
        _ => None,
    }
}

impl Part {
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| entry.key == key)
    }

    pub fn set(&mut self, key: &str, node: Node) {
        self.unread.retain(|(unread, _)| unread != key);
        self.entries.retain(|entry| entry.key != key);
        self.entries.push(Entry { key: key.to_owned(), key_span: node.span.clone(), node });
    }

    pub fn set_unread(&mut self, key: &str, span: Span) {
        self.entries.retain(|entry| entry.key != key);
        self.unread.push((key.to_owned(), span));
    }

    /// More items of a list; none of them is lost where what is there is no list.
    pub fn add(&mut self, key: &str, node: &Node, parent: Option<&Part>) {
        let before = self.get(key).or_else(|| parent?.get(key)).map(|entry| entry.node.items().to_vec());
        let mut items = before.unwrap_or_default();
        items.extend(node.items().iter().cloned());
        self.set(key, Node { value: Value::List(items), span: node.span.clone() });
    }

    /// What a recipe shares, before the file says anything of it.
    pub fn add_recipe(&mut self, paths: (&[&str], &[&str]), span: &Span) {
        for (key, paths) in [("shared_files", paths.0), ("shared_dirs", paths.1)] {
            let items = paths.iter().map(|path| text_node(path, span)).collect();
            self.set(key, node(Value::List(items), span));
        }
    }
}

/// What one host deploys, with what is set for all hosts.
struct Effective<'a> {
    config: &'a Part,
    machine: &'a Machine,
    problems: Vec<Problem>,
}

impl Effective<'_> {
    fn node(&mut self, key: &str) -> Option<Node> {
        let own = &self.machine.part;
        for part in [own, self.config] {
            if let Some((_, span)) = part.unread.iter().find(|(unread, _)| unread == key) {
                self.problems.push(not_plain(span, key, "PHP"));
                return None;
            }
            if let Some(entry) = part.get(key) {
                return Some(entry.node.clone());
            }
        }
        None
    }

    fn text(&mut self, key: &str) -> Option<Node> {
        let found = self.node(key)?;
        let text = text_of(&found).or_else(|| {
            self.problems.push(found.expected("a string"));
            None
        })?;
        let filled = self.filled(&text);
        if filled.is_none() {
            self.problems.push(not_plain(&found.span, key, "PHP"));
        }
        Some(text_node(&filled?, &found.span))
    }

    fn number(&mut self, key: &str) -> Option<Node> {
        let found = self.node(key)?;
        let number = match &found.value {
            Value::Integer(number) => Some(*number),
            Value::Text(text) => text.parse().ok(),
            _ => None,
        };
        if number.is_none() {
            self.problems.push(found.expected("an integer"));
        }
        Some(node(Value::Integer(number?), &found.span))
    }

    fn texts(&mut self, key: &str) -> Vec<Node> {
        // What is not plain is named where it stands.
        let unread = |part: &Part| part.unread.iter().any(|(unread, _)| unread == key);
        if unread(&self.machine.part) || unread(self.config) {
            return Vec::new();
        }
        let Some(found) = self.node(key) else { return Vec::new() };
        let mut texts = Vec::new();
        for item in found.items() {
            match text_of(item).and_then(|text| self.filled(&text)) {
                Some(text) => texts.push(text_node(&text, &item.span)),
                None => self.problems.push(item.expected("a string")),
            }
        }
        texts
    }

    /// With `{{application}}` and the like replaced; none: a value that only PHP knows.
    fn filled(&self, text: &str) -> Option<String> {
        let mut text = text.to_owned();
        for _ in 0..REPLACED {
            if text.len() > LONGEST {
                return None;
            }
            let Some((before, rest)) = text.split_once("{{") else { return Some(text) };
            let (name, after) = rest.split_once("}}")?;
            text = format!("{before}{}{after}", self.named(name.trim())?);
        }
        None
    }

    fn named(&self, name: &str) -> Option<String> {
        let entry = self.machine.part.get(name).or_else(|| self.config.get(name));
        match name {
            "alias" => text_of(&self.machine.alias),
            "hostname" if entry.is_none() => text_of(&self.machine.alias),
            _ => text_of(&entry?.node),
        }
    }

    fn labels(&self) -> Option<&Table> {
        let entry = self.machine.part.get("labels").or_else(|| self.config.get("labels"))?;
        entry.node.as_table().ok()
    }

    fn stage(&self) -> Option<String> {
        let label = self.labels().and_then(|labels| labels.get("stage").or_else(|| labels.get("env")));
        let own = self.machine.part.get("stage").or(label);
        own.and_then(|entry| text_of(&entry.node))
    }

    fn host(&mut self) -> Host {
        let local =
            self.machine.part.get("local").is_some_and(|entry| matches!(entry.node.value, Value::Flag(true)));
        let alias = &self.machine.alias;
        let name = if local { Some(text_node("localhost", &alias.span)) } else { self.text("hostname") };
        let mut host = Host::of("", &alias.span);
        host.name = name.unwrap_or_else(|| alias.clone());
        (host.user, host.port, host.key) =
            (self.text("remote_user"), self.number("port"), self.text("identity_file"));
        host.roles = self.texts("roles");
        let role = self.labels().and_then(|labels| labels.get("role").or_else(|| labels.get("roles")));
        host.roles.extend(role.into_iter().flat_map(|entry| entry.node.items().to_vec()));
        host
    }
}

pub(super) fn text_of(node: &Node) -> Option<String> {
    match &node.value {
        Value::Text(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.clone()),
        _ => None,
    }
}

/// The environments of a file.
pub(super) fn targets(file: Deployer<'_>) -> Vec<Target> {
    let Deployer { text, config, machines, mut remarks } = file;
    let mut targets: Vec<(Option<String>, String, Target)> = Vec::new();
    for machine in &machines {
        let mut effective = Effective { config: &config, machine, problems: Vec::new() };
        let mut target = Target {
            repo: effective.text("repository"),
            branch: effective.text("branch"),
            path: effective.text("deploy_path"),
            keep: effective.number("keep_releases"),
            ..Target::default()
        };
        target.shared = shared(effective.texts("shared_files"), effective.texts("shared_dirs"));
        let host = effective.host();
        let stage = effective.stage();
        target.problems = effective.problems;
        usual(&mut target, text, &machine.alias.span, &mut remarks);
        let alias = text_of(&machine.alias).unwrap_or_default();
        let alike = |(known, _, other): &&mut (Option<String>, String, Target)| {
            *known == stage && (stage.is_some() || meaning(other) == meaning(&target))
        };
        match targets.iter_mut().find(alike) {
            Some((_, _, known)) => {
                join(known, target, &machine.alias.span);
                known.hosts.push(host);
            }
            None => {
                target.hosts.push(host);
                targets.push((stage, alias, target));
            }
        }
    }
    named(targets, &remarks)
}

/// What Deployer takes where nothing is said.
fn usual(target: &mut Target, text: &Text, span: &Span, remarks: &mut Vec<Remark>) {
    if target.keep.is_none() {
        target.keep = Some(node(Value::Integer(10), span));
    }
    let unread = target.problems.iter().any(|problem| problem.message.starts_with("`branch`"));
    if target.branch.is_none() && !unread {
        target.branch = Some(text_node("main", span));
        let because = "no branch is set, and Deployer takes the repository's default branch; write its name if it is another";
        let remark = taken(text, span, "branch", "`main`", because);
        if !remarks.iter().any(|known| known.kind == remark.kind) {
            remarks.push(remark);
        }
    }
}

type Meaning = (Option<String>, Option<String>, Option<String>, Option<String>, Vec<Option<String>>);

/// What has to be the same for hosts of one environment.
fn meaning(target: &Target) -> Meaning {
    let text = |node: &Option<Node>| node.as_ref().and_then(text_of);
    let shared = target.shared.iter().map(text_of).collect();
    (text(&target.repo), text(&target.branch), text(&target.path), text(&target.keep), shared)
}

/// Hosts of one stage deploy the same.
fn join(known: &mut Target, other: Target, span: &Span) {
    if meaning(known) != meaning(&other) {
        let problem =
            Problem::at(span.clone(), "this host deploys something else than the one before of its stage");
        known.problems.push(problem.help("give it a label of its own: labels: { stage: … }"));
    }
    known.problems.extend(other.problems);
}

/// Without a stage an environment is `production`, or where there are several, what its first host is called.
fn named(targets: Vec<(Option<String>, String, Target)>, remarks: &[Remark]) -> Vec<Target> {
    let without = targets.iter().filter(|(stage, ..)| stage.is_none()).count();
    let mut names: Vec<String> = Vec::new();
    let mut all = Vec::new();
    for (stage, alias, mut target) in targets {
        let plain = alias.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        let alone = target.hosts.len() == 1 && plain && !target.hosts.iter().all(|host| host.is(&alias));
        let usual = if without > 1 || alone { environment(&alias) } else { USUAL.to_owned() };
        let name = stage.unwrap_or(usual);
        let mut own = name.clone();
        while names.contains(&own) {
            own.push_str("-2");
        }
        names.push(own.clone());
        target.name = own;
        target.remarks = remarks.to_vec();
        all.push(target);
    }
    all
}

fn environment(alias: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '-' };
    alias.chars().map(plain).collect()
}
