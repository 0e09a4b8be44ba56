//! known_hosts files, read and asked as OpenSSH does with `StrictHostKeyChecking yes`.
//!
//! Must not know how a key arrived. No key is added here (`unknown_keys.rs` does that): a key that is not in a file is not trusted,
//! a revoked one never, whatever else names it. Lines that cannot be read are skipped, as in OpenSSH;
//! `@cert-authority` lines wait for host certificates.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use russh::keys::ssh_key::known_hosts::{HostPatterns, Marker};
use russh::keys::{Algorithm, HashAlg, PublicKey};
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
    revoked: bool,
    hosts: HostPatterns,
    key: String,
}

/// A key that a file holds for the host, and where.
#[derive(Debug, Clone)]
struct Known {
    key: PublicKey,
    revoked: bool,
    file: PathBuf,
    line: usize,
}

/// What is known about one host's keys.
#[derive(Debug, Clone, Default)]
pub(super) struct Trust {
    pinned: Option<String>,
    named: Vec<Known>,
    /// Entries without a port for a host on another one: they can vouch for a key, not contradict it.
    bare: Vec<Known>,
}

/// The answer about a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Trusted,
    Unknown,
    Changed { file: PathBuf, line: usize },
    Revoked { file: PathBuf, line: usize },
    NotPinned { pinned: String },
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

    fn known<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Known> + 'a {
        let matching = self.entries.iter().filter(move |entry| entry_matches(&entry.hosts, name));
        matching.filter_map(|entry| {
            let key = PublicKey::from_openssh(&entry.key).ok()?;
            Some(Known { key, revoked: entry.revoked, file: self.file.clone(), line: entry.line })
        })
    }
}

fn entry(line: usize, text: &str) -> Option<Entry> {
    let mut fields = text.split_ascii_whitespace().peekable();
    if fields.peek()?.starts_with('#') {
        return None;
    }
    let marker = fields.next_if(|field| field.starts_with('@')).map(Marker::from_str).transpose().ok()?;
    if marker == Some(Marker::CertAuthority) {
        return None;
    }
    let hosts = HostPatterns::from_str(&folded(fields.next()?)).ok()?;
    let key = format!("{} {}", fields.next()?, fields.next()?);
    Some(Entry { line, revoked: marker.is_some(), hosts, key })
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

impl Trust {
    /// Only this key (`SHA256:…`) will do; no file is asked.
    pub(super) fn pinned(fingerprint: &str) -> Self {
        Self { pinned: Some(fingerprint.to_owned()), ..Self::default() }
    }

    /// What `files` say of `host` on `port`.
    pub(super) fn of(files: &[Rc<KnownHosts>], host: &str, port: u16) -> Self {
        let name = name(host, port);
        let named = files.iter().flat_map(|file| file.known(&name).collect::<Vec<_>>()).collect();
        let bare_name = host.to_ascii_lowercase();
        let bare = match port {
            22 => Vec::new(),
            _ => files.iter().flat_map(|file| file.known(&bare_name).collect::<Vec<_>>()).collect(),
        };
        Self { pinned: None, named, bare }
    }

    /// Whether nothing at all is known.
    pub(super) fn is_empty(&self) -> bool {
        self.pinned.is_none() && self.named.is_empty() && self.bare.is_empty()
    }

    /// The key types that could be trusted: to be asked for first, so that the server shows one of them.
    pub(super) fn algorithms(&self) -> Vec<Algorithm> {
        let usable = self.named.iter().chain(&self.bare).filter(|known| !known.revoked);
        usable.map(|known| known.key.algorithm()).collect()
    }

    /// Whether `key` is the host's.
    pub(super) fn verdict(&self, key: &PublicKey) -> Verdict {
        if let Some(pinned) = &self.pinned {
            let found = key.fingerprint(HashAlg::Sha256).to_string();
            return match found == pinned.trim_end_matches('=') {
                true => Verdict::Trusted,
                false => Verdict::NotPinned { pinned: pinned.clone() },
            };
        }
        let same = |known: &&Known| known.key.key_data() == key.key_data();
        let all = || self.named.iter().chain(&self.bare);
        if let Some(known) = all().filter(same).find(|known| known.revoked) {
            return Verdict::Revoked { file: known.file.clone(), line: known.line };
        }
        if all().any(|known| same(&known)) {
            return Verdict::Trusted;
        }
        let other = |known: &&Known| !known.revoked && known.key.algorithm() == key.algorithm();
        match self.named.iter().find(other) {
            Some(known) => Verdict::Changed { file: known.file.clone(), line: known.line },
            None => Verdict::Unknown,
        }
    }
}

#[cfg(test)]
#[path = "known_hosts_tests.rs"]
mod tests;
