//! Tables over one another: defaults, environment, host, `--set`. The strongest that has a key decides.
//!
//! Weaker values are read too, so that a mistake in them is reported even where it is overridden.

use super::document::Document;
use super::file::{Entry, Node, Table};
use super::keys::{self, Place, Scope};
use super::problem::{Problem, Problems};

#[derive(Clone, Default)]
pub(super) struct Layers<'a> {
    /// Weakest first, each with the name it has in the file.
    tables: Vec<(&'a Table, String)>,
    /// `--set`: stays above all others.
    over: Vec<(&'a Table, String)>,
}

impl<'a> Layers<'a> {
    pub fn push(&mut self, table: &'a Table, name: impl Into<String>) {
        self.tables.push((table, name.into()));
    }

    pub fn push_over(&mut self, table: &'a Table, name: impl Into<String>) {
        self.over.push((table, name.into()));
    }

    /// These, under the table of a host.
    pub fn with<'b>(&self, table: &'b Table) -> Layers<'b>
    where
        'a: 'b,
    {
        let mut layers: Layers<'b> = Layers { tables: self.tables.clone(), over: self.over.clone() };
        layers.push(table, "hosts");
        layers
    }

    /// Weakest first.
    pub fn tables(&self) -> impl Iterator<Item = (&'a Table, &str)> {
        self.tables.iter().chain(&self.over).map(|(table, name)| (*table, name.as_str()))
    }

    /// Those that are an app's own.
    pub fn of_app(&self, environment: &str, app: &str) -> Layers<'a> {
        let own = [format!("apps.{app}"), format!("deploy.{environment}.apps.{app}")];
        let mut layers = self.clone();
        layers.tables.retain(|(_, name)| own.contains(name));
        layers.over.retain(|(_, name)| own.contains(name));
        layers
    }

    /// Whether `--set` gives the key.
    pub fn is_set(&self, key: &str) -> bool {
        self.over.iter().any(|(table, _)| table.get(key).is_some())
    }

    /// The strongest entry of that key.
    pub fn entry(&self, key: &str) -> Option<&'a Entry> {
        self.tables().filter_map(|(table, _)| table.get(key)).last()
    }

    /// The strongest value of that key.
    pub fn last<T>(
        &self,
        key: &str,
        problems: &mut Problems,
        read: impl Fn(&Node) -> Result<T, Problem>,
    ) -> Option<T> {
        let mut last = None;
        for (table, _) in self.tables() {
            if let Some(entry) = table.get(key)
                && let Some(value) = problems.keep(read(&entry.node))
            {
                last = Some(value);
            }
        }
        last
    }
}

impl Layers<'_> {
    /// The strongest value of that key, else its default.
    pub fn value<T: Default>(
        &self,
        scope: Scope,
        key: &str,
        read: impl Fn(&Node) -> Result<T, Problem>,
        problems: &mut Problems,
    ) -> T {
        self.last(key, problems, &read).unwrap_or_else(|| keys::default(scope, key, read))
    }
}

impl<'a> Layers<'a> {
    /// The tables of that key, over one another like those they stand in.
    pub fn inner(&self, key: &str, scope: Scope, problems: &mut Problems) -> Layers<'a> {
        let mut inner = Layers::default();
        for (table, name) in self.tables() {
            if let Some(table) = table.get(key).and_then(|entry| problems.keep(entry.node.as_table())) {
                let place = Place { name: format!("{name}.{key}"), parent: name.to_owned() };
                keys::check(table, scope, &place, problems);
                inner.push(table, place.name);
            }
        }
        inner
    }
}

impl Document {
    /// The tables that the environment is made of. [`Document::environment`] reports values that should be tables.
    pub(super) fn layers<'a>(&'a self, name: &str, over: &'a Table) -> Layers<'a> {
        self.layers_with(name, None, over)
    }

    /// The same with the tables of an app among them.
    pub(super) fn layers_with<'a>(&'a self, name: &str, app: Option<&str>, over: &'a Table) -> Layers<'a> {
        let mut layers = Layers::default();
        let of_app =
            |table: &'a Table| table.get("apps")?.node.as_table().ok()?.get(app?)?.node.as_table().ok();
        for table in &self.tables {
            if let Some(defaults) = table.get("defaults").and_then(|entry| entry.node.as_table().ok()) {
                layers.push(defaults, "defaults");
            }
            if let (Some(app), Some(of_app)) = (app, of_app(table)) {
                layers.push(of_app, format!("apps.{app}"));
            }
            if let Some(own) = own_entry(table, name).and_then(|entry| entry.node.as_table().ok()) {
                layers.push(own, format!("deploy.{name}"));
                if let (Some(app), Some(of_app)) = (app, of_app(own)) {
                    layers.push(of_app, format!("deploy.{name}.apps.{app}"));
                }
            }
        }
        if !over.entries.is_empty() {
            layers.push_over(over, format!("deploy.{name}"));
        }
        if let (Some(app), Some(of_app)) = (app, of_app(over)) {
            layers.push_over(of_app, format!("deploy.{name}.apps.{app}"));
        }
        layers
    }
}

/// The environment's table in one file.
pub(super) fn own_entry<'a>(document: &'a Table, name: &str) -> Option<&'a Entry> {
    document.get("deploy").and_then(|entry| entry.node.as_table().ok())?.get(name)
}
