//! Plans of one script a host: a command of the user's, the end of another run.

use super::action::Action;
use super::base::{free, plan, unlocked};
use super::model::Plan;
use super::options::Options;
use super::phase::Phase;
use crate::config::Environment;
use crate::remote::script::Script;

/// A command of the user's: one word is a script, several are an argv.
#[must_use]
pub fn exec(environment: Environment, options: &Options, words: &[String]) -> Plan {
    let script = match words {
        [text] => Script::new().exec_text(text),
        words => Script::new().exec_argv(words),
    };
    Plan { opening_phase: Phase::Exec, ..free(plan(Action::Exec, environment, options, script)) }
}

/// The end of another run.
#[must_use]
pub fn unlock(environment: Environment, options: &Options) -> Plan {
    Plan {
        opening_phase: Phase::Lock,
        ..unlocked(plan(Action::Unlock, environment, options, Script::new().steal()))
    }
}
