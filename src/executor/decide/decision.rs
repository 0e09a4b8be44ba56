//! What was decided: of each app what goes live, of each host what it does.

use crate::executor::live::Live;
use crate::executor::notice::Notice;
use crate::executor::role::Role;

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
