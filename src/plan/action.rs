//! What kind of run it is.

/// What kind of run: the word that hooks see and the journal holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A new release.
    Deploy,
    /// An earlier one, again.
    Revert,
    /// Directories and the repository.
    Setup,
    /// A command of the user's.
    Exec,
    /// Only questions.
    Look,
    /// The doctor's questions.
    Check,
    /// Ending another run.
    Unlock,
    /// The release that is live on the rest, on hosts that differ.
    Sync,
    /// Reload and verify, in place.
    Restart,
    /// No deploys, until somebody says so.
    Hold,
    /// The end of that.
    Resume,
    /// Removing what is not kept.
    Prune,
}

impl Action {
    /// As in `SHIPIT_ACTION`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Action::Deploy => "deploy",
            Action::Revert => "revert",
            Action::Setup => "setup",
            Action::Exec => "exec",
            Action::Look => "look",
            Action::Check => "check",
            Action::Unlock => "unlock",
            Action::Sync => "sync",
            Action::Restart => "restart",
            Action::Hold => "hold",
            Action::Resume => "resume",
            Action::Prune => "prune",
        }
    }
}
