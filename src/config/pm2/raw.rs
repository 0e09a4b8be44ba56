//! What a file of pm2's says, before any key of it is understood: one form for JSON, YAML and what node answers.

use crate::config::file::Table;
use crate::config::problem::Span;

/// The whole file.
pub(super) struct Raw {
    pub root: Table,
    /// Keys that are given twice, with the place of the one that is lost.
    pub twice: Vec<(String, Span)>,
    /// Dotted paths of values that are undefined, as a variable that is not set.
    pub undefined: Vec<Vec<String>>,
    /// Names of the operator's variables that the file asked for.
    pub asked: Vec<String>,
    /// Values of `env` may hold `${NAME}` for such a variable; else a `${` in them is no more than that.
    pub has_variables: bool,
}

impl Raw {
    pub fn of(root: Table) -> Self {
        Self { root, twice: Vec::new(), undefined: Vec::new(), asked: Vec::new(), has_variables: false }
    }
}
