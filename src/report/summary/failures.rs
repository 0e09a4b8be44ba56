//! Each failure once: where, which step, how it ended, the last that was printed, what to do.
//!
//! Hosts that failed in the same way share one text: fifty hosts without npm are one fact.

use super::super::style::Paint;
use super::super::{clean, human};
use crate::executor::event::{Action, Failure, FailureKind, Phase};
use crate::executor::outcome::Outcome;
use crate::remote::step::Step;

/// Of more failures than these only the hosts are named.
const MOST_SHOWN: usize = 12;

/// Lines of what a step printed that are shown.
const TAIL_LINES: usize = 20;
/// Columns of one of them; the cause is seldom behind that.
const LONGEST_LINE: usize = 500;

/// Steps whose names say too little before "failed".
const TITLES: [(Step, &str); 7] = [
    (Step::Health, "health check"),
    (Step::Resolve, "resolving the ref"),
    (Step::Shared, "linking shared files"),
    (Step::Files, "sending files"),
    (Step::Carry, "copying carried files"),
    (Step::KeepAssets, "taking older assets along"),
    (Step::Intent, "writing the journal"),
];

pub(super) fn render(outcome: &Outcome, width: usize, paint: Paint) -> Vec<String> {
    // What the user answered is no failure: the verdict says it.
    let of_run = outcome.failure.iter().filter(|failure| failure.kind != FailureKind::Refused);
    let of_run = of_run.map(|failure| (failure, Vec::new()));
    let all = of_run.chain(grouped(outcome)).filter(|(failure, _)| !is_code_of_exec(outcome, failure));
    let all: Vec<(&Failure, Vec<&str>)> = all.collect();
    let (shown, named) = all.split_at(all.len().min(MOST_SHOWN));
    let mut texts: Vec<String> = shown.iter().map(|(f, hosts)| one(f, hosts, width, paint)).collect();
    if !named.is_empty() {
        let hosts: Vec<&str> = named.iter().flat_map(|(_, hosts)| hosts.iter().copied()).collect();
        let heading = paint.bad(&format!("{} failed in other ways:", human::hosts(hosts.len())));
        texts.push(format!("{heading}\n  {}", clean::line(hosts.join(", ").as_bytes(), usize::MAX)));
    }
    texts
}

// The code of `exec`'s command is a result, which the table and the verdict tell.
fn is_code_of_exec(outcome: &Outcome, failure: &Failure) -> bool {
    outcome.action == Action::Exec
        && failure.exit.is_some()
        && failure.message.is_empty()
        && failure.tail.is_empty()
}

/// Where all is that a step printed, where one printed and failed: below its end.
pub(super) fn full_output(outcome: &Outcome) -> Option<String> {
    // Below a failed health check is the end of the app's own logs.
    let logged = |failure: &Failure| {
        failure.kind == FailureKind::Step && !failure.tail.is_empty() && failure.step != Step::Health
    };
    let begun =
        !matches!(outcome.failed_in, None | Some(Phase::Check | Phase::Connect | Phase::Lock | Phase::Exec));
    let any = outcome.hosts.iter().filter_map(|host| host.failure.as_ref()).any(logged);
    (any && begun).then(|| {
        let release = outcome.release.as_ref().map_or(String::new(), |release| format!(" {release}"));
        let line = format!("full output: shipit {} show{release}", outcome.environment);
        clean::line(line.as_bytes(), 200)
    })
}

fn grouped(outcome: &Outcome) -> Vec<(&Failure, Vec<&str>)> {
    let mut groups: Vec<(&Failure, Vec<&str>)> = Vec::new();
    for host in &outcome.hosts {
        let Some(failure) = &host.failure else { continue };
        match groups.iter_mut().find(|(known, _)| is_alike(known, failure)) {
            Some((_, hosts)) => hosts.push(&host.host),
            None => groups.push((failure, vec![&host.host])),
        }
    }
    groups
}

// Whether two hosts failed in the same way. What they printed may differ in numbers: times, ports, processes; and of the app's
// own logs one host's will do.
fn is_alike(one: &Failure, other: &Failure) -> bool {
    let how = |failure: &Failure| Failure { tail: Vec::new(), ..failure.clone() };
    let of_app = matches!(one.step, Step::Health | Step::Verify);
    how(one) == how(other) && (of_app || without_numbers(&one.tail) == without_numbers(&other.tail))
}

fn without_numbers(text: &[u8]) -> Vec<u8> {
    let mut kept: Vec<u8> =
        text.iter().map(|byte| if byte.is_ascii_digit() { b'0' } else { *byte }).collect();
    kept.dedup_by(|one, before| *one == b'0' && *before == b'0');
    kept
}

fn one(failure: &Failure, hosts: &[&str], width: usize, paint: Paint) -> String {
    let title = TITLES.iter().find(|(step, _)| *step == failure.step).map(|(_, title)| *title);
    let step = title.unwrap_or(failure.step.name());
    let what = match failure.kind {
        FailureKind::Step | FailureKind::Unreachable | FailureKind::Lost => "failed",
        FailureKind::Busy => "is taken",
        FailureKind::Refused => "refused",
        FailureKind::Interrupted => "interrupted",
    };
    let place = if hosts.is_empty() { String::new() } else { format!(" on {}", human::names(hosts)) };
    let exit = failure.exit.as_ref().map_or(String::new(), |exit| format!(": {}", human::exit(exit)));
    let heading = clean::line(format!("{step} {what}{place}{exit}").as_bytes(), usize::MAX);
    let mut text = vec![paint.bad(&heading)];
    // A message is the fact itself: wrapped by the terminal rather than cut.
    let message = clean::line(failure.message.as_bytes(), 1000);
    text.extend((!message.is_empty()).then(|| format!("  {message}")));
    let lines = tail(&failure.tail);
    let of_app = matches!(failure.step, Step::Health | Step::Verify);
    if of_app && hosts.len() > 1 && !lines.is_empty() {
        text.push(format!("  {}", paint.dim(&format!("on {}:", clean::line(hosts[0].as_bytes(), 200)))));
    }
    let parts = lines
        .iter()
        .flat_map(|line| clean::wrap(&clean::truncate(line, LONGEST_LINE), width.saturating_sub(4).max(20)));
    text.extend(parts.map(|line| format!("  {} {line}", paint.dim("|")).trim_end().to_owned()));
    if let Some(hint) = &failure.hint {
        let lines = clean::lines(hint.as_bytes());
        text.extend(lines.iter().enumerate().map(|(at, line)| match at {
            0 => format!("  {} {line}", paint.bold("→")),
            _ => format!("    {line}"),
        }));
    }
    text.join("\n")
}

/// The last lines, without blank ones around them.
fn tail(bytes: &[u8]) -> Vec<String> {
    let mut lines = clean::lines(bytes);
    lines.truncate(lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1));
    let lines = lines.split_off(lines.len().saturating_sub(TAIL_LINES));
    lines.into_iter().skip_while(String::is_empty).collect()
}
