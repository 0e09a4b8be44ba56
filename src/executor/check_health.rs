//! Health checks from this machine, through the hosts' connections; and by the host itself where its sshd forbids that.

use std::time::{Duration, Instant};

use futures_util::stream::{FuturesUnordered, StreamExt as _};

use super::event::{Event, Failure, FailureKind};
use super::fleet::{Fleet, plain_failure};
use super::host::HostState;
use super::live::Live;
use super::trouble::unhealthy_hint;
use crate::config::Health;
use crate::health::{self, HealthError};
use crate::plan::Phase;
use crate::remote::reason::with_commands;
use crate::remote::script::{Script, health_variables};
use crate::remote::step::Step;
use crate::transport::Exit;

/// What is asked, and of which release.
pub(super) struct Question {
    pub(super) target: usize,
    pub(super) health: Health,
    pub(super) live: Live,
}

impl HostState {
    /// The health check that is stored with its release, as the host sent it. A host whose check cannot be read has failed.
    pub(super) fn health_question(&mut self, target: usize, spec: &str, live: Live) -> Option<Question> {
        let health = Health::read(spec);
        if health.is_none() {
            let message = "what is stored with the release as its health check cannot be read".to_owned();
            self.failure = Some(plain_failure(FailureKind::Step, Step::Health, message));
        }
        Some(Question { target, health: health?, live })
    }
}

impl Fleet<'_> {
    /// What hosts wanted to be asked when the run stopped: they tell it again, where that is still of interest.
    pub(super) fn forget_questions(&mut self) {
        self.hosts.iter_mut().for_each(|host| host.facts.health = None);
    }

    /// Asks all at once. Who is not well has failed in the step `health`.
    pub(super) async fn ask_health(&mut self, phase: Phase, questions: Vec<Question>, undoing: bool) {
        self.phase = phase;
        let since = Instant::now();
        let mut by_host = Vec::new();
        let mut asking: FuturesUnordered<_> = (questions.into_iter())
            .filter_map(|question| {
                let host = &self.hosts[question.target];
                let connection = host.connection.clone().filter(|_| host.is_connected())?;
                self.observer.event(&Event::StepStarted { host: &host.name, step: Step::Health.name() });
                Some(async move {
                    let (release, revision) = (&question.live.release, question.live.revision());
                    let well = health::wait(&*connection, &question.health, release, revision).await;
                    (question, well)
                })
            })
            .collect();
        // A revert and a restart are done to their end, whatever becomes of one host, and also when the user stops them: no host
        // is taken in again unasked. Where all go back, how the others fare is of no interest any more.
        let to_the_end = undoing || self.plan.policy.on_failure.finishes();
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        while !asking.is_empty() && !self.known.now {
            tokio::select! {
                Some((question, well)) = asking.next() => match well {
                    Err(HealthError::Forbidden | HealthError::AskHost) => by_host.push(question),
                    well => {
                        self.answered(question.target, well, phase, since);
                        if !to_the_end && self.failed() > 0 {
                            break;
                        }
                    }
                },
                Some((at, said)) = self.said.recv() => self.hear(at, said, phase, undoing),
                asked = self.interrupt.beyond(self.known) => {
                    self.asked(asked);
                    if !to_the_end {
                        break;
                    }
                }
                _ = tick.tick() => self.observer.tick(),
            }
        }
        drop(asking);
        if by_host.is_empty() || !to_the_end && self.failed() > 0 {
            return;
        }
        if self.known.now || self.known.signal != 0 && !to_the_end {
            return;
        }
        let mut scripts = vec![Script::new(); self.hosts.len()];
        for Question { target, health, .. } in by_host {
            // A command is stored with the release, and the host has run it.
            let Some(variables) = health_variables(&health) else { continue };
            self.set(target, variables.iter().map(|(name, value)| (*name, value.as_str())));
            scripts[target] = self.plan.check_health.clone();
        }
        self.stage(phase, &scripts, to_the_end).await;
    }

    fn answered(&mut self, target: usize, well: Result<(), HealthError>, phase: Phase, since: Instant) {
        let host = &mut self.hosts[target];
        let exit = Exit::Code(u32::from(well.is_err()));
        let (step, took) = (Step::Health.name(), since.elapsed());
        let ended = Event::StepEnded { host: &host.name, step, exit: &exit, took };
        self.observer.event(&ended);
        let Err(sick) = well else { return };
        if host.failure.is_some() {
            return;
        }
        let kind = if matches!(sick, HealthError::Lost(_)) { FailureKind::Lost } else { FailureKind::Step };
        let message = sick.to_string();
        let environment = &self.plan.environment.name;
        let hint = with_commands(unhealthy_hint(&self.plan.environment.apps[host.app]), environment);
        let failure = Failure {
            kind,
            step: Step::Health,
            exit: None,
            message,
            reason: None,
            hint: Some(hint),
            tail: Vec::new(),
        };
        host.took = host.started.elapsed();
        self.observer.event(&Event::HostFailed { host: &host.name, phase, failure: &failure });
        host.failure_reported = true;
        host.failure = Some(failure);
    }
}
