//! What goes live: decided once per run, under the lock, the same for all hosts.

use std::time::Duration;

use futures_util::future::join_all;

use super::event::{Event, FailureKind};
use super::host::HostState;
use super::outcome::Live;
use super::run::{Run, Stopped, Wanted};
use super::{restart, revert, sync};
use crate::git::{self, Resolved, Revision};
use crate::plan::Phase;
use crate::remote::hold::Hold;
use crate::remote::release;
use crate::remote::script::Script;
use crate::remote::wire::Message;

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
        Wanted::Refs { commits, redeploy } => {
            let revisions = resolve(run, &commits).await?;
            Ok(deploy(run, &revisions, redeploy).await)
        }
        Wanted::Back(count) => revert::decide(run, &revert::To::Steps(count)).await,
        Wanted::Release(name) => revert::decide(run, &revert::To::Deploy(name)).await,
        Wanted::Sync { only } => sync::decide(run, &only),
        Wanted::Restart => restart::decide(run),
        Wanted::Prune => Ok(prune(run)),
        Wanted::Nothing => Ok(Decision::Go),
    }
}

/// Nothing new goes out while any host is held: told under the lock, and judged by our clock.
pub(super) fn heed_hold(run: &mut Run<'_>) -> Result<(), Stopped> {
    if !matches!(run.request.wanted, Wanted::Refs { .. }) {
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

// The commit of each app.
async fn resolve(run: &mut Run<'_>, commits: &[Option<Revision>]) -> Result<Vec<String>, Stopped> {
    let plan = run.request.plan;
    let firsts: Vec<Option<usize>> =
        (0..plan.environment.apps.len()).map(|app| first_host(run, app)).collect();
    // Of that host only, and only where it was asked with the opening: no other has a say in this.
    let told = |app: usize| {
        let first = plan.first_of(app).filter(|_| git::is_path(&plan.environment.apps[app].repo))?;
        Some(run.fleet.hosts[first].fact("revision")?.to_owned())
    };
    // A whole commit id needs nobody to be asked.
    let given = |app: usize| {
        let typed = commits.get(app).cloned().flatten();
        let revision = typed.or_else(|| Revision::parse(&plan.environment.apps[app].reference))?;
        Some(revision.as_str().to_owned())
    };
    let mut revisions: Vec<Option<String>> =
        (0..firsts.len()).map(|app| given(app).or_else(|| told(app))).collect();
    let open = |revisions: &[Option<String>]| -> Vec<usize> {
        (0..revisions.len()).filter(|app| revisions[*app].is_none()).collect()
    };
    // A path is the hosts': here it may be another repository, or none.
    let remote: Vec<usize> =
        open(&revisions).into_iter().filter(|app| !git::is_path(&plan.environment.apps[*app].repo)).collect();
    for (app, resolved) in remote.iter().zip(ask_git(run, &remote).await?) {
        match resolved {
            Ok(Resolved::Commit { revision, .. }) => revisions[*app] = Some(revision.as_str().to_owned()),
            Ok(Resolved::AskHost { .. }) => {}
            Err(error) => return Err(run.refuse(FailureKind::Step, "resolve", error.to_string(), None)),
        }
    }
    // By a host's own access to the repository.
    let asked = open(&revisions);
    let mut scripts = vec![Script::new(); plan.targets.len()];
    for app in &asked {
        if let Some(first) = firsts[*app] {
            scripts[first] = plan.find[*app].clone();
        }
    }
    if !asked.is_empty() {
        run.fleet.stage(Phase::Lock, &scripts, false).await;
        run.barrier(Phase::Lock, false)?;
    }
    for app in asked {
        revisions[app] =
            firsts[app].and_then(|first| run.fleet.hosts[first].fact("revision").map(str::to_owned));
    }
    revisions.into_iter().collect::<Option<Vec<String>>>().ok_or_else(|| {
        run.refuse(FailureKind::Step, "resolve", "the first host named no commit".into(), None)
    })
}

// The first of an app's hosts that can be asked.
fn first_host(run: &Run<'_>, app: usize) -> Option<usize> {
    let mut targets = run.fleet.of_app(app);
    targets.find(|(_, host)| host.reachable() && host.failure.is_none()).map(|(at, _)| at)
}

// By the operator's git, all at once.
async fn ask_git(run: &mut Run<'_>, apps: &[usize]) -> Result<Vec<Result<Resolved, git::GitError>>, Stopped> {
    let all = &run.request.plan.environment.apps;
    let asking = apps.iter().map(|app| git::resolve(&all[*app].repo, &all[*app].reference));
    let resolved = run.fleet.idle(join_all(asking), true).await;
    resolved.ok_or_else(|| {
        run.failed_in = Some(Phase::Lock);
        Stopped
    })
}

async fn deploy(run: &mut Run<'_>, revisions: &[String], redeploy: bool) -> Decision {
    let plan = run.request.plan;
    let changed: Vec<bool> =
        (0..revisions.len()).map(|app| redeploy || !is_live(run, app, &revisions[app])).collect();
    let live = |app: usize| run.fleet.of_app(app).find_map(|(_, host)| host.live());
    let lives: Vec<Option<Live>> = (0..revisions.len()).map(live).collect();
    run.fleet.goals.clone_from(&lives);
    if !changed.contains(&true) {
        tell_drained(run);
        return Decision::Nothing;
    }
    let hosts = &run.fleet.hosts;
    let known: Vec<&str> = hosts.iter().flat_map(|h| [h.fact("newest"), h.fact("live")]).flatten().collect();
    let going: Vec<&String> =
        revisions.iter().zip(&changed).filter(|(_, changed)| **changed).map(|(id, _)| id).collect();
    let release = release::name(jiff::Timestamp::now(), &release::identity(&going), &known);
    leave_alone(run, |app| !changed[app]).await;
    let goal = |(app, live): (usize, Option<Live>)| {
        if !changed[app] {
            return live;
        }
        Some(Live { release: release.clone(), revision: revisions[app].clone() })
    };
    let goals = lives.into_iter().enumerate().map(goal).collect();
    aim(run, goals, |_, _| Vec::new());
    for (app, revision) in revisions.iter().enumerate().filter(|(app, _)| changed[*app]) {
        let reference = &plan.environment.apps[app].reference;
        let name = run.app_name(app);
        run.fleet.observer.event(&Event::Resolved { app: name, reference, revision, release: &release });
        tell_pending(run, app, revision).await;
    }
    Decision::Go
}

// Nothing to deploy is no news of a host that takes no requests.
fn tell_drained(run: &mut Run<'_>) {
    let environment = &run.request.plan.environment.name;
    for host in run.fleet.hosts.iter().filter(|host| host.fact("drained").is_some()) {
        let text = format!("it was left drained: `shipit {environment} status` says what takes it in again");
        run.fleet.observer.event(&Event::Notice { host: Some(&host.name), text: &text });
    }
}

// Whether an app has this commit, deployed by today's configuration, on all its hosts, as one release.
fn is_live(run: &Run<'_>, app: usize, revision: &str) -> bool {
    let targets = || run.fleet.of_app(app).filter(|(_, host)| host.aside.is_none());
    let first = targets().next().and_then(|(_, host)| host.fact("live"));
    targets().all(|(at, host)| {
        host.fact("live-revision") == Some(revision)
            && host.fact("live-digest") == run.request.plan.targets[at].digest()
            && host.fact("live") == first
    })
}

/// Lets go of the apps that the run has nothing to do with.
pub(super) async fn leave_alone(run: &mut Run<'_>, which: impl Fn(usize) -> bool) {
    let plan = run.request.plan;
    let idle: Vec<bool> = plan.targets.iter().map(|target| which(target.app)).collect();
    if !idle.contains(&true) {
        return;
    }
    run.fleet.quiet = true;
    run.fleet.tell(Phase::Lock, &plan.leave, |at, host| idle[at] && host.failure.is_none()).await;
    run.fleet.quiet = false;
    for (host, _) in run.fleet.hosts.iter_mut().zip(idle).filter(|(_, idle)| *idle) {
        host.idle = true;
        if host.failure.take().is_some() {
            let text = "could not be asked; nothing is to be done there";
            run.fleet.observer.event(&Event::Notice { host: Some(&host.name), text });
        }
        if let Some(line) = host.line.take() {
            line.send(&Message::Bye);
        }
        host.connection = None;
    }
}

/// Tells the hosts' shells what goes live: of each app, and what more of each host.
pub(super) fn aim(
    run: &mut Run<'_>,
    goals: Vec<Option<Live>>,
    more: impl Fn(usize, &HostState) -> Vec<(&'static str, String)>,
) {
    let plan = run.request.plan;
    let moved = |(app, goal): (usize, &Option<Live>)| {
        goal.as_ref()
            .filter(|_| run.concerns(app))
            .map(|goal| format!("{}={}", plan.environment.apps[app].name, goal.revision))
    };
    let apps: Vec<String> = goals.iter().enumerate().filter_map(moved).collect();
    let apps = if plan.environment.of_apps { apps.join(" ") } else { String::new() };
    for at in 0..run.fleet.hosts.len() {
        let host = &run.fleet.hosts[at];
        let Some(goal) = &goals[plan.targets[at].app] else { continue };
        if host.idle {
            continue;
        }
        let from = host.live().unwrap_or(Live { release: String::new(), revision: String::new() });
        let own = more(at, host);
        let mut later = vec![
            ("apps", apps.as_str()),
            ("from", from.release.as_str()),
            ("from_revision", from.revision.as_str()),
            ("parent", ""),
            ("release", goal.release.as_str()),
            ("revision", goal.revision.as_str()),
        ];
        later.retain(|(name, _)| own.iter().all(|(other, _)| other != name));
        later.extend(own.iter().map(|(name, value)| (*name, value.as_str())));
        run.fleet.set(at, &later);
    }
    run.fleet.goals = goals;
}

// Which commits of an app go out, beside what the first host that serves anything serves.
async fn tell_pending(run: &mut Run<'_>, app: usize, revision: &str) {
    let live = run.fleet.of_app(app).find_map(|(_, host)| host.fact("live-revision")).map(str::to_owned);
    let Some(from) = live.filter(|live| live != revision) else { return };
    let root = run.request.plan.environment.root.clone();
    let (live, new) = (from.clone(), revision.to_owned());
    // A long history on a slow disk is walked beside the run, and not waited for.
    let walk = tokio::task::spawn_blocking(move || git::pending(&root, &live, &new));
    if let Ok(Ok(Some(pending))) = tokio::time::timeout(COURTESY, walk).await {
        let name = run.app_name(app);
        let commits = Event::Commits { app: name, from: &from, to: revision, pending: &pending };
        run.fleet.observer.event(&commits);
    }
}
