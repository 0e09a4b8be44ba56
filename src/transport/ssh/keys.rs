//! Private keys: in files and in the agent.
//!
//! Must not know which keys a host wants. A key that is locked (a passphrase, a security key) still shows its
//! public half, by which the agent is asked for it. Nobody is asked for a passphrase here: that is the agent's work.

use std::cell::RefCell;
use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use russh::client::Handle;
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{Algorithm, HashAlg, PrivateKey, PublicKey, decode_secret_key, load_public_key};
use tokio::net::UnixStream;
use tokio::time::{Duration, timeout};

use super::handler::{Client, io};

/// An agent that is there answers at once; one behind a dead forwarding never does.
const AGENT_ANSWER: Duration = Duration::from_secs(5);

/// What a key file holds.
#[derive(Debug, Clone)]
pub(super) enum KeyFile {
    /// A key that can sign.
    Open(Arc<PrivateKey>),
    /// A key that only an agent can use, and why.
    Locked { public: Option<PublicKey>, why: &'static str },
}

pub(super) const PASSPHRASE: &str = "has a passphrase";
pub(super) const EXPOSED: &str = "can be read by other users";

/// Files already read: one key serves a thousand hosts.
#[derive(Debug, Default)]
pub(super) struct KeyFiles(RefCell<HashMap<PathBuf, Result<KeyFile, String>>>);

impl KeyFiles {
    pub(super) fn read(&self, path: &Path) -> Result<KeyFile, String> {
        self.0.borrow_mut().entry(path.to_path_buf()).or_insert_with(|| read(path)).clone()
    }
}

fn read(path: &Path) -> Result<KeyFile, String> {
    Ok(match parse(path)? {
        KeyFile::Open(key) if is_exposed(path) => {
            KeyFile::Locked { public: Some(key.public_key().clone()), why: EXPOSED }
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
    let locked = |why| KeyFile::Locked { public: load_public_key(beside(path)).ok(), why };
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
            _ if key.is_encrypted() => KeyFile::Locked { public, why: PASSPHRASE },
            _ => KeyFile::Open(Arc::new(key)),
        });
    }
    // The older formats say that they are encrypted in their headers; the library's errors do not.
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Ok(locked(PASSPHRASE));
    }
    if let Ok(public) = PublicKey::from_openssh(text.trim()) {
        return Ok(KeyFile::Locked { public: Some(public), why: "is a public key" });
    }
    match decode_secret_key(&text, None) {
        Ok(key) => Ok(KeyFile::Open(Arc::new(key))),
        Err(_) => Err("not a private key in a known format".to_owned()),
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

/// A connection to an agent, and what it holds.
pub(super) struct Agent {
    client: AgentClient<UnixStream>,
    pub(super) identities: Vec<AgentIdentity>,
    /// While a person is asked (a touch, a confirmation) no clock runs.
    pub(super) signing: Arc<AtomicBool>,
}

impl Agent {
    /// Connects for one session; `Err`: why the agent cannot be asked.
    pub(super) async fn open(socket: &Path, session: &Handle<Client>) -> Result<Self, String> {
        let asked = timeout(AGENT_ANSWER, async {
            let stream = UnixStream::connect(socket).await.map_err(|error| io(&error))?;
            let mut client = AgentClient::connect(stream);
            if let Some(binding) = session.agent_session_binding() {
                // Agents that do not know it refuse, which changes nothing.
                let _ = client.bind_session(binding, false).await;
            }
            let identities = client.request_identities().await.map_err(|error| error.to_string())?;
            Ok(Self { client, identities, signing: Arc::default() })
        });
        asked.await.unwrap_or_else(|_| Err("no answer".to_owned()))
    }

    /// Whether it holds the private half of `key`.
    pub(super) fn holds(&self, key: &PublicKey) -> bool {
        self.identities.iter().any(|identity| match identity {
            AgentIdentity::PublicKey { key: held, .. } => held.key_data() == key.key_data(),
            AgentIdentity::Certificate { .. } => false,
        })
    }
}

impl russh::Signer for Agent {
    type Error = russh::AgentAuthError;

    async fn auth_sign(
        &mut self,
        key: &AgentIdentity,
        hash: Option<HashAlg>,
        data: Vec<u8>,
    ) -> Result<Vec<u8>, Self::Error> {
        self.signing.store(true, Ordering::Relaxed);
        let signed = self.client.auth_sign(key, hash, data).await;
        self.signing.store(false, Ordering::Relaxed);
        signed
    }
}
