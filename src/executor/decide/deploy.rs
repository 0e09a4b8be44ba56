//! A deploy: which apps change, and the name of the new release.

use super::decision::{AppDecision, Change, Decision, Goal};
use super::refusal::Refusal;
use super::view::{Contact, HostView, Situation};
use crate::executor::live::Live;
use crate::executor::notice::Notice;
use crate::executor::role::Role;
use crate::remote::hold::Hold;
use crate::remote::release;
use crate::remote::version::Version;

/// Nothing new goes out while any host is held. The operator's clock decides whether a hold is over.
///
/// # Errors
/// The hold.
pub fn check_hold(situation: &Situation<'_>) -> Result<(), Refusal> {
    let holds = situation.hosts.iter().filter_map(|host| host.facts.hold.as_ref());
    match Hold::newest(holds, situation.now) {
        None => Ok(()),
        Some(hold) => {
            Err(Refusal::Held { environment: situation.environment.name.clone(), hold: hold.clone() })
        }
    }
}

/// An app whose version is not known counts as one that changes.
pub(super) fn decide(situation: &Situation<'_>, versions: &[Option<Version>], redeploy: bool) -> Decision {
    let changes = |app: usize| {
        redeploy || versions[app].as_ref().is_none_or(|version| !is_live(situation, app, version))
    };
    let changed: Vec<bool> = (0..situation.apps()).map(changes).collect();
    let release = new_release(situation, versions, &changed);
    let app = |at: usize| match &versions[at] {
        _ if !changed[at] => {
            let live = situation.of_app(at).find_map(|(_, host)| Live::of(host.facts));
            AppDecision { goal: live.map(Goal::of), change: Change::Unchanged }
        }
        None => AppDecision { goal: None, change: Change::NewRelease },
        Some(version) => {
            let live = Live { release: release.clone(), version: Some(version.clone()) };
            AppDecision { goal: Some(Goal::of(live)), change: Change::NewRelease }
        }
    };
    let nothing = !changed.contains(&true);
    let role = |host: &HostView<'_>| if changed[host.app] || nothing { Role::Full } else { Role::Released };
    // That there is nothing to deploy is no reason to say nothing of a host that takes no requests.
    let drained = situation.hosts.iter().filter(|host| nothing && host.facts.drained.is_some());
    let environment = &situation.environment.name;
    let drained = drained
        .map(|host| Notice::LeftDrained { host: host.name.to_owned(), environment: environment.clone() });
    let shared = situation.hosts.iter().filter_map(|host| {
        let (host, other) = (host.name.to_owned(), host.facts.other_environment.clone()?);
        Some(Notice::OtherEnvironment { host, other })
    });
    let notices = damaged_live(situation, |host| changed[host.app]).chain(drained).chain(shared).collect();
    Decision {
        apps: (0..situation.apps()).map(app).collect(),
        roles: situation.hosts.iter().map(role).collect(),
        notices,
        incomplete: false,
    }
}

/// What is live and not whole on hosts that this run changes: it is what a failure would lead back to.
pub(super) fn damaged_live<'s>(
    situation: &'s Situation<'_>,
    changes: impl Fn(&HostView<'_>) -> bool + 's,
) -> impl Iterator<Item = Notice> + 's {
    situation.hosts.iter().filter(move |host| changes(host)).filter_map(|host| {
        let damage = host.facts.damaged.clone()?;
        Some(Notice::DamagedLive { host: host.name.to_owned(), release: host.live()?.to_owned(), damage })
    })
}

/// Whether all hosts of an app serve this version, deployed with today's configuration, whole, and as one release.
fn is_live(situation: &Situation<'_>, app: usize, version: &Version) -> bool {
    let hosts =
        || situation.of_app(app).map(|(_, host)| host).filter(|host| host.contact != Contact::Skipped);
    let first = hosts().next().and_then(HostView::live);
    hosts().all(|host| {
        host.facts.live_version.as_ref() == Some(version)
            && host.facts.live_digest.as_deref() == host.digest
            && host.live() == first
            && host.facts.damaged.is_none()
    })
}

fn new_release(situation: &Situation<'_>, versions: &[Option<Version>], changed: &[bool]) -> String {
    let facts = || situation.hosts.iter().map(|host| host.facts);
    let known: Vec<&str> =
        facts().flat_map(|facts| [facts.newest.as_deref(), facts.live.as_deref()]).flatten().collect();
    let going: Vec<&Version> = (versions.iter().zip(changed))
        .filter_map(|(version, changed)| version.as_ref().filter(|_| *changed))
        .collect();
    release::name(situation.now, &release::identity(&going), &known)
}
