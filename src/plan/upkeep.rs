//! Plans that make no release: `restart`, `prune`, `hold` and `resume`.

use super::build::{batches, plan};
use super::stages::Stages;
use super::{Action, Options, Phase, Plan, Who};
use crate::config::Environment;
use crate::remote::script::Script;

/// The live release's supervisor, by what was stored with it.
#[must_use]
pub fn restart(environment: Environment, options: &Options) -> Plan {
    let mut stages = Stages::new(&environment);
    stages.apps(|stages, app| {
        for (batch, members) in batches(stages, app, &environment) {
            stages.only(members, |stages| {
                stages.batch(Phase::Activate, Who::All, batch);
                stages.all(|s| s.restart().restart_serve());
                stages.asked(batch, Who::Asking, Script::restart_end);
            });
        }
    });
    stages.phase(Phase::Finish);
    stages.all(Script::unlock);
    let undo = Script::new().restart_again().unlock();
    let opening = Script::new().lock().live();
    Plan { stages: stages.end(), undo, ..plan(Action::Restart, environment, options, opening) }
}

/// What is not kept goes.
#[must_use]
pub fn prune(environment: Environment, options: &Options) -> Plan {
    let mut stages = Stages::new(&environment);
    stages.phase(Phase::Prune);
    stages.apps(|stages, app| stages.all(|s| s.prune(app.keep_releases).unlock()));
    let undo = Script::new().unlock();
    let opening = Script::new().lock().live();
    Plan { stages: stages.end(), undo, ..plan(Action::Prune, environment, options, opening) }
}

/// A hold until a time (RFC 3339), or until `resume` where that is empty. Takes no lock.
#[must_use]
pub fn hold(environment: Environment, options: &Options, until: &str, why: &str) -> Plan {
    let script = Script::new().hold(until, why).holder();
    unlocked(plan(Action::Hold, environment, options, script))
}

/// The end of a hold. Takes no lock.
#[must_use]
pub fn resume(environment: Environment, options: &Options) -> Plan {
    unlocked(plan(Action::Resume, environment, options, Script::new().resume()))
}

fn unlocked(mut plan: Plan) -> Plan {
    plan.opening_phase = Phase::Connect;
    plan.leave = Script::new();
    plan.undo = Script::new();
    plan
}
