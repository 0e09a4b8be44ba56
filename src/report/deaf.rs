//! Text of hosts that must keep every byte, in a log that a CI system reads commands from: while it is written, none is taken for
//! one.

use std::io::{self, Write as _};

use super::Printer;

/// The CI system at hand takes nothing for a command until this is dropped.
#[derive(Debug)]
pub struct Deaf {
    resume: Option<String>,
}

impl Deaf {
    /// From here on. Said on standard error, so that data stays data.
    #[must_use]
    pub fn begin(printer: &Printer) -> Self {
        let (stop, resume) = printer.ci().deaf().unzip();
        say(stop.as_deref());
        Deaf { resume }
    }
}

impl Drop for Deaf {
    fn drop(&mut self) {
        say(self.resume.as_deref());
    }
}

fn say(line: Option<&str>) {
    if let Some(line) = line {
        // Nobody is left to tell if this fails.
        let _ = io::stderr().lock().write_all(line.as_bytes());
    }
}
