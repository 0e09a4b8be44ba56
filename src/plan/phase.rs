//! The barriers of a run.

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
    /// The word users see.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Phase::Check => "check",
            Phase::Connect => "connect",
            Phase::Lock => "lock",
            Phase::Local => "local",
            Phase::Prepare => "prepare",
            Phase::Ready => "ready",
            Phase::Activate => "activate",
            Phase::Confirm => "confirm",
            Phase::Finish => "finish",
            Phase::SingleHost => "deploy",
            Phase::Rollback => "rollback",
            Phase::Exec => "exec",
            Phase::Prune => "prune",
        }
    }
}
