//! The plans of a deploy and of a revert.

use super::action::Action;
use super::activate::{ActivateOptions, activate};
use super::adopt::adopt;
use super::base::{after_the_end, fill_release, plan, reloading};
use super::model::{OnFailure, Participants, Plan, Policy, Unreachable};
use super::options::Options;
use super::phase::Phase;
use super::recovery::{go_on, roll_back};
use super::stages::Stages;
use super::store::{store_all, store_parts};
use crate::config::{App, Environment, Hook, Hooks, Pause};
use crate::git::{self, Revision};
use crate::remote::script::{Place, Script, Unshared};
use crate::remote::step::Step;

/// A new release.
#[must_use]
pub fn deploy(environment: Environment, options: &Options) -> Plan {
    let mut stages = Stages::new(&environment);
    stages.phase(Phase::Local);
    stages.apps(|stages, app| stages.local(Step::PreDeployLocal, &app.hooks.pre_deploy_local));
    stages.phase(Phase::Prepare);
    stages.apps(|stages, app| prepare(stages, app, &environment, options));
    let some = |of: fn(&Hooks) -> &Vec<Hook>| environment.apps.iter().any(|app| !of(&app.hooks).is_empty());
    if some(|hooks| &hooks.migrate) {
        stages.phase(Phase::Ready);
        stages.apps(|stages, app| {
            let one = stages.migrating();
            stages.only(one, |one| one.hooks(Step::Migrate, &app.hooks.migrate, Place::Release));
        });
    }
    if some(|hooks| &hooks.pre_activate) || some(|hooks| &hooks.migrate) {
        stages.phase(Phase::Ready);
        stages.apps(|stages, app| stages.hooks(Step::PreActivate, &app.hooks.pre_activate, Place::Release));
    }
    stages.all(Script::intent);
    stages.apps(|stages, app| {
        let options = ActivateOptions {
            participants: Participants::All,
            pause: environment.rollout.pause,
            hooks: Some(&app.hooks),
        };
        activate(stages, app, &environment, &options);
    });
    finish(&mut stages);
    let (after_success, after_failure) = after_the_end(&mut stages);
    let needed = stages.needed();
    let stages = stages.end_together();
    let unchecked = (0..environment.apps.len()).filter(|app| environment.apps[*app].is_unchecked()).collect();
    let may_skip = environment.rollout.max_unreachable.of(environment.hosts.len());
    let recovery = roll_back(&environment);
    let live = Script::new().live().damage().newest();
    let adopt = adopt(&environment, Unshared::Refuse, &live);
    let opening = Script::new().lock().held().then(&live);
    let plan = reloading(plan(Action::Deploy, environment, options, opening), recovery);
    find_refs(Plan {
        stages,
        adopt,
        unchecked,
        needed,
        policy: Policy {
            unreachable: Unreachable::SkipUpTo(may_skip),
            respects_hold: true,
            fetches: true,
            ..plan.policy
        },
        after_success,
        after_failure,
        ..plan
    })
}

// What asks the first host of an app which commit its ref is.
fn find_refs(mut plan: Plan) -> Plan {
    let find = Script::new().find_ref(plan.environment.timeouts.fetch.as_secs().max(1));
    for (at, app) in plan.environment.apps.iter().enumerate() {
        if app.reference == "HEAD" || Revision::parse(&app.reference).is_some() {
            continue;
        }
        let first = plan.first_of(at);
        if let Some(first) = first.filter(|_| git::is_path(&app.repo)) {
            // A path is the host's: asked in the same round trip.
            plan.opening[first] = std::mem::take(&mut plan.opening[first]).then(&find);
        }
        plan.find_ref[at] = find.clone();
    }
    plan
}

fn prepare(stages: &mut Stages<'_>, app: &App, environment: &Environment, options: &Options) {
    stages.all(|s| if options.allow_older { s } else { s.guard() });
    stages.all(|s| if options.keep_failed { s.keep_failed() } else { s }.begin());
    store_all(stages, app);
    store_parts(stages, environment, options);
    stages.hooks(Step::PreDeploy, &app.hooks.pre_deploy, Place::Old);
    fill_release(stages, app);
}

/// An earlier release, by what was stored with it.
#[must_use]
pub fn revert(environment: Environment, options: &Options) -> Plan {
    let mut stages = Stages::new(&environment);
    let fetch = stages.limits.fetch;
    stages.phase(Phase::Prepare);
    stages.all(|s| s.returning().again(fetch).detect().intent());
    stages.apps(|stages, app| {
        let options = ActivateOptions { participants: Participants::All, pause: Pause::None, hooks: None };
        activate(stages, app, &environment, &options);
    });
    finish(&mut stages);
    let (after_success, after_failure) = after_the_end(&mut stages);
    let stages = stages.end_together();
    let recovery = go_on(&environment);
    let opening = Script::new().lock().live().damage().known().incomplete().newest().journal();
    let plan = reloading(plan(Action::Revert, environment, options, opening), recovery);
    Plan {
        stages,
        policy: Policy { on_failure: OnFailure::Continue, ..plan.policy },
        after_success,
        after_failure,
        ..plan
    }
}

// Confirm, record: the same for a deploy and a revert.
fn finish(stages: &mut Stages<'_>) {
    stages.phase(Phase::Confirm);
    stages.all(Script::healthy);
    stages.phase(Phase::Finish);
    stages.apps(|stages, app| stages.all(|s| s.finish(app.keep_releases).unlock()));
}
