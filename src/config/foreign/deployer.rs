//! What Deployer's files say, whether YAML or PHP: for all hosts, and for each.

use std::cell::Cell;
use std::rc::Rc;

use super::model::{Host, MOST_ITEMS, node, not_plain, text_node};
use crate::config::file::{Entry, Node, Table, Value};
use crate::config::pm2::Remark;
use crate::config::problem::{Problem, Span};
use crate::config::sources::Text;

/// Longer texts are no setting.
const LONGEST: usize = 4096;
/// Values that are replaced in one text, those in replaced ones counted.
const REPLACED: usize = 64;

/// Lists of paths.
pub(super) const LISTS: [&str; 2] = ["shared_files", "shared_dirs"];

/// What is set for all hosts, or for one.
#[derive(Clone, Default)]
pub(super) struct Part {
    pub entries: Vec<Entry>,
    /// What is set to something that PHP would have to work out.
    pub unread: Vec<(String, Span)>,
}

/// One host; its alias is its name where no other is given.
pub(super) struct Machine {
    pub alias: Node,
    pub part: Rc<Part>,
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

    /// Unless something is set after it that PHP would have to work out.
    pub fn plain(&self, key: &str) -> Option<&Node> {
        self.get(key).filter(|_| self.unread(key).is_none()).map(|entry| &entry.node)
    }

    fn unread(&self, key: &str) -> Option<&Span> {
        self.unread.iter().find(|(unread, _)| unread == key).map(|(_, span)| span)
    }

    pub fn set(&mut self, key: &str, node: Node) {
        self.unread.retain(|(unread, _)| unread != key);
        self.entries.retain(|entry| entry.key != key);
        self.entries.push(Entry { key: key.to_owned(), key_span: node.span.clone(), node });
    }

    pub fn set_unread(&mut self, key: &str, span: Span) {
        self.entries.retain(|entry| entry.key != key);
        self.unread.retain(|(unread, _)| unread != key);
        self.unread.push((key.to_owned(), span));
    }

    /// More items of a list; none of them is lost where what is there is no list. False: they would be too many.
    pub fn add(&mut self, key: &str, node: &Node, parent: Option<&Part>) -> bool {
        let before = self.get(key).or_else(|| parent?.get(key)).map(|entry| entry.node.items());
        let before = before.unwrap_or_default();
        if before.len() + node.items().len() > MOST_ITEMS {
            return false;
        }
        let items = [before, node.items()].concat();
        self.set(key, Node { value: Value::List(items), span: node.span.clone() });
        true
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
pub(super) struct Effective<'a> {
    pub config: &'a Part,
    pub machine: &'a Machine,
    /// Values that may still be replaced.
    pub left: &'a Cell<usize>,
    pub problems: Vec<Problem>,
}

impl Effective<'_> {
    /// What the host says, else what is said for all; the error is where it is no plain value.
    fn found(&self, key: &str) -> Result<Option<&Node>, &Span> {
        for part in [&self.machine.part, self.config] {
            if let Some(span) = part.unread(key) {
                return Err(span);
            }
            if let Some(entry) = part.get(key) {
                return Ok(Some(&entry.node));
            }
        }
        Ok(None)
    }

    fn node(&mut self, key: &str) -> Option<Node> {
        match self.found(key) {
            Ok(node) => node.cloned(),
            Err(span) => {
                let problem = not_plain(span, key, "PHP");
                self.problems.push(problem);
                None
            }
        }
    }

    pub fn text(&mut self, key: &str) -> Option<Node> {
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

    pub fn number(&mut self, key: &str) -> Option<Node> {
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

    pub fn texts(&mut self, key: &str) -> Vec<Node> {
        // What is not plain is named where it stands.
        let Ok(Some(found)) = self.found(key).map(|found| found.cloned()) else { return Vec::new() };
        let mut texts = Vec::new();
        if found.items().len() > MOST_ITEMS {
            self.problems.push(found.problem(format!("more than {MOST_ITEMS} values of `{key}`")));
            return texts;
        }
        for item in found.items() {
            match text_of(item).and_then(|text| self.filled(&text)) {
                Some(text) => texts.push(text_node(&text, &item.span)),
                None => {
                    self.problems.push(item.expected("a string"));
                    break;
                }
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
            self.left.set(self.left.get().checked_sub(1)?);
            text = format!("{before}{}{after}", self.named(name.trim())?);
        }
        None
    }

    fn named(&self, name: &str) -> Option<String> {
        match (name, self.found(name).ok()?) {
            ("alias", _) | ("hostname", None) => text_of(&self.machine.alias),
            (_, found) => text_of(found?),
        }
    }

    fn labels(&self) -> Option<&Table> {
        self.found("labels").ok()??.as_table().ok()
    }

    pub fn stage(&self) -> Option<String> {
        let label = self.labels().and_then(|labels| labels.get("stage").or_else(|| labels.get("env")));
        let own = self.machine.part.get("stage").or(label);
        own.and_then(|entry| text_of(&entry.node))
    }

    pub fn host(&mut self) -> Host {
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
