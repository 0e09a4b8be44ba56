//! What the user sees: events while a run goes on, and one report of its outcome at the end.
//!
//! Knows nothing of how anything is done and decides nothing about it. The only floor that writes to the terminal,
//! and all that came from a host passes [`clean`] first: a remote byte never acts on the operator's terminal.

use crate::executor::event::Observer;

mod background;
mod board;
mod ci;
pub mod clean;
pub mod deploys;
pub mod dry_run;
pub mod events;
pub mod findings;
pub mod fleet;
mod frame;
pub mod human;
pub mod json;
mod narrator;
pub mod output;
mod plain;
mod plan_screen;
mod pretty;
pub mod preview;
mod printer;
pub mod prompt;
mod screen;
mod show;
mod style;
pub mod summary;
pub mod table;
pub mod terminal;

pub use narrator::Narrator;
pub use printer::Printer;
pub use show::{Show, record_error};

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Live lines where a person watches, else plain.
    #[default]
    Auto,
    /// A live line per host.
    Pretty,
    /// A line per event.
    Plain,
    /// An event a line, for programs: [`events`].
    Json,
}

/// Whether colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` says otherwise.
    #[default]
    Auto,
    /// Yes, whatever the terminal.
    Always,
    /// No.
    Never,
}

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub enum Verbosity {
    /// Failures and the end.
    Quiet,
    /// What most want to see.
    #[default]
    Normal,
    /// All that steps print.
    Verbose,
}

/// Shows nothing: for commands whose answer is all there is to see.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {
    fn event(&mut self, _: &crate::executor::event::Event<'_>) {}
    fn tick(&mut self) {}
}

/// The reader of events for people that fits where standard error goes. Drop it before anything else is printed: dropping
/// takes live lines away and waits for what is not yet written. [`Loss`](background::Loss): of data.
fn people(mode: Mode, printer: &Printer) -> (Box<dyn Observer>, background::Loss) {
    let live = match mode {
        Mode::Auto => printer.suits_live_lines(),
        Mode::Pretty => printer.verbosity() > Verbosity::Quiet,
        Mode::Plain | Mode::Json => false,
    };
    let background = background::Background::of_process();
    let loss = background.loss();
    if live {
        // A terminal is one screen: what goes to standard output would run into the live lines.
        let one_screen = printer.is_data_on_terminal();
        (Box::new(pretty::Pretty::new(background, printer.color_on_stderr(), one_screen)), loss)
    } else {
        let plain = plain::Plain::new(background, printer.color_on_stderr(), printer.verbosity());
        (Box::new(plain.in_ci(printer.ci().clone())), loss)
    }
}
