//! Finding rows: of a table, at a dotted path, and the default that one gives.

use super::super::file::{self, Node};
use super::super::problem::Problem;
use super::key::{Key, Kind, Scope};
use super::{inner, table};

impl Scope {
    /// The rows of the keys of the table.
    pub fn keys(self) -> impl Iterator<Item = &'static Key> {
        table::KEYS.iter().chain(inner::KEYS).filter(move |key| key.scopes.contains(&self))
    }

    /// The row of a key.
    pub fn key(self, name: &str) -> Option<&'static Key> {
        self.keys().find(|key| key.name == name)
    }

    /// Whether tables of several layers are merged key by key, where others are replaced as a whole.
    pub fn is_merged(self) -> bool {
        matches!(self, Scope::Timeout | Scope::Rollout)
    }
}

/// The default of a key, read like a value of the file.
pub(in crate::config) fn default<T: Default>(
    scope: Scope,
    name: &str,
    read: impl Fn(&Node) -> Result<T, Problem>,
) -> T {
    let default = scope.key(name).and_then(Key::default);
    let text = default.map(|default| format!("{name} = {default}")).unwrap_or_default();
    let table = file::parse(&text, 0).ok();
    let entry = table.as_ref().and_then(|table| table.get(name));
    // Without a default nothing is on; a test reads all that there are.
    entry.and_then(|entry| read(&entry.node).ok()).unwrap_or_default()
}

/// The row at a dotted path in an environment: `timeout.hook`, `apps.api.ref`.
pub(in crate::config) fn at(path: &[&str]) -> Option<&'static Key> {
    below(Scope::Environment, path)
}

fn below(scope: Scope, path: &[&str]) -> Option<&'static Key> {
    let (first, rest) = path.split_first()?;
    let key = scope.key(first)?;
    match (key.kind, rest) {
        (_, []) => Some(key),
        (Kind::Table(inner), rest) => below(inner, rest),
        (Kind::Supervisors, rest) => below(Scope::Supervisor, rest),
        (Kind::Apps, [_, rest @ ..]) => below(Scope::App, rest),
        (Kind::Files, [_, rest @ ..]) => below(Scope::SentFile, rest),
        _ => None,
    }
}

/// All keys of an environment with their dotted paths, those of its tables after the table.
pub(in crate::config) fn nested() -> impl Iterator<Item = (String, &'static Key)> {
    Scope::Environment.keys().flat_map(|key| {
        let inner = match key.kind {
            Kind::Table(scope) => scope.keys().collect(),
            Kind::Supervisors => Scope::Supervisor.keys().collect(),
            _ => Vec::new(),
        };
        let inner = inner.into_iter().map(|inner| (format!("{}.{}", key.name, inner.name), inner));
        std::iter::once((key.name.to_owned(), key)).chain(inner)
    })
}
