//! Hosts where another tool deployed before: it is adopted under the lock, before anything is decided, so that what is live
//! there is a release like others.

use super::decide::adopting;
use super::run_state::{RunState, Stopped};
use crate::plan::{OnFailure, Phase};
use crate::remote::script::Script;

/// On hosts that said so; the others do nothing. Does not return before all have.
pub(super) async fn adopt(run: &mut RunState<'_>) -> Result<(), Stopped> {
    let adopts = adopting(&run.situation(), &run.request.intent);
    let script = |(at, script): (usize, &Script)| if adopts[at] { script.clone() } else { Script::new() };
    let scripts: Vec<Script> = run.plan().adopt.iter().enumerate().map(script).collect();
    if scripts.iter().all(Script::is_empty) {
        return Ok(());
    }
    for (host, _) in run.fleet.hosts.iter_mut().zip(adopts).filter(|(_, adopts)| *adopts) {
        // It is told what is live in the place of it.
        host.facts.foreign = None;
    }
    run.fleet.stage(Phase::Lock, &scripts, false).await;
    run.barrier(Phase::Lock, run.on_failure() == OnFailure::Continue)
}
