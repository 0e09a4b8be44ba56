//! Secrets that are typed: on the terminal, unseen.

use std::io;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;

use super::{Printer, clean, prompt};
use crate::error::{Error, SystemError};
use crate::executor::Interrupt;

/// Characters of a question that are shown.
const LONGEST: usize = 500;

/// The terminal while it does not show what is typed. Dropping it gives it back.
struct Unseen(Termios);

impl Unseen {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ECHOE | LocalModes::ECHOK);
        // Enter still moves to the next line.
        silent.local_modes.insert(LocalModes::ICANON | LocalModes::ISIG | LocalModes::ECHONL);
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        // A terminal that is gone needs no state.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// Asks for one; none where nobody can be asked, or nothing is typed.
///
/// # Errors
/// When the user interrupts instead of answering.
pub async fn ask(printer: &Printer, question: &str) -> Result<Option<SecretString>, Error> {
    if !prompt::can_ask(printer) {
        return Ok(None);
    }
    let mut interrupt = Interrupt::listen().map_err(|source| SystemError::Signals { source })?;
    let known = interrupt.asked();
    let Ok(_unseen) = Unseen::begin() else { return Ok(None) };
    if !printer.prompt(&shown(question)) {
        return Ok(None);
    }
    let answer = tokio::select! {
        answer = prompt::typed() => answer,
        asked = interrupt.beyond(known) => return Err(Error::Interrupted { signal: asked.signal }),
    };
    Ok(answer.filter(|answer| !answer.is_empty()).map(SecretString::from))
}

/// A question of a server, harmless, with a blank behind it.
fn shown(question: &str) -> String {
    let lines: Vec<String> =
        question.lines().take(20).map(|line| clean::line(line.as_bytes(), LONGEST)).collect();
    format!("{} ", lines.join("\n").trim_end())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_question_cannot_act_on_the_terminal() {
        assert_eq!(super::shown("ops@web1's password: "), "ops@web1's password: ");
        assert!(!super::shown("a\u{1b}[2Jb\r\nc").contains('\u{1b}'));
    }
}
