//! The fleet in one look: a row per host, those with problems first, the others grouped where they are many; and what to do,
//! with the command to type. Pure.

use jiff::Timestamp;

use super::table::{self, Reduce};
use super::{clean, human};
use crate::executor::Looked;
use crate::remote::by::By;

mod advice;
mod problem;
mod processes;

pub use advice::Advice;
pub use problem::common;
use problem::{Majority, Problem, problems, release};

/// More rows than these are grouped.
const MOST_ROWS: usize = 20;
/// So many hosts with the same row keep rows of their own.
const FEW: usize = 3;

/// What is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fleet {
    /// The table.
    pub table: String,
    /// What supervisors run, a line for each process, or for many that are alike; empty where none was asked.
    pub processes: String,
    /// The runs that hold locks, a line each.
    pub locks: Vec<String>,
    /// What to do, a line each; empty where all is well.
    pub advice: Vec<String>,
    /// All hosts that answered serve the same, and have no other problem.
    pub alike: bool,
}

/// How it is shown.
#[derive(Debug, Clone, Copy)]
pub struct Shown {
    /// The time now.
    pub now: Timestamp,
    /// No rows are grouped.
    pub all: bool,
    /// Columns of the terminal.
    pub width: usize,
}

/// The table and the advice, from what the hosts answered.
#[must_use]
pub fn render(environment: &str, looked: &[Looked], Shown { now, all, width }: Shown) -> Fleet {
    let majority = Majority::of(looked);
    let problems: Vec<Vec<Problem>> = looked.iter().map(|host| problems(host, &majority)).collect();
    let mut rows: Vec<(usize, Vec<String>)> = looked
        .iter()
        .zip(&problems)
        .map(|(host, problems)| (rank(problems), row(host, problems, now)))
        .collect();
    rows.sort_by_key(|(rank, _)| *rank);
    let mut rows: Vec<Vec<String>> = rows.into_iter().map(|(_, row)| row).collect();
    if rows.len() > MOST_ROWS && !all {
        rows = grouped(rows);
    }
    rows.insert(0, ["host", "live", "ref", "age", "by", "state"].map(str::to_owned).to_vec());
    let advice = advice::advice(looked, &majority, &problems);
    Fleet {
        table: fitted(rows, width),
        processes: processes::render(looked, now, all, width),
        locks: locks(looked, now),
        advice: advice.iter().map(|advice| advice.text(environment)).collect(),
        alike: problems.iter().flatten().all(|problem| *problem == Problem::Unreachable),
    }
}

// The columns: host, live, ref, age, by, state. The state is never cut.
fn fitted(rows: Vec<Vec<String>>, width: usize) -> String {
    // Of a release the commit is enough to tell it from others.
    let short = |live: &String| match live.rsplit_once("Z-") {
        Some((_, rest)) => {
            rest.split_once(" (").map_or(rest, |(_, commit)| commit.trim_end_matches(')')).to_owned()
        }
        None => live.clone(),
    };
    let short = rows.iter().map(|row| short(&row[1])).collect();
    let reductions =
        [Reduce::Drop(2), Reduce::Replace(1, short), Reduce::Cut(4, 12), Reduce::Cut(0, 20), Reduce::Drop(4)];
    table::fit(rows, &reductions, width)
}

// One line for each run, whose locks are mostly on all hosts.
fn locks(looked: &[Looked], now: Timestamp) -> Vec<String> {
    let mut runs: Vec<(&(String, bool), Vec<&str>)> = Vec::new();
    for (holder, host) in looked.iter().filter_map(|host| Some((host.holder.as_ref()?, host.host.as_str()))) {
        match runs.iter_mut().find(|(known, _)| *known == holder) {
            Some((_, hosts)) => hosts.push(host),
            None => runs.push((holder, vec![host])),
        }
    }
    let answered = looked.iter().filter(|host| host.failure.is_none()).count();
    let line = |((holder, dead), hosts): (&(String, bool), Vec<&str>)| {
        let on =
            if hosts.len() == answered { String::new() } else { format!(" on {}", human::names(&hosts)) };
        clean::line(format!("{}{on}", human::lock(holder, *dead, now)).as_bytes(), 600)
    };
    runs.into_iter().map(line).collect()
}

/// The hosts that need attention come first.
fn rank(problems: &[Problem]) -> usize {
    match problems.iter().min() {
        Some(Problem::Unreachable | Problem::RevertedAlone | Problem::Differs) => 0,
        Some(_) => 1,
        None => 2,
    }
}

fn row(host: &Looked, problems: &[Problem], now: Timestamp) -> Vec<String> {
    let made = release(host).and_then(|live| host.entries.iter().rev().find(|e| e.release == live));
    let by = made.map(|entry| By::read(&entry.who)).unwrap_or_default();
    let (reference, age) = made.map_or_else(Default::default, |entry| {
        (human::reference(&entry.reference, &by), human::age(&entry.when, now))
    });
    let mut live = if host.failure.is_some() { "?" } else { release(host).unwrap_or("-") }.to_owned();
    // Apps that were deployed together have one release, and each its own commit.
    if let Some(version) =
        host.live.as_ref().and_then(|live| live.version.as_ref()).filter(|_| is_of_apps(host))
    {
        live = format!("{live} ({})", version.short());
    }
    [host.host.as_str(), &live, reference, &age, &by.name(), &state(host, problems)]
        .map(|cell| clean::line(cell.as_bytes(), 160))
        .to_vec()
}

// The name is then that of the host and of the app.
fn is_of_apps(host: &Looked) -> bool {
    host.host.contains('/')
}

fn state(host: &Looked, problems: &[Problem]) -> String {
    if let Some(failure) = &host.failure {
        return format!("no answer: {}", human::failure(failure));
    }
    let mut words: Vec<String> = problems.iter().filter_map(|problem| words(*problem, host)).collect();
    if words.is_empty() {
        words.push(match (&host.live, host.supervisor.as_deref()) {
            (None, _) => "nothing deployed".to_owned(),
            (_, Some("ok")) => "running".to_owned(),
            _ => "ok".to_owned(),
        });
    }
    words.extend(host.holder.as_ref().map(|_| "locked".to_owned()));
    words.extend(
        host.facts.stuck.as_ref().map(|path| format!("no run can take the lock: shipit did not make {path}")),
    );
    words.join("; ")
}

fn words(problem: Problem, host: &Looked) -> Option<String> {
    let words = match problem {
        Problem::Unreachable => return None,
        Problem::Differs if host.foreign.is_some() => return None,
        Problem::Damaged => {
            return host.facts.damaged.as_ref().map(|damage| format!("not whole: {damage}"));
        }
        Problem::Foreign if host.foreign.as_deref() == Some("") => "current is not a link",
        Problem::Foreign => {
            let target = host.foreign.as_deref().unwrap_or_default();
            return Some(format!("current points to {target}, which shipit did not make"));
        }
        Problem::RevertedAlone => "reverted, unlike the other hosts",
        Problem::Differs if host.live.is_none() => "nothing deployed",
        Problem::Differs => "differs",
        Problem::Interrupted => "a deploy was interrupted; the next run completes or undoes it",
        Problem::Failed => "the last deploy or revert failed and was not rolled back",
        Problem::MissedRevert => "the last revert did not reach this host",
        Problem::Drained | Problem::DrainedUntilDeploy => "drained",
        Problem::NotRunning => match host.supervisor.as_deref() {
            Some("late") => "its `status` step timed out",
            Some("unknown") => "its `status` step could not be run",
            _ => "not running",
        },
    };
    Some(words.to_owned())
}

/// Hosts with the same row share it, where they are more than a few.
fn grouped(rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let mut groups: Vec<Vec<Vec<String>>> = Vec::new();
    for row in rows {
        match groups.iter_mut().find(|group| group[0][1..] == row[1..]) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    let row_of = |group: Vec<Vec<String>>| {
        if group.len() <= FEW {
            return group;
        }
        let mut row = group[0].clone();
        row[0] = human::hosts(group.len());
        vec![row]
    };
    groups.into_iter().flat_map(row_of).collect()
}
