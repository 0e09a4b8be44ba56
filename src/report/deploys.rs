//! Deploys as people read them: the list, and the head of one. Pure.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;

use super::{clean, human, table};
use crate::executor::Looked;
use crate::executor::event::Failure;
use crate::remote::attempt::{Attempt, Known, Step};
use crate::remote::history::Deploy;
use crate::remote::journal::{Entry, State};
use crate::remote::version::Version;

/// Columns of the longest cell.
const WIDTH: usize = 160;

/// All that the list of deploys is made from.
#[derive(Debug, Clone, Copy)]
pub struct Deploys<'a> {
    /// Oldest first.
    pub all: &'a [Deploy<'a>],
    /// How `revert` counts the releases that it can return to.
    pub numbers: &'a BTreeMap<&'a str, usize>,
    /// The newest release of those that most hosts of an app serve.
    pub live: &'a str,
    /// The app of each host that answered.
    pub apps: &'a [usize],
}

impl Deploys<'_> {
    /// Newest first.
    #[must_use]
    pub fn table(&self, now: Timestamp) -> String {
        let several = self.all.iter().any(|deploy| !deploy.entry.apps.is_empty());
        let mut head = ["revert", "release", "ref", "age", "by", "result"].map(str::to_owned).to_vec();
        if several {
            head.insert(2, "apps".to_owned());
        }
        let rows = self.all.iter().rev().map(|deploy| self.row(deploy, several, now));
        table::render(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
    }

    fn row(&self, deploy: &Deploy<'_>, several: bool, now: Timestamp) -> Vec<String> {
        let entry = deploy.entry;
        // Where a release was made live again later, its number stays with the deploy that made it.
        let first = self.all.iter().find(|deploy| deploy.entry.release == entry.release && made(deploy));
        let good = first.is_some_and(|first| std::ptr::eq(first.entry, entry));
        let number = match self.numbers.get(entry.release.as_str()) {
            _ if good && entry.release == self.live => "live".to_owned(),
            Some(number) if good => number.to_string(),
            _ => String::new(),
        };
        let who = entry.who.split_whitespace().next().unwrap_or_default();
        // The date is in the release's name.
        let age = human::age(&entry.when, now);
        let result = result(deploy, self.apps, several);
        let apps: Vec<&str> = entry.apps.iter().map(|(name, _)| name.as_str()).collect();
        // Each of several apps has its own ref.
        let reference = if apps.len() > 1 { "" } else { &entry.reference };
        let mut row = vec![number.as_str(), &entry.release, reference, &age, who, &result];
        let apps = apps.join(", ");
        if several {
            row.insert(2, &apps);
        }
        row.into_iter().map(|cell| clean::line(cell.as_bytes(), WIDTH)).collect()
    }
}

fn made(deploy: &Deploy<'_>) -> bool {
    let good = |state: &State| matches!(state, State::Done | State::Healthy);
    matches!(deploy.entry.action.as_str(), "deploy" | "sync")
        && deploy.on.iter().any(|(_, state)| good(state))
}

/// `deployed`, `deployed on 2 of 3 hosts`, `deployed on 2, rolled back on 1 of 3 hosts`; where there are `several` apps, each
/// counts on each of its hosts.
fn result(deploy: &Deploy<'_>, apps: &[usize], several: bool) -> String {
    // Of the apps that it was about.
    let about = |app: &&usize| deploy.on.iter().any(|(host, _)| apps.get(*host) == Some(*app));
    let hosts = apps.iter().filter(about).count();
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for (_, state) in &deploy.on {
        let word = word(&deploy.entry.action, *state);
        match counts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    match counts[..] {
        [(word, count)] if count == hosts => word.to_owned(),
        _ => {
            let parts: Vec<String> =
                counts.iter().map(|(word, count)| format!("{word} on {count}")).collect();
            let all = if several { hosts.to_string() } else { human::hosts(hosts) };
            format!("{} of {all}", parts.join(", "))
        }
    }
}

fn word(action: &str, state: State) -> &'static str {
    match (action, state) {
        ("revert", State::Done) => "reverted to",
        ("sync", State::Done) => "synced",
        (_, State::Done) => "deployed",
        (_, State::Healthy) => "confirmed",
        (_, State::Open) => "going live",
        (_, State::Back) => "rolled back",
        (_, State::Failed) => "failed",
    }
}

/// What a run was about, and how it ended on each host.
#[must_use]
pub fn head(known: &Known, looked: &[Looked], now: Timestamp) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let [name, value] = [name, value].map(|text| clean::line(text.as_bytes(), WIDTH * 2));
        if !value.is_empty() {
            let _ = writeln!(text, "{name:<9} {value}");
        }
    };
    line(&known.action, if known.release.is_empty() { &known.run } else { &known.release });
    // Each of several apps has a ref and a commit of its own; the journal has those of the commits.
    let several =
        looked.iter().flat_map(|host| &host.entries).find(|entry| known.is(entry) && entry.apps.len() > 1);
    match several {
        None => {
            line("ref", &known.reference);
            line("revision", known.version.as_ref().map_or("", Version::as_str));
        }
        Some(entry) => {
            entry.apps.iter().for_each(|(app, version)| line("revision", &format!("{app} {version}")));
        }
    }
    line("when", &format!("{} ({})", human::when(&known.when), human::age(&known.when, now)));
    line("by", &known.who);
    if !known.release.is_empty() {
        line("run", &known.run);
    }
    let mut rows = vec![["host", "result"].map(str::to_owned).to_vec()];
    rows.extend(looked.iter().map(|host| {
        let result = OnHost::of(known, host).text();
        [host.host.as_str(), &result].map(|cell| clean::line(cell.as_bytes(), WIDTH)).to_vec()
    }));
    format!("{text}\n{}", table::render(&rows))
}

/// How a run ended on a host, for `show`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnHost<'a> {
    /// The host did not answer.
    NoAnswer(&'a Failure),
    /// It is still going on.
    InProgress,
    /// It is in the journal, with the step that failed.
    Recorded {
        /// What it did.
        action: &'a str,
        /// How it ended.
        state: State,
        /// Where it failed.
        failed: Option<&'a str>,
    },
    /// It has logs and no entry in the journal: it ended before going live.
    Ended {
        /// What it did.
        action: &'a str,
        /// Where it failed.
        failed: Option<&'a str>,
    },
    /// Neither journal nor logs have it.
    NoRecord,
}

impl<'a> OnHost<'a> {
    fn of(known: &'a Known, host: &'a Looked) -> Self {
        if let Some(failure) = &host.failure {
            return OnHost::NoAnswer(failure);
        }
        let action = known.action.as_str();
        let entry = host.entries.iter().rev().find(|entry| known.is(entry));
        let attempt = host.attempts.iter().find(|attempt| attempt.known.run == known.run);
        let failed = attempt.and_then(|attempt| attempt.failed.as_deref());
        match (entry, attempt) {
            (_, Some(Attempt { running: true, .. })) => OnHost::InProgress,
            (Some(Entry { state: state @ (State::Done | State::Healthy), .. }), _) => {
                OnHost::Recorded { action, state: *state, failed: None }
            }
            (Some(entry), _) => OnHost::Recorded { action, state: entry.state, failed },
            (None, Some(_)) => OnHost::Ended { action, failed },
            (None, None) => OnHost::NoRecord,
        }
    }

    /// In a few words.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            OnHost::NoAnswer(failure) => format!("no answer: {}", human::failure(failure)),
            OnHost::InProgress => "in progress".to_owned(),
            OnHost::Recorded { action, state, failed: None } => word(action, state).to_owned(),
            OnHost::Recorded { action, state, failed: Some(failed) } => {
                format!("{}: {failed}", word(action, state))
            }
            OnHost::Ended { failed: Some(failed), .. } => format!("failed: {failed}"),
            OnHost::Ended { action: "deploy" | "revert", failed: None } => "stopped".to_owned(),
            OnHost::Ended { failed: None, .. } => "ended".to_owned(),
            OnHost::NoRecord => "no record".to_owned(),
        }
    }
}

/// `==> web1: build, exit 1 <==`
#[must_use]
pub fn step_head(host: &str, step: &Step) -> String {
    let end = match &step.end {
        None => "unfinished".to_owned(),
        Some((_, code, why)) => match why.as_str() {
            "limit" => "timed out".to_owned(),
            "stop" => "stopped".to_owned(),
            _ => format!("exit {code}"),
        },
    };
    format!("==> {} <==\n", clean::line(format!("{host}: {}, {end}", step.name).as_bytes(), WIDTH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_says_on_how_many_hosts() {
        let pairs = [("action", "deploy"), ("release", "a"), ("revision", &"a1".repeat(20))];
        let pairs: Vec<_> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let entry = Entry::read("1", "done", &pairs).unwrap();
        for (states, expected) in [
            (&[State::Done, State::Done, State::Done][..], "deployed"),
            (&[State::Done, State::Done], "deployed on 2 of 3 hosts"),
            (&[State::Done, State::Back, State::Done], "deployed on 2, rolled back on 1 of 3 hosts"),
        ] {
            let deploy = Deploy { entry: &entry, on: states.iter().copied().enumerate().collect() };
            assert_eq!(result(&deploy, &[0, 0, 0], false), expected);
        }
        let one_app = Deploy { entry: &entry, on: vec![(0, State::Done), (2, State::Done)] };
        assert_eq!(result(&one_app, &[0, 1, 0, 1], true), "deployed", "the other app was not touched");
    }
}
