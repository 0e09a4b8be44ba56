//! Plans that look and change nothing: `status`, `show`, `logs`, `console`. They take no lock and keep their things outside of
//! the deploy path ([`Mode::Free`]).

use super::build::{Options, plan};
use super::{Action, Phase, Plan, Stage, Who, Work};
use crate::config::Environment;
use crate::remote::script::Script;
use crate::remote::wire::Mode;

/// What is live and whether it runs, who holds the lock, the journal.
#[must_use]
pub fn status(environment: Environment, options: &Options) -> Plan {
    free(environment, options, Script::new().live().serving().holder().held().journal())
}

/// The journal and the records of all runs; then, told which, pieces of what one printed.
#[must_use]
pub fn output(environment: Environment, options: &Options) -> Plan {
    let opening = Script::new().live().journal().attempts();
    let plan = free(environment, options, opening);
    let scripts = vec![Script::new().output(); plan.targets.len()];
    again(plan, scripts)
}

/// The last lines of the app's log files; then, as often as it is asked, what they have new.
#[must_use]
pub fn logs(environment: Environment, options: &Options, lines: u32) -> Plan {
    let of_apps: Vec<Script> =
        environment.apps.iter().map(|app| Script::new().tails(lines, &app.logs)).collect();
    let mut plan = free(environment, options, Script::new());
    plan.opening = plan.targets.iter().map(|target| of_apps[target.app].clone()).collect();
    let scripts = plan.opening.clone();
    again(plan, scripts)
}

/// What a terminal in `current` starts from; `env` is in it.
#[must_use]
pub fn console(environment: Environment, options: &Options) -> Plan {
    free(environment, options, Script::new().console())
}

fn free(environment: Environment, options: &Options, opening: Script) -> Plan {
    Plan {
        mode: Mode::Free,
        opening_phase: Phase::Connect,
        leave: Script::new(),
        undo: Script::new(),
        ..plan(Action::Look, environment, options, opening)
    }
}

fn again(plan: Plan, scripts: Vec<Script>) -> Plan {
    let work = Work::Remote(scripts);
    Plan { stages: vec![Stage { phase: Phase::Connect, who: Who::All, batch: None, work }], ..plan }
}
