//! Stopping hosts at their work: all of them, or, where one failed before anything is live, the others.
//!
//! A host that fails in a step of shipit's own (git cannot reach the repository, a shared file is missing) is rarely the only one
//! with that trouble, and the others find out within moments. They are given these, so that one run names all hosts that have it.

use std::time::Duration;

use tokio::time::Instant;

use super::event::FailureKind;
use super::fleet::Fleet;
use super::host::HostState;
use super::stopping::GRACE;
use crate::plan::Others;
use crate::remote::step::Step;
use crate::remote::wire::Message;

/// How long the others go on in steps of shipit's own.
const MOMENT: Duration = Duration::from_secs(3);

impl Fleet<'_> {
    /// A host failed: what becomes of the others.
    pub(super) fn stop_others(&mut self, failed: usize) {
        // That one which was stopped has not done its work says nothing about the others.
        if self.plan.policy.others == Others::GoOn || self.hosts[failed].stopped {
            return;
        }
        let failure = self.hosts[failed].failure.as_ref();
        let shared =
            failure.is_some_and(|failure| failure.kind == FailureKind::Step && !failure.step.is_users());
        if !shared {
            return self.stop_all();
        }
        self.stopping.stop_at.get_or_insert(Instant::now() + MOMENT);
        for at in 0..self.hosts.len() {
            self.stop_at_users_step(at);
        }
    }

    /// Stops a host that has come to a step of the user's, where the others are to be stopped.
    pub(super) fn stop_at_users_step(&mut self, at: usize) {
        let host = &self.hosts[at];
        let step = host.output.step.as_ref().and_then(|(step, _)| Step::parse(step));
        if self.stopping.stop_at.is_some() && step.is_some_and(Step::is_users) {
            self.stop(|other, _| other == at);
        }
    }

    /// Stops all hosts that are at work; those whose turn has not come never begin.
    pub(super) fn stop_all(&mut self) {
        self.waiting.clear();
        self.stopping.stop_at = None;
        self.stop(|_, _| true);
    }

    /// Kills what was stopped and did not end.
    pub(super) fn kill_all(&mut self) {
        self.stopping.kill_at = None;
        self.send(&Message::Kill, |_, host| host.stopped);
    }

    fn stop(&mut self, which: impl Fn(usize, &HostState) -> bool) {
        self.send(&Message::Stop, |at, host| !host.stopped && which(at, host));
        let mut any = false;
        for (at, host) in self.hosts.iter_mut().enumerate().filter(|(_, host)| host.running.is_some()) {
            if !host.stopped && which(at, host) {
                host.stopped = true;
                any = true;
            }
        }
        if any {
            self.stopping.kill_at = Some(Instant::now() + GRACE);
            self.hurry();
        }
    }

    fn send(&self, message: &Message<'_>, which: impl Fn(usize, &HostState) -> bool) {
        let running = self.hosts.iter().enumerate().filter(|(_, host)| host.running.is_some());
        for (_, host) in running.filter(|(at, host)| which(*at, host)) {
            if let Some(session) = &host.session {
                session.send(message);
            }
        }
    }
}
