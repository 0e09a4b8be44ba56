//! A run that holds the lock: deploy, revert, setup, unlock. Forward through the stages of the plan; on the first failure
//! back, in an order that leaves all hosts serving the same.

use std::time::{Duration, Instant};

use super::event::{Event, Failure, FailureKind, Observer};
use super::fleet::Fleet;
use super::host::HostState;
use super::interrupt::Interrupt;
use super::local::{self, Heard};
use super::lock;
use super::outcome::{End, Outcome};
use super::restart;
use super::settle;
use super::sync;
use super::wanted::{self, Decision};
use crate::git::Revision;
use crate::plan::{Action, LocalHook, Phase, Plan, Stage, Work};
use crate::remote::script::Script;
use crate::transport::{Exit, Transport};

/// What a run is asked to do, besides its plan.
pub struct Request<'a> {
    /// What will be done.
    pub plan: &'a Plan,
    /// Towards what.
    pub wanted: Wanted,
    /// How long to wait for another run's lock.
    pub lock_wait: Duration,
}

/// What the run is to make live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The configured ref; a new release even if nothing changed.
    Reference {
        /// A new release though nothing changed.
        redeploy: bool,
    },
    /// This commit.
    Commit {
        /// Full commit id.
        revision: Revision,
        /// A new release though nothing changed.
        redeploy: bool,
    },
    /// So many releases back.
    Back(u32),
    /// That release, or the one of that revision.
    Release(String),
    /// What is live on most hosts, on those that differ; on these hosts only, where any are named.
    Sync {
        /// Names of hosts; none: all.
        only: Vec<String>,
    },
    /// What is live, on each host.
    Restart,
    /// What is live, and no more than is kept.
    Prune,
    /// Nothing: setup, unlock.
    Nothing,
}

pub(super) struct Run<'a> {
    pub(super) fleet: Fleet<'a>,
    pub(super) request: &'a Request<'a>,
    pub(super) since: Instant,
    /// Known once it was decided.
    pub(super) release: Option<String>,
    pub(super) revision: Option<String>,
    /// A failure that is no host's.
    pub(super) failure: Option<Failure>,
    pub(super) failed_in: Option<Phase>,
    pub(super) migrated: bool,
    pub(super) confirmed: bool,
    /// Until when hosts in doubt are called again.
    pub(super) settle_until: Option<tokio::time::Instant>,
}

/// The run stops here; why is written down.
pub(super) struct Stopped;

/// Carries out a plan.
pub async fn run(
    request: &Request<'_>,
    transport: &dyn Transport,
    observer: &mut dyn Observer,
    interrupt: Interrupt,
) -> Outcome {
    let plan = request.plan;
    let names: Vec<String> = plan.targets.iter().map(|t| t.host.name.clone()).collect();
    let environment = &plan.environment.name;
    observer.event(&Event::Started { action: plan.action.name(), environment, hosts: &names });
    let mut run = Run {
        fleet: Fleet::new(plan, transport, observer, interrupt),
        request,
        since: Instant::now(),
        release: None,
        revision: None,
        failure: None,
        failed_in: None,
        migrated: false,
        confirmed: false,
        settle_until: None,
    };
    let end = match run.forward().await {
        Ok(end) => end,
        Err(Stopped) if plan.action == Action::Restart => restart::back(&mut run).await,
        Err(Stopped) => run.back().await,
    };
    let end = sync::counting_those_aside(&run, end);
    run.fleet.close().await;
    let outcome = run.outcome(end);
    run.afterwards(&outcome).await;
    outcome
}

impl Run<'_> {
    async fn forward(&mut self) -> Result<End, Stopped> {
        let plan = self.request.plan;
        self.fleet.open().await;
        if plan.action == Action::Unlock {
            return if self.fleet.hosts.iter().all(|h| h.failure.is_none()) {
                Ok(End::Done)
            } else {
                Err(Stopped)
            };
        }
        if plan.action == Action::Sync {
            sync::set_aside(self);
        }
        let tolerant = plan.action == Action::Revert;
        lock::all(self, self.request.lock_wait).await?;
        wanted::heed_hold(self)?;
        self.barrier(Phase::Connect, tolerant)?;
        if plan.action != Action::Setup {
            match wanted::decide(self).await? {
                Decision::Nothing => {
                    self.fleet.tell(Phase::Finish, &plan.leave, |_, _| true).await;
                    return Ok(End::NothingToDo);
                }
                Decision::Go => {}
            }
        }
        for stage in &plan.stages {
            self.stage(stage).await?;
        }
        if self.fleet.hosts.iter().all(|host| host.failure.is_none()) {
            let idle = |host: &HostState| host.fact("idle").is_some() || host.fact("pruned") == Some("0");
            return Ok(if self.fleet.hosts.iter().all(idle) { End::NothingToDo } else { End::Done });
        }
        // A revert that went on without some: those let go too.
        let failures: Vec<_> = self.fleet.hosts.iter_mut().map(|host| host.failure.take()).collect();
        self.fleet.tell(Phase::PutBack, &plan.undo, |at, _| failures[at].is_some()).await;
        for (host, failure) in self.fleet.hosts.iter_mut().zip(failures) {
            host.failure = failure;
        }
        Ok(End::Split)
    }

    // Whether all are well that have to be. A revert goes on with those that are: at night, with one host dead, the others
    // must come back.
    pub(super) fn barrier(&mut self, phase: Phase, tolerant: bool) -> Result<(), Stopped> {
        let failed = self.fleet.hosts.iter().filter(|h| h.failure.is_some()).count();
        let interrupted = self.fleet.known.signal != 0;
        if (failed == 0 || tolerant && failed < self.fleet.hosts.len()) && !interrupted {
            return Ok(());
        }
        self.failed_in.get_or_insert(phase);
        Err(Stopped)
    }

    async fn stage(&mut self, stage: &Stage) -> Result<(), Stopped> {
        let hosts = &self.fleet.hosts;
        if !hosts.iter().any(|host| host.takes_part(stage.who)) {
            return Ok(());
        }
        match &stage.work {
            Work::Local(hooks) => {
                let part = |hook: &&LocalHook| hook.target.is_none_or(|at| hosts[at].takes_part(stage.who));
                let hooks: Vec<&LocalHook> = hooks.iter().filter(part).collect();
                self.local(stage.phase, &hooks).await?;
            }
            Work::Remote(scripts) => {
                let part = |(host, script): (&HostState, &Script)| {
                    if host.takes_part(stage.who) { script.clone() } else { Script::new() }
                };
                let scripts: Vec<Script> = hosts.iter().zip(scripts).map(part).collect();
                self.fleet.stage(stage.phase, &scripts, false).await;
                self.migrated |= self.fleet.hosts.iter().any(|host| host.migrated);
            }
        }
        match stage.phase {
            Phase::Whole => return self.whole().await,
            Phase::Finish => {
                self.finished();
                return Ok(());
            }
            Phase::Confirm => {
                let confirmed = self.settle_lost().await;
                self.confirmed = confirmed;
                if confirmed {
                    return Ok(());
                }
            }
            _ => {}
        }
        self.barrier(stage.phase, self.request.plan.action == Action::Revert)
    }

    // A single host did it all in one go. Where the line ended on the way, it is asked how far it came.
    async fn whole(&mut self) -> Result<(), Stopped> {
        if self.fleet.hosts[0].lost {
            let before = self.fleet.hosts[0].live();
            let answer = settle::settle(self, 0, true).await;
            let host = &mut self.fleet.hosts[0];
            if let Some(answer) = answer {
                host.switched |= answer.was_live;
                let live = answer.live.as_ref().map(|live| &live.release);
                self.confirmed = live.is_some() && live == self.release.as_ref() && !answer.unfinished;
                // Back by itself: no doubt about it.
                host.lost &= answer.live != before || answer.unfinished;
            }
        }
        let host = &self.fleet.hosts[0];
        // Recorded is done, whatever failed after that.
        let done = host.running.is_none() && (host.failure.is_none() || host.fact("finished").is_some());
        self.confirmed |= done;
        if self.confirmed {
            self.finished();
            return Ok(());
        }
        self.failed_in = Some(Phase::Whole);
        Err(Stopped)
    }

    // What fails after all is live is told, never undone.
    fn finished(&mut self) {
        if self.request.plan.action == Action::Setup {
            return;
        }
        for host in self.fleet.hosts.iter_mut().filter(|host| host.switched) {
            if let Some(failure) = host.failure.take_if(|f| matches!(f.step.as_str(), "finish" | "script")) {
                let text = format!("live, but not cleaned up: {}", failure.message);
                self.fleet.observer.event(&Event::Notice { host: Some(&host.name), text: &text });
            } else if host.lost && self.confirmed && host.fact("in-doubt").is_none() {
                host.failure = None;
                let text = "the line ended after it was live and confirmed; the host finishes by itself";
                self.fleet.observer.event(&Event::Notice { host: Some(&host.name), text });
            }
        }
    }

    async fn local(&mut self, phase: Phase, hooks: &[&LocalHook]) -> Result<(), Stopped> {
        self.fleet.phase = phase;
        self.fleet.observer.event(&Event::PhaseStarted { phase });
        for hook in hooks {
            self.migrated |= hook.step == "migrate";
            if let Err(failure) = self.hook(hook, "").await {
                self.failure = Some(failure);
                self.failed_in = Some(phase);
                let asked = self.fleet.interrupt.asked();
                if asked != self.fleet.known {
                    self.fleet.asked(asked);
                }
                return Err(Stopped);
            }
        }
        Ok(())
    }

    async fn hook(&mut self, hook: &LocalHook, input: &str) -> Result<(), Failure> {
        let plan = self.request.plan;
        let variables = self.hook_variables(hook);
        let name = hook.target.map_or("here", |at| plan.targets[at].host.name.as_str());
        let observer = &mut *self.fleet.observer;
        observer.event(&Event::StepStarted { host: name, step: &hook.step });
        let mut hear = |heard: Heard<'_>| match heard {
            Heard::Output(bytes) => observer.event(&Event::Output { host: name, step: &hook.step, bytes }),
            Heard::Tick => observer.tick(),
        };
        let surroundings = (plan.environment.root.as_path(), &variables[..]);
        let (since, mut interrupt) = (Instant::now(), self.fleet.interrupt.clone());
        let ended = local::run(hook, surroundings, input, &mut interrupt, &mut hear).await;
        let exit = match &ended {
            Ok(()) => Exit::Code(0),
            // What took too long, or was to stop, was ended so.
            Err(failure) => failure.exit.clone().unwrap_or(Exit::Signal("TERM".into())),
        };
        let took = since.elapsed();
        observer.event(&Event::StepEnded { host: name, step: &hook.step, exit: &exit, took });
        ended
    }

    fn hook_variables(&self, hook: &LocalHook) -> Vec<(String, String)> {
        let plan = self.request.plan;
        let at = hook.target.unwrap_or(0);
        let known = |name: &str| {
            let found = plan.targets.get(at).and_then(|t| t.variables.iter().find(|(n, _)| *n == name));
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let host = if hook.target.is_some() { known("host") } else { String::new() };
        let previous = self.fleet.hosts.get(at).and_then(|h| h.fact("live-revision")).unwrap_or_default();
        [
            ("SHIPIT_ENV", known("environment")),
            ("SHIPIT_APP", known("app")),
            ("SHIPIT_HOST", host),
            ("SHIPIT_ROLES", String::new()),
            ("SHIPIT_ACTION", known("action")),
            ("SHIPIT_RELEASE", self.release.clone().unwrap_or_default()),
            ("SHIPIT_REVISION", self.revision.clone().unwrap_or_default()),
            ("SHIPIT_PREVIOUS_REVISION", previous.to_owned()),
            ("SHIPIT_REF", known("reference")),
            ("SHIPIT_USER", known("user")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    // The local hooks at the end. Their failure is told; the deploy stays what it is.
    async fn afterwards(&mut self, outcome: &Outcome) {
        let plan = self.request.plan;
        let hooks = match outcome.end {
            End::Done => &plan.after,
            End::NothingToDo => return,
            _ => &plan.after_failure,
        };
        for hook in hooks {
            if self.fleet.interrupt.asked().now {
                return;
            }
            if let Err(failure) = self.hook(hook, &outcome.to_json()).await {
                let text = format!("{} failed: {}", hook.step, failure.message);
                self.fleet.observer.event(&Event::Notice { host: None, text: &text });
            }
        }
    }

    pub(super) fn stop(&mut self, phase: Phase, failure: Failure) -> Stopped {
        self.failure = Some(failure);
        self.failed_in = Some(phase);
        Stopped
    }

    pub(super) fn refuse(
        &mut self,
        kind: FailureKind,
        step: &str,
        message: String,
        hint: Option<String>,
    ) -> Stopped {
        let failure = Failure { kind, step: step.to_owned(), exit: None, message, hint, tail: Vec::new() };
        self.stop(Phase::Lock, failure)
    }
}
