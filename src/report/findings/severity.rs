//! How bad a finding is.

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// A deploy would fail.
    Broken,
    /// A deploy would do, but something is not as it should be.
    Warning,
}

impl Severity {
    /// In a word, the same for people and machines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Severity::Broken => "broken",
            Severity::Warning => "warning",
        }
    }
}
