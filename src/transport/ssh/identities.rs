//! Which keys a login could offer, and in which order.
//!
//! The keys that were named first, then what else the agent holds, then the default files. A key that the agent
//! holds is used through it, whatever file it was named by. Offers nothing itself.

use std::path::Path;
use std::sync::Arc;

use russh::keys::agent::AgentIdentity;
use russh::keys::{HashAlg, PrivateKey, PublicKey};

use super::keys::{Agent, EXPOSED, KeyFile, PASSPHRASE};
use super::login::Login;
use crate::transport::{ConnectError, Refusal};

/// Below ~/.ssh, when nothing else is named.
const DEFAULT_FILES: [&str; 3] = ["id_ed25519", "id_ecdsa", "id_rsa"];

/// A key to offer.
pub(super) struct Candidate {
    pub(super) name: String,
    pub(super) key: Key,
}

pub(super) enum Key {
    Agent(Box<AgentIdentity>),
    File(Arc<PrivateKey>),
}

impl Candidate {
    pub(super) fn public(&self) -> PublicKey {
        match &self.key {
            Key::Agent(identity) => identity.public_key().into_owned(),
            Key::File(key) => key.public_key().clone(),
        }
    }
}

impl Login<'_> {
    /// The keys to offer, best first. What cannot be offered goes to `refusal`.
    pub(super) fn candidates(
        &self,
        agent: Option<&Agent>,
        refusal: &mut Refusal,
    ) -> Result<Vec<Candidate>, ConnectError> {
        let settings = &self.route.settings.login;
        let mut found = Vec::new();
        if let Some(path) = &self.route.key {
            found.push(self.only_key(path, agent)?);
            return Ok(found);
        }
        for path in &settings.identity_files {
            self.add_file(path, agent, &mut found, refusal);
        }
        if !settings.identities_only {
            for identity in agent.iter().flat_map(|agent| &agent.identities) {
                let name = format!("{} (agent)", named(identity));
                add(&mut found, Candidate { name, key: Key::Agent(Box::new(identity.clone())) });
            }
        }
        if !settings.identities_set {
            for path in DEFAULT_FILES.map(|name| self.home.join(".ssh").join(name)) {
                if path.exists() {
                    self.add_file(&path, agent, &mut found, refusal);
                }
            }
        }
        Ok(found)
    }

    /// `key` in shipit.toml: the one key that is to be used, so a file that is of no use is the error.
    fn only_key(&self, path: &Path, agent: Option<&Agent>) -> Result<Candidate, ConnectError> {
        let path = path.to_path_buf();
        match self.files.read(&path) {
            Err(reason) => Err(ConnectError::KeyFile { path, reason }),
            Ok(file) => usable(&path, &file, agent).map_err(|why| match why {
                PASSPHRASE => ConnectError::KeyEncrypted { path: path.clone() },
                EXPOSED => ConnectError::KeyExposed { path: path.clone() },
                why => ConnectError::KeyFile {
                    path: path.clone(),
                    reason: format!("it {why}, and no agent holds it"),
                },
            }),
        }
    }

    fn add_file(
        &self,
        path: &Path,
        agent: Option<&Agent>,
        found: &mut Vec<Candidate>,
        refusal: &mut Refusal,
    ) {
        let used = self.files.read(path).and_then(|file| {
            usable(path, &file, agent).map_err(|why| {
                if why == PASSPHRASE {
                    refusal.encrypted.get_or_insert_with(|| path.to_path_buf());
                } else if why == EXPOSED {
                    refusal.exposed.get_or_insert_with(|| path.to_path_buf());
                }
                format!("{why}, and no agent holds it")
            })
        });
        match used {
            Ok(candidate) => add(found, candidate),
            Err(why) => refusal.skipped.push(format!("{} ({why})", path.display())),
        }
    }
}

/// The key in a file, through the agent where that holds it. `Err`: why neither works.
fn usable(path: &Path, file: &KeyFile, agent: Option<&Agent>) -> Result<Candidate, &'static str> {
    let name = path.display().to_string();
    let held = |key: &PublicKey| agent.is_some_and(|agent| agent.holds(key));
    let key = match file {
        KeyFile::Open(key) if held(key.public_key()) => Key::Agent(Box::new(key.public_key().clone().into())),
        KeyFile::Open(key) => Key::File(Arc::clone(key)),
        KeyFile::Locked { public: Some(key), .. } if held(key) => Key::Agent(Box::new(key.clone().into())),
        KeyFile::Locked { why, .. } => return Err(why),
    };
    Ok(Candidate { name, key })
}

/// A key is offered once, under its first name.
fn add(found: &mut Vec<Candidate>, candidate: Candidate) {
    let certificate = |c: &Candidate| match &c.key {
        Key::Agent(identity) => matches!(**identity, AgentIdentity::Certificate { .. }),
        Key::File(_) => false,
    };
    let same = |other: &Candidate| {
        certificate(other) == certificate(&candidate)
            && other.public().key_data() == candidate.public().key_data()
    };
    if !found.iter().any(same) {
        found.push(candidate);
    }
}

fn named(identity: &AgentIdentity) -> String {
    match identity.comment() {
        "" => identity.public_key().fingerprint(HashAlg::Sha256).to_string(),
        comment => comment.to_owned(),
    }
}
