//! Secrets that are typed: on the terminal, unseen.

use secrecy::SecretString;

use super::terminal_echo::Hidden;
use super::{Printer, clean, prompt};
use crate::error::{Error, SystemError};
use crate::executor::Interrupt;

/// Characters of a question that are shown.
const LONGEST: usize = 500;

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
    let Some(_hidden) = Hidden::begin() else { return Ok(None) };
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
