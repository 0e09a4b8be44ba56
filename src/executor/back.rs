//! The way back, and how a run is summed up.

use super::event::{Failure, FailureKind};
use super::host::{HostState, Standing};
use super::outcome::{End, HostOutcome, HostResult, Live, Outcome};
use super::run::Run;
use super::settle::settle;
use super::trouble;
use crate::plan::{Action, Phase};

impl Run<'_> {
    /// Hosts whose line ended while "all are healthy" was said: they may or may not have heard it. Whether the run goes on.
    pub(super) async fn settle_lost(&mut self) -> bool {
        let failed: Vec<usize> = self.failed();
        let mut forward = Vec::new();
        for at in &failed {
            if !self.fleet.hosts[*at].lost {
                continue;
            }
            match settle(self, *at, true).await {
                Some(answer)
                    if answer.live.as_ref().map(|l| &l.release) == self.release.as_ref()
                        && !answer.unfinished =>
                {
                    let host = &mut self.fleet.hosts[*at];
                    host.failure = None;
                    host.lost = false;
                    forward.push(*at);
                }
                // It went back, so all do - but for those that were just told to go on, and have no line any more.
                Some(_) => {
                    for at in forward {
                        self.fleet.hosts[at].facts.insert("in-doubt".into(), String::new());
                    }
                    return false;
                }
                // It cannot be asked. The others are healthy and stay; it is named.
                None => {
                    self.fleet.hosts[*at].facts.insert("in-doubt".into(), String::new());
                }
            }
        }
        self.fleet.hosts.iter().all(|host| host.running.is_none() && (host.failure.is_none() || host.lost))
    }

    fn failed(&self) -> Vec<usize> {
        (0..self.fleet.hosts.len()).filter(|at| self.fleet.hosts[*at].failure.is_some()).collect()
    }

    /// After a failure: every host back to before the run (a revert: on to where it got), then the end in a word.
    pub(super) async fn back(&mut self) -> End {
        // A host that is gone, or that was left at work, may have switched without our hearing of it.
        let unheard = |host: &HostState| (host.lost || host.running.is_some()) && self.activating();
        let was_live = self.fleet.hosts.iter().any(|host| host.switched || unheard(host));
        let interrupted = self.fleet.known.signal;
        let cause = self.cause();
        // What failed, failed: the report shows that first failure, not what the way back adds.
        let failures: Vec<Option<Failure>> = self.fleet.hosts.iter_mut().map(|h| h.failure.take()).collect();
        let mut in_doubt = Vec::new();
        if !self.request.plan.undo.is_empty() {
            let undo = self.request.plan.undo.clone();
            self.fleet.tell(Phase::PutBack, &undo, |_, _| true).await;
        }
        for (at, first) in failures.into_iter().enumerate() {
            let lost_live = self.fleet.hosts[at].lost && was_live;
            if self.fleet.hosts[at].fact("in-doubt").is_some() {
                in_doubt.push(at);
                continue;
            }
            if self.fleet.hosts[at].running.is_some() && was_live {
                // The user left before it had finished: it puts itself back.
                in_doubt.push(at);
                continue;
            }
            if self.fleet.hosts[at].failure.is_some() && was_live && !lost_live {
                // It was asked, and said that not all could be put back.
                self.fleet.hosts[at].facts.insert("asked".into(), String::new());
                in_doubt.push(at);
            }
            if first.is_some() {
                self.fleet.hosts[at].failure = first;
            }
            if lost_live && (self.fleet.known.now || !self.came_back(at).await) {
                in_doubt.push(at);
            }
        }
        for at in &in_doubt {
            self.fleet.hosts[*at].facts.insert("in-doubt".into(), String::new());
        }
        match (was_live, in_doubt.is_empty(), interrupted, cause) {
            (true, false, ..) => End::Split,
            (true, true, _, Some(_)) if self.request.plan.action == Action::Revert => End::Split,
            (true, true, _, Some(_)) => End::PutBack,
            (_, _, signal, cause) => harmless(signal, cause),
        }
    }

    fn activating(&self) -> bool {
        matches!(self.failed_in, Some(Phase::Activate | Phase::Confirm | Phase::Whole))
    }

    async fn came_back(&mut self, at: usize) -> bool {
        let before = self.fleet.hosts[at].live();
        match settle(self, at, false).await {
            Some(answer) => {
                self.fleet.hosts[at].switched |= answer.was_live;
                answer.live == before && !answer.unfinished
            }
            None => false,
        }
    }

    // The cause that counts for the exit code: the gravest that is not a consequence of another or of the user's wish.
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
        Outcome {
            action: plan.action.name().to_owned(),
            environment: plan.environment.name.clone(),
            end,
            release: self.release.clone(),
            revision: self.revision.clone(),
            hosts,
            failure: self.failure.take(),
            failed_in: self.failed_in,
            took: self.since.elapsed(),
            migrated: self.migrated && end != End::Done,
        }
    }

    fn host_outcome(&mut self, at: usize, end: End) -> HostOutcome {
        let target = self.release.as_ref().map(|release| Live {
            release: release.clone(),
            revision: self.revision.clone().unwrap_or_default(),
        });
        let host = &mut self.fleet.hosts[at];
        let from = host.live();
        let failure =
            host.failure.take().or_else(|| host.aside.take()).filter(|f| f.kind != FailureKind::Interrupted);
        // Of a host that was never asked nobody knows what it serves.
        let doubt = host.fact("in-doubt").is_some() || end == End::Split && host.facts.is_empty();
        let action = self.request.plan.action;
        let reverting = action == Action::Revert;
        let result = match end {
            _ if doubt => HostResult::Doubt,
            // What was not to be touched, or was well before another was not.
            _ if action == Action::Sync && host.standing == Standing::Rest && failure.is_none() => {
                HostResult::Unchanged
            }
            End::Split if action == Action::Restart && failure.is_none() => HostResult::Done,
            End::NothingToDo => HostResult::Unchanged,
            End::Done | End::Split
                if failure.is_none()
                    && (end == End::Done || reverting && host.switched || self.confirmed) =>
            {
                HostResult::Done
            }
            End::Split if self.confirmed || reverting && host.switched => HostResult::Doubt,
            _ if failure.is_some() && !host.switched => HostResult::Failed,
            _ if host.switched => HostResult::PutBack,
            _ => HostResult::Stopped,
        };
        let to = match result {
            HostResult::Done => target.or_else(|| from.clone()),
            HostResult::Doubt if host.fact("asked").is_none() => None,
            _ => from.clone(),
        };
        HostOutcome { host: host.name.clone(), from, to, result, failure, took: host.took }
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
