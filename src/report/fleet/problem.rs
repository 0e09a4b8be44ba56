//! What is not as it should be on a host, from what all hosts answered. Pure.

use std::collections::BTreeMap;

use crate::executor::Looked;
use crate::executor::decide::common_release;
use crate::remote::journal::{Entry, State};

/// Why a host is not as it should be. The order is that of rows in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Problem {
    /// It did not answer.
    Unreachable,
    /// It was reverted, and the others were not.
    RevertedAlone,
    /// It does not serve what most hosts of its app serve.
    Differs,
    /// `current` was not made by shipit.
    Foreign,
    /// What is live is not whole.
    Damaged,
    /// A run ended between going live and its end.
    Interrupted,
    /// The last deploy or revert failed and was not rolled back.
    Failed,
    /// Another app was reverted, and this one should have been, too.
    MissedRevert,
    /// It takes no requests; `restart` undrains it.
    Drained,
    /// It takes no requests, and only a deploy undrains it.
    DrainedUntilDeploy,
    /// Its supervisor does not say that the app runs.
    NotRunning,
}

/// The release of an app that most of its hosts serve; of equally many, the newer.
#[must_use]
pub fn common(looked: &[Looked], app: usize) -> Option<&str> {
    common_release(looked.iter().filter(|host| host.app == app).map(Looked::view))
}

/// The release that is live on a host.
pub(super) fn release(host: &Looked) -> Option<&str> {
    host.live.as_ref().map(|live| live.release.as_str())
}

/// All problems of a host.
pub(super) fn problems(host: &Looked, majority: &Majority<'_>) -> Vec<Problem> {
    if host.failure.is_some() {
        return vec![Problem::Unreachable];
    }
    let locked = host.holder.as_ref().is_some_and(|(_, dead)| !dead);
    let last = host.entries.last().map(|entry| entry.state);
    let missed_revert = !locked && majority.missed_revert(host).is_some();
    let reverted_alone = !locked && majority.reverted_alone(host);
    let tests = [
        (Problem::RevertedAlone, reverted_alone),
        (Problem::Differs, !majority.includes(host) && !reverted_alone),
        (Problem::Foreign, host.foreign.is_some()),
        (Problem::Damaged, host.facts.damaged.is_some()),
        (Problem::Interrupted, !locked && matches!(last, Some(State::Open | State::Healthy))),
        // A revert that did not reach the host did not fail there.
        (Problem::Failed, last == Some(State::Failed) && !missed_revert),
        (Problem::MissedRevert, missed_revert),
        (Problem::Drained, host.drained.as_deref() == Some("restart") && !locked),
        (Problem::DrainedUntilDeploy, host.drained.as_deref() == Some("deploy") && !locked),
        (Problem::NotRunning, host.supervisor.as_ref().is_some_and(|says| says != "ok") && !locked),
    ];
    tests.into_iter().filter(|(_, holds)| *holds).map(|(problem, _)| problem).collect()
}

/// What most hosts of each app serve, which every host is compared with.
pub(super) struct Majority<'a> {
    /// By app: the release that most of its hosts serve.
    releases: BTreeMap<usize, Option<&'a str>>,
    /// By app: the reverts that made that release live, each once.
    reverts: Vec<(usize, &'a Entry)>,
    /// By app: the newest run that made anything live on hosts of the majority.
    newest: BTreeMap<usize, &'a str>,
}

impl<'a> Majority<'a> {
    pub(super) fn of(looked: &'a [Looked]) -> Majority<'a> {
        let mut majority =
            Majority { releases: BTreeMap::new(), reverts: Vec::new(), newest: BTreeMap::new() };
        for host in looked {
            majority.releases.entry(host.app).or_insert_with(|| common(looked, host.app));
        }
        for host in looked {
            let Some(last) = last_good(host).filter(|_| majority.includes(host)) else { continue };
            let newest = majority.newest.entry(host.app).or_insert(&last.run);
            *newest = (*newest).max(&last.run);
        }
        for host in looked {
            let reverted =
                last_good(host).filter(|entry| entry.action == "revert" && majority.includes(host));
            let Some(last) = reverted else { continue };
            if !majority.reverts.iter().any(|(app, entry)| *app == host.app && entry.run == last.run) {
                majority.reverts.push((host.app, last));
            }
        }
        majority
    }

    /// Whether a host serves what most of its app's do.
    pub(super) fn includes(&self, host: &Looked) -> bool {
        host.failure.is_none() && self.releases.get(&host.app) == Some(&release(host))
    }

    /// Whether a host was reverted after the others got what they serve: the operator stopped before they were reverted.
    pub(super) fn reverted_alone(&self, host: &Looked) -> bool {
        let differs = host.failure.is_none() && !self.includes(host);
        let Some(last) = last_good(host).filter(|_| differs) else { return false };
        let later = self.newest.get(&host.app).is_some_and(|newest| last.run.as_str() > *newest);
        later && last.action == "revert" && Some(last.release.as_str()) == release(host)
    }

    /// The deploy to which another app was reverted, where this app was meant to be reverted with it on all its hosts and
    /// was not: the operator was lost between the two. A host that differs from others of its app needs a `sync` instead.
    pub(super) fn missed_revert(&self, host: &Looked) -> Option<&'a str> {
        let ((_, app), live, own) = (host.host.rsplit_once('/')?, host.live.as_ref()?, last_good(host));
        // The names of runs are in the order of their beginnings.
        let (_, entry) = self.reverts.iter().find(|(other, entry)| {
            *other != host.app
                && entry
                    .apps
                    .iter()
                    .any(|(name, version)| name == app && Some(version) != live.version.as_ref())
                && own.is_none_or(|own| own.run < entry.run)
        })?;
        self.includes(host).then_some(entry.release.as_str())
    }
}

/// The last entry of a run that went well.
fn last_good(host: &Looked) -> Option<&Entry> {
    host.entries.iter().rev().find(|entry| entry.was_good())
}
