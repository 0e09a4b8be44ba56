//! What a rollout adds to a run: hosts that may be left out, pauses, and the way back in batches.

use std::time::Duration;

use super::event::{Event, Failure, FailureKind};
use super::fleet::plain_failure;
use super::run::{Run, Stopped};
use crate::config::{Environment, Pause, Rollout};
use crate::plan::{Action, Batch, Phase, Stage, Work};

/// Leaves hosts out that cannot be reached, where so many may be missing and nothing depends on them.
pub(super) fn leave_out(run: &mut Run<'_>) {
    let plan = run.request.plan;
    if plan.action != Action::Deploy {
        return;
    }
    let gone: Vec<usize> = (0..plan.targets.len()).filter(|at| run.fleet.hosts[*at].is_gone()).collect();
    let mut machines: Vec<usize> = gone.iter().map(|at| plan.targets[*at].machine).collect();
    machines.dedup();
    let allowed = plan.environment.rollout.max_unreachable.of(plan.environment.hosts.len());
    if machines.is_empty() || machines.len() > allowed {
        return;
    }
    if let Some(app) = without_host(&plan.environment, &gone) {
        let text = format!("no host of {app} can be reached");
        run.fleet.observer.event(&Event::Notice { host: None, text: &text });
        return;
    }
    for at in gone {
        let host = &mut run.fleet.hosts[at];
        host.aside = host.failure.take();
    }
}

/// Once it is known which apps change: whether it can be done without those that were left out.
pub(super) fn go_without(run: &mut Run<'_>) -> Result<(), Stopped> {
    let plan = run.request.plan;
    let out: Vec<usize> = (0..plan.targets.len()).filter(|at| run.fleet.hosts[*at].aside.is_some()).collect();
    if plan.action != Action::Deploy || out.is_empty() {
        return Ok(());
    }
    let of = |targets: &mut dyn Iterator<Item = &usize>| {
        let mut machines: Vec<usize> = targets.map(|at| plan.targets[*at].machine).collect();
        machines.sort_unstable();
        machines.dedup();
        (machines.len(), names(&plan.environment, &machines))
    };
    let needed = |at: &&usize| plan.needed.contains(*at) && !run.fleet.hosts[**at].idle;
    let (missed, names) = of(&mut out.iter().filter(needed));
    if missed > 0 {
        let text = format!("{names} cannot be left out: a hook runs there for all");
        run.fleet.observer.event(&Event::Notice { host: None, text: &text });
        for (at, host) in run.fleet.hosts.iter_mut().enumerate() {
            host.failure = host.failure.take().or_else(|| host.aside.take());
            if let Some(failure) = host.failure.as_mut().filter(|_| plan.needed.contains(&at)) {
                failure.hint = Some("it cannot be left out: a hook runs there for all".to_owned());
            }
        }
        return run.barrier(Phase::Connect, false);
    }
    let (count, names) = of(&mut out.iter());
    let them = if count == 1 { "it" } else { "them" };
    let environment = &plan.environment.name;
    let text = format!("left out: {names}; `shipit {environment} sync` brings {them} along later");
    run.fleet.observer.event(&Event::Notice { host: None, text: &text });
    Ok(())
}

fn names(environment: &Environment, machines: &[usize]) -> String {
    machines.iter().map(|at| environment.hosts[*at].name.as_str()).collect::<Vec<_>>().join(", ")
}

/// An app that would go nowhere.
fn without_host<'a>(environment: &'a Environment, gone: &[usize]) -> Option<&'a str> {
    let all_gone = |app: &usize| environment.sites_of(*app).iter().all(|site| gone.contains(site));
    (0..environment.apps.len()).find(all_gone).map(|app| environment.apps[app].name.as_str())
}

impl Run<'_> {
    /// Between two batches. Hosts that serve what is new go on doing that.
    pub(super) async fn pause(&mut self, pause: Pause, stage: &Stage) -> Result<(), Stopped> {
        let next = self.batch_name(stage);
        // A batch that has nothing to do is not waited for.
        if !self.takes_part(stage) {
            return Ok(());
        }
        match pause {
            Pause::None => Ok(()),
            Pause::Lasting(time) => {
                let text = format!("a pause of {} before {next}", spoken(time));
                self.fleet.observer.event(&Event::Notice { host: None, text: &text });
                self.fleet.idle(tokio::time::sleep(time), true).await;
                self.barrier(Phase::Activate, false)
            }
            Pause::Ask => self.ask(&next).await,
        }
    }

    // Whether any host has something to do in a batch.
    fn takes_part(&self, pause: &Stage) -> bool {
        let of_batch = self.request.plan.stages.iter().filter(|stage| stage.batch == pause.batch);
        of_batch
            .filter_map(|stage| match &stage.work {
                Work::Remote(scripts) => Some((stage.who, scripts)),
                _ => None,
            })
            .any(|(who, scripts)| {
                let mut told = self.fleet.hosts.iter().zip(scripts);
                told.any(|(host, script)| !script.is_empty() && host.takes_part(who))
            })
    }

    async fn ask(&mut self, next: &str) -> Result<(), Stopped> {
        let Some(ask) = self.request.ask else { return Ok(()) };
        let question = format!("go on with {next}?");
        self.fleet.observer.event(&Event::Asking { question: &question });
        // Nothing is drawn over what is being typed.
        let yes = self.fleet.idle(ask.ask(&question), false).await;
        self.barrier(Phase::Activate, false)?;
        if yes == Some(true) {
            return Ok(());
        }
        let failure = plain_failure(FailureKind::Refused, "pause", format!("not to go on with {next}"));
        Err(self.stop(Phase::Activate, Failure { hint: None, ..failure }))
    }

    fn batch_name(&self, stage: &Stage) -> String {
        self.part_name(stage).unwrap_or_else(|| "the rest".to_owned())
    }

    /// Which part of a phase a stage is, where that has parts: `api, batch 1 of 3`.
    pub(super) fn part_name(&self, stage: &Stage) -> Option<String> {
        let Batch { app, number, of } = stage.batch?;
        let batch = (of > 1).then(|| format!("batch {number} of {of}"));
        let parts: Vec<String> = self.app_name(app).map(str::to_owned).into_iter().chain(batch).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// Hosts that went live and serve are rolled back as they went: in batches, the app that came last first.
    pub(super) fn batches_back(&self) -> Vec<Vec<usize>> {
        let environment = &self.request.plan.environment;
        let mut batches = Vec::new();
        for (app, settings) in environment.apps.iter().enumerate().rev() {
            let serves = |at: &usize| self.fleet.hosts[*at].in_service;
            let mut members = environment.sites_of(app);
            // As many at a time as on the way there, without a canary: how what was live before fares is known.
            let without = Rollout { canary: 0, ..environment.rollout };
            let sizes = without.batches(members.len(), !settings.hooks.drain.is_empty());
            members.retain(serves);
            let size = sizes.iter().copied().max().unwrap_or(1).max(1);
            batches.extend(members.chunks(size).map(<[usize]>::to_vec));
        }
        batches
    }
}

fn spoken(time: Duration) -> String {
    let time = jiff::SignedDuration::try_from(time).unwrap_or(jiff::SignedDuration::MAX);
    format!("{time:#}")
}
