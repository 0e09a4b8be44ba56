//! What the command line says about output.

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
    /// JSON for programs: an event on each line.
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
