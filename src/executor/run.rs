//! A run that holds the lock: deploy, revert, setup, unlock. Forward through the stages of the plan; on the first failure
//! back, in an order that leaves all hosts serving the same.

use std::time::{Duration, Instant};

use super::event::{Event, Failure, FailureKind, Observer};
use super::fleet::Fleet;
use super::host::HostState;
use super::interrupt::Interrupt;
use super::lock;
use super::outcome::{End, Live, Outcome};
use super::restart;
use super::rollout;
use super::settle;
use super::sync;
use super::wanted::{self, Decision};
use crate::git::Revision;
use crate::plan::{Action, LocalHook, Phase, Plan, Stage, Work};
use crate::remote::script::Script;
use crate::transport::{Boxed, Transport};

/// What a run is asked to do, besides its plan.
pub struct Request<'a> {
    /// What will be done.
    pub plan: &'a Plan,
    /// Towards what.
    pub wanted: Wanted,
    /// How long to wait for another run's lock.
    pub lock_wait: Duration,
    /// Who is asked where the plan pauses for that; none: it goes on.
    pub ask: Option<&'a dyn Ask>,
}

/// Somebody to ask.
pub trait Ask {
    /// Whether to go on. May take as long as it takes: hosts are kept meanwhile.
    fn ask<'a>(&'a self, question: &'a str) -> Boxed<'a, bool>;
}

/// What the run is to make live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Of each app this commit, else its ref.
    Refs {
        /// Full commit ids, in the order of the apps.
        commits: Vec<Option<Revision>>,
        /// A new release though nothing changed.
        redeploy: bool,
    },
    /// So many deploys back.
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
    let names: Vec<String> = plan.targets.iter().map(|t| t.name.clone()).collect();
    let environment = &plan.environment.name;
    observer.event(&Event::Started { action: plan.action.name(), environment, hosts: &names });
    let mut run = Run {
        fleet: Fleet::new(plan, transport, observer, interrupt),
        request,
        since: Instant::now(),
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

impl<'a> Run<'a> {
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
        rollout::leave_out(self);
        let tolerant = plan.action == Action::Revert;
        lock::all(self, self.request.lock_wait).await?;
        wanted::heed_hold(self)?;
        self.barrier(Phase::Connect, tolerant)?;
        if plan.action != Action::Setup {
            let decision = wanted::decide(self).await?;
            rollout::go_without(self)?;
            if let Decision::Nothing = decision {
                self.fleet.tell(Phase::Finish, &plan.leave, |_, _| true).await;
                // A revert finds all there that it could ask.
                self.barrier(Phase::Connect, false)?;
                return Ok(End::NothingToDo);
            }
        }
        for (at, stage) in plan.stages.iter().enumerate() {
            self.stage(stage).await?;
            if stage.batch.is_some() && stage.batch != plan.stages.get(at + 1).and_then(|next| next.batch) {
                self.batch_is_live();
            }
        }
        if self.fleet.hosts.iter().all(|host| host.failure.is_none()) {
            let idle = |host: &HostState| host.fact("idle").is_some() || host.fact("pruned") == Some("0");
            return Ok(if self.fleet.hosts.iter().all(idle) { End::NothingToDo } else { End::Done });
        }
        // A revert that went on without some: those let go too.
        self.ask_lost().await;
        self.tell_unwell().await;
        let failures: Vec<_> = self.fleet.hosts.iter_mut().map(|host| host.failure.take()).collect();
        self.fleet.tell(Phase::Rollback, &plan.undo, |at, _| failures[at].is_some()).await;
        for (host, failure) in self.fleet.hosts.iter_mut().zip(failures) {
            host.failure = failure;
        }
        Ok(if self.fleet.hosts.iter().all(|host| host.failure.is_none()) { End::Done } else { End::Split })
    }

    fn batch_is_live(&mut self) {
        for host in &mut self.fleet.hosts {
            host.in_service |= host.switched && host.failure.is_none() && host.running.is_none();
        }
    }

    // Whether all are well that have to be. A revert goes on with those that are: at night, with one host dead, the others
    // must come back.
    pub(super) fn barrier(&mut self, phase: Phase, tolerant: bool) -> Result<(), Stopped> {
        let concerned = || self.fleet.hosts.iter().filter(|host| !host.idle);
        let failed = concerned().filter(|host| host.failure.is_some()).count();
        let interrupted = self.fleet.known.signal != 0;
        if (failed == 0 || tolerant && failed < concerned().count()) && !interrupted {
            return Ok(());
        }
        self.failed_in.get_or_insert(phase);
        Err(Stopped)
    }

    async fn stage(&mut self, stage: &Stage) -> Result<(), Stopped> {
        self.fleet.part = self.part_name(stage);
        let hosts = &self.fleet.hosts;
        if !hosts.iter().any(|host| host.takes_part(stage.who)) {
            return Ok(());
        }
        match &stage.work {
            Work::Local(hooks) => {
                let part = |hook: &&LocalHook| match hook.target {
                    Some(at) => hosts[at].takes_part(stage.who),
                    None => self.concerns(hook.app),
                };
                let hooks: Vec<&LocalHook> = hooks.iter().filter(part).collect();
                self.local(stage.phase, &hooks).await?;
            }
            Work::Health(targets) => self.health(stage, targets).await,
            Work::Pause(pause) => return self.pause(*pause, stage).await,
            Work::Remote(scripts) => {
                let part = |(host, script): (&HostState, &Script)| {
                    if host.takes_part(stage.who) { script.clone() } else { Script::new() }
                };
                let scripts: Vec<Script> = hosts.iter().zip(scripts).map(part).collect();
                self.fleet.stage(stage.phase, &scripts, false).await;
                self.migrated |= self.fleet.hosts.iter().any(|host| host.migrated);
            }
        }
        sync::let_go_of_the_rest(self);
        match stage.phase {
            Phase::SingleHost => return self.whole().await,
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

    // Of those whose release has a question that is asked from here.
    async fn health(&mut self, stage: &Stage, targets: &[usize]) {
        let mut questions = Vec::new();
        for at in targets {
            let host = &self.fleet.hosts[*at];
            let asks = host.failure.is_none() && host.takes_part(stage.who);
            let Some(spec) = host.fact("health").filter(|_| asks).map(str::to_owned) else { continue };
            let live = self.goal(*at).cloned().or_else(|| host.live()).unwrap_or_default();
            questions.extend(self.fleet.hosts[*at].question(*at, &spec, live));
        }
        self.fleet.ask_health(stage.phase, questions, false).await;
    }

    // A single host did it all in one go. Where the line ended on the way, it is asked how far it came.
    async fn whole(&mut self) -> Result<(), Stopped> {
        if self.fleet.hosts[0].lost.is_some() {
            let before = self.fleet.hosts[0].live();
            let goal = self.goal(0).cloned();
            let answer = settle::settle(self, &[0], true).await.remove(&0);
            let host = &mut self.fleet.hosts[0];
            if let Some(answer) = answer {
                host.switched |= answer.was_live;
                let live = answer.live.as_ref().map(|live| &live.release);
                self.confirmed =
                    live.is_some() && live == goal.as_ref().map(|goal| &goal.release) && !answer.unfinished;
                // Back by itself: no doubt about it.
                host.lost.take_if(|_| answer.live == before && !answer.unfinished);
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
        self.failed_in = Some(Phase::SingleHost);
        Err(Stopped)
    }

    // What fails after all is live, or otherwise done, is told, never undone.
    fn finished(&mut self) {
        for host in self.fleet.hosts.iter_mut().filter(|host| !host.in_doubt) {
            let Some(failure) = &host.failure else { continue };
            let text = if host.lost == Some(Phase::Finish) {
                "the line ended when all was done; the host finishes by itself".to_owned()
            } else if host.switched && host.lost.is_some() && self.confirmed {
                "the line ended after it was live and confirmed; the host finishes by itself".to_owned()
            } else if host.switched && matches!(failure.step.as_str(), "finish" | "script") {
                format!("live, but not cleaned up: {}", failure.message)
            } else {
                continue;
            };
            host.failure = None;
            self.fleet.observer.event(&Event::Notice { host: Some(&host.name), text: &text });
        }
    }

    /// Whether the run has anything to do with an app.
    pub(super) fn concerns(&self, app: usize) -> bool {
        self.fleet.of_app(app).any(|(_, host)| !host.idle)
    }

    /// How an app is told apart, where there are several.
    pub(super) fn app_name(&self, app: usize) -> Option<&'a str> {
        let apps = &self.request.plan.environment.apps;
        (apps.len() > 1).then(|| apps[app].name.as_str())
    }

    /// What goes live on a target.
    pub(super) fn goal(&self, at: usize) -> Option<&Live> {
        self.fleet.goals[self.request.plan.targets[at].app].as_ref()
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
