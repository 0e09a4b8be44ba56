//! Runs that make nothing else live: restart, prune, setup.

use super::decision::{AppDecision, Change, Decision};
use super::deploy::damaged_live;
use super::refusal::Refusal;
use super::view::Situation;
use crate::executor::role::Role;

/// What is live on each host is reloaded there.
pub(super) fn decide(situation: &Situation<'_>) -> Result<Decision, Refusal> {
    let bare = situation.hosts.iter().filter(|host| host.answered() && host.live().is_none());
    let bare: Vec<String> = bare.map(|host| host.name.to_owned()).collect();
    if !bare.is_empty() {
        return Err(Refusal::NothingToRestart { hosts: bare });
    }
    let notices = damaged_live(situation, |_| true).collect();
    Ok(Decision { notices, ..in_place(situation) })
}

/// Each host keeps what it serves, and hosts may serve different releases.
pub(super) fn in_place(situation: &Situation<'_>) -> Decision {
    Decision {
        apps: vec![AppDecision { goal: None, change: Change::InPlace }; situation.apps()],
        roles: vec![Role::Full; situation.hosts.len()],
        notices: Vec::new(),
        incomplete: false,
    }
}
