//! `shipit ENV revert [N | DEPLOY]`.

use super::Context;
use crate::cli::RevertTo;
use crate::error::Error;
use crate::executor::{Request, Wanted};
use crate::plan;

pub(super) async fn run(context: Context<'_>, to: &RevertTo) -> Result<u8, Error> {
    let wanted = match to {
        RevertTo::Back(count) => Wanted::Back(*count),
        RevertTo::Deploy(name) => Wanted::Release(name.clone()),
    };
    // No `env`: what was stored with the release counts, and asks nothing of the operator.
    let plan = plan::revert(context.environment.clone(), &context.options(false)?);
    let request = Request { plan: &plan, wanted, lock_wait: context.lock_wait(), ask: None };
    context.carry_out(request, None).await
}
