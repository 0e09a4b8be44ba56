//! Plans that look and change nothing: `status`, `show`, `logs`, `console`. They take no lock and keep their things outside of
//! the deploy path ([`crate::remote::wire::Mode::Free`]).

use super::action::Action;
use super::base::{self, plan, unlocked};
use super::model::{Participants, Plan, Stage, Work};
use super::options::Options;
use super::phase::Phase;
use crate::config::{App, Environment};
use crate::remote::script::Script;
use crate::remote::since::Since;

/// What is live and whether it runs, the lock holder, the journal.
#[must_use]
pub fn status(environment: Environment, options: &Options) -> Plan {
    free(environment, options, Script::new().live().damage().serving().holder().held().journal())
}

/// The journal and the records of all runs; then pieces of what one run printed, as variables say which.
#[must_use]
pub fn output(environment: Environment, options: &Options) -> Plan {
    let opening = Script::new().live().journal().attempts();
    let plan = free(environment, options, opening);
    let scripts = vec![Script::new().output(); plan.targets.len()];
    again(plan, scripts)
}

/// The last lines of the app's log files, all of them where that is `None`, and only those since a time where there is one;
/// then, as often as it is asked, what they have new.
#[must_use]
pub fn logs(environment: Environment, options: &Options, lines: Option<u32>, since: Option<Since>) -> Plan {
    let of_app = |script: Script, app: &App| match &app.logs[..] {
        [] => script.supervisor_logs(lines),
        logs => script.tails(lines, logs),
    };
    let mut plan = free(environment, options, Script::new());
    let of_targets = |begin: &Script| -> Vec<Script> {
        let targets = plan.targets.iter();
        targets.map(|target| of_app(begin.clone(), &plan.environment.apps[target.app])).collect()
    };
    let scripts = of_targets(&Script::new());
    plan.opening = match since {
        Some(since) => of_targets(&Script::new().since(since)),
        None => scripts.clone(),
    };
    again(plan, scripts)
}

/// What a terminal in `current` starts from; `env` is in it.
#[must_use]
pub fn console(environment: Environment, options: &Options) -> Plan {
    free(environment, options, Script::new().console())
}

fn free(environment: Environment, options: &Options, opening: Script) -> Plan {
    base::free(plan(Action::Look, environment, options, opening))
}

fn again(plan: Plan, scripts: Vec<Script>) -> Plan {
    let work = Work::Remote(scripts);
    Plan {
        stages: vec![Stage { phase: Phase::Connect, participants: Participants::All, batch: None, work }],
        ..plan
    }
}

/// Questions: what is live, the lock holder, the journal.
#[must_use]
pub fn look(environment: Environment, options: &Options) -> Plan {
    unlocked(plan(Action::Look, environment, options, Script::new().live().holder().held().journal()))
}

/// What a run of that kind would decide from, asked without its lock.
#[must_use]
pub fn dry_run(action: Action, environment: Environment, options: &Options) -> Plan {
    let opening =
        Script::new().live().damage().holder().held().newest().known().incomplete().set_up().journal();
    let mut plan = unlocked(plan(Action::Look, environment, options, opening));
    if action == Action::Prune {
        for (script, target) in plan.opening.iter_mut().zip(&plan.targets) {
            *script = script.clone().prunable(plan.environment.apps[target.app].keep_releases);
        }
    }
    // Asked once it is decided which release a revert returns to.
    match action {
        Action::Revert => {
            let scripts = vec![Script::new().returning(); plan.targets.len()];
            again(plan, scripts)
        }
        _ => plan,
    }
}
