//! How a run is summed up: its end in a word, and what became of each host.

use super::back::is_own;
use super::event::FailureKind;
use super::host::SyncRole;
use super::outcome::{End, HostOutcome, HostResult, Live, Outcome};
use super::run::Run;
use super::trouble;
use crate::plan::Action;

impl Run<'_> {
    /// The cause that counts for the exit code: the gravest that is not a consequence of another or of the user's wish.
    pub(super) fn cause(&self) -> Option<FailureKind> {
        let own = self.failure.iter().map(|f| f.kind);
        let kinds: Vec<FailureKind> =
            own.chain(self.fleet.hosts.iter().flat_map(|h| &h.failure).map(|f| f.kind)).collect();
        let order = [
            FailureKind::Unreachable,
            FailureKind::Busy,
            FailureKind::Refused,
            FailureKind::Step,
            FailureKind::Lost,
        ];
        order.into_iter().find(|kind| kinds.contains(kind))
    }

    pub(super) fn outcome(&mut self, end: End) -> Outcome {
        let plan = self.request.plan;
        trouble::advise(&mut self.fleet.hosts, &plan.environment);
        let hosts: Vec<HostOutcome> =
            (0..self.fleet.hosts.len()).map(|at| self.host_outcome(at, end)).collect();
        let apps = &plan.environment.apps;
        let goals = |of: fn(&Live) -> &String| {
            let mut all = self.fleet.goals.iter().flatten().map(of).filter(|text| !text.is_empty());
            let first = all.next()?;
            all.all(|other| other == first).then(|| first.clone())
        };
        Outcome {
            action: plan.action.name().to_owned(),
            environment: plan.environment.name.clone(),
            end,
            release: goals(|live| &live.release),
            revision: goals(|live| &live.revision),
            apps: match apps.len() {
                1 => Vec::new(),
                _ => apps.iter().map(|app| app.name.clone()).zip(self.fleet.goals.iter().cloned()).collect(),
            },
            hosts,
            failure: self.failure.take(),
            failed_in: self.failed_in,
            took: self.since.elapsed(),
            migrated: self.migrated,
        }
    }

    fn host_outcome(&mut self, at: usize, end: End) -> HostOutcome {
        let target = self.goal(at).cloned();
        let host = &mut self.fleet.hosts[at];
        let from = host.live();
        let action = self.request.plan.action;
        let left_out = host.aside.is_some();
        let aside = host.aside.take().filter(|_| action != Action::Deploy);
        let failure = host.failure.take().or(aside).filter(|f| f.kind != FailureKind::Interrupted);
        // Of a host that was never asked nobody knows what it serves.
        let doubt = host.in_doubt || end == End::Split && !host.was_asked() && !left_out;
        let reverting = action == Action::Revert;
        // A revert that failed after the switch stays there.
        let stays = reverting && host.switched && host.lost.is_none() && failure.as_ref().is_some_and(is_own);
        let result = match end {
            _ if doubt => HostResult::Doubt,
            _ if action == Action::Deploy && left_out => HostResult::Skipped,
            _ if host.idle => HostResult::Unchanged,
            // What was not to be touched, or was well before another was not.
            _ if action == Action::Sync && host.standing == SyncRole::InSync && failure.is_none() => {
                HostResult::Unchanged
            }
            End::NothingToDo => HostResult::Unchanged,
            _ if action == Action::Restart && failure.is_none() && host.touched => HostResult::Done,
            End::Done | End::Split
                if failure.is_none()
                    && (end == End::Done || reverting && host.switched || self.confirmed) =>
            {
                HostResult::Done
            }
            End::Split if self.confirmed || reverting && host.switched => HostResult::Doubt,
            _ if failure.is_some() && !host.switched => HostResult::Failed,
            _ if host.switched => HostResult::RolledBack,
            _ => HostResult::Stopped,
        };
        let to = match result {
            HostResult::Done => target.or_else(|| from.clone()),
            HostResult::Doubt if stays => target,
            HostResult::Doubt if !host.told_doubt => None,
            _ => from.clone(),
        };
        let amiss = (result == HostResult::Doubt && host.told_doubt)
            .then(|| host.failed_back.take().unwrap_or_default());
        HostOutcome { host: host.name.clone(), from, to, result, failure, amiss, took: host.took }
    }
}

/// The end of a run that changed nothing live.
pub(super) fn harmless(signal: i32, cause: Option<FailureKind>) -> End {
    match cause {
        _ if signal != 0 => End::Interrupted(signal),
        Some(FailureKind::Unreachable) => End::Unreachable,
        Some(FailureKind::Busy) => End::Busy,
        Some(FailureKind::Refused) => End::Refused,
        _ => End::Failed,
    }
}
