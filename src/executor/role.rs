//! What a host does in a run, as it was decided.

use crate::plan::Participants;

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
    /// All that the plan has for all hosts, the first of which fails: it has no record of the release of a `revert`.
    NoRecord,
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
            Role::NoRecord => "no-record",
        }
    }

    /// Whether anything changes there.
    #[must_use]
    pub fn changes(self) -> bool {
        !matches!(self, Role::Released | Role::InSync)
    }
}
