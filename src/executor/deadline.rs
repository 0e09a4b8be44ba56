//! Hosts that take too long, or say too much: they are treated as hosts whose connection was lost, and what they do they do
//! by themselves.

use std::time::Duration;

use tokio::time::Instant;

use super::bounds::Counted;
use super::clock::after;
use super::fleet::Fleet;
use super::host::HostState;
use super::message::HostMessage;
use super::stopping::GRACE;
use crate::plan::Phase;
use crate::remote::facts::Fact;
use crate::remote::wire::Reply;
use crate::transport::Exit;

impl Fleet<'_> {
    /// When the first host has to be at the end of its script.
    pub(super) fn first_deadline(&self) -> Option<Instant> {
        self.hosts.iter().filter(|host| host.running.is_some()).filter_map(|host| host.deadline).min()
    }

    /// Gives up all hosts whose script should have ended.
    pub(super) fn give_up_late(&mut self, phase: Phase, undoing: bool) {
        let now = Instant::now();
        let is_late = |host: &HostState| host.deadline.is_some_and(|deadline| deadline <= now);
        let late: Vec<usize> = (0..self.hosts.len())
            .filter(|at| self.hosts[*at].running.is_some() && is_late(&self.hosts[*at]))
            .collect();
        for at in late {
            let why = "its script did not end within the limits of all its steps and a minute";
            self.give_up(at, why.to_owned(), phase, undoing);
        }
    }

    /// Listens no more to a host.
    pub(super) fn give_up(&mut self, at: usize, why: String, phase: Phase, undoing: bool) {
        if let Some(session) = self.hosts[at].session.take() {
            session.give_up();
        }
        self.take_in(at, HostMessage::Gone(Exit::Lost(why)), phase, undoing);
    }

    /// Counts what a host says.
    pub(super) fn count(&mut self, at: usize, said: &HostMessage) -> Counted {
        let host = &mut self.hosts[at];
        let Some(session) = &host.session else { return Counted::Unwanted };
        session.heard(said);
        let HostMessage::Reply(_, reply) = said else { return Counted::Within };
        if let Err(why) = host.bounds.count(reply) {
            return Counted::TooMuch(why);
        }
        let is_ending = matches!(reply, Reply::Fact(name, _) if Fact::parse(name) == Some(Fact::Ending));
        if is_ending && host.bounds.may_take_longer() {
            let limits = &self.plan.targets[at].limits;
            let more = after(Some(limits.recovery()));
            host.deadline = host.deadline.and_then(|deadline| Some(deadline.max(more?)));
        }
        Counted::Within
    }

    /// The running steps of hosts that were stopped are to end, and no other begins: what is left is what is no step,
    /// and a reload, which is left to end.
    pub(super) fn hurry(&mut self) {
        for (host, target) in self
            .hosts
            .iter_mut()
            .zip(&self.plan.targets)
            .filter(|(host, _)| host.running.is_some() && host.stopped)
        {
            let left = target.limits.beside_steps.saturating_add(target.limits.reload);
            let until = after(Some(GRACE + Duration::from_secs(left)));
            host.deadline = host.deadline.or(until).min(until);
        }
    }
}
