//! What a host serves after a run that went wrong, as far as that is known: one variant for each, worded here.

use crate::executor::event::{Action, FailureKind};
use crate::executor::outcome::{HostOutcome, HostResult};
use crate::remote::damage::Serving;
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
    /// It was never asked what it serves.
    Unknown,
    /// `current` was removed: before the run it was there.
    Gone,
    /// `current` names this release, which is gone.
    Broken(String),
    /// `current` leads here; empty: it is no link.
    Foreign(String),
    /// It could not be rolled back, and serves this commit still: the step that failed, if that is known.
    Stuck {
        /// The commit.
        revision: String,
        /// The step and how it ended.
        step: Option<String>,
    },
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
        let step = || host.failed_recovery.clone().filter(|step| !step.is_empty());
        match &host.serving {
            Some(Serving::Broken(release)) => return Served::Broken(release.clone()),
            Some(Serving::Foreign(target)) => return Served::Foreign(target.clone()),
            Some(Serving::Nothing) if host.from.is_some() => return Served::Gone,
            Some(Serving::Release(_) | Serving::Nothing) | None => {}
        }
        match (host.result, &host.failed_recovery) {
            (HostResult::InDoubt, _) if host.to.is_some() && host.to != host.from => {
                Served::Stuck { revision: revision.unwrap_or_default(), step: step() }
            }
            (HostResult::InDoubt, Some(_)) if !host.known => Served::Unknown,
            (HostResult::InDoubt, Some(_)) => Served::WithFailure { revision, step: step() },
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
            Served::Unknown => return "unknown: it did not say".to_owned(),
            Served::Gone => return format!("{serve} nothing: `current` was removed"),
            Served::Broken(release) => return format!("`current` leads nowhere: release {release} is gone"),
            Served::Foreign(target) if target.is_empty() => {
                return "`current` is no link any more".to_owned();
            }
            Served::Foreign(target) => {
                return format!("`current` points to {target}, which shipit did not make");
            }
            Served::Stuck { revision, step } => (&Some(revision.clone()), step),
            Served::WithFailure { revision, step } => (revision, step),
        };
        let step = step.as_ref().map_or(String::new(), |step| format!(" ({step})"));
        match (revision, action) {
            (Some(revision), Action::Restart) => format!("{serve} {revision}, but may not be up"),
            (Some(revision), Action::Deploy | Action::Sync) if matches!(self, Served::Stuck { .. }) => {
                format!("could not be rolled back, still {serve} {revision}{step}")
            }
            (Some(revision), Action::Revert) => format!("reverted to {revision}, but a step failed{step}"),
            (Some(revision), _) => format!("rolled back to {revision}, but a step failed{step}"),
            (None, _) => format!("{serve} nothing, as before, but a step failed{step}"),
        }
    }
}
