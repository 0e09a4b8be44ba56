//! What is due while hosts are stopped at their work. It decides nothing.

use std::time::Duration;

use tokio::time::Instant;

/// How long a job may take to end after TERM, before KILL.
pub(super) const GRACE: Duration = Duration::from_secs(4);

/// What is due while hosts are stopped.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stopping {
    /// All others are stopped; until then those that come to a step of the user's.
    pub(super) stop_at: Option<Instant>,
    /// What was stopped and has not ended is killed.
    pub(super) kill_at: Option<Instant>,
}
