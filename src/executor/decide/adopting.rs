//! Where a run adopts what another tool deployed, before anything else is decided.

use super::intent::Intent;
use super::view::{HostView, Situation};

/// For each host whether it adopts. A deploy and a setup adopt wherever there is something, also what was adopted before and is
/// still live, since its steps are those of today. A sync only adopts on hosts that are new among hosts of shipit: those that it
/// is about to bring to another release.
#[must_use]
pub fn adopting(situation: &Situation<'_>, intent: &Intent) -> Vec<bool> {
    let adopts = |host: &HostView<'_>| match intent {
        Intent::Sync { only } => {
            let serves = |(_, other): (usize, &HostView<'_>)| other.answered() && other.live().is_some();
            let chosen = only.is_empty() || only.iter().any(|name| name == host.name);
            chosen && host.is_adoptable() && situation.of_app(host.app).any(serves)
        }
        _ => host.facts.adopt.is_some(),
    };
    situation.hosts.iter().map(adopts).collect()
}
