//! `shipit ENV sync`, `shipit ENV restart`, `shipit ENV prune`.

use super::carry_out::carry_out;
use super::context::Context;
use crate::config::{self, Choice};
use crate::error::Error;
use crate::executor::Request;
use crate::executor::decide::Intent;
use crate::plan;

pub(super) async fn sync(mut context: Context<'_>) -> Result<u8, Error> {
    // `--hosts` says which hosts are brought; all are asked what is live.
    let apps = Choice { apps: &context.invocation.apps, ..Choice::default() };
    let everywhere = config::select(context.everywhere.clone(), apps)?;
    let chosen = std::mem::replace(&mut context.environment, everywhere);
    let chosen_by_name = !context.invocation.hosts.is_empty() || !context.invocation.roles.is_empty();
    let only = match chosen_by_name {
        true => chosen.sites.iter().map(|site| context.environment.site_name_of(&chosen, site)).collect(),
        false => Vec::new(),
    };
    let mut options = context.options(true)?;
    options.tokens = context.tokens()?;
    options.files = super::files::read(&context)?;
    let plan = plan::sync(context.environment.clone(), &options);
    let request =
        Request { plan: &plan, intent: Intent::Sync { only }, lock_wait: context.lock_wait(), ask: None };
    carry_out(&context, request, None).await
}

pub(super) async fn restart(context: Context<'_>) -> Result<u8, Error> {
    // No `env`: what was stored with the release counts, and asks nothing of the operator.
    let plan = plan::restart(context.environment.clone(), &context.options(false)?);
    let request = Request { plan: &plan, intent: Intent::Restart, lock_wait: context.lock_wait(), ask: None };
    carry_out(&context, request, None).await
}

pub(super) async fn prune(context: Context<'_>) -> Result<u8, Error> {
    let plan = plan::prune(context.environment.clone(), &context.options(false)?);
    let request = Request { plan: &plan, intent: Intent::Prune, lock_wait: context.lock_wait(), ask: None };
    carry_out(&context, request, None).await
}
