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
mod place;
mod query;
mod resolve;
mod settings;
pub(in crate::transport::ssh) mod supported;
mod tokens;
mod values;
mod walk;
mod words;

use std::path::{Path, PathBuf};

#[cfg(test)]
use keywords::{KEYWORDS, Keyword};
pub(in crate::transport) use machine::Machine;
pub(in crate::transport::ssh) use machine::addresses_of;
use parse::Item;
pub(in crate::transport) use place::Place;
pub(in crate::transport) use query::{Query, Stop};
pub(in crate::transport) use settings::{Agent, Choice, Family, ForwardAgent, Settings, Way};

use crate::transport::ConnectError;

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
