//! ssh_config files: what OpenSSH would make of a host, for the keywords that are honoured here.
//!
//! Files are read once and kept as a tree ([`parse`]); asking for a host walks it ([`resolve`]). Unknown
//! keywords are ignored; a mistake in a known one is an error with its line, never a guess. `ssh -G` is the oracle of the tests.

mod include;
mod parse;
mod resolve;
mod tokens;
mod values;

use std::path::{Path, PathBuf};

use parse::Item;
pub(super) use resolve::{Query, Settings};
pub(super) use values::Agent;

use crate::transport::ConnectError;

/// The parsed files, in the order in which they are asked.
#[derive(Debug, Default)]
pub(super) struct SshConfig {
    files: Vec<Vec<Item>>,
}

impl SshConfig {
    /// Files that do not exist are empty.
    pub(super) fn load(files: &[PathBuf], home: &Path) -> Result<Self, ConnectError> {
        let reader = parse::Reader { home };
        let files = files.iter().map(|file| reader.file(file)).collect::<Result<_, _>>()?;
        Ok(Self { files })
    }

    /// What the files say of a host.
    pub(super) fn resolve(&self, query: &Query<'_>) -> Result<Settings, ConnectError> {
        resolve::resolve(&self.files, query)
    }
}

#[cfg(test)]
mod tests;
