//! Private keys in files, read once: one key serves a thousand hosts.
//!
//! Must not know which keys a host wants, nor ask anybody. A key that cannot sign (a passphrase, a security key) still shows its
//! public half, which can be offered to a server, and by which the agent is asked for it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use russh::keys::ssh_key::certificate::CertType;
use russh::keys::{
    Algorithm, Certificate, PrivateKey, PublicKey, decode_secret_key, load_openssh_certificate,
    load_public_key,
};

use super::handler::io;
use super::pem;

/// What a key file holds.
#[derive(Debug, Clone)]
pub(super) enum KeyFile {
    /// A key that can sign.
    Open(Arc<PrivateKey>),
    /// A key that can, once its passphrase is known. The older formats do not show the public half.
    Encrypted { public: Option<PublicKey>, text: Arc<str> },
    /// A key that only an agent can use, and why.
    Locked { public: Option<PublicKey>, why: &'static str },
}

impl KeyFile {
    /// Its public half, as far as it is known.
    pub(super) fn public(&self) -> Option<PublicKey> {
        match self {
            Self::Open(key) => Some(key.public_key().clone()),
            Self::Encrypted { public, .. } | Self::Locked { public, .. } => public.clone(),
        }
    }
}

pub(super) const EXPOSED: &str = "can be read by other users";

/// Files already read.
#[derive(Debug, Default)]
pub(super) struct KeyFiles(RefCell<HashMap<PathBuf, Result<KeyFile, String>>>);

impl KeyFiles {
    /// `Err`: why it is of no use.
    pub(super) fn read(&self, path: &Path) -> Result<KeyFile, String> {
        self.0.borrow_mut().entry(path.to_path_buf()).or_insert_with(|| read(path)).clone()
    }

    /// Keeps a key whose passphrase became known.
    pub(super) fn opened(&self, path: &Path, key: Arc<PrivateKey>) {
        self.0.borrow_mut().insert(path.to_path_buf(), Ok(KeyFile::Open(key)));
    }
}

fn read(path: &Path) -> Result<KeyFile, String> {
    Ok(match parse(path)? {
        found @ (KeyFile::Open(_) | KeyFile::Encrypted { .. }) if is_exposed(path) => {
            KeyFile::Locked { public: found.public(), why: EXPOSED }
        }
        found => found,
    })
}

/// Whether other users may read or change it. As ssh does, only a file of the own login is judged.
fn is_exposed(path: &Path) -> bool {
    let own = rustix::process::getuid().as_raw();
    std::fs::metadata(path).is_ok_and(|file| file.uid() == own && file.mode() & 0o077 != 0)
}

fn parse(path: &Path) -> Result<KeyFile, String> {
    let beside = || load_public_key(with_ending(path, ".pub")).ok();
    let locked = |why| KeyFile::Locked { public: beside(), why };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => match locked("only its public half is here") {
            found @ KeyFile::Locked { public: Some(_), .. } => return Ok(found),
            _ => return Err(io(&error)),
        },
    };
    if let Ok(key) = PrivateKey::from_openssh(&text) {
        let public = Some(key.public_key().clone());
        return Ok(match key.algorithm() {
            Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256 => {
                KeyFile::Locked { public, why: "lives on a security key" }
            }
            _ if key.is_encrypted() => KeyFile::Encrypted { public, text: text.into() },
            _ => KeyFile::Open(Arc::new(key)),
        });
    }
    // The older formats say that they are encrypted in their headers; the library's errors do not.
    if pem::is_encrypted(&text) {
        return Ok(KeyFile::Encrypted { public: beside(), text: text.into() });
    }
    if let Ok(public) = PublicKey::from_openssh(text.trim()) {
        return Ok(KeyFile::Locked { public: Some(public), why: "is a public key" });
    }
    match decode_secret_key(&text, None) {
        Ok(key) => Ok(KeyFile::Open(Arc::new(key))),
        Err(_) => Err("not a private key in a known format".to_owned()),
    }
}

/// The path with `ending` behind it, whatever its own ending.
pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The certificate in a file. `Err`: why there is none for a login.
pub(super) fn certificate(path: &Path) -> Result<Certificate, String> {
    let found = load_openssh_certificate(path).map_err(|error| match std::fs::metadata(path) {
        Err(error) => io(&error),
        Ok(_) => format!("not a certificate: {error}"),
    })?;
    match found.cert_type() {
        CertType::User => Ok(found),
        CertType::Host => Err("a certificate for hosts, not for users".to_owned()),
    }
}
