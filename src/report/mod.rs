//! What the user sees: events while a run goes on, and one report of its outcome at the end.
//!
//! Knows nothing of how anything is done and decides nothing about it. The only floor that writes to the terminal,
//! and all that came from a host passes [`clean`] first: a remote byte never acts on the operator's terminal.

use crate::executor::event::Observer;

mod background;
mod board;
mod ci;
pub mod clean;
mod deaf;
pub mod deploys;
pub mod dry_run;
pub mod events;
pub mod findings;
pub mod fleet;
mod frame;
pub mod human;
pub mod import;
pub mod import_apps;
pub mod json;
mod live_lines;
pub mod login_prompt;
mod narrator;
pub mod note;
mod options;
pub mod output;
mod plain;
pub mod plan_screen;
mod pretty;
pub mod preview;
mod printer;
pub mod prompt;
mod screen;
pub mod secret;
mod show;
mod step_path;
mod style;
pub mod summary;
mod symbols;
pub mod table;
pub mod terminal;
mod terminal_echo;
mod word_wrap;

pub use deaf::Deaf;
pub use narrator::Narrator;
pub use note::Note;
pub use options::{ColorChoice, Mode, Verbosity};
pub use printer::Printer;
pub use show::{Show, record_error};

/// Shows nothing: for commands whose answer is all there is to see.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {
    fn event(&mut self, _: &crate::executor::event::Event<'_>) {}
    fn tick(&mut self) {}
}
