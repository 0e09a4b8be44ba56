//! Live lines: one per host, or as many as fit and one line that counts the rest. Failing hosts are always among
//! those shown. When the reader is dropped the lines are gone, and the report takes their place.
//!
//! All hosts are one drawing, so that folding, resizing and order are a matter of making one text.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::background::Background;
use super::board::Board;
use super::clean::Lines;
use super::frame::Frame;
use super::screen::Screen;
use super::style::Paint;
use super::word_wrap::wrap_words;
use super::{clean, human, plain};
use crate::executor::event::{Event, Observer, Phase};

/// Time between two drawings made for events alone.
const FRAME: Duration = Duration::from_millis(80);

/// Why nothing is drawn.
#[derive(Debug, PartialEq, Eq)]
enum Still {
    /// It is.
    No,
    /// The run has not begun.
    NotBegun,
    /// This question waits for its answer.
    Asking(String),
    /// So does this one, of a login: nothing that happens on other hosts is its answer.
    AskingForLogin(String),
}

/// The live reader of events.
#[derive(Debug)]
pub(super) struct Pretty {
    bar: ProgressBar,
    board: Board,
    paint: Paint,
    drawn: Option<Instant>,
    /// A question stands on the screen, or may come: nothing is drawn. So it is before the first event, too: what is asked before
    /// a run begins must not be drawn over, whoever asks it.
    still: Still,
    out: Background,
    one_screen: bool,
    /// What hosts print in `exec`, which stays.
    streams: HashMap<String, Lines>,
    errors: HashMap<String, Lines>,
}

impl Pretty {
    /// `one_screen`: data goes to this terminal too.
    pub(super) fn new(out: Background, color: bool, one_screen: bool) -> Self {
        let bar = Self::begin(out.clone());
        let (board, streams) = (Board::new(Instant::now()), HashMap::new());
        Pretty {
            bar,
            board,
            paint: Paint(color),
            drawn: None,
            still: Still::NotBegun,
            out,
            one_screen,
            streams,
            errors: HashMap::new(),
        }
    }

    fn begin(out: Background) -> ProgressBar {
        let screen = Screen::new(out);
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::term_like(Box::new(screen)));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        bar
    }

    /// Takes the lines away for a question of a login. `false`: they are not drawn, whoever asks can write it.
    pub(super) fn make_way_for(&mut self, question: &str) -> bool {
        if self.still != Still::No {
            return false;
        }
        self.clear();
        self.out.write(question);
        self.still = Still::AskingForLogin(question.to_owned());
        true
    }

    /// The question has its answer.
    pub(super) fn come_back(&mut self) {
        if matches!(self.still, Still::AskingForLogin(_)) {
            self.still = Still::No;
            self.bar.enable_steady_tick(FRAME);
            self.draw(Instant::now());
        }
    }

    /// Says something above the lines. `false`: they are not drawn.
    pub(super) fn say(&mut self, text: &str) -> bool {
        match &self.still {
            Still::No => self.keep_words(&self.notice(None, text)),
            Still::AskingForLogin(question) => {
                self.out.write(&format!("\n{}\n{question}", self.notice(None, text)));
            }
            Still::NotBegun | Still::Asking(_) => return false,
        }
        true
    }

    fn clear(&mut self) {
        self.bar.disable_steady_tick();
        self.bar.finish_and_clear();
        // Nothing ticks in it before the answer is there: one beat would draw over the question.
        self.bar = Self::begin(self.out.clone());
    }

    // The live lines go, so that what is typed is not drawn over, and moves nothing that is to be cleared.
    fn make_way(&mut self, question: &str) {
        let question = format!("{} {question} [y/N] ", self.paint.odd("?"));
        self.clear();
        self.out.write(&question);
        self.still = Still::Asking(question);
    }

    /// What becomes known while a question waits is said below it, and the question is asked again: what stands there is the
    /// user's, and may be half an answer.
    fn say_while_asking(&self, event: &Event<'_>, question: &str) {
        if let Event::Notice { host, text } = event {
            self.out.write(&format!("\n{}\n{question}", self.notice(*host, text)));
        }
    }

    fn notice(&self, host: Option<&str>, text: &str) -> String {
        let host = host.map_or(String::new(), |host| format!("{host}: "));
        let text = clean::line(format!("{host}{text}").as_bytes(), 500);
        format!("{} {text}", self.paint.odd("note:"))
    }

    fn draw(&mut self, now: Instant) {
        let (lines, columns) = Term::stderr().size();
        self.drawn = Some(now);
        let frame = Frame { lines: lines.into(), columns: columns.into(), paint: self.paint, now };
        self.bar.set_message(frame.render(&self.board));
    }

    /// Above the live lines, to stay.
    fn keep(&self, text: &str) {
        self.bar.println(text);
    }

    /// The same for a sentence, broken at words.
    fn keep_words(&self, text: &str) {
        let (_, columns) = Term::stderr().size();
        self.keep(&wrap_words(text, usize::from(columns).max(20)).join("\n"));
    }

    /// What the user's own command printed on a host: data, which stays.
    fn pass_on(&self, host: &str, lines: &[String]) {
        let width =
            self.board.rows.iter().map(|row| console::measure_text_width(&row.host)).max().unwrap_or(0);
        let text: Vec<String> = lines.iter().map(|line| plain::of_host(host, width, line)).collect();
        match (text.is_empty(), self.one_screen) {
            (true, _) => {}
            (false, true) => self.keep(&text.join("\n")),
            (false, false) => self.out.data(&(text.join("\n") + "\n")),
        }
    }

    fn announce(&mut self, event: &Event<'_>) {
        match event {
            Event::Output { host, bytes, .. } if self.board.phase == Some(Phase::Exec) => {
                let mut lines = Vec::new();
                let stream = self.streams.entry((*host).to_owned()).or_default();
                stream.push(bytes, &mut |line| lines.push(line));
                self.pass_on(host, &lines);
            }
            Event::ErrorOutput { host, bytes } => {
                let mut lines = Vec::new();
                self.errors.entry((*host).to_owned()).or_default().push(bytes, &mut |line| lines.push(line));
                lines.iter().for_each(|line| self.keep(&plain::of_host(host, 0, line)));
            }
            Event::StepEnded { host, .. } => {
                if let Some(line) = self.errors.remove(*host).and_then(|mut lines| lines.finish()) {
                    self.keep(&plain::of_host(host, 0, &line));
                }
                let last = self.streams.remove(*host).and_then(|mut stream| stream.finish());
                self.pass_on(host, last.as_slice());
            }
            Event::Commits { app, from, to, pending } => {
                human::commits(*app, from, to, pending).iter().for_each(|line| self.keep(line));
            }
            Event::Notice { host, text } => self.keep_words(&self.notice(*host, text)),
            Event::Interrupted { signal, begun, alone } => {
                self.keep_words(&self.paint.odd(&human::interrupted(signal, begun, *alone)));
            }
            _ => {}
        }
    }
}

impl Observer for Pretty {
    fn event(&mut self, event: &Event<'_>) {
        let now = Instant::now();
        self.board.apply(event, now);
        if let Event::Asking { question } = event {
            return self.make_way(question);
        }
        match &self.still {
            Still::No => {}
            // The answer ends it, a failure or an interrupt; not what an idle host says meanwhile.
            Still::Asking(question) if is_aside(event) => return self.say_while_asking(event, question),
            Still::AskingForLogin(question) => return self.say_while_asking(event, question),
            Still::NotBegun | Still::Asking(_) => {
                self.still = Still::No;
                self.bar.enable_steady_tick(FRAME);
            }
        }
        self.announce(event);
        let due = self.drawn.is_none_or(|drawn| now.saturating_duration_since(drawn) >= FRAME);
        // A phase is worth a drawing of its own; what many hosts do at once is not.
        if due || matches!(event, Event::PhaseStarted { .. }) {
            self.draw(now);
        }
    }

    fn tick(&mut self) {
        if self.still == Still::No {
            self.draw(Instant::now());
        }
    }
}

/// What may happen while a question waits, and does not answer it.
fn is_aside(event: &Event<'_>) -> bool {
    matches!(event, Event::Notice { .. } | Event::Output { .. } | Event::ErrorOutput { .. })
}

impl Drop for Pretty {
    fn drop(&mut self) {
        // Its thread must be gone before the report is written.
        self.bar.disable_steady_tick();
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::background::tests::Kept;
    use super::*;
    use crate::plan::Action;

    /// So that a question that somebody else asked stays readable, and the user's answer, too.
    #[test]
    fn nothing_is_drawn_before_the_run_begins_nor_while_a_question_waits() {
        let progress = Kept::default();
        let mut pretty = Pretty::new(Background::new(progress.clone(), Kept::default()), false, true);
        let beats = || std::thread::sleep(FRAME * 4);
        pretty.tick();
        beats();
        assert_eq!(progress.text(), "");
        let hosts = ["web1".to_owned()];
        pretty.event(&Event::Started { action: Action::Deploy, environment: "production", hosts: &hosts });
        pretty.event(&Event::Asking { question: "go on?" });
        pretty.event(&Event::Output { host: "web1", step: "build", bytes: b"noise\n" });
        pretty.tick();
        beats();
        assert!(progress.text().ends_with("? go on? [y/N] "), "{:?}", progress.text());
        pretty.event(&Event::Notice { host: Some("web1"), text: "slow" });
        beats();
        let asked_again = "? go on? [y/N] \nnote: web1: slow\n? go on? [y/N] ";
        assert!(progress.text().ends_with(asked_again), "{:?}", progress.text());
        pretty.event(&Event::PhaseStarted { phase: Phase::Activate, part: None });
        beats();
        assert!(!progress.text().ends_with("[y/N] "), "{:?}", progress.text());
    }

    #[test]
    fn the_lines_are_gone_at_the_end_and_data_is_not() {
        let (progress, data) = (Kept::default(), Kept::default());
        let out = Background::new(progress.clone(), data.clone());
        let mut pretty = Pretty::new(out, false, false);
        let hosts = ["web1".to_owned()];
        pretty.event(&Event::Started { action: Action::Exec, environment: "production", hosts: &hosts });
        pretty.event(&Event::PhaseStarted { phase: Phase::Exec, part: None });
        pretty.event(&Event::Output { host: "web1", step: "exec", bytes: b"up 3 days\n\x1b[2Jload" });
        let (exit, took) = (crate::transport::Exit::Code(0), Duration::ZERO);
        pretty.event(&Event::StepEnded { host: "web1", step: "exec", exit: &exit, took });
        pretty.tick();
        drop(pretty);
        let progress = progress.text();
        assert!(progress.contains("exec production"), "{progress:?}");
        // Both lines are gone, and the cursor is on the first.
        assert!(progress.ends_with("\r\x1b[1A\x1b[2K\x1b[1B\x1b[2K\r\x1b[1A"), "{progress:?}");
        assert_eq!(data.text(), "web1 | up 3 days\nweb1 | load\n");
    }
}
