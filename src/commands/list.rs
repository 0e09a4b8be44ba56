//! `shipit ENV list`: deploys, newest first; those that `revert` can go back to carry the number it counts by.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Context, seen};
use crate::error::Error;
use crate::executor::Looked;
use crate::remote::{history, journal};
use crate::report::{deploys, fleet};

pub(super) async fn run(context: Context<'_>) -> Result<u8, Error> {
    let looked = context.look().await?;
    let code = super::answered(&looked);
    let answered: Vec<&Looked> = looked.iter().filter(|host| host.failure.is_none()).collect();
    if context.wants_json() {
        // One journal stands for all; where they differ, `status` says so.
        context.printer.json(&super::json::list(answered.iter().copied().max_by_key(|h| h.entries.len())));
        return Ok(code);
    }
    let journals: Vec<_> = answered.iter().map(|host| host.entries.as_slice()).collect();
    let all = history::merged(&journals);
    if all.is_empty() {
        if !answered.is_empty() {
            context.printer.note("nothing was deployed yet\n");
        }
        return Ok(code);
    }
    let environment = &context.environment;
    let entries: Vec<_> = all.iter().map(|deploy| deploy.entry).collect();
    seen::remember(&context.surroundings, &environment.file, &environment.name, &entries);
    let live = fleet::common(&looked).unwrap_or_default();
    let serves = |host: &&&Looked| host.live.as_ref().is_some_and(|on_host| on_host.release == live);
    // The chain of one host that serves it stands for all; where they differ, `status` says so.
    let teller = answered.iter().filter(serves).max_by_key(|host| host.entries.len());
    let chain = teller.map_or_else(Vec::new, |host| journal::chain(&host.entries, live));
    let numbers: BTreeMap<&str, usize> =
        chain.iter().enumerate().map(|(at, entry)| (entry.release.as_str(), at + 1)).collect();
    context.printer.data(&deploys::list(&all, &numbers, (live, answered.len()), Timestamp::now()));
    if !answered.iter().all(|host| serves(&host)) {
        context
            .printer
            .note(&format!("hosts differ: `shipit {} status` shows which\n", context.environment.name));
    }
    Ok(code)
}
