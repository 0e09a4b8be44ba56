//! Points in time that may never come.

use std::time::Duration;

use tokio::time::Instant;

/// The time after that limit; none: there is none.
pub(super) fn after(limit: Option<Duration>) -> Option<Instant> {
    Instant::now().checked_add(limit?)
}

/// Waits until then, or for ever.
pub(super) async fn at_time(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}
