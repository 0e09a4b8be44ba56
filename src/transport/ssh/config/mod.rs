//! ssh_config: what OpenSSH would make of a host, read by shipit itself.
//!
//! Files are read once and kept as a tree (`parse`); asking for a host walks it (`walk`) and makes plain settings of what was found
//! (`resolve`). Each keyword is a row of a closed table (`keywords`). A mistake is an error with its line, never a guess. `ssh -G` is
//! the oracle of the tests.

mod conditions;
mod criteria;
mod include;
mod keywords;
mod kind;
mod machine;
mod parse;
mod resolve;
mod settings;
pub(in crate::transport::ssh) mod supported;
mod tokens;
mod values;
mod walk;
mod words;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

#[cfg(test)]
use keywords::{KEYWORDS, Keyword};
pub(in crate::transport) use machine::Machine;
pub(in crate::transport::ssh) use machine::addresses_of;
use parse::Item;
pub(in crate::transport) use parse::Place;
#[cfg(test)]
use settings::ForwardAgent;
pub(in crate::transport) use settings::{Agent, Choice, Family, Settings, Way};

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

/// The parsed files, in the order in which they are asked.
#[derive(Default)]
pub(in crate::transport) struct SshConfig {
    files: Vec<Vec<Item>>,
}

impl SshConfig {
    /// Files below `home` are the login's, others the machine's. Files that do not exist are empty.
    pub(in crate::transport) fn load(files: &[PathBuf], home: &Path) -> Result<Self, ConnectError> {
        let read = |file: &PathBuf| parse::Reader { home, users: file.starts_with(home) }.file(file);
        Ok(Self { files: files.iter().map(read).collect::<Result<_, _>>()? })
    }

    /// What the files say of a host.
    pub(in crate::transport) fn resolve(&self, query: &Query<'_>) -> Result<Settings, Stop> {
        let mut options = Vec::new();
        for (index, text) in query.options.iter().enumerate() {
            let place = Place { file: Path::new("ssh-options").into(), line: index + 1 };
            options.extend(parse::option(text, place)?);
        }
        resolve::resolve(&options, &self.files, query)
    }
}

#[cfg(test)]
mod tests;
