//! What a file names, as it is written: for the completion of command lines, which must be quick, run nothing and
//! contact nobody. Nothing is checked; what cannot be understood is left out.

use std::path::Path;

use super::error::ConfigError;
use super::file::{Node, Source, Table, Value};
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
        let document = Source::read(file)?.parse()?;
        let table = |key| document.get(key).and_then(|entry| entry.node.as_table().ok());
        let common = table("defaults").map(hosts).unwrap_or_default();
        let environment = |(name, own): (&String, &Table)| {
            let own = hosts(own);
            (name.clone(), if own.is_empty() { common.clone() } else { own })
        };
        Ok(Self {
            environments: tables(table("deploy")).map(environment).collect(),
            apps: tables(table("apps")).map(|(name, _)| name.clone()).collect(),
        })
    }
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
