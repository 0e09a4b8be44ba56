//! The processes of supervisors: a row each where they are few, else a line for those that are well and a row for each that
//! is not.

use jiff::Timestamp;

use super::super::table::{self, Reduce};
use super::super::{clean, human};
use super::problem::release;
use crate::executor::Looked;
use crate::remote::process::{Origin, Process, ProcessState};

/// More processes than these are summed up.
const MOST_ROWS: usize = 20;

const HEAD: [&str; 9] = ["host", "process", "state", "pid", "for", "restarts", "cpu", "memory", "runs"];
// Names are cut, and what tells least goes first.
const REDUCTIONS: [Reduce; 5] =
    [Reduce::Cut(0, 20), Reduce::Drop(3), Reduce::Cut(1, 20), Reduce::Cut(0, 12), Reduce::Cut(1, 10)];

pub(super) fn render(looked: &[Looked], now: Timestamp, all: bool, width: usize) -> String {
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
        rows.insert(0, HEAD.map(str::to_owned).to_vec());
        text.push_str(&table::fit(rows, &REDUCTIONS, width));
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
    let or_none = |known: Option<String>| known.unwrap_or_else(|| "-".to_owned());
    let number = |number: Option<u64>| or_none(number.map(|number| number.to_string()));
    let runs = match &process.origin {
        Origin::Release(from) => from.rsplit_once('-').map_or("?", |(_, commit)| commit),
        Origin::Elsewhere => "elsewhere",
        Origin::Unknown => "?",
    };
    let age = |since: Timestamp| human::age(&since.to_string(), now).trim_end_matches(" ago").to_owned();
    let cells = [
        host.host.as_str(),
        process.name.as_str(),
        process.state.name(),
        &number(process.pid.map(u64::from)),
        &or_none(since.map(age)),
        &number(process.restarts),
        &or_none(process.cpu.map(|percent| format!("{percent} %"))),
        &or_none(process.memory.map(human::bytes)),
        runs,
    ];
    cells.map(|cell| clean::line(cell.as_bytes(), 40)).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::Live;
    use crate::remote::facts::Facts;

    const RELEASE: &str = "20261121T081502Z-1a2b3c4";

    fn host(name: &str, processes: &[&str]) -> Looked {
        let read = |text: &&str| {
            Process::read(&text.split(' ').map(|word| word.replace('_', " ")).collect::<Vec<_>>()).unwrap()
        };
        Looked {
            host: name.to_owned(),
            app: 0,
            live: Some(Live { release: RELEASE.to_owned(), version: None }),
            digest: None,
            foreign: None,
            holder: None,
            hold: None,
            supervisor: Some("ok".to_owned()),
            processes: processes.iter().map(read).collect(),
            drained: None,
            entries: Vec::new(),
            attempts: Vec::new(),
            facts: Facts::default(),
            failure: None,
        }
    }

    fn shown(looked: &[Looked], width: usize) -> String {
        render(looked, "2026-11-21T12:00:00Z".parse().unwrap(), false, width)
    }

    #[test]
    fn each_process_has_what_it_uses() {
        let processes = [
            &format!("up 4711 1795261500 2 {RELEASE} web 12 89128960"),
            &format!("up 812345 1795008000 0 {RELEASE} queue 0 1395864371"),
            "down - - - - mails",
            "up 99 1795261500 - other old",
        ];
        let looked = [host("web1", &processes)];
        insta::assert_snapshot!(shown(&looked, usize::MAX), @r"

    host  process  state  pid     for     restarts  cpu   memory  runs
    web1  web      up     4711    15 min  2         12 %  85 MB   1a2b3c4
    web1  queue    up     812345  2 days  0         0 %   1.3 GB  1a2b3c4
    web1  mails    down   -       -       -         -     -       ?
    web1  old      up     99      15 min  -         -     -       elsewhere
    ");
    }

    #[test]
    fn they_fit_a_terminal_of_80_columns() {
        let processes = [
            &format!(
                "starting 4194303 1795008000 1000 {RELEASE} a-service-with-a-long-name@1.service 1600 1395864371"
            ),
            "up 4194303 1795008000 0 other web 100 89128960",
        ];
        let looked = [host("web1.customers.example.com", &processes)];
        let text = shown(&looked, 80);
        assert!(text.lines().all(|line| console::measure_text_width(line) <= 80), "{text}");
        insta::assert_snapshot!(text, @r"

    host          process      state     for     restarts  cpu     memory  runs
    web1.custom…  a-service-…  starting  2 days  1000      1600 %  1.3 GB  1a2b3c4
    web1.custom…  web          up        2 days  0         100 %   85 MB   elsewhere
    ");
    }
}
