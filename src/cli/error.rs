//! Why the program ends before it begins: the help, or a mistake in the command line.

/// Why the program ends before it begins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct CliError {
    /// For an error: what is wrong and what to type, without `error: ` in front. Else the help or the version.
    pub text: String,
    /// 0: `text` was asked for and belongs on standard output. 2: it is an error.
    pub exit: u8,
}

impl CliError {
    pub(super) fn usage(text: impl Into<String>) -> Self {
        CliError { text: text.into(), exit: 2 }
    }
}

/// In quotes, cut, and without anything that acts on a terminal.
pub(super) fn quoted(word: &str) -> String {
    format!("`{}`", crate::report::clean::line(word.as_bytes(), 60))
}
