//! Logging in with public keys: which, in which order, how many.
//!
//! The keys that were named first, then what else the agent holds, then the default files. Never more than
//! five: sshd hangs up at the sixth (`MaxAuthTries`) and newer ones then punish the address. Nothing is tried
//! twice. Every refusal says what was offered, what was not, and what the server said last.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use russh::client::{AuthResult, Handle};
use russh::keys::agent::AgentIdentity;
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey};
use russh::{MethodKind, Signer};

use super::handler::Client;
use super::keys::{Agent, KeyFile, KeyFiles, PASSPHRASE};
use super::route::Route;
use crate::transport::{ConnectError, Refusal, Step};

/// One less than sshd's default, for a server that counts more strictly.
const OFFERS: usize = 5;
/// Below ~/.ssh, when nothing else is named.
const DEFAULT_FILES: [&str; 3] = ["id_ed25519", "id_ecdsa", "id_rsa"];

/// What a login needs to know.
pub(super) struct Login<'a> {
    pub(super) route: &'a Route,
    pub(super) address: &'a str,
    pub(super) files: &'a KeyFiles,
    pub(super) agent: Option<PathBuf>,
    pub(super) home: &'a Path,
    /// For each answer of the server.
    pub(super) limit: Duration,
}

/// A key to offer.
struct Candidate {
    name: String,
    key: Key,
}

enum Key {
    Agent(Box<AgentIdentity>),
    File(Arc<PrivateKey>),
}

impl Candidate {
    fn public(&self) -> PublicKey {
        match &self.key {
            Key::Agent(identity) => identity.public_key().into_owned(),
            Key::File(key) => key.public_key().clone(),
        }
    }
}

/// What came of an offer.
enum Answer {
    Welcome,
    No {
        methods: Vec<String>,
        more_keys: bool,
    },
    /// The key could not be offered; the session is as before.
    Unusable(String),
    Silence,
}

impl Login<'_> {
    /// Offers keys until one is taken. `last_words`: what the server said if it hung up.
    pub(super) async fn run(
        &self,
        session: &mut Handle<Client>,
        last_words: impl Fn() -> Option<String>,
    ) -> Result<(), ConnectError> {
        let mut refusal = Refusal {
            host: self.route.asked.clone(),
            address: self.address.to_owned(),
            user: self.route.settings.user.clone(),
            ..Refusal::default()
        };
        let mut agent = self.open_agent(session, &mut refusal).await;
        for candidate in self.candidates(agent.as_ref(), &mut refusal)? {
            if refusal.tried.len() == OFFERS {
                refusal.skipped.push(format!("{} (that would be too many)", candidate.name));
                continue;
            }
            match self.offer(session, &candidate, agent.as_mut()).await {
                Answer::Welcome => return Ok(()),
                Answer::Unusable(why) => refusal.skipped.push(format!("{} ({why})", candidate.name)),
                Answer::Silence => return Err(self.too_slow()),
                Answer::No { methods, more_keys } => {
                    refusal.tried.push(candidate.name);
                    refusal.methods = methods;
                    if !more_keys {
                        break;
                    }
                }
            }
        }
        refusal.last_words = last_words();
        Err(ConnectError::Refused { refusal: Box::new(refusal) })
    }

    async fn open_agent(&self, session: &Handle<Client>, refusal: &mut Refusal) -> Option<Agent> {
        let socket = self.agent.as_ref()?;
        match Agent::open(socket, session).await {
            Ok(agent) => Some(agent),
            Err(why) => {
                refusal.skipped.push(format!("the agent at {} ({why})", socket.display()));
                None
            }
        }
    }

    fn candidates(
        &self,
        agent: Option<&Agent>,
        refusal: &mut Refusal,
    ) -> Result<Vec<Candidate>, ConnectError> {
        let settings = &self.route.settings;
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
                }
                format!("{why}, and no agent holds it")
            })
        });
        match used {
            Ok(candidate) => add(found, candidate),
            Err(why) => refusal.skipped.push(format!("{} ({why})", path.display())),
        }
    }

    async fn offer(
        &self,
        session: &mut Handle<Client>,
        candidate: &Candidate,
        agent: Option<&mut Agent>,
    ) -> Answer {
        let user = &self.route.settings.user;
        let hash = match rsa_hash(session, &candidate.public()).await {
            Ok(hash) => hash,
            Err(why) => return Answer::Unusable(why),
        };
        let result = match (&candidate.key, agent) {
            (Key::File(key), _) => {
                let key = PrivateKeyWithHashAlg::new(Arc::clone(key), hash);
                let idle = AtomicBool::new(false);
                let answer = session.authenticate_publickey(user, key);
                patient(self.limit, &idle, answer).await.map(|r| r.map_err(|error| error.to_string()))
            }
            (Key::Agent(identity), Some(agent)) => {
                let signing = Arc::clone(&agent.signing);
                let answer = agent_offer(session, user, identity, hash, agent);
                patient(self.limit, &signing, answer).await
            }
            (Key::Agent(_), None) => return Answer::Unusable("the agent is gone".to_owned()),
        };
        match result {
            None => Answer::Silence,
            Some(Ok(AuthResult::Success)) => Answer::Welcome,
            Some(Ok(AuthResult::Failure { remaining_methods, .. })) => Answer::No {
                methods: remaining_methods.iter().map(String::from).collect(),
                more_keys: remaining_methods.contains(&MethodKind::PublicKey),
            },
            Some(Err(_)) if session.is_closed() => Answer::No { methods: Vec::new(), more_keys: false },
            Some(Err(why)) => Answer::Unusable(why),
        }
    }

    fn too_slow(&self) -> ConnectError {
        ConnectError::Timeout {
            host: self.route.asked.clone(),
            address: self.address.to_owned(),
            step: Step::Authentication,
            after: self.limit,
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

/// RSA keys sign with SHA-2 or not at all. Asked for RSA only: a server that does not say costs a second.
async fn rsa_hash(session: &Handle<Client>, key: &PublicKey) -> Result<Option<HashAlg>, String> {
    if !key.algorithm().is_rsa() {
        return Ok(None);
    }
    match session.best_supported_rsa_hash().await {
        Ok(Some(None)) => Err("the server takes RSA with SHA-1 only".to_owned()),
        Ok(Some(hash)) => Ok(hash),
        Ok(None) => Ok(Some(HashAlg::Sha512)),
        Err(error) => Err(error.to_string()),
    }
}

async fn agent_offer(
    session: &mut Handle<Client>,
    user: &str,
    identity: &AgentIdentity,
    hash: Option<HashAlg>,
    agent: &mut Agent,
) -> Result<AuthResult, String> {
    let result = match identity {
        AgentIdentity::PublicKey { key, .. } => {
            session.authenticate_publickey_with(user, key.clone(), hash, agent).await
        }
        AgentIdentity::Certificate { certificate, .. } => {
            session.authenticate_certificate_with(user, certificate.clone(), hash, agent).await
        }
    };
    result.map_err(|error: <Agent as Signer>::Error| format!("the agent did not sign: {error}"))
}

/// Waits for an answer; time in which `signing` is set does not count.
async fn patient<T>(limit: Duration, signing: &AtomicBool, answer: impl Future<Output = T>) -> Option<T> {
    tokio::pin!(answer);
    loop {
        match tokio::time::timeout(limit, &mut answer).await {
            Ok(answer) => return Some(answer),
            Err(_) if signing.load(Ordering::Relaxed) => {}
            Err(_) => return None,
        }
    }
}
