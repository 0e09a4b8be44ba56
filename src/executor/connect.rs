//! The beginning of a run: each host connected once, one resident shell for each of its targets, the opening said to it.

use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use secrecy::ExposeSecret as _;
use tokio::sync::Semaphore;

use super::event::{Event, Failure, FailureKind};
use super::fleet::{Fleet, plain_failure};
use super::host::Shell;
use super::random::random;
use super::shell_session::{Patience, ShellSession};
use crate::plan::{Phase, Plan};
use crate::remote::program::start_command;
use crate::remote::script::assignments;
use crate::remote::step::Step;
use crate::remote::wire::{Header, Message, TICK};
use crate::transport::{Channel, ConnectError, Connection};

/// How many programs run on one connection at a time: sshd's `MaxSessions` is 10, and health checks have theirs.
const SESSIONS: usize = 8;

/// How many bytes of it are sent to a host that is busy. The pipe to what runs there has 16 pages of 4 KiB; lines of any length fill
/// at least half of each.
const AHEAD: usize = 30 << 10;

/// A connection, and the program of each target on it.
type Connected = Result<(Rc<dyn Connection>, Vec<Result<Channel, ConnectError>>), ConnectError>;

impl Fleet<'_> {
    /// Connects all hosts and runs the opening on each as soon as it is there.
    pub(super) async fn open(&mut self) {
        let phase = self.plan.opening_phase;
        let since = Instant::now();
        self.observer.event(&Event::PhaseStarted { phase: Phase::Connect, part: None });
        self.number += 1;
        let transport = self.transport;
        let command = start_command();
        let turns = Semaphore::new(self.plan.concurrency.unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS));
        let mut connecting: FuturesUnordered<_> = together(self.plan)
            .into_iter()
            .map(|targets| {
                let (command, turns, plan) = (&command, &turns, self.plan);
                async move {
                    // Nothing closes it.
                    let _turn = turns.acquire().await;
                    let connected: Connected = async {
                        let connection = transport.connect(&plan.targets[targets[0]].host).await?;
                        let channels = join_all(targets.iter().map(|_| connection.exec(command))).await;
                        Ok((Rc::from(connection), channels))
                    }
                    .await;
                    (targets, connected)
                }
            })
            .collect();
        if phase == Phase::Exec {
            self.observer.event(&Event::PhaseStarted { phase, part: None });
        }
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        while !connecting.is_empty() && !self.known.now {
            tokio::select! {
                Some((targets, connected)) = connecting.next() => {
                    self.connected(&targets, connected);
                    self.start_waiting(phase);
                }
                Some((at, said)) = self.said.recv() => {
                    self.hear(at, said, phase, false);
                    self.start_waiting(phase);
                }
                asked = self.interrupt.beyond(self.known) => {
                    self.asked(asked);
                    self.stop_all();
                    break;
                }
                _ = tick.tick() => self.observer.tick(),
            }
        }
        drop(connecting);
        for host in self.hosts.iter_mut().filter(|h| !h.is_connected() && h.failure.is_none()) {
            host.failure = Some(plain_failure(FailureKind::Interrupted, Step::Connect, "stopped".into()));
        }
        let failed = self.failed();
        self.observer.event(&Event::PhaseEnded { phase: Phase::Connect, took: since.elapsed(), failed });
        self.phase = phase;
        self.until_done(phase, false).await;
    }

    fn connected(&mut self, targets: &[usize], connected: Connected) {
        match connected {
            Ok((connection, channels)) => {
                for (at, channel) in targets.iter().zip(channels) {
                    match channel {
                        Ok(channel) => self.begin(*at, Rc::clone(&connection), channel),
                        Err(error) => self.unreached(*at, &error),
                    }
                }
            }
            Err(error) => targets.iter().for_each(|at| self.unreached(*at, &error)),
        }
    }

    fn begin(&mut self, at: usize, connection: Rc<dyn Connection>, channel: Channel) {
        let host = &mut self.hosts[at];
        let times = &self.plan.environment.timeouts;
        let lost = times.lost;
        let nonce = random(16);
        let patience = Patience { first_word: times.connect.saturating_add(lost), lost };
        let session = ShellSession::new(channel, &nonce, patience, (at, self.sender.clone()));
        host.connection = Some(connection);
        self.observer.event(&Event::Connected { host: &host.name });
        let target = &self.plan.targets[at];
        let (mode, run, root) = (self.plan.mode, &self.run, target.path.as_str());
        session.raw(Header { nonce: &nonce, mode, run, lost, tick: TICK, root }.encode());
        session.send(&Message::Set(&assignments(target.variables.iter().map(|(n, v)| (*n, v.as_str())))));
        session.send(&Message::Data("enter", &target.enter));
        session.send(&Message::Data("env", target.exports.expose_secret()));
        for (name, text) in &target.data {
            session.send(&Message::Data(name, text.expose_secret()));
        }
        host.session = Some(session);
        let opening = &self.plan.opening[at];
        if !opening.is_empty() {
            self.waiting.push_back((at, opening.clone()));
        }
    }

    /// The host does not keep the program.
    pub(super) fn send_program(&self, at: usize) {
        if let Some(session) = &self.hosts[at].session {
            session.send_program();
        }
    }

    /// Its shell said its first word.
    pub(super) fn shell_started(&mut self, at: usize) {
        let host = &mut self.hosts[at];
        let Some(session) = host.session.as_ref().filter(|_| host.shell == Shell::Absent) else { return };
        session.started();
        host.shell = Shell::Started;
        self.send_bulk(at);
    }

    /// Sends what the opening does not need, and what was held back so that a host's first answer waits for little. A host that
    /// is busy reads it into a pipe: when that is full, it reads no beats either, and counts as lost.
    pub(super) fn send_bulk(&mut self, at: usize) {
        let host = &mut self.hosts[at];
        let Some(session) = host.session.as_ref().filter(|_| host.shell != Shell::Absent) else { return };
        let mut left = if host.running.is_some() { AHEAD } else { usize::MAX };
        for (name, text) in &self.plan.targets[at].bulk[host.bulk_sent..] {
            let text = text.expose_secret();
            let Some(rest) = left.checked_sub(text.len()) else { return };
            left = rest;
            session.send(&Message::Data(name, text));
            host.bulk_sent += 1;
        }
    }

    fn unreached(&mut self, at: usize, error: &ConnectError) {
        let host = &mut self.hosts[at];
        let failure = Failure {
            kind: FailureKind::Unreachable,
            step: Step::Connect,
            exit: None,
            message: error.full(),
            reason: None,
            hint: error.hint(),
            tail: Vec::new(),
        };
        host.took = host.started.elapsed();
        let phase = Phase::Connect;
        self.observer.event(&Event::HostFailed { host: &host.name, phase, failure: &failure });
        host.failure = Some(failure);
    }
}

/// Targets that share a connection: those of one host.
fn together(plan: &Plan) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = Vec::new();
    for (at, target) in plan.targets.iter().enumerate() {
        // The targets of a host follow one another.
        match all.last_mut() {
            Some(last) if plan.targets[last[0]].machine == target.machine && last.len() < SESSIONS => {
                last.push(at)
            }
            _ => all.push(vec![at]),
        }
    }
    all
}
