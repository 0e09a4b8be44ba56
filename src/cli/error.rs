//! What ends the program before a command starts: the help, the version, or a mistake in the command line.

/// What ends the program before a command starts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct CliError {
    /// For an error: what is wrong and what to type, without `error: `. Else the help or the version.
    pub text: String,
    /// 0: `text` was asked for and belongs on standard output. 2: it is an error.
    pub exit: u8,
}

impl CliError {
    pub(super) fn usage(text: impl Into<String>) -> Self {
        CliError { text: text.into(), exit: 2 }
    }
}

/// In quotes, shortened, and without control characters.
pub(super) fn quoted(word: &str) -> String {
    format!("`{}`", crate::report::clean::line(word.as_bytes(), 60))
}
