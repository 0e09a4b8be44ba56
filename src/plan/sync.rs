//! The plan of `sync`: the steps of a deploy and of a revert, each for the hosts that need it.
//!
//! Which hosts those are is known when all have answered: a host that has the release from earlier returns to it by what
//! was stored with it there; one that lacks it gets it by today's configuration, since steps and `env` lie on the other
//! hosts only, and secrets do not travel between hosts.

use super::build::{links, plan, sent, set_up, store_all};
use super::stages::Stages;
use super::{Action, Options, Phase, Plan, Who};
use crate::config::{Environment, Hook};
use crate::remote::script::{Place, Script};

/// The release that is live on most hosts, on those that differ.
#[must_use]
pub fn sync(environment: Environment, options: &Options) -> Plan {
    let hooks = &environment.app.hooks;
    let mut stages = Stages::new(&environment);
    prepare(&mut stages, &environment);
    if !hooks.pre_activate.is_empty() {
        stages.part(Phase::Ready, Who::Lacking);
        stages.hooks("pre-activate", &hooks.pre_activate, Place::Release);
    }
    stages.part(Phase::Ready, Who::Differing);
    stages.all(Script::intent);
    activate(&mut stages, &hooks.post_deploy);
    stages.part(Phase::Confirm, Who::Differing);
    stages.all(Script::healthy);
    stages.part(Phase::Finish, Who::Differing);
    stages.all(|s| s.finish(environment.app.keep_releases).unlock());
    stages.part(Phase::Finish, Who::Rest);
    stages.all(Script::unlock);
    let after = stages.local_hooks("post-deploy-local", &hooks.post_deploy_local);
    let after_failure = stages.local_hooks("on-failure-local", &hooks.on_failure_local);
    let opening = Script::new().sync_lock().live().known().journal();
    let stages = stages.end();
    Plan { stages, after, after_failure, ..plan(Action::Sync, environment, options, opening) }
}

// A hook that is to run once ran with the deploy, on the first host: again only where that is one of those that differ.
fn prepare(stages: &mut Stages, environment: &Environment) {
    let app = &environment.app;
    let fetch = stages.limits.fetch;
    stages.part(Phase::Prepare, Who::Bare);
    set_up(stages, app);
    stages.part(Phase::Prepare, Who::Having);
    stages.all(|s| s.again(fetch));
    stages.part(Phase::Prepare, Who::Lacking);
    stages.all(|s| s.make_way().begin());
    store_all(stages, environment);
    stages.all(|s| s.fetch(fetch).checkout(fetch));
    stages.all(|s| sent(app).into_iter().enumerate().fold(s, |s, (n, (path, mode))| s.file(n, mode, &path)));
    stages.all(|s| s.link(&links(app)).carry(fetch, &app.carry));
    stages.hooks("build", &app.hooks.build, Place::Release);
}

fn activate(stages: &mut Stages, post_deploy: &[Hook]) {
    stages.part(Phase::Activate, Who::Differing);
    stages.all(Script::switch);
    if post_deploy.iter().any(|hook| hook.local) {
        stages.part(Phase::Activate, Who::Lacking);
        stages.hooks("post-deploy", post_deploy, Place::Current);
        stages.part(Phase::Activate, Who::Having);
        stages.all(|s| s.stored("post-deploy", Place::Current));
        stages.part(Phase::Activate, Who::Differing);
    } else {
        stages.all(|s| s.stored("post-deploy", Place::Current));
    }
    stages.all(Script::activate_service);
}
