//! What was decided: of each app what goes live, of each host what it does.

use crate::executor::live::Live;
use crate::executor::notice::Notice;
use crate::plan::Participants;

/// What a run does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// In the order of the apps.
    pub apps: Vec<AppDecision>,
    /// In the order of the targets.
    pub roles: Vec<Role>,
    /// What the user is to know.
    pub notices: Vec<Notice>,
    /// Hosts that were to be changed could not be asked.
    pub incomplete: bool,
}

/// What becomes of an app.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AppDecision {
    /// What its hosts serve at the end; none: nothing, or not known.
    pub goal: Option<Goal>,
    /// How they come to that.
    pub change: Change,
}

/// What an app's hosts are to serve.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Goal {
    /// The release.
    pub live: Live,
    /// The release that was live before it was made: empty where there was none. None: as each host's own journal says.
    pub parent: Option<String>,
    /// The ref that it was deployed by; none: the configured one.
    pub reference: Option<String>,
}

/// How the hosts of an app come to their goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Change {
    /// They serve it.
    #[default]
    Unchanged,
    /// By a new release.
    NewRelease,
    /// By a release that exists.
    ExistingRelease,
    /// They keep the release and do something with it.
    InPlace,
}

/// What a host does in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// All that the plan has for all hosts.
    #[default]
    Full,
    /// Nothing: its app does not change. Its lock is released.
    Released,
    /// Nothing: it serves the release of a `sync`. It keeps its lock to the end.
    InSync,
    /// It differs, and has the release of a `sync` from earlier.
    HasRelease,
    /// It differs, and does not have the release of a `sync`.
    MissingRelease {
        /// Nothing was set up there.
        bare: bool,
    },
}

impl Goal {
    /// A release of the configured ref, which no release precedes that has to be kept for it.
    #[must_use]
    pub fn of(live: Live) -> Goal {
        Goal { live, parent: Some(String::new()), reference: None }
    }
}

impl Change {
    /// A word for machines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Change::Unchanged => "unchanged",
            Change::NewRelease => "new-release",
            Change::ExistingRelease => "existing-release",
            Change::InPlace => "in-place",
        }
    }
}

impl Role {
    /// Whether a stage is for a host with this role.
    #[must_use]
    pub fn takes_part(self, participants: Participants) -> bool {
        match participants {
            _ if self == Role::Released => false,
            Participants::All | Participants::HealthChecked => true,
            Participants::NotSetUp => self == Role::MissingRelease { bare: true },
            Participants::MissingRelease => matches!(self, Role::MissingRelease { .. }),
            Participants::HasRelease => self == Role::HasRelease,
            Participants::Differing => self.changes(),
            Participants::InSync => self == Role::InSync,
        }
    }

    /// A word for machines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::Full => "full",
            Role::Released => "released",
            Role::InSync => "in-sync",
            Role::HasRelease => "has-release",
            Role::MissingRelease { bare: false } => "missing-release",
            Role::MissingRelease { bare: true } => "not-set-up",
        }
    }

    /// Whether anything changes there.
    #[must_use]
    pub fn changes(self) -> bool {
        !matches!(self, Role::Released | Role::InSync)
    }
}

impl Decision {
    /// Nothing to do: what is live is what was wanted.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.apps.iter().all(|app| app.change == Change::Unchanged)
    }

    /// Whether an app changes.
    #[must_use]
    pub fn changes(&self, app: usize) -> bool {
        self.apps.get(app).is_some_and(|app| app.change != Change::Unchanged)
    }
}
