//! The conductor of a run that holds the lock: deploy, revert, setup, sync, restart, prune, unlock. Forward through the stages of
//! the plan; after a failure what the plan says for that. It asks the plan what to do, never which command it carries out.

use super::adopt::adopt;
use super::apply_decision;
use super::decide::{Decision, MayNotSkip, Skip, decide, may_skip, missing_from};
use super::end_of_logs;
use super::event::{Event, Observer};
use super::fleet::Fleet;
use super::host::HostState;
use super::interrupt::Interrupt;
use super::lock;
use super::notice::Notice;
use super::outcome::{End, Outcome};
use super::pause;
use super::request::Request;
use super::resolve_refs::resolve_refs;
use super::rollback;
use super::run_state::{RunState, Stopped};
use super::trouble;
use crate::plan::{LocalHook, OnFailure, Phase, Stage, Work};
use crate::remote::script::Script;
use crate::remote::step::Step;
use crate::transport::Transport;

/// Carries out a plan.
pub async fn run(
    request: &Request<'_>,
    transport: &dyn Transport,
    observer: &mut dyn Observer,
    interrupt: Interrupt,
) -> Outcome {
    let plan = request.plan;
    let names: Vec<String> = plan.targets.iter().map(|t| t.name.clone()).collect();
    let environment = &plan.environment.name;
    observer.event(&Event::Started { action: plan.action, environment, hosts: &names });
    let mut run = RunState::new(Fleet::new(plan, transport, observer, interrupt), request);
    let end = match forward(&mut run).await {
        Ok(end) => end,
        Err(Stopped) => rollback::recover(&mut run).await,
    };
    let end = with_unasked(&run, end);
    run.fleet.close().await;
    if end == End::Done {
        tell_unchecked(&mut run);
    }
    trouble::advise(&mut run.fleet.hosts, &plan.environment);
    let outcome = Outcome::of(&mut run, end);
    run.after_the_end(&outcome).await;
    outcome
}

async fn forward(run: &mut RunState<'_>) -> Result<End, Stopped> {
    let plan = run.plan();
    run.fleet.open().await;
    skip_unreachable(run);
    lock::all(run, run.request.lock_wait).await?;
    if plan.policy.respects_hold {
        check_hold(run)?;
    }
    run.barrier(Phase::Connect, run.on_failure() == OnFailure::Continue)?;
    adopt(run).await?;
    let decision = make_decision(run).await?;
    go_without_skipped(run, &decision)?;
    let nothing = decision.is_nothing();
    run.decision = Some(decision);
    if nothing {
        run.fleet.tell(Phase::Finish, &plan.release_lock, |_, _| true).await;
        // Hosts that could not be asked may have something to do.
        run.barrier(Phase::Connect, false)?;
        return Ok(End::NothingToDo);
    }
    pause::confirm(run).await?;
    for (at, next) in plan.stages.iter().enumerate() {
        stage(run, next).await?;
        if next.batch.is_some() && next.batch != plan.stages.get(at + 1).and_then(|after| after.batch) {
            batch_is_live(run);
        }
    }
    end(run).await
}

// All stages are over. Hosts that failed while the others went on end their run, too.
async fn end(run: &mut RunState<'_>) -> Result<End, Stopped> {
    if run.failed().is_empty() {
        let idle = |host: &HostState| host.facts.idle || host.facts.pruned == Some(0);
        return Ok(if run.fleet.hosts.iter().all(idle) { End::NothingToDo } else { End::Done });
    }
    rollback::resolve_continued(run).await;
    end_of_logs::keep(run).await;
    rollback::tell_unhealthy(run).await;
    let failures = run.take_failures();
    let recovery = &run.plan().recovery.script;
    run.fleet.tell(Phase::Rollback, recovery, |at, _| failures[at].is_some()).await;
    for (host, failure) in run.fleet.hosts.iter_mut().zip(failures) {
        host.failure = failure;
    }
    Ok(if run.failed().is_empty() { End::Done } else { End::Split })
}

// Before the lock is taken: hosts that cannot be reached, where the run may do without them.
fn skip_unreachable(run: &mut RunState<'_>) {
    let hosts = &run.fleet.hosts;
    let gone: Vec<usize> = (0..hosts.len()).filter(|at| hosts[*at].is_unreachable()).collect();
    match may_skip(run.plan(), &gone) {
        Skip::Fail => {}
        Skip::FailFor(notice) => run.notice(&notice),
        Skip::Skip => {
            for at in gone {
                let host = &mut run.fleet.hosts[at];
                host.skipped = host.failure.take();
            }
        }
    }
}

// Under the lock, and before anything else is asked.
fn check_hold(run: &mut RunState<'_>) -> Result<(), Stopped> {
    match super::decide::check_hold(&run.situation()) {
        Ok(()) => Ok(()),
        Err(refusal) => Err(run.stop(Phase::Lock, refusal.failure())),
    }
}

async fn make_decision(run: &mut RunState<'_>) -> Result<Decision, Stopped> {
    let versions = resolve_refs(run).await?;
    let decided = decide(&run.situation(), &run.request.intent, &versions);
    let decision = match decided {
        Ok(decision) => decision,
        Err(refusal) => return Err(run.stop(Phase::Lock, refusal.failure())),
    };
    if decision.is_nothing() {
        apply_decision::set_goals(run, &decision);
        decision.notices.iter().for_each(|notice| run.notice(notice));
    } else {
        apply_decision::apply(run, &decision).await;
    }
    Ok(decision)
}

// Once it is known which apps change: whether that can be done without the skipped hosts.
fn go_without_skipped(run: &mut RunState<'_>, decision: &Decision) -> Result<(), Stopped> {
    let plan = run.plan();
    let hosts = &run.fleet.hosts;
    let skipped: Vec<usize> = (0..hosts.len()).filter(|at| hosts[*at].skipped.is_some()).collect();
    match missing_from(plan, &skipped, |app| decision.changes(app)) {
        Ok(notice) => {
            notice.iter().for_each(|notice| run.notice(notice));
            Ok(())
        }
        Err(MayNotSkip { hosts }) => {
            let notice = Notice::CannotSkip { hosts };
            run.notice(&notice);
            for (at, host) in run.fleet.hosts.iter_mut().enumerate() {
                host.failure = host.failure.take().or_else(|| host.skipped.take());
                if let Some(failure) = host.failure.as_mut().filter(|_| plan.needed.contains(&at)) {
                    failure.hint = Some("it cannot be skipped: a hook runs there for all hosts".to_owned());
                }
            }
            run.barrier(Phase::Connect, false)
        }
    }
}

// What a good end is, where hosts could not be asked that were to be changed.
fn with_unasked(run: &RunState<'_>, end: End) -> End {
    match end {
        _ if !run.decision.as_ref().is_some_and(|decision| decision.incomplete) => end,
        End::Done => End::Split,
        End::NothingToDo => End::Unreachable,
        end => end,
    }
}

// That a command ended well is not that the app serves.
fn tell_unchecked(run: &mut RunState<'_>) {
    let changes = |app: &usize| run.decision.as_ref().is_some_and(|decision| decision.changes(*app));
    let apps: Vec<usize> = run.plan().unchecked.iter().copied().filter(changes).collect();
    if !apps.is_empty() {
        let apps = apps.iter().filter_map(|app| run.app_name(*app)).map(str::to_owned).collect();
        run.notice(&Notice::Unchecked { apps });
    }
}

fn batch_is_live(run: &mut RunState<'_>) {
    for host in run.fleet.hosts.iter_mut().filter(|host| host.failure.is_none() && host.running.is_none()) {
        host.fate.serve();
    }
}

async fn stage(run: &mut RunState<'_>, stage: &Stage) -> Result<(), Stopped> {
    run.fleet.part = pause::part_name(run, stage);
    if !run.fleet.hosts.iter().any(|host| host.takes_part(stage.participants)) {
        return Ok(());
    }
    match &stage.work {
        Work::Local(hooks) => local_hooks(run, stage, hooks).await?,
        Work::Health(targets) => check_health(run, stage, targets).await,
        Work::Pause(time) => return pause::pause(run, *time, stage).await,
        Work::Remote(scripts) => remote(run, stage, scripts).await,
    }
    forgive_unchanged(run);
    match stage.phase {
        Phase::SingleHost => return single_host(run).await,
        Phase::Finish => {
            forgive_after_the_end(run);
            return Ok(());
        }
        Phase::Confirm => {
            run.confirmed = rollback::resolve_confirmation(run).await;
            if run.confirmed {
                return Ok(());
            }
        }
        _ => {}
    }
    run.barrier(stage.phase, run.on_failure() == OnFailure::Continue)
}

async fn remote(run: &mut RunState<'_>, stage: &Stage, scripts: &[Script]) {
    let part = |(host, script): (&HostState, &Script)| {
        if host.takes_part(stage.participants) { script.clone() } else { Script::new() }
    };
    let scripts: Vec<Script> = run.fleet.hosts.iter().zip(scripts).map(part).collect();
    run.fleet.stage(stage.phase, &scripts, false).await;
    run.migrated |= run.fleet.hosts.iter().any(|host| host.migrated);
}

async fn local_hooks(run: &mut RunState<'_>, stage: &Stage, hooks: &[LocalHook]) -> Result<(), Stopped> {
    let part = |hook: &&LocalHook| match hook.target {
        Some(at) => run.fleet.hosts[at].takes_part(stage.participants),
        None => run.concerns(hook.app),
    };
    let hooks: Vec<&LocalHook> = hooks.iter().filter(part).collect();
    run.local_hooks(stage.phase, &hooks).await
}

// Of those whose release has a health check from this machine.
async fn check_health(run: &mut RunState<'_>, stage: &Stage, targets: &[usize]) {
    let mut questions = Vec::new();
    for at in targets {
        let host = &run.fleet.hosts[*at];
        let asks = host.failure.is_none() && host.takes_part(stage.participants);
        let Some(spec) = host.facts.health.clone().filter(|_| asks) else { continue };
        let live = run.goal(*at).cloned().or_else(|| host.live()).unwrap_or_default();
        questions.extend(run.fleet.hosts[*at].health_question(*at, &spec, live));
    }
    run.fleet.ask_health(stage.phase, questions, false).await;
}

// A single host did it all in one script, or all up to a health check from this machine.
async fn single_host(run: &mut RunState<'_>) -> Result<(), Stopped> {
    if run.fleet.hosts[0].lost.is_some() {
        rollback::resolve_single_host(run).await;
    }
    let host = &run.fleet.hosts[0];
    // Recorded is done, whatever failed after that.
    run.confirmed |= host.running.is_none() && host.facts.finished;
    if host.failure.is_none() && host.facts.health.is_some() && !run.confirmed {
        return run.barrier(Phase::SingleHost, false);
    }
    run.confirmed |= host.running.is_none() && host.failure.is_none();
    if run.confirmed {
        forgive_after_the_end(run);
        return Ok(());
    }
    run.failed_in = Some(Phase::SingleHost);
    Err(Stopped)
}

// Hosts that need no change, and were lost, have not failed.
fn forgive_unchanged(run: &mut RunState<'_>) {
    for at in 0..run.fleet.hosts.len() {
        let host = &mut run.fleet.hosts[at];
        if host.is_lost_unchanged() {
            host.failure = None;
            host.lost = None;
            let host = host.name.clone();
            run.notice(&Notice::LostUnchanged { host });
        }
    }
}

// What fails after all is live, or otherwise done, is reported, never undone.
fn forgive_after_the_end(run: &mut RunState<'_>) {
    for at in 0..run.fleet.hosts.len() {
        let confirmed = run.confirmed;
        let host = &mut run.fleet.hosts[at];
        let Some(failure) = host.failure.as_ref().filter(|_| !host.fate.is_in_doubt()) else { continue };
        let name = host.name.clone();
        let notice = if host.lost == Some(Phase::Finish) {
            Notice::LostAtTheEnd { host: name }
        } else if host.fate.was_switched() && host.lost.is_some() && confirmed {
            Notice::LostWhenConfirmed { host: name }
        } else if host.fate.was_switched() && matches!(failure.step, Step::Finish | Step::Script) {
            Notice::NotCleanedUp { host: name, message: failure.message.clone() }
        } else {
            continue;
        };
        host.failure = None;
        run.notice(&notice);
    }
}
