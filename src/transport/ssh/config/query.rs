//! A question to ssh_config, and why it may have no answer yet.

use std::collections::HashMap;
use std::path::Path;

use super::machine::Machine;
use super::place::Place;
use crate::transport::ConnectError;

/// Who asks, and what is already decided.
pub(in crate::transport) struct Query<'a> {
    /// The host as written: what `Host` patterns are held against.
    pub(in crate::transport) host: &'a str,
    /// Decided elsewhere; the files cannot change it.
    pub(in crate::transport) user: Option<&'a str>,
    /// Decided elsewhere.
    pub(in crate::transport) port: Option<u16>,
    /// As after `ssh -o`: these come before all files.
    pub(in crate::transport) options: &'a [String],
    /// The operator's login name.
    pub(in crate::transport) local_user: &'a str,
    /// The operator's home.
    pub(in crate::transport) home: &'a Path,
    /// The operator's machine.
    pub(in crate::transport) machine: &'a Machine,
    /// Which commands of `Match exec` ended with 0, as far as they were asked.
    pub(in crate::transport) answers: &'a HashMap<String, bool>,
}

/// Why there are no settings.
#[derive(Debug)]
pub(in crate::transport) enum Stop {
    /// A mistake.
    Error(ConnectError),
    /// Whether this command ends with 0 has to be known first.
    Ask { command: String, place: Place },
}

impl From<ConnectError> for Stop {
    fn from(error: ConnectError) -> Self {
        Self::Error(error)
    }
}
