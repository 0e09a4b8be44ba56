//! `revert`: which earlier deploy is made live again, and of which apps.

use super::event::{Event, FailureKind};
use super::host::HostState;
use super::outcome::Live;
use super::run::{Run, Stopped};
use super::wanted::{Decision, aim, leave_alone};
use crate::remote::journal::{self, Entry, State};
use crate::remote::lineage::{self, Remembered};

/// Where to.
pub(super) enum To {
    /// So many deploys back.
    Steps(u32),
    /// That release, or the one of that revision.
    Deploy(String),
}

pub(super) async fn decide(run: &mut Run<'_>, to: &To) -> Result<Decision, Stopped> {
    let apps = run.request.plan.environment.apps.len();
    let models: Vec<Option<&HostState>> = (0..apps).map(|app| model(run, app)).collect();
    if models.iter().all(Option::is_none) {
        let message = "nothing is live that could be reverted".to_owned();
        return Err(run.refuse(FailureKind::Step, "revert", message, None));
    }
    let remembered: Vec<Remembered<'_>> = (models.iter())
        .map(|model| Remembered {
            entries: model.map(|host| host.entries.as_slice()).unwrap_or_default(),
            live: model.and_then(|host| host.fact("live")),
        })
        .collect();
    let states = lineage::states(&remembered);
    let state: Option<Vec<Option<&Entry>>> = match to {
        To::Steps(count) => {
            let at = usize::try_from(*count).unwrap_or(usize::MAX).saturating_sub(1);
            states.get(at).cloned()
        }
        To::Deploy(name) => of_name(&remembered, &states, name),
    };
    let Some(state) = state else {
        let live: Vec<&str> = remembered.iter().filter_map(|app| app.live).collect();
        let message = format!(
            "there is no such earlier deploy: {} can be gone back to from {}",
            count(states.len()),
            live.iter().max().unwrap_or(&"nothing")
        );
        let hint = match apps {
            1 => "`list` shows them".to_owned(),
            _ => "`list` shows them; --apps goes back in one app alone".to_owned(),
        };
        let hint = Some(hint);
        return Err(run.refuse(FailureKind::Step, "revert", message, hint));
    };
    let goals: Vec<Option<Goal>> = (state.iter().zip(&remembered))
        .map(|(entry, app)| entry.map(|entry| Goal::of(entry, app.entries)))
        .collect();
    Ok(go(run, &goals).await)
}

/// What an app goes back to.
struct Goal {
    live: Live,
    parent: String,
    reference: String,
}

impl Goal {
    fn of(entry: &Entry, entries: &[Entry]) -> Goal {
        let parent = journal::before(entries, &entry.release).map(|e| e.release.clone()).unwrap_or_default();
        let live = Live { release: entry.release.clone(), revision: entry.revision.clone() };
        Goal { live, parent, reference: entry.reference.clone() }
    }
}

// Makes it so: apps that are there everywhere are left alone.
async fn go(run: &mut Run<'_>, goals: &[Option<Goal>]) -> Decision {
    let targets = &run.request.plan.targets;
    let moves = |app: usize| {
        let goal = goals[app].as_ref().map(|goal| goal.live.release.as_str());
        // Where the last that was tried failed, it is tried again, whatever `current` says.
        let failed = |host: &HostState| host.entries.last().is_some_and(|entry| entry.state == State::Failed);
        goal.is_some()
            && (run.fleet.of_app(app))
                .any(|(_, host)| host.failure.is_none() && (host.fact("live") != goal || failed(host)))
    };
    let moving: Vec<bool> = (0..goals.len()).map(moves).collect();
    let lives: Vec<Option<Live>> = goals.iter().map(|goal| Some(goal.as_ref()?.live.clone())).collect();
    if !moving.contains(&true) {
        run.fleet.goals = lives;
        return Decision::Nothing;
    }
    tell_who_stays(run, goals, &moving);
    leave_alone(run, |app| !moving[app]).await;
    aim(run, lives, |at, _| {
        let goal = goals[targets[at].app].as_ref();
        let (parent, reference) = goal.map(|goal| (&goal.parent, &goal.reference)).unzip();
        let text = |value: Option<&String>| value.cloned().unwrap_or_default();
        vec![("parent", text(parent)), ("reference", text(reference))]
    });
    for (app, goal) in goals.iter().enumerate().filter(|(app, _)| moving[*app]) {
        let Some(Goal { live, .. }) = goal else { continue };
        let reference = &run.request.plan.environment.apps[app].reference;
        let resolved = Event::Resolved {
            app: run.app_name(app),
            reference,
            revision: &live.revision,
            release: &live.release,
        };
        run.fleet.observer.event(&resolved);
    }
    Decision::Go
}

// An app that came with the deploy that is undone: there is nothing that it could go back to.
fn tell_who_stays(run: &mut Run<'_>, goals: &[Option<Goal>], moving: &[bool]) {
    let live = |app: usize| model(run, app).and_then(|host| host.fact("live"));
    let undone = (0..goals.len()).filter(|app| moving[*app]).filter_map(live).max();
    let stays =
        |app: &usize| !moving[*app] && goals[*app].is_some() && undone.is_some() && live(*app) == undone;
    let names: Vec<&str> = (0..goals.len()).filter(stays).filter_map(|app| run.app_name(app)).collect();
    if !names.is_empty() {
        let text = format!("{} came with that deploy and stays: nothing was live before", names.join(", "));
        run.fleet.observer.event(&Event::Notice { host: None, text: &text });
    }
}

// One host stands for all of an app that serve what most of them serve: the one that remembers most. A host that came
// later remembers less.
fn model<'a>(run: &'a Run<'_>, app: usize) -> Option<&'a HostState> {
    let asked = || run.fleet.of_app(app).map(|(_, host)| host).filter(|host| host.failure.is_none());
    let most = lineage::majority(asked().map(|host| host.fact("live")).filter(Option::is_some))?;
    asked().filter(|host| host.fact("live") == Some(most)).max_by_key(|host| host.entries.len())
}

fn count(deploys: usize) -> String {
    match deploys {
        0 => "no deploy".to_owned(),
        1 => "1 deploy".to_owned(),
        n => format!("{n} deploys"),
    }
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

// By its name or the beginning of it, or the beginning of its revision (at least four digits).
fn named<'a>(entries: &'a [Entry], name: &str) -> Option<&'a Entry> {
    let good = |e: &&Entry| journal::deploy_of(entries, &e.release) == Some(*e);
    let exact = entries.iter().filter(good).find(|e| e.release == name);
    exact.or_else(|| {
        entries.iter().rev().filter(good).find(|e| name.len() >= 4 && e.revision.starts_with(name))
    })
}
