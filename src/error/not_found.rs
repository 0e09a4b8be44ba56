//! Deploys that were asked for and that the hosts do not have.

/// Which deploy is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    /// By the number that `revert` counts.
    #[error("there is no deploy {back}: `list` shows the known deploys")]
    Back {
        /// The number.
        back: u32,
    },
    /// By its name, a release's or a commit's.
    #[error("no deploy matches {name}: `list` shows the known deploys")]
    Named {
        /// What was typed.
        name: String,
    },
    /// By the beginning of several names.
    #[error("{name} is ambiguous: it matches {}", candidates.join(", "))]
    Ambiguous {
        /// What was typed.
        name: String,
        /// What it matches.
        candidates: Vec<String>,
    },
}
