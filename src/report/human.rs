//! Numbers and names as people read them. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::executor::Live;
use crate::git::{Commit, Pending, Unchecked};
use crate::remote::version::Version;
use crate::transport::Exit;

/// Digits of a revision that are shown.
const REVISION_DIGITS: usize = 7;

/// `1.2s`, `3m 04s`, `2h 05m`.
#[must_use]
pub fn duration(duration: Duration) -> String {
    // Rounded to what is shown before it is taken apart: 59.97 s is a minute.
    let tenths = (duration.as_millis() + 50) / 100;
    let seconds = duration.as_secs();
    match seconds {
        _ if tenths < 600 => format!("{}.{}s", tenths / 10, tenths % 10),
        ..60 => "1m 00s".to_owned(),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A time that was written down as RFC 3339, in the operator's time zone; as it is where it is none.
#[must_use]
pub fn when(text: &str) -> String {
    match text.parse::<jiff::Timestamp>() {
        Ok(at) => at.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => text.to_owned(),
    }
}

/// How long ago a time that was written down as RFC 3339 is: `3h ago`; nothing where it is none.
#[must_use]
pub fn age(text: &str, now: jiff::Timestamp) -> String {
    let Ok(then) = text.parse::<jiff::Timestamp>() else { return String::new() };
    match now.as_second() - then.as_second() {
        // Whoever wrote it may have a clock that is ahead.
        ..=0 => "now".to_owned(),
        seconds @ ..120 => format!("{seconds}s ago"),
        seconds @ ..7_200 => format!("{}m ago", seconds / 60),
        seconds @ ..172_800 => format!("{}h ago", seconds / 3_600),
        seconds => format!("{}d ago", seconds / 86_400),
    }
}

// The first digits of a commit id.
fn revision(revision: &str) -> &str {
    revision.get(..REVISION_DIGITS).unwrap_or(revision)
}

/// The version of a live release; none: nothing is live.
#[must_use]
pub fn live(live: Option<&Live>) -> Option<String> {
    let version = |live: &Live| live.version.as_ref().map(|version| version.short().to_owned());
    live.map(|live| version(live).unwrap_or_else(|| "an unknown commit".to_owned()))
}

/// `1 host`, `3 hosts`.
#[must_use]
pub fn hosts(count: usize) -> String {
    if count == 1 { "1 host".to_owned() } else { format!("{count} hosts") }
}

/// `3 hosts`; where there are several apps, `3 hosts, 2 apps`.
#[must_use]
pub fn places<T: AsRef<str>>(names: &[T]) -> String {
    let mut parts: Vec<(&str, &str)> =
        names.iter().filter_map(|name| name.as_ref().split_once('/')).collect();
    if parts.len() < names.len() || names.is_empty() {
        return hosts(names.len());
    }
    let apps: BTreeSet<&str> = parts.iter().map(|(_, app)| *app).collect();
    parts.sort_unstable();
    parts.dedup_by_key(|(host, _)| *host);
    let apps = if apps.len() == 1 { "1 app".to_owned() } else { format!("{} apps", apps.len()) };
    format!("{}, {apps}", hosts(parts.len()))
}

/// `web1`, `web1 and web2`, `web1, web2 and 3 more`.
#[must_use]
pub fn names(names: &[&str]) -> String {
    match names {
        [] => "no host".to_owned(),
        [one] => (*one).to_owned(),
        [one, two] => format!("{one} and {two}"),
        [one, two, three] => format!("{one}, {two} and {three}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
    }
}

/// Why a host failed, in a line.
#[must_use]
pub fn failure(failure: &crate::executor::event::Failure) -> String {
    match (&failure.exit, failure.message.is_empty()) {
        (Some(how), true) => exit(how),
        _ => super::clean::line(failure.message.as_bytes(), 500),
    }
}

/// That the user asked to stop, and what that means.
#[must_use]
pub fn interrupted(signal: &str, begun: &str, alone: Option<&str>) -> String {
    let again = if signal == "Ctrl-C" { "press Ctrl-C again" } else { "send it again" };
    match alone {
        Some(alone) => format!("{signal}: quitting now; without shipit, the hosts do this: {alone}"),
        None if begun == "undone" => {
            format!("{signal}: stopping and undoing what was started; {again} to quit immediately")
        }
        None => format!("{signal}: completing what was started, then stopping; {again} to quit immediately"),
    }
}

/// How a command ended: `exit 1`, `killed by SIGTERM`, `connection lost: …`.
#[must_use]
pub fn exit(exit: &Exit) -> String {
    let clean = |text: &str| super::clean::line(text.as_bytes(), 200);
    match exit {
        Exit::Code(code) => format!("exit {code}"),
        Exit::Signal(name) => format!("killed by SIG{}", clean(name)),
        Exit::Lost(known) if known.is_empty() => "connection lost".to_owned(),
        Exit::Lost(known) => format!("connection lost: {}", clean(known)),
    }
}

/// What goes out, and what would be dropped: `api: 3 commits go out (1a2b3c4..5d6e7f8):`, then the newest, a line each. The app
/// is named where there are several.
#[must_use]
pub fn commits(app: Option<&str>, from: &Version, to: &Version, pending: &Pending) -> Vec<String> {
    let app = app.map_or(String::new(), |app| format!("{app}: "));
    let goes = if pending.total == 1 { "goes" } else { "go" };
    let more = if pending.is_counted { "" } else { "at least " };
    let range = format!("{}..{}", from.short(), to.short());
    let title = format!("{app}{more}{} {goes} out ({range})", count(pending.total, "commit"));
    let mut lines = titled(title, &pending.commits, pending.total);
    if pending.dropped_total > 0 {
        let title = format!("{app}this drops {}", count(pending.dropped_total, "live commit"));
        lines.extend(titled(title, &pending.dropped, pending.dropped_total));
    }
    lines
}

fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// The title, then a line for each commit that is listed.
fn titled(title: String, listed: &[Commit], total: usize) -> Vec<String> {
    if listed.is_empty() {
        return vec![title];
    }
    let line = |commit: &Commit| {
        let subject = super::clean::line(commit.subject.as_bytes(), 100);
        format!("  {} {subject}", revision(&commit.revision))
    };
    let rest = total.saturating_sub(listed.len());
    let rest = (rest > 0).then(|| format!("  … and {rest} more"));
    std::iter::once(title + ":").chain(listed.iter().map(line)).chain(rest).collect()
}

/// Why local changes and unpushed commits were not looked for.
#[must_use]
pub fn unchecked(repo: &str, why: &Unchecked) -> String {
    let why = match why {
        Unchecked::NoGit => "git is not installed here".to_owned(),
        Unchecked::OtherAddress { address } => {
            format!("the remote of this work tree is {address}, not {repo}")
        }
    };
    format!("did not look for uncommitted changes and unpushed commits: {why}")
}

/// An error of the machine's, without Rust's `(os error 28)`, in lower case.
#[must_use]
pub fn io(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.as_str(), |(text, _)| text).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_live_release_of_an_unknown_commit_is_told_from_none() {
        let release = |id: &str| Live { release: "r".to_owned(), version: Version::parse(id) };
        assert_eq!(live(None), None);
        assert_eq!(live(Some(&release(""))).as_deref(), Some("an unknown commit"));
        assert_eq!(live(Some(&release(&"1a".repeat(20)))).as_deref(), Some("1a1a1a1"));
    }

    #[test]
    fn durations_read_well() {
        let table = [
            (0, "0.0s"),
            (1_249, "1.2s"),
            (1_250, "1.3s"),
            (59_949, "59.9s"),
            (59_970, "1m 00s"),
            (60_000, "1m 00s"),
            (184_000, "3m 04s"),
            (3_599_999, "59m 59s"),
            (7_500_000, "2h 05m"),
        ];
        for (milliseconds, expected) in table {
            assert_eq!(duration(Duration::from_millis(milliseconds)), expected);
        }
    }

    #[test]
    fn ages_are_told_in_the_unit_that_tells_most() {
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        for (when, expected) in [
            ("2026-11-21T11:59:59Z", "1s ago"),
            ("2026-11-21T11:58:00Z", "2m ago"),
            ("2026-11-21T09:00:01Z", "2h ago"),
            ("2026-11-19T11:00:00Z", "2d ago"),
            ("2025-11-21T12:00:00Z", "365d ago"),
            ("2026-11-21T12:00:09Z", "now"),
            ("yesterday", ""),
        ] {
            assert_eq!(age(when, now), expected, "{when}");
        }
    }

    #[test]
    fn many_names_are_counted() {
        assert_eq!(names(&["a"]), "a");
        assert_eq!(names(&["a", "b", "c"]), "a, b and c");
        assert_eq!(names(&["a", "b", "c", "d", "e"]), "a, b and 3 more");
    }
}
