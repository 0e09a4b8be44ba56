//! What is kept with a release: whatever a later revert, rollback or restart needs, and what this run runs.

use std::ops::RangeFrom;

use super::options::Options;
use super::stages::Stages;
use super::target::parts;
use crate::config::{App, Environment, Health, HealthCheck, Supervisor, SupervisorKind};
use crate::remote::script::{HealthKind, Script, Tries};
use crate::remote::step::Step;

/// What the configuration comes to, part by part, so that a later run can say which of them it changes.
pub(super) fn store_parts(stages: &mut Stages<'_>, environment: &Environment, options: &Options) {
    stages.each(|at, script| script.keep_parts(&parts(environment, at, options)));
}

// Everything that a later revert or rollback needs, and what this run runs: all texts are kept with the release.
pub(super) fn store_all(stages: &mut Stages<'_>, app: &App) {
    let hooks = &app.hooks;
    stages.store(Step::PreDeploy, &hooks.pre_deploy);
    stages.store(Step::Build, &hooks.build);
    let one = stages.migrating();
    stages.only(one, |one| one.store(Step::Migrate, &hooks.migrate));
    stages.store(Step::PreActivate, &hooks.pre_activate);
    stages.store_traffic(Step::Drain, &hooks.drain);
    stages.store(Step::PostDeploy, &hooks.post_deploy);
    stages.store_traffic(Step::Undrain, &hooks.undrain);
    let checks = stages.on_hosts(|host| app.health_on(host));
    stages.each(|at, script| match &checks[at] {
        Some(health) => store_health(script, health),
        None => script,
    });
    let limit = stages.limits.reload;
    let supervisors = stages.on_hosts(|host| app.supervisors_on(host));
    stages.each(|at, script| {
        let mut sets = 0..;
        supervisors[at].iter().fold(script, |script, one| store_supervisor(script, (limit, &mut sets), one))
    });
}

fn store_health(script: Script, health: &Health) -> Script {
    let tries = Tries::of(health);
    match &health.check {
        HealthCheck::Command(text) => {
            script.health_store(HealthKind::Command, tries, "").store("health", tries.timeout.max(1), text)
        }
        _ => script.health_store(HealthKind::Client, tries, &health.written()),
    }
}

fn store_supervisor(
    script: Script,
    (limit, sets): (u64, &mut RangeFrom<usize>),
    supervisor: &Supervisor,
) -> Script {
    match &supervisor.kind {
        SupervisorKind::Commands(_) => {
            let set = sets.next().unwrap_or_default();
            supervisor
                .steps()
                .fold(script, |script, (step, text)| script.store_command(set, step, limit, text))
        }
        SupervisorKind::Known(known) => script.store_supervisor(known),
    }
}
