//! The decisions after a failure: whether anything may have been live, what became of each host on its way back (or on to
//! the end), and how the run ended.

use std::collections::BTreeMap;

use crate::executor::end::End;
use crate::executor::event::{Failure, FailureKind};
use crate::executor::fate::Fate;
use crate::executor::live::Live;
use crate::plan::{OnFailure, Phase};
use crate::remote::damage::Serving;
use crate::remote::step::Step;

/// How far a host came.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Progress {
    pub(crate) fate: Fate,
    /// A script runs there: the end of it was not waited for.
    pub(crate) running: bool,
    /// The connection was lost in that phase.
    pub(crate) lost: Option<Phase>,
    /// It said, after its way back, that it serves something else than before the run.
    pub(crate) elsewhere: bool,
}

/// Why a host failed: before the way back, and on it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Failures<'a> {
    pub(crate) first: Option<&'a Failure>,
    pub(crate) later: Option<&'a Failure>,
}

/// Which of a host's failures the report shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    First,
    Later,
}

/// What became of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Returned {
    pub(crate) fate: Fate,
    pub(crate) shown: Shown,
}

/// Whether the run's release may have been live on a host. One that is gone, or that was still at work, may have switched
/// without saying so.
pub(crate) fn may_have_been_live(host: Progress, failed_in: Option<Phase>) -> bool {
    let at_work = host.running && failed_in.is_some_and(is_activating);
    host.fate.was_switched() || at_work || host.lost.is_some_and(is_activating)
}

// Whether what a host serves may change in it.
fn is_activating(phase: Phase) -> bool {
    matches!(phase, Phase::Activate | Phase::Confirm | Phase::SingleHost)
}

/// Whether a host is back. `was_live`: the release may have been live on any host. Hosts that were lost are called later.
pub(crate) fn returned(host: Progress, failures: Failures<'_>, was_live: bool) -> Returned {
    let Failures { first, later } = failures;
    let mut fate = host.fate;
    // The user left before it had finished: it recovers by itself.
    if host.running && (was_live || fate.was_touched()) {
        fate.doubt();
    }
    if fate.is_in_doubt() {
        return Returned { fate, shown: Shown::Later };
    }
    let lost_live = host.lost.is_some() && was_live;
    // A lost connection says nothing of that: the step is then only where it was lost.
    let said = later.filter(|_| host.lost.is_none());
    let out_of_service = said.is_some_and(|failure| failure.step == Step::Rollback);
    // Whatever its steps said: what it serves now is what counts.
    let elsewhere = host.elsewhere && fate.was_switched();
    if elsewhere || later.is_some() && (was_live && !lost_live || out_of_service) {
        // It was asked, and said that not all could be rolled back.
        fate.fail_recovery();
    }
    // That a step was interrupted is no reason, where its second time failed.
    let no_reason = is_interrupted(first) && later.is_some_and(Failure::is_of_a_step);
    let shown = if first.is_some() && !no_reason { Shown::First } else { Shown::Later };
    Returned { fate, shown }
}

/// Of a run that finishes in place: what became of a host. `begun`: what it serves may have been touched.
pub(crate) fn finished(host: Progress, failures: Failures<'_>, begun: bool) -> Returned {
    let Failures { first, later } = failures;
    let said = !host.running && host.lost.is_none() && !host.fate.is_in_doubt();
    let serves = (first.is_none() || is_interrupted(first)) && later.is_none() && said;
    let mut fate = host.fate;
    if begun && !serves {
        // What it is to serve is known, whether it does is not.
        fate.fail_recovery();
    }
    let shown = if first.is_some() && !is_interrupted(first) { Shown::First } else { Shown::Later };
    Returned { fate, shown }
}

fn is_interrupted(failure: Option<&Failure>) -> bool {
    failure.is_some_and(|failure| failure.kind == FailureKind::Interrupted)
}

/// Whether a host is to be called again, and asked whether it is back: it was lost when it may have been live, or drained.
pub(crate) fn is_to_be_asked(host: Progress, was_live: bool) -> bool {
    (was_live || host.fate.was_touched()) && host.lost.is_some() && !host.fate.is_in_doubt()
}

/// Whether a host of a run that went on serves what goes live. `live`: what it served before.
pub(crate) fn serves_goal(fate: Fate, live: Option<&Live>, goal: Option<&Live>) -> bool {
    fate.was_switched() || goal.is_none_or(|goal| live == Some(goal))
}

/// What a host answered that was lost when it may have been live.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    /// What it serves.
    pub(crate) live: Option<Live>,
    /// What `current` is there.
    pub(crate) serving: Option<Serving>,
    /// It was live with this run's release, whatever it serves now.
    pub(crate) was_live: bool,
    /// Not all could be rolled back, or it is not finished.
    pub(crate) unfinished: bool,
}

impl Answer {
    /// Whether it serves what it served before. Where hosts go on, what goes live is as good.
    pub(crate) fn is_back(&self, before: Option<&Live>, goal: Option<&Live>, policy: OnFailure) -> bool {
        let live = self.live.as_ref();
        let there = live.is_some() && live == goal && policy == OnFailure::Continue;
        (live == before || there) && !self.unfinished
    }

    /// Whether it serves the release that goes live; where none does, nothing.
    pub(crate) fn is_at(&self, goal: Option<&Live>) -> bool {
        let release = |live: Option<&Live>| live.map(|live| live.release.clone());
        release(self.live.as_ref()) == release(goal)
    }

    /// Whether a single host went all the way to what goes live.
    pub(crate) fn is_done(&self, goal: Option<&Live>) -> bool {
        self.live.is_some() && self.is_at(goal) && !self.unfinished
    }
}

/// Hosts were lost while they were told that all are healthy: which way the run goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Confirmation {
    /// These hosts received it, and so did all others that could be asked.
    Forward(Vec<usize>),
    /// A host did not. These did, and go forward alone unless they learn otherwise in time.
    Back(Vec<usize>),
}

/// `asked`: the hosts that could be asked, and whether each received the message.
pub(crate) fn confirmation(asked: &BTreeMap<usize, bool>) -> Confirmation {
    let heard: Vec<usize> = asked.iter().filter(|(_, heard)| **heard).map(|(at, _)| *at).collect();
    if heard.len() < asked.len() { Confirmation::Back(heard) } else { Confirmation::Forward(heard) }
}

/// What decides how a run ends that failed and went back, or went on without the hosts that failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failed {
    /// The release may have been live on some host.
    pub(crate) was_live: bool,
    /// Of every host it is known what it serves.
    pub(crate) is_sure: bool,
    /// Every host serves what goes live.
    pub(crate) all_there: bool,
    pub(crate) policy: OnFailure,
    /// The gravest cause; none: the user interrupted it.
    pub(crate) cause: Option<FailureKind>,
    /// The signal by which the user asked to stop; 0: none.
    pub(crate) signal: i32,
}

impl Failed {
    pub(crate) fn end(self) -> End {
        let continues = self.policy == OnFailure::Continue;
        match (self.was_live, self.is_sure, self.cause) {
            // Also where none was live: a host that was drained may not have been taken in again.
            (_, false, _) => End::Split,
            (true, true, Some(_)) if continues => End::Split,
            (true, true, Some(_)) => End::RolledBack,
            // Interrupted in the middle, it went on where it had begun.
            (true, true, None) if continues => {
                if self.all_there {
                    End::Done
                } else {
                    End::Split
                }
            }
            (_, _, cause) => End::without_change(self.signal, cause),
        }
    }
}

#[cfg(test)]
#[path = "way_back_tests.rs"]
mod tests;
