//! What happened to an environment, put together from what its hosts tell: their journals as one, and which run is meant.

use super::attempt::{Attempt, Known};
use super::journal::{Entry, State};

/// An entry that hosts have in common, and how it stands on those that have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deploy<'a> {
    /// As the first host says it.
    pub entry: &'a Entry,
    /// Host, as a number, and state there.
    pub on: Vec<(usize, State)>,
}

impl Deploy<'_> {
    /// Whether it was live and good on any host.
    #[must_use]
    pub fn was_good(&self) -> bool {
        self.on.iter().any(|(_, state)| matches!(state, State::Done | State::Healthy))
    }
}

/// The journals of all hosts as one, oldest first. Each keeps its own order; what only some have (hosts that came later, or
/// could not be reached) stands where its time says.
#[must_use]
pub fn merged<'a>(journals: &[&'a [Entry]]) -> Vec<Deploy<'a>> {
    let mut order: Vec<usize> = (0..journals.len()).collect();
    // The longest first: the others are mostly parts of it.
    order.sort_by_key(|host| std::cmp::Reverse(journals[*host].len()));
    let mut all: Vec<Deploy<'a>> = Vec::new();
    for host in order {
        let mut after = 0;
        for entry in journals[host] {
            let known = all[after..].iter().position(|deploy| same(deploy.entry, entry));
            let at = known.map_or_else(|| place(&all, after, entry), |at| after + at);
            if known.is_none() {
                all.insert(at, Deploy { entry, on: Vec::new() });
            }
            all[at].on.push((host, entry.state));
            after = at + 1;
        }
    }
    all.iter_mut().for_each(|deploy| deploy.on.sort_by_key(|(host, _)| *host));
    all
}

fn place(all: &[Deploy<'_>], after: usize, entry: &Entry) -> usize {
    let later = all[after..].iter().position(|deploy| deploy.entry.when > entry.when);
    later.map_or(all.len(), |at| after + at)
}

fn same(one: &Entry, other: &Entry) -> bool {
    one_run(marks(one), marks(other))
}

/// What identifies a run: its name, or, if it has none, what it was about and when.
fn one_run([run, about @ ..]: [&str; 4], [other, other_about @ ..]: [&str; 4]) -> bool {
    if run.is_empty() || other.is_empty() { about == other_about } else { run == other }
}

fn marks(entry: &Entry) -> [&str; 4] {
    [&entry.run, &entry.release, &entry.action, &entry.when]
}

impl Known {
    /// Whether this entry is of that run.
    #[must_use]
    pub fn is(&self, entry: &Entry) -> bool {
        one_run([&self.run, &self.release, &self.action, &self.when], marks(entry))
    }

    fn of_entry(entry: &Entry) -> Known {
        let Entry { run, action, release, version, reference, who, when, .. } = entry.clone();
        Known { run, action, release, version: Some(version), reference, who, when }
    }

    fn named(&self, name: &str) -> bool {
        self.run.starts_with(name) || self.release.starts_with(name) || self.is_of_version(name)
    }

    fn is_of_version(&self, name: &str) -> bool {
        self.version.as_ref().is_some_and(|version| version.starts_with(name))
    }
}

/// All runs that any host knows of, oldest first.
#[must_use]
pub fn runs<'a>(
    entries: impl IntoIterator<Item = &'a Entry>,
    attempts: impl IntoIterator<Item = &'a Attempt>,
) -> Vec<Known> {
    let mut all: Vec<Known> = Vec::new();
    for entry in entries {
        if !all.iter().any(|known| known.is(entry)) {
            all.push(Known::of_entry(entry));
        }
    }
    for attempt in attempts {
        if all.iter().all(|known| known.run != attempt.known.run) {
            all.push(attempt.known.clone());
        }
    }
    all.sort_by(|one, other| (&one.when, &one.run).cmp(&(&other.when, &other.run)));
    all
}

/// Which run made a release: the deploy, else the last that was about it.
#[must_use]
pub fn of_release<'a>(runs: &'a [Known], release: &str) -> Option<&'a Known> {
    let of = |known: &&Known| known.release == release;
    runs.iter()
        .rev()
        .find(|known| of(known) && known.action == "deploy")
        .or_else(|| runs.iter().rev().find(of))
}

/// The run that a name means, or how one begins: of a run, a release, a revision (then the last of it).
///
/// # Errors
/// The names it may mean; none, where it means nothing.
pub fn named<'a>(runs: &'a [Known], name: &str) -> Result<&'a Known, Vec<&'a str>> {
    if let Some(exact) = runs.iter().find(|known| known.run == name) {
        return Ok(exact);
    }
    if let Some(exact) = of_release(runs, name) {
        return Ok(exact);
    }
    let meant: Vec<&Known> = runs.iter().filter(|known| known.named(name)).collect();
    let Some(last) = meant.last() else { return Err(Vec::new()) };
    let by_version = meant.iter().all(|known| known.is_of_version(name) && known.version == last.version);
    if by_version || meant.iter().all(|known| known.release == last.release && !last.release.is_empty()) {
        return Ok(of_release(runs, &last.release).unwrap_or(last));
    }
    if let [one] = meant[..] {
        return Ok(one);
    }
    let name_of = |known: &&'a Known| match known.release.as_str() {
        "" => known.run.as_str(),
        release => release,
    };
    let mut names: Vec<&str> = meant.iter().map(name_of).collect();
    names.dedup();
    Err(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "abcdef0123abcdef0123abcdef0123abcdef0123";

    fn entry(run: &str, action: &str, release: &str, when: u32) -> Entry {
        let pairs = [("action", action), ("release", release), ("revision", COMMIT), ("run", run)];
        let mut pairs: Vec<_> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        pairs.push(("when".into(), format!("2026-11-21T08:{when:02}:00Z")));
        Entry::read("1", "done", &pairs).unwrap()
    }

    fn names(deploys: &[Deploy<'_>]) -> Vec<(String, usize)> {
        deploys.iter().map(|d| (d.entry.release.clone(), d.on.len())).collect()
    }

    fn counted(expected: &[(&str, usize)]) -> Vec<(String, usize)> {
        expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    #[test]
    fn journals_of_all_hosts_are_one() {
        let [a, b, c, d] = [("r1", "a", 1), ("r2", "b", 2), ("r3", "c", 3), ("r4", "d", 4)]
            .map(|(run, release, when)| entry(run, "deploy", release, when));
        let full = [a.clone(), b.clone(), d.clone()];
        // One that missed b, and was alone with c; one that is new.
        let other = [a, c];
        let new = [d];
        let all = merged(&[&new, &other, &full]);
        assert_eq!(names(&all), counted(&[("a", 2), ("b", 1), ("c", 1), ("d", 2)]));
        assert_eq!(all[3].on.iter().map(|(host, _)| *host).collect::<Vec<_>>(), [0, 2]);
    }

    #[test]
    fn entries_of_before_runs_were_written_down_are_told_by_what_they_say() {
        let old = [entry("", "deploy", "a", 1), entry("", "revert", "a", 2)];
        let mixed = [entry("r1", "deploy", "a", 1)];
        assert_eq!(names(&merged(&[&old, &mixed])), counted(&[("a", 2), ("a", 1)]));
    }

    fn known() -> Vec<Known> {
        let entries = [
            entry("t1-1", "deploy", "20261121T0801-aaa", 1),
            entry("t2-2", "deploy", "20261121T0802-bbb", 2),
            entry("t3-3", "revert", "20261121T0801-aaa", 3),
        ];
        let attempt = |run: &str, action: &str, when: &str| Attempt {
            known: Known { run: run.into(), action: action.into(), when: when.into(), ..Known::default() },
            ..Attempt::default()
        };
        let failed = attempt("t4-4", "setup", "2026-11-21T08:09:00Z");
        let same = attempt("t2-2", "", "");
        runs(&entries, &[failed, same])
    }

    #[test]
    fn a_run_is_found_by_the_beginning_of_its_name() {
        let all = known();
        assert_eq!(all.len(), 4, "{all:?}");
        for (name, expected) in [
            ("t3-3", "t3-3"),
            ("t4", "t4-4"),
            ("20261121T0801", "t1-1"),
            ("20261121T0802-bbb", "t2-2"),
            ("abc", "t1-1"),
        ] {
            assert_eq!(named(&all, name).unwrap().run, expected, "{name}");
        }
        assert_eq!(named(&all, "2026").unwrap_err().len(), 3);
        assert_eq!(named(&all, "nothing").unwrap_err().len(), 0);
    }
}
