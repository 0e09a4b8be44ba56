//! `sync`: which release is live on most hosts, and which hosts are brought to it.

use super::event::{Event, FailureKind};
use super::host::{HostState, Standing};
use super::outcome::End;
use super::run::{Run, Stopped};
use super::wanted::Decision;
use crate::remote::journal::{self, State};

/// Hosts that cannot be reached stop no `sync`: they are named, and brought later.
pub(super) fn set_aside(run: &mut Run<'_>) {
    let hosts = &mut run.fleet.hosts;
    let gone = |host: &HostState| host.failure.as_ref().is_some_and(|f| f.kind == FailureKind::Unreachable);
    if hosts.iter().all(gone) {
        return;
    }
    for host in hosts.iter_mut().filter(|host| gone(host)) {
        host.aside = host.failure.take();
    }
}

/// What a good end is, where some could not be asked.
pub(super) fn counting_those_aside(run: &Run<'_>, end: End) -> End {
    match end {
        _ if run.fleet.hosts.iter().all(|host| host.aside.is_none()) => end,
        End::Done => End::Split,
        End::NothingToDo => End::Unreachable,
        end => end,
    }
}

/// Decides, and tells the hosts that differ.
pub(super) fn decide(run: &mut Run<'_>, only: &[String]) -> Result<Decision, Stopped> {
    let serving = run.fleet.hosts.iter().filter_map(|host| Some((host.name.as_str(), host.fact("live")?)));
    let aside = run.fleet.hosts.iter().filter(|host| host.aside.is_some()).count();
    let release = match majority(&serving.collect::<Vec<_>>(), aside) {
        Ok(release) => release.to_owned(),
        Err(Undecided::Nothing) => {
            let hint = "deploy, then all hosts have it".to_owned();
            let message = "nothing is live on any host".to_owned();
            return Err(run.refuse(FailureKind::Step, "sync", message, Some(hint)));
        }
        Err(Undecided::Several(who)) => {
            let environment = &run.request.plan.environment.name;
            let hint = format!(
                "choose: `shipit {environment} revert RELEASE` makes one of them live everywhere it is kept, \
                 `shipit {environment} --redeploy` a new one on all"
            );
            let message = format!("no release is live on most of the hosts: {who}");
            return Err(run.refuse(FailureKind::Refused, "sync", message, Some(hint)));
        }
    };
    stand(run, &release, only);
    let serves = |host: &&HostState| {
        host.fact("live") == Some(&release) && host.fact("live-revision").is_some_and(|id| !id.is_empty())
    };
    let model = run.fleet.hosts.iter().find(serves);
    if model.is_none() {
        let message = format!("no host knows any more which commit {release} is");
        let hint = Some("deploy anew: --redeploy".to_owned());
        return Err(run.refuse(FailureKind::Step, "sync", message, hint));
    }
    let known = |name: &str| model.and_then(|host| host.fact(name)).unwrap_or_default().to_owned();
    let (revision, reference) = (known("live-revision"), known("live-reference"));
    run.revision = Some(revision.clone());
    if run.fleet.hosts.iter().all(|host| host.standing == Standing::Rest) {
        return Ok(Decision::Nothing);
    }
    run.fleet.observer.event(&Event::Resolved {
        reference: &reference,
        revision: &revision,
        release: &release,
    });
    say_what_changed(run, &release);
    for at in 0..run.fleet.hosts.len() {
        tell(run, at, &release, (&revision, &reference));
    }
    run.release = Some(release);
    Ok(Decision::Go)
}

/// Why no release is the one.
#[derive(Debug, PartialEq, Eq)]
enum Undecided {
    Nothing,
    /// Which is where.
    Several(String),
}

// The release that is live on more than half of the hosts that serve anything. Where they differ, those that could not
// be asked count against it: they may all serve the other.
fn majority<'a>(serving: &[(&str, &'a str)], aside: usize) -> Result<&'a str, Undecided> {
    let mut votes: Vec<(&str, Vec<&str>)> = Vec::new();
    for (host, release) in serving {
        match votes.iter_mut().find(|(known, _)| known == release) {
            Some((_, hosts)) => hosts.push(host),
            None => votes.push((release, vec![host])),
        }
    }
    votes.sort_by_key(|(_, hosts)| std::cmp::Reverse(hosts.len()));
    // No other can be live on more.
    let safe = |count: usize| count == serving.len() || 2 * count >= serving.len() + aside;
    match votes.first() {
        None => Err(Undecided::Nothing),
        Some((release, hosts)) if 2 * hosts.len() > serving.len() && safe(hosts.len()) => Ok(release),
        Some(_) => {
            let who: Vec<String> =
                votes.iter().map(|(release, hosts)| format!("{release} on {}", hosts.join(", "))).collect();
            let unasked = if aside == 0 { String::new() } else { format!("; {aside} could not be asked") };
            Err(Undecided::Several(who.join("; ") + &unasked))
        }
    }
}

// A host where the last that was tried failed and was not put back differs too, whatever `current` says.
fn stand(run: &mut Run<'_>, release: &str, only: &[String]) {
    for host in &mut run.fleet.hosts {
        let has = host.fact("live") == Some(release);
        let failed = host.entries.last().is_some_and(|entry| entry.state == State::Failed);
        let chosen = only.is_empty() || only.contains(&host.name);
        if host.aside.is_some() || !chosen || has && !failed {
            continue;
        }
        let known = host.fact("known").unwrap_or_default().split(' ').any(|name| name == release);
        let kept = known && journal::deploy_of(&host.entries, release).is_some();
        let bare = host.fact("bare").is_some();
        host.standing = if has || kept { Standing::Having } else { Standing::Lacking { bare } };
    }
}

// Steps and `env` of the release lie on the other hosts only; that they are not today's is worth knowing.
fn say_what_changed(run: &mut Run<'_>, release: &str) {
    let digest = |at: usize| {
        let mut variables = run.request.plan.targets[at].variables.iter();
        variables.find(|(name, _)| *name == "digest").map(|(_, value)| value.as_str())
    };
    let hosts = &run.fleet.hosts;
    let changed = hosts.iter().enumerate().any(|(at, host)| {
        host.standing == Standing::Rest
            && host.fact("live") == Some(release)
            && host.fact("live-digest") != digest(at)
    });
    let lacking: Vec<&str> = hosts
        .iter()
        .filter(|host| matches!(host.standing, Standing::Lacking { .. }))
        .map(|host| host.name.as_str())
        .collect();
    if changed && !lacking.is_empty() {
        let text = format!(
            "the configuration is not the one that {release} was deployed with: {} gets it by today's",
            lacking.join(", ")
        );
        run.fleet.observer.event(&Event::Notice { host: None, text: &text });
    }
}

fn tell(run: &mut Run<'_>, at: usize, release: &str, (revision, reference): (&str, &str)) {
    let host = &run.fleet.hosts[at];
    if host.standing == Standing::Rest {
        return;
    }
    let (from, from_revision) = host.live().map(|live| (live.release, live.revision)).unwrap_or_default();
    let parent =
        journal::before(&host.entries, release).map(|entry| entry.release.clone()).unwrap_or_default();
    let later = [
        ("from", from.as_str()),
        ("from_revision", &from_revision),
        ("parent", &parent),
        ("reference", reference),
        ("release", release),
        ("revision", revision),
    ];
    run.fleet.set(at, &later);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_of_those_that_serve_anything_decide() {
        let several = |who: &str| Err(Undecided::Several(who.to_owned()));
        type Serving<'a> = &'a [(&'a str, &'a str)];
        let table: [(Serving<'_>, Result<&str, Undecided>); 6] = [
            (&[], Err(Undecided::Nothing)),
            (&[("w1", "a")], Ok("a")),
            (&[("w1", "a"), ("w2", "b"), ("w3", "a")], Ok("a")),
            (&[("w1", "a"), ("w2", "b")], several("a on w1; b on w2")),
            (&[("w1", "a"), ("w2", "b"), ("w3", "b"), ("w4", "c")], several("b on w2, w3; a on w1; c on w4")),
            (&[("w1", "b"), ("w2", "a"), ("w3", "b"), ("w4", "b"), ("w5", "a")], Ok("b")),
        ];
        for (serving, wanted) in table {
            assert_eq!(majority(serving, 0), wanted, "{serving:?}");
        }
        // Those that could not be asked may all serve the other.
        let three = [("a", "1"), ("b", "2"), ("c", "2")];
        assert_eq!(majority(&three, 1), Ok("2"));
        assert!(majority(&three, 2).is_err() && majority(&three[1..], 5) == Ok("2"));
    }
}
