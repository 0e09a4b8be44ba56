//! The resolved configuration as TOML: `config`. One line per value, so that it can be searched and read again; secrets are
//! dots, and no command is run and no variable is read for it.
//!
//! Works on the merged tables, not on the resolved structs, so that every value still has its place.

use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use super::document::Document;
use super::error::ConfigError;
use super::file::{Entry, Node, Table, Value, escaped, quoted};
use super::keys::{self, Key, Kind, Scope};
use super::layers::Layers;
use super::nearest::nearest;
use super::resolve::{self, Draft};
use super::{env, values};

/// Instead of a secret.
const DOTS: &str = "\"••••••\"";

/// Lines wider than this do not move the column of the comments.
const COLUMN: usize = 60;

/// One value of a resolved environment.
struct Line {
    /// Dotted, each part as TOML has keys.
    key: String,
    value: String,
    /// Where it comes from.
    origin: String,
}

impl Document {
    /// The environment as TOML, with `origin` in comments; of `key` and what is below it, where one is given. None: it
    /// is not set and has no default.
    ///
    /// # Errors
    /// Mistakes in the environment, and a key that does not exist.
    pub fn show(&self, name: &str, key: Option<&str>, origin: bool) -> Result<Option<String>, ConfigError> {
        let draft = self.draft(name)?;
        let over = self.over(name)?;
        let layers = self.layers(name, &over);
        let lines = self.lines(&layers, self.shown_keys().into_iter());
        let mut of_apps = Vec::new();
        for app in self.apps_of(&draft) {
            let layers = self.layers_with(name, Some(app), &over);
            let mut of_app = self.lines(&layers, Scope::App.keys());
            for line in of_app.iter_mut().filter(|line| line.key == "after") {
                line.value = taken(&layers, &self.apps_of(&draft));
            }
            let named = |line: Line| Line { key: prefix(app) + &line.key, ..line };
            of_apps.extend(of_app.into_iter().map(named));
        }
        let hosts = resolve::host_entry(&layers).filter(|_| matches!(key, Some("host" | "hosts")));
        let Some(key) = hosts.map(|entry| entry.key.as_str()).or(key) else {
            let (names, name) = (names(&draft), quote_key(name));
            let environment = format!("[deploy.{name}]\n{}", written(&lines, origin));
            // Above the table's header, where `apps` is the file's.
            let apps = if of_apps.is_empty() { String::new() } else { written(&of_apps, origin) + "\n" };
            return Ok(Some(format!("{names}{apps}{environment}")));
        };
        let is_below = |line: &str| line == key || line.strip_prefix(key).is_some_and(|r| r.starts_with('.'));
        // `repo` is that of each app.
        let prefixes: Vec<String> = self.apps_of(&draft).into_iter().map(prefix).collect();
        let of_app =
            |line: &Line| prefixes.iter().any(|p| line.key.strip_prefix(p.as_str()).is_some_and(is_below));
        let chosen = lines.into_iter().filter(|line| is_below(&line.key));
        let of_apps = of_apps.into_iter().filter(|line| is_below(&line.key) || of_app(line));
        let chosen: Vec<Line> = chosen.chain(of_apps).collect();
        if !chosen.is_empty() {
            return Ok(Some(written(&chosen, origin)));
        }
        known(key).map(|()| None)
    }

    /// Of the environment; what its apps have is shown with each of them.
    fn shown_keys(&self) -> Vec<&'static Key> {
        let of_apps = self.has_apps();
        let own = |key: &&Key| !of_apps || !key.scopes.contains(&Scope::App);
        Scope::Environment.keys().filter(own).filter(|key| key.kind != Kind::Apps).collect()
    }

    fn has_apps(&self) -> bool {
        !self.app_names().is_empty()
    }

    fn apps_of<'a>(&self, draft: &'a Draft) -> Vec<&'a str> {
        let apps = if self.has_apps() { draft.environment.apps.as_slice() } else { &[] };
        apps.iter().map(|app| app.name.as_str()).collect()
    }

    fn lines(&self, layers: &Layers<'_>, shown: impl Iterator<Item = &'static Key>) -> Vec<Line> {
        let mut lines = Vec::new();
        let hosts = resolve::host_entry(layers).map(|entry| entry.key.as_str());
        for key in shown {
            let name = key.name;
            match key.kind {
                // Two names of one key: the strongest counts.
                Kind::Hosts if hosts != Some(name) => {}
                Kind::Env | Kind::Files => self.merged(name, layers, None, &mut lines),
                Kind::Table(scope) if scope.is_merged() => {
                    self.merged(name, layers, Some(scope), &mut lines);
                }
                kind => match layers.entry(name) {
                    Some(entry) => self.entry(name, &entry.node, kind == Kind::Secret, &mut lines),
                    None => lines.extend(default(name.to_owned(), key)),
                },
            }
        }
        lines
    }

    /// Tables that lie over one another key by key.
    fn merged(&self, key: &str, layers: &Layers<'_>, scope: Option<Scope>, lines: &mut Vec<Line>) {
        let mut entries: Vec<&Entry> = Vec::new();
        for table in layers.tables().filter_map(|(table, _)| table.get(key)?.node.as_table().ok()) {
            for entry in &table.entries {
                match entries.iter_mut().find(|known| known.key == entry.key) {
                    Some(known) => *known = entry,
                    None => entries.push(entry),
                }
            }
        }
        // In the order of their rows, where they have any.
        for row in scope.into_iter().flat_map(Scope::keys) {
            let path = format!("{key}.{}", row.name);
            match entries.iter().position(|entry| entry.key == row.name) {
                Some(at) => self.entry(&path, &entries.remove(at).node, false, lines),
                None => lines.extend(default(path, row)),
            }
        }
        for entry in entries {
            let path = format!("{key}.{}", quote_key(&entry.key));
            self.entry(&path, &entry.node, key == "env" && env::is_secret(&entry.node), lines);
        }
    }

    fn entry(&self, path: &str, node: &Node, secret: bool, lines: &mut Vec<Line>) {
        match &node.value {
            Value::Table(table) if !secret && !table.entries.is_empty() => {
                for entry in &table.entries {
                    self.entry(&format!("{path}.{}", quote_key(&entry.key)), &entry.node, false, lines);
                }
            }
            _ => {
                let value = if secret { DOTS.to_owned() } else { toml(node, false) };
                lines.push(Line { key: path.to_owned(), value, origin: self.origin(node) });
            }
        }
    }

    fn origin(&self, node: &Node) -> String {
        let text = self.sources.of(&node.span);
        let mut origin = match &text.file {
            Some(file) => format!("{}:{}", relative(file, self.root()).display(), text.line(&node.span)),
            None => text.name.clone(),
        };
        match &node.value {
            Value::Text(text) if env::is_secret(node) => {
                let _ = write!(origin, ", from {}", env::variables(text).join(" and "));
            }
            Value::Table(table) if table.get("command").is_some() => {
                origin.push_str(", printed by a command")
            }
            _ => {}
        }
        origin.replace(char::is_control, "\u{fffd}")
    }
}

/// The prefix of the keys of an app.
fn prefix(app: &str) -> String {
    format!("apps.{}.", quote_key(app))
}

/// `after`, reduced to the apps of the environment: it waits for no other.
fn taken(layers: &Layers<'_>, apps: &[&str]) -> String {
    let nodes = layers.entry("after").map(|entry| entry.node.items()).unwrap_or_default();
    let names =
        nodes.iter().filter_map(|node| values::any_text(node).ok()).filter(|name| apps.contains(name));
    format!("[{}]", names.map(quoted).collect::<Vec<_>>().join(", "))
}

/// Which hosts these are, as a comment.
fn names(draft: &Draft) -> String {
    let mut names: Vec<&str> = draft.environment.hosts.iter().map(|host| host.name.as_str()).collect();
    if !draft.host_commands.is_empty() {
        names.push("and those that a command prints");
    }
    format!("# on {}\n", names.join(", "))
}

fn default(path: String, key: &Key) -> Option<Line> {
    let value = key.default()?.to_owned();
    Some(Line { key: path, value, origin: "default".to_owned() })
}

/// Whether there could be such a key; else the nearest one is named.
fn known(key: &str) -> Result<(), ConfigError> {
    let nested: Vec<String> = keys::nested().map(|(path, _)| path).collect();
    let path: Vec<&str> = key.split('.').collect();
    if key.starts_with("env.") || key.starts_with("apps.") || keys::at(&path).is_some() {
        return Ok(());
    }
    let nearest = nearest(key, nested.iter().map(String::as_str)).map(str::to_owned);
    Err(ConfigError::NoSuchKey { key: key.to_owned(), nearest })
}

/// As lines `key = value`, with where they come from in a column of comments.
fn written(lines: &[Line], origin: bool) -> String {
    let mut text = String::new();
    let width = |line: &Line| line.key.chars().count() + 3 + line.value.chars().count();
    let column = lines.iter().map(width).filter(|width| *width <= COLUMN).max().unwrap_or(0);
    for line in lines {
        let Line { key, value, origin: from } = line;
        let _ = write!(text, "{key} = {value}");
        if origin {
            let _ = write!(text, "{:blanks$}  # {from}", "", blanks = column.saturating_sub(width(line)));
        }
        text.push('\n');
    }
    text
}

fn toml(node: &Node, in_line: bool) -> String {
    match &node.value {
        Value::Text(text) if text.contains('\n') && !in_line => {
            format!("\"\"\"\n{}\"\"\"", escaped(text).replace("\\n", "\n"))
        }
        Value::Text(text) => quoted(text),
        Value::Integer(integer) => integer.to_string(),
        Value::Float(float) => float.clone(),
        Value::Flag(flag) => flag.to_string(),
        // No key takes one: it was refused before.
        Value::Date => String::new(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| toml(item, true)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Table(table) => inline_table(table),
    }
}

fn inline_table(table: &Table) -> String {
    let entry = |entry: &Entry| {
        let value = match &entry.node.value {
            Value::Table(inner) if entry.key == "env" => dotted_env(inner),
            _ => toml(&entry.node, true),
        };
        format!("{} = {value}", quote_key(&entry.key))
    };
    let entries: Vec<String> = table.entries.iter().map(entry).collect();
    if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) }
}

/// `env` of one host.
fn dotted_env(table: &Table) -> String {
    let value = |node: &Node| if env::is_secret(node) { DOTS.to_owned() } else { toml(node, true) };
    let entry = |entry: &Entry| format!("{} = {}", quote_key(&entry.key), value(&entry.node));
    format!("{{ {} }}", table.entries.iter().map(entry).collect::<Vec<_>>().join(", "))
}

fn quote_key(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    if bare { key.to_owned() } else { quoted(key) }
}

/// `file` from `directory`, as one would type it.
fn relative(file: &Path, directory: &Path) -> PathBuf {
    let same = |(one, other): &(Component<'_>, Component<'_>)| one == other;
    let common = file.components().zip(directory.components()).take_while(same).count();
    let ups = directory.components().skip(common).map(|_| Component::ParentDir);
    ups.chain(file.components().skip(common)).collect()
}
