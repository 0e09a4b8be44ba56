//! `rollout.pause = "ask"`: the operator says on the terminal whether a deploy goes on.

use std::io;

use tokio::sync::oneshot;

use crate::executor::Ask;
use crate::transport::Boxed;

/// Whoever sits at the terminal; the question is shown by the report.
pub(super) struct AtTerminal;

impl Ask for AtTerminal {
    fn ask<'a>(&'a self, _: &'a str) -> Boxed<'a, bool> {
        let (said, answer) = oneshot::channel();
        // A thread of its own, which nobody waits for: who interrupts instead of answering leaves it reading.
        std::thread::spawn(move || {
            let mut line = String::new();
            let read = io::stdin().read_line(&mut line).is_ok();
            let _ = said.send(read && matches!(line.trim().to_lowercase().as_str(), "y" | "yes"));
        });
        Box::pin(async { answer.await.unwrap_or(false) })
    }
}
