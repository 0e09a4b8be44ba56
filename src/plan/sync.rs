//! The plan of `sync`: the steps of a deploy and of a revert, each for the hosts that need it.
//!
//! Which hosts those are is known when all have answered: a host that has the release from earlier returns to it by what
//! was stored with it there; one that lacks it gets it by today's configuration, since steps and `env` lie on the other
//! hosts only, and secrets do not travel between hosts.

use super::action::Action;
use super::activate::{batches, in_service};
use super::adopt::adopt;
use super::base::{after_the_end, fill_release, plan, reloading};
use super::model::{Participants, Plan, Policy, Unreachable};
use super::options::Options;
use super::phase::Phase;
use super::recovery::roll_back;
use super::setup::set_up;
use super::stages::Stages;
use super::store::{store_all, store_parts};
use crate::config::{App, Environment};
use crate::remote::script::{Place, Script, Unshared};
use crate::remote::step::Step;

/// The release that is live on most hosts, on those that differ.
#[must_use]
pub fn sync(environment: Environment, options: &Options) -> Plan {
    let mut stages = Stages::new(&environment);
    prepare(&mut stages, &environment, options);
    if environment.apps.iter().any(|app| !app.hooks.pre_activate.is_empty()) {
        stages.part(Phase::Ready, Participants::MissingRelease);
        stages.apps(|stages, app| stages.hooks(Step::PreActivate, &app.hooks.pre_activate, Place::Release));
    }
    stages.part(Phase::Ready, Participants::Differing);
    stages.all(Script::intent);
    stages.apps(|stages, app| activate(stages, app, &environment));
    stages.part(Phase::Confirm, Participants::Differing);
    stages.all(Script::healthy);
    stages.part(Phase::Finish, Participants::Differing);
    stages.apps(|stages, app| stages.all(|s| s.finish(app.keep_releases).unlock()));
    stages.part(Phase::Finish, Participants::InSync);
    stages.all(Script::unlock);
    let (after_success, after_failure) = after_the_end(&mut stages);
    let stages = stages.end();
    let recovery = roll_back(&environment);
    let known = Script::new().live().damage().known().incomplete().journal();
    let adopt = adopt(&environment, Unshared::Refuse, &known);
    let opening = Script::new().sync_lock().then(&known);
    let plan = reloading(plan(Action::Sync, environment, options, opening), recovery);
    Plan {
        stages,
        adopt,
        policy: Policy { unreachable: Unreachable::Skip, fetches: true, ..plan.policy },
        after_success,
        after_failure,
        ..plan
    }
}

// A hook that is to run once ran with the deploy, on the first host: again only where that is one of those that differ.
fn prepare(stages: &mut Stages<'_>, environment: &Environment, options: &Options) {
    let fetch = stages.limits.fetch;
    stages.part(Phase::Prepare, Participants::NotSetUp);
    stages.apps(set_up);
    stages.part(Phase::Prepare, Participants::HasRelease);
    stages.all(|s| s.again(fetch).detect());
    stages.part(Phase::Prepare, Participants::MissingRelease);
    stages.apps(|stages, app| {
        stages.all(|s| s.make_way().begin());
        store_all(stages, app);
        store_parts(stages, environment, options);
        fill_release(stages, app);
    });
}

fn activate(stages: &mut Stages<'_>, app: &App, environment: &Environment) {
    let post_deploy = &app.hooks.post_deploy;
    for (batch, members) in batches(stages, app, environment) {
        stages.only(members, |stages| {
            stages.batch(Phase::Activate, Participants::Differing, batch);
            stages.all(|s| s.drain().switch());
            if post_deploy.iter().any(|hook| hook.local) {
                stages.batch(Phase::Activate, Participants::MissingRelease, batch);
                stages.hooks(Step::PostDeploy, post_deploy, Place::Current);
                stages.batch(Phase::Activate, Participants::HasRelease, batch);
                stages.all(|s| s.stored("post-deploy", Place::Current));
                stages.batch(Phase::Activate, Participants::Differing, batch);
            } else {
                stages.all(|s| s.stored("post-deploy", Place::Current));
            }
            stages.all(Script::activate_service);
            in_service(stages, batch, None);
        });
    }
}
