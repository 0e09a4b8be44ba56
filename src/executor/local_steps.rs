//! Steps that this machine does for a host, at the host's word: `drain` and `undrain` with `local`. The host knows when it
//! is time, on the way there as on the way back; what is done says the configuration of today, and never the host.

use std::path::PathBuf;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::event::{Event, Failure, FailureKind};
use super::fleet::Fleet;
use super::host::RunningLocalStep;
use super::live::Live;
use super::local_process;
use super::message::{HostMessage, LocalStep};
use crate::plan::{LocalHook, OnFailure, Phase};
use crate::remote::step::Step;
use crate::remote::wire::Message;
use crate::transport::Exit;

impl Fleet<'_> {
    /// Begins such a step, when what the same host asked for before is over: two at once could end in the wrong order.
    /// Once the host goes back it is ended only with the program.
    pub(super) fn start_local_step(&mut self, at: usize, number: u32, step: &str, undoing: bool) {
        let Some(step) = Step::parse(step).filter(|step| self.may_ask(at, number, *step)) else { return };
        let asked = |hook: &&LocalHook| hook.target == Some(at) && hook.step == step;
        let hooks: Vec<LocalHook> = self.plan.local_steps.iter().filter(asked).cloned().collect();
        let mut refused = self.cannot(at, &hooks, step);
        if !undoing && self.interrupt.asked().signal != 0 {
            refused.get_or_insert((143, b"stopped\n".to_vec()));
        }
        let variables = hooks.iter().map(|hook| self.local_variables(hook)).collect();
        let root = self.plan.environment.root.clone();
        let task_of_step = LocalStepTask { at, step, hooks, variables, root, said: self.sender.clone() };
        let (mut interrupt, known) = (self.interrupt.clone(), self.known);
        let stop = CancellationToken::new();
        let cancelled = stop.clone();
        let before = self.hosts[at].local_step.take();
        let mut steps =
            before.as_ref().filter(|b| b.number == number).map_or_else(Vec::new, |b| b.steps.clone());
        steps.push(step);
        let task = tokio::spawn(async move {
            if let Some(before) = before {
                before.stop.cancel();
                let _ = before.task.await;
            }
            let stop = async {
                tokio::select! {
                    () = cancelled.cancelled() => {}
                    _ = interrupt.beyond(known), if !undoing => {}
                }
            };
            let (code, tail) = match refused {
                Some(refused) => refused,
                None => task_of_step.run(stop).await,
            };
            let ended = LocalStep::Ended { step: task_of_step.step, number, code, tail };
            let _ = task_of_step.said.send((at, HostMessage::LocalStep(ended))).await;
        });
        self.hosts[at].local_step = Some(RunningLocalStep { number, steps, stop, task });
    }

    /// The host waits no more: it gave the step up, or went on alone.
    pub(super) fn stop_local_step(&mut self, at: usize) {
        if let Some(doing) = &self.hosts[at].local_step {
            doing.stop.cancel();
        }
    }

    // A host asks while it is at a script that this run gave it, and for each step once.
    fn may_ask(&self, at: usize, number: u32, step: Step) -> bool {
        let host = &self.hosts[at];
        let at_work = matches!(self.phase, Phase::Activate | Phase::SingleHost | Phase::Rollback);
        let asked = |doing: &RunningLocalStep| doing.number == number && doing.steps.contains(&step);
        let again = host.local_step.as_ref().is_some_and(asked);
        at_work
            && !host.is_released()
            && host.running == Some(number)
            && matches!(step, Step::Drain | Step::Undrain)
            && !again
    }

    // Why a step that was local when the release was made is not one now; where the file has none at all there is nothing
    // to do.
    fn cannot(&self, at: usize, hooks: &[LocalHook], step: Step) -> Option<(u32, Vec<u8>)> {
        let app = &self.plan.environment.apps[self.plan.targets[at].app].hooks;
        let today = if step == Step::Drain { &app.drain } else { &app.undrain };
        let text = format!(
            "`{step}` ran here when this release was made, and today's configuration runs none for this host\n"
        );
        (hooks.is_empty() && !today.is_empty()).then(|| (1, text.into_bytes()))
    }

    pub(super) fn hear_local_step(&mut self, at: usize, step: LocalStep) {
        let host = &mut self.hosts[at];
        match step {
            LocalStep::Printed { step, bytes } => {
                self.observer.event(&Event::Output { host: &host.name, step: step.name(), bytes: &bytes });
            }
            LocalStep::Ended { step, number, code, tail } => {
                if host.running == Some(number) {
                    host.printed_here(tail);
                }
                if let Some(session) = &host.session {
                    session.send(&Message::Word(step.name(), number, code));
                }
            }
        }
    }

    /// What a hook on this machine finds in its environment: what it would find on the host.
    pub(super) fn local_variables(&self, hook: &LocalHook) -> Vec<(String, String)> {
        // For all of an app: what the first that answered knows.
        let answered = || self.of_app(hook.app).find(|(_, host)| host.was_asked()).map(|(at, _)| at);
        let at = hook.target.or_else(answered).or_else(|| self.plan.first_of(hook.app)).unwrap_or(0);
        let (target, host) = (self.plan.targets.get(at), self.hosts.get(at));
        let known = |name: &str| {
            let later = host.and_then(|host| host.later.get(name));
            let planned = target.and_then(|target| target.variables.iter().find(|(n, _)| *n == name));
            let found = later.or_else(|| planned.map(|(_, value)| value));
            found.cloned().unwrap_or_default()
        };
        let of_host = |name: &str| if hook.target.is_some() { known(name) } else { String::new() };
        let live = host.and_then(super::host::HostState::live).unwrap_or_default();
        let goal = self.goals[hook.app].clone();
        // A restart keeps what is live. Before anything is decided there is nothing that the run would make live.
        let finishes_in_place = self.plan.policy.on_failure == OnFailure::FinishInPlace;
        let in_place = if finishes_in_place { live.clone() } else { Live::default() };
        // A first deploy has nothing that it could go back to.
        let back = hook.target.is_some() && self.phase == Phase::Rollback && !live.release.is_empty();
        let back = back
            && match self.plan.policy.on_failure {
                OnFailure::RollBack => true,
                OnFailure::Continue => host.is_some_and(|host| !host.fate.was_switched()),
                OnFailure::FinishInPlace => false,
            };
        let (action, now, before) = if back {
            ("rollback".to_owned(), live, goal.unwrap_or_default())
        } else {
            (known("action"), goal.unwrap_or_else(|| in_place.clone()), live)
        };
        [
            ("SHIPIT_ENV", known("environment")),
            ("SHIPIT_APP", known("app")),
            ("SHIPIT_HOST", of_host("host")),
            ("SHIPIT_ROLES", of_host("roles")),
            ("SHIPIT_ACTION", action),
            ("SHIPIT_RELEASE", name(now.release.clone())),
            ("SHIPIT_REVISION", name(now.revision().to_owned())),
            ("SHIPIT_PREVIOUS_REVISION", name(before.revision().to_owned())),
            ("SHIPIT_REF", known("reference")),
            ("SHIPIT_USER", known("user")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}

// What a host calls a release or a commit reaches the user's text only if it looks like one.
fn name(sent: String) -> String {
    let plain = sent.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if plain { sent } else { String::new() }
}

/// The texts of a step, for one host.
struct LocalStepTask {
    at: usize,
    step: Step,
    hooks: Vec<LocalHook>,
    variables: Vec<Vec<(String, String)>>,
    root: PathBuf,
    said: mpsc::Sender<(usize, HostMessage)>,
}

impl LocalStepTask {
    // Its exit code, and the end of what it printed where that is not 0.
    async fn run(&self, stop: impl Future<Output = ()>) -> (u32, Vec<u8>) {
        let (print, mut printed) = mpsc::channel(local_process::PIECES);
        let tell = async {
            while let Some(bytes) = printed.recv().await {
                let news = LocalStep::Printed { step: self.step, bytes };
                // Whoever hears no more has left.
                let _ = self.said.send((self.at, HostMessage::LocalStep(news))).await;
            }
        };
        match futures_util::future::join(self.texts(stop, print), tell).await.0 {
            Ok(()) => (0, Vec::new()),
            Err(failure) => word(failure),
        }
    }

    // One after the other, until one fails.
    async fn texts(&self, stop: impl Future<Output = ()>, print: mpsc::Sender<Bytes>) -> Result<(), Failure> {
        let mut stop = std::pin::pin!(stop);
        for (hook, variables) in self.hooks.iter().zip(&self.variables) {
            local_process::run(hook, (&self.root, &variables[..]), "", &mut stop, &print).await?;
        }
        Ok(())
    }
}

// The exit code that is sent to the host, and the last output for its report.
fn word(failure: Failure) -> (u32, Vec<u8>) {
    let code = match &failure.exit {
        Some(Exit::Code(code)) => *code,
        // As a shell has it.
        Some(Exit::Signal(number)) => 128 + number.parse::<u32>().unwrap_or(0),
        _ if failure.kind == FailureKind::Interrupted => 143,
        _ => 1,
    };
    let mut tail = failure.tail;
    if failure.exit.is_none() {
        if tail.last().is_some_and(|last| *last != b'\n') {
            tail.push(b'\n');
        }
        tail.extend_from_slice(failure.message.as_bytes());
        tail.push(b'\n');
    }
    (code, tail)
}
