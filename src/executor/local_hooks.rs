//! Hooks that run on the operator's machine, as part of a run.

use std::pin::pin;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::event::{Event, Failure};
use super::local_process;
use super::notice::Notice;
use super::outcome::{End, Outcome};
use super::run_state::{RunState, Stopped};
use crate::plan::{LocalHook, Phase};
use crate::remote::step::Step;
use crate::transport::Exit;

impl RunState<'_> {
    pub(super) async fn local_hooks(&mut self, phase: Phase, hooks: &[&LocalHook]) -> Result<(), Stopped> {
        self.fleet.phase = phase;
        self.fleet.observer.event(&Event::PhaseStarted { phase, part: None });
        for hook in hooks {
            // A signal that came between two of them.
            let asked = self.fleet.interrupt.asked();
            if asked != self.fleet.known {
                self.fleet.asked(asked);
                self.failed_in = Some(phase);
                return Err(Stopped);
            }
            self.migrated |= hook.step == Step::Migrate;
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
        let name = hook.target.map_or("here", |at| plan.targets[at].name.as_str());
        let variables = self.fleet.local_variables(hook);
        let fleet = &mut self.fleet;
        fleet.observer.event(&Event::StepStarted { host: name, step: hook.step.name() });
        let since = Instant::now();
        let (print, mut printed) = mpsc::channel(local_process::PIECES);
        let surroundings = (plan.environment.root.as_path(), &variables[..]);
        let stop = CancellationToken::new();
        let mut running = pin!(local_process::run(hook, surroundings, input, stop.cancelled(), &print));
        let (before, phase) = (fleet.failed(), fleet.phase);
        let mut interrupt = fleet.interrupt.clone();
        let known = interrupt.asked();
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        let ended = loop {
            tokio::select! {
                Some(bytes) = printed.recv() => {
                    fleet.observer.event(&Event::Output { host: name, step: hook.step.name(), bytes: &bytes });
                }
                ended = &mut running => break ended,
                // What is lost now stops the run: a hook that goes on would be in vain.
                Some((at, said)) = fleet.said.recv(), if fleet.is_open() => {
                    fleet.hear(at, said, phase, false);
                    if fleet.failed() > before {
                        stop.cancel();
                    }
                }
                _ = interrupt.beyond(known), if !stop.is_cancelled() => stop.cancel(),
                _ = tick.tick() => fleet.observer.tick(),
            }
        };
        while let Ok(bytes) = printed.try_recv() {
            fleet.observer.event(&Event::Output { host: name, step: hook.step.name(), bytes: &bytes });
        }
        let exit = match &ended {
            Ok(()) => Exit::Code(0),
            // What took too long, or was to stop, was ended so.
            Err(failure) => failure.exit.clone().unwrap_or(Exit::Signal("TERM".into())),
        };
        fleet.observer.event(&Event::StepEnded {
            host: name,
            step: hook.step.name(),
            exit: &exit,
            took: since.elapsed(),
        });
        ended
    }

    // The local hooks at the end. Their failure is reported; the deploy stays what it is.
    pub(super) async fn after_the_end(&mut self, outcome: &Outcome) {
        let plan = self.request.plan;
        let hooks = match outcome.end {
            End::Done => &plan.after_success,
            End::NothingToDo => return,
            _ => &plan.after_failure,
        };
        for hook in hooks.iter().filter(|hook| self.concerns(hook.app)).collect::<Vec<_>>() {
            if self.fleet.interrupt.asked().now {
                return;
            }
            if let Err(failure) = self.hook(hook, &outcome.to_json()).await {
                self.notice(&Notice::LocalHookFailed { step: hook.step, message: failure.message });
            }
        }
    }
}
