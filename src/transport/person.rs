//! What a login may need of a person: the one way from a transport to whoever sits at the terminal.
//!
//! Knows no terminal. Where nobody can be asked there is no [`Person`] at all.

use std::path::PathBuf;
use std::pin::Pin;

use secrecy::SecretString;

/// An answer; none where there is none: the end of input, or an interrupt.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Option<SecretString>> + 'a>>;

/// A question whose answer is a secret, or at least nobody else's business.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the texts beside the variants say what the fields are")]
pub enum LoginQuestion {
    /// The passphrase of a private key. `again`: the one before was wrong.
    Passphrase { path: PathBuf, again: bool },
    /// The password of a login, asked by the first host that wants it.
    Password { user: String, host: String, again: bool },
    /// What a server asks (keyboard-interactive), in its own words. `echo`: what is typed may be seen.
    Server { user: String, host: String, instructions: String, prompt: String, echo: bool },
}

/// Something that a person has to do, without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the texts beside the variants say what the fields are")]
pub enum LoginNote {
    /// The security key with this key waits for a touch.
    Touch { key: String, host: String },
    /// The agent waits: it may ask for a confirmation in a window of its own.
    AgentWaits { key: String, host: String },
}

/// Somebody who can be asked while hosts are connected. Asked one question at a time.
pub trait Person {
    /// Asks, and waits for the answer.
    fn ask<'a>(&'a self, question: &'a LoginQuestion) -> Answer<'a>;

    /// Says something that needs no answer.
    fn tell(&self, note: &LoginNote);
}
