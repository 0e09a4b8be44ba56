//! What a run is asked to do, besides its plan.

use std::time::Duration;

use super::decide::Intent;
use crate::plan::Plan;
use crate::transport::Boxed;

/// What a run is asked to do, besides its plan.
pub struct Request<'a> {
    /// What will be done.
    pub plan: &'a Plan,
    /// What is to be live at the end.
    pub intent: Intent,
    /// How long to wait for another run's lock.
    pub lock_wait: Duration,
    /// Asks the user where the plan pauses for that; none: the run goes on.
    pub ask: Option<&'a dyn Ask>,
}

/// Somebody to ask.
pub trait Ask {
    /// Whether to go on. May take as long as it takes: hosts are kept meanwhile.
    fn ask<'a>(&'a self, question: &'a str) -> Boxed<'a, bool>;
}
