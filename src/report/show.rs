//! All that a run is shown with, from its first event to its end: for people on standard error, for machines on standard
//! output or in a file, for a CI system in its own way.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::background::{Background, Loss};
use super::events::Json;
use super::note::{Note, Warning};
use super::{Mode, Printer, Verbosity, human, plain, pretty};
use crate::error::{self, exit};
use crate::executor::event::{Event, Observer};
use crate::executor::outcome::Outcome;

/// The readers of one run.
pub struct Show<'a> {
    printer: &'a Printer,
    people: Option<(Box<dyn Observer>, Loss)>,
    machine: Option<Json>,
    file: Option<(PathBuf, Json)>,
    commits: Vec<String>,
}

impl<'a> Show<'a> {
    /// In that way, and as events into `file` beside it, which is made anew and only for its owner.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(printer: &'a Printer, mode: Mode, file: Option<&Path>) -> io::Result<Self> {
        let file =
            file.map(|path| Ok::<_, io::Error>((path.to_owned(), events_into(create(path)?)))).transpose()?;
        let machine = (mode == Mode::Json).then(|| Json::new(printer.machine_stream(), printer.verbosity()));
        let people = (mode != Mode::Json).then(|| people(mode, printer));
        Ok(Show { printer, people, machine, file, commits: Vec::new() })
    }

    /// How the run ended, to everyone. The process's exit code. `undo` is the command that undoes a deploy.
    pub fn end(mut self, outcome: &Outcome, undo: Option<&str>) -> u8 {
        let code = error::exit_code(outcome);
        let events_lost = self.machine.take().and_then(|machine| close(machine, outcome, code));
        let file_lost = self.file.take().and_then(|(path, json)| Some((path, close(json, outcome, code)?)));
        // Live lines are gone, and all is written, before anything else is.
        if let Some((people, loss)) = self.people.take() {
            drop(people);
            self.printer.lose(loss.take());
            self.printer.report(outcome, undo);
        } else if code != exit::OK || events_lost.is_some() {
            self.printer.report(outcome, undo);
        }
        if let Some(error) = events_lost.filter(|error| error.kind() != io::ErrorKind::BrokenPipe) {
            // A deploy that is done is done, whether or not it could be told.
            self.warn(Warning::EventsLost { file: None, error: &error });
        }
        if let Some((path, error)) = file_lost {
            self.warn(Warning::EventsLost { file: Some(&path), error: &error });
        }
        self.printer.tell_ci(outcome, &self.commits);
        code
    }

    fn warn(&self, warning: Warning<'_>) {
        self.printer.note(Note::Warning(warning));
    }
}

impl Observer for Show<'_> {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::Commits { app, from, to, pending } = event {
            self.commits.extend(human::commits(*app, from, to, pending));
        }
        let people = self.people.as_mut().map(|(people, _)| &mut **people);
        let machine = self.machine.as_mut().map(|json| json as &mut dyn Observer);
        let file = self.file.as_mut().map(|(_, json)| json as &mut dyn Observer);
        people.into_iter().chain(machine).chain(file).for_each(|reader| reader.event(event));
    }

    fn tick(&mut self) {
        if let Some((people, _)) = &mut self.people {
            people.tick();
        }
    }
}

/// The reader of events for people that fits where standard error goes. Drop it before anything else is printed: dropping
/// takes live lines away and waits for what is not yet written. [`Loss`]: of data.
fn people(mode: Mode, printer: &Printer) -> (Box<dyn Observer>, Loss) {
    let live = match mode {
        Mode::Auto => printer.suits_live_lines(),
        Mode::Pretty => printer.verbosity() > Verbosity::Quiet,
        Mode::Plain | Mode::Json => false,
    };
    let background = printer.streams();
    let loss = background.loss();
    if live {
        // What goes to standard output would run into the live lines.
        let one_screen = printer.is_one_screen();
        let lines = pretty::Pretty::new(background, printer.color_on_stderr(), one_screen);
        (printer.live_lines().show(lines), loss)
    } else {
        let plain = plain::Plain::new(background, printer.color_on_stderr(), printer.verbosity());
        (Box::new(plain.in_ci(printer.ci().clone())), loss)
    }
}

/// Writes the events of a command that ended before it was a run.
///
/// # Errors
/// When the file cannot be written.
pub fn record_error(file: &Path, error: &error::Error) -> io::Result<()> {
    io::Write::write_all(&mut create(file)?, format!("{}\n", super::events::error(error)).as_bytes())
}

fn create(path: &Path) -> io::Result<File> {
    // What hosts print may be secret, so no other user may read it.
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

fn events_into(file: File) -> Json {
    Json::new(Background::new(io::sink(), file), Verbosity::Normal)
}

fn close(mut json: Json, outcome: &Outcome, code: u8) -> Option<io::Error> {
    json.end(outcome, code);
    let loss = json.loss();
    drop(json);
    loss.take()
}
