//! `shipit ENV unlock`: ends the run that holds the lock; it rolls back, then lets go.

use jiff::Timestamp;

use super::carry_out::carry_out;
use super::context::{Context, exit_code};
use crate::error::{Error, Refused, exit};
use crate::executor::Request;
use crate::executor::decide::Intent;
use crate::plan;
use crate::report::prompt::{self, Question};
use crate::report::{Note, human};

pub(super) async fn run(context: Context<'_>) -> Result<u8, Error> {
    let looked = context.look().await?;
    let held: Vec<_> = looked.iter().filter_map(|host| Some((&host.host, host.holder.as_ref()?))).collect();
    // What shipit did not make is not removed; the attempt says what it is.
    if held.is_empty() && looked.iter().all(|host| host.facts.stuck.is_none()) {
        if exit_code(&looked) == exit::OK {
            context.printer.note(Note::NoHostLocked);
        }
        return Ok(exit_code(&looked));
    }
    let mut told: Vec<String> = Vec::new();
    for (_, (holder, dead)) in &held {
        let run = human::lock(holder, *dead, Timestamp::now());
        if !told.contains(&run) {
            context.printer.note(Note::LockHolder { run: &run });
            told.push(run);
        }
    }
    if held.iter().any(|(_, (_, dead))| !dead)
        && !context.invocation.yes
        && !prompt::ask(context.printer, Question::EndRun).await?
    {
        return Err(Refused::UnlockNotConfirmed.into());
    }
    let plan = plan::unlock(context.environment.clone(), &context.options(false)?);
    let request = Request { plan: &plan, intent: Intent::Nothing, lock_wait: context.lock_wait(), ask: None };
    carry_out(&context, request, None).await
}
