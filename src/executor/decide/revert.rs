//! A revert: which earlier deploy is made live again, and which apps that changes.

use super::decision::{AppDecision, Change, Decision, Goal};
use super::intent::RevertTo;
use super::refusal::Refusal;
use super::serving::common_release;
use super::view::{HostView, Situation};
use crate::executor::live::Live;
use crate::executor::notice::Notice;
use crate::executor::role::Role;
use crate::remote::journal::{self, Entry, State};
use crate::remote::lineage::{self, Remembered};
use crate::remote::step::Step;

/// Of each app what one host remembers: of those that serve what most hosts serve, the one that remembers most. A host that
/// came later remembers less, whatever another tool deployed there before.
#[must_use]
pub fn remembered<'a>(apps: usize, hosts: &[HostView<'a>]) -> Vec<Remembered<'a>> {
    let of_app = |app: usize| hosts.iter().filter(move |host| host.app == app && host.answered());
    let one = |app: usize| {
        let live = common_release(of_app(app).copied());
        let model = of_app(app).filter(|host| live.is_some() && host.live() == live).max_by_key(|host| {
            (host.entries.iter().filter(|entry| is_deploy(entry)).count(), host.entries.len())
        });
        Remembered { entries: model.map(|host| host.entries).unwrap_or_default(), live }
    };
    (0..apps).map(one).collect()
}

// Neither what another tool deployed, nor what a sync brought, which other hosts have as a deploy.
fn is_deploy(entry: &Entry) -> bool {
    entry.state == State::Done && !entry.run.is_empty() && entry.action != "sync"
}

pub(super) fn decide(situation: &Situation<'_>, to: &RevertTo) -> Result<Decision, Refusal> {
    let remembered = remembered(situation.apps(), &situation.hosts);
    if remembered.iter().all(|app| app.live.is_none()) {
        return Err(Refusal::NothingToRevert);
    }
    let states = lineage::states(&remembered);
    let state: Option<Vec<Option<&Entry>>> = match to {
        RevertTo::Back(count) => {
            states.get(usize::try_from(*count).unwrap_or(usize::MAX).saturating_sub(1)).cloned()
        }
        RevertTo::Deploy(name) => of_name(&remembered, &states, name),
    };
    let Some(state) = state else {
        let several_apps = situation.apps() > 1;
        if let RevertTo::Deploy(name) = to {
            return Err(Refusal::NoDeployOfName { name: name.clone(), ended: ended(&remembered, name) });
        }
        return Err(Refusal::NoSuchDeploy { earlier: states.len(), several_apps });
    };
    let goals: Vec<Option<Goal>> = (state.iter().zip(&remembered))
        .map(|(entry, app)| entry.map(|entry| goal(entry, app.entries)))
        .collect();
    for (app, goal) in goals.iter().enumerate() {
        let refusal = goal.as_ref().and_then(|g| situation.live_damaged(app, &g.live.release, Step::Revert));
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
    }
    let decision = go(situation, &remembered, goals);
    match unrecorded_everywhere(situation, &decision) {
        Some(refusal) => Err(refusal),
        None => Ok(decision),
    }
}

// An app that none of its hosts can bring to its goal.
fn unrecorded_everywhere(situation: &Situation<'_>, decision: &Decision) -> Option<Refusal> {
    let of_app = |app: usize| {
        let roles =
            situation.of_app(app).filter(|(_, host)| host.answered()).map(|(at, _)| decision.roles[at]);
        roles.collect::<Vec<_>>()
    };
    let stuck = |app: &usize| {
        let roles = of_app(*app);
        !roles.is_empty() && roles.iter().all(|role| *role == Role::NoRecord)
    };
    let live = &decision.apps[(0..situation.apps()).find(stuck)?].goal.as_ref()?.live;
    Some(Refusal::NoRecord { release: live.release.clone(), commit: live.revision().to_owned() })
}

fn goal(entry: &Entry, entries: &[Entry]) -> Goal {
    let parent = journal::before(entries, &entry.release).map(|e| e.release.clone()).unwrap_or_default();
    let live = Live { release: entry.release.clone(), version: Some(entry.version.clone()) };
    Goal { live, parent: Some(parent), reference: Some(entry.reference.clone()) }
}

// Apps whose hosts all serve their goal are released.
fn go(situation: &Situation<'_>, remembered: &[Remembered<'_>], goals: Vec<Option<Goal>>) -> Decision {
    let moves = |app: usize| {
        let goal = goals[app].as_ref().map(|goal| goal.live.release.as_str());
        // Where the last run failed it is tried again, whatever `current` says.
        let differs = |host: &HostView<'_>| host.answered() && (host.live() != goal || host.last_failed());
        goal.is_some() && situation.of_app(app).any(|(_, host)| differs(host))
    };
    let moving: Vec<bool> = (0..goals.len()).map(moves).collect();
    let any = moving.contains(&true);
    let stay = if any { apps_that_stay(situation, remembered, &goals, &moving) } else { None };
    let again = |app: usize| {
        let release = &goals[app].as_ref().filter(|_| moving[app])?.live.release;
        situation.made_again(app, release, |_, host| host.answered() && host.live() != Some(release))
    };
    let stuck = |host: &HostView<'_>| {
        let goal = goals[host.app].as_ref().filter(|_| moving[host.app]);
        goal.is_some_and(|goal| host.has_no_record(&goal.live.release))
    };
    let unrecorded = |app: usize| {
        let hosts: Vec<String> = situation
            .of_app(app)
            .filter(|(_, host)| stuck(host))
            .map(|(_, host)| host.name.to_owned())
            .collect();
        let release = goals[app].as_ref().filter(|_| !hosts.is_empty())?.live.release.clone();
        Some(Notice::NoRecord { release, hosts, environment: situation.environment.name.clone() })
    };
    let apps = || 0..goals.len();
    let notices = apps().filter_map(again).chain(apps().filter_map(unrecorded)).chain(stay).collect();
    let role = |host: &HostView<'_>| match (moving[host.app] || !any, stuck(host)) {
        (true, true) => Role::NoRecord,
        (true, false) => Role::Full,
        (false, _) => Role::Released,
    };
    let roles = situation.hosts.iter().map(role).collect();
    let app = |(goal, moves): (Option<Goal>, &bool)| {
        let change = if *moves { Change::ExistingRelease } else { Change::Unchanged };
        AppDecision { goal, change }
    };
    Decision { apps: goals.into_iter().zip(&moving).map(app).collect(), roles, notices, incomplete: false }
}

// Apps that came with the deploy that is undone: nothing was live before them.
fn apps_that_stay(
    situation: &Situation<'_>,
    remembered: &[Remembered<'_>],
    goals: &[Option<Goal>],
    moving: &[bool],
) -> Option<Notice> {
    let live = |app: usize| remembered[app].live;
    let undone = (0..goals.len()).filter(|app| moving[*app]).filter_map(live).max();
    let stays =
        |app: &usize| !moving[*app] && goals[*app].is_some() && undone.is_some() && live(*app) == undone;
    let names = (0..goals.len()).filter(stays).filter_map(|app| situation.app_name(app));
    let apps: Vec<String> = names.map(str::to_owned).collect();
    (!apps.is_empty()).then_some(Notice::AppsStay { apps })
}

// The state that `revert` counts its way to, where the name is of one of those; else what that deploy made of its apps.
fn of_name<'a>(
    apps: &[Remembered<'a>],
    states: &[Vec<Option<&'a Entry>>],
    name: &str,
) -> Option<Vec<Option<&'a Entry>>> {
    let release = apps.iter().filter_map(|app| named(app.entries, name)).map(|entry| &entry.release).max()?;
    let newest = |state: &&Vec<Option<&'a Entry>>| {
        state.iter().flatten().map(|entry| &entry.release).max() == Some(release)
    };
    if let Some(state) = states.iter().find(newest) {
        return Some(state.clone());
    }
    let made = |app: &Remembered<'a>| journal::deploy_of(app.entries, release);
    Some(apps.iter().map(made).collect())
}

// How the newest deploy of that name ended, none of which stayed live.
fn ended(apps: &[Remembered<'_>], name: &str) -> Option<State> {
    let all = apps.iter().flat_map(|app| app.entries);
    all.filter(|entry| is_named(entry, name)).max_by_key(|entry| &entry.release).map(|entry| entry.state)
}

fn is_named(entry: &Entry, name: &str) -> bool {
    entry.release == name || name.len() >= 4 && entry.version.starts_with(name)
}

// By its name, or by the beginning of its version (at least four digits).
fn named<'a>(entries: &'a [Entry], name: &str) -> Option<&'a Entry> {
    let good = |e: &&Entry| journal::deploy_of(entries, &e.release) == Some(*e);
    let exact = entries.iter().filter(good).find(|e| e.release == name);
    exact.or_else(|| {
        entries.iter().rev().filter(good).find(|e| name.len() >= 4 && e.version.starts_with(name))
    })
}
