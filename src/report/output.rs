//! Data of any size on its way to standard output, a bounded piece at a time: clean where that is a terminal, else as it is.

use super::{Printer, clean, json};

/// What a log printed so far but for the end of its last line, which has not come yet.
#[derive(Debug, Default)]
pub struct Lines {
    clean: clean::Lines,
    raw: Vec<u8>,
}

/// A line that is longer is cut in two where it is passed on as it is.
const LONGEST: usize = 1 << 20;

impl Lines {
    /// Takes the next piece; what is complete goes to `out`, `prefix` before each line.
    pub fn push(&mut self, bytes: &[u8], prefix: &str, printer: &Printer, out: &mut Vec<u8>) {
        if printer.is_data_on_terminal() {
            self.clean.push(bytes, &mut |line| put(out, prefix, line.as_bytes()));
            return;
        }
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.raw.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.raw.len() > LONGEST {
                let line = self.raw.strip_suffix(b"\n").unwrap_or(&self.raw);
                put(out, prefix, line);
                self.raw.clear();
            }
        }
    }

    /// The line that no newline ended.
    pub fn finish(&mut self, prefix: &str, out: &mut Vec<u8>) {
        if let Some(line) = self.clean.finish() {
            put(out, prefix, line.as_bytes());
        }
        if !self.raw.is_empty() {
            put(out, prefix, &std::mem::take(&mut self.raw));
        }
    }
}

fn put(out: &mut Vec<u8>, prefix: &str, line: &[u8]) {
    out.extend_from_slice(prefix.as_bytes());
    out.extend_from_slice(line);
    out.push(b'\n');
}

/// What a step of an earlier deploy printed, as `show` passes it on.
#[derive(Debug)]
pub enum StepOutput {
    /// For people.
    Lines(Lines),
    /// The inside of a JSON string.
    Json(json::Text),
}

impl StepOutput {
    /// Nothing yet.
    #[must_use]
    pub fn new(json: bool) -> Self {
        if json { StepOutput::Json(json::Text::default()) } else { StepOutput::Lines(Lines::default()) }
    }

    /// Takes the next piece; what is complete goes to `out`.
    pub fn push(&mut self, bytes: &[u8], printer: &Printer, out: &mut Vec<u8>) {
        match self {
            StepOutput::Lines(lines) => lines.push(bytes, "", printer, out),
            StepOutput::Json(text) => {
                out.extend_from_slice(printer.on_one_line(&text.push(bytes)).as_bytes())
            }
        }
    }

    /// The end; whether it is all that the step printed.
    pub fn finish(&mut self, is_whole: bool, out: &mut Vec<u8>) {
        match self {
            StepOutput::Lines(lines) => lines.finish("", out),
            StepOutput::Json(text) => {
                out.extend_from_slice(text.finish().as_bytes());
                out.extend_from_slice(json::step_end(is_whole).as_bytes());
            }
        }
    }
}

/// Writes it in a thread, where waiting for a slow reader blocks nothing else. `false`: the reader has gone away.
pub async fn write(printer: &Printer, bytes: Vec<u8>) -> bool {
    if bytes.is_empty() {
        return true;
    }
    let printer = printer.clone();
    tokio::task::spawn_blocking(move || printer.stream(&bytes)).await.unwrap_or(false)
}
