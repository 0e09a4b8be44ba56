//! What methods of a login have in common: how far one came, and how long an answer is waited for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use russh::MethodSet;
use tokio::time::timeout;

/// How far a method came.
pub(super) enum Step {
    Welcome,
    /// It was right, and one of these is wanted, too.
    Partial(MethodSet),
    /// It does not let in. What the server would take, if it said.
    No(Option<MethodSet>),
    /// The server does not answer.
    Silence,
    /// The agent does not answer.
    AgentSilence,
}

/// Waits for an answer; time in which `asking` is set does not count.
pub(super) async fn patient<T>(
    limit: Duration,
    asking: &AtomicBool,
    answer: impl Future<Output = T>,
) -> Option<T> {
    tokio::pin!(answer);
    loop {
        match timeout(limit, &mut answer).await {
            Ok(answer) => return Some(answer),
            Err(_) if asking.load(Ordering::Relaxed) => {}
            Err(_) => return None,
        }
    }
}
