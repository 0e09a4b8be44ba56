//! A line an event, `host | text`: for logs, CI and everything that is not a person at a terminal.
//!
//! What a step prints is shown up to [`LINES_PER_STEP`]; the outcome's report repeats the end of what failed.
//! A run is never silent for longer than [`SILENCE`].

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::background::Background;
use super::board::Board;
use super::ci::{Ci, Fold};
use super::clean::{self, Lines};
use super::style::Paint;
use super::{Verbosity, human};
use crate::executor::event::{Event, Failure, Observer, Phase};
use crate::plan::Action;
use crate::transport::Exit;

/// Lines of one step on one host, unless verbose.
const LINES_PER_STEP: usize = 200;

/// After this, what goes on is said though nothing happened.
const SILENCE: Duration = Duration::from_secs(30);

/// A phase that took less is no news.
const WORTH_SAYING: Duration = Duration::from_secs(1);

/// Columns of the longest text of an event.
const TEXT_WIDTH: usize = 500;

/// Host names are aligned to the longest, up to this.
const HOST_WIDTH: usize = 32;

#[cfg(test)]
mod tests;

/// The plain reader of events.
#[derive(Debug)]
pub(super) struct Plain {
    out: Background,
    paint: Paint,
    verbosity: Verbosity,
    exec: bool,
    board: Board,
    streams: HashMap<String, Stream>,
    errors: HashMap<String, Lines>,
    host_width: usize,
    last_said: Instant,
    ci: Ci,
    fold: Option<Fold>,
    /// A fold that nothing was said in yet, and the line that opens it.
    waiting_fold: Option<(String, Fold)>,
    folds: usize,
    /// The phase, and its part, that was announced last.
    entered: String,
    /// The line after which a CI system hears commands again.
    resume: Option<String>,
}

/// What a host prints in its present step.
#[derive(Debug, Default)]
struct Stream {
    lines: Lines,
    shown: usize,
    more: usize,
}

impl Plain {
    pub(super) fn new(out: Background, color: bool, verbosity: Verbosity) -> Self {
        let now = Instant::now();
        Plain {
            out,
            paint: Paint(color),
            verbosity,
            exec: false,
            board: Board::new(now),
            streams: HashMap::new(),
            errors: HashMap::new(),
            host_width: 0,
            last_said: now,
            ci: Ci::None,
            fold: None,
            waiting_fold: None,
            folds: 0,
            entered: String::new(),
            resume: None,
        }
    }

    /// Its lines go to the log of that CI system.
    pub(super) fn in_ci(mut self, ci: Ci) -> Self {
        self.ci = ci;
        self
    }

    fn say(&mut self, text: &str) {
        self.last_said = Instant::now();
        if let Some((line, fold)) = self.waiting_fold.take() {
            self.out.draw(&line);
            self.fold = Some(fold);
        }
        self.out.write(&self.ci.harmless(&format!("{text}\n")));
    }

    fn unfold(&mut self) {
        self.waiting_fold = None;
        if let Some(fold) = self.fold.take() {
            // It moves the cursor, and is ours.
            self.out.draw(&self.ci.close(&fold));
        }
    }

    fn enter(&mut self, phase: Phase, part: Option<&str>) {
        let part =
            part.map_or(String::new(), |part| format!(" {}", clean::line(part.as_bytes(), TEXT_WIDTH)));
        let title = format!("{}{part}", phase.name());
        // What is asked in between is no phase of its own.
        if self.entered == title {
            return;
        }
        self.entered.clone_from(&title);
        self.unfold();
        self.folds += 1;
        match self.ci.open(&title, self.folds) {
            // Opened by its first line: an empty one would only be in the way.
            Some((line, fold)) => self.waiting_fold = Some((line, fold)),
            None => {
                let text = self.paint.bold(&format!("[{title}]"));
                self.say(&text);
            }
        }
    }

    fn leave(&mut self, phase: Phase, took: Duration, failed: usize) {
        if failed > 0 || took >= WORTH_SAYING {
            let failed = if failed == 0 { String::new() } else { format!(", {failed} failed") };
            self.say(&format!("[{}] {}{failed}", phase.name(), human::duration(took)));
        }
        self.unfold();
    }

    // What a command prints on hosts is data and stays as it is; so its reader must be deaf to it.
    fn stop_commands(&mut self) {
        if let Some((stop, resume)) = self.ci.deaf() {
            self.out.write(&stop);
            self.resume = Some(resume);
        }
    }

    fn say_of(&mut self, host: &str, text: &str) {
        let text = of_host(host, self.host_width, text);
        self.say(&text);
    }

    /// What a host printed: of the user's own command it is data, not progress.
    fn pass_on(&mut self, host: &str, line: &str) {
        if self.board.phase == Some(Phase::Exec) {
            self.last_said = Instant::now();
            self.out.data(&format!("{}\n", of_host(host, self.host_width, line)));
        } else {
            self.say_of(host, line);
        }
    }

    fn terse(&self) -> bool {
        self.exec && self.verbosity < Verbosity::Verbose
    }

    fn matters(&self, event: &Event<'_>) -> bool {
        match event {
            Event::HostFailed { .. } | Event::Interrupted { .. } | Event::Asking { .. } => true,
            // The streams have to be ended for their last lines, which are data.
            Event::ErrorOutput { .. } => true,
            Event::Output { .. } | Event::StepEnded { .. } => self.board.phase == Some(Phase::Exec),
            _ => false,
        }
    }

    fn show(&mut self, event: &Event<'_>) {
        match event {
            Event::PhaseStarted { .. } | Event::PhaseEnded { .. } | Event::Started { .. } if self.terse() => {
            }
            Event::Started { action, environment, hosts } => {
                self.say(&format!("{} {environment}: {}", action.name(), human::places(hosts)));
            }
            Event::Resolved { app, reference, release, .. } => {
                let app = app.map_or(String::new(), |app| format!("{app}: "));
                let text = format!("{app}{reference} as {release}");
                self.say(&clean::line(text.as_bytes(), TEXT_WIDTH));
            }
            // The command's output is what counts; connections are shown with -v.
            Event::PhaseStarted { phase, part } => self.enter(*phase, *part),
            Event::PhaseEnded { phase, took, failed } => self.leave(*phase, *took, *failed),
            Event::Commits { app, from, to, pending } => {
                human::commits(*app, from, to, pending).iter().for_each(|line| self.say(line));
            }
            Event::Connected { host } if self.verbosity == Verbosity::Verbose => {
                self.say_of(host, "connected")
            }
            Event::Connected { .. } => {}
            Event::StepStarted { host, step } => {
                self.streams.insert((*host).to_owned(), Stream::default());
                let text = self.paint.dim(&format!("> {}", clean::line(step.as_bytes(), TEXT_WIDTH)));
                self.say_of(host, &text);
            }
            Event::Output { host, bytes, .. } => self.show_output(host, bytes),
            Event::ErrorOutput { host, bytes } => {
                let mut ready = Vec::new();
                self.errors.entry((*host).to_owned()).or_default().push(bytes, &mut |line| ready.push(line));
                ready.iter().for_each(|line| self.say_of(host, line));
            }
            Event::StepEnded { host, step, exit, took } => self.show_end(host, step, exit, *took),
            Event::HostDone { .. } => {}
            Event::HostFailed { host, failure, .. } => self.show_failure(host, failure),
            Event::Waiting { host, holder, patience } => {
                let holder = human::lock(holder, false, jiff::Timestamp::now());
                let text = format!("waiting up to {} for the lock: {holder}", human::whole(*patience));
                self.say_of(host, &clean::line(text.as_bytes(), TEXT_WIDTH));
            }
            Event::Notice { host, text } => {
                let text = clean::line(text.as_bytes(), TEXT_WIDTH);
                let text = format!("{} {text}", self.paint.odd("note:"));
                match host {
                    Some(host) => self.say_of(host, &text),
                    None => self.say(&text),
                }
            }
            Event::Asking { question } => self.say(&format!("{question} [y/N]")),
            Event::Interrupted { signal, begun, alone } => {
                self.say(&human::interrupted(signal, begun, *alone));
            }
        }
    }

    fn show_output(&mut self, host: &str, bytes: &[u8]) {
        let all = self.verbosity == Verbosity::Verbose || self.board.phase == Some(Phase::Exec);
        let limit = if all { usize::MAX } else { LINES_PER_STEP };
        let stream = self.streams.entry(host.to_owned()).or_default();
        let mut ready = Vec::new();
        let Stream { lines, shown, more } = stream;
        lines.push(bytes, &mut |line| {
            if *shown < limit {
                *shown += 1;
                ready.push(line);
            } else {
                *more += 1;
            }
        });
        for line in ready {
            self.pass_on(host, &line);
        }
    }

    fn show_end(&mut self, host: &str, step: &str, exit: &Exit, took: Duration) {
        let mut stream = self.streams.remove(host).unwrap_or_default();
        if let Some(line) = stream.lines.finish() {
            self.pass_on(host, &line);
        }
        if let Some(line) = self.errors.remove(host).and_then(|mut lines| lines.finish()) {
            self.say_of(host, &line);
        }
        if self.verbosity == Verbosity::Quiet || self.terse() {
            return;
        }
        if stream.more > 0 {
            self.say_of(host, &format!("… {} more lines", stream.more));
        }
        let step = clean::line(step.as_bytes(), TEXT_WIDTH);
        let took = human::duration(took);
        let text = match exit {
            Exit::Code(0) => self.paint.dim(&format!("< {step}: {took}")),
            failed => self.paint.bad(&format!("< {step}: {} after {took}", human::exit(failed))),
        };
        self.say_of(host, &text);
    }

    fn show_failure(&mut self, host: &str, failure: &Failure) {
        let message = human::failure(failure);
        let text = self.paint.bad(&format!("failed: {}: {message}", failure.step));
        self.say_of(host, &text);
    }

    fn tick_at(&mut self, now: Instant) {
        let silent = now.saturating_duration_since(self.last_said) >= SILENCE;
        if silent && self.board.phase.is_some() && self.verbosity > Verbosity::Quiet {
            let text = self.board.sign_of_life(now);
            self.say(&text);
            self.last_said = now;
        }
    }
}

impl Observer for Plain {
    fn event(&mut self, event: &Event<'_>) {
        if !matches!(event, Event::Output { .. } | Event::ErrorOutput { .. }) {
            self.board.apply(event, Instant::now());
        }
        if let Event::Started { hosts, action, .. } = event {
            self.exec = *action == Action::Exec;
            if self.exec {
                self.stop_commands();
            }
            let widths = hosts.iter().map(|host| console::measure_text_width(host).min(HOST_WIDTH));
            self.host_width = widths.max().unwrap_or(0);
        }
        if self.verbosity > Verbosity::Quiet || self.matters(event) {
            self.show(event);
        }
    }

    fn tick(&mut self) {
        self.tick_at(Instant::now());
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.unfold();
        if let Some(resume) = self.resume.take() {
            self.out.write(&resume);
        }
    }
}

/// `host | text`, the hosts' names aligned.
pub(super) fn of_host(host: &str, width: usize, text: &str) -> String {
    let host = clean::line(host.as_bytes(), HOST_WIDTH);
    let host = console::pad_str(&host, width, console::Alignment::Left, None);
    format!("{host} | {text}").trim_end().to_owned()
}
