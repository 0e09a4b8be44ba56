//! `shipit ENV hold [-m WHY] [--for DURATION]` and `shipit ENV resume`: without the lock, so also while a run has it.

use std::time::Duration;

use jiff::Timestamp;

use super::context::Context;
use crate::error::{Error, exit};
use crate::executor::Looked;
use crate::executor::event::FailureKind;
use crate::plan;
use crate::remote::hold::{Hold, stamp};
use crate::report::{Note, human};

pub(super) async fn hold(context: Context<'_>, why: &str, lasting: Option<Duration>) -> Result<u8, Error> {
    let until = lasting.and_then(|lasting| Timestamp::now().checked_add(lasting).ok());
    let until = until.map_or(String::new(), stamp);
    let plan = plan::hold(context.environment.clone(), &context.options(false)?, &until, why);
    let looked = context.ask_hosts(&plan).await?;
    let held: Vec<&Looked> = looked.iter().filter(|host| host.failure.is_none()).collect();
    if let Some(host) = held.iter().find(|host| host.holder.as_ref().is_some_and(|(_, dead)| !dead)) {
        let holder = host.holder.as_ref().map_or("", |(who, _)| who);
        let run = human::lock(holder, false, Timestamp::now());
        context.printer.note(Note::RunContinues { run: &run });
    }
    // One host that was reached holds the environment: a deploy asks all hosts.
    if !held.is_empty() {
        let until = Some(human::when(&until)).filter(|until| !until.is_empty());
        let until = until.as_deref();
        let hosts: Vec<&str> = held.iter().map(|host| host.host.as_str()).collect();
        let environment = &context.environment.name;
        context.printer.note(Note::HoldSet { environment, hosts: &hosts, until });
    }
    Ok(code(&looked))
}

pub(super) async fn resume(context: Context<'_>) -> Result<u8, Error> {
    let plan = plan::resume(context.environment.clone(), &context.options(false)?);
    let looked = context.ask_hosts(&plan).await?;
    let environment = &context.environment.name;
    match looked.iter().filter(|host| host.failure.is_none()).find_map(|host| host.hold.as_ref()) {
        Some(hold) => context.printer.note(Note::HoldRemoved { environment, hold }),
        None if code(&looked) == exit::OK => context.printer.note(Note::NotHeld { environment }),
        None => {}
    }
    Ok(code(&looked))
}

/// The hold that is on, by the clock of this machine; where hosts have several, the newest.
pub(super) fn on(looked: &[Looked]) -> Option<&Hold> {
    Hold::newest(looked.iter().filter_map(|host| host.hold.as_ref()), Timestamp::now())
}

fn code(looked: &[Looked]) -> u8 {
    let mut kinds = looked.iter().filter_map(|host| host.failure.as_ref()).map(|failure| failure.kind);
    match kinds.next() {
        None => exit::OK,
        Some(FailureKind::Unreachable) => exit::UNREACHABLE,
        Some(_) if kinds.any(|kind| kind == FailureKind::Unreachable) => exit::UNREACHABLE,
        Some(_) => exit::FAILED,
    }
}
