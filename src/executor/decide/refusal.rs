//! Why a run is refused, or has nothing that it could do: one variant for each reason, worded here.

use crate::executor::event::{Failure, FailureKind};
use crate::remote::damage::Damage;
use crate::remote::hold::Hold;
use crate::remote::journal::State;
use crate::remote::step::Step;

/// Why a run ends before it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields say what their names and the variant say")]
pub enum Refusal {
    /// The environment is held.
    Held { environment: String, hold: Hold },
    /// The first host resolved the ref to no commit.
    NoCommit { reference: String },
    /// The operator's git says that there is no such ref, or cannot tell which is meant.
    Reference { message: String },
    /// Nothing is live but what another tool deployed on these hosts, and only a setup and a deploy adopt that.
    NotAdopted { step: Step, hosts: Vec<String> },
    /// A revert where nothing is live.
    NothingToRevert,
    /// A revert to a deploy that there is none of: so many there are.
    NoSuchDeploy { earlier: usize, several_apps: bool },
    /// A revert to a deploy by a name that no deploy has, or only one that did not stay live: how that ended.
    NoDeployOfName { name: String, ended: Option<State> },
    /// A revert to a release that none of the hosts that would change has a record of.
    NoRecord { release: String, commit: String },
    /// A sync where nothing is live.
    NothingToSync,
    /// A sync where no release is live on more than half of the hosts: which are live on which hosts, and how many hosts
    /// could not be asked.
    NoMajority { environment: String, serving: Vec<(String, Vec<String>)>, unasked: usize },
    /// A sync to a release of which no host knows the commit.
    UnknownCommit { release: String },
    /// The release that is to be live is live already on these hosts, and not whole there: what is wrong on the first.
    LiveDamaged { environment: String, release: String, hosts: Vec<String>, damage: Damage, step: Step },
    /// A restart of hosts where nothing is live, or what another tool deployed.
    NothingToRestart { hosts: Vec<String> },
}

impl Refusal {
    /// What it means for the exit code.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        match self {
            Refusal::Held { .. } | Refusal::NoMajority { .. } | Refusal::LiveDamaged { .. } => {
                FailureKind::Refused
            }
            _ => FailureKind::Step,
        }
    }

    /// The step in which it shows.
    #[must_use]
    pub fn step(&self) -> Step {
        match self {
            Refusal::Held { .. } => Step::Hold,
            Refusal::NoCommit { .. } | Refusal::Reference { .. } => Step::Resolve,
            Refusal::NothingToRevert
            | Refusal::NoSuchDeploy { .. }
            | Refusal::NoDeployOfName { .. }
            | Refusal::NoRecord { .. } => Step::Revert,
            Refusal::NothingToSync | Refusal::NoMajority { .. } | Refusal::UnknownCommit { .. } => Step::Sync,
            Refusal::LiveDamaged { step, .. } | Refusal::NotAdopted { step, .. } => *step,
            Refusal::NothingToRestart { .. } => Step::Restart,
        }
    }

    /// What is so.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Refusal::Held { environment, hold } => format!("{environment} is held {}", hold.describe()),
            Refusal::NoCommit { reference } => {
                format!("the first host did not say which commit {reference} is")
            }
            Refusal::Reference { message } => message.clone(),
            Refusal::NotAdopted { hosts, .. } => {
                format!("another tool deployed what is live on {}; it is not adopted yet", hosts.join(", "))
            }
            Refusal::NothingToRevert => "nothing is live that could be reverted".to_owned(),
            Refusal::NoSuchDeploy { earlier: 0, .. } => "there is no earlier deploy to revert to".to_owned(),
            Refusal::NoSuchDeploy { earlier: 1, .. } => {
                "there is only 1 earlier deploy to revert to".to_owned()
            }
            Refusal::NoSuchDeploy { earlier, .. } => {
                format!("there are only {earlier} earlier deploys to revert to")
            }
            Refusal::NoDeployOfName { name, ended } => match ended {
                None => format!("no deploy matches {name}"),
                Some(State::Back) => format!("{name} did not stay live: that deploy was rolled back"),
                Some(State::Open | State::Healthy) => format!("{name} did not go live on all hosts yet"),
                Some(State::Done | State::Failed) => format!("{name} did not stay live: that deploy failed"),
            },
            Refusal::NoRecord { release, .. } => format!("no host has a record of {release} any more"),
            Refusal::NothingToSync => "nothing is live on any host".to_owned(),
            Refusal::NoMajority { serving, unasked, .. } => {
                let each =
                    serving.iter().map(|(release, hosts)| format!("{release} on {}", hosts.join(", ")));
                let unasked = match unasked {
                    0 => String::new(),
                    1 => "; 1 host could not be asked".to_owned(),
                    count => format!("; {count} hosts could not be asked"),
                };
                let each = each.collect::<Vec<_>>().join("; ");
                format!("no release is live on more than half of the hosts: {each}{unasked}")
            }
            Refusal::UnknownCommit { release } => format!("no host knows the commit of {release} any more"),
            Refusal::LiveDamaged { release, hosts, damage, .. } => {
                format!("{release}, which is live on {}, is not whole there: {damage}", hosts.join(", "))
            }
            Refusal::NothingToRestart { hosts } => {
                format!("nothing that shipit deployed is live on {}", hosts.join(", "))
            }
        }
    }

    /// What to do next. `{shipit}` stands for `shipit` and the environment.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Refusal::Held { environment, .. } => {
                format!(
                    "`shipit {environment} resume` ends the hold; revert, sync and restart work meanwhile"
                )
            }
            Refusal::NotAdopted { .. } => "adopt it: `{shipit} setup`, or a deploy: `{shipit}`".to_owned(),
            Refusal::NoCommit { .. } | Refusal::Reference { .. } | Refusal::NothingToRevert => {
                return None;
            }
            Refusal::NoSuchDeploy { several_apps: false, .. } => "`{shipit} list` shows them".to_owned(),
            Refusal::NoSuchDeploy { several_apps: true, .. } => {
                "`{shipit} list` shows them; --apps reverts one app alone".to_owned()
            }
            Refusal::NoDeployOfName { .. } => {
                "`{shipit} list` shows the deploys; those with a number can be reverted to".to_owned()
            }
            Refusal::NoRecord { commit, .. } => {
                format!("deploy its commit again: {{shipit}} ref {commit} --allow-older")
            }
            Refusal::NothingToSync => "deploy first: {shipit}".to_owned(),
            Refusal::NoMajority { environment, .. } => format!(
                "choose: `shipit {environment} revert RELEASE` makes one of them live everywhere it is kept, \
                 `shipit {environment} --redeploy` makes a new one on all hosts"
            ),
            Refusal::UnknownCommit { .. } => {
                "make a new release on all hosts: {shipit} --redeploy".to_owned()
            }
            Refusal::LiveDamaged { environment, .. } => {
                format!("`shipit {environment} --redeploy` makes a new release on all hosts")
            }
            Refusal::NothingToRestart { .. } => {
                "`{shipit} sync` brings hosts to what is live on the rest; --hosts leaves some out".to_owned()
            }
        })
    }

    /// As the failure of a run.
    #[must_use]
    pub fn failure(&self) -> Failure {
        Failure {
            kind: self.kind(),
            step: self.step(),
            exit: None,
            message: self.message(),
            reason: None,
            hint: self.hint(),
            tail: Vec::new(),
        }
    }
}
