//! A finding of `check`, and the findings of a host.

use super::problem::Problem;
use super::severity::Severity;
use crate::executor::event::Failure;

/// Something that is not as it should be, and what to paste.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What is wrong.
    pub problem: Problem,
    /// Lines to paste: into a shell here, or into shipit.toml where the advice says so.
    pub remedy: Vec<String>,
}

impl Finding {
    /// With a line to paste.
    pub(super) fn new(problem: Problem, remedy: String) -> Self {
        Finding { problem, remedy: vec![remedy] }
    }

    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.problem.severity()
    }

    /// What is wrong, in words.
    #[must_use]
    pub fn text(&self) -> String {
        self.problem.text()
    }

    /// What to know before the remedy is pasted.
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        self.problem.advice(!self.remedy.is_empty())
    }
}

/// Nothing to paste.
impl From<Problem> for Finding {
    fn from(problem: Problem) -> Self {
        Finding { problem, remedy: Vec::new() }
    }
}

/// A host, or this machine, and what was found there.
#[derive(Debug, Clone)]
pub struct Group {
    /// Whose findings these are.
    pub name: String,
    /// What was found; nothing where all is well.
    pub findings: Vec<Finding>,
    /// What `ssh` takes for it in the remedies, quoted; none where they need no ssh.
    pub target: Option<String>,
    /// Why it was not reached.
    pub unreached: Option<Failure>,
}

impl Group {
    /// Whether a deploy would fail here.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity() == Severity::Broken)
    }
}
