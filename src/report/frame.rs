//! One drawing of the live lines: a heading, hosts, and one line that counts those that do not fit.
//!
//! Pure: a board, a size and a time in, text out. No line is ever wider than the terminal, whatever hosts print.

use std::collections::HashSet;
use std::time::Instant;

use super::board::{Board, Row, State};
use super::style::Paint;
use super::{clean, human};
use crate::executor::event::Phase;

/// Hosts that have a line of their own at most.
const MOST_ROWS: usize = 20;

/// Lines of the terminal that are left to others: the heading, the fold, the prompt.
const SPARE_LINES: usize = 4;

/// What a drawing depends on, beside the board.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub lines: usize,
    pub columns: usize,
    pub paint: Paint,
    pub now: Instant,
}

impl Frame {
    pub(super) fn render(self, board: &Board) -> String {
        let phase = board.phase.map_or("", Phase::name);
        let took = human::duration(self.now.saturating_duration_since(board.began));
        let now = format!("  {phase}  {took}");
        // Of a long title the end goes, not what changes.
        let room = self.columns.saturating_sub(3 + console::measure_text_width(&now));
        let heading = format!("{}{now}", self.paint.bold(&clean::truncate(&board.title, room)));
        // The spinner and a blank stand before the first line.
        let mut text = vec![clean::truncate(&heading, self.columns.saturating_sub(3)).into_owned()];
        let room = self.lines.saturating_sub(SPARE_LINES).clamp(1, MOST_ROWS);
        let (shown, folded) = choose(&board.rows, room);
        // A name as long as the line must not hide what is done there.
        let width = shown.iter().map(|row| console::measure_text_width(&row.host)).max().unwrap_or(0);
        let width = width.min((self.columns / 2).max(8));
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
        let elapsed =
            if row.state == State::Working { human::duration(row.elapsed(self.now)) } else { String::new() };
        let host = console::pad_str(&row.host, width, console::Alignment::Left, Some("…"));
        let step = console::pad_str(&row.step, 12, console::Alignment::Left, Some("…"));
        let fixed = format!("{mark} {host}  {step} {elapsed:>7}");
        let room = self.columns.saturating_sub(console::measure_text_width(&fixed) + 3);
        let last = row.last();
        let last = clean::truncate(last.trim(), room);
        let last = if row.state == State::Failed { self.paint.bad(&last) } else { self.paint.dim(&last) };
        clean::truncate(format!("{fixed}  {last}").trim_end(), self.columns.saturating_sub(1)).into_owned()
    }
}

/// The hosts that get a line, in the order of the file, and the others. Failed ones first, then those at work, of which
/// those that take longest.
fn choose(rows: &[Row], room: usize) -> (Vec<&Row>, Vec<&Row>) {
    if rows.len() <= room {
        return (rows.iter().collect(), Vec::new());
    }
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|at| (rows[*at].state, rows[*at].since));
    let chosen: HashSet<usize> = order.into_iter().take(room).collect();
    let (shown, folded): (Vec<_>, Vec<_>) = rows.iter().enumerate().partition(|(at, _)| chosen.contains(at));
    (shown.into_iter().map(|(_, row)| row).collect(), folded.into_iter().map(|(_, row)| row).collect())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::executor::event::Event;
    use crate::executor::event::{Failure, FailureKind};
    use crate::plan::Action;
    use crate::remote::step::Step;

    fn board(now: Instant, hosts: usize) -> Board {
        let mut board = Board::new(now);
        let hosts: Vec<String> = (1..=hosts).map(|n| format!("web{n}")).collect();
        board
            .apply(&Event::Started { action: Action::Deploy, environment: "production", hosts: &hosts }, now);
        board.apply(&Event::PhaseStarted { phase: Phase::Prepare, part: None }, now);
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
        insta::assert_snapshot!(frame(now, 24, 60).render(&board), @r#"
        deploy production  prepare  3.0s
        ▸ web1  build           3.0s  compiling a very long line t…
        ✓ web2  build
        "#);
    }

    fn no_npm() -> Failure {
        Failure {
            kind: FailureKind::Step,
            step: Step::Build,
            exit: None,
            message: "no npm".to_owned(),
            reason: None,
            hint: None,
            tail: Vec::new(),
        }
    }

    #[test]
    fn more_hosts_than_fit_are_folded_but_failing_ones_are_shown() {
        let now = Instant::now();
        let mut board = board(now, 100);
        let failure = no_npm();
        board.apply(&Event::HostFailed { host: "web99", phase: Phase::Prepare, failure: &failure }, now);
        insta::assert_snapshot!(frame(now, 8, 60).render(&board), @r#"
        deploy production  prepare  3.0s
        ▸ web1   build           3.0s
        ▸ web2   build           3.0s
        ▸ web3   build           3.0s
        ✗ web99  build                 no npm
          96 more: 96 build
        "#);
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

    /// Sixty hosts of all lengths and widths: one that failed, one that is slow, some that wait or are done.
    fn sixty(now: Instant) -> Board {
        let mut board = Board::new(now);
        let name = |n: usize| match n % 3 {
            0 => format!("web{n}"),
            1 => format!("サーバー{n}.例え.jp"),
            _ => format!("app-server-number-{n}.europe-west1.production.internal.example.com"),
        };
        let hosts: Vec<String> = (0..60).map(name).collect();
        board
            .apply(&Event::Started { action: Action::Deploy, environment: "production", hosts: &hosts }, now);
        board.apply(&Event::PhaseStarted { phase: Phase::Prepare, part: None }, now);
        for (n, host) in hosts.iter().enumerate().take(50) {
            let began = if n == 45 { now } else { now + Duration::from_secs(1) };
            board.apply(&Event::StepStarted { host, step: "build" }, began);
            let bytes = "コンパイル中 \x1b[31mred\u{202e} and more than fits into any line of a terminal, "
                .repeat(3)
                .into_bytes();
            board.apply(&Event::Output { host, step: "build", bytes: &bytes }, began);
        }
        for host in &hosts[..20] {
            board.apply(&Event::HostDone { host, phase: Phase::Prepare }, now);
        }
        let failure = no_npm();
        board.apply(&Event::HostFailed { host: &hosts[57], phase: Phase::Prepare, failure: &failure }, now);
        board
    }

    #[test]
    fn sixty_hosts_fit_any_window_and_those_in_trouble_are_seen() {
        let now = Instant::now();
        let board = sixty(now);
        for (columns, lines) in [40, 80, 140].into_iter().flat_map(|c| [10, 24, 50].map(|l| (c, l))) {
            let text = frame(now, lines, columns).render(&board);
            let drawn: Vec<&str> = text.lines().collect();
            assert!(drawn.len() < lines, "{columns}x{lines}: {} lines\n{text}", drawn.len());
            for line in &drawn {
                assert!(console::measure_text_width(line) < columns, "{columns}x{lines}: {line}");
                assert!(!line.contains(['\u{1b}', '\u{202e}']), "{line:?}");
            }
            assert!(drawn[0].contains("  prepare  3.0s"), "{columns}x{lines}: {}", drawn[0]);
            assert!(text.contains("✗ web57"), "the one that failed: {columns}x{lines}\n{text}");
            assert!(text.contains("▸ web45"), "the one that is slow: {columns}x{lines}\n{text}");
            let (shown, folded) = (drawn.len() - 2, drawn.last().copied().unwrap_or_default());
            assert!(folded.starts_with(&format!("  {} more: ", 60 - shown)), "{columns}x{lines}: {folded}");
            assert!(folded.contains("20 done") && folded.contains("build"), "{folded}");
        }
    }

    #[test]
    fn a_long_name_leaves_room_for_what_is_done() {
        let now = Instant::now();
        let mut board = Board::new(now);
        let hosts = [format!("{}.example.com", "a".repeat(80)), "web1".to_owned()];
        board
            .apply(&Event::Started { action: Action::Deploy, environment: "production", hosts: &hosts }, now);
        board.apply(&Event::PhaseStarted { phase: Phase::Prepare, part: None }, now);
        board.apply(&Event::StepStarted { host: &hosts[0], step: "build" }, now);
        insta::assert_snapshot!(frame(now, 24, 60).render(&board), @r#"
        deploy production  prepare  3.0s
        ▸ aaaaaaaaaaaaaaaaaaaaaaaaaaaaa…  build           3.0s
        · web1
        "#);
    }
}
