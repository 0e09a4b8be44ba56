//! A terminal for indicatif that never blocks: its bytes go through [`Background`], its size is asked each time.
//!
//! What is to be drawn is taken from indicatif line by line, and put on the terminal in a way of our own: indicatif fills lines up
//! and counts on them to wrap, and when the window is made narrower both go wrong.

use std::fmt::Write as _;
use std::io;
use std::sync::Mutex;

use console::Term;
use indicatif::TermLike;

use super::background::Background;
use super::clean;

/// Standard error, as the place of the live lines.
#[derive(Debug)]
pub(super) struct Screen {
    out: Background,
    term: Term,
    drawing: Mutex<Drawing>,
}

/// One drawing, handed over whole (in pieces it would flicker), and what is left to know of the one before.
#[derive(Debug, Default)]
struct Drawing {
    lines: Vec<String>,
    /// So many rows of the drawing before go, as indicatif counted them.
    clears: usize,
    /// What comes next only fills a line up.
    fills: bool,
    /// The widths of the lines that are there, and that of the window when they came.
    drawn: Vec<usize>,
    columns: usize,
}

impl Drawing {
    fn take(&mut self, text: &str) {
        if !self.fills {
            self.lines.push(text.to_owned());
        }
        self.fills = !self.fills;
    }

    /// What to send to a window of that width. The cursor stands at the end of the last line, before and after.
    fn put(&mut self, columns: usize) -> String {
        let mut text = String::new();
        if self.clears > 0 {
            // Terminals break lines anew that do not fit any more, so what has to go may be more rows than were drawn.
            let (mut then, mut now) = (0, 0);
            for width in self.drawn.iter().rev() {
                if then >= self.clears {
                    break;
                }
                then += rows(*width, self.columns);
                now += rows(*width, columns);
            }
            let up = |text: &mut String| match now {
                0 | 1 => text.push('\r'),
                rows => _ = write!(text, "\r\x1b[{}A", rows - 1),
            };
            // Row by row: what clears all of a window at once makes tmux keep it in its history.
            up(&mut text);
            text.push_str(&vec!["\x1b[2K"; now].join("\x1b[1B"));
            up(&mut text);
        }
        text.push_str(&self.lines.join("\n"));
        let drawn = self.lines.iter().map(|line| console::measure_text_width(line)).collect();
        *self = Drawing { drawn, columns, ..Drawing::default() };
        text
    }
}

fn rows(width: usize, columns: usize) -> usize {
    width.div_ceil(columns.max(1)).max(1)
}

impl Screen {
    pub(super) fn new(out: Background) -> Self {
        Screen { out, term: Term::stderr(), drawing: Mutex::default() }
    }

    fn with(&self, change: impl FnOnce(&mut Drawing)) -> io::Result<()> {
        if let Ok(mut drawing) = self.drawing.lock() {
            change(&mut drawing);
        }
        Ok(())
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        self.term.size().1
    }
    fn height(&self) -> u16 {
        self.term.size().0
    }
    // Where the cursor goes is known from the rows that are cleared.
    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn write_line(&self, text: &str) -> io::Result<()> {
        self.with(|drawing| drawing.lines.push(clean::shown(text).into_owned()))
    }
    fn write_str(&self, text: &str) -> io::Result<()> {
        self.with(|drawing| drawing.take(&clean::shown(text)))
    }
    fn clear_line(&self) -> io::Result<()> {
        self.with(|drawing| drawing.clears += 1)
    }
    fn flush(&self) -> io::Result<()> {
        let columns = self.width().into();
        self.with(|drawing| self.out.draw(&drawing.put(columns)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(drawing: &mut Drawing, clears: usize, lines: &[&str], columns: usize) -> String {
        drawing.clears = clears;
        for line in lines {
            drawing.take(line);
            drawing.take(&" ".repeat(columns - line.len().min(columns)));
        }
        drawing.put(columns)
    }

    #[test]
    fn a_drawing_takes_the_place_of_the_one_before_in_a_window_of_any_width() {
        let mut drawing = Drawing::default();
        let wide = "x".repeat(100);
        let gone = |rows: usize| {
            let up = if rows > 1 { format!("\r\x1b[{}A", rows - 1) } else { "\r".to_owned() };
            format!("{up}{}{up}", vec!["\x1b[2K"; rows].join("\x1b[1B"))
        };
        let first = drawn(&mut drawing, 0, &["note", "head", &wide, "\x1b[1mfold\x1b[0m"], 140);
        assert_eq!(first, format!("note\nhead\n{wide}\n\x1b[1mfold\x1b[0m"), "nothing is filled up");
        for (clears, lines, columns, rows) in [
            // What was kept above stays.
            (3, &["head", &wide, "fold"][..], 140, 3),
            // Made narrower: the long line has three rows now.
            (3, &["head", "fold"], 40, 5),
            (2, &["head", &wide], 140, 2),
            // Drawn again before it was made for the new width: indicatif counts its three rows too.
            (2, &["head", &wide], 40, 4),
            (4, &["fold"], 40, 4),
            (1, &[], 40, 1),
        ] {
            let text = drawn(&mut drawing, clears, lines, columns);
            assert_eq!(text, format!("{}{}", gone(rows), lines.join("\n")), "{lines:?} at {columns}");
        }
    }
}
