//! Runs without a lock: a command on every host, or only questions.

use std::time::Instant;

use super::event::{Event, Observer};
use super::fleet::Fleet;
use super::interrupt::Interrupt;
use super::look::{Looked, looked};
use super::outcome::{End, HostOutcome, HostResult, Outcome};
use crate::plan::{Phase, Plan};
use crate::remote::step::Step;
use crate::transport::{Exit, Transport};

/// Asks all hosts.
pub async fn look(
    plan: &Plan,
    transport: &dyn Transport,
    observer: &mut dyn Observer,
    interrupt: Interrupt,
) -> Vec<Looked> {
    let mut fleet = Fleet::new(plan, transport, observer, interrupt);
    fleet.open().await;
    let looked = fleet.hosts.iter_mut().map(looked).collect();
    fleet.close().await;
    looked
}

/// Runs `exec`'s command on every host at once.
pub async fn exec(
    plan: &Plan,
    transport: &dyn Transport,
    observer: &mut dyn Observer,
    interrupt: Interrupt,
) -> Outcome {
    let since = Instant::now();
    let names: Vec<String> = plan.targets.iter().map(|t| t.name.clone()).collect();
    let environment = &plan.environment.name;
    observer.event(&Event::Started { action: plan.action, environment, hosts: &names });
    let mut fleet = Fleet::new(plan, transport, observer, interrupt);
    fleet.open().await;
    for host in &fleet.hosts {
        if let Some(code) = host.code {
            let exit = Exit::Code(code);
            fleet.observer.event(&Event::StepEnded {
                host: &host.name,
                step: Step::Exec.name(),
                exit: &exit,
                took: host.took,
            });
        }
    }
    let signal = fleet.known.signal;
    fleet.close().await;
    let hosts: Vec<HostOutcome> = fleet.hosts.iter_mut().map(answered).collect();
    let end = match signal {
        0 if hosts.iter().all(|host| host.failure.is_none()) => End::Done,
        0 => End::Failed,
        signal => End::Interrupted(signal),
    };
    Outcome {
        action: plan.action,
        environment: environment.clone(),
        end,
        release: None,
        version: None,
        apps: Vec::new(),
        hosts,
        failure: None,
        failed_in: Some(Phase::Exec),
        took: since.elapsed(),
        migrated: false,
    }
}

fn answered(host: &mut super::host::HostState) -> HostOutcome {
    use super::event::{Failure, FailureKind};
    let mut failure = host.failure.take();
    if let (None, Some(code)) = (&failure, host.code.filter(|code| *code != 0)) {
        failure = Some(Failure {
            kind: FailureKind::Step,
            step: Step::Exec,
            exit: Some(Exit::Code(code)),
            message: String::new(),
            reason: None,
            hint: None,
            tail: Vec::new(),
        });
    }
    // A host that was stopped before it started has run nothing.
    let result = match (&failure, host.code) {
        (Some(_), _) => HostResult::Failed,
        (None, Some(_)) => HostResult::Done,
        (None, None) => HostResult::Stopped,
    };
    HostOutcome {
        host: host.name.clone(),
        from: None,
        to: None,
        known: true,
        serving: None,
        result,
        failure,
        failed_recovery: None,
        took: host.took,
    }
}
