//! A sync: the release that most hosts serve, and the hosts that are brought to it.

use super::decision::{AppDecision, Change, Decision, Goal};
use super::refusal::Refusal;
use super::serving::Serving;
use super::view::{HostView, Situation};
use crate::executor::live::Live;
use crate::executor::notice::Notice;
use crate::executor::role::Role;
use crate::remote::journal;
use crate::remote::step::Step;

pub(super) fn decide(situation: &Situation<'_>, only: &[String]) -> Result<Decision, Refusal> {
    let mut apps = Vec::new();
    let mut roles = vec![Role::InSync; situation.hosts.len()];
    let mut notices = Vec::new();
    for app in 0..situation.apps() {
        let Some(release) = release_of(situation, app)? else {
            apps.push(AppDecision::default());
            continue;
        };
        if let Some(refusal) = situation.live_damaged(app, release, Step::Sync) {
            return Err(refusal);
        }
        for (at, host) in situation.of_app(app) {
            roles[at] = role(host, release, only);
        }
        notices.extend(situation.made_again(app, release, |at, _| roles[at] == Role::HasRelease));
        let differs = situation.of_app(app).any(|(at, _)| roles[at] != Role::InSync);
        let change = if differs { Change::ExistingRelease } else { Change::Unchanged };
        apps.push(AppDecision { goal: Some(goal(situation, app, release)?), change });
        notices.extend(changed_configuration(situation, app, release, &roles).filter(|_| differs));
    }
    if apps.iter().all(|app| app.goal.is_none()) {
        return Err(Refusal::NothingToSync);
    }
    let incomplete = situation.hosts.iter().any(|host| !host.answered() && is_chosen(host, only));
    Ok(Decision { apps, roles, notices, incomplete })
}

fn release_of<'a>(situation: &Situation<'a>, app: usize) -> Result<Option<&'a str>, Refusal> {
    let hosts = || situation.of_app(app).map(|(_, host)| host);
    // What another tool deployed on a host that is new among hosts of shipit has no say.
    let has_ours = hosts().any(|host| host.live().is_some() && !host.is_only_adopted());
    let counted = hosts().filter(|host| !has_ours || !host.is_only_adopted());
    let serving = Serving::count(counted.map(|host| (host.name, host.live())));
    let unasked = hosts().filter(|host| !host.answered()).count();
    match serving.more_than_half(unasked) {
        Some(release) => Ok(Some(release)),
        None if serving.releases.is_empty() => Ok(None),
        None => {
            let owned = |hosts: &Vec<&str>| hosts.iter().map(|name| (*name).to_owned()).collect();
            let environment = situation.environment.name.clone();
            let serving = serving.releases.iter().map(|(name, hosts)| ((*name).to_owned(), owned(hosts)));
            Err(Refusal::NoMajority { environment, serving: serving.collect(), unasked })
        }
    }
}

// Whether a host is among those that are brought: these; none: all.
fn is_chosen(host: &HostView<'_>, only: &[String]) -> bool {
    only.is_empty() || only.iter().any(|name| name == host.name)
}

// What the other hosts say of the release.
fn goal(situation: &Situation<'_>, app: usize, release: &str) -> Result<Goal, Refusal> {
    let serves = |host: &&HostView<'_>| host.live() == Some(release) && host.facts.live_version.is_some();
    let model = situation.of_app(app).map(|(_, host)| host).find(serves);
    let version = model.and_then(|host| host.facts.live_version.clone());
    let (Some(model), Some(version)) = (model, version) else {
        return Err(Refusal::UnknownCommit { release: release.to_owned() });
    };
    let live = Live { release: release.to_owned(), version: Some(version) };
    let reference = Some(model.facts.live_reference.clone().unwrap_or_default());
    Ok(Goal { live, parent: None, reference })
}

// A host where the last run failed differs too, whatever `current` says.
fn role(host: &HostView<'_>, release: &str, only: &[String]) -> Role {
    let has = host.live() == Some(release);
    if !host.answered() || !is_chosen(host, only) || has && !host.last_failed() {
        return Role::InSync;
    }
    let known = host.facts.known.iter().any(|name| name == release);
    let kept = known && journal::deploy_of(host.entries, release).is_some();
    if has || kept { Role::HasRelease } else { Role::MissingRelease { bare: host.facts.bare } }
}

// Steps and `env` of the release are stored on the other hosts only. That today's differ is worth knowing.
fn changed_configuration(
    situation: &Situation<'_>,
    app: usize,
    release: &str,
    roles: &[Role],
) -> std::option::IntoIter<Notice> {
    let changed = situation.of_app(app).any(|(at, host)| {
        roles[at] == Role::InSync
            && host.live() == Some(release)
            && host.facts.live_digest.as_deref() != host.digest
    });
    let missing = situation.of_app(app).filter(|(at, _)| matches!(roles[*at], Role::MissingRelease { .. }));
    let hosts: Vec<String> = missing.map(|(_, host)| host.name.to_owned()).collect();
    let notice = (changed && !hosts.is_empty())
        .then(|| Notice::ConfigurationChanged { release: release.to_owned(), hosts });
    notice.into_iter()
}
