//! The one line that must be right when nothing else is read: what became of the run, in words, per [`End`].
//!
//! Says only what the outcome says: "nothing live was changed" stands with the ends that promise it, and no other.

use super::super::style::Paint;
use super::super::{clean, human};
use crate::executor::event::{Failure, FailureKind};
use crate::executor::outcome::{End, HostOutcome, HostResult, Outcome};
use crate::remote::reason::Reason;

/// Steps that read better as a doing: `failed while building`.
const DOINGS: [(&str, &str); 6] = [
    ("connect", "connecting"),
    ("lock", "taking the lock"),
    ("fetch", "fetching"),
    ("build", "building"),
    ("migrate", "migrating"),
    ("reload", "reloading"),
];

pub(super) fn render(outcome: &Outcome, paint: Paint) -> String {
    match outcome.end {
        End::Done => paint.good(&done(outcome)),
        End::NothingToDo => paint.good(&nothing_to_do(outcome)),
        End::Failed | End::Unreachable if outcome.action == "exec" => paint.bad(&exec_failed(outcome)),
        End::Failed => paint.bad(&format!("{}; nothing live was changed", failed(outcome))),
        End::Refused => paint.odd(&format!("refused{}", reasons(outcome))) + &hint(outcome),
        End::Unreachable => {
            let hosts = clean::line(human::names(&failing(outcome)).as_bytes(), 200);
            paint.bad(&format!("could not connect to {hosts}; nothing live was changed"))
        }
        End::RolledBack => paint.odd(&format!("{}; {}", failed(outcome), put_back(outcome))),
        End::Split => split(outcome, paint),
        End::Busy => {
            paint.odd(&format!("another run holds the lock{}", reasons(outcome))) + &busy_hint(outcome)
        }
        End::Interrupted(signal) => paint.odd(&interrupted(outcome, signal)),
    }
}

fn done(outcome: &Outcome) -> String {
    let worked = |host: &&HostOutcome| matches!(host.result, HostResult::Done | HostResult::Unchanged);
    let worked: Vec<&str> = outcome.hosts.iter().filter(worked).map(|host| host.host.as_str()).collect();
    let hosts = human::places(&worked);
    let took = human::duration(outcome.took);
    let revision = outcome.revision.as_deref().map(human::revision);
    match (outcome.action.as_str(), revision) {
        ("deploy", Some(revision)) => format!("deployed {revision} to {hosts} in {took}"),
        ("revert", Some(revision)) => format!("reverted {hosts} to {revision} in {took}"),
        ("deploy", None) => format!("deployed to {hosts} in {took}"),
        ("revert", None) => format!("reverted {hosts} in {took}"),
        ("setup", _) => format!("set up {hosts} in {took}"),
        ("sync", Some(revision)) => format!("brought {} to {revision} in {took}", synced(outcome)),
        ("restart", _) => format!("restarted {hosts} in {took}"),
        ("prune", _) => format!("pruned {hosts} in {took}"),
        ("unlock", _) => format!("unlocked {hosts} in {took}"),
        ("exec", _) => format!("ran on {hosts} in {took}"),
        (action, _) => format!("{action}: done on {hosts} in {took}"),
    }
}

// The hosts that were brought.
fn synced(outcome: &Outcome) -> String {
    let done = outcome.hosts.iter().filter(|host| host.result == HostResult::Done);
    let names: Vec<&str> = done.map(|host| host.host.as_str()).collect();
    clean::line(human::names(&names).as_bytes(), 200)
}

fn nothing_to_do(outcome: &Outcome) -> String {
    match outcome.action.as_str() {
        "restart" => return "nothing to do: no host has a supervisor".to_owned(),
        "prune" => return "nothing to do: there is nothing to remove".to_owned(),
        _ => {}
    }

    let asked = outcome.hosts.iter().filter(|host| host.result != HostResult::Skipped);
    let all: Vec<&str> = asked.map(|host| host.host.as_str()).collect();
    let verb = if all.len() == 1 { "serves" } else { "serve" };
    let hosts = human::places(&all);
    match serving(outcome) {
        Serving::Same(revision) => format!("nothing to do: {hosts} {verb} {revision} already"),
        _ => "nothing to do".to_owned(),
    }
}

fn exec_failed(outcome: &Outcome) -> String {
    let hosts = clean::line(human::names(&failing(outcome)).as_bytes(), 200);
    format!("failed on {} of {}: {hosts}", failing(outcome).len(), human::hosts(outcome.hosts.len()))
}

/// `failed while building on web2`, `stopped in activate`.
fn failed(outcome: &Outcome) -> String {
    let hosts = failing(outcome);
    let place = if hosts.is_empty() { String::new() } else { format!(" on {}", human::names(&hosts)) };
    let mut steps = failures(outcome).map(|failure| failure.step.as_str());
    let doing = match steps.next() {
        Some(first) if steps.all(|step| step == first) => {
            let known = DOINGS.iter().find(|(step, _)| *step == first);
            known.map_or_else(|| format!(" in {first}"), |(_, doing)| format!(" while {doing}"))
        }
        // Different steps on different hosts, or none known: the phase is what they share.
        _ => outcome.failed_in.map_or(String::new(), |phase| format!(" in {}", phase.name())),
    };
    // Where nothing failed it was the user who left.
    let what = if failures(outcome).next().is_none() { "stopped" } else { "failed" };
    clean::line(format!("{what}{doing}{place}").as_bytes(), 300)
}

fn put_back(outcome: &Outcome) -> String {
    let untouched = |host: &&HostOutcome| matches!(host.result, HostResult::Unchanged | HostResult::Skipped);
    let back = outcome.hosts.len() - outcome.hosts.iter().filter(untouched).count();
    let skipped = outcome.hosts.iter().any(|host| host.result == HostResult::Skipped);
    let hosts = match back {
        _ if skipped => "all hosts that were reached were rolled back and serve".to_owned(),
        _ if back < outcome.hosts.len() || !outcome.apps.is_empty() => {
            "what was touched was rolled back, and all hosts serve".to_owned()
        }
        1 => "the host was rolled back and serves".to_owned(),
        2 => "both hosts were rolled back and serve".to_owned(),
        count => format!("all {count} hosts were rolled back and serve"),
    };
    match serving(outcome) {
        Serving::Same(revision) => format!("{hosts} {revision}"),
        Serving::Nothing => format!("{hosts} nothing, as before"),
        Serving::Different => format!("{hosts} what was live before"),
    }
}

fn interrupted(outcome: &Outcome, signal: i32) -> String {
    let name = match signal {
        1 => "SIGHUP".to_owned(),
        2 => "SIGINT".to_owned(),
        15 => "SIGTERM".to_owned(),
        other => format!("signal {other}"),
    };
    let any_back = outcome.hosts.iter().any(|host| host.result == HostResult::RolledBack);
    match any_back {
        true => format!("interrupted by {name}; {}", put_back(outcome)),
        false if outcome.action == "exec" => format!("interrupted by {name}"),
        false if outcome.action == "restart" => {
            format!("interrupted by {name}; every host serves what it served")
        }
        false => format!("interrupted by {name}; nothing live was changed"),
    }
}

/// Each host by name, since each may need a hand of its own.
fn split(outcome: &Outcome, paint: Paint) -> String {
    let mut groups: Vec<(Option<String>, Known<'_>, Vec<&str>)> = Vec::new();
    for host in &outcome.hosts {
        let (serves, known) = (human::live(host.to.as_ref()), Known::of(host));
        match groups.iter_mut().find(|(of, how, _)| (of, *how) == (&serves, known)) {
            Some((_, _, names)) => names.push(&host.host),
            None => groups.push((serves, known, vec![&host.host])),
        }
    }
    let state = if outcome.action == "restart" {
        "not every host may be up"
    } else {
        "not every host serves the same"
    };
    let mut text = paint.bad(&format!("{}; {state}:", failed(outcome)));
    for (serves, known, names) in groups {
        let verb = if names.len() == 1 { "serves" } else { "serve" };
        let amiss = match known {
            Known::Amiss(step) if !step.is_empty() => format!("not all of it worked ({step})"),
            _ => "not all of it worked".to_owned(),
        };
        let state = match (serves, known) {
            (Some(revision), Known::Sure) => format!("{verb} {revision}"),
            (Some(revision), _) if outcome.action == "restart" => {
                format!("{verb} {revision}, but may not be up")
            }
            (Some(revision), _) if outcome.action == "revert" => {
                format!("went back to {revision}, but {amiss}")
            }
            (Some(revision), _) => format!("rolled back to {revision}, but {amiss}"),
            (None, Known::Sure) => format!("{verb} nothing"),
            (None, Known::Amiss(_)) => format!("{verb} nothing, as before, but {amiss}"),
            (None, Known::Doubt) => "in doubt: nobody could ask".to_owned(),
            (None, Known::NotAsked) => "could not be reached, and was not touched".to_owned(),
        };
        let names = clean::line(names.join(", ").as_bytes(), usize::MAX);
        text.push_str(&format!("\n  {names}: {state}"));
    }
    text + &what_to_type(outcome)
}

/// How much is known of what a host serves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known<'a> {
    Sure,
    Doubt,
    /// It told itself that not all worked: the step that did not.
    Amiss(&'a str),
    /// It was left out.
    NotAsked,
}

impl<'a> Known<'a> {
    fn of(host: &'a HostOutcome) -> Self {
        let gone = host.failure.as_ref().is_some_and(|failure| failure.kind == FailureKind::Unreachable);
        match host.result {
            HostResult::InDoubt => host.amiss.as_deref().map_or(Known::Doubt, Known::Amiss),
            HostResult::Skipped => Known::NotAsked,
            _ if gone && host.from.is_none() => Known::NotAsked,
            _ => Known::Sure,
        }
    }
}

fn what_to_type(outcome: &Outcome) -> String {
    let mut ways = vec![("status".to_owned(), "where each host is")];
    match (outcome.action.as_str(), &outcome.release) {
        ("revert", Some(release)) if lacking(outcome) => {
            let there = |host: &&HostOutcome| host.to.as_ref().is_some_and(|live| live.release == *release);
            if 2 * outcome.hosts.iter().filter(there).count() > outcome.hosts.len() {
                ways.push(("sync".to_owned(), "bring along who did not have that release"));
            } else if let Some(revision) = &outcome.revision {
                ways.push((format!("ref {revision}"), "deploy that commit anew"));
            }
        }
        ("revert", Some(release)) => ways.push((format!("revert {release}"), "try again")),
        ("revert", None) => ways.push(("sync".to_owned(), "bring all to what most of them serve")),
        ("sync", _) => ways.push(("sync".to_owned(), "try again")),
        ("restart", _) => ways.push(("restart".to_owned(), "try again")),
        ("deploy", _) => {
            ways.push(("--redeploy".to_owned(), "deploy what the file says, everywhere"));
            ways.push(("sync".to_owned(), "bring all to what most of them serve"));
        }
        _ => {}
    }
    let line = |words: &str| format!("shipit {} {words}", outcome.environment);
    let lines = ways.iter().map(|(words, why)| (clean::line(line(words).as_bytes(), 200), why));
    let lines: Vec<_> = lines.collect();
    let width = lines.iter().map(|(line, _)| console::measure_text_width(line)).max().unwrap_or(0);
    let padded = |line| console::pad_str(line, width, console::Alignment::Left, None).into_owned();
    lines.iter().fold("\nnext:".to_owned(), |text, (line, why)| format!("{text}\n  {}  {why}", padded(line)))
}

// Whether those that failed had nothing to go back to.
fn lacking(outcome: &Outcome) -> bool {
    let lacks = |failure: &Failure| matches!(failure.reason, Some(Reason::UnknownRelease { .. }));
    failures(outcome).next().is_some() && failures(outcome).all(lacks)
}

enum Serving {
    Same(String),
    Nothing,
    Different,
}

/// What the hosts serve now.
fn serving(outcome: &Outcome) -> Serving {
    let reached = outcome.hosts.iter().filter(|host| host.result != HostResult::Skipped);
    let mut all = reached.map(|host| human::live(host.to.as_ref()));
    let first = all.next().flatten();
    match (all.all(|other| other == first), first) {
        (true, Some(revision)) => Serving::Same(revision),
        (true, None) => Serving::Nothing,
        (false, _) => Serving::Different,
    }
}

fn failing(outcome: &Outcome) -> Vec<&str> {
    outcome.hosts.iter().filter(|host| host.failure.is_some()).map(|host| host.host.as_str()).collect()
}

fn failures(outcome: &Outcome) -> impl Iterator<Item = &Failure> {
    outcome.failure.iter().chain(outcome.hosts.iter().filter_map(|host| host.failure.as_ref()))
}

/// `: why`, each reason once, with the hosts it holds for unless it holds for all.
fn reasons(outcome: &Outcome) -> String {
    let mut reasons: Vec<String> = Vec::new();
    for failure in failures(outcome) {
        let reason = clean::line(failure.message.as_bytes(), 500);
        if !reason.is_empty() && !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join("; ")) }
}

fn hint(outcome: &Outcome) -> String {
    let hint = failures(outcome).find_map(|failure| failure.hint.as_ref());
    hint.map_or(String::new(), |hint| format!("\n{}", clean::lines(hint.as_bytes()).join("\n")))
}

fn busy_hint(outcome: &Outcome) -> String {
    let known = hint(outcome);
    if known.is_empty() { "\ntry again, or wait for it with --lock-wait 10m".to_owned() } else { known }
}
