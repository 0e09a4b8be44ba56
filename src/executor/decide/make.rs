//! The one decision: from what hosts said and what is wanted to what a run does.

use super::decision::Decision;
use super::intent::Intent;
use super::refusal::Refusal;
use super::view::Situation;
use super::{deploy, restart, revert, sync};
use crate::remote::step::Step;
use crate::remote::version::Version;

/// Decides. `versions`: of each app what its ref is, as far as it is known; only a deploy asks for it.
///
/// # Errors
/// Why the run is refused.
pub fn decide(
    situation: &Situation<'_>,
    intent: &Intent,
    versions: &[Option<Version>],
) -> Result<Decision, Refusal> {
    needs_adoption(situation, intent)?;
    match intent {
        Intent::Deploy { redeploy, .. } => Ok(deploy::decide(situation, versions, *redeploy)),
        Intent::Revert(to) => revert::decide(situation, to),
        Intent::Sync { only } => sync::decide(situation, only),
        Intent::Restart => restart::decide(situation),
        Intent::Prune | Intent::Nothing => Ok(restart::in_place(situation)),
    }
}

/// What works with deploys of shipit's has nothing to work with where no host has one, and another tool deployed.
fn needs_adoption(situation: &Situation<'_>, intent: &Intent) -> Result<(), Refusal> {
    let step = match intent {
        Intent::Revert(_) => Step::Revert,
        Intent::Sync { .. } => Step::Sync,
        Intent::Restart => Step::Restart,
        Intent::Prune => Step::Prune,
        Intent::Deploy { .. } | Intent::Nothing => return Ok(()),
    };
    let hosts = situation.adoptable();
    let any_live = situation.hosts.iter().any(|host| host.live().is_some());
    if any_live || hosts.is_empty() { Ok(()) } else { Err(Refusal::NotAdopted { step, hosts }) }
}
