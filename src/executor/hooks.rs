//! Hooks that run on the operator's machine, as part of a run.

use std::time::Instant;

use super::event::{Event, Failure};
use super::local::{self, Heard};
use super::outcome::{End, Outcome};
use super::run::{Run, Stopped};
use crate::plan::{LocalHook, Phase};
use crate::transport::Exit;

impl Run<'_> {
    pub(super) async fn local(&mut self, phase: Phase, hooks: &[&LocalHook]) -> Result<(), Stopped> {
        self.fleet.phase = phase;
        self.fleet.observer.event(&Event::PhaseStarted { phase, part: None });
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
        let name = hook.target.map_or("here", |at| plan.targets[at].name.as_str());
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
        let at = hook.target.or_else(|| plan.first_of(hook.app)).unwrap_or(0);
        let goal = self.goals[hook.app].clone().unwrap_or_default();
        let known = |name: &str| {
            let found = plan.targets.get(at).and_then(|t| t.variables.iter().find(|(n, _)| *n == name));
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let of_host = |name: &str| if hook.target.is_some() { known(name) } else { String::new() };
        let (host, roles) = (of_host("host"), of_host("roles"));
        let previous = self.fleet.hosts.get(at).and_then(|h| h.fact("live-revision")).unwrap_or_default();
        [
            ("SHIPIT_ENV", known("environment")),
            ("SHIPIT_APP", known("app")),
            ("SHIPIT_HOST", host),
            ("SHIPIT_ROLES", roles),
            ("SHIPIT_ACTION", known("action")),
            ("SHIPIT_RELEASE", goal.release),
            ("SHIPIT_REVISION", goal.revision),
            ("SHIPIT_PREVIOUS_REVISION", previous.to_owned()),
            ("SHIPIT_REF", known("reference")),
            ("SHIPIT_USER", known("user")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    // The local hooks at the end. Their failure is told; the deploy stays what it is.
    pub(super) async fn afterwards(&mut self, outcome: &Outcome) {
        let plan = self.request.plan;
        let hooks = match outcome.end {
            End::Done => &plan.after,
            End::NothingToDo => return,
            _ => &plan.after_failure,
        };
        for hook in hooks.iter().filter(|hook| self.concerns(hook.app)).collect::<Vec<_>>() {
            if self.fleet.interrupt.asked().now {
                return;
            }
            if let Err(failure) = self.hook(hook, &outcome.to_json()).await {
                let text = format!("{} failed: {}", hook.step, failure.message);
                self.fleet.observer.event(&Event::Notice { host: None, text: &text });
            }
        }
    }
}
