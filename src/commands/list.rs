//! `shipit ENV list`: deploys, newest first; those that `revert` can go back to carry the number it counts by.

use std::collections::BTreeMap;

use super::{Context, seen};
use crate::error::{Error, exit};
use crate::executor::Looked;
use crate::remote::journal::{self, Entry, State};
use crate::report::{clean, human, table};

pub(super) async fn run(context: Context<'_>) -> Result<u8, Error> {
    let looked = context.look().await?;
    let code = super::answered(&looked);
    // One journal stands for all; where they differ, `status` says so.
    let answered = looked.iter().filter(|h| h.failure.is_none()).max_by_key(|h| h.entries.len());
    if context.wants_json() {
        context.printer.json(&super::json::list(answered));
        return Ok(code);
    }
    let Some(host) = answered else { return Ok(code) };
    if host.entries.is_empty() {
        context.printer.note("nothing was deployed yet\n");
        return Ok(code);
    }
    let environment = &context.environment;
    seen::remember(&context.surroundings, &environment.file, &environment.name, &host.entries);
    context.printer.data(&table::render(&rows(host)));
    let differing = looked.iter().filter(|h| h.failure.is_none() && h.live != host.live).count();
    if differing > 0 {
        context
            .printer
            .note(&format!("hosts differ: `shipit {} status` shows which\n", context.environment.name));
    }
    Ok(if code == exit::OK { exit::OK } else { code })
}

fn rows(host: &Looked) -> Vec<Vec<String>> {
    let live = host.live.as_ref().map(|live| live.release.as_str()).unwrap_or_default();
    let chain = journal::chain(&host.entries, live);
    let numbers: BTreeMap<&str, usize> =
        chain.iter().enumerate().map(|(at, e)| (e.release.as_str(), at + 1)).collect();
    let head = ["revert", "release", "ref", "when", "by", "state"].map(str::to_owned).to_vec();
    let rows = host.entries.iter().rev().map(|entry| row(entry, &host.entries, live, &numbers));
    std::iter::once(head).chain(rows).collect()
}

fn row(entry: &Entry, entries: &[Entry], live: &str, numbers: &BTreeMap<&str, usize>) -> Vec<String> {
    let deploy = journal::deploy_of(entries, &entry.release) == Some(entry);
    let number = match numbers.get(entry.release.as_str()) {
        _ if deploy && entry.release == live => "live".to_owned(),
        Some(number) if deploy => number.to_string(),
        _ => String::new(),
    };
    let state = match (entry.action.as_str(), entry.state) {
        ("revert", State::Done) => "reverted to",
        ("sync", State::Done) => "synced",
        (_, State::Done) => "deployed",
        (_, State::Healthy) => "confirmed",
        (_, State::Open) => "going live",
        (_, State::Back) => "put back",
        (_, State::Failed) => "failed",
    };
    let who = entry.who.split_whitespace().next().unwrap_or_default();
    [number.as_str(), &entry.release, &entry.reference, &human::when(&entry.when), who, state]
        .map(|cell| clean::line(cell.as_bytes(), 60))
        .to_vec()
}
