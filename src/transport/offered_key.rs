//! A host key that was shown and not accepted, with what is needed to say so and to make it known.

use std::fmt;
use std::path::PathBuf;

/// A host key as the server showed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedKey {
    /// The host, as in shipit.toml.
    pub host: String,
    /// Where the connection went.
    pub address: String,
    /// The name under which known_hosts files are asked: `host` or `[host]:port`.
    pub name: String,
    /// `ssh-ed25519`, …
    pub key_type: String,
    /// `SHA256:…`
    pub fingerprint: String,
    /// The line that would make it known.
    pub line: String,
    /// The file to add it to.
    pub file: PathBuf,
    /// What ssh_config says about unknown keys.
    pub new_keys: NewKeys,
    /// Whether the name is to be hashed there.
    pub hashed: bool,
    /// Why its certificate was not accepted, if it showed one.
    pub certificate: Option<String>,
}

impl OfferedKey {
    pub(super) fn fault(&self) -> String {
        let fault = |why| format!("; its certificate was not accepted: {why}");
        self.certificate.as_ref().map_or_else(String::new, fault)
    }
}

/// `StrictHostKeyChecking`, by what becomes of an unknown key. One that changed is never trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NewKeys {
    /// Who can be asked is asked.
    #[default]
    Ask,
    /// They are refused (`yes`).
    Refuse,
    /// They are trusted and added to known_hosts (`accept-new`; `no` as far as that goes).
    Accept,
}

impl fmt::Display for OfferedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}), {} {},", self.host, self.address, self.key_type, self.fingerprint)
    }
}
