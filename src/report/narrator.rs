//! A voice that leads through something: headings, text, commands as they are typed, and what they answered.
//!
//! All of it is data: in a file or a pager it must stand in the order in which it was told.

use console::measure_text_width;

use super::Printer;
use super::style::Paint;

/// Text is no wider: it stands beside output of commands that fits eighty columns.
const WIDTH: usize = 76;

/// Speaks on standard output.
#[derive(Debug, Clone, Copy)]
pub struct Narrator<'a> {
    printer: &'a Printer,
    paint: Paint,
}

impl<'a> Narrator<'a> {
    /// Colours as the printer has them.
    #[must_use]
    pub fn new(printer: &'a Printer) -> Self {
        Self { printer, paint: Paint(printer.color_on_stdout()) }
    }

    /// What comes next.
    pub fn title(self, text: &str) {
        self.printer.data(&format!("\n{}\n\n", self.paint.bold(text)));
    }

    /// A paragraph, broken into lines.
    pub fn says(self, text: &str) {
        self.printer.data(&format!("{}\n\n", wrapped(text).join("\n")));
    }

    /// A command, as typed.
    pub fn types(self, line: &str) {
        self.printer.data(&format!("{} {}\n", self.paint.dim("$"), self.paint.bold(line)));
    }

    /// How a command ended, where that is not well.
    pub fn ended(self, code: u8) {
        self.printer.data(&self.paint.dim(&format!("[exit code {code}]")));
    }

    /// A picture, as it is.
    pub fn shows(self, text: &str) {
        self.printer.data(text);
    }

    /// Room before what follows.
    pub fn pauses(self) {
        self.printer.data("\n");
    }
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if measure_text_width(line) + 1 + measure_text_width(word) <= WIDTH => {
                line.extend([" ", word]);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_filled_and_not_wider() {
        let text = "word ".repeat(40) + &"x".repeat(100);
        let lines = wrapped(&text);
        let widths: Vec<usize> = lines.iter().map(|line| line.len()).collect();
        assert_eq!(widths, [74, 74, 49, 100], "a word that is too long has a line of its own");
    }
}
