//! `shipit ENV list`: deploys, newest first; those that `revert` can go back to carry the number it counts by.

use jiff::Timestamp;

use super::chain::Chain;
use super::context::{Context, exit_code};
use super::deploy_cache;
use crate::error::Error;
use crate::executor::Looked;
use crate::remote::history;
use crate::report::deploys::Deploys;
use crate::report::{Note, fleet, json};

/// Deploys that are shown, where it is not said how many.
const MOST: usize = 20;

pub(super) async fn run(context: Context<'_>, most: Option<usize>) -> Result<u8, Error> {
    let looked = context.look().await?;
    let code = exit_code(&looked);
    let answered: Vec<&Looked> = looked.iter().filter(|host| host.failure.is_none()).collect();
    let journals: Vec<_> = answered.iter().map(|host| host.entries.as_slice()).collect();
    let all = history::merged(&journals);
    let chain = Chain::of(&looked);
    let deploys = Deploys {
        all: &all,
        numbers: &chain.numbers,
        live: chain.live.unwrap_or_default(),
        apps: &answered.iter().map(|host| host.app).collect::<Vec<_>>(),
    };
    if context.wants_json() {
        context.printer.json(&json::list(&deploys, most));
        return Ok(code);
    }
    if all.is_empty() {
        if !answered.is_empty() {
            context.printer.note(Note::NothingDeployed);
        }
        return Ok(code);
    }
    let environment = &context.environment;
    deploy_cache::remember(&context.surroundings, (&environment.file, &environment.name), &all, deploys.live);
    let most = most.unwrap_or(MOST);
    context.printer.data(&deploys.table(Timestamp::now(), most, context.printer.data_width()));
    if all.len() > most {
        context.printer.note(Note::MoreDeploys { more: all.len() - most, environment: &environment.name });
    }
    let serves = |host: &&Looked| {
        let live = fleet::common(&looked, host.app).unwrap_or_default();
        host.live.as_ref().is_some_and(|on_host| on_host.release == live)
    };
    if !answered.iter().all(serves) {
        context.printer.note(Note::HostsDiffer { environment: &context.environment.name });
    }
    Ok(code)
}
