//! What all plans have in common.

use super::action::Action;
use super::model::{LocalHook, OnFailure, Others, Plan, Policy, Recovery, Unreachable};
use super::options::Options;
use super::phase::Phase;
use super::stages::Stages;
use super::target::{sent_files, target};
use crate::config::{App, Environment};
use crate::remote::script::{Place, Script};
use crate::remote::step::Step;
use crate::remote::wire::Mode;

/// A plan of an opening and no stages, which holds the lock and has nothing to undo but that.
pub(super) fn plan(action: Action, environment: Environment, options: &Options, opening: Script) -> Plan {
    let opening = vec![opening; environment.sites.len()];
    let targets = (0..environment.sites.len()).map(|at| target(action, &environment, at, options)).collect();
    Plan {
        action,
        targets,
        policy: Policy {
            on_failure: OnFailure::RollBack,
            others: Others::Stop,
            unreachable: Unreachable::Fail,
            respects_hold: false,
            fetches: false,
        },
        unchecked: Vec::new(),
        needed: Vec::new(),
        concurrency: options.concurrency,
        mode: Mode::Held,
        opening,
        opening_phase: Phase::Lock,
        find_ref: vec![Script::new(); environment.apps.len()],
        adopt: Vec::new(),
        release_lock: Script::new().unlock(),
        stages: Vec::new(),
        check_health: Script::new(),
        recovery: Recovery { script: Script::new().unlock(), ..Recovery::default() },
        local_steps: Vec::new(),
        after_success: Vec::new(),
        after_failure: Vec::new(),
        environment,
    }
}

/// A plan that takes no lock and changes nothing that a lock would have to protect.
pub(super) fn unlocked(plan: Plan) -> Plan {
    Plan { opening_phase: Phase::Connect, release_lock: Script::new(), recovery: Recovery::default(), ..plan }
}

/// The same, with its files outside of the deploy path.
pub(super) fn free(plan: Plan) -> Plan {
    Plan { mode: Mode::Free, ..unlocked(plan) }
}

/// A plan that reloads what is live: with the way back, and what hosts ask for on the way there and back.
pub(super) fn reloading(plan: Plan, recovery: Recovery) -> Plan {
    let local_steps = local_steps(&plan.environment);
    Plan { check_health: Script::new().check_health(), recovery, local_steps, ..plan }
}

/// Fills a release that was begun: files of the commit and of the operator, shared and carried paths, the build.
pub(super) fn fill_release(stages: &mut Stages<'_>, app: &App) {
    let fetch = stages.limits.fetch;
    stages.all(|s| s.fetch(fetch).checkout(fetch));
    let files = sent_files(app);
    stages.all(|s| files.iter().enumerate().fold(s, |s, (n, (path, mode))| s.file(n, *mode, path)));
    stages.all(|s| s.link(&links(app)).carry(fetch, &app.carry));
    stages.hooks(Step::Build, &app.hooks.build, Place::Release);
    stages.all(|s| s.keep_assets(app.keep_releases, fetch, &app.keep_assets));
    let known = stages.on_hosts(|host| app.supervisors_on(host).iter().any(|one| one.known().is_some()));
    stages.each(|at, script| if known[at] { script.detect() } else { script });
}

// The `drain` and `undrain` steps that run on the operator's machine.
fn local_steps(environment: &Environment) -> Vec<LocalHook> {
    let mut stages = Stages::new(environment);
    let mut all = Vec::new();
    stages.apps(|stages, app| {
        for (step, hooks) in [(Step::Drain, &app.hooks.drain), (Step::Undrain, &app.hooks.undrain)] {
            all.extend(stages.local_steps_of(step, hooks));
        }
    });
    all
}

// The entries of `shared` as `link` takes them.
fn links(app: &App) -> Vec<String> {
    app.shared.iter().map(|s| format!("{}:{}", if s.directory { 'd' } else { 'f' }, s.path)).collect()
}

/// The local hooks after success, and those after a failure.
pub(super) fn after_the_end(stages: &mut Stages<'_>) -> (Vec<LocalHook>, Vec<LocalHook>) {
    let (mut after_success, mut after_failure) = (Vec::new(), Vec::new());
    stages.apps(|stages, app| {
        after_success.extend(stages.local_hooks(Step::PostDeployLocal, &app.hooks.post_deploy_local));
        after_failure.extend(stages.local_hooks(Step::OnFailureLocal, &app.hooks.on_failure_local));
    });
    (after_success, after_failure)
}
