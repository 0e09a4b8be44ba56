//! A run that changes hosts, from its plan to its report; or, where that is asked for, what it would do.

use super::context::Context;
use super::dry_run;
use crate::error::Error;
use crate::executor::{self, Request};

/// The exit code. `undo`: the command that takes it back.
pub(super) async fn carry_out(
    context: &Context<'_>,
    request: Request<'_>,
    undo: Option<String>,
) -> Result<u8, Error> {
    if context.invocation.dry_run {
        return dry_run::show(context, &request).await;
    }
    let mut show = context.show()?;
    let transport = context.transport().await?;
    let interrupt = Context::interrupt()?;
    let outcome = executor::run(&request, transport, &mut show, interrupt).await;
    Ok(show.end(&outcome, undo.as_deref()))
}
