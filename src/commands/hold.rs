//! `shipit ENV hold [-m WHY] [--for DURATION]` and `shipit ENV resume`: without the lock, so also while a run has it.

use std::time::Duration;

use jiff::Timestamp;

use super::context::Context;
use crate::error::{Error, Refused, exit};
use crate::executor::event::FailureKind;
use crate::executor::{Looked, Looking};
use crate::plan;
use crate::remote::by::By;
use crate::remote::hold::{Hold, stamp};
use crate::report::prompt::{self, Question};
use crate::report::{Note, Silent, human};

pub(super) async fn hold(context: Context<'_>, why: &str, lasting: Option<Duration>) -> Result<u8, Error> {
    let until = lasting.and_then(|lasting| Timestamp::now().checked_add(lasting).ok());
    let until = until.map_or(String::new(), stamp);
    let options = context.options(false)?;
    let plan = plan::hold(context.environment.clone(), &options, &until, why);
    let transport = context.transport().await?;
    let mut silent = Silent;
    let mut looking = Looking::begin(&plan, transport, &mut silent, Context::interrupt()?).await;
    let replaced = may_replace(&context, &looking.answers(), &By::read(&options.who)).await;
    if replaced.is_ok() {
        looking.again(None, &[]).await;
    }
    let looked = looking.answers();
    looking.end().await;
    replaced?;
    for host in &looked {
        if let Some(failure) = &host.failure {
            context.printer.host_failure(&host.host, failure);
        }
    }
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

/// Whose hold it is may make it longer or shorter; that of another person is not replaced unasked: its reason and its end would
/// be gone.
async fn may_replace(context: &Context<'_>, looked: &[Looked], by: &By) -> Result<(), Error> {
    let others = on(looked).filter(|hold| By::read(&hold.who).name() != by.name());
    let Some(hold) = others.filter(|_| !context.invocation.yes) else { return Ok(()) };
    let environment = &context.environment.name;
    let hold = human::hold(hold, Timestamp::now());
    if prompt::can_ask(context.printer) {
        context.printer.note(Note::OtherHold { environment, hold: &hold });
        if prompt::ask(context.printer, Question::ReplaceHold).await? {
            return Ok(());
        }
    }
    Err(Refused::HeldByAnother { environment: environment.clone(), hold }.into())
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
