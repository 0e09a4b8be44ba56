//! What a file names, as it is written: for the completion of command lines, which must be quick, run nothing and
//! contact nobody. Nothing is checked; what cannot be understood is left out.

use std::path::Path;

use super::document;
use super::error::ConfigError;
use super::file::{Node, Table, Value};
use super::host_name;

/// The names in a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outline {
    /// Each environment with its hosts, in the order of the file, ranges expanded.
    pub environments: Vec<(String, Vec<String>)>,
    /// The names of `[apps]`.
    pub apps: Vec<String>,
}

impl Outline {
    /// Of the file's text. Hosts that a command would print are not among them.
    ///
    /// # Errors
    /// When the file cannot be read, or is no TOML.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let document = document::read(file, &[])?;
        let mut outline = Outline::default();
        let mut common = Vec::new();
        for table in &document.tables {
            outline.add(table);
            let hosts = below(table, "defaults").map(hosts).unwrap_or_default();
            common = if hosts.is_empty() { common } else { hosts };
        }
        let without = outline.environments.iter_mut().filter(|(_, hosts)| hosts.is_empty());
        without.for_each(|(_, hosts)| hosts.clone_from(&common));
        Ok(outline)
    }

    // What one file says, over what weaker ones said.
    fn add(&mut self, table: &Table) {
        for (name, own) in tables(below(table, "deploy")) {
            let at = self.environments.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
                self.environments.push((name.clone(), Vec::new()));
                self.environments.len() - 1
            });
            let hosts = hosts(own);
            if !hosts.is_empty() {
                self.environments[at].1 = hosts;
            }
        }
        let apps = tables(below(table, "apps")).map(|(name, _)| name.clone());
        let new: Vec<String> = apps.filter(|name| !self.apps.contains(name)).collect();
        self.apps.extend(new);
    }
}

fn below<'a>(table: &'a Table, key: &str) -> Option<&'a Table> {
    table.get(key).and_then(|entry| entry.node.as_table().ok())
}

fn tables(of: Option<&Table>) -> impl Iterator<Item = (&String, &Table)> {
    let entries = of.into_iter().flat_map(|table| &table.entries);
    entries.filter_map(|entry| Some((&entry.key, entry.node.as_table().ok()?)))
}

fn hosts(table: &Table) -> Vec<String> {
    let entry = table.get("host").or_else(|| table.get("hosts"));
    let items = entry.into_iter().flat_map(|entry| entry.node.items());
    let mut names: Vec<String> = items.flat_map(host).collect();
    names.dedup();
    names
}

fn host(node: &Node) -> Vec<String> {
    match &node.value {
        Value::Text(text) => {
            let address = host_name::parse(text).ok();
            address.and_then(|address| host_name::expand(address.name).ok()).unwrap_or_default()
        }
        Value::Table(table) => hosts(table),
        _ => Vec::new(),
    }
}
