//! The lock on all hosts, or on none. Of colliding runs at least one goes on: the run that holds the first host keeps what it
//! has for a moment and tries for the rest, every other run releases all; so the first host decides between runs on the same
//! hosts.

use std::time::Duration;

use tokio::time::Instant;

use super::event::{Event, FailureKind};
use super::host::HostState;
use super::run_state::{RunState, Stopped};
use crate::plan::{OnFailure, Phase};
use crate::remote::by::By;
use crate::remote::facts::Facts;
use crate::remote::reason::Reason;
use crate::remote::script::Script;

/// How long colliding runs try, whatever `--lock-wait` says.
const COLLISION: Duration = Duration::from_secs(5);
/// How long the holder of the first host keeps it while another host is missing: otherwise runs on overlapping sets of hosts
/// might wait for each other.
const KEEP: Duration = Duration::from_millis(1500);

/// After the opening, which tried once: until all hosts are held, or the time is up.
pub(super) async fn all(run: &mut RunState<'_>, patience: Duration) -> Result<(), Stopped> {
    run.fleet.quiet = true;
    let held = hold(run, patience).await;
    run.fleet.quiet = false;
    held
}

async fn hold(run: &mut RunState<'_>, patience: Duration) -> Result<(), Stopped> {
    let began = Instant::now();
    let patience = patience.max(COLLISION);
    let mut reported = false;
    loop {
        let busy: Vec<usize> = indices(run, busy);
        // Also where a run goes on without hosts that fail: all or none.
        if run.fleet.hosts.iter().any(is_refused_owner) {
            run.failed_in = Some(Phase::Lock);
            return Err(Stopped);
        }
        if busy.is_empty() {
            return Ok(());
        }
        let failed_otherwise = run.fleet.hosts.iter().enumerate().any(|(at, h)| {
            h.failure.is_some() && !busy.contains(&at) && run.on_failure() != OnFailure::Continue
        });
        if failed_otherwise || began.elapsed() >= patience || run.fleet.known.signal != 0 {
            run.failed_in = Some(Phase::Lock);
            name_holder(run, &busy);
            return Err(Stopped);
        }
        if !reported && began.elapsed() >= KEEP {
            reported = true;
            let host = &run.fleet.hosts[busy[0]];
            let holder = host.facts.holder.as_deref().unwrap_or("another run").to_owned();
            run.fleet.observer.event(&Event::Waiting { host: &host.name, holder: &holder, patience });
        }
        let keep = !busy.contains(&0) && began.elapsed() < KEEP;
        if !keep {
            let plan = run.plan();
            run.fleet.tell(Phase::Lock, &plan.release_lock, |_, host| host.failure.is_none()).await;
        }
        nap(run, if began.elapsed() < COLLISION { 250 } else { 2000 }).await;
        let again: Vec<usize> = if keep { busy } else { indices(run, busy_or_well) };
        for at in &again {
            run.fleet.hosts[*at].failure = None;
            run.fleet.hosts[*at].entries.clear();
            // What was so before the other run may not be so any more.
            run.fleet.hosts[*at].facts = Facts::default();
        }
        let mut opening = run.plan().opening.clone();
        for (at, script) in opening.iter_mut().enumerate() {
            if !again.contains(&at) {
                *script = Script::new();
            }
        }
        run.fleet.stage(Phase::Lock, &opening, false).await;
    }
}

fn indices(run: &RunState<'_>, which: impl Fn(&RunState<'_>, usize) -> bool) -> Vec<usize> {
    (0..run.fleet.hosts.len()).filter(|at| which(run, *at)).collect()
}

fn busy(run: &RunState<'_>, at: usize) -> bool {
    run.fleet.hosts[at].failure.as_ref().is_some_and(|failure| failure.kind == FailureKind::Busy)
}

fn is_refused_owner(host: &HostState) -> bool {
    let reason = host.failure.as_ref().and_then(|failure| failure.reason.as_ref());
    reason.is_some_and(Reason::is_about_owner)
}

fn busy_or_well(run: &RunState<'_>, at: usize) -> bool {
    run.fleet.hosts[at].failure.is_none() || busy(run, at)
}

fn name_holder(run: &mut RunState<'_>, busy: &[usize]) {
    for at in busy {
        let host = &mut run.fleet.hosts[*at];
        let holder = By::read(host.facts.holder.as_deref().unwrap_or_default());
        if let Some(failure) = &mut host.failure {
            failure.message = holder.at_work(false, jiff::Timestamp::now());
            failure.hint = Some(format!(
                "try again later, wait with --lock-wait 10m, or end that run: shipit {} unlock",
                run.request.plan.environment.name
            ));
        }
    }
}

// Half to one and a half times so many milliseconds, so that colliding runs fall out of step.
async fn nap(run: &mut RunState<'_>, milliseconds: u64) {
    let mut byte = [128_u8; 1];
    // Without randomness: all nap alike, and the first host still decides.
    let _ = getrandom::fill(&mut byte);
    let nap = Duration::from_millis(milliseconds / 2 + milliseconds * u64::from(byte[0]) / 255);
    let known = run.fleet.known;
    tokio::select! {
        () = tokio::time::sleep(nap) => run.fleet.observer.tick(),
        asked = run.fleet.interrupt.beyond(known) => run.fleet.asked(asked),
    }
}
