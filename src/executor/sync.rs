//! `sync`: which release is live on most hosts, and which hosts are brought to it.

use super::event::{Event, FailureKind};
use super::host::{HostState, SyncRole};
use super::outcome::{End, Live};
use super::run::{Run, Stopped, Wanted};
use super::wanted::{Decision, aim};
use crate::remote::journal::{self, State};

/// Hosts that cannot be reached stop no `sync`: they are named, and brought later.
pub(super) fn set_aside(run: &mut Run<'_>) {
    let hosts = &mut run.fleet.hosts;
    if hosts.iter().all(HostState::is_gone) {
        return;
    }
    for host in hosts.iter_mut().filter(|host| host.is_gone()) {
        host.aside = host.failure.take();
    }
}

/// Hosts that are not to be touched, and whose line ended, have not failed.
pub(super) fn let_go_of_the_rest(run: &mut Run<'_>) {
    for at in 0..run.fleet.hosts.len() {
        if run.fleet.may_be_missed(&run.fleet.hosts[at]) {
            let host = &mut run.fleet.hosts[at];
            host.failure = None;
            host.lost = None;
            let text = "the line ended; it was not to be touched";
            run.fleet.observer.event(&Event::Notice { host: Some(&host.name), text });
        }
    }
}

/// What a good end is, where some could not be asked that were to be brought.
pub(super) fn counting_those_aside(run: &Run<'_>, end: End) -> End {
    // Of a deploy they were left out as the user allowed.
    let Wanted::Sync { only } = &run.request.wanted else { return end };
    match end {
        _ if run.fleet.hosts.iter().all(|host| host.aside.is_none() || !is_chosen(host, only)) => end,
        End::Done => End::Split,
        End::NothingToDo => End::Unreachable,
        end => end,
    }
}

/// Decides, and tells the hosts that differ.
pub(super) fn decide(run: &mut Run<'_>, only: &[String]) -> Result<Decision, Stopped> {
    let apps = run.request.plan.environment.apps.len();
    let mut references = vec![String::new(); apps];
    let mut goals: Vec<Option<Live>> = vec![None; apps];
    for app in 0..apps {
        let Some(release) = most(run, app)? else { continue };
        stand(run, app, &release, only);
        let serves = |host: &&HostState| {
            host.fact("live") == Some(&release) && host.fact("live-revision").is_some_and(|id| !id.is_empty())
        };
        let Some(model) = run.fleet.of_app(app).map(|(_, host)| host).find(serves) else {
            let message = format!("no host knows any more which commit {release} is");
            let hint = Some("deploy anew: --redeploy".to_owned());
            return Err(run.refuse(FailureKind::Step, "sync", message, hint));
        };
        let known = |name: &str| model.fact(name).unwrap_or_default().to_owned();
        references[app] = known("live-reference");
        goals[app] = Some(Live { release, revision: known("live-revision") });
    }
    if goals.iter().all(Option::is_none) {
        let hint = "deploy, then all hosts have it".to_owned();
        let message = "nothing is live on any host".to_owned();
        return Err(run.refuse(FailureKind::Step, "sync", message, Some(hint)));
    }
    if run.fleet.hosts.iter().all(|host| host.standing == SyncRole::InSync) {
        run.fleet.goals = goals;
        return Ok(Decision::Nothing);
    }
    for app in 0..apps {
        let Some(Live { release, revision }) = goals[app].clone() else { continue };
        if run.fleet.of_app(app).all(|(_, host)| host.standing == SyncRole::InSync) {
            continue;
        }
        let (reference, name) = (&references[app], run.app_name(app));
        run.fleet.observer.event(&Event::Resolved {
            app: name,
            reference,
            revision: &revision,
            release: &release,
        });
        say_what_changed(run, app, &release);
    }
    let plan = run.request.plan;
    let releases = goals.clone();
    aim(run, goals, |at, host| {
        let app = plan.targets[at].app;
        let release = releases[app].as_ref().map(|live| live.release.as_str()).unwrap_or_default();
        let parent = journal::before(&host.entries, release).map(|entry| entry.release.clone());
        vec![("parent", parent.unwrap_or_default()), ("reference", references[app].clone())]
    });
    Ok(Decision::Go)
}

// The release of an app that is live on most of its hosts; none: it is live on none.
fn most(run: &mut Run<'_>, app: usize) -> Result<Option<String>, Stopped> {
    let serving =
        run.fleet.of_app(app).filter_map(|(_, host)| Some((host.name.as_str(), host.fact("live")?)));
    let aside = run.fleet.of_app(app).filter(|(_, host)| host.aside.is_some()).count();
    match majority(&serving.collect::<Vec<_>>(), aside) {
        Ok(release) => Ok(Some(release.to_owned())),
        Err(Undecided::Nothing) => Ok(None),
        Err(Undecided::Several(who)) => {
            let environment = &run.request.plan.environment.name;
            let hint = format!(
                "choose: `shipit {environment} revert RELEASE` makes one of them live everywhere it is kept, \
                 `shipit {environment} --redeploy` a new one on all"
            );
            let message = format!("no release is live on most of the hosts: {who}");
            Err(run.refuse(FailureKind::Refused, "sync", message, Some(hint)))
        }
    }
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

// Whether a host is among those that are to be brought: these; none: all.
fn is_chosen(host: &HostState, only: &[String]) -> bool {
    only.is_empty() || only.contains(&host.name)
}

// A host where the last that was tried failed and was not rolled back differs too, whatever `current` says.
fn stand(run: &mut Run<'_>, app: usize, release: &str, only: &[String]) {
    for host in run.fleet.hosts.iter_mut().filter(|host| host.app == app) {
        let has = host.fact("live") == Some(release);
        let failed = host.entries.last().is_some_and(|entry| entry.state == State::Failed);
        if host.aside.is_some() || !is_chosen(host, only) || has && !failed {
            continue;
        }
        let known = host.fact("known").unwrap_or_default().split(' ').any(|name| name == release);
        let kept = known && journal::deploy_of(&host.entries, release).is_some();
        let bare = host.fact("bare").is_some();
        host.standing = if has || kept { SyncRole::HasRelease } else { SyncRole::MissingRelease { bare } };
    }
}

// Steps and `env` of the release lie on the other hosts only; that they are not today's is worth knowing.
fn say_what_changed(run: &mut Run<'_>, app: usize, release: &str) {
    let targets = &run.request.plan.targets;
    let changed = run.fleet.of_app(app).any(|(at, host)| {
        host.standing == SyncRole::InSync
            && host.fact("live") == Some(release)
            && host.fact("live-digest") != targets[at].digest()
    });
    let lacking: Vec<&str> = run
        .fleet
        .of_app(app)
        .filter(|(_, host)| matches!(host.standing, SyncRole::MissingRelease { .. }))
        .map(|(_, host)| host.name.as_str())
        .collect();
    if changed && !lacking.is_empty() {
        let text = format!(
            "the configuration is not the one that {release} was deployed with: {} gets it by today's",
            lacking.join(", ")
        );
        run.fleet.observer.event(&Event::Notice { host: None, text: &text });
    }
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
