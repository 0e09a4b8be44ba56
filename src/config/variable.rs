//! Variables of `env`: as the file gives them, and evaluated. Only data.

use secrecy::SecretString;

use super::command::LocalCommand;
use super::problem::Span;

/// An entry of `env`.
#[derive(Debug, Clone)]
pub struct EnvVariable {
    /// Name of the variable: `[A-Za-z_][A-Za-z0-9_]*`, not `SHIPIT_*` and not `SHARED`.
    pub name: String,
    /// What it is made of.
    pub value: EnvValue,
    pub(super) span: Span,
}

/// A value of `env`.
#[derive(Debug, Clone)]
pub enum EnvValue {
    /// As in the file, `$${` already turned into `${`.
    Plain(String),
    /// Holds `${NAME}`: parts of literal text and names of the operator's variables. A secret.
    Operator(Vec<EnvPart>),
    /// What a local command will print. A secret.
    Command(LocalCommand),
    /// What it printed.
    Printed(SecretString),
}

/// A piece of [`EnvValue::Operator`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvPart {
    /// Literal text.
    Text(String),
    /// The operator's variable of that name.
    Variable(String),
}

/// An evaluated value of `env`.
#[derive(Debug, Clone)]
pub struct EnvEntry {
    /// Name of the variable, as in [`EnvVariable`].
    pub name: String,
    /// What it holds.
    pub value: SecretString,
    /// Whether it came from the operator's environment or a local command: then it is never shown.
    pub secret: bool,
}

/// A text that means itself in `env`, whatever it holds.
pub(super) fn escaped_braces(text: &str) -> String {
    text.replace("${", "$${")
}

/// Whether a value of `env` names a variable of the operator, which makes it a secret.
pub(super) fn names_variable(text: &str) -> bool {
    text.match_indices("${").any(|(at, _)| !text[..at].ends_with('$'))
}
