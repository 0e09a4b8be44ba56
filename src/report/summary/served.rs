//! What a host serves after a run that went wrong, as far as that is known: one variant for each, worded here.

use crate::executor::event::{Action, FailureKind};
use crate::executor::outcome::{HostOutcome, HostResult};
use crate::report::human;

/// What is known of a host. Revisions are short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Served {
    /// This commit; none: nothing.
    Revision(Option<String>),
    /// It was not reached, so it serves what it served.
    NotReached,
    /// Nobody knows: the connection was lost while it changed.
    InDoubt,
    /// It went where it should, and a step failed on the way: its name, if that is known.
    WithFailure {
        /// The commit; none: nothing, as before.
        revision: Option<String>,
        /// The step and how it ended.
        step: Option<String>,
    },
}

impl Served {
    pub(super) fn of(host: &HostOutcome) -> Self {
        let revision = human::live(host.to.as_ref());
        let unreachable =
            host.failure.as_ref().is_some_and(|failure| failure.kind == FailureKind::Unreachable);
        match (host.result, &host.failed_recovery) {
            (HostResult::InDoubt, Some(step)) => {
                let step = Some(step.clone()).filter(|step| !step.is_empty());
                Served::WithFailure { revision, step }
            }
            (HostResult::InDoubt, None) if revision.is_none() => Served::InDoubt,
            (HostResult::InDoubt, None) => Served::WithFailure { revision, step: None },
            (HostResult::Skipped, _) if revision.is_none() => Served::NotReached,
            _ if unreachable && host.from.is_none() && revision.is_none() => Served::NotReached,
            _ => Served::Revision(revision),
        }
    }

    /// In a few words; `action` is what the run did.
    pub(super) fn text(&self, action: Action, hosts: usize) -> String {
        let serve = if hosts == 1 { "serves" } else { "serve" };
        let (revision, step) = match self {
            Served::Revision(Some(revision)) => return format!("{serve} {revision}"),
            Served::Revision(None) => return format!("{serve} nothing"),
            Served::NotReached => return "unreachable, and not changed".to_owned(),
            Served::InDoubt => {
                return "in doubt: the connection was lost, and it could not be asked".to_owned();
            }
            Served::WithFailure { revision, step } => (revision, step),
        };
        let step = step.as_ref().map_or(String::new(), |step| format!(" ({step})"));
        match (revision, action) {
            (Some(revision), Action::Restart) => format!("{serve} {revision}, but may not be up"),
            (Some(revision), Action::Revert) => format!("reverted to {revision}, but a step failed{step}"),
            (Some(revision), _) => format!("rolled back to {revision}, but a step failed{step}"),
            (None, _) => format!("{serve} nothing, as before, but a step failed{step}"),
        }
    }
}
