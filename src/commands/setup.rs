//! `shipit ENV setup`.

use super::carry_out::carry_out;
use super::context::Context;
use crate::error::Error;
use crate::executor::Request;
use crate::executor::decide::Intent;
use crate::plan::{self, Options};

pub(super) async fn run(context: Context<'_>) -> Result<u8, Error> {
    let options = Options { tokens: context.tokens()?, ..context.options(true)? };
    let plan = plan::setup(context.environment.clone(), &options);
    let request = Request { plan: &plan, intent: Intent::Nothing, lock_wait: context.lock_wait(), ask: None };
    carry_out(&context, request, None).await
}
