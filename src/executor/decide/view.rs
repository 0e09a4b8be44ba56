//! What hosts said, as far as decisions depend on it.

use jiff::Timestamp;

use super::refusal::Refusal;
use crate::config::Environment;
use crate::executor::notice::Notice;
use crate::remote::facts::{Adoptable, Facts};
use crate::remote::journal::{Entry, State};
use crate::remote::step::Step;

/// All hosts of a run.
#[derive(Debug, Clone)]
pub struct Situation<'a> {
    /// The environment.
    pub environment: &'a Environment,
    /// Its targets, in the order of its sites.
    pub hosts: Vec<HostView<'a>>,
    /// The operator's time.
    pub now: Timestamp,
}

/// One target: an app on a host.
#[derive(Debug, Clone, Copy)]
pub struct HostView<'a> {
    /// As reports call it.
    pub name: &'a str,
    /// The app's index.
    pub app: usize,
    /// Whether it could be asked.
    pub contact: Contact,
    /// What it said about itself.
    pub facts: &'a Facts,
    /// Its journal, oldest first.
    pub entries: &'a [Entry],
    /// The digest of the configuration as it is now.
    pub digest: Option<&'a str>,
}

/// Whether a host could be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contact {
    /// It answered.
    Answered,
    /// It cannot be reached, and the run does without it.
    Skipped,
    /// It cannot be reached, or what it was asked failed.
    Failed,
}

impl<'a> Situation<'a> {
    /// The targets of an app, with their indices.
    pub fn of_app(&self, app: usize) -> impl Iterator<Item = (usize, &HostView<'a>)> {
        self.hosts.iter().enumerate().filter(move |(_, host)| host.app == app)
    }

    /// How many apps there are.
    #[must_use]
    pub fn apps(&self) -> usize {
        self.environment.apps.len()
    }

    /// The refusal of a run to a release that is live, and not whole, on some hosts of an app.
    pub(super) fn live_damaged(&self, app: usize, release: &str, step: Step) -> Option<Refusal> {
        let damaged = |host: &&HostView<'_>| host.live() == Some(release) && host.facts.damaged.is_some();
        let hosts: Vec<&HostView<'_>> =
            self.of_app(app).map(|(_, host)| host).filter(|host| host.answered()).filter(damaged).collect();
        Some(Refusal::LiveDamaged {
            environment: self.environment.name.clone(),
            release: release.to_owned(),
            damage: hosts.first()?.facts.damaged.clone()?,
            hosts: hosts.iter().map(|host| host.name.to_owned()).collect(),
            step,
        })
    }

    /// The notice of hosts that make a release again before it goes live there.
    pub(super) fn made_again(
        &self,
        app: usize,
        release: &str,
        goes: impl Fn(usize, &HostView<'_>) -> bool,
    ) -> Option<Notice> {
        let lacks = |host: &HostView<'_>| host.facts.incomplete.iter().any(|name| name == release);
        let hosts = self.of_app(app).filter(|(at, host)| goes(*at, host) && lacks(host));
        let hosts: Vec<String> = hosts.map(|(_, host)| host.name.to_owned()).collect();
        (!hosts.is_empty()).then(|| Notice::MadeAgain { release: release.to_owned(), hosts })
    }

    /// Hosts on which another tool deployed, and nothing adopted that.
    pub(super) fn adoptable(&self) -> Vec<String> {
        let hosts = self.hosts.iter().filter(|host| host.is_adoptable());
        hosts.map(|host| host.name.to_owned()).collect()
    }

    /// An app's name, where there are several.
    #[must_use]
    pub fn app_name(&self, app: usize) -> Option<&'a str> {
        let apps = &self.environment.apps;
        (apps.len() > 1).then(|| apps[app].name.as_str())
    }
}

impl<'a> HostView<'a> {
    /// The release that it serves.
    #[must_use]
    pub fn live(&self) -> Option<&'a str> {
        self.facts.live.as_deref()
    }

    /// Whether what is live was made by another tool, and can be adopted.
    #[must_use]
    pub fn is_adoptable(&self) -> bool {
        self.answered() && self.facts.foreign.is_some() && self.facts.adopt.is_some()
    }

    /// Whether it serves what another tool deployed, and shipit has never made anything live there that stayed.
    #[must_use]
    pub(super) fn is_only_adopted(&self) -> bool {
        let by_shipit = |entry: &Entry| entry.state == State::Done && !entry.run.is_empty();
        self.facts.adopt == Some(Adoptable::Adopted) && !self.entries.iter().any(by_shipit)
    }

    /// Whether it answered.
    #[must_use]
    pub fn answered(&self) -> bool {
        self.contact == Contact::Answered
    }

    /// Whether a revert cannot go to a release here: neither is it live, nor is there a record of it.
    #[must_use]
    pub(super) fn has_no_record(&self, release: &str) -> bool {
        self.answered()
            && self.live() != Some(release)
            && !self.facts.known.iter().any(|name| name == release)
    }

    /// Whether the last run there failed on its way back or forward: whatever `current` says, that is not known to work.
    #[must_use]
    pub fn last_failed(&self) -> bool {
        self.entries.last().is_some_and(|entry| entry.state == State::Failed)
    }
}
