//! Where text goes and what may be in it: colours, width and level are decided once, from the options, the
//! environment and the terminal. Nothing else asks them again.
//!
//! Writing never fails and never panics: a reader that has gone away (`| head`) is no reason to stop a deploy.

use std::io::{self, IsTerminal, Write};

use super::{ColorChoice, Verbosity};
use crate::executor::event::Failure;
use crate::executor::outcome::{End, Outcome};

/// Assumed where there is no terminal to ask.
const USUAL_WIDTH: usize = 100;

/// The way to standard output and standard error.
#[derive(Debug, Clone)]
pub struct Printer {
    color: Streams,
    terminal: bool,
    data_terminal: bool,
    live: bool,
    width: usize,
    verbosity: Verbosity,
}

#[derive(Debug, Clone, Copy)]
struct Streams {
    out: bool,
    err: bool,
}

/// What the environment says about colours and terminals.
#[derive(Debug, Clone, Copy, Default)]
struct Surroundings {
    no_color: bool,
    force_color: bool,
    dumb: bool,
    ci: bool,
}

impl Printer {
    /// Looks at the process's environment and streams.
    #[must_use]
    pub fn new(choice: ColorChoice, verbosity: Verbosity) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
        let surroundings = Surroundings {
            no_color: std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
            force_color: set("CLICOLOR_FORCE"),
            dumb: std::env::var_os("TERM").is_none_or(|value| value.is_empty() || value == "dumb"),
            ci: set("CI") && std::env::var_os("CI").is_some_and(|value| value != "false"),
        };
        let terminal = io::stderr().is_terminal();
        let data_terminal = io::stdout().is_terminal();
        let columns = console::Term::stderr().size_checked().map(|(_, columns)| usize::from(columns));
        Printer {
            color: Streams {
                out: surroundings.color(choice, data_terminal),
                err: surroundings.color(choice, terminal),
            },
            terminal,
            data_terminal,
            live: terminal && !surroundings.dumb && !surroundings.ci,
            width: columns.filter(|columns| terminal && *columns >= 20).unwrap_or(USUAL_WIDTH),
            verbosity,
        }
    }

    /// How much is shown.
    #[must_use]
    pub fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// Columns of the terminal, or what is usual.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Whether a person watches standard error and can be asked.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Whether what goes to standard error is coloured.
    #[must_use]
    pub fn color_on_stderr(&self) -> bool {
        self.color.err
    }

    /// Whether what goes to standard output is coloured.
    #[must_use]
    pub fn color_on_stdout(&self) -> bool {
        self.color.out
    }

    /// Whether data goes to a terminal: then it must be clean.
    #[must_use]
    pub fn is_data_on_terminal(&self) -> bool {
        self.data_terminal
    }

    pub(super) fn suits_live_lines(&self) -> bool {
        self.live && self.verbosity > Verbosity::Quiet
    }

    /// Data, which programs may read: standard output, as it is.
    pub fn data(&self, text: &str) {
        write(&mut io::stdout().lock(), text);
    }

    /// A piece of data that is longer than memory should be. Whether anybody still reads. Waits for a reader that is slow:
    /// to be called where nothing else waits.
    #[must_use]
    pub fn stream(&self, bytes: &[u8]) -> bool {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes).and_then(|()| stdout.flush()).is_ok()
    }

    /// Something that is good to know: standard error, unless quiet.
    pub fn note(&self, text: &str) {
        if self.verbosity > Verbosity::Quiet {
            write(&mut io::stderr().lock(), text);
        }
    }

    /// How a run ended.
    pub fn report(&self, outcome: &Outcome, undo: Option<&str>) {
        let text = super::summary::render(outcome, self.width, self.color.err, undo);
        let good = matches!(outcome.end, End::Done | End::NothingToDo);
        // A command's output speaks for itself when all went well.
        if !(good && (outcome.action == "exec" || self.verbosity == Verbosity::Quiet)) {
            self.error(&text);
        }
    }

    /// A host that did not answer a question.
    pub fn host_failure(&self, host: &str, failure: &Failure) {
        let clean = |text: &str| super::clean::lines(text.as_bytes()).join("\n");
        let message =
            if failure.message.is_empty() { super::human::failure(failure) } else { clean(&failure.message) };
        self.error(&format!("{host}: {message}"));
        if let Some(hint) = &failure.hint {
            self.error(&format!("  {}", clean(hint)));
        }
    }

    /// Asks on the terminal; no where nobody is there to ask.
    #[must_use]
    pub fn confirm(&self, question: &str) -> bool {
        if !self.terminal || !io::stdin().is_terminal() {
            return false;
        }
        let mut stderr = io::stderr().lock();
        let mut answer = String::new();
        let asked = stderr.write_all(format!("{question} [y/N] ").as_bytes()).and_then(|()| stderr.flush());
        asked.is_ok()
            && io::stdin().read_line(&mut answer).is_ok()
            && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
    }

    /// Something that must be known: standard error.
    pub fn error(&self, text: &str) {
        write(&mut io::stderr().lock(), text);
    }
}

/// Writes a text that ends in a newline, given or not.
fn write(stream: &mut dyn Write, text: &str) {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    // Nobody is left to tell if this fails.
    let _ = stream.write_all(format!("{text}{end}").as_bytes()).and_then(|()| stream.flush());
}

impl Surroundings {
    fn color(self, choice: ColorChoice, terminal: bool) -> bool {
        match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if self.no_color => false,
            ColorChoice::Auto => self.force_color || (terminal && !self.dumb),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_decided_by_flag_then_environment_then_terminal() {
        let none = Surroundings::default();
        let no_color = Surroundings { no_color: true, force_color: true, ..none };
        let force = Surroundings { force_color: true, ..none };
        let dumb = Surroundings { dumb: true, ..none };
        let table = [
            (none, ColorChoice::Auto, true, true),
            (none, ColorChoice::Auto, false, false),
            (none, ColorChoice::Always, false, true),
            (none, ColorChoice::Never, true, false),
            (no_color, ColorChoice::Auto, true, false),
            (no_color, ColorChoice::Always, true, true),
            (force, ColorChoice::Auto, false, true),
            (force, ColorChoice::Never, false, false),
            (dumb, ColorChoice::Auto, true, false),
        ];
        for (surroundings, choice, terminal, expected) in table {
            assert_eq!(
                surroundings.color(choice, terminal),
                expected,
                "{surroundings:?} {choice:?} {terminal}"
            );
        }
    }

    #[test]
    fn a_reader_that_went_away_is_not_noticed() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
        write(&mut Gone, "text");
    }
}
