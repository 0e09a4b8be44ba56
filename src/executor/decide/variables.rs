//! The variables that resident shells are sent once a decision is made.

use super::decision::{Change, Decision, Goal};
use super::view::{HostView, Situation};
use crate::executor::live::Live;
use crate::executor::role::Role;
use crate::remote::journal;

/// The variables of each target; empty: it needs none.
#[must_use]
pub fn variables(situation: &Situation<'_>, decision: &Decision) -> Vec<Vec<(&'static str, String)>> {
    let apps = changed_apps(situation, decision);
    let of_host = |(host, role): (&HostView<'_>, &Role)| {
        let app = &decision.apps[host.app];
        match (&app.goal, app.change) {
            _ if *role == Role::Released => Vec::new(),
            (_, Change::InPlace) => in_place(host),
            (Some(goal), _) => to_goal(host, goal, &apps),
            (None, _) => Vec::new(),
        }
    };
    situation.hosts.iter().zip(&decision.roles).map(of_host).collect()
}

// `api=1a2b… web=3c4d…`, for the journal.
fn changed_apps(situation: &Situation<'_>, decision: &Decision) -> String {
    if !situation.environment.of_apps {
        return String::new();
    }
    let apps = situation.environment.apps.iter().zip(&decision.apps).enumerate();
    let changed = apps.filter(|(at, _)| decision.changes(*at)).filter_map(|(_, (app, decided))| {
        Some(format!("{}={}", app.name, decided.goal.as_ref()?.live.revision()))
    });
    changed.collect::<Vec<_>>().join(" ")
}

fn to_goal(host: &HostView<'_>, goal: &Goal, apps: &str) -> Vec<(&'static str, String)> {
    let from = Live::of(host.facts).unwrap_or_default();
    let own_parent = || {
        journal::before(host.entries, &goal.live.release)
            .map(|entry| entry.release.clone())
            .unwrap_or_default()
    };
    let mut variables = vec![
        ("apps", apps.to_owned()),
        ("from", from.release.clone()),
        ("from_revision", from.revision().to_owned()),
        ("parent", goal.parent.clone().unwrap_or_else(own_parent)),
        ("release", goal.live.release.clone()),
        ("revision", goal.live.revision().to_owned()),
    ];
    variables.extend(goal.reference.clone().map(|reference| ("reference", reference)));
    variables
}

fn in_place(host: &HostView<'_>) -> Vec<(&'static str, String)> {
    let Some(live) = Live::of(host.facts) else { return Vec::new() };
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    vec![
        ("from", live.release.clone()),
        ("from_revision", live.revision().to_owned()),
        ("parent", text(&host.facts.live_parent)),
        ("reference", text(&host.facts.live_reference)),
        ("release", live.release.clone()),
        ("revision", live.revision().to_owned()),
    ]
}
