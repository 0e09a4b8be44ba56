//! Where an app did not come up, its own log says why: the end of it is kept before the way back makes it move on.

use super::event::{Failure, FailureKind};
use super::host::HostState;
use super::run_state::RunState;
use crate::plan::Phase;
use crate::remote::script::Script;
use crate::remote::step::Step;

/// Keeps the end of the logs of hosts that failed a check of the app, with their failures.
pub(super) async fn keep(run: &mut RunState<'_>) {
    let scripts: Vec<Script> = (run.fleet.hosts.iter().zip(&run.plan().recovery.logs))
        .map(|(host, script)| if did_not_come_up(host) { script.clone() } else { Script::new() })
        .collect();
    if scripts.iter().all(Script::is_empty) || run.fleet.known.signal != 0 {
        return;
    }
    run.fleet.quiet = true;
    run.fleet.stage(Phase::Rollback, &scripts, true).await;
    run.fleet.quiet = false;
    for host in &mut run.fleet.hosts {
        let end: Vec<u8> =
            std::mem::take(&mut host.pieces).into_iter().flat_map(|(_, _, bytes)| bytes.to_vec()).collect();
        if let Some(failure) = host.failure.as_mut().filter(|_| !end.is_empty()) {
            add(failure, &end);
        }
    }
}

fn did_not_come_up(host: &HostState) -> bool {
    let checks = |failure: &Failure| {
        failure.kind == FailureKind::Step && matches!(failure.step, Step::Health | Step::Verify)
    };
    host.failure.as_ref().is_some_and(checks) && host.is_connected() && host.running.is_none()
}

fn add(failure: &mut Failure, end: &[u8]) {
    if !failure.tail.is_empty() && !failure.tail.ends_with(b"\n") {
        failure.tail.push(b'\n');
    }
    failure.tail.extend_from_slice(b"[the end of the app's logs]\n");
    failure.tail.extend_from_slice(end);
}
