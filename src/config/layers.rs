//! Tables over one another: defaults, environment, host, `--set`. The strongest that has a key decides.
//!
//! Weaker values are read too, so that a mistake in them is told even where it is overridden.

use super::diagnostic::{Problem, Problems};
use super::file::{Entry, Node, Table};

#[derive(Clone, Default)]
pub(super) struct Layers<'a> {
    /// Weakest first, each with the name it has in the file.
    tables: Vec<(&'a Table, String)>,
    /// `--set`: stays above all others.
    over: Option<(&'a Table, String)>,
}

impl<'a> Layers<'a> {
    pub fn push(&mut self, table: &'a Table, name: impl Into<String>) {
        self.tables.push((table, name.into()));
    }

    pub fn push_over(&mut self, table: &'a Table, name: impl Into<String>) {
        self.over = Some((table, name.into()));
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

    /// Whether `--set` gives the key.
    pub fn is_set(&self, key: &str) -> bool {
        self.over.as_ref().is_some_and(|(table, _)| table.get(key).is_some())
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
