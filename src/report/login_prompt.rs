//! What a login asks of whoever sits at the terminal: passphrases and passwords, in words that say where they go.
//!
//! Everything in a question may come from a file or a server, and is cleaned.

use secrecy::SecretString;

use super::prompt::typed_line;
use super::terminal_echo::Hidden;
use super::{Printer, clean};
use crate::executor::Interrupt;
use crate::transport::{Boxed, LoginNote, LoginQuestion, Person};

/// Whoever sits at the terminal, asked while hosts are connected. Live lines make way for the question.
#[derive(Debug)]
pub struct LoginPrompt(Printer);

impl LoginPrompt {
    /// On the terminal of `printer`.
    #[must_use]
    pub fn new(printer: &Printer) -> Self {
        Self(printer.clone())
    }

    async fn answer(&self, question: &LoginQuestion) -> Option<SecretString> {
        let text = question_text(question);
        let mut interrupt = Interrupt::listen().ok()?;
        let known = interrupt.asked();
        // Before the question is seen: what is typed at once must not be shown either.
        let seen = matches!(question, LoginQuestion::Server { echo: true, .. });
        let _hidden = if seen { None } else { Hidden::begin() };
        let still = self.0.live_lines().make_way(&text);
        if !still.asked && !self.0.prompt(&text) {
            return None;
        }
        tokio::select! {
            answer = typed_line() => {
                answer.map(|line| SecretString::from(line.trim_end_matches(['\r', '\n'])))
            }
            _ = interrupt.beyond(known) => None,
        }
    }
}

impl Person for LoginPrompt {
    fn ask<'a>(&'a self, question: &'a LoginQuestion) -> Boxed<'a, Option<SecretString>> {
        Box::pin(self.answer(question))
    }

    fn tell(&self, note: &LoginNote) {
        let text = note_text(note);
        if !self.0.live_lines().say(&text) {
            self.0.error(&text);
        }
    }
}

/// What is asked.
#[must_use]
pub fn question_text(question: &LoginQuestion) -> String {
    let one = |text: &str| clean::line(text.as_bytes(), 200);
    match question {
        LoginQuestion::Passphrase { path, again } => {
            let again = if *again { "that was not right. " } else { "" };
            format!("{again}passphrase for the key {}: ", one(&path.display().to_string()))
        }
        LoginQuestion::Password { user, host, again } => {
            let (user, host) = (one(user), one(host));
            match again {
                true => format!("{host} did not take it. password of {user} on {host}: "),
                false => format!("password of {user} (asked by {host}, then for every host that asks): "),
            }
        }
        LoginQuestion::Server { user, host, instructions, prompt, .. } => {
            let said: String = clean::lines(instructions.as_bytes())
                .iter()
                .map(|line| format!("{host} | {line}\n"))
                .collect();
            format!("{}({}@{}) {} ", said, one(user), one(host), one(prompt).trim_end())
        }
    }
}

/// What is said.
#[must_use]
pub fn note_text(note: &LoginNote) -> String {
    let one = |text: &str| clean::line(text.as_bytes(), 200);
    match note {
        LoginNote::Touch { key, host } => {
            format!("touch the security key to log in to {} ({})", one(host), one(key))
        }
        LoginNote::AgentWaits { key, host } => {
            format!(
                "the agent has not signed yet for {} ({}); does it ask you something?",
                one(host),
                one(key)
            )
        }
    }
}
