//! Tables over one another: defaults, environment, host. The strongest that has a key decides.
//!
//! Weaker values are read too, so that a mistake in them is told even where it is overridden.

use super::diagnostic::{Problem, Problems};
use super::file::{Node, Table};

#[derive(Clone, Default)]
pub(super) struct Layers<'a> {
    /// Weakest first, each with the name it has in the file.
    tables: Vec<(&'a Table, String)>,
}

impl<'a> Layers<'a> {
    pub fn push(&mut self, table: &'a Table, name: impl Into<String>) {
        self.tables.push((table, name.into()));
    }

    /// These, under the table of a host.
    pub fn with<'b>(&self, table: &'b Table) -> Layers<'b>
    where
        'a: 'b,
    {
        let mut layers: Layers<'b> = Layers { tables: self.tables.clone() };
        layers.push(table, "hosts");
        layers
    }

    pub fn tables(&self) -> impl Iterator<Item = (&'a Table, &str)> {
        self.tables.iter().map(|(table, name)| (*table, name.as_str()))
    }

    /// The strongest value of that key.
    pub fn last<T>(
        &self,
        key: &str,
        problems: &mut Problems,
        read: impl Fn(&Node) -> Result<T, Problem>,
    ) -> Option<T> {
        let mut last = None;
        for (table, _) in &self.tables {
            if let Some(entry) = table.get(key)
                && let Some(value) = problems.keep(read(&entry.node))
            {
                last = Some(value);
            }
        }
        last
    }
}
