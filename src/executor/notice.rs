//! What the user is to know that is no failure: one variant for each, worded here.

use std::time::Duration;

use super::event::{Event, Observer};
use crate::remote::damage::Damage;
use crate::remote::step::Step;
use crate::remote::warning::Warning;

/// Something worth knowing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields say what their names and the variant say")]
pub enum Notice {
    /// A deploy has nothing to do, and the host takes no requests.
    LeftDrained { host: String, environment: String },
    /// What is live is not whole, and the run changes the host.
    DamagedLive { host: String, release: String, damage: Damage },
    /// A release that goes live again is pruned or not whole on these hosts.
    MadeAgain { release: String, hosts: Vec<String> },
    /// A revert to a release that these hosts have no record of.
    NoRecord { release: String, hosts: Vec<String>, environment: String },
    /// The deploy path was last deployed for another environment.
    OtherEnvironment { host: String, other: String },
    /// A revert leaves these apps live: nothing was live before them.
    AppsStay { apps: Vec<String> },
    /// A sync makes a release with another configuration than the other hosts have.
    ConfigurationChanged { release: String, hosts: Vec<String> },
    /// The run goes on without these hosts.
    Skipped { hosts: Vec<String>, environment: String },
    /// All hosts of an app are unreachable, so that none is skipped.
    NoHostOfApp { app: String },
    /// These hosts are unreachable, and cannot be skipped.
    CannotSkip { hosts: Vec<String> },
    /// The host's app does not change, and the host could not be asked.
    UnreachableUnchanged { host: String },
    /// The connection to a host that does not change was lost.
    LostUnchanged { host: String },
    /// The connection was lost while the lock was being released.
    LostAtTheEnd { host: String },
    /// The connection was lost after the deploy was confirmed.
    LostWhenConfirmed { host: String },
    /// The release is live, and the clean-up failed.
    NotCleanedUp { host: String, message: String },
    /// The connection to a host that may be live was lost; it is called again.
    CallingAgain { host: String },
    /// A pause between two batches.
    Pause { time: Duration, before: String },
    /// A local hook after the end failed.
    LocalHookFailed { step: Step, message: String },
    /// About the files of a release: of which app, where there are several; of a host, where it is about that host's
    /// repository.
    Release { host: Option<String>, app: Option<String>, warning: Warning },
    /// The deploy is done, and nothing asked whether it serves. The apps are named where there are several.
    Unchecked { apps: Vec<String> },
    /// Said by a script.
    FromHost { host: String, text: String },
}

impl Notice {
    /// Tells it to the observer.
    pub(super) fn tell(&self, observer: &mut dyn Observer) {
        observer.event(&Event::Notice { host: self.host(), text: &self.text() });
    }

    /// The host that it is about.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        match self {
            Notice::LeftDrained { host, .. }
            | Notice::DamagedLive { host, .. }
            | Notice::OtherEnvironment { host, .. }
            | Notice::UnreachableUnchanged { host }
            | Notice::LostUnchanged { host }
            | Notice::LostAtTheEnd { host }
            | Notice::LostWhenConfirmed { host }
            | Notice::NotCleanedUp { host, .. }
            | Notice::CallingAgain { host }
            | Notice::FromHost { host, .. } => Some(host),
            Notice::Release { host, .. } => host.as_deref(),
            _ => None,
        }
    }

    /// What is said.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Notice::LeftDrained { environment, .. } => {
                format!(
                    "an earlier run left it drained, so it takes no requests; see `shipit {environment} status`"
                )
            }
            Notice::DamagedLive { release, damage, .. } => {
                format!(
                    "the live release {release} is not whole: {damage}; if this run fails, that is what stays live"
                )
            }
            Notice::MadeAgain { release, hosts } => format!(
                "{release} was removed or is not whole on {}: it is built again there first, which takes a while",
                hosts.join(", ")
            ),
            Notice::NoRecord { release, hosts, environment } => no_record(release, hosts, environment),
            Notice::OtherEnvironment { other, .. } => {
                format!(
                    "its `path` was last deployed for the environment `{other}`; two environments share it"
                )
            }
            Notice::AppsStay { apps } => stay(apps),
            Notice::ConfigurationChanged { release, hosts } => format!(
                "the configuration has changed since {release} was deployed; today's is used to build it on {}",
                hosts.join(", ")
            ),
            Notice::Skipped { hosts, environment } => skipped(hosts, environment),
            Notice::NoHostOfApp { app } => format!("no host of {app} can be reached"),
            Notice::CannotSkip { hosts } => {
                format!("{} cannot be skipped: a hook runs there for all hosts", hosts.join(", "))
            }
            Notice::UnreachableUnchanged { .. } => "did not answer; it needs no change".to_owned(),
            Notice::LostUnchanged { .. } => "connection lost; this host needed no change".to_owned(),
            Notice::LostAtTheEnd { .. } => {
                "connection lost after the deploy; the host completes the clean-up on its own".to_owned()
            }
            Notice::LostWhenConfirmed { .. } => {
                "connection lost after the release was confirmed; the host completes the run on its own"
                    .to_owned()
            }
            Notice::NotCleanedUp { message, .. } => format!("live, but the clean-up failed: {message}"),
            Notice::CallingAgain { .. } => {
                "connection lost; connecting again to find out what it serves".to_owned()
            }
            Notice::Pause { time, before } => format!("pausing for {} before {before}", spoken(*time)),
            Notice::LocalHookFailed { step, message } => format!("{step} failed: {message}"),
            Notice::Release { app: Some(app), warning, .. } => format!("{app}: {}", warning.message()),
            Notice::Release { app: None, warning, .. } => warning.message(),
            Notice::Unchecked { apps } => unchecked(apps),
            Notice::FromHost { text, .. } => text.clone(),
        }
    }
}

fn stay(apps: &[String]) -> String {
    let stay = if apps.len() == 1 { "stays" } else { "stay" };
    format!("{} {stay} live: there is no earlier release to return to", apps.join(", "))
}

fn no_record(release: &str, hosts: &[String], environment: &str) -> String {
    let (has, keeps, them) = if hosts.len() == 1 { ("has", "keeps", "it") } else { ("have", "keep", "them") };
    format!(
        "{} {has} no record of {release} and {keeps} what is live there; run `shipit {environment} sync` after the revert \
         to bring {them} to the same release",
        hosts.join(", ")
    )
}

fn skipped(hosts: &[String], environment: &str) -> String {
    let them = if hosts.len() == 1 { "it" } else { "them" };
    format!("skipped: {}; run `shipit {environment} sync` later to update {them}", hosts.join(", "))
}

fn unchecked(apps: &[String]) -> String {
    let what = match apps {
        [] => "the new release serves".to_owned(),
        [app] => format!("{app} serves"),
        apps => format!("{} serve", apps.join(", ")),
    };
    format!("nothing checked whether {what}; set `health`, or `verify` in `supervisor`")
}

fn spoken(time: Duration) -> String {
    let time = jiff::SignedDuration::try_from(time).unwrap_or(jiff::SignedDuration::MAX);
    format!("{time:#}")
}
