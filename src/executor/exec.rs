//! Runs without a lock: a command on every host, or only questions.

use std::time::Instant;

use super::event::{Event, Observer};
use super::fleet::Fleet;
use super::interrupt::Interrupt;
use super::outcome::{End, HostOutcome, HostResult, Live, Outcome};
use crate::plan::{Phase, Plan};
use crate::remote::attempt::Attempt;
use crate::remote::hold::Hold;
use crate::remote::journal::Entry;
use crate::transport::{Exit, Transport};

/// What a host answered to questions.
#[derive(Debug, Clone)]
pub struct Looked {
    /// As in the file; `HOST/APP` where there are several apps.
    pub host: String,
    /// The app's index in the environment.
    pub app: usize,
    /// What is live.
    pub live: Option<Live>,
    /// What the configuration of what is live comes to.
    pub digest: Option<String>,
    /// Something else that `current` points to.
    pub foreign: Option<String>,
    /// Who holds the lock, and whether that run is dead.
    pub holder: Option<(String, bool)>,
    /// The hold, also one that is over.
    pub hold: Option<Hold>,
    /// What the stored `status` step of the live release says: `ok`, `down`, `late` or `unknown`; none: there is no such step.
    pub supervisor: Option<String>,
    /// A run ended while the host took no requests, and nothing has taken it in since; what does: `restart`, or `deploy`.
    pub drained: Option<String>,
    /// Its journal, oldest first.
    pub entries: Vec<Entry>,
    /// The records of its runs, oldest first, where they were asked for.
    pub attempts: Vec<Attempt>,
    /// Why there is no answer.
    pub failure: Option<super::event::Failure>,
}

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

pub(super) fn looked(host: &mut super::host::HostState) -> Looked {
    let told = |name: &str| host.fact(name).map(str::to_owned);
    Looked {
        host: host.name.clone(),
        app: host.app,
        live: host.live(),
        digest: told("live-digest"),
        foreign: told("foreign"),
        holder: host.fact("holder").map(|who| (who.to_owned(), host.fact("holder-dead").is_some())),
        hold: host.fact("hold").map(Hold::read),
        supervisor: told("supervisor"),
        drained: told("drained"),
        entries: std::mem::take(&mut host.entries),
        attempts: std::mem::take(&mut host.attempts),
        failure: host.failure.clone(),
    }
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
    observer.event(&Event::Started { action: plan.action.name(), environment, hosts: &names });
    let mut fleet = Fleet::new(plan, transport, observer, interrupt);
    fleet.open().await;
    for host in &fleet.hosts {
        if let Some(code) = host.code {
            let exit = Exit::Code(code);
            fleet.observer.event(&Event::StepEnded {
                host: &host.name,
                step: "exec",
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
        action: plan.action.name().to_owned(),
        environment: environment.clone(),
        end,
        release: None,
        revision: None,
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
            step: "exec".into(),
            exit: Some(Exit::Code(code)),
            message: "the command failed".into(),
            hint: None,
            tail: Vec::new(),
        });
    }
    // Who was stopped before its turn came has run nothing.
    let result = match (&failure, host.code) {
        (Some(_), _) => HostResult::Failed,
        (None, Some(_)) => HostResult::Done,
        (None, None) => HostResult::Stopped,
    };
    HostOutcome {
        host: host.name.clone(),
        from: None,
        to: None,
        result,
        failure,
        amiss: None,
        took: host.took,
    }
}
