//! The processes of supervisors: a row each where they are few, else a line for those that are well and a row for each that
//! is not.

use jiff::Timestamp;

use super::super::{clean, human, table};
use super::problem::release;
use crate::executor::Looked;
use crate::remote::process::{Origin, Process, ProcessState};

/// More processes than these are summed up.
const MOST_ROWS: usize = 20;

pub(super) fn render(looked: &[Looked], now: Timestamp, all: bool) -> String {
    let processes: Vec<(&Looked, &Process)> =
        looked.iter().flat_map(|host| host.processes.iter().map(move |process| (host, process))).collect();
    if processes.is_empty() {
        return String::new();
    }
    let few = all || processes.len() <= MOST_ROWS;
    let mut rows: Vec<Vec<String>> = processes
        .iter()
        .filter(|(host, process)| few || !is_well(host, process))
        .map(|(host, process)| row(host, process, now))
        .collect();
    let well = processes.iter().filter(|(host, process)| is_well(host, process)).count();
    let mut text = String::from("\n");
    if !few {
        text.push_str(&format!("{well} of {} processes are up and run what is live\n", processes.len()));
    }
    if !rows.is_empty() {
        rows.insert(
            0,
            ["host", "process", "state", "pid", "for", "restarts", "runs"].map(str::to_owned).to_vec(),
        );
        text.push_str(&table::render(&rows));
    }
    text
}

fn is_well(host: &Looked, process: &Process) -> bool {
    let runs_live = match &process.origin {
        Origin::Release(from) => release(host) == Some(from.as_str()),
        Origin::Elsewhere => false,
        Origin::Unknown => true,
    };
    process.state == ProcessState::Job || process.state == ProcessState::Up && runs_live
}

fn row(host: &Looked, process: &Process, now: Timestamp) -> Vec<String> {
    let since = process.since.and_then(|since| Timestamp::from_second(since).ok());
    let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let runs = match &process.origin {
        Origin::Release(from) => from.rsplit_once('-').map_or("?", |(_, commit)| commit),
        Origin::Elsewhere => "another directory",
        Origin::Unknown => "?",
    };
    let since = since.map_or_else(|| "-".to_owned(), |since| human::age(&since.to_string(), now));
    let cells = [
        host.host.as_str(),
        process.name.as_str(),
        process.state.name(),
        &number(process.pid.map(u64::from)),
        &since,
        &number(process.restarts),
        runs,
    ];
    cells.map(|cell| clean::line(cell.as_bytes(), 40)).to_vec()
}
