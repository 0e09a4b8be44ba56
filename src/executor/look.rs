//! Questions that are asked more than once: the hosts stay connected, and the plan's stage is carried out as often as the
//! asker has taken what came. So the one who reads slowly holds up himself and nothing else.

use std::time::Duration;

use bytes::Bytes;

use super::event::Observer;
use super::exec::{Looked, looked};
use super::fleet::Fleet;
use super::interrupt::Interrupt;
use crate::plan::{Plan, Work};
use crate::remote::script::Script;
use crate::transport::Transport;

/// A piece of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Number of the host, in the plan's order.
    pub host: usize,
    /// Which log of that host.
    pub of: String,
    /// Where in it.
    pub at: u64,
    /// What is there.
    pub bytes: Bytes,
}

/// Connected hosts that answer questions.
pub struct Looking<'a> {
    fleet: Fleet<'a>,
}

impl<'a> Looking<'a> {
    /// Connects all hosts and carries out the opening.
    pub async fn begin(
        plan: &'a Plan,
        transport: &'a dyn Transport,
        observer: &'a mut dyn Observer,
        interrupt: Interrupt,
    ) -> Looking<'a> {
        let mut fleet = Fleet::new(plan, transport, observer, interrupt);
        fleet.open().await;
        Looking { fleet }
    }

    /// What the hosts answered to the opening, in the plan's order.
    pub fn answers(&mut self) -> Vec<Looked> {
        self.fleet.hosts.iter_mut().map(looked).collect()
    }

    /// The pieces that came and were not taken yet.
    pub fn pieces(&mut self) -> Vec<Piece> {
        let hosts = self.fleet.hosts.iter_mut().enumerate();
        hosts
            .flat_map(|(host, state)| {
                let pieces = std::mem::take(&mut state.pieces);
                pieces.into_iter().map(move |(of, at, bytes)| Piece { host, of, at, bytes })
            })
            .collect()
    }

    /// Carries out the plan's stage on all hosts, or on one, which is told the variables; then there are new pieces.
    pub async fn again(&mut self, only: Option<usize>, later: &[(&str, &str)]) {
        let Some(stage) = self.fleet.plan.stages.first() else { return };
        let Work::Remote(scripts) = &stage.work else { return };
        let mut scripts = scripts.clone();
        for (at, script) in scripts.iter_mut().enumerate() {
            if only.is_some_and(|only| only != at) {
                *script = Script::new();
            } else if !later.is_empty() {
                self.fleet.set(at, later);
            }
        }
        self.fleet.stage(stage.phase, &scripts, false).await;
    }

    /// What a host last told under this name.
    #[must_use]
    pub fn fact(&self, host: usize, name: &str) -> Option<&str> {
        self.fleet.hosts.get(host)?.fact(name)
    }

    /// Why a host cannot be asked any more.
    #[must_use]
    pub fn failure(&self, host: usize) -> Option<&super::event::Failure> {
        self.fleet.hosts.get(host)?.failure.as_ref()
    }

    /// Waits. Whether the user has asked to stop.
    pub async fn pause(&mut self, time: Duration) -> bool {
        let known = self.fleet.known;
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            asked = self.fleet.interrupt.beyond(known) => self.fleet.asked(asked),
        }
        self.signal() != 0
    }

    /// The signal by which the user asked to stop; 0: none.
    #[must_use]
    pub fn signal(&self) -> i32 {
        self.fleet.interrupt.asked().signal
    }

    /// Whether any host can still be asked.
    #[must_use]
    pub fn any_left(&self) -> bool {
        self.fleet.hosts.iter().any(|host| host.reachable() && host.failure.is_none())
    }

    /// Ends all lines.
    pub async fn end(mut self) {
        self.fleet.close().await;
    }
}
