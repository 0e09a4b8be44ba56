//! A process of ours on this machine and all that it starts: killed together when nobody wants them any more.

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Child;

/// A process group that is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Group(Option<Pid>);

impl Group {
    /// The group of a child that was started with one of its own.
    pub(super) fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)))
    }

    /// Tells it to end, as the end of a terminal would.
    pub(super) fn hang_up(&self) {
        if let Some(group) = self.0 {
            let _ = kill_process_group(group, Signal::HUP);
        }
    }

    /// It ended by itself, and what it left running is meant to stay.
    pub(super) fn release(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Fails where all of it has ended.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}
