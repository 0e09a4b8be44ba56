//! A terminal for indicatif that never blocks: its bytes go through [`Background`], its size is asked each time.
//!
//! Knows the few sequences that move a cursor and clear a line, and nothing of what is drawn.

use std::io;
use std::sync::Mutex;

use console::Term;
use indicatif::TermLike;

use super::background::Background;

/// Standard error, as the place of the live lines.
#[derive(Debug)]
pub(super) struct Screen {
    out: Background,
    term: Term,
    /// One drawing, handed over whole: in pieces it would flicker.
    drawing: Mutex<String>,
}

impl Screen {
    pub(super) fn new(out: Background) -> Self {
        Screen { out, term: Term::stderr(), drawing: Mutex::default() }
    }

    fn write(&self, text: &str) -> io::Result<()> {
        if let Ok(mut drawing) = self.drawing.lock() {
            drawing.push_str(text);
        }
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
        if let Ok(mut drawing) = self.drawing.lock() {
            self.out.write(&std::mem::take(&mut *drawing));
        }
        Ok(())
    }
}
