//! What is typed is not shown: for passphrases and passwords.
//!
//! The terminal is left as it was found, also where the question ends without an answer.

use std::io;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// While it lives, the terminal on standard input does not echo. The Enter at the end is shown, so that what follows
/// begins a line.
#[derive(Debug)]
pub(super) struct Hidden(Termios);

impl Hidden {
    /// None where standard input is no terminal.
    pub(super) fn begin() -> Option<Self> {
        let before = tcgetattr(io::stdin()).ok()?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ECHOE | LocalModes::ECHOK);
        hidden.local_modes.insert(LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        // What was typed before the question is no answer to it.
        tcsetattr(io::stdin(), OptionalActions::Flush, &hidden).ok()?;
        Some(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing more.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
