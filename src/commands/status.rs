//! `shipit ENV status`: the fleet in one look.

use super::Context;
use crate::error::Error;
use crate::executor::Looked;
use crate::remote::journal::{Entry, State};
use crate::report::{clean, human, table};

pub(super) async fn run(context: Context<'_>) -> Result<u8, Error> {
    let looked = context.look().await?;
    if context.wants_json() {
        context.printer.json(&super::json::status(&looked));
        return Ok(super::answered(&looked));
    }
    let head = ["host", "live", "since", "by", "state"].map(str::to_owned).to_vec();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(looked.iter().map(row)).collect();
    context.printer.data(&table::render(&rows));
    if let Some(hold) = super::hold::on(&looked) {
        context.printer.data(&format!("held {}\n", clean::line(hold.describe().as_bytes(), 800)));
    }
    let mut live: Vec<_> = looked.iter().filter(|h| h.failure.is_none()).map(|h| &h.live).collect();
    live.dedup();
    if live.len() > 1 {
        context.printer.note("the hosts do not all serve the same release\n");
    }
    Ok(super::answered(&looked))
}

fn row(host: &Looked) -> Vec<String> {
    let made =
        host.live.as_ref().and_then(|live| host.entries.iter().rev().find(|e| e.release == live.release));
    let live = host.live.as_ref().map_or("-".to_owned(), |live| live.release.clone());
    let when = made.map(|e| human::when(&e.when)).unwrap_or_default();
    let who = made.and_then(|e| e.who.split_whitespace().next()).unwrap_or_default();
    [host.host.as_str(), &live, &when, who, &state(host)]
        .map(|cell| clean::line(cell.as_bytes(), 120))
        .to_vec()
}

fn state(host: &Looked) -> String {
    if let Some(failure) = &host.failure {
        return format!("not asked: {}", human::failure(failure));
    }
    if let Some((who, dead)) = &host.holder {
        let dead = if *dead { "by a run that died: " } else { "" };
        return format!("locked {dead}{who}");
    }
    if let Some(foreign) = &host.foreign {
        return format!("current points to {foreign}, not made by shipit");
    }
    match host.entries.last().map(|entry: &Entry| entry.state) {
        Some(State::Open | State::Healthy) => "a deploy was cut off; the next run settles it".to_owned(),
        Some(State::Failed) => "the last deploy or revert failed and was not put back".to_owned(),
        _ if host.live.is_none() => "nothing deployed".to_owned(),
        _ => "ok".to_owned(),
    }
}
