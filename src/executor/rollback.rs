//! What is done after a failure, by the plan's policy: every host back to before the run; or, where a run does not go back,
//! what was begun on to its end.

use std::collections::BTreeMap;

use super::check_health::STEP;
use super::event::{Failure, FailureKind};
use super::fate::Fate;
use super::host::HostState;
use super::live::Live;
use super::outcome::End;
use super::resolve_in_doubt::{Answer, ask_whether_confirmed, resolve};
use super::run_state::RunState;
use crate::plan::{OnFailure, Phase};
use crate::remote::script::{Direction, Script};
use crate::remote::step::Step;

/// After a failure or an interrupt: the plan's recovery, then the end of the run.
pub(super) async fn recover(run: &mut RunState<'_>) -> End {
    match run.on_failure() {
        OnFailure::FinishInPlace => finish_in_place(run).await,
        OnFailure::RollBack | OnFailure::Continue => roll_back(run).await,
    }
}

async fn roll_back(run: &mut RunState<'_>) -> End {
    // A host that is gone, or that was still at work, may have switched, and we did not hear of it.
    let activating = run.failed_in.is_some_and(is_activating);
    let may_have_switched =
        |host: &HostState| host.running.is_some() && activating || host.lost.is_some_and(is_activating);
    let was_live = run.fleet.hosts.iter().any(|host| host.fate.was_switched() || may_have_switched(host));
    let interrupted = run.fleet.known.signal;
    let cause = run.cause();
    run.fleet.part = None;
    tell_unhealthy(run).await;
    // The report shows the first failure, not what the way back adds.
    let failures = run.take_failures();
    if !run.plan().recovery.script.is_empty() {
        recover_hosts(run).await;
    }
    for (at, first) in failures.into_iter().enumerate() {
        classify_failure(run, at, first, was_live);
    }
    resolve_lost(run, was_live).await;
    let continues = run.on_failure() == OnFailure::Continue;
    if !continues {
        // In doubt it stays.
        run.fleet.hosts.iter_mut().for_each(|host| host.fate.roll_back());
    }
    let sure = run.fleet.hosts.iter().all(|host| !host.fate.is_in_doubt());
    match (was_live, sure, cause) {
        // Also where none was live: a host that was drained may not have been taken in again.
        (_, false, _) => End::Split,
        (true, true, Some(_)) if continues => End::Split,
        (true, true, Some(_)) => End::RolledBack,
        // Interrupted in the middle, it went on where it had begun.
        (true, true, None) if continues => end_of_continued(run),
        (_, _, cause) => End::without_change(interrupted, cause),
    }
}

// Hosts that do not serve the new release first, with all that never were live; the others in the plan's batches.
async fn recover_hosts(run: &mut RunState<'_>) {
    let plan = run.plan();
    let confirming = run.failed_in == Some(Phase::Confirm);
    if confirming && !plan.recovery.withdraw.is_empty() && !run.fleet.known.now {
        // Some heard that all are healthy: a host that loses us from now on must not go forward alone. Where we leave at
        // once that is what they do, as the user was told by the interrupt's notice.
        run.fleet.tell(Phase::Rollback, &plan.recovery.withdraw, |_, _| true).await;
    }
    // Where nothing was begun all only unlock, which is nothing to show.
    run.fleet.quiet = run.failed_in.is_none_or(is_before_any_change);
    let serves = |run: &RunState<'_>, at: &usize| run.fleet.hosts[*at].fate == Fate::InService;
    let rest: Vec<usize> = (0..run.fleet.hosts.len()).filter(|at| !serves(run, at)).collect();
    let of_batch = |batch: &Vec<usize>| batch.iter().copied().filter(|at| serves(run, at)).collect();
    let batches: Vec<Vec<usize>> = plan.recovery.batches.iter().map(of_batch).collect();
    let serving = batches.into_iter().filter(|batch| !batch.is_empty());
    for members in std::iter::once(rest).chain(serving) {
        // A host that is sent nothing when the user leaves recovers by itself, and that is not seen here.
        let never_told: Vec<usize> = if run.fleet.known.now {
            members
        } else {
            recover_batch(run, &members).await;
            run.fleet.never_told().collect()
        };
        for at in never_told {
            let fate = &mut run.fleet.hosts[at].fate;
            if fate.was_touched() {
                fate.doubt();
            }
        }
    }
    run.fleet.quiet = false;
}

async fn recover_batch(run: &mut RunState<'_>, members: &[usize]) {
    let plan = run.plan();
    run.fleet.forget_questions();
    run.fleet.tell(Phase::Rollback, &plan.recovery.script, |at, _| members.contains(&at)).await;
    check_health_after_recovery(run).await;
}

/// Checks hosts that said, on their way back or on to the end, that their health is to be checked from this machine, and
/// tells them the result.
async fn check_health_after_recovery(run: &mut RunState<'_>) {
    let mut waiting = Vec::new();
    let mut questions = Vec::new();
    for at in 0..run.fleet.hosts.len() {
        let goal = run.goal(at).filter(|_| run.on_failure().finishes()).cloned();
        let host = &mut run.fleet.hosts[at];
        let Some(spec) = host.facts.undo_health.take().or_else(|| host.facts.health.take()) else { continue };
        waiting.push(at);
        let live = goal.or_else(|| host.live()).unwrap_or_default();
        questions.extend(host.health_question(at, &spec, live));
    }
    if waiting.is_empty() {
        return;
    }
    run.fleet.ask_health(Phase::Rollback, questions, true).await;
    if run.fleet.known.now {
        // A host that was not waited for does not learn that it is healthy: it goes on alone, and that is not seen here.
        waiting.into_iter().for_each(|at| run.fleet.hosts[at].fate.doubt());
        return;
    }
    let verdict = &run.plan().recovery.verdict;
    let mut scripts = vec![Script::new(); run.fleet.hosts.len()];
    for at in waiting {
        let healthy = run.fleet.hosts[at].failure.is_none();
        scripts[at] = if healthy { &verdict.healthy } else { &verdict.unhealthy }.clone();
    }
    if scripts.iter().any(|script| !script.is_empty()) {
        run.fleet.stage(Phase::Rollback, &scripts, true).await;
    }
}

/// Tells hosts whose health check from this machine failed that they are not healthy, where that matters to them.
pub(super) async fn tell_unhealthy(run: &mut RunState<'_>) {
    let script = &run.plan().recovery.unhealthy;
    let unhealthy = |host: &HostState| host.failure.as_ref().is_some_and(|failure| failure.step == STEP);
    if !script.is_empty() && run.fleet.hosts.iter().any(unhealthy) {
        run.fleet.tell(Phase::Rollback, script, |_, host| unhealthy(host)).await;
    }
}

// Whether a host is back. `first`: what it failed with before the way back, if it did. Hosts that were lost are called later.
fn classify_failure(run: &mut RunState<'_>, at: usize, first: Option<Failure>, was_live: bool) {
    let host = &mut run.fleet.hosts[at];
    // The user left before it had finished: it recovers by itself.
    if host.running.is_some() && (was_live || host.fate.was_touched()) {
        host.fate.doubt();
    }
    if host.fate.is_in_doubt() {
        return;
    }
    let lost_live = host.lost.is_some() && was_live;
    // A lost connection says nothing of that: the step is then only where it was lost.
    let said = host.failure.as_ref().filter(|_| host.lost.is_none());
    let out_of_service = said.is_some_and(|failure| Step::parse(&failure.step) == Some(Step::Rollback));
    if host.failure.is_some() && (was_live && !lost_live || out_of_service) {
        // It was asked, and said that not all could be rolled back.
        host.fate.fail_recovery();
    }
    // That a step was interrupted is no reason, where its second time failed.
    let interrupted = first.as_ref().is_some_and(|first| first.kind == FailureKind::Interrupted);
    if first.is_some() && !(interrupted && host.failure.as_ref().is_some_and(Failure::is_of_a_step)) {
        host.failure = first;
    }
}

// Hosts that were lost when they may have been live, or drained: whether they are back.
async fn resolve_lost(run: &mut RunState<'_>, was_live: bool) {
    let open = |host: &HostState| {
        (was_live || host.fate.was_touched()) && host.lost.is_some() && !host.fate.is_in_doubt()
    };
    let lost: Vec<usize> = (0..run.fleet.hosts.len()).filter(|at| open(&run.fleet.hosts[*at])).collect();
    let called = if run.fleet.known.now { &[] } else { &lost[..] };
    let answers = resolve(run, called, Direction::Back).await;
    for at in lost {
        if !answers.get(&at).is_some_and(|answer| came_back(run, at, answer)) {
            run.fleet.hosts[at].fate.doubt();
        }
    }
}

fn came_back(run: &mut RunState<'_>, at: usize, answer: &Answer) -> bool {
    let before = run.fleet.hosts[at].live();
    if answer.was_live {
        run.fleet.hosts[at].fate.switch();
    }
    let continues = run.on_failure() == OnFailure::Continue;
    let there = answer.live.is_some() && answer.live.as_ref() == run.goal(at);
    (answer.live == before || continues && there) && !answer.unfinished
}

fn end_of_continued(run: &RunState<'_>) -> End {
    let there = |(at, host): (usize, &HostState)| {
        host.fate.was_switched() || run.goal(at).is_none_or(|goal| host.live().as_ref() == Some(goal))
    };
    if run.fleet.hosts.iter().enumerate().all(there) { End::Done } else { End::Split }
}

// Every host serves on what it serves, so there is nothing to roll back. What a reload was interrupted in is done to its end;
// a host where that fails may serve nothing, and is named.
async fn finish_in_place(run: &mut RunState<'_>) -> End {
    let begun = run.failed_in == Some(Phase::Activate);
    let (signal, cause) = (run.fleet.known.signal, run.cause());
    // A host that is not healthy stays out of service.
    tell_unhealthy(run).await;
    let failures = run.take_failures();
    let everyone: Vec<usize> = (0..run.fleet.hosts.len()).collect();
    recover_batch(run, &everyone).await;
    let mut doubt = false;
    for (host, first) in run.fleet.hosts.iter_mut().zip(failures) {
        let interrupted = first.as_ref().is_none_or(|failure| failure.kind == FailureKind::Interrupted);
        let said = host.running.is_none() && host.lost.is_none() && !host.fate.is_in_doubt();
        let serves = interrupted && host.failure.is_none() && said;
        if begun && !serves {
            // What it is to serve is known, whether it does is not.
            host.fate.fail_recovery();
            doubt = true;
        }
        host.failure =
            first.filter(|failure| failure.kind != FailureKind::Interrupted).or(host.failure.take());
    }
    if doubt { End::Split } else { End::without_change(signal, cause) }
}

/// Hosts that were lost while the message that all are healthy was sent: they may or may not have received it. Whether the run goes
/// forward.
pub(super) async fn resolve_confirmation(run: &mut RunState<'_>) -> bool {
    let failed = run.failed();
    // Where a host that could be asked failed, none goes forward.
    if failed.iter().any(|at| run.fleet.hosts[*at].lost.is_none()) {
        return false;
    }
    // All are asked before any learns which way the run goes.
    let asked = ask_whether_confirmed(run, &failed).await;
    let heard: Vec<usize> = asked.iter().filter(|(_, heard)| **heard).map(|(at, _)| *at).collect();
    if heard.len() < asked.len() {
        // Those that received it go forward alone, unless they learn otherwise in time.
        resolve(run, &heard, Direction::Back).await;
        return false;
    }
    let there = went_forward(run, &heard).await;
    // A host that cannot be asked is named; the others are healthy and stay.
    for at in failed.into_iter().filter(|at| there.get(at) != Some(&true)) {
        run.fleet.hosts[at].fate.doubt();
    }
    let well = |host: &HostState| host.failure.is_none() || host.lost.is_some();
    run.fleet.hosts.iter().all(|host| host.running.is_none() && well(host))
}

/// Of a run that went on without failed hosts: those that were lost when it had begun there. They go on to the end by
/// themselves.
pub(super) async fn resolve_continued(run: &mut RunState<'_>) {
    let begun = |host: &HostState| matches!(host.lost, Some(Phase::Activate | Phase::Confirm));
    let open = |host: &HostState| begun(host) && !host.fate.is_in_doubt();
    let open: Vec<usize> = run.failed().into_iter().filter(|at| open(&run.fleet.hosts[*at])).collect();
    if run.fleet.known.now {
        return;
    }
    let there = went_forward(run, &open).await;
    for at in open.into_iter().filter(|at| !there.contains_key(at)) {
        run.fleet.hosts[at].fate.doubt();
    }
}

// Whether hosts that were lost have come to what goes live, by themselves, and then they have not failed. Of a host that is
// missing it is not known.
async fn went_forward(run: &mut RunState<'_>, hosts: &[usize]) -> BTreeMap<usize, bool> {
    let answers = resolve(run, hosts, Direction::Forward).await;
    let mut all = BTreeMap::new();
    for (at, Answer { live, was_live, .. }) in answers.into_iter().filter(|(_, is)| !is.unfinished) {
        let release = |live: Option<&Live>| live.map(|live| live.release.clone());
        let there = release(live.as_ref()) == release(run.goal(at));
        let host = &mut run.fleet.hosts[at];
        if was_live {
            host.fate.switch();
        }
        if there {
            host.failure = None;
            host.lost = None;
        }
        all.insert(at, there);
    }
    all
}

/// A single host did it all in one script. Where its connection was lost on the way, it is asked how far it came.
pub(super) async fn resolve_single_host(run: &mut RunState<'_>) {
    let before = run.fleet.hosts[0].live();
    let goal = run.goal(0).map(|goal| goal.release.clone());
    let Some(answer) = resolve(run, &[0], Direction::Forward).await.remove(&0) else { return };
    let host = &mut run.fleet.hosts[0];
    if answer.was_live {
        host.fate.switch();
    }
    let live = answer.live.as_ref().map(|live| live.release.clone());
    // Back by itself: no doubt about it.
    host.lost.take_if(|_| answer.live == before && !answer.unfinished);
    run.confirmed = live.is_some() && live == goal && !answer.unfinished;
}

fn is_before_any_change(phase: Phase) -> bool {
    matches!(phase, Phase::Check | Phase::Connect | Phase::Lock | Phase::Local)
}

// Whether what a host serves may change in it.
fn is_activating(phase: Phase) -> bool {
    matches!(phase, Phase::Activate | Phase::Confirm | Phase::SingleHost)
}
