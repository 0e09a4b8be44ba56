//! Numbers and names as people read them. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::executor::Live;
use crate::git::{Commit, Pending, Unchecked};
use crate::remote::by::{self, By};
use crate::remote::hold::Hold;
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

/// A duration that a user set: `5s`, `10m`, `1h 30m`.
#[must_use]
pub fn whole(duration: Duration) -> String {
    let time = jiff::SignedDuration::try_from(duration).unwrap_or(jiff::SignedDuration::MAX);
    format!("{time:#}")
}

/// A time that was written down as RFC 3339, in the operator's time zone; as it is where it is none.
#[must_use]
pub fn when(text: &str) -> String {
    match text.parse::<jiff::Timestamp>() {
        Ok(at) => at.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => text.to_owned(),
    }
}

/// How long ago a time that was written down as RFC 3339 is: `3 h ago`; nothing where it is none.
#[must_use]
pub fn age(text: &str, now: jiff::Timestamp) -> String {
    by::age(text, now).unwrap_or_default()
}

/// A time and how long ago it is: `2026-11-21 09:15 (3 h ago)`.
#[must_use]
pub fn when_and_age(text: &str, now: jiff::Timestamp) -> String {
    match age(text, now) {
        age if age.is_empty() => when(text),
        age => format!("{} ({age})", when(text)),
    }
}

/// A run that holds the lock: `deploy in progress: ann@desk, started 26 s ago (pid 12582)`.
#[must_use]
pub fn lock(holder: &str, dead: bool, now: jiff::Timestamp) -> String {
    super::clean::line(By::read(holder).at_work(dead, now).as_bytes(), 500)
}

/// The ref of a deploy: of `HEAD` in CI, the branch of the job.
#[must_use]
pub fn reference<'a>(reference: &'a str, by: &'a By) -> &'a str {
    by.branch.as_deref().filter(|_| reference == "HEAD").unwrap_or(reference)
}

/// A hold: `held by ops@desk since 2026-11-21 09:00 (3 h ago), until 2026-11-22 09:00: freeze`.
#[must_use]
pub fn hold(hold: &Hold, now: jiff::Timestamp) -> String {
    let by = Some(By::read(&hold.who).name()).filter(|name| !name.is_empty());
    let by = by.unwrap_or_else(|| "somebody".to_owned());
    let since = if hold.since.is_empty() {
        String::new()
    } else {
        format!(" since {}", when_and_age(&hold.since, now))
    };
    let until = hold
        .until
        .map_or(", until resume".to_owned(), |until| format!(", until {}", when(&until.to_string())));
    let why = if hold.why.is_empty() { String::new() } else { format!(": {}", hold.why) };
    super::clean::line(format!("held by {by}{since}{until}{why}").as_bytes(), 800)
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

/// `85 MB`, in units of 1024 as pm2 and systemd count.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    let tenths = |unit: u64| (u128::from(bytes) * 10 + u128::from(unit) / 2) / u128::from(unit);
    let units = [("kB", 1 << 10), ("MB", 1 << 20), ("GB", 1 << 30), ("TB", 1 << 40)];
    // Rounded to what is shown before the unit is chosen: 1023.9 kB is a megabyte.
    let fits = |unit: &&(&str, u64)| tenths(unit.1) < 10_235;
    let (name, unit) = units.iter().find(fits).unwrap_or(&units[3]);
    match tenths(*unit) {
        tenths @ 0..100 if *unit >= 1 << 30 => format!("{}.{} {name}", tenths / 10, tenths % 10),
        tenths => format!("{} {name}", (tenths + 5) / 10),
    }
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

/// `web1`, `web1 and web2`, `web1, web2, web3, web4 and web5`; of more than five `web1, web2 and 4 more`.
#[must_use]
pub fn names(names: &[&str]) -> String {
    match names {
        [] => "no host".to_owned(),
        [one] => (*one).to_owned(),
        [first @ .., last] if names.len() <= 5 => format!("{} and {last}", first.join(", ")),
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
        Some(alone) => format!("{signal}: quitting now; the hosts go on alone: {alone}"),
        None if begun == "undone" => {
            format!("{signal}: stopping and undoing what was started; {again} to quit immediately")
        }
        None if begun == "kept" => format!("{signal}: stopping; {again} to quit immediately"),
        None => format!("{signal}: completing what was started, then stopping; {again} to quit immediately"),
    }
}

/// How a command ended: `exit 1`, `killed by SIGTERM`, `connection lost: …`.
#[must_use]
pub fn exit(exit: &Exit) -> String {
    let clean = |text: &str| super::clean::line(text.as_bytes(), 200);
    match exit {
        Exit::Code(code) => format!("exit {code}"),
        Exit::Signal(name) if name.is_empty() => "killed by a signal".to_owned(),
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
    let title = match pending.total {
        0 => format!("{app}no new commit goes out ({range})"),
        total => format!("{app}{more}{} {goes} out ({range})", count(total, "commit")),
    };
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
            ("2026-11-21T11:59:59Z", "1 s ago"),
            ("2026-11-21T11:58:56Z", "1 min ago"),
            ("2026-11-21T11:58:00Z", "2 min ago"),
            ("2026-11-21T09:00:01Z", "2 h ago"),
            ("2026-11-19T11:00:00Z", "2 days ago"),
            ("2025-11-21T12:00:00Z", "365 days ago"),
            ("2026-11-21T12:00:09Z", "just now"),
            ("yesterday", ""),
        ] {
            assert_eq!(age(when, now), expected, "{when}");
        }
    }

    #[test]
    fn memory_is_counted_as_pm2_counts() {
        for (count, expected) in [
            (0, "0 kB"),
            (1023, "1 kB"),
            (89_128_960, "85 MB"),
            ((1 << 20) - 1, "1 MB"),
            (1023 << 20, "1023 MB"),
            ((1 << 30) - 1, "1.0 GB"),
            (1_395_864_371, "1.3 GB"),
            (48 << 30, "48 GB"),
            (u64::MAX, "16777216 TB"),
        ] {
            assert_eq!(bytes(count), expected, "{count}");
        }
    }

    #[test]
    fn a_lock_names_what_runs_and_by_whom() {
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        let holder = "root@vm (pid 12582), `shipit production` for production, since 2026-11-21T11:59:34Z";
        assert_eq!(lock(holder, false, now), "deploy in progress: root@vm, started 26 s ago (pid 12582)");
        let holder = holder.replace("`shipit production`", "`shipit production revert 2`");
        assert_eq!(lock(&holder, true, now), "revert that died: root@vm, started 26 s ago (pid 12582)");
        let holder = holder.replace("(pid 12582)", "(pid 7, branch main, job https://ci/1)");
        assert_eq!(
            lock(&holder, false, now),
            "revert in progress: root, started 26 s ago (pid 7, main, https://ci/1)"
        );
        assert_eq!(lock("", false, now), "deploy in progress: somebody");
    }

    #[test]
    fn what_only_drops_commits_brings_none() {
        let version = |digits: &str| Version::parse(&digits.repeat(20)).unwrap();
        let dropped = vec![Commit { revision: "6b".repeat(20), subject: "Hotfix: price".to_owned() }];
        let pending = Pending { commits: Vec::new(), total: 0, is_counted: true, dropped, dropped_total: 1 };
        let lines = commits(None, &version("6b"), &version("79"), &pending);
        let expected = ["no new commit goes out (6b6b6b6..7979797)", "this drops 1 live commit:"];
        assert_eq!(lines[..2], expected, "{lines:?}");
    }

    #[test]
    fn many_names_are_counted() {
        assert_eq!(names(&["a"]), "a");
        assert_eq!(names(&["a", "b", "c"]), "a, b and c");
        assert_eq!(names(&["a", "b", "c", "d", "e"]), "a, b, c, d and e");
        assert_eq!(names(&["a", "b", "c", "d", "e", "f"]), "a, b and 4 more");
    }
}
