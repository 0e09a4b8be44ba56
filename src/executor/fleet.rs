//! All hosts of a run: connecting them, telling them scripts, waiting at the barrier.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::bounds::Counted;
use super::clock::{after, at_time};
use super::event::{Event, Failure, FailureKind, Observer};
use super::host::HostState;
use super::interrupt::{Asked, Interrupt};
use super::live::Live;
use super::message::HostMessage;
use super::notice::Notice;
use super::random::random;
use super::stopping::Stopping;
use crate::plan::{OnFailure, Phase, Plan, Stage};
use crate::remote::script::{Script, assignments};
use crate::remote::step::Step;
use crate::remote::warning::{Told, Warning};
use crate::remote::wire::{Message, Reply};
use crate::transport::Transport;

/// How many hosts ask one git server at a time.
const FETCHES: usize = 32;
/// How long a run is left to see its hosts end: a nearby host that has answered everything ends sooner, and for another one
/// a round trip more would tell nothing.
const ENDING: Duration = Duration::from_millis(50);
/// The same where something failed.
const ENDING_BADLY: Duration = Duration::from_secs(2);

pub(super) struct Fleet<'a> {
    pub(super) plan: &'a Plan,
    pub(super) hosts: Vec<HostState>,
    pub(super) observer: &'a mut dyn Observer,
    pub(super) interrupt: Interrupt,
    /// What of the interrupt was acted upon.
    pub(super) known: Asked,
    /// What hosts said about their releases.
    warned: Told,
    /// Where the run is.
    pub(super) phase: Phase,
    /// Of a phase that is gone through in parts: which.
    pub(super) part: Option<String>,
    /// What goes live of each app, once it was decided.
    pub(super) goals: Vec<Option<Live>>,
    /// The name of this run on the hosts.
    pub(super) run: String,
    pub(super) transport: &'a dyn Transport,
    pub(super) said: mpsc::Receiver<(usize, HostMessage)>,
    pub(super) sender: mpsc::Sender<(usize, HostMessage)>,
    pub(super) number: u32,
    pub(super) stopping: Stopping,
    /// The observer hears nothing of phases: attempts that are repeated would be shown again and again.
    pub(super) quiet: bool,
    /// Hosts whose turn has not come, and their scripts.
    pub(super) waiting: VecDeque<(usize, Script)>,
}

impl<'a> Fleet<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        transport: &'a dyn Transport,
        observer: &'a mut dyn Observer,
        interrupt: Interrupt,
    ) -> Fleet<'a> {
        // Room for each host's final messages, whether or not somebody listens just then.
        let (sender, said) = mpsc::channel(1024 + 4 * plan.targets.len());
        let hosts = plan.targets.iter().map(|t| HostState::new(&t.name, t.app)).collect();
        // Of two runs within a second, too, the later has the later name.
        let now = jiff::Timestamp::now();
        let run = format!("{:03x}{}", now.subsec_millisecond(), random(2));
        let run = crate::remote::release::name(now, &run, &[]);
        Fleet {
            plan,
            hosts,
            observer,
            known: interrupt.asked(),
            warned: Told::default(),
            phase: Phase::Connect,
            part: None,
            interrupt,
            goals: vec![None; plan.environment.apps.len()],
            run: format!("{run}{}", random(2)),
            transport,
            said,
            sender,
            number: 0,
            stopping: Stopping::default(),
            quiet: false,
            waiting: VecDeque::new(),
        }
    }

    /// The targets of an app, and their numbers.
    pub(super) fn of_app(&self, app: usize) -> impl Iterator<Item = (usize, &HostState)> {
        self.hosts.iter().enumerate().filter(move |(_, host)| host.app == app)
    }

    /// Whether any host is connected.
    pub(super) fn is_open(&self) -> bool {
        self.hosts.iter().any(HostState::is_connected)
    }

    // A host that was stopped because another failed did not fail.
    pub(super) fn failed(&self) -> usize {
        let failures =
            self.hosts.iter().filter(|host| !host.is_lost_unchanged()).filter_map(|h| h.failure.as_ref());
        failures.filter(|failure| failure.kind != FailureKind::Interrupted).count()
    }

    /// Waits for something that is not the hosts'; `None`: the user wants to stop, or a host failed meanwhile.
    pub(super) async fn wait_for<T>(&mut self, until: impl Future<Output = T>, drawing: bool) -> Option<T> {
        let mut until = std::pin::pin!(until);
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        let (phase, before) = (self.phase, self.failed());
        loop {
            tokio::select! {
                done = &mut until => return Some(done),
                Some((at, said)) = self.said.recv() => {
                    self.hear(at, said, phase, false);
                    if self.failed() > before {
                        return None;
                    }
                }
                asked = self.interrupt.beyond(self.known) => {
                    self.asked(asked);
                    return None;
                }
                _ = tick.tick(), if drawing => self.observer.tick(),
            }
        }
    }

    /// Makes variables known that were not when the run began, beside those that were.
    pub(super) fn set<'v>(&mut self, at: usize, later: impl IntoIterator<Item = (&'v str, &'v str)>) {
        let host = &mut self.hosts[at];
        host.later.extend(later.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        let known = self.plan.targets[at].variables.iter().map(|(name, value)| (*name, value.as_str()));
        let known = known.filter(|(name, _)| !host.later.contains_key(*name));
        let later = host.later.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let text = assignments(known.chain(later));
        if let Some(session) = &host.session {
            session.send(&Message::Set(&text));
        }
    }

    /// Sends each host its script and waits for all. Hosts that are lost are sent nothing; hosts that failed neither, unless
    /// `even_failed`.
    pub(super) async fn stage(&mut self, phase: Phase, scripts: &[Script], even_failed: bool) {
        let since = Instant::now();
        self.phase = phase;
        if !self.quiet {
            let part = self.part.as_deref();
            self.observer.event(&Event::PhaseStarted { phase, part });
        }
        self.number += 1;
        for (at, script) in scripts.iter().enumerate() {
            let host = &mut self.hosts[at];
            host.failure_reported = host.failure.is_some();
            let takes_part =
                host.is_connected() && !host.is_released() && (even_failed || host.failure.is_none());
            if !script.is_empty() && takes_part {
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

    /// Hosts of the last stage whose turn never came.
    pub(super) fn never_told(&self) -> impl Iterator<Item = usize> {
        self.waiting.iter().map(|(at, _)| *at)
    }

    // All at once, but where they fetch, or the user wants fewer at work.
    pub(super) fn start_waiting(&mut self, phase: Phase) {
        let fetches = phase == Phase::Prepare && self.plan.policy.fetches;
        let most = self.plan.concurrency.unwrap_or(usize::MAX);
        let count = |which: fn(&HostState) -> bool, hosts: &[HostState]| {
            hosts.iter().filter(|host| which(host)).count()
        };
        while (!fetches || count(|host| host.fetching, &self.hosts) < FETCHES)
            && (most == usize::MAX || count(|host| host.running.is_some(), &self.hosts) < most)
        {
            let Some((at, script)) = self.waiting.pop_front() else { return };
            self.send_bulk(at);
            let host = &mut self.hosts[at];
            if let Some(session) = &host.session {
                session.send(&Message::Run(self.number, script.as_str()));
                host.running = Some(self.number);
                host.bounds.script_begins();
                host.deadline = after(self.plan.targets[at].limits.deadline(&script));
                host.stopped = false;
                if phase == Phase::Activate {
                    host.fate.touch();
                }
                host.fetching = fetches;
                host.failure_reported = host.failure.is_some();
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

    pub(super) async fn until_done(&mut self, phase: Phase, undoing: bool) {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        while self.hosts.iter().any(|host| host.running.is_some()) && !self.known.now {
            let stopping = self.stopping;
            let late = at_time(self.first_deadline());
            tokio::select! {
                Some((at, said)) = self.said.recv() => {
                    self.hear(at, said, phase, undoing);
                    self.start_waiting(phase);
                }
                () = late => {
                    self.give_up_late(phase, undoing);
                    self.start_waiting(phase);
                }
                asked = self.interrupt.beyond(self.known) => {
                    self.asked(asked);
                    if !undoing {
                        self.stop_all();
                    }
                }
                () = at_time(stopping.stop_at) => self.stop_all(),
                () = at_time(stopping.kill_at) => self.kill_all(),
                _ = tick.tick() => self.observer.tick(),
            }
        }
        self.stopping = Stopping::default();
    }

    pub(super) fn hear(&mut self, at: usize, said: HostMessage, phase: Phase, undoing: bool) {
        if let HostMessage::LocalStep(step) = said {
            return self.hear_local_step(at, step);
        }
        match self.count(at, &said) {
            Counted::Within => self.take_in(at, said, phase, undoing),
            Counted::TooMuch(why) => self.give_up(at, why, phase, undoing),
            Counted::Unwanted => {}
        }
    }

    pub(super) fn take_in(&mut self, at: usize, said: HostMessage, phase: Phase, undoing: bool) {
        let said = match said {
            HostMessage::Reply(number, Reply::Ask(step)) => {
                return self.start_local_step(at, number, &step, undoing);
            }
            HostMessage::Reply(_, Reply::Warning(word, fields)) => return self.warn(at, &word, &fields),
            HostMessage::Reply(_, Reply::Need) => return self.send_program(at),
            HostMessage::Reply(_, Reply::Hello) => return self.shell_started(at),
            said => said,
        };
        let gave_up = match &said {
            HostMessage::Gone(_) => !undoing,
            said => matches!(said, HostMessage::Reply(_, Reply::End(..))),
        };
        if gave_up {
            self.stop_local_step(at);
        }
        let host = &mut self.hosts[at];
        // It was released; the end of its connection is no failure.
        if host.is_released() {
            return;
        }
        if !host.hear(said, phase, self.observer) {
            self.stop_at_users_step(at);
            return;
        }
        host.took = host.started.elapsed();
        host.explain(&self.plan.environment);
        match &host.failure {
            Some(failure) if !host.failure_reported => {
                // Of a lock that is taken nothing is said before the run gives up.
                if !matches!(failure.kind, FailureKind::Interrupted | FailureKind::Busy) {
                    self.observer.event(&Event::HostFailed { host: &host.name, phase, failure });
                }
                host.failure_reported = true;
                // Nothing is live yet, and nothing will be: the others need not build to the end.
                if !undoing
                    && matches!(phase, Phase::Prepare | Phase::Ready)
                    && self.plan.policy.on_failure == OnFailure::RollBack
                    && !self.hosts[at].is_lost_unchanged()
                {
                    self.stop_others(at);
                }
            }
            _ => {
                self.observer.event(&Event::HostDone { host: &host.name, phase });
                self.send_bulk(at);
            }
        }
    }

    /// Tells what a host says about its release, unless another host of the app said the same.
    fn warn(&mut self, at: usize, word: &str, fields: &[String]) {
        let Some(warning) = Warning::parse(word, fields) else { return };
        let host = warning.is_of_host().then(|| self.hosts[at].name.clone());
        let (of, apps) = (self.plan.targets[at].app, &self.plan.environment.apps);
        if host.is_some() || self.warned.is_new(of, &warning) {
            let app = (apps.len() > 1).then(|| apps[of].name.to_string());
            Notice::Release { host, app, warning }.tell(self.observer);
        }
    }

    pub(super) fn asked(&mut self, asked: Asked) {
        let signal = if asked.signal == 15 { "SIGTERM" } else { "Ctrl-C" };
        let finishes =
            self.plan.policy.on_failure.finishes() || matches!(self.phase, Phase::Confirm | Phase::Finish);
        let goes_live =
            |stage: &Stage| matches!(stage.phase, Phase::Activate | Phase::SingleHost | Phase::Prepare);
        let begun = match finishes {
            true => "finished",
            // A command of the user's, a setup, a prune: nothing takes back what they did.
            false if !self.plan.stages.iter().any(goes_live) => "kept",
            false => "undone",
        };
        if self.known.signal == 0 {
            self.observer.event(&Event::Interrupted { signal, begun, alone: None });
        }
        if asked.now && !self.known.now {
            self.observer.event(&Event::Interrupted { signal, begun, alone: Some(self.alone()) });
        }
        self.known = asked;
    }

    /// What hosts do without an operator, here.
    fn alone(&self) -> &'static str {
        match self.phase {
            Phase::Check | Phase::Connect | Phase::Lock | Phase::Local => {
                "nothing was started; the hosts unlock"
            }
            Phase::Prepare | Phase::Ready => "they end their step, remove the new release and unlock",
            Phase::Activate | Phase::SingleHost | Phase::Rollback
                if self.plan.policy.on_failure.finishes() =>
            {
                "hosts that have started finish, and unlock; `status` shows when that is done"
            }
            Phase::Activate | Phase::SingleHost | Phase::Rollback
                if self.plan.local_steps.iter().any(|hook| hook.step == Step::Undrain) =>
            {
                "they roll back to what they served before and unlock, and stay drained where they are; \
                 `status` shows when that is done"
            }
            Phase::Activate | Phase::SingleHost | Phase::Rollback => {
                "they roll back to what they served before and unlock; `status` shows when that is done"
            }
            Phase::Confirm | Phase::Finish => "the new release is live: they finish and unlock",
            Phase::Prune => "they finish the current removal and release the lock",
            Phase::Exec => "they end the command",
        }
    }

    /// Closes all connections; hosts that still hold something put it right by themselves. Waits a moment, so that what ends
    /// well is seen to end.
    pub(super) async fn close(&mut self) {
        for host in &mut self.hosts {
            if let Some(session) = host.session.take() {
                session.send(&Message::Bye);
            }
        }
        let open = self.hosts.iter().filter(|h| h.connection.is_some()).count();
        let mut ended = 0;
        let well = self.hosts.iter().all(|host| host.running.is_none() && host.failure.is_none());
        let limit = tokio::time::sleep(if well { ENDING } else { ENDING_BADLY });
        tokio::pin!(limit);
        while ended < open && !self.known.now {
            tokio::select! {
                Some((_, said)) = self.said.recv() => ended += usize::from(matches!(said, HostMessage::Gone(_))),
                () = &mut limit => break,
            }
        }
        for host in &mut self.hosts {
            host.connection = None;
        }
    }
}

pub(super) fn plain_failure(kind: FailureKind, step: Step, message: String) -> Failure {
    Failure { kind, step, exit: None, message, reason: None, hint: None, tail: Vec::new() }
}
