//! `shipit ENV unlock`: ends the run that holds the lock; it rolls back, then lets go.

use super::carry_out::carry_out;
use super::context::{Context, exit_code};
use crate::error::{Error, exit};
use crate::executor::Request;
use crate::executor::decide::Intent;
use crate::plan;
use crate::report::clean;
use crate::report::prompt::{self, Question};

pub(super) async fn run(context: Context<'_>) -> Result<u8, Error> {
    let looked = context.look().await?;
    let held: Vec<_> = looked.iter().filter_map(|host| Some((&host.host, host.holder.as_ref()?))).collect();
    if held.is_empty() {
        if exit_code(&looked) == exit::OK {
            context.printer.note("no host is locked\n");
        }
        return Ok(exit_code(&looked));
    }
    for (host, (who, dead)) in &held {
        let state = if *dead { "a run that died" } else { "a run that is alive" };
        context.printer.note(&format!("{host}: held by {state}: {}\n", clean::line(who.as_bytes(), 400)));
    }
    if held.iter().any(|(_, (_, dead))| !dead)
        && !context.invocation.yes
        && !prompt::ask(context.printer, Question::EndRun)
    {
        return Err(Error::Refused {
            reason: "not confirmed".into(),
            hint: "--yes ends the run that holds the lock; what it made live is rolled back".into(),
        });
    }
    let plan = plan::unlock(context.environment.clone(), &context.options(false)?);
    let request = Request { plan: &plan, intent: Intent::Nothing, lock_wait: context.lock_wait(), ask: None };
    carry_out(&context, request, None).await
}
