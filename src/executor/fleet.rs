//! All hosts of a run: connecting them, telling them scripts, waiting at the barrier.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use secrecy::ExposeSecret as _;
use tokio::sync::mpsc;

use super::event::{Event, Failure, FailureKind, Observer};
use super::host::HostState;
use super::interrupt::{Asked, Interrupt};
use super::line::{Line, Said};
use crate::plan::{Action, Phase, Plan};
use crate::remote::program::{PROGRAM, start_command};
use crate::remote::script::{Script, assignments};
use crate::remote::wire::{Message, header};
use crate::transport::{Channel, ConnectError, Connection, Transport};

/// How many hosts ask one git server at a time.
const FETCHES: usize = 32;
/// How long a job may take to end after TERM, before KILL.
const GRACE: Duration = Duration::from_secs(4);

pub(super) struct Fleet<'a> {
    pub(super) plan: &'a Plan,
    pub(super) hosts: Vec<HostState>,
    pub(super) observer: &'a mut dyn Observer,
    pub(super) interrupt: Interrupt,
    /// What of the interrupt was acted upon.
    pub(super) known: Asked,
    /// Where the run is.
    pub(super) phase: Phase,
    /// The name of this run on the hosts.
    pub(super) run: String,
    pub(super) transport: &'a dyn Transport,
    said: mpsc::Receiver<(usize, Said)>,
    sender: mpsc::Sender<(usize, Said)>,
    number: u32,
    kill_at: Option<tokio::time::Instant>,
    /// Tries that are repeated are not told again and again.
    pub(super) quiet: bool,
    /// Hosts whose turn to fetch has not come, and their scripts.
    waiting: VecDeque<(usize, Script)>,
}

type Connected = Result<(Box<dyn Connection>, Channel), ConnectError>;

impl<'a> Fleet<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        transport: &'a dyn Transport,
        observer: &'a mut dyn Observer,
        interrupt: Interrupt,
    ) -> Fleet<'a> {
        // Room for every host's last words, whether or not somebody listens just then.
        let (sender, said) = mpsc::channel(1024 + 4 * plan.targets.len());
        let hosts = plan.targets.iter().map(|t| HostState::new(&t.host.name)).collect();
        // Of two runs within a second, too, the later has the later name.
        let now = jiff::Timestamp::now();
        let run = format!("{:03x}{}", now.subsec_millisecond(), random(2));
        let run = crate::remote::release::name(now, &run, &[]);
        Fleet {
            plan,
            hosts,
            observer,
            known: interrupt.asked(),
            phase: Phase::Connect,
            interrupt,
            run: format!("{run}{}", random(2)),
            transport,
            said,
            sender,
            number: 0,
            kill_at: None,
            quiet: false,
            waiting: VecDeque::new(),
        }
    }

    /// Connects all hosts and runs the opening on each as soon as it is there.
    pub(super) async fn open(&mut self) {
        let phase = self.plan.opening_phase;
        let since = Instant::now();
        self.observer.event(&Event::PhaseStarted { phase: Phase::Connect });
        self.number += 1;
        let transport = self.transport;
        let command = start_command();
        let mut connecting: FuturesUnordered<_> = self
            .plan
            .targets
            .iter()
            .enumerate()
            .map(|(at, target)| {
                let command = &command;
                async move {
                    let connected: Connected = async {
                        let connection = transport.connect(&target.host).await?;
                        let channel = connection.exec(command).await?;
                        Ok((connection, channel))
                    }
                    .await;
                    (at, connected)
                }
            })
            .collect();
        if phase == Phase::Exec {
            self.observer.event(&Event::PhaseStarted { phase });
        }
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        while !connecting.is_empty() && !self.known.now {
            tokio::select! {
                Some((at, connected)) = connecting.next() => self.connected(at, connected),
                Some((at, said)) = self.said.recv() => self.hear(at, said, phase, false),
                asked = self.interrupt.beyond(self.known) => {
                    self.asked(asked);
                    self.stop_all();
                    break;
                }
                _ = tick.tick() => self.observer.tick(),
            }
        }
        drop(connecting);
        for host in self.hosts.iter_mut().filter(|h| !h.reachable() && h.failure.is_none()) {
            host.failure = Some(plain_failure(FailureKind::Interrupted, "connect", "stopped".into()));
        }
        let failed = self.failed();
        self.observer.event(&Event::PhaseEnded { phase: Phase::Connect, took: since.elapsed(), failed });
        self.phase = phase;
        self.until_done(phase, false).await;
    }

    // A host that was stopped because another failed did not fail.
    fn failed(&self) -> usize {
        let failures = self.hosts.iter().filter_map(|host| host.failure.as_ref());
        failures.filter(|failure| failure.kind != FailureKind::Interrupted).count()
    }

    fn connected(&mut self, at: usize, connected: Connected) {
        let host = &mut self.hosts[at];
        match connected {
            Ok((connection, channel)) => {
                let lost = self.plan.environment.timeouts.lost;
                let nonce = random(16);
                let line = Line::new(channel, &nonce, lost, (at, self.sender.clone()));
                host.connection = Some(connection);
                self.observer.event(&Event::Connected { host: &host.name });
                let target = &self.plan.targets[at];
                line.raw(PROGRAM.clone());
                line.raw(header(
                    &nonce,
                    self.plan.mode,
                    &self.run,
                    lost.as_secs().max(1),
                    target.host.path.as_str(),
                ));
                line.send(&Message::Set(&assignments(
                    target.variables.iter().map(|(n, v)| (*n, v.as_str())),
                )));
                line.send(&Message::Data("enter", &target.enter));
                line.send(&Message::Data("env", target.exports.expose_secret()));
                for (name, text) in &target.data {
                    line.send(&Message::Data(name, text.expose_secret()));
                }
                let opening = &self.plan.opening[at];
                if !opening.is_empty() {
                    line.send(&Message::Run(self.number, opening.as_str()));
                    host.running = Some(self.number);
                }
                host.line = Some(line);
            }
            Err(error) => {
                let failure = Failure {
                    kind: FailureKind::Unreachable,
                    step: "connect".into(),
                    exit: None,
                    message: error.full(),
                    hint: error.hint(),
                    tail: Vec::new(),
                };
                host.took = host.started.elapsed();
                self.observer.event(&Event::HostFailed {
                    host: &host.name,
                    phase: Phase::Connect,
                    failure: &failure,
                });
                host.failure = Some(failure);
            }
        }
    }

    /// Makes variables known that were not when the run began.
    pub(super) fn set(&mut self, at: usize, later: &[(&str, &str)]) {
        let known = self.plan.targets[at].variables.iter().map(|(name, value)| (*name, value.as_str()));
        let known = known.filter(|(name, _)| later.iter().all(|(other, _)| other != name));
        let text = assignments(known.chain(later.iter().copied()));
        if let Some(line) = &self.hosts[at].line {
            line.send(&Message::Set(&text));
        }
    }

    /// Tells each host its script and waits for all. Hosts that are gone or have failed are told nothing, unless
    /// `even_failed`.
    pub(super) async fn stage(&mut self, phase: Phase, scripts: &[Script], even_failed: bool) {
        let since = Instant::now();
        self.phase = phase;
        if !self.quiet {
            self.observer.event(&Event::PhaseStarted { phase });
        }
        self.number += 1;
        for (at, script) in scripts.iter().enumerate() {
            let host = &mut self.hosts[at];
            host.told = host.failure.is_some();
            if !script.is_empty() && host.reachable() && (even_failed || host.failure.is_none()) {
                self.waiting.push_back((at, script.clone()));
            }
        }
        self.start_waiting(phase);
        self.until_done(phase, even_failed).await;
        let failed = self.failed();
        if !self.quiet {
            self.observer.event(&Event::PhaseEnded { phase, took: since.elapsed(), failed });
        }
    }

    // All at once, but where they fetch.
    fn start_waiting(&mut self, phase: Phase) {
        let fetches = phase == Phase::Prepare && self.plan.action != Action::Revert;
        while !fetches || self.hosts.iter().filter(|host| host.fetching).count() < FETCHES {
            let Some((at, script)) = self.waiting.pop_front() else { return };
            let host = &mut self.hosts[at];
            if let Some(line) = &host.line {
                line.send(&Message::Run(self.number, script.as_str()));
                host.running = Some(self.number);
                host.fetching = fetches;
                host.told = host.failure.is_some();
            }
        }
    }

    /// The same script for some hosts.
    pub(super) async fn tell(
        &mut self,
        phase: Phase,
        script: &Script,
        which: impl Fn(usize, &HostState) -> bool,
    ) {
        let scripts: Vec<Script> = (self.hosts.iter().enumerate())
            .map(|(at, host)| if which(at, host) { script.clone() } else { Script::new() })
            .collect();
        self.stage(phase, &scripts, true).await;
    }

    async fn until_done(&mut self, phase: Phase, undoing: bool) {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        while self.hosts.iter().any(|host| host.running.is_some()) && !self.known.now {
            let kill_at = self.kill_at;
            let kill = async {
                match kill_at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some((at, said)) = self.said.recv() => {
                    self.hear(at, said, phase, undoing);
                    self.start_waiting(phase);
                }
                asked = self.interrupt.beyond(self.known) => {
                    self.asked(asked);
                    if !undoing {
                        self.stop_all();
                    }
                }
                () = kill => {
                    self.kill_at = None;
                    self.to_running(&Message::Kill);
                }
                _ = tick.tick() => self.observer.tick(),
            }
        }
        self.kill_at = None;
    }

    fn hear(&mut self, at: usize, said: Said, phase: Phase, undoing: bool) {
        let host = &mut self.hosts[at];
        if !host.hear(said, phase, self.observer) {
            return;
        }
        host.took = host.started.elapsed();
        host.explain(&self.plan.environment.app.repo);
        match &host.failure {
            Some(failure) if !host.told => {
                // Of a lock that is taken nothing is said before the run gives up.
                if !matches!(failure.kind, FailureKind::Interrupted | FailureKind::Busy) {
                    self.observer.event(&Event::HostFailed { host: &host.name, phase, failure });
                }
                host.told = true;
                // Nothing is live yet, and nothing will be: the others need not build to the end.
                if !undoing
                    && matches!(phase, Phase::Prepare | Phase::Ready)
                    && self.plan.action != Action::Revert
                {
                    self.stop_all();
                }
            }
            _ => self.observer.event(&Event::HostDone { host: &host.name, phase }),
        }
    }

    pub(super) fn asked(&mut self, asked: Asked) {
        let signal = if asked.signal == 15 { "SIGTERM" } else { "Ctrl-C" };
        if self.known.signal == 0 {
            self.observer.event(&Event::Interrupted { signal, alone: None });
        }
        if asked.now && !self.known.now {
            self.observer.event(&Event::Interrupted { signal, alone: Some(self.alone()) });
        }
        self.known = asked;
    }

    /// What hosts do without an operator, here.
    fn alone(&self) -> &'static str {
        match self.phase {
            Phase::Check | Phase::Connect | Phase::Lock | Phase::Local => "nothing was begun: they unlock",
            Phase::Prepare | Phase::Ready => "they end their step, remove the new release and unlock",
            Phase::Activate | Phase::Whole | Phase::PutBack => {
                "they put back what they served before and unlock; `status` shows when that is done"
            }
            Phase::Confirm | Phase::Finish => "the new release is live: they finish and unlock",
            Phase::Prune => "they remove what they were at, and unlock",
            Phase::Exec => "they end the command",
        }
    }

    fn stop_all(&mut self) {
        self.waiting.clear();
        self.to_running(&Message::Stop);
        self.kill_at.get_or_insert(tokio::time::Instant::now() + GRACE);
    }

    fn to_running(&self, message: &Message<'_>) {
        for line in self.hosts.iter().filter(|h| h.running.is_some()).filter_map(|h| h.line.as_ref()) {
            line.send(message);
        }
    }

    /// Ends all lines; hosts that still hold something put it right by themselves. Waits a moment, so that what ends
    /// well is seen to end.
    pub(super) async fn close(&mut self) {
        for host in &mut self.hosts {
            if let Some(line) = host.line.take() {
                line.send(&Message::Bye);
            }
        }
        let open = self.hosts.iter().filter(|h| h.connection.is_some()).count();
        let mut ended = 0;
        let limit = tokio::time::sleep(Duration::from_secs(2));
        tokio::pin!(limit);
        while ended < open && !self.known.now {
            tokio::select! {
                Some((_, said)) = self.said.recv() => ended += usize::from(matches!(said, Said::Gone(_))),
                () = &mut limit => break,
            }
        }
        for host in &mut self.hosts {
            host.connection = None;
        }
    }
}

pub(super) fn plain_failure(kind: FailureKind, step: &str, message: String) -> Failure {
    Failure { kind, step: step.to_owned(), exit: None, message, hint: None, tail: Vec::new() }
}

// Hexadecimal digits of so many random bytes.
fn random(bytes: usize) -> String {
    let mut noise = vec![0_u8; bytes];
    // Without the kernel's randomness there is no SSH either; the clock at least tells runs apart.
    if getrandom::fill(&mut noise).is_err() {
        let now = jiff::Timestamp::now().as_nanosecond().to_le_bytes();
        noise.iter_mut().zip(now).for_each(|(byte, clock)| *byte = clock);
    }
    noise.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
