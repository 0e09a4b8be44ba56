//! The questions of `import`: what the hosts hold that another tool made. No lock, and nothing is changed.

use super::action::Action;
use super::base::{free, plan};
use super::model::Plan;
use super::options::Options;
use super::phase::Phase;
use crate::config::Environment;
use crate::remote::script::Script;

/// One script per host.
#[must_use]
pub fn import(environment: Environment, options: &Options) -> Plan {
    let script = Script::new().import_place();
    Plan { opening_phase: Phase::Check, ..free(plan(Action::Check, environment, options, script)) }
}
