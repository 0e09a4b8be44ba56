//! Questions that are asked more than once: the hosts stay connected, and the plan's stage is carried out again each time its
//! answers were taken. So a slow reader of the answers holds up nothing else.

use std::time::Duration;

use bytes::Bytes;

use super::decide::{Contact, HostView};
use super::event::Observer;
use super::fleet::Fleet;
use super::interrupt::Interrupt;

use super::live::Live;
use crate::plan::{Plan, Work};
use crate::remote::attempt::Attempt;
use crate::remote::facts::Facts;
use crate::remote::hold::Hold;
use crate::remote::journal::Entry;
use crate::remote::process::Process;
use crate::remote::script::Script;
use crate::transport::Transport;

/// What a host answered to questions.
#[derive(Debug, Clone)]
pub struct Looked {
    /// As in the file; `HOST/APP` where there are several apps.
    pub host: String,
    /// The app's index in the environment.
    pub app: usize,
    /// What is live.
    pub live: Option<Live>,
    /// What the configuration of what is live comes to.
    pub digest: Option<String>,
    /// Something else that `current` points to.
    pub foreign: Option<String>,
    /// Who holds the lock, and whether that run is dead.
    pub holder: Option<(String, bool)>,
    /// The hold, also one that is over.
    pub hold: Option<Hold>,
    /// What the stored `status` step of the live release says: `ok`, `down`, `late` or `unknown`; none: there is no such step.
    pub supervisor: Option<String>,
    /// The processes of the supervisors that shipit knows.
    pub processes: Vec<Process>,
    /// A run ended while the host took no requests, and nothing has taken it in since; what does: `restart`, or `deploy`.
    pub drained: Option<String>,
    /// Its journal, oldest first.
    pub entries: Vec<Entry>,
    /// The records of its runs, oldest first, where they were asked for.
    pub attempts: Vec<Attempt>,
    /// All that it said about itself.
    pub facts: Facts,
    /// Why there is no answer.
    pub failure: Option<super::event::Failure>,
}

impl Looked {
    /// As decisions see it. The configuration's digest of today is not known here.
    #[must_use]
    pub fn view(&self) -> HostView<'_> {
        HostView {
            name: &self.host,
            app: self.app,
            contact: if self.failure.is_some() { Contact::Failed } else { Contact::Answered },
            facts: &self.facts,
            entries: &self.entries,
            digest: None,
        }
    }
}

pub(super) fn looked(host: &mut super::host::HostState) -> Looked {
    let facts = host.facts.clone();
    Looked {
        host: host.name.clone(),
        app: host.app,
        live: host.live(),
        digest: facts.live_digest.clone(),
        foreign: facts.foreign.clone(),
        holder: facts.holder.clone().map(|holder| (holder, facts.holder_dead)),
        hold: facts.hold.clone(),
        supervisor: facts.supervisor.map(|state| state.name().to_owned()),
        processes: host
            .found
            .iter()
            .filter(|(word, _)| word == "process")
            .filter_map(|(_, values)| Process::read(values))
            .collect(),
        drained: facts.drained.map(|by| by.name().to_owned()),
        facts,
        entries: std::mem::take(&mut host.entries),
        attempts: std::mem::take(&mut host.attempts),
        failure: host.failure.clone(),
    }
}

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
                state.bounds.handed_on(pieces.iter().map(|(of, _, bytes)| of.len() + bytes.len()).sum());
                pieces.into_iter().map(move |(of, at, bytes)| Piece { host, of, at, bytes })
            })
            .collect()
    }

    /// Carries out the plan's stage on all hosts, or on one, which is sent the variables; then there are new pieces.
    pub async fn again(&mut self, only: Option<usize>, later: &[(&str, &str)]) {
        let Some(stage) = self.fleet.plan.stages.first() else { return };
        let Work::Remote(scripts) = &stage.work else { return };
        let mut scripts = scripts.clone();
        for (at, script) in scripts.iter_mut().enumerate() {
            if only.is_some_and(|only| only != at) {
                *script = Script::new();
            } else if !later.is_empty() {
                self.fleet.set(at, later.iter().copied());
            }
        }
        self.fleet.stage(stage.phase, &scripts, false).await;
    }

    /// What a host last said about itself.
    #[must_use]
    pub fn facts(&self, host: usize) -> Option<&Facts> {
        Some(&self.fleet.hosts.get(host)?.facts)
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
        self.fleet.hosts.iter().any(|host| host.is_connected() && host.failure.is_none())
    }

    /// Closes all connections.
    pub async fn end(mut self) {
        self.fleet.close().await;
    }
}
