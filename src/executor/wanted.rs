//! What goes live: decided once per run, under the lock, the same for all hosts.

use std::time::Duration;

use super::event::{Event, FailureKind};
use super::host::HostState;
use super::outcome::Live;
use super::run::{Run, Stopped, Wanted};
use super::{restart, sync};
use crate::git::{self, Resolved};
use crate::plan::Phase;
use crate::remote::hold::Hold;
use crate::remote::journal::{self, Entry};
use crate::remote::release;

/// How long hosts wait for what is only good to know.
const COURTESY: Duration = Duration::from_secs(2);

/// Whether there is anything to do.
pub(super) enum Decision {
    Nothing,
    Go,
}

/// Decides, and tells the hosts' shells by their variables.
pub(super) async fn decide(run: &mut Run<'_>) -> Result<Decision, Stopped> {
    match run.request.wanted.clone() {
        Wanted::Reference { redeploy } => {
            let revision = resolve(run).await?;
            Ok(deploy(run, revision, redeploy).await)
        }
        Wanted::Commit { revision, redeploy } => {
            Ok(deploy(run, revision.as_str().to_owned(), redeploy).await)
        }
        Wanted::Back(count) => revert(run, |chain, _| {
            let at = usize::try_from(count).unwrap_or(usize::MAX).saturating_sub(1);
            chain.get(at).map(|entry| (*entry).clone())
        }),
        Wanted::Release(name) => revert(run, |_, entries| named(entries, &name)),
        Wanted::Sync { only } => sync::decide(run, &only),
        Wanted::Restart => restart::decide(run),
        Wanted::Prune => Ok(prune(run)),
        Wanted::Nothing => Ok(Decision::Go),
    }
}

/// Nothing new goes out while any host is held: told under the lock, and judged by our clock.
pub(super) fn heed_hold(run: &mut Run<'_>) -> Result<(), Stopped> {
    if !matches!(run.request.wanted, Wanted::Reference { .. } | Wanted::Commit { .. }) {
        return Ok(());
    }
    let now = jiff::Timestamp::now();
    let held = run.fleet.hosts.iter().filter_map(|host| host.fact("hold").map(Hold::read));
    let Some(hold) = held.filter(|hold| hold.is_on(now)).max_by_key(|hold| hold.since.clone()) else {
        return Ok(());
    };
    let environment = &run.request.plan.environment.name;
    let hint =
        format!("`shipit {environment} resume` ends the hold; revert, sync and restart work meanwhile");
    let message = format!("{environment} is held {}", hold.describe());
    Err(run.refuse(FailureKind::Refused, "hold", message, Some(hint)))
}

fn prune(run: &mut Run<'_>) -> Decision {
    for at in 0..run.fleet.hosts.len() {
        let host = &run.fleet.hosts[at];
        let Some(live) = host.live() else { continue };
        let parent = host.fact("live-parent").unwrap_or_default().to_owned();
        run.fleet.set(at, &[("parent", &parent), ("release", &live.release), ("revision", &live.revision)]);
    }
    Decision::Go
}

async fn resolve(run: &mut Run<'_>) -> Result<String, Stopped> {
    if let Some(revision) = run.fleet.hosts[0].fact("revision") {
        return Ok(revision.to_owned());
    }
    let app = &run.request.plan.environment.app;
    let known = run.fleet.known;
    let mut resolving = std::pin::pin!(git::resolve(&app.repo, &app.reference));
    let resolved = loop {
        tokio::select! {
            resolved = &mut resolving => break resolved,
            asked = run.fleet.interrupt.beyond(known) => {
                run.fleet.asked(asked);
                return Err(Stopped);
            }
            () = tokio::time::sleep(Duration::from_secs(1)) => run.fleet.observer.tick(),
        }
    };
    match resolved {
        Ok(Resolved::Commit { revision, .. }) => Ok(revision.as_str().to_owned()),
        Ok(Resolved::AskHost { .. }) => ask_first_host(run).await,
        Err(error) => Err(run.refuse(FailureKind::Step, "resolve", error.to_string(), None)),
    }
}

// By the first host's own access to the repository.
async fn ask_first_host(run: &mut Run<'_>) -> Result<String, Stopped> {
    let plan = run.request.plan;
    run.fleet.tell(Phase::Lock, &plan.find, |at, _| at == 0).await;
    run.barrier(Phase::Lock, false)?;
    match run.fleet.hosts[0].fact("revision") {
        Some(revision) => Ok(revision.to_owned()),
        None => Err(run.refuse(FailureKind::Step, "resolve", "the first host named no commit".into(), None)),
    }
}

async fn deploy(run: &mut Run<'_>, revision: String, redeploy: bool) -> Decision {
    let unchanged = run.fleet.hosts.iter().zip(&run.request.plan.targets).all(|(host, target)| {
        let digest =
            target.variables.iter().find(|(name, _)| *name == "digest").map(|(_, value)| value.as_str());
        host.fact("live-revision") == Some(revision.as_str()) && host.fact("live-digest") == digest
    });
    run.revision = Some(revision.clone());
    if unchanged && !redeploy {
        return Decision::Nothing;
    }
    let known: Vec<&str> =
        (run.fleet.hosts.iter()).flat_map(|h| [h.fact("newest"), h.fact("live")]).flatten().collect();
    let release = release::name(jiff::Timestamp::now(), &revision, &known);
    go(run, &release, &revision, &[]);
    tell_pending(run, &revision).await;
    Decision::Go
}

// Which commits go out, beside what the first host that serves anything serves.
async fn tell_pending(run: &mut Run<'_>, revision: &str) {
    let live = run.fleet.hosts.iter().find_map(|host| host.fact("live-revision")).map(str::to_owned);
    let Some(from) = live.filter(|live| live != revision) else { return };
    let root = run.request.plan.environment.root.clone();
    let (live, new) = (from.clone(), revision.to_owned());
    // A long history on a slow disk is walked beside the run, and not waited for.
    let walk = tokio::task::spawn_blocking(move || git::pending(&root, &live, &new));
    if let Ok(Ok(Some(pending))) = tokio::time::timeout(COURTESY, walk).await {
        run.fleet.observer.event(&Event::Commits { from: &from, to: revision, pending: &pending });
    }
}

fn revert(
    run: &mut Run<'_>,
    choose: impl Fn(&[&Entry], &[Entry]) -> Option<Entry>,
) -> Result<Decision, Stopped> {
    let mut asked =
        run.fleet.hosts.iter().filter(|host| host.failure.is_none() && host.fact("live").is_some());
    // One host stands for all that serve the same: the one that remembers most. A host that came later remembers less.
    let first = asked.next();
    let alike = asked.filter(|host| first.is_some_and(|first| first.fact("live") == host.fact("live")));
    let Some(host) = first.map(|first| alike.fold(first, remembers_more)) else {
        return Err(run.refuse(
            FailureKind::Step,
            "revert",
            "nothing is live that could be reverted".into(),
            None,
        ));
    };
    let live = host.fact("live").unwrap_or_default().to_owned();
    let chain = journal::chain(&host.entries, &live);
    let Some(target) = choose(&chain, &host.entries) else {
        let message = format!(
            "there is no such earlier deploy: {} can be gone back to from {live}",
            count(chain.len())
        );
        let hint = Some("`list` shows them".to_owned());
        return Err(run.refuse(FailureKind::Step, "revert", message, hint));
    };
    let everywhere = |host: &HostState| host.failure.is_some() || host.fact("live") == Some(&target.release);
    if run.fleet.hosts.iter().all(everywhere) {
        run.revision = Some(target.revision);
        return Ok(Decision::Nothing);
    }
    let parent =
        journal::before(&host.entries, &target.release).map(|e| e.release.clone()).unwrap_or_default();
    let reference = target.reference.clone();
    go(run, &target.release, &target.revision, &[("parent", &parent), ("reference", &reference)]);
    Ok(Decision::Go)
}

fn remembers_more<'a>(one: &'a HostState, other: &'a HostState) -> &'a HostState {
    let chain = |host: &HostState| journal::chain(&host.entries, host.fact("live").unwrap_or_default()).len();
    if chain(other) > chain(one) { other } else { one }
}

fn count(deploys: usize) -> String {
    match deploys {
        0 => "no deploy".to_owned(),
        1 => "1 deploy".to_owned(),
        n => format!("{n} deploys"),
    }
}

// By its name or the beginning of it, or the beginning of its revision (at least four digits).
fn named(entries: &[Entry], name: &str) -> Option<Entry> {
    let good = |e: &&Entry| journal::deploy_of(entries, &e.release) == Some(*e);
    let exact = entries.iter().filter(good).find(|e| e.release == name);
    exact
        .or_else(|| {
            entries.iter().rev().filter(good).find(|e| name.len() >= 4 && e.revision.starts_with(name))
        })
        .cloned()
}

fn go(run: &mut Run<'_>, release: &str, revision: &str, more: &[(&str, &str)]) {
    for at in 0..run.fleet.hosts.len() {
        let from =
            run.fleet.hosts[at].live().unwrap_or(Live { release: String::new(), revision: String::new() });
        let mut later = vec![
            ("from", from.release.as_str()),
            ("from_revision", from.revision.as_str()),
            ("parent", ""),
            ("release", release),
            ("revision", revision),
        ];
        later.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        later.extend_from_slice(more);
        run.fleet.set(at, &later);
    }
    let reference = &run.request.plan.environment.app.reference;
    run.fleet.observer.event(&Event::Resolved { reference, revision, release });
    run.release = Some(release.to_owned());
    run.revision = Some(revision.to_owned());
}
