//! What a file names, as it is written: for the completion of command lines, which must be quick, run nothing and
//! contact no host. Nothing is checked; what cannot be understood is ignored.

use std::path::Path;

use super::error::ConfigError;
use super::file::{Node, Table, Value};
use super::{document, host_name, resolve, values};

/// The names in a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outline {
    /// Each environment with its hosts, in the order of the file, ranges expanded.
    pub environments: Vec<(String, Vec<String>)>,
    /// The names of `[apps]`.
    pub apps: Vec<String>,
    /// Of all hosts, each once.
    pub roles: Vec<String>,
}

impl Outline {
    /// Of the text of the file and of those that it extends. Hosts that a command would print are not among them.
    ///
    /// # Errors
    /// When one cannot be read, or is no TOML.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let document = document::read(file, &[])?;
        let none = Table { entries: Vec::new(), span: 0..0, header: false };
        let environment = |name: String| {
            let entry = resolve::host_entry(&document.layers(&name, &none));
            let hosts = entry.map(|entry| names(&entry.node)).unwrap_or_default();
            (name, hosts)
        };
        let mut roles: Vec<String> = Vec::new();
        for name in document.environments() {
            if let Some(entry) = resolve::host_entry(&document.layers(&name, &none)) {
                roles.extend(entry.node.items().iter().flat_map(roles_of));
            }
        }
        roles.sort();
        roles.dedup();
        Ok(Self {
            environments: document.environments().into_iter().map(environment).collect(),
            apps: document.app_names().into_iter().map(str::to_owned).collect(),
            roles,
        })
    }
}

fn roles_of(node: &Node) -> Vec<String> {
    let entry = node.as_table().ok().and_then(|table| table.get("roles"));
    entry.and_then(|entry| values::roles(&entry.node).ok()).unwrap_or_default()
}

fn names(node: &Node) -> Vec<String> {
    let mut names: Vec<String> = node.items().iter().flat_map(host).collect();
    names.dedup();
    names
}

fn host(node: &Node) -> Vec<String> {
    match &node.value {
        Value::Text(text) => {
            let address = host_name::parse(text).ok();
            address.and_then(|address| host_name::expand(address.name).ok()).unwrap_or_default()
        }
        Value::Table(table) => table.get("host").map(|entry| names(&entry.node)).unwrap_or_default(),
        _ => Vec::new(),
    }
}
