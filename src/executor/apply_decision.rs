//! Applies a decision: releases the hosts of apps that do not change, sends the shells what goes live, and tells the user what
//! that brings.

use std::time::Duration;

use super::decide::{Change, Decision, Role, variables};
use super::event::Event;
use super::notice::Notice;
use super::run_state::RunState;
use crate::git;
use crate::plan::Phase;
use crate::remote::version::Version;
use crate::remote::wire::Message;

/// How long hosts wait while the commits are listed.
const COMMITS_TIMEOUT: Duration = Duration::from_secs(2);

/// Applies a decision that has something to do.
pub(super) async fn apply(run: &mut RunState<'_>, decision: &Decision) {
    for notice in &decision.notices {
        run.notice(notice);
    }
    release_unchanged_apps(run, decision).await;
    let later = variables(&run.situation(), decision);
    for (at, later) in later.iter().enumerate().filter(|(_, later)| !later.is_empty()) {
        run.fleet.set(at, later.iter().map(|(name, value)| (*name, value.as_str())));
    }
    set_goals(run, decision);
    for app in 0..decision.apps.len() {
        announce(run, decision, app).await;
    }
}

/// What is live at the end, and the part of each host in that.
pub(super) fn set_goals(run: &mut RunState<'_>, decision: &Decision) {
    run.fleet.goals = decision.apps.iter().map(|app| Some(app.goal.as_ref()?.live.clone())).collect();
    for (host, role) in run.fleet.hosts.iter_mut().zip(&decision.roles) {
        host.role = *role;
    }
}

// Releases the hosts that the run has nothing to do with, and ends their connections.
async fn release_unchanged_apps(run: &mut RunState<'_>, decision: &Decision) {
    let released: Vec<bool> = decision.roles.iter().map(|role| *role == Role::Released).collect();
    if !released.contains(&true) {
        return;
    }
    let plan = run.plan();
    run.fleet.quiet = true;
    let which = |at: usize, host: &super::host::HostState| released[at] && host.failure.is_none();
    run.fleet.tell(Phase::Lock, &plan.release_lock, which).await;
    run.fleet.quiet = false;
    for at in (0..released.len()).filter(|at| released[*at]) {
        let host = &mut run.fleet.hosts[at];
        host.role = Role::Released;
        let failed = host.failure.take().is_some();
        if let Some(session) = host.session.take() {
            session.send(&Message::Bye);
        }
        host.connection = None;
        let host = host.name.clone();
        if failed {
            run.notice(&Notice::UnreachableUnchanged { host });
        }
    }
}

// What goes live of an app, and, of a deploy, which commits that brings.
async fn announce(run: &mut RunState<'_>, decision: &Decision, app: usize) {
    let decided = &decision.apps[app];
    let (true, Some(goal)) = (decision.changes(app), &decided.goal) else { return };
    let configured = &run.plan().environment.apps[app].reference;
    let reference = match (&goal.reference, decided.change) {
        (Some(reference), Change::ExistingRelease) if !reference.is_empty() => reference,
        _ => configured,
    };
    let (release, revision) = (&goal.live.release, goal.live.revision());
    let name = run.app_name(app);
    run.fleet.observer.event(&Event::Resolved { app: name, reference, revision, release });
    if let (Change::NewRelease, Some(version)) = (decided.change, &goal.live.version) {
        announce_commits(run, app, version).await;
    }
}

// Which commits of an app go out, compared with what the first host serves that serves anything.
async fn announce_commits(run: &mut RunState<'_>, app: usize, to: &Version) {
    let live = run.fleet.of_app(app).find_map(|(_, host)| Some(host.live()?.version));
    let Some(from) = live.flatten().filter(|live| live != to) else { return };
    // A long history on a slow disk is not waited for.
    let walk = git::pending(&run.plan().environment.root, from.as_str(), to.as_str());
    if let Ok(Ok(pending)) = tokio::time::timeout(COMMITS_TIMEOUT, walk).await {
        run.commits[app] = pending.is_counted.then_some(pending.total);
        let name = run.app_name(app);
        let commits = Event::Commits { app: name, from: &from, to, pending: &pending };
        run.fleet.observer.event(&commits);
    }
}
