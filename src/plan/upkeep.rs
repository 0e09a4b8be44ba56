//! Plans that make no release: `restart`, `prune`, `hold` and `resume`.

use super::action::Action;
use super::activate::batches;
use super::base::{plan, reloading, unlocked};
use super::model::{OnFailure, Participants, Plan, Policy, Stage, Work};
use super::options::Options;
use super::phase::Phase;
use super::recovery::finish_in_place;
use super::stages::Stages;
use crate::config::Environment;
use crate::remote::script::Script;

/// The live release's supervisor, by what was stored with it.
#[must_use]
pub fn restart(environment: Environment, options: &Options) -> Plan {
    let mut stages = Stages::new(&environment);
    stages.apps(|stages, app| {
        for (batch, members) in batches(stages, app, &environment) {
            stages.only(members, |stages| {
                stages.batch(Phase::Activate, Participants::All, batch);
                stages.all(|s| s.restart().restart_serve());
                stages.health_check_from_here(batch, Participants::HealthChecked, Script::restart_end);
            });
        }
    });
    stages.phase(Phase::Finish);
    stages.all(Script::unlock);
    let stages = stages.end();
    let recovery = finish_in_place(&environment);
    let plan = plan(Action::Restart, environment, options, Script::new().lock().live().damage());
    let plan = reloading(plan, recovery);
    Plan { stages, policy: Policy { on_failure: OnFailure::FinishInPlace, ..plan.policy }, ..plan }
}

/// What is not kept goes.
#[must_use]
pub fn prune(environment: Environment, options: &Options) -> Plan {
    let mut stages = Stages::new(&environment);
    stages.phase(Phase::Prune);
    stages.apps(|stages, app| stages.all(|s| s.prune(app.keep_releases).unlock()));
    let opening = Script::new().lock().live();
    Plan { stages: stages.end(), ..plan(Action::Prune, environment, options, opening) }
}

/// A hold until a time (RFC 3339), or until `resume` where that is empty. Takes no lock. The opening tells the hold that is
/// replaced.
#[must_use]
pub fn hold(environment: Environment, options: &Options, until: &str, why: &str) -> Plan {
    let plan = unlocked(plan(Action::Hold, environment, options, Script::new().held()));
    let work = Work::Remote(vec![Script::new().hold(until, why).holder(); plan.targets.len()]);
    let stage = Stage { phase: Phase::Connect, participants: Participants::All, batch: None, work };
    Plan { stages: vec![stage], ..plan }
}

/// The end of a hold. Takes no lock.
#[must_use]
pub fn resume(environment: Environment, options: &Options) -> Plan {
    unlocked(plan(Action::Resume, environment, options, Script::new().resume()))
}
