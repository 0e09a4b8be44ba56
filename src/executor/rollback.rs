//! What is done after a failure, by the plan's policy: every host back to before the run; or, where a run does not go back,
//! what was begun on to its end. What follows from how that went is decided in `decide`.

use std::collections::BTreeMap;

use super::decide::{
    Confirmation, Failed, Failures, Progress, Returned, Shown, confirmation, finished, is_to_be_asked,
    may_have_been_live, returned, serves_goal,
};
use super::end::End;
use super::end_of_logs;
use super::event::Failure;
use super::fate::Fate;
use super::host::HostState;
use super::resolve_in_doubt::{ask_whether_confirmed, resolve};
use super::run_state::RunState;
use crate::plan::{OnFailure, Phase};
use crate::remote::damage::{Damage, Serving};
use crate::remote::script::{Direction, Script};
use crate::remote::step::Step;

/// After a failure or an interrupt: the plan's recovery, then the end of the run.
pub(super) async fn recover(run: &mut RunState<'_>) -> End {
    end_of_logs::keep(run).await;
    match run.on_failure() {
        OnFailure::FinishInPlace => finish_in_place(run).await,
        OnFailure::RollBack | OnFailure::Continue => roll_back(run).await,
    }
}

async fn roll_back(run: &mut RunState<'_>) -> End {
    let was_live = run.fleet.hosts.iter().any(|host| may_have_been_live(progress(host), run.failed_in));
    let (signal, cause) = (run.fleet.known.signal, run.cause());
    run.fleet.part = None;
    tell_unhealthy(run).await;
    // The report shows the first failure, not what the way back adds.
    let failures = run.take_failures();
    if !run.plan().recovery.script.is_empty() {
        recover_hosts(run).await;
    }
    let policy = run.on_failure();
    for (host, first) in run.fleet.hosts.iter_mut().zip(failures) {
        came_back(host, first, |progress, failures| {
            // Where hosts go on, what goes live is as good.
            let elsewhere = progress.elsewhere && policy != OnFailure::Continue;
            returned(Progress { elsewhere, ..progress }, failures, was_live)
        });
    }
    resolve_lost(run, was_live).await;
    if policy != OnFailure::Continue {
        // In doubt it stays.
        run.fleet.hosts.iter_mut().for_each(|host| host.fate.roll_back());
    }
    let is_sure = run.fleet.hosts.iter().all(|host| !host.fate.is_in_doubt());
    let there = |(at, host): (usize, &HostState)| serves_goal(host.fate, host.live().as_ref(), run.goal(at));
    let all_there = run.fleet.hosts.iter().enumerate().all(there);
    Failed { was_live, is_sure, all_there, policy, cause, signal }.end()
}

fn progress(host: &HostState) -> Progress {
    Progress {
        fate: host.fate,
        running: host.running.is_some(),
        lost: host.lost,
        elsewhere: !serves_again(host),
    }
}

// Notes what became of a host. `first`: what it failed with before its way back, if it did.
fn came_back(
    host: &mut HostState,
    first: Option<Failure>,
    decide: impl FnOnce(Progress, Failures<'_>) -> Returned,
) {
    let failures = Failures { first: first.as_ref(), later: host.failure.as_ref() };
    let Returned { fate, shown } = decide(progress(host), failures);
    host.fate = fate;
    if shown == Shown::First {
        host.failure = first;
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
    let unhealthy =
        |host: &HostState| host.failure.as_ref().is_some_and(|failure| failure.step == Step::Health);
    if !script.is_empty() && run.fleet.hosts.iter().any(unhealthy) {
        run.fleet.tell(Phase::Rollback, script, |_, host| unhealthy(host)).await;
    }
}

// Whether a host does not say that it serves anything else than before the run.
fn serves_again(host: &HostState) -> bool {
    match (&host.facts.serving, host.live()) {
        (None, _) => true,
        (Some(Serving::Release(release)), Some(before)) => *release == before.release,
        (Some(Serving::Nothing), None) => true,
        // It was so before.
        (Some(Serving::Broken(release)), Some(before)) => {
            *release == before.release && host.facts.damaged == Some(Damage::Gone)
        }
        (Some(_), _) => false,
    }
}

// Hosts that were lost when they may have been live, or drained: whether they are back.
async fn resolve_lost(run: &mut RunState<'_>, was_live: bool) {
    let hosts = run.fleet.hosts.iter().enumerate();
    let lost: Vec<usize> =
        hosts.filter(|(_, host)| is_to_be_asked(progress(host), was_live)).map(|(at, _)| at).collect();
    let called = if run.fleet.known.now { &[] } else { &lost[..] };
    let answers = resolve(run, called, Direction::Back).await;
    let policy = run.on_failure();
    for at in lost {
        let goal = run.goal(at).cloned();
        let host = &mut run.fleet.hosts[at];
        let answer = answers.get(&at);
        if answer.is_some_and(|answer| answer.was_live) {
            host.fate.switch();
        }
        if !answer.is_some_and(|answer| answer.is_back(host.live().as_ref(), goal.as_ref(), policy)) {
            host.facts.serving = answer.and_then(|answer| answer.serving.clone());
            host.fate.doubt();
        }
    }
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
    for (host, first) in run.fleet.hosts.iter_mut().zip(failures) {
        came_back(host, first, |progress, failures| finished(progress, failures, begun));
    }
    let failed = |host: &HostState| matches!(host.fate, Fate::RecoveryFailed { .. });
    let doubt = begun && run.fleet.hosts.iter().any(failed);
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
    let heard = match confirmation(&asked) {
        Confirmation::Forward(heard) => heard,
        Confirmation::Back(heard) => {
            resolve(run, &heard, Direction::Back).await;
            return false;
        }
    };
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
    for (at, answer) in answers.into_iter().filter(|(_, answer)| !answer.unfinished) {
        let there = answer.is_at(run.goal(at));
        let host = &mut run.fleet.hosts[at];
        if answer.was_live {
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
    let goal = run.goal(0).cloned();
    let Some(answer) = resolve(run, &[0], Direction::Forward).await.remove(&0) else { return };
    let host = &mut run.fleet.hosts[0];
    if answer.was_live {
        host.fate.switch();
    }
    // Back by itself: no doubt about it.
    host.lost.take_if(|_| answer.is_back(before.as_ref(), None, OnFailure::RollBack));
    run.confirmed = answer.is_done(goal.as_ref());
}

fn is_before_any_change(phase: Phase) -> bool {
    matches!(phase, Phase::Check | Phase::Connect | Phase::Lock | Phase::Local)
}
