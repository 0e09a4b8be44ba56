//! A configuration of another tool as the text of a `shipit.toml`: what reading it directly means, with comments on what is
//! different.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::document::Document;
use super::file::{Entry, Node, Table, Value, quoted};
use super::keys::Scope;
use super::layers::own_entry;
use super::plain_secret::looks_secret;

/// What stands above the first table.
const HEAD: &str = "\
# What is better from now on:
#  - each deploy is a release of its own, and `current` is switched when all hosts are ready: nothing changes under what runs
#  - if one host fails, all hosts return to the release before; `revert` needs no network
#  - hooks are taken literally: quotes, newlines and $ arrive on the host as they stand
#  - two deploys at once are refused; a mistyped command deploys nothing
";

/// The same for a tool that makes releases, too.
const HEAD_OF_OTHERS: &str = "\
# What is different from now on:
#  - `current` is switched when all hosts have built; if one host fails, all hosts return to the release before
#  - what the other tool did in tasks and plugins is in `build`, `migrate`, `post-deploy` and `supervisor`, once you write them
";

/// What is said of a key where it stands.
const COMMENTS: [(&str, &str); 8] = [
    ("ref", "fetched and resolved once, to one commit for all hosts"),
    ("build", "in the new release; nothing is live yet"),
    ("migrate", "on one host, when all have built"),
    ("post-deploy", "after every switch of current, also of a revert"),
    ("supervisor", "reloaded, and verified to run the new release"),
    ("forward-agent", "true lends the agent to git alone"),
    ("shared", "kept outside of releases; linked into every release"),
    ("pre-deploy-local", "once, not once per host"),
];

impl Document {
    /// The text of a `shipit.toml` that means this; `shared`: paths of each environment that it keeps; `apps`: what a first deploy
    /// does to them, a line each.
    #[must_use]
    pub fn written(&self, shared: &BTreeMap<String, Vec<String>>, apps: &[String]) -> String {
        let name = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let foreign = self.section.as_ref().is_some_and(|section| section.foreign);
        let head = if foreign { HEAD_OF_OTHERS } else { HEAD };
        let mut text = format!(
            "# Written by `shipit import` from {}, which shipit no longer reads.\n{head}",
            comment(&name)
        );
        for remark in self.unplaced() {
            let _ = writeln!(text, "# {}", comment(&remark.to_string()));
        }
        if !apps.is_empty() {
            text.push_str(
                "# Apps, as they were when this was written, and what the first deploy does to each:\n",
            );
            for app in apps {
                let _ = writeln!(text, "#  - {}", comment(app));
            }
        }
        for environment in self.environments() {
            let Some(table) = self.tables.iter().find_map(|table| own_entry(table, &environment)) else {
                continue;
            };
            let Ok(table) = table.node.as_table() else { continue };
            text.push('\n');
            for remark in self.remarks(&environment) {
                let _ = writeln!(text, "# {}", comment(&remark.to_string()));
            }
            let header = key(&environment);
            let _ = writeln!(text, "[deploy.{header}]");
            push_keys(&mut text, table, shared.get(&environment).map_or(&[], Vec::as_slice));
            if let Some(env) = table.get("env").and_then(|entry| entry.node.as_table().ok()) {
                let _ = writeln!(text, "\n[deploy.{header}.env]");
                env.entries.iter().for_each(|entry| push_variable(&mut text, entry));
            }
        }
        text
    }
}

/// In the order of the documents.
fn push_keys(text: &mut String, table: &Table, shared: &[String]) {
    for row in Scope::Environment.keys() {
        if let ("shared", [_, ..]) = (row.name, shared) {
            push_line(text, "shared", &format!("[{}]", with_own(table, shared).join(", ")));
        } else if let Some(entry) = table.get(row.name).filter(|entry| entry.key != "env") {
            push_entry(text, entry);
        }
    }
}

/// What the file itself names, and then what was found; each once.
fn with_own(table: &Table, found: &[String]) -> Vec<String> {
    let own = table.get("shared").map(|entry| entry.node.items()).unwrap_or_default();
    let mut all: Vec<String> = own.iter().map(value).collect();
    for path in found.iter().map(|path| quoted(path)) {
        if !all.contains(&path) {
            all.push(path);
        }
    }
    all
}

fn push_entry(text: &mut String, entry: &Entry) {
    push_line(text, &entry.key, &value(&entry.node));
}

/// A variable of `env`, with the way to keep a secret out of the file.
fn push_variable(text: &mut String, entry: &Entry) {
    if let Value::Text(plain) = &entry.node.value
        && looks_secret(&entry.key, plain)
    {
        let _ = writeln!(
            text,
            "# in plain text; \"${{{}}}\" would take it from your variable",
            comment(&entry.key)
        );
    }
    let _ = writeln!(text, "{} = {}", key(&entry.key), value(&entry.node));
}

fn push_line(text: &mut String, name: &str, value: &str) {
    let said = COMMENTS.iter().find(|(known, _)| *known == name).map(|(_, said)| format!("  # {said}"));
    let _ = writeln!(text, "{} = {value}{}", key(name), said.unwrap_or_default());
}

fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { quoted(name) }
}

fn value(node: &Node) -> String {
    match &node.value {
        Value::Text(text) => quoted(text),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.clone(),
        Value::Flag(flag) => flag.to_string(),
        // No other form has one.
        Value::Date => quoted(""),
        Value::List(items) => format!("[{}]", items.iter().map(value).collect::<Vec<_>>().join(", ")),
        Value::Table(table) => {
            let pairs =
                table.entries.iter().map(|entry| format!("{} = {}", key(&entry.key), value(&entry.node)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A text of one line, in which nothing acts on an editor or a terminal.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
