//! The plan of `setup`: directories, the repository, the hooks around them.

use super::action::Action;
use super::adopt::adopt;
use super::base::plan;
use super::model::{Others, Plan, Policy, Recovery};
use super::options::Options;
use super::phase::Phase;
use super::stages::Stages;
use crate::config::{App, Environment};
use crate::remote::script::{Place, Script, Unshared};
use crate::remote::step::Step;

/// Directories, the repository, a look at the host.
#[must_use]
pub fn setup(environment: Environment, options: &Options) -> Plan {
    let mut stages = Stages::new(&environment);
    stages.phase(Phase::Prepare);
    stages.apps(set_up);
    stages.phase(Phase::Finish);
    stages.all(Script::unlock);
    let stages = stages.end();
    let adopt = adopt(&environment, Unshared::Move, &Script::new());
    let plan = plan(Action::Setup, environment, options, Script::new().setup_lock().adoptable());
    Plan {
        stages,
        adopt,
        policy: Policy { fetches: true, others: Others::GoOn, ..plan.policy },
        recovery: Recovery { script: Script::new().undo(), ..Recovery::default() },
        ..plan
    }
}

pub(super) fn set_up(stages: &mut Stages<'_>, app: &App) {
    let fetch = stages.limits.fetch;
    stages.all(Script::setup_hooks);
    stages.store(Step::PreSetup, &app.hooks.pre_setup);
    stages.hooks(Step::PreSetup, &app.hooks.pre_setup, Place::Home);
    stages.all(Script::setup_close);
    let dirs: Vec<String> = app.shared.iter().filter(|s| s.directory).map(|s| s.path.clone()).collect();
    stages.all(|s| if s.is_empty() { s.setup_hooks() } else { s }.setup(fetch).dirs(&dirs));
    stages.store(Step::PostSetup, &app.hooks.post_setup);
    stages.hooks(Step::PostSetup, &app.hooks.post_setup, Place::Root);
}
