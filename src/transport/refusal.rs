//! A login that was refused: what was tried, what was not, and what to type about it.

use std::fmt;
use std::path::PathBuf;

use super::paste::shown;

/// A login that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refusal {
    /// The host, as in shipit.toml.
    pub host: String,
    /// Where the connection went.
    pub address: String,
    /// The login.
    pub user: String,
    /// The keys that were offered, in order.
    pub tried: Vec<String>,
    /// The keys that the server would take, and with which the agent did not sign.
    pub unsigned: Vec<String>,
    /// What could not be offered, and why.
    pub skipped: Vec<String>,
    /// The methods that the server would take.
    pub methods: Vec<String>,
    /// What it said when it hung up.
    pub last_words: Option<String>,
    /// A key file with a passphrase that no agent holds, if one was in the way.
    pub encrypted: Option<PathBuf>,
    /// A private key that other users can read, which is not used.
    pub exposed: Option<PathBuf>,
    /// The server would take a key, and did not take what it signed.
    pub rejected: bool,
    /// The server ended it before all keys were offered.
    pub too_many: bool,
    /// Whether somebody could be asked for a password.
    pub can_ask: bool,
}

impl Refusal {
    /// A key that the server would take, whose signature it did not.
    pub(super) fn reject(&mut self, name: &str) {
        self.tried.push(format!("{name} (its signature was not accepted)"));
        self.rejected = true;
    }

    pub(super) fn hint(&self) -> Option<String> {
        if let Some(path) = &self.encrypted {
            return Some(format!("ssh-add {}", shown(path)));
        }
        if let Some(path) = &self.exposed {
            return Some(format!("chmod 600 {}", shown(path)));
        }
        if !self.unsigned.is_empty() {
            return Some("allow it when your agent asks: a confirmation, a touch, or a PIN".to_owned());
        }
        if self.too_many {
            return Some(
                "name the right key: `key = \"~/.ssh/…\"` in shipit.toml, or IdentityFile with IdentitiesOnly yes in ~/.ssh/config"
                    .to_owned(),
            );
        }
        let asks = |method: &String| method == "password" || method == "keyboard-interactive";
        if !self.can_ask && self.methods.iter().any(asks) {
            return Some(format!(
                "give it a key: ssh-copy-id {}@{}; or run shipit on a terminal, where it asks for the password",
                self.user, self.host
            ));
        }
        if self.rejected {
            return Some(format!(
                "its line in authorized_keys may ask for more, such as verify-required (a PIN): see sshd's log on {}",
                self.host
            ));
        }
        if self.tried.is_empty() {
            return Some("name a key with `key` in shipit.toml, or load one: ssh-add".to_owned());
        }
        Some(format!("put one of these keys into ~{}/.ssh/authorized_keys on {}", self.user, self.host))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "permission denied for user {} at {} ({}): ", self.user, self.host, self.address)?;
        match (self.tried.as_slice(), self.unsigned.as_slice()) {
            ([], []) => f.write_str("there was nothing to offer")?,
            ([], unsigned) => write!(f, "the agent refused to sign with {}", unsigned.join(", "))?,
            (tried, []) => write!(f, "offered {}", tried.join(", "))?,
            (tried, unsigned) => {
                let (tried, unsigned) = (tried.join(", "), unsigned.join(", "));
                write!(f, "offered {tried}; the agent refused to sign with {unsigned}")?;
            }
        }
        if !self.skipped.is_empty() {
            write!(f, "; not offered: {}", self.skipped.join(", "))?;
        }
        if !self.methods.is_empty() {
            write!(f, "; the server accepts {}", self.methods.join(", "))?;
        }
        match &self.last_words {
            Some(words) => write!(f, "; it said: {words}"),
            None => Ok(()),
        }
    }
}
