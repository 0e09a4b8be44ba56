//! The way back.

use std::collections::BTreeMap;

use super::event::{Failure, FailureKind};
use super::health::STEP;
use super::host::HostState;
use super::outcome::End;
use super::run::Run;
use super::settle::{Answer, ask, settle};
use super::sum::harmless;
use crate::plan::{Action, Phase};
use crate::remote::script::Script;

impl Run<'_> {
    /// Hosts whose line ended while "all are healthy" was said: they may or may not have heard it. Whether the run goes on.
    pub(super) async fn settle_lost(&mut self) -> bool {
        let failed: Vec<usize> = self.failed();
        // Who could be asked and failed does not go on, so nobody does.
        if failed.iter().any(|at| self.fleet.hosts[*at].lost.is_none()) {
            return false;
        }
        // All are asked before any is told which way it goes.
        let asked = ask(self, &failed).await;
        let heard: Vec<usize> = asked.iter().filter(|(_, heard)| **heard).map(|(at, _)| *at).collect();
        if heard.len() < asked.len() {
            // Those that heard it go on alone, when nobody tells them otherwise for a while.
            settle(self, &heard, false).await;
            return false;
        }
        let there = self.went_on(&heard).await;
        // Who cannot be asked is named; the others are healthy and stay.
        for at in failed.into_iter().filter(|at| there.get(at) != Some(&true)) {
            self.fleet.hosts[at].in_doubt = true;
        }
        let well = |host: &HostState| host.failure.is_none() || host.lost.is_some();
        self.fleet.hosts.iter().all(|host| host.running.is_none() && well(host))
    }

    /// Of a revert that went on: hosts whose line ended when it had begun there. They go on to its end by themselves.
    pub(super) async fn ask_lost(&mut self) {
        let begun = |host: &HostState| matches!(host.lost, Some(Phase::Activate | Phase::Confirm));
        let open = |host: &HostState| begun(host) && !host.in_doubt;
        let open: Vec<usize> = self.failed().into_iter().filter(|at| open(&self.fleet.hosts[*at])).collect();
        if self.fleet.known.now {
            return;
        }
        let there = self.went_on(&open).await;
        for at in open.into_iter().filter(|at| !there.contains_key(at)) {
            self.fleet.hosts[at].in_doubt = true;
        }
    }

    // Whether hosts whose line ended have come to what goes live, by themselves, and then they have not failed. Of who is
    // missing it is not known.
    async fn went_on(&mut self, hosts: &[usize]) -> BTreeMap<usize, bool> {
        let answers = settle(self, hosts, true).await;
        let mut all = BTreeMap::new();
        for (at, Answer { live, was_live, .. }) in answers.into_iter().filter(|(_, is)| !is.unfinished) {
            let there = live.as_ref().map(|live| &live.release) == self.goal(at).map(|goal| &goal.release);
            let host = &mut self.fleet.hosts[at];
            host.switched |= was_live;
            if there {
                host.failure = None;
                host.lost = None;
            }
            all.insert(at, there);
        }
        all
    }

    fn failed(&self) -> Vec<usize> {
        (0..self.fleet.hosts.len()).filter(|at| self.fleet.hosts[*at].failure.is_some()).collect()
    }

    /// After a failure: every host back to before the run (a revert: on to where it got), then the end in a word.
    pub(super) async fn back(&mut self) -> End {
        // A host that is gone, or that was left at work, may have switched without our hearing of it.
        let unheard = |host: &HostState| {
            host.running.is_some() && self.activating() || host.lost.is_some_and(is_activating)
        };
        let was_live = self.fleet.hosts.iter().any(|host| host.switched || unheard(host));
        let interrupted = self.fleet.known.signal;
        let cause = self.cause();
        self.fleet.part = None;
        if self.request.plan.action == Action::Revert {
            self.tell_unwell().await;
        }
        // What failed, failed: the report shows that first failure, not what the way back adds.
        let failures: Vec<Option<Failure>> = self.fleet.hosts.iter_mut().map(|h| h.failure.take()).collect();
        if !self.request.plan.undo.is_empty() {
            // Who does not serve goes first, with all that never were live.
            let serving = self.batches_back();
            let rest = (0..self.fleet.hosts.len()).filter(|at| !self.fleet.hosts[*at].in_service).collect();
            let confirming = self.failed_in == Some(Phase::Confirm);
            if confirming && self.request.plan.action != Action::Revert && !self.fleet.known.now {
                // Some heard that all are healthy: whoever loses us from now on must not go forward alone. Where we leave at
                // once that is what they do, as the user was told.
                self.fleet.tell(Phase::Rollback, &Script::new().going_back(), |_, _| true).await;
            }
            // Where nothing was begun all only unlock, which is nothing to show.
            self.fleet.quiet = self.failed_in.is_none_or(is_before_all);
            for members in std::iter::once(rest).chain(serving) {
                // Who is told nothing when the user leaves rolls itself back, and nobody sees how.
                let never_told = if self.fleet.known.now {
                    members
                } else {
                    self.put_back(&members).await;
                    self.fleet.never_told().collect()
                };
                for at in never_told {
                    self.fleet.hosts[at].in_doubt |= self.fleet.hosts[at].touched;
                }
            }
            self.fleet.quiet = false;
        }
        for (at, first) in failures.into_iter().enumerate() {
            self.weigh(at, first, was_live);
        }
        self.call_lost(was_live).await;
        let sure = self.fleet.hosts.iter().all(|host| !host.in_doubt);
        match (was_live, sure, interrupted, cause) {
            // Also where none was live: a host that was drained may not have been taken in again.
            (_, false, ..) => End::Split,
            (true, true, _, Some(_)) if self.request.plan.action == Action::Revert => End::Split,
            (true, true, _, Some(_)) => End::RolledBack,
            // Stopped in the middle, it was gone on with where it had begun.
            (true, true, ..) if self.request.plan.action == Action::Revert => self.reverted(),
            (_, _, signal, cause) => harmless(signal, cause),
        }
    }

    // Whether a host is back, where it had failed first with that, if it had. Who was lost is called later.
    fn weigh(&mut self, at: usize, first: Option<Failure>, was_live: bool) {
        let host = &mut self.fleet.hosts[at];
        // The user left before it had finished: it rolls itself back.
        host.in_doubt |= host.running.is_some() && (was_live || host.touched);
        if host.in_doubt {
            return;
        }
        let lost_live = host.lost.is_some() && was_live;
        // A line that was lost says nothing of that: the step is then only where it was lost.
        let said = host.failure.as_ref().filter(|_| host.lost.is_none());
        let unserved = said.is_some_and(|failure| failure.step == "rollback");
        if host.failure.is_some() && (was_live && !lost_live || unserved) {
            // It was asked, and said that not all could be rolled back.
            host.told_doubt = true;
            host.in_doubt = true;
        }
        // That a step was stopped is no reason, where its second time failed.
        let stopped = first.as_ref().is_some_and(|first| first.kind == FailureKind::Interrupted);
        if first.is_some() && !(stopped && host.failure.as_ref().is_some_and(is_own)) {
            host.failure = first;
        }
    }

    // Hosts whose line ended when they may have been live, or drained: whether they are back.
    async fn call_lost(&mut self, was_live: bool) {
        let open = |host: &HostState| (was_live || host.touched) && host.lost.is_some() && !host.in_doubt;
        let lost: Vec<usize> =
            (0..self.fleet.hosts.len()).filter(|at| open(&self.fleet.hosts[*at])).collect();
        let called = if self.fleet.known.now { &[] } else { &lost[..] };
        let answers = settle(self, called, false).await;
        for at in lost {
            let back = answers.get(&at).is_some_and(|answer| self.came_back(at, answer));
            self.fleet.hosts[at].in_doubt = !back;
        }
    }

    fn reverted(&self) -> End {
        let there = |(at, host): (usize, &HostState)| {
            host.switched || self.goal(at).is_none_or(|goal| host.live().as_ref() == Some(goal))
        };
        if self.fleet.hosts.iter().enumerate().all(there) { End::Done } else { End::Split }
    }

    /// Of hosts where a revert was found not healthy from here.
    pub(super) async fn tell_unwell(&mut self) {
        let unwell = |host: &HostState| host.failure.as_ref().is_some_and(|failure| failure.step == STEP);
        if self.fleet.hosts.iter().any(unwell) {
            self.fleet.tell(Phase::Rollback, &Script::new().unwell(), |_, host| unwell(host)).await;
        }
    }

    async fn put_back(&mut self, members: &[usize]) {
        let undo = self.request.plan.undo.clone();
        self.fleet.forget_questions();
        self.fleet.tell(Phase::Rollback, &undo, |at, _| members.contains(&at)).await;
        self.ask_waiting("undo-health", |well| Script::new().undo_end(well)).await;
        // A revert is not undone: what is sick is only told.
        self.ask_waiting("health", |_| Script::new()).await;
    }

    /// Asks whether those hosts are healthy that told by this fact what they are to be asked, and gives them the answer.
    pub(super) async fn ask_waiting(&mut self, fact: &str, answer: impl Fn(bool) -> Script) {
        let mut waiting = Vec::new();
        let mut questions = Vec::new();
        for at in 0..self.fleet.hosts.len() {
            let reverted = self.goal(at).filter(|_| self.request.plan.action == Action::Revert).cloned();
            let host = &mut self.fleet.hosts[at];
            let Some(spec) = host.facts.remove(fact) else { continue };
            waiting.push(at);
            let live = reverted.or_else(|| host.live()).unwrap_or_default();
            questions.extend(host.question(at, &spec, live));
        }
        if waiting.is_empty() {
            return;
        }
        self.fleet.ask_health(Phase::Rollback, questions, true).await;
        if self.fleet.known.now {
            // Who was not waited for is not told that it is well: it goes on alone, and nobody sees how.
            for at in waiting {
                self.fleet.hosts[at].in_doubt = true;
            }
            return;
        }
        let mut scripts = vec![Script::new(); self.fleet.hosts.len()];
        for at in waiting {
            scripts[at] = answer(self.fleet.hosts[at].failure.is_none());
        }
        if scripts.iter().any(|script| !script.is_empty()) {
            self.fleet.stage(Phase::Rollback, &scripts, true).await;
        }
    }

    fn activating(&self) -> bool {
        self.failed_in.is_some_and(is_activating)
    }

    fn came_back(&mut self, at: usize, answer: &Answer) -> bool {
        let before = self.fleet.hosts[at].live();
        self.fleet.hosts[at].switched |= answer.was_live;
        let reverting = self.request.plan.action == Action::Revert;
        let there = answer.live.is_some() && answer.live.as_ref() == self.goal(at);
        (answer.live == before || reverting && there) && !answer.unfinished
    }
}

fn is_before_all(phase: Phase) -> bool {
    matches!(phase, Phase::Check | Phase::Connect | Phase::Lock | Phase::Local)
}

// Whether what a host serves may change in it.
fn is_activating(phase: Phase) -> bool {
    matches!(phase, Phase::Activate | Phase::Confirm | Phase::SingleHost)
}

/// Of a step, and heard from the host itself or by asking it.
pub(super) fn is_own(failure: &Failure) -> bool {
    failure.kind == FailureKind::Step
}
