//! known_hosts files, read as OpenSSH reads them: which lines name a host, and which keys stand there.
//!
//! Must not know how a key arrived, nor judge it (`trust.rs` does that). No key is added here (`unknown_keys.rs` does that). Lines
//! that cannot be read are skipped, as in OpenSSH: one garbage line must not take the others away.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use russh::keys::PublicKey;
use russh::keys::ssh_key::known_hosts::{HostPatterns, Marker};
use sha1::Sha1;

use super::pattern::any_matches;
use crate::transport::ConnectError;

/// One file. Keys stay text until their line matches: a thousand hosts ask a thousand lines.
#[derive(Debug, Default)]
pub(super) struct KnownHosts {
    file: PathBuf,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    line: usize,
    kind: Kind,
    hosts: HostPatterns,
    key: String,
}

/// What a line says of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It is the host's.
    Host,
    /// `@cert-authority`: what it signs is the host's.
    Authority,
    /// `@revoked`: it is no longer to be trusted, whatever else names it.
    Revoked,
}

/// A key that a file holds for a host, and where.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) key: PublicKey,
    pub(super) kind: Kind,
    pub(super) file: PathBuf,
    pub(super) line: usize,
}

impl KnownHosts {
    /// A file that does not exist knows nothing.
    pub(super) fn read(file: &Path) -> Result<Self, ConnectError> {
        match std::fs::read(file) {
            Ok(bytes) => Ok(Self::parse(file, &String::from_utf8_lossy(&bytes))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::parse(file, "")),
            Err(error) => {
                Err(ConnectError::KnownHosts { file: file.to_path_buf(), reason: error.to_string() })
            }
        }
    }

    pub(super) fn parse(file: &Path, text: &str) -> Self {
        let entries = text.lines().enumerate().filter_map(|(index, line)| entry(index + 1, line)).collect();
        Self { file: file.to_path_buf(), entries }
    }

    /// Whether any line names `name`.
    #[cfg(test)]
    pub(super) fn knows(&self, name: &str) -> bool {
        self.known(name).next().is_some()
    }

    /// The keys of the lines that name `name`.
    pub(super) fn known<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Known> + 'a {
        let matching = self.entries.iter().filter(move |entry| entry_matches(&entry.hosts, name));
        matching.filter_map(|entry| {
            let key = PublicKey::from_openssh(&entry.key).ok()?;
            Some(Known { key, kind: entry.kind, file: self.file.clone(), line: entry.line })
        })
    }
}

fn entry(line: usize, text: &str) -> Option<Entry> {
    let mut fields = text.split_ascii_whitespace().peekable();
    if fields.peek()?.starts_with('#') {
        return None;
    }
    // A marker that OpenSSH does not know, and a second one, make the line garbage.
    let marker = fields.next_if(|field| field.starts_with('@')).map(Marker::from_str).transpose().ok()?;
    let kind = match marker {
        None => Kind::Host,
        Some(Marker::CertAuthority) => Kind::Authority,
        Some(Marker::Revoked) => Kind::Revoked,
    };
    let hosts = HostPatterns::from_str(&folded(fields.next_if(|field| !field.starts_with('@'))?)).ok()?;
    let key = format!("{} {}", fields.next()?, fields.next()?);
    Some(Entry { line, kind, hosts, key })
}

/// Host names have no case, the base64 of hashed ones has.
fn folded(hosts: &str) -> String {
    if hosts.starts_with('|') { hosts.to_owned() } else { hosts.to_ascii_lowercase() }
}

fn entry_matches(hosts: &HostPatterns, name: &str) -> bool {
    match hosts {
        HostPatterns::Patterns(patterns) => any_matches(patterns.iter().map(String::as_str), name),
        HostPatterns::HashedName { salt, hash } => Hmac::<Sha1>::new_from_slice(salt)
            .is_ok_and(|mac| mac.chain_update(name.as_bytes()).verify_slice(hash).is_ok()),
    }
}

/// The name a host has in known_hosts: lower case, in brackets with its port unless that is 22.
pub(super) fn name(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if port == 22 { host } else { format!("[{host}]:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_knows_nothing_and_a_directory_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert!(KnownHosts::read(&dir.path().join("none")).unwrap().entries.is_empty());
        assert!(matches!(KnownHosts::read(dir.path()), Err(ConnectError::KnownHosts { .. })));
    }
}
