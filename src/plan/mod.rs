//! What will be done, as data: built purely from a resolved configuration, read by the executor and by the dry run, so
//! that what is shown is what runs. Knows no connection and no clock.

mod action;
mod activate;
mod adopt;
mod base;
mod check;
mod deploy;
mod exec;
mod import;
mod limits;
mod look;
mod model;
mod options;
mod phase;
mod recovery;
mod setup;
mod show;
mod stages;
mod store;
mod sync;
mod target;
mod upkeep;

pub use action::Action;
pub use check::check;
pub use deploy::{deploy, revert};
pub use exec::{exec, unlock};
pub use import::import;
pub use limits::ScriptLimits;
pub use look::{console, dry_run, logs, look, output, status};
pub use model::{
    Batch, InDoubt, LocalHook, OnFailure, Others, Participants, Plan, Policy, Recovery, Stage, Target,
    Unreachable, Verdict, Work,
};
pub use options::Options;
pub use phase::Phase;
pub use setup::setup;
pub use show::{alike, show, show_with};
pub use sync::sync;
pub use upkeep::{hold, prune, restart, resume};
