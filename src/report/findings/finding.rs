//! A finding of `check`, and the findings of a host.

use crate::executor::event::Failure;

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

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub text: String,
    /// What to know before the remedy is pasted.
    pub advice: Option<String>,
    /// Lines to paste: into a shell here, or into shipit.toml where the advice says so.
    pub remedy: Vec<String>,
}

impl Finding {
    pub(super) fn new(severity: Severity, text: impl Into<String>) -> Self {
        Finding { severity, text: text.into(), advice: None, remedy: Vec::new() }
    }

    pub(super) fn broken(text: impl Into<String>) -> Self {
        Self::new(Severity::Broken, text)
    }

    pub(super) fn warning(text: impl Into<String>) -> Self {
        Self::new(Severity::Warning, text)
    }

    pub(super) fn advice(mut self, text: impl Into<String>) -> Self {
        self.advice = Some(text.into());
        self
    }

    pub(super) fn remedy(mut self, line: impl Into<String>) -> Self {
        self.remedy.push(line.into());
        self
    }
}

/// A host, or this machine, and what was found there.
#[derive(Debug, Clone)]
pub struct Group {
    /// Whose findings these are.
    pub name: String,
    /// What was found; nothing where all is well.
    pub findings: Vec<Finding>,
    /// Why it was not reached.
    pub unreached: Option<Failure>,
}

impl Group {
    /// Whether a deploy would fail here.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Broken)
    }
}
