//! Going live: batch by batch, with drain, switch, reload, health and undrain.

use super::model::{Batch, Participants, Work};
use super::phase::Phase;
use super::stages::Stages;
use crate::config::{App, Environment, HealthCheck, Hooks, Pause};
use crate::remote::script::{Place, Script};
use crate::remote::step::Step;

/// How an app goes live.
pub(super) struct ActivateOptions<'a> {
    pub(super) participants: Participants,
    pub(super) pause: Pause,
    /// Today's; none: what was stored with the release, whatever that is.
    pub(super) hooks: Option<&'a Hooks>,
}

/// Batch by batch, a barrier after each.
pub(super) fn activate(
    stages: &mut Stages<'_>,
    app: &App,
    environment: &Environment,
    options: &ActivateOptions<'_>,
) {
    for (batch, members) in batches(stages, app, environment) {
        stages.only(members, |stages| {
            stages.batch(Phase::Activate, options.participants, batch);
            if batch.number > 1 && options.pause != Pause::None {
                stages.work(Work::Pause(options.pause));
            }
            stages.all(
                |s| if options.hooks.is_none_or(|hooks| !hooks.drain.is_empty()) { s.drain() } else { s },
            );
            stages.all(Script::switch);
            match options.hooks {
                Some(hooks) if hooks.post_deploy.iter().any(|hook| hook.local) => {
                    stages.hooks(Step::PostDeploy, &hooks.post_deploy, Place::Current);
                }
                _ => stages.all(|s| s.stored("post-deploy", Place::Current)),
            }
            stages.all(Script::activate_service);
            in_service(stages, batch, options.hooks.map(|_| app));
        });
    }
}

/// What follows a reload: whether it is healthy, asked there or from here, and then it takes requests. `app`: as today's
/// configuration says; none: as what is stored with the release says, whatever that is.
pub(super) fn in_service(stages: &mut Stages<'_>, batch: Batch, app: Option<&App>) {
    let check = app.map(|app| app.health.as_ref().map(|health| &health.check));
    let on_host = matches!(check, None | Some(Some(HealthCheck::Command(_))));
    let from_here = check.is_none_or(|check| check.is_some() && !on_host);
    if on_host {
        stages.all(Script::health);
    }
    if from_here || app.is_some_and(|app| !app.hooks.undrain.is_empty()) {
        stages.all(Script::serve);
    }
    if from_here {
        stages.health_check_from_here(batch, Participants::HealthChecked, Script::undrain);
    }
}

/// The parts of an app's targets that go live together.
pub(super) fn batches(stages: &Stages<'_>, app: &App, environment: &Environment) -> Vec<(Batch, Vec<usize>)> {
    let members = stages.members();
    let sizes = environment.rollout.batches(members.len(), app.interrupts());
    let at = members.first().map_or(0, |first| environment.sites[*first].app);
    let mut rest = members;
    let of = sizes.len();
    let cut = |(number, size): (usize, &usize)| {
        let (now, later) = rest.split_at(*size);
        rest = later;
        (Batch { app: at, number: number + 1, of }, now.to_vec())
    };
    sizes.iter().enumerate().map(cut).collect()
}
