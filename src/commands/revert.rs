//! `shipit ENV revert [N | DEPLOY]`.

use super::carry_out::carry_out;
use super::context::Context;
use crate::cli::RevertTo;
use crate::error::Error;
use crate::executor::Request;
use crate::executor::decide::{self, Intent};
use crate::plan;

pub(super) async fn run(context: Context<'_>, to: &RevertTo) -> Result<u8, Error> {
    let intent = match to {
        RevertTo::Back(count) => Intent::Revert(decide::RevertTo::Back(*count)),
        RevertTo::Deploy(name) => Intent::Revert(decide::RevertTo::Deploy(name.clone())),
    };
    // No `env`: what was stored with the release counts, and asks nothing of the operator.
    let plan = plan::revert(context.environment.clone(), &context.options(false)?);
    let request = Request { plan: &plan, intent, lock_wait: context.lock_wait(), ask: None };
    carry_out(&context, request, None).await
}
