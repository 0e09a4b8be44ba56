//! Live lines: one per host, or as many as fit and one line that counts the rest. Failing hosts are always among
//! those shown. When the reader is dropped the lines are gone, and the report takes their place.
//!
//! All hosts are one drawing, so that folding, resizing and order are a matter of making one text.

use std::io;
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use super::background::Background;
use super::board::{Board, Row, State};
use super::style::Paint;
use super::{clean, human};
use crate::executor::event::{Event, Observer, Phase};

/// Hosts that have a line of their own at most.
const MOST_ROWS: usize = 20;

/// Lines of the terminal that are left to others: the heading, the fold, the prompt.
const SPARE_LINES: usize = 4;

/// Time between two drawings made for events alone.
const FRAME: Duration = Duration::from_millis(80);

/// The live reader of events.
#[derive(Debug)]
pub(super) struct Pretty {
    bar: ProgressBar,
    board: Board,
    paint: Paint,
    drawn: Option<Instant>,
}

impl Pretty {
    pub(super) fn new(out: Background, color: bool) -> Self {
        let screen = Screen { out, term: Term::stderr() };
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::term_like(Box::new(screen)));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(FRAME);
        Pretty { bar, board: Board::new(Instant::now()), paint: Paint(color), drawn: None }
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

    fn announce(&self, event: &Event<'_>) {
        match event {
            Event::Notice { host, text } => {
                let host = host.map_or(String::new(), |host| format!("{host}: "));
                let text = clean::line(format!("{host}{text}").as_bytes(), 500);
                self.keep(&format!("{} {text}", self.paint.odd("note:")));
            }
            Event::Interrupted { signal } => {
                self.keep(&self.paint.odd(&format!("{signal}: stopping; what was begun is undone")));
            }
            _ => {}
        }
    }
}

impl Observer for Pretty {
    fn event(&mut self, event: &Event<'_>) {
        let now = Instant::now();
        self.board.apply(event, now);
        self.announce(event);
        let due = self.drawn.is_none_or(|drawn| now.saturating_duration_since(drawn) >= FRAME);
        // A phase is worth a drawing of its own; what many hosts do at once is not.
        if due || matches!(event, Event::PhaseStarted { .. }) {
            self.draw(now);
        }
    }

    fn tick(&mut self) {
        self.draw(Instant::now());
    }
}

impl Drop for Pretty {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// One drawing: pure, so that it can be tested without a terminal.
#[derive(Debug, Clone, Copy)]
struct Frame {
    lines: usize,
    columns: usize,
    paint: Paint,
    now: Instant,
}

impl Frame {
    fn render(self, board: &Board) -> String {
        let phase = board.phase.map_or("", Phase::name);
        let took = human::duration(self.now.saturating_duration_since(board.began));
        let heading = format!("{}  {}  {took}", self.paint.bold(&board.title), phase);
        // The spinner and a blank stand before the first line.
        let mut text = vec![clean::truncate(&heading, self.columns.saturating_sub(3)).into_owned()];
        let room = self.lines.saturating_sub(SPARE_LINES).clamp(1, MOST_ROWS);
        let (shown, folded) = choose(&board.rows, room);
        let width = shown.iter().map(|row| console::measure_text_width(&row.host)).max().unwrap_or(0);
        text.extend(shown.iter().map(|row| self.row(row, width)));
        if !folded.is_empty() {
            let counted = Board::counted(folded.iter().copied());
            let fold = format!("  {} more: {counted}", folded.len());
            text.push(clean::truncate(&fold, self.columns.saturating_sub(1)).into_owned());
        }
        text.join("\n")
    }

    fn row(self, row: &Row, width: usize) -> String {
        let mark = match row.state {
            State::Failed => self.paint.bad("✗"),
            State::Working => self.paint.odd("▸"),
            State::Waiting => self.paint.dim("·"),
            State::Done => self.paint.good("✓"),
        };
        let elapsed = if row.state == State::Working { human::duration(row.elapsed(self.now)) } else { String::new() };
        let host = console::pad_str(&row.host, width, console::Alignment::Left, None);
        let step = console::pad_str(&row.step, 12, console::Alignment::Left, Some("…"));
        let fixed = format!("{mark} {host}  {step} {elapsed:>7}");
        let room = self.columns.saturating_sub(console::measure_text_width(&fixed) + 3);
        let last = row.last();
        let last = clean::truncate(last.trim(), room);
        let last = if row.state == State::Failed { self.paint.bad(&last) } else { self.paint.dim(&last) };
        clean::truncate(format!("{fixed}  {last}").trim_end(), self.columns.saturating_sub(1)).into_owned()
    }
}

/// The hosts that get a line, in the order of the file, and the others. Failed ones first, then those at work.
fn choose(rows: &[Row], room: usize) -> (Vec<&Row>, Vec<&Row>) {
    if rows.len() <= room {
        return (rows.iter().collect(), Vec::new());
    }
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|at| rows[*at].state);
    let chosen: std::collections::HashSet<usize> = order.into_iter().take(room).collect();
    let (shown, folded): (Vec<_>, Vec<_>) = rows.iter().enumerate().partition(|(at, _)| chosen.contains(at));
    (shown.into_iter().map(|(_, row)| row).collect(), folded.into_iter().map(|(_, row)| row).collect())
}

/// A terminal whose bytes go through [`Background`], so that drawing never blocks.
#[derive(Debug)]
struct Screen {
    out: Background,
    term: Term,
}

impl Screen {
    fn write(&self, text: &str) -> io::Result<()> {
        self.out.write(text);
        Ok(())
    }

    fn control(&self, count: usize, direction: char) -> io::Result<()> {
        if count == 0 { Ok(()) } else { self.write(&format!("\x1b[{count}{direction}")) }
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        self.term.size().1
    }
    fn height(&self) -> u16 {
        self.term.size().0
    }
    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.control(n, 'A')
    }
    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.control(n, 'B')
    }
    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.control(n, 'C')
    }
    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.control(n, 'D')
    }
    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write(&format!("{text}\n"))
    }
    fn write_str(&self, text: &str) -> io::Result<()> {
        self.write(text)
    }
    fn clear_line(&self) -> io::Result<()> {
        self.write("\r\x1b[2K")
    }
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(now: Instant, hosts: usize) -> Board {
        let mut board = Board::new(now);
        let hosts: Vec<String> = (1..=hosts).map(|n| format!("web{n}")).collect();
        board.apply(&Event::Started { action: "deploy", environment: "production", hosts: &hosts }, now);
        board.apply(&Event::PhaseStarted { phase: Phase::Prepare }, now);
        for host in &hosts {
            board.apply(&Event::StepStarted { host, step: "build" }, now);
        }
        board
    }

    fn frame(now: Instant, lines: usize, columns: usize) -> Frame {
        Frame { lines, columns, paint: Paint(false), now: now + Duration::from_secs(3) }
    }

    #[test]
    fn each_host_has_a_line() {
        let now = Instant::now();
        let mut board = board(now, 2);
        let bytes = b"\x1b[2Jcompiling a very long line that does not fit\n";
        board.apply(&Event::Output { host: "web1", step: "build", bytes }, now);
        board.apply(&Event::HostDone { host: "web2", phase: Phase::Prepare }, now);
        insta::assert_snapshot!(frame(now, 24, 60).render(&board), @"");
    }

    #[test]
    fn more_hosts_than_fit_are_folded_but_failing_ones_are_shown() {
        let now = Instant::now();
        let mut board = board(now, 100);
        let failure = crate::executor::event::Failure {
            kind: crate::executor::event::FailureKind::Step,
            step: "build".to_owned(),
            exit: None,
            message: "no npm".to_owned(),
            hint: None,
            tail: Vec::new(),
        };
        board.apply(&Event::HostFailed { host: "web99", phase: Phase::Prepare, failure: &failure }, now);
        insta::assert_snapshot!(frame(now, 8, 60).render(&board), @"");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let now = Instant::now();
        let board = board(now, 5);
        for columns in 1..80 {
            let text = frame(now, 24, columns).render(&board);
            assert!(text.lines().all(|line| console::measure_text_width(line) < columns.max(2)), "{columns}");
        }
    }

    #[test]
    fn the_lines_are_gone_at_the_end() {
        let kept = super::super::background::tests::Kept::default();
        let mut pretty = Pretty::new(Background::new(kept.clone()), false);
        let hosts = ["web1".to_owned()];
        pretty.event(&Event::Started { action: "deploy", environment: "production", hosts: &hosts });
        pretty.tick();
        drop(pretty);
        let text = kept.text();
        assert!(text.contains("deploy production"), "{text:?}");
        assert!(text.trim_end_matches(['\r']).ends_with("\x1b[2K"), "{text:?}");
    }
}
