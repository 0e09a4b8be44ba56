//! Hosts whose keys are not in known_hosts: the keys are fetched before a run, so that the user can be asked once for all of
//! them while no host is locked; and trusted keys are written where `ssh` would write them.
//!
//! Must not know how the user is asked. Only hosts without a known key are connected to, and no login is tried here.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join_all;
use hmac::{Hmac, KeyInit, Mac};
use russh::keys::ssh_key::known_hosts::HostPatterns;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use sha1::Sha1;

use super::Ssh;
use super::handler::io as plain;
use super::known_hosts::KnownHosts;
use super::route::Route;
use crate::config::Host;
use crate::transport::{ConnectError, NewKeys, OfferedKey};

impl Ssh {
    /// The hosts that have no known key, or whose jump hosts have none, and whose new keys may be accepted as far as `may`
    /// says. No host is contacted.
    pub async fn unknown_hosts<'a>(&self, hosts: &'a [Host], may: impl Fn(NewKeys) -> bool) -> Vec<&'a Host> {
        let remote = hosts.iter().filter(|host| !host.local);
        let each = join_all(remote.map(|host| async move { (host, self.new_keys(host).await) })).await;
        each.into_iter().filter(|(_, keys)| keys.is_some_and(&may)).map(|(host, _)| host).collect()
    }

    /// What ssh_config says about the first unknown key on the route to a host. Where that cannot be found out, the run says why.
    async fn new_keys(&self, host: &Host) -> Option<NewKeys> {
        let route = Route::to_host(host, &self.resolver, &self.options).await.ok()?;
        let mut routes = Vec::new();
        for (at, hop) in route.jumps.iter().enumerate() {
            routes.push(Route::to_hop(hop, &route.jumps[..at], &self.resolver).await.ok()?);
        }
        routes.push(route);
        routes
            .iter()
            .find(|route| self.trust(route).is_ok_and(|(trust, _)| trust.is_empty()))
            .map(|r| r.settings.trust.new_keys)
    }

    /// The keys of these hosts that are in no file, each once. Of a host behind an unknown jump host it is the jump host's key;
    /// its own can be fetched once that is added.
    pub async fn unknown_keys(&self, hosts: &[&Host]) -> Vec<OfferedKey> {
        let shown = join_all(hosts.iter().map(|host| async { self.shown_key(host).await })).await;
        let mut keys: Vec<OfferedKey> = Vec::new();
        for key in shown.into_iter().flatten() {
            if keys.iter().all(|known| (&known.name, &known.line) != (&key.name, &key.line)) {
                keys.push(key);
            }
        }
        keys
    }

    async fn shown_key(&self, host: &Host) -> Option<OfferedKey> {
        let route = Route::to_host(host, &self.resolver, &self.options).await.ok()?;
        self.reach(&route, &[]).await.err()?.unknown_key().cloned()
    }

    /// Whether a connection failed for a key that ssh_config accepts unseen; it is trusted from now on. So it is with a key of which
    /// no more was known than an authority that did not sign it, or keys of other types.
    pub(super) fn accepts(&self, error: &ConnectError) -> bool {
        let Some(key) = error.unknown_key().filter(|key| key.new_keys == NewKeys::Accept) else {
            return false;
        };
        // Where the file cannot be written, the key counts in this run all the same.
        let _ = self.add_known_keys(std::slice::from_ref(key));
        true
    }

    /// Trusts these keys: in this run, and in the files to which `ssh` would add them.
    ///
    /// # Errors
    /// When a file cannot be added to. The keys are trusted in this run all the same.
    pub fn add_known_keys(&self, keys: &[OfferedKey]) -> Result<(), ConnectError> {
        let mut added = self.added_keys.borrow_mut();
        added.0.extend(keys.iter().map(|key| format!("{}\n", key.line)));
        added.1 = Rc::new(KnownHosts::parse(Path::new("this run"), &added.0));
        drop(added);
        self.jumps.forget_failures();
        let mut files: BTreeMap<&Path, String> = BTreeMap::new();
        for key in keys {
            files.entry(&key.file).or_default().push_str(&format!("{}\n", written(key)));
        }
        for (file, lines) in files {
            append(file, &lines).map_err(|error| ConnectError::KeyNotAdded {
                file: file.to_path_buf(),
                reason: plain(&error),
            })?;
        }
        Ok(())
    }
}

/// The line for the file: with the host's name hashed, where ssh_config says so.
fn written(key: &OfferedKey) -> String {
    let mut salt = vec![0_u8; 20];
    if !key.hashed || getrandom::fill(&mut salt).is_err() {
        return key.line.clone();
    }
    let Ok(mac) = Hmac::<Sha1>::new_from_slice(&salt) else { return key.line.clone() };
    let mut hash = [0_u8; 20];
    hash.copy_from_slice(&mac.chain_update(key.name.as_bytes()).finalize().into_bytes());
    let name = HostPatterns::HashedName { salt, hash };
    let rest = key.line.strip_prefix(&key.name).unwrap_or_default();
    format!("{}{rest}", name.to_string())
}

// In one write, so that ssh, which takes no lock, mixes with none of our lines; locked, so that of two shipits only one adds
// the newline that a file lacks.
fn append(file: &Path, lines: &str) -> io::Result<()> {
    if let Some(directory) = file.parent().filter(|directory| !directory.exists()) {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    let mut opened = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(file)?;
    lock(&opened);
    let mut last = [b'\n'];
    if opened.metadata()?.is_file() && opened.seek(SeekFrom::End(-1)).is_ok() {
        opened.read_exact(&mut last)?;
    }
    let between = if last == [b'\n'] { "" } else { "\n" };
    opened.write_all(format!("{between}{lines}").as_bytes())
}

/// Waits a moment for another that appends. Where nothing can be locked (some network file systems), it goes without.
fn lock(file: &File) {
    for _ in 0..50 {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => std::thread::sleep(Duration::from_millis(10)),
            Ok(()) | Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(file: &Path, hashed: bool) -> OfferedKey {
        let name = "[web1]:2222".to_owned();
        OfferedKey {
            host: "web1".into(),
            address: "127.0.0.1:2222".into(),
            key_type: "ssh-ed25519".into(),
            fingerprint: "SHA256:x".into(),
            line: format!(
                "{name} ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKh6rHrJIqu4KGIXfzf76zkLORm7bV6Xh1I/aU8apGUs"
            ),
            file: file.to_owned(),
            new_keys: NewKeys::Ask,
            hashed,
            certificate: None,
            name,
        }
    }

    #[test]
    fn what_is_written_is_found_again_hashed_or_not() {
        for hashed in [false, true] {
            let line = written(&key(Path::new("f"), hashed));
            assert_eq!((line.starts_with("|1|"), line.contains("web1")), (hashed, !hashed), "{line}");
            let known = KnownHosts::parse(Path::new("f"), &line);
            assert!(known.knows("[web1]:2222") && !known.knows("web1"), "{line}");
        }
    }

    #[test]
    fn lines_are_added_behind_what_is_there() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join(".ssh/known_hosts");
        append(&file, "one\n").unwrap();
        append(&file, "two\n").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "one\ntwo\n");
        std::fs::write(&file, "no newline").unwrap();
        append(&file, "three\n").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "no newline\nthree\n");
        let mode = |path: &Path| {
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).unwrap().permissions()) & 0o777
        };
        assert_eq!((mode(&home.path().join(".ssh")), mode(&file)), (0o700, 0o600));
        append(Path::new("/dev/null"), "x\n").unwrap();
    }
}
