//! The one line that must be right when nothing else is read: what became of the run, in words, per [`End`].
//!
//! Says only what the outcome says: "nothing live was changed" stands with the ends that promise it, and no other.

use super::super::style::Paint;
use super::super::{clean, human};
use super::next;
use super::served::Served;
use crate::executor::event::{Action, Failure, FailureKind, Phase};
use crate::executor::outcome::{End, HostOutcome, HostResult, Outcome};
use crate::remote::reason::Reason;
use crate::remote::step::Step;
use crate::remote::version::Version;
use crate::transport::Exit;

/// Steps that read better as verbs: `failed while building`.
const VERBS: [(Step, &str); 25] = [
    (Step::Connect, "connecting"),
    (Step::Lock, "taking the lock"),
    (Step::Fetch, "fetching"),
    (Step::Build, "building"),
    (Step::Migrate, "migrating"),
    (Step::Reload, "reloading"),
    (Step::Resolve, "resolving the ref"),
    (Step::Shared, "linking shared files"),
    (Step::Health, "checking health"),
    (Step::Setup, "setting up"),
    (Step::Prepare, "preparing the release"),
    (Step::Submodules, "fetching submodules"),
    (Step::Checkout, "checking out"),
    (Step::Files, "sending files"),
    (Step::Carry, "copying carried files"),
    (Step::KeepAssets, "taking older assets along"),
    (Step::Intent, "writing the journal"),
    (Step::Switch, "switching"),
    (Step::Start, "starting"),
    (Step::Stop, "stopping"),
    (Step::Verify, "verifying"),
    (Step::Drain, "draining"),
    (Step::Undrain, "undraining"),
    (Step::Restart, "restarting"),
    (Step::Prune, "pruning"),
];

/// What hosts share that failed in different steps.
fn phase_verb(phase: Phase) -> &'static str {
    match phase {
        Phase::Check => "checking",
        Phase::Connect => "connecting",
        Phase::Lock => "taking the lock",
        Phase::Local => "running local hooks",
        Phase::Prepare => "preparing the release",
        Phase::Ready => "getting ready to go live",
        Phase::Activate | Phase::SingleHost => "going live",
        Phase::Confirm => "confirming",
        Phase::Finish => "finishing",
        Phase::Rollback => "rolling back",
        Phase::Prune => "pruning",
        Phase::Exec => "running the command",
    }
}

pub(super) fn render(outcome: &Outcome, paint: Paint) -> String {
    match outcome.end {
        End::Done => paint.good(&done(outcome)),
        End::NothingToDo => paint.good(&nothing_to_do(outcome)),
        End::Failed | End::Unreachable if outcome.action == Action::Exec => paint.bad(&exec_failed(outcome)),
        End::Failed => paint.bad(&format!("{}; nothing live was changed", failed(outcome))),
        End::Refused => paint.odd(&format!("refused{}", reasons(outcome))) + &hint(outcome),
        End::Unreachable => {
            let hosts = clean::line(human::names(&failing(outcome)).as_bytes(), 200);
            paint.bad(&format!("could not connect to {hosts}; nothing live was changed")) + &without(outcome)
        }
        End::RolledBack => paint.odd(&format!("{}; {}", failed(outcome), rolled_back(outcome))),
        End::Split => split(outcome, paint),
        End::Busy => {
            let run = reasons(outcome);
            let run = run.strip_prefix(": ").unwrap_or("another run holds the lock");
            paint.odd(run) + &busy_hint(outcome)
        }
        End::Interrupted(signal) => paint.odd(&interrupted(outcome, signal)),
    }
}

/// Where few hosts of a deploy are down, how to go on without them.
fn without(outcome: &Outcome) -> String {
    let unreachable = failures(outcome).filter(|failure| failure.kind == FailureKind::Unreachable).count();
    if outcome.action != Action::Deploy || unreachable == 0 || 2 * unreachable >= outcome.hosts.len() {
        return String::new();
    }
    let (it, them) = if unreachable == 1 { ("it", "it") } else { ("them", "these hosts") };
    format!(
        "\nto deploy without {it}: --max-unreachable {unreachable}; later, `sync` brings {them} to the same release"
    )
}

fn done(outcome: &Outcome) -> String {
    let worked = |host: &&HostOutcome| matches!(host.result, HostResult::Done | HostResult::Unchanged);
    let worked: Vec<&str> = outcome.hosts.iter().filter(worked).map(|host| host.host.as_str()).collect();
    let hosts = human::places(&worked);
    let took = human::duration(outcome.took);
    let revision = outcome.version.as_ref().map(Version::short);
    match (outcome.action, revision) {
        (Action::Deploy, Some(revision)) => format!("deployed {revision} to {hosts} in {took}"),
        (Action::Revert, Some(revision)) => format!("reverted {hosts} to {revision} in {took}"),
        (Action::Deploy, None) => format!("deployed to {hosts} in {took}"),
        (Action::Revert, None) => format!("reverted {hosts} in {took}"),
        (Action::Setup, _) => format!("set up {hosts} in {took}"),
        (Action::Sync, Some(revision)) => format!("brought {} to {revision} in {took}", synced(outcome)),
        (Action::Restart, _) => format!("restarted {hosts} in {took}"),
        (Action::Prune, _) => format!("pruned {hosts} in {took}"),
        (Action::Unlock, _) => format!("unlocked {hosts} in {took}"),
        (Action::Exec, _) => format!("ran on {hosts} in {took}"),
        (action, _) => format!("{}: done on {hosts} in {took}", action.name()),
    }
}

// The hosts that were changed.
fn synced(outcome: &Outcome) -> String {
    let done = outcome.hosts.iter().filter(|host| host.result == HostResult::Done);
    let names: Vec<&str> = done.map(|host| host.host.as_str()).collect();
    clean::line(human::names(&names).as_bytes(), 200)
}

fn nothing_to_do(outcome: &Outcome) -> String {
    match outcome.action {
        Action::Restart => return "nothing to do: no host has a supervisor".to_owned(),
        Action::Prune => return "nothing to do: there is nothing to remove".to_owned(),
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

/// How the command of `exec` ended, where it ended in the same way on all hosts.
pub(super) fn same_exit(outcome: &Outcome) -> Option<&Exit> {
    let exit = |host: &HostOutcome| host.failure.as_ref()?.exit.clone();
    let first = outcome.hosts.first()?.failure.as_ref()?.exit.as_ref()?;
    let alike = outcome.hosts.iter().all(|host| exit(host).as_ref() == Some(first));
    (outcome.action == Action::Exec && alike && !matches!(first, Exit::Lost(_))).then_some(first)
}

fn exec_failed(outcome: &Outcome) -> String {
    if let Some(exit) = same_exit(outcome) {
        let exit = human::exit(exit);
        return match outcome.hosts.len() {
            1 => format!("{exit} on {}", clean::line(outcome.hosts[0].host.as_bytes(), 200)),
            2 => format!("{exit} on both hosts"),
            count => format!("{exit} on all {count} hosts"),
        };
    }
    let hosts = clean::line(human::names(&failing(outcome)).as_bytes(), 200);
    format!("failed on {} of {}: {hosts}", failing(outcome).len(), human::hosts(outcome.hosts.len()))
}

/// `failed while building on web2`, `stopped while going live`, `stopped before batch 2 of 3, as you answered no`.
fn failed(outcome: &Outcome) -> String {
    if let Some(answer) = outcome.failure.as_ref().filter(|failure| failure.kind == FailureKind::Refused) {
        return clean::line(answer.message.as_bytes(), 300);
    }
    let hosts = failing(outcome);
    let place = if hosts.is_empty() { String::new() } else { format!(" on {}", human::names(&hosts)) };
    let mut steps = failures(outcome).map(|failure| failure.step);
    let during = match steps.next() {
        Some(first) if steps.all(|step| step == first) => {
            let known = VERBS.iter().find(|(step, _)| *step == first);
            known.map_or_else(|| format!(" in {first}"), |(_, verb)| format!(" while {verb}"))
        }
        // Different steps on different hosts, or none known: the phase is what they share.
        _ => outcome.failed_in.map_or(String::new(), |phase| format!(" while {}", phase_verb(phase))),
    };
    // Where nothing failed, the user interrupted it.
    let what = if failures(outcome).next().is_none() { "stopped" } else { "failed" };
    clean::line(format!("{what}{during}{place}").as_bytes(), 300)
}

fn rolled_back(outcome: &Outcome) -> String {
    let count = |result| outcome.hosts.iter().filter(|host| host.result == result).count();
    let (all, back) = (outcome.hosts.len(), count(HostResult::RolledBack));
    let skipped = count(HostResult::Skipped) > 0;
    let rest = match all {
        _ if skipped => "all hosts that were reached serve".to_owned(),
        1 => "it serves".to_owned(),
        2 => "both hosts serve".to_owned(),
        all if outcome.apps.is_empty() => format!("all {all} hosts serve"),
        _ => "all hosts serve".to_owned(),
    };
    let hosts = match back {
        _ if back == 0 || !outcome.apps.is_empty() => format!("what was changed was rolled back, and {rest}"),
        1 if back < all => format!("the host that went live was rolled back, and {rest}"),
        _ if back < all => format!("the {back} hosts that went live were rolled back, and {rest}"),
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
        true => format!("interrupted by {name}; {}", rolled_back(outcome)),
        false if outcome.action == Action::Exec => format!("interrupted by {name}"),
        false if outcome.action == Action::Restart => {
            format!("interrupted by {name}; every host serves what it served")
        }
        false => format!("interrupted by {name}; nothing live was changed"),
    }
}

/// Each host by name, since each may need something else.
fn split(outcome: &Outcome, paint: Paint) -> String {
    let mut groups: Vec<(Served, Vec<&str>)> = Vec::new();
    for host in &outcome.hosts {
        let served = Served::of(host);
        match groups.iter_mut().find(|(known, _)| *known == served) {
            Some((_, names)) => names.push(&host.host),
            None => groups.push((served, vec![&host.host])),
        }
    }
    let state = match outcome.action {
        Action::Restart => "not every host may be up",
        _ => "not every host serves the same",
    };
    let mut text = paint.bad(&format!("{}; {state}:", failed(outcome)));
    for (served, hosts) in groups {
        let names = clean::line(hosts.join(", ").as_bytes(), usize::MAX);
        text.push_str(&format!("\n  {names}: {}", served.text(outcome.action, hosts.len())));
    }
    text + &next::render(outcome, lacking(outcome))
}

// Whether hosts failed only because they do not have the release of the revert.
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
