//! Where a run waits for time or for the operator: before the deploy, and between two batches. Hosts that serve the new
//! release go on doing that.

use super::event::{Event, FailureKind};
use super::fleet::plain_failure;
use super::notice::Notice;
use super::question::{Going, Question};
use super::run_state::{RunState, Stopped};
use crate::config::Pause;
use crate::plan::{Batch, Phase, Stage, Work};
use crate::remote::step::Step;

pub(super) async fn pause(run: &mut RunState<'_>, pause: Pause, stage: &Stage) -> Result<(), Stopped> {
    // A batch that has nothing to do is not waited for.
    if !has_participants(run, stage) {
        return Ok(());
    }
    let next = part_name(run, stage).unwrap_or_else(|| "the rest".to_owned());
    match pause {
        Pause::None => Ok(()),
        Pause::Lasting(time) => {
            run.notice(&Notice::Pause { time, before: next });
            run.fleet.wait_for(tokio::time::sleep(time), true).await;
            run.barrier(Phase::Activate, false)
        }
        Pause::Ask => ask(run, next, stage).await,
    }
}

// Whether any host has something to do in the batch of a pause.
fn has_participants(run: &RunState<'_>, pause: &Stage) -> bool {
    (0..run.fleet.hosts.len()).any(|at| has_work(run, pause, at))
}

// Whether a host has something to do in the batch of a pause.
fn has_work(run: &RunState<'_>, pause: &Stage, at: usize) -> bool {
    let of_batch = run.plan().stages.iter().filter(|stage| stage.batch == pause.batch);
    of_batch.into_iter().any(|stage| match &stage.work {
        Work::Remote(scripts) => {
            !scripts[at].is_empty() && run.fleet.hosts[at].takes_part(stage.participants)
        }
        _ => false,
    })
}

async fn ask(run: &mut RunState<'_>, next: String, stage: &Stage) -> Result<(), Stopped> {
    let name = |at: usize| run.fleet.hosts[at].name.clone();
    let all = 0..run.fleet.hosts.len();
    let hosts = all.clone().filter(|at| has_work(run, stage, *at)).map(name).collect();
    let live = all.filter(|at| run.fleet.hosts[*at].fate.was_switched()).map(name).collect();
    let changes = changes(run, stage.batch.map(|batch| batch.app));
    let question = Question::Batch { next: next.clone(), changes, hosts, live };
    if answer(run, &question, Phase::Activate).await? {
        return Ok(());
    }
    let message = format!("stopped before {next}, as you answered no");
    let failure = plain_failure(FailureKind::Refused, Step::Pause, message);
    Err(run.stop(Phase::Activate, failure))
}

/// Asks whether to deploy at all, where the configuration says so. The locks are held, so what is shown is what will be done.
pub(super) async fn confirm(run: &mut RunState<'_>) -> Result<(), Stopped> {
    if !run.plan().environment.confirm || run.request.ask.is_none() {
        return Ok(());
    }
    let hosts = run.fleet.hosts.iter().filter(|host| host.role.changes() && host.skipped.is_none());
    let hosts = hosts.map(|host| host.name.clone()).collect();
    let environment = run.plan().environment.name.clone();
    let question = Question::Deploy { environment, changes: changes(run, None), hosts };
    if answer(run, &question, Phase::Lock).await? {
        return Ok(());
    }
    let message = "you answered no; nothing was changed".to_owned();
    Err(run.stop(Phase::Lock, plain_failure(FailureKind::Refused, Step::Confirm, message)))
}

// Where nobody can be asked the run goes on: whoever made the request has seen to that.
async fn answer(run: &mut RunState<'_>, question: &Question, phase: Phase) -> Result<bool, Stopped> {
    let Some(ask) = run.request.ask else { return Ok(true) };
    let question = question.text();
    run.fleet.observer.event(&Event::Asking { question: &question });
    // Nothing is drawn over what is being typed.
    let yes = run.fleet.wait_for(ask.ask(&question), false).await;
    run.barrier(phase, false)?;
    Ok(yes == Some(true))
}

// What goes live of the apps that change, or of this one.
fn changes(run: &RunState<'_>, only: Option<usize>) -> Vec<Going> {
    let changing = |app: &usize| {
        only.is_none_or(|only| only == *app)
            && run.decision.as_ref().is_some_and(|decision| decision.changes(*app))
    };
    let apps = (0..run.fleet.goals.len()).filter(changing);
    apps.filter_map(|app| {
        let from = run.fleet.of_app(app).find_map(|(_, host)| host.live()?.version);
        let to = run.fleet.goals[app].as_ref()?.version.clone()?;
        Some(Going { app: run.app_name(app).map(str::to_owned), from, to, commits: run.commits[app] })
    })
    .collect()
}

/// Which part of a phase a stage is, where that has parts: `api, batch 1 of 3`.
pub(super) fn part_name(run: &RunState<'_>, stage: &Stage) -> Option<String> {
    let Batch { app, number, of } = stage.batch?;
    let batch = (of > 1).then(|| format!("batch {number} of {of}"));
    let parts: Vec<String> = run.app_name(app).map(str::to_owned).into_iter().chain(batch).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}
