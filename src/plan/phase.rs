//! The barriers of a run.

use crate::remote::step::Step;

/// The barriers of a run, in order: every host has left one before any enters the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Local checks.
    Check,
    /// Connecting and learning about the hosts.
    Connect,
    /// Taking the lock on all of them.
    Lock,
    /// `pre-deploy-local`.
    Local,
    /// A release beside the running one (or, for `setup`, the directories).
    Prepare,
    /// `migrate`, `pre-activate`, intent.
    Ready,
    /// Going live.
    Activate,
    /// All are healthy: no way back from here.
    Confirm,
    /// Record, prune, unlock.
    Finish,
    /// All of it on a single host, which waits for no other.
    SingleHost,
    /// After a failure: back to before the run or, in a revert and a restart, on to the end where it was begun.
    Rollback,
    /// Commands of the user, outside a deploy.
    Exec,
    /// Removing what is not kept.
    Prune,
}

impl Phase {
    /// The step that a run is in where no host names one.
    #[must_use]
    pub fn step(self) -> Step {
        match self {
            Phase::Check => Step::Check,
            Phase::Connect => Step::Connect,
            Phase::Lock => Step::Lock,
            Phase::Local => Step::Local,
            Phase::Prepare => Step::Prepare,
            Phase::Ready => Step::Ready,
            Phase::Activate => Step::Activate,
            Phase::Confirm => Step::Confirm,
            Phase::Finish => Step::Finish,
            Phase::SingleHost => Step::Deploy,
            Phase::Rollback => Step::Rollback,
            Phase::Exec => Step::Exec,
            Phase::Prune => Step::Prune,
        }
    }

    /// The word users see.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.step().name()
    }
}
