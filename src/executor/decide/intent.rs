//! What a run is to make live.

use crate::git::Revision;

/// What a run is to make live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intent {
    /// The configured refs.
    Deploy {
        /// Of each app the commit, where it is known without asking anybody.
        commits: Vec<Option<Revision>>,
        /// A new release though nothing changed.
        redeploy: bool,
    },
    /// An earlier deploy.
    Revert(RevertTo),
    /// The release that most hosts serve, on those that differ.
    Sync {
        /// Names of the hosts that are brought to it; none: all.
        only: Vec<String>,
    },
    /// What is live on each host, reloaded.
    Restart,
    /// What is live, and no more releases than are kept.
    Prune,
    /// Nothing: setup, unlock.
    Nothing,
}

/// Which earlier deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevertTo {
    /// So many deploys back.
    Back(u32),
    /// The release of that name, or the one of that revision.
    Deploy(String),
}
