//! Deploys as people read them: the list, and the head of one. Pure.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;

use super::table::{self, Reduce};
use super::{clean, human};
use crate::executor::Looked;
use crate::executor::event::Failure;
use crate::remote::attempt::{Attempt, Known, Step};
use crate::remote::by::By;
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

/// The columns of the list, by their heads.
const COLUMNS: [&str; 9] = ["revert", "release", "apps", "ref", "when", "by", "result", "subject", "job"];

impl Deploys<'_> {
    /// Newest first: so many of them, in so many columns of the terminal.
    #[must_use]
    pub fn table(&self, now: Timestamp, most: usize, width: usize) -> String {
        let several = self.all.iter().any(|deploy| !deploy.entry.apps.is_empty());
        let shown: Vec<&Deploy<'_>> = self.all.iter().rev().take(most).collect();
        let cells: Vec<[String; 9]> = shown.iter().map(|deploy| self.row(deploy, several, now)).collect();
        let has = |column: &usize| cells.iter().any(|row| !row[*column].is_empty());
        // What no deploy has is no column.
        let columns: Vec<usize> =
            (0..COLUMNS.len()).filter(|column| !matches!(column, 2 | 7 | 8) || has(column)).collect();
        let at = |head: &str| columns.iter().position(|column| COLUMNS[*column] == head);
        let replaced = |head: &str, new: &str, of: &dyn Fn(&Deploy<'_>) -> String| {
            let cells = shown.iter().map(|deploy| clean::line(of(deploy).as_bytes(), WIDTH));
            Some(Reduce::Replace(at(head)?, std::iter::once(new.to_owned()).chain(cells).collect()))
        };
        let reductions = [
            at("job").map(Reduce::Drop),
            at("subject").map(|at| Reduce::Cut(at, 24)),
            replaced("when", "age", &|deploy| human::age(&deploy.entry.when, now)),
            replaced("release", "commit", &|deploy| match deploy.entry.apps.len() {
                2.. => deploy.entry.release.clone(),
                _ => deploy.entry.version.short().to_owned(),
            }),
            at("ref").map(|at| Reduce::Cut(at, 12)),
            at("subject").map(|at| Reduce::Cut(at, 12)),
            at("by").map(|at| Reduce::Cut(at, 12)),
            at("apps").map(|at| Reduce::Cut(at, 12)),
            at("ref").map(Reduce::Drop),
            at("subject").map(Reduce::Drop),
            at("apps").map(Reduce::Drop),
            at("by").map(Reduce::Drop),
        ];
        let reductions: Vec<Reduce> = reductions.into_iter().flatten().collect();
        let pick = |row: &[String; 9]| columns.iter().map(|column| row[*column].clone()).collect();
        let rows = std::iter::once(COLUMNS.map(str::to_owned)).chain(cells.iter().cloned());
        table::fit(rows.map(|row| pick(&row)).collect(), &reductions, width)
    }

    fn row(&self, deploy: &Deploy<'_>, several: bool, now: Timestamp) -> [String; 9] {
        let entry = deploy.entry;
        // Where a release was made live again later, its number stays with the deploy that made it.
        let first = self.all.iter().find(|deploy| deploy.entry.release == entry.release && made(deploy));
        let good = first.is_some_and(|first| std::ptr::eq(first.entry, entry));
        let number = match self.numbers.get(entry.release.as_str()) {
            _ if good && entry.release == self.live => "live".to_owned(),
            Some(number) if good => number.to_string(),
            _ => String::new(),
        };
        let by = By::read(&entry.who);
        let result = result(deploy, self.apps, several);
        let apps: Vec<String> =
            entry.apps.iter().map(|(name, version)| format!("{name} {}", version.short())).collect();
        // Each of several apps has its own ref, and its own commit.
        let (reference, subject) = match apps.len() {
            2.. => ("", ""),
            _ => (human::reference(&entry.reference, &by), entry.subject.as_str()),
        };
        [
            &number,
            &entry.release,
            &apps.join(", "),
            reference,
            &human::when_and_age(&entry.when, now),
            &by.name(),
            &result,
            subject,
            by.job.as_deref().unwrap_or_default(),
        ]
        .map(|cell| clean::line(cell.as_bytes(), WIDTH))
    }
}

fn made(deploy: &Deploy<'_>) -> bool {
    matches!(deploy.entry.action.as_str(), "deploy" | "sync") && deploy.was_good()
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
    let subject = looked.iter().flat_map(|host| &host.entries).find(|entry| known.is(entry));
    line("subject", subject.map_or("", |entry| if entry.apps.len() > 1 { "" } else { &entry.subject }));
    line("when", &human::when_and_age(&known.when, now));
    let by = By::read(&known.who);
    line("by", &by.name());
    line("branch", by.branch.as_deref().unwrap_or_default());
    line("job", by.job.as_deref().unwrap_or_default());
    line("command", &by.command);
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

/// `==> web1: build, exit 1 <==`, `==> web1: rollback: reload, exit 0 <==`
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
    let rollback = if step.rollback { "rollback: " } else { "" };
    format!("==> {} <==\n", clean::line(format!("{host}: {rollback}{}, {end}", step.name).as_bytes(), WIDTH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_fits_the_terminal() {
        let entry = |number: u32, who: &str, reference: &str| {
            let pairs = [
                ("action", "deploy"),
                ("release", &format!("20261121T08{number:02}00Z-1a2b3c{number}")),
                ("revision", &format!("1a2b3c{number}").repeat(6)[..40]),
                ("reference", reference),
                ("who", who),
                ("when", &format!("2026-11-21T08:{number:02}:00Z")),
                ("subject", "Show prices with tax, and remember the cart of customers"),
                ("run", &format!("run{number}")),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
            Entry::read(&number.to_string(), "done", &pairs).unwrap()
        };
        let ci = "octocat@vm (pid 7, branch main, job https://ci.example.com/jobs/1), `shipit production ref HEAD` for \
                  production, since 2026-11-21T08:02:00Z";
        let person = "ann@desk (pid 7), `shipit production` for production, since 2026-11-21T08:01:00Z";
        let entries = [entry(1, person, "main"), entry(2, ci, "HEAD")];
        let all: Vec<Deploy<'_>> =
            entries.iter().map(|entry| Deploy { entry, on: vec![(0, State::Done)] }).collect();
        let numbers = BTreeMap::from([(entries[0].release.as_str(), 1)]);
        let deploys = Deploys { all: &all, numbers: &numbers, live: &entries[1].release, apps: &[0] };
        let now = "2026-11-21T08:03:04Z".parse().unwrap();
        let shown = |width| deploys.table(now, 20, width);
        assert!(
            shown(usize::MAX).ends_with("cart of customers\n") && shown(usize::MAX).contains("https://ci")
        );
        insta::assert_snapshot!([80, 60, 40].map(shown).join("\n"));
        for width in [40, 60, 80, 100] {
            assert!(shown(width).lines().all(|line| line.chars().count() <= width), "{}", shown(width));
        }
        assert_eq!(deploys.table(now, 1, 80).lines().count(), 2);
    }

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
