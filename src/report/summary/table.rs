//! The table of hosts: host, from, to, time, result. Folded when hosts are many: alike ones are one line.

use console::{Alignment, measure_text_width, pad_str};

use super::super::style::Paint;
use super::super::{clean, human};
use super::verdict;
use crate::executor::outcome::{End, HostOutcome, HostResult, Outcome};
use crate::plan::Action;
use crate::transport::Exit;

/// More hosts than these are told in groups.
const MOST_ROWS: usize = 40;

/// Columns of a host's name.
const HOST_WIDTH: usize = 48;

pub(super) fn render(outcome: &Outcome, width: usize, paint: Paint) -> Option<String> {
    let untouched = matches!(outcome.end, End::Busy | End::Refused | End::NothingToDo);
    if untouched || outcome.hosts.is_empty() || verdict::same_exit(outcome).is_some() {
        return None;
    }
    let text = if outcome.hosts.len() > MOST_ROWS { folded(&outcome.hosts) } else { rows(outcome, paint) };
    let lines: Vec<String> = text.iter().map(|line| clean::truncate(line, width).into_owned()).collect();
    Some(lines.join("\n"))
}

fn rows(outcome: &Outcome, paint: Paint) -> Vec<String> {
    let hosts = &outcome.hosts;
    let served = hosts.iter().any(|host| host.from.is_some() || host.to.is_some());
    let mut cells = vec![["host", "from", "to", "time", "result"].map(str::to_owned)];
    cells.extend(hosts.iter().map(|host| {
        let live = |live| human::live(live).unwrap_or_else(|| "–".to_owned());
        [
            clean::line(host.host.as_bytes(), HOST_WIDTH),
            live(host.from.as_ref()),
            if host.known { live(host.to.as_ref()) } else { "?".to_owned() },
            human::duration(host.took),
            result(outcome, host),
        ]
    }));
    let widths: Vec<usize> = (0..5)
        .map(|column| cells.iter().map(|row| measure_text_width(&row[column])).max().unwrap_or(0))
        .collect();
    // A setup serves nothing: two columns of dashes would only be in the way.
    let columns: &[usize] = if served { &[0, 1, 2, 3, 4] } else { &[0, 3, 4] };
    let line = |(at, row): (usize, &[String; 5])| {
        let cell = |column: &usize| {
            let side = if *column == 3 { Alignment::Right } else { Alignment::Left };
            let text = if *column == 4 {
                row[4].clone()
            } else {
                pad_str(&row[*column], widths[*column], side, None).into_owned()
            };
            match (at, column) {
                (0, _) => paint.dim(&text),
                (_, 4) => colored(hosts[at - 1].result, &text, paint),
                _ => text,
            }
        };
        columns.iter().map(cell).collect::<Vec<_>>().join("  ")
    };
    cells.iter().enumerate().map(line).collect()
}

fn folded(hosts: &[HostOutcome]) -> Vec<String> {
    let mut groups: Vec<(&HostOutcome, Vec<&str>)> = Vec::new();
    for host in hosts {
        let alike = |known: &HostOutcome| {
            (&known.from, &known.to, known.known, known.result)
                == (&host.from, &host.to, host.known, host.result)
        };
        match groups.iter_mut().find(|(known, _)| alike(known)) {
            Some((_, names)) => names.push(&host.host),
            None => groups.push((host, vec![&host.host])),
        }
    }
    let alone = groups.len() == 1;
    let line = |(host, names): &(&HostOutcome, Vec<&str>)| {
        let live = |live| human::live(live).unwrap_or_else(|| "nothing".to_owned());
        let change = match (&host.from, &host.to) {
            (None, None) => word(host.result).to_owned(),
            (from, _) if !host.known => format!("{} → ?", live(from.as_ref())),
            (from, to) => format!("{} → {}", live(from.as_ref()), live(to.as_ref())),
        };
        if alone && host.result == HostResult::Done {
            return format!("{}: {change}", human::places(names));
        }
        let which = clean::line(human::names(names).as_bytes(), 200);
        format!("{}: {change}, {}: {which}", human::places(names), word(host.result))
    };
    groups.iter().map(line).collect()
}

/// Of `exec` the code is the result.
fn result(outcome: &Outcome, host: &HostOutcome) -> String {
    let exit = host.failure.as_ref().and_then(|failure| failure.exit.as_ref());
    match (outcome.action, exit, host.result) {
        (Action::Exec, Some(exit), _) => human::exit(exit),
        (Action::Exec, None, HostResult::Done) => human::exit(&Exit::Code(0)),
        _ => word(host.result).to_owned(),
    }
}

fn word(result: HostResult) -> &'static str {
    match result {
        HostResult::Done => "done",
        HostResult::Unchanged => "unchanged",
        HostResult::Skipped => "skipped",
        HostResult::Failed => "failed",
        HostResult::Stopped => "stopped",
        HostResult::RolledBack => "rolled back",
        HostResult::InDoubt => "in doubt",
    }
}

fn colored(result: HostResult, text: &str, paint: Paint) -> String {
    match result {
        HostResult::Done => paint.good(text),
        HostResult::Unchanged | HostResult::Stopped => text.to_owned(),
        HostResult::RolledBack | HostResult::Skipped => paint.odd(text),
        HostResult::Failed | HostResult::InDoubt => paint.bad(text),
    }
}
