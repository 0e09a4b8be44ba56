//! Where text goes and what may be in it: colours, width and level are decided once, from the options, the
//! environment and the terminal. Nothing else asks them again.
//!
//! Writing never panics, and progress that cannot be written stops nothing. Data that cannot be is remembered: a command
//! whose answer was lost must not end well ([`Printer::settle`]).

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

use rustix::fs::{FileType, fstat};

use super::background::{Background, Loss};
use super::ci::Ci;
use super::live_lines::LiveLines;
use super::note::{Note, Warning};
use super::symbols::{Shown, Symbols};
use super::word_wrap::wrap_words;
use super::{ColorChoice, Mode, Verbosity, clean};
use crate::error::{Error, SystemError, exit};
use crate::executor::event::Failure;
use crate::executor::outcome::{End, HostResult, Outcome};
use crate::plan::Action;

/// Assumed where there is no terminal to ask.
const USUAL_WIDTH: usize = 100;

/// The way to standard output and standard error.
#[derive(Debug, Clone)]
pub struct Printer {
    color: Streams,
    terminal: bool,
    data_terminal: bool,
    /// Data goes to another program.
    data_piped: bool,
    one_screen: bool,
    live: bool,
    width: usize,
    verbosity: Verbosity,
    ci: Ci,
    symbols: Symbols,
    lost: Loss,
    live_lines: LiveLines,
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
    /// Looks at the process's streams, and at its environment by `lookup`.
    #[must_use]
    pub fn new(choice: ColorChoice, verbosity: Verbosity, lookup: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let set = |name: &str| lookup(name).is_some_and(|value| !value.is_empty() && value != "0");
        let ci = Ci::detect(lookup);
        let surroundings = Surroundings {
            no_color: lookup("NO_COLOR").is_some_and(|value| !value.is_empty()),
            force_color: set("CLICOLOR_FORCE") || set("FORCE_COLOR"),
            dumb: lookup("TERM").is_none_or(|value| value.is_empty() || value == "dumb"),
            ci: ci != Ci::None,
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
            data_piped: kind(&io::stdout())
                .is_some_and(|kind| matches!(kind, FileType::Fifo | FileType::Socket)),
            one_screen: terminal && data_terminal && device(&io::stdout()) == device(&io::stderr()),
            live: terminal && !surroundings.dumb && !surroundings.ci,
            width: columns.filter(|columns| terminal && *columns >= 20).unwrap_or(USUAL_WIDTH),
            verbosity,
            ci,
            symbols: Symbols::of(lookup),
            lost: Loss::default(),
            live_lines: LiveLines::default(),
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

    /// How a run is shown whose data others read. What goes into a pipe may come out on this very screen (`| cat`), where live
    /// lines would erase it.
    #[must_use]
    pub fn mode_beside_data(&self, mode: Mode) -> Mode {
        match mode {
            Mode::Auto | Mode::Pretty if self.terminal && self.data_piped => Mode::Plain,
            mode => mode,
        }
    }

    /// Whether data and progress go to one terminal.
    pub(super) fn is_one_screen(&self) -> bool {
        self.one_screen
    }

    pub(super) fn suits_live_lines(&self) -> bool {
        self.live && self.verbosity > Verbosity::Quiet
    }

    /// The live lines of the run, if they are drawn.
    pub(super) fn live_lines(&self) -> &LiveLines {
        &self.live_lines
    }

    pub(super) fn ci(&self) -> &Ci {
        &self.ci
    }

    /// Data, which programs may read: standard output.
    pub fn data(&self, text: &str) {
        self.data_as_it_is(&self.symbols.shown(&self.ci.harmless(text)));
    }

    /// Columns for data: those of the terminal that it goes to. What another program reads is not cut.
    #[must_use]
    pub fn data_width(&self) -> usize {
        let columns = console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
        columns.filter(|columns| self.data_terminal && *columns >= 20).unwrap_or(usize::MAX)
    }

    /// A text as the CI system at hand takes it for nothing but text.
    #[must_use]
    pub fn harmless(&self, text: &str) -> String {
        self.ci.harmless(text).into()
    }

    /// Data that holds nothing of a host's and must keep every byte, where it is read by a program.
    pub fn data_as_it_is(&self, text: &str) {
        if self.lost.is_empty() {
            let shown = if self.data_terminal { clean::shown(text) } else { text.into() };
            self.lose(write(&mut io::stdout().lock(), &shown).err());
        }
    }

    /// Data for machines: one value, on a line.
    pub fn json(&self, value: &serde_json::Value) {
        self.data_as_it_is(&self.on_one_line(&value.to_string()));
    }

    /// A line of JSON, or a piece of one, as the CI system at hand takes it for nothing but JSON.
    #[must_use]
    pub fn on_one_line(&self, json: &str) -> String {
        let json = clean::json(json);
        match self.ci {
            Ci::GitHub { .. } => super::ci::github::harmless_json(&json),
            Ci::None | Ci::GitLab | Ci::Other => json.into_owned(),
        }
    }

    /// The streams of the process, for people.
    pub(super) fn streams(&self) -> Background {
        Background::new(Shown(io::stderr(), self.symbols), io::stdout())
    }

    /// Standard output, for the events of a run.
    pub(super) fn machine_stream(&self) -> Background {
        match self.ci {
            Ci::GitHub { .. } => Background::new(io::stderr(), super::ci::github::JsonLines(io::stdout())),
            Ci::None | Ci::GitLab | Ci::Other => Background::of_process(),
        }
    }

    /// Remembers that data was lost, if it was.
    pub(super) fn lose(&self, error: Option<io::Error>) {
        if let Some(error) = error {
            self.lost.keep(error);
        }
    }

    /// The exit code of a command that would end with `code`: not well, where its data did not arrive. A reader that has
    /// gone away (`| head`) has had enough, and is no error.
    #[must_use]
    pub fn settle(&self, code: u8) -> u8 {
        match self.lost.take() {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                self.show_error(&SystemError::Stdout { source: error }.into());
                if code == exit::OK { exit::FAILED } else { code }
            }
            _ => code,
        }
    }

    /// A piece of data that is larger than memory should be. `false`: the reader has gone away. Waits for a slow reader, so
    /// call it where nothing else waits.
    #[must_use]
    pub fn stream(&self, bytes: &[u8]) -> bool {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes).and_then(|()| stdout.flush()).is_ok()
    }

    /// Something that the user should know: standard error. With `--quiet` only what is important.
    pub fn note(&self, note: Note<'_>) {
        if self.verbosity > Verbosity::Quiet || note.is_important() {
            self.error(&note.to_string());
        }
    }

    /// How a run ended.
    pub fn report(&self, outcome: &Outcome, undo: Option<&str>) {
        let text = super::summary::render(outcome, self.width, self.color.err, undo);
        let skipped = outcome.hosts.iter().any(|host| host.result == HostResult::Skipped);
        let good = matches!(outcome.end, End::Done | End::NothingToDo) && !skipped;
        // A command's output speaks for itself when all went well.
        if !(good && (outcome.action == Action::Exec || self.verbosity == Verbosity::Quiet)) {
            self.error(&text);
        }
    }

    /// What a CI system shows of a run beside its log.
    pub(super) fn tell_ci(&self, outcome: &Outcome, commits: &[String]) {
        /// Of one step GitHub shows no more.
        const MOST: usize = 10;
        let failures = match exit::OK == crate::error::exit_code(outcome) {
            true => Vec::new(),
            false => super::summary::headings(outcome),
        };
        for (title, message) in failures.iter().take(MOST) {
            self.command(self.ci.annotation(title, message));
        }
        if let Ci::GitHub { summary: Some(file) } = &self.ci
            && outcome.action != Action::Exec
        {
            let page = super::ci::summary(outcome, commits);
            let appended = std::fs::OpenOptions::new().append(true).create(true).open(file);
            if let Err(error) = appended.and_then(|mut file| file.write_all(page.as_bytes())) {
                self.note(Note::Warning(Warning::StepSummaryLost { error: &error }));
            }
        }
    }

    /// Why a command ended before it had anything to report.
    pub fn fail(&self, error: &Error) {
        self.show_error(error);
        let text = error.render(false);
        self.command(self.ci.annotation("shipit", text.strip_prefix("error: ").unwrap_or(&text)));
    }

    /// An error with its causes and its hint.
    pub fn show_error(&self, error: &Error) {
        self.error(error.render(self.color.err).trim_end());
    }

    fn command(&self, line: Option<String>) {
        if let Some(line) = line {
            let _ = write(&mut io::stderr().lock(), &clean::shown(&line));
        }
    }

    /// A host that did not answer a question.
    pub fn host_failure(&self, host: &str, failure: &Failure) {
        let clean = |text: &str| clean::lines(text.as_bytes()).join("\n");
        let message =
            if failure.message.is_empty() { super::human::failure(failure) } else { clean(&failure.message) };
        self.error(&format!("{host}: {message}"));
        if let Some(hint) = &failure.hint {
            self.error(&format!("  {}", clean(hint)));
        }
    }

    /// Broken at words: a terminal would break it anywhere.
    fn wrapped(&self, text: &str) -> String {
        text.split('\n').flat_map(|line| wrap_words(line, self.width)).collect::<Vec<_>>().join("\n")
    }

    /// Whether a person watches standard error and can answer a question.
    pub(super) fn is_interactive(&self) -> bool {
        self.terminal && self.ci == Ci::None
    }

    /// Shows a question; the answer is typed after it. Whether it could be shown.
    pub(super) fn prompt(&self, question: &str) -> bool {
        write_whole(&mut io::stderr().lock(), &clean::shown(question)).is_ok()
    }

    /// Something that must be known: standard error.
    pub fn error(&self, text: &str) {
        // Nobody is left to tell if this fails.
        let text = self.ci.harmless(text);
        let text = match self.terminal {
            true => self.wrapped(&text).into(),
            false => text,
        };
        let _ = write(&mut io::stderr().lock(), &self.symbols.shown(&clean::shown(&text)));
    }
}

fn kind(stream: &impl AsFd) -> Option<FileType> {
    Some(FileType::from_raw_mode(fstat(stream).ok()?.st_mode))
}

fn device(stream: &impl AsFd) -> Option<u64> {
    Some(fstat(stream).ok()?.st_rdev)
}

fn write_whole(stream: &mut dyn Write, text: &str) -> io::Result<()> {
    stream.write_all(text.as_bytes()).and_then(|()| stream.flush())
}

/// Writes a text that ends in a newline, given or not.
fn write(stream: &mut dyn Write, text: &str) -> io::Result<()> {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    write_whole(stream, &format!("{text}{end}"))
}

impl Surroundings {
    fn color(self, choice: ColorChoice, terminal: bool) -> bool {
        match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if self.no_color => false,
            ColorChoice::Auto => self.force_color || (terminal && !self.dumb && !self.ci),
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
        let ci = Surroundings { ci: true, ..none };
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
            (ci, ColorChoice::Auto, true, false),
            (ci, ColorChoice::Always, false, true),
            (Surroundings { ci: true, ..force }, ColorChoice::Auto, false, true),
        ];
        for (surroundings, choice, terminal, expected) in table {
            assert_eq!(
                surroundings.color(choice, terminal),
                expected,
                "{surroundings:?} {choice:?} {terminal}"
            );
        }
    }
}
