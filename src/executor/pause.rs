//! Pauses between two batches. Hosts that serve the new release go on doing that.

use super::event::{Event, Failure, FailureKind};
use super::fleet::plain_failure;
use super::host::HostState;
use super::notice::Notice;
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
        Pause::Ask => ask(run, &next).await,
    }
}

// Whether any host has something to do in the batch of a pause.
fn has_participants(run: &RunState<'_>, pause: &Stage) -> bool {
    let of_batch = run.plan().stages.iter().filter(|stage| stage.batch == pause.batch);
    of_batch
        .filter_map(|stage| match &stage.work {
            Work::Remote(scripts) => Some((stage.participants, scripts)),
            _ => None,
        })
        .any(|(participants, scripts)| {
            let does = |(host, script): (&HostState, &crate::remote::script::Script)| {
                !script.is_empty() && host.takes_part(participants)
            };
            run.fleet.hosts.iter().zip(scripts).any(does)
        })
}

async fn ask(run: &mut RunState<'_>, next: &str) -> Result<(), Stopped> {
    let Some(ask) = run.request.ask else { return Ok(()) };
    let question = format!("go on with {next}?");
    run.fleet.observer.event(&Event::Asking { question: &question });
    // Nothing is drawn over what is being typed.
    let yes = run.fleet.wait_for(ask.ask(&question), false).await;
    run.barrier(Phase::Activate, false)?;
    if yes == Some(true) {
        return Ok(());
    }
    let message = format!("stopped before {next}, as you answered no");
    let failure = plain_failure(FailureKind::Refused, Step::Pause, message);
    Err(run.stop(Phase::Activate, Failure { hint: None, ..failure }))
}

/// Which part of a phase a stage is, where that has parts: `api, batch 1 of 3`.
pub(super) fn part_name(run: &RunState<'_>, stage: &Stage) -> Option<String> {
    let Batch { app, number, of } = stage.batch?;
    let batch = (of > 1).then(|| format!("batch {number} of {of}"));
    let parts: Vec<String> = run.app_name(app).map(str::to_owned).into_iter().chain(batch).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}
