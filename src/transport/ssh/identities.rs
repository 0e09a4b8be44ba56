//! Which keys a login could offer, and in which order: OpenSSH's.
//!
//! Certificates that were named come first, then the keys of the agent that were named by a file, what else the agent holds, and the other
//! files. A key that the agent holds is used through it, whatever file it was named by. Offers nothing itself.

use std::path::{Path, PathBuf};

use russh::keys::agent::AgentIdentity;
use russh::keys::{Certificate, HashAlg, PublicKey};

use super::agent::{Agent, is_same};
use super::keys::{self, EXPOSED, KeyFile, with_ending};
use super::login::Login;
use crate::transport::{ConnectError, Refusal};

/// Below ~/.ssh, when nothing else is named; in ssh's order.
const DEFAULT_FILES: [&str; 5] = ["id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"];

const PASSPHRASE: &str = "has a passphrase";

/// A key to offer.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) name: String,
    /// None: only its passphrase will tell.
    pub(super) public: Option<PublicKey>,
    /// What vouches for the key, if it is offered with a certificate.
    pub(super) certificate: Option<Box<Certificate>>,
    pub(super) by: By,
}

/// Who signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum By {
    Agent,
    File(PathBuf),
}

impl Candidate {
    fn is(&self, identity: &AgentIdentity) -> bool {
        match (identity, &self.certificate) {
            (AgentIdentity::PublicKey { key, .. }, None) => self.has(key),
            (AgentIdentity::Certificate { certificate, .. }, Some(own)) => is_same(own, certificate),
            _ => false,
        }
    }

    fn has(&self, key: &PublicKey) -> bool {
        self.public.as_ref().is_some_and(|public| public.key_data() == key.key_data())
    }

    /// Whether both offer the same.
    fn repeats(&self, other: &Self) -> bool {
        match (&self.certificate, &other.certificate) {
            (None, None) => self.public.as_ref().is_some_and(|key| other.has(key)),
            (Some(one), Some(other)) => is_same(one, other),
            _ => false,
        }
    }
}

impl Login<'_> {
    /// The keys to offer, best first. What cannot be offered goes to `refusal`.
    ///
    /// # Errors
    /// When shipit.toml names a key that is of no use.
    pub(super) fn candidates(
        &self,
        agent: Option<&Agent>,
        refusal: &mut Refusal,
    ) -> Result<Vec<Candidate>, ConnectError> {
        let mut files = Vec::new();
        for path in self.identity_files() {
            if let Err(why) = self.add_file(&path, agent, &mut files) {
                match &self.route.key {
                    Some(path) => return Err(of_no_use(path.clone(), why)),
                    None => note(&path, why, refusal),
                }
            }
        }
        let mut found = self.named_certificates(&files, agent, refusal);
        let mut others = Vec::new();
        for identity in agent.iter().flat_map(|agent| &agent.identities) {
            match files.iter().position(|file| file.is(identity)) {
                Some(at) => found.push(Candidate { by: By::Agent, ..files.remove(at) }),
                None if self.only_named() => {}
                None => others.push(of_agent(identity)),
            }
        }
        let mut all: Vec<Candidate> = Vec::new();
        for candidate in found.into_iter().chain(others).chain(files) {
            if all.iter().all(|other| !candidate.repeats(other)) {
                all.push(candidate);
            }
        }
        Ok(all)
    }

    /// Whether what the agent holds beside the named keys is left out.
    fn only_named(&self) -> bool {
        self.route.settings.login.identities_only || self.route.key.is_some()
    }

    fn identity_files(&self) -> Vec<PathBuf> {
        let rules = &self.route.settings.login;
        match &self.route.key {
            Some(key) => vec![key.clone()],
            None if rules.identities_set => rules.identity_files.clone(),
            None => {
                let files = DEFAULT_FILES.map(|name| self.home.join(".ssh").join(name));
                files.into_iter().filter(|path| path.exists()).collect()
            }
        }
    }

    /// The key in a file, and the certificate beside it. `Err`: why the key is of no use.
    fn add_file(&self, path: &Path, agent: Option<&Agent>, found: &mut Vec<Candidate>) -> Result<(), String> {
        let file = self.files.read(path)?;
        let public = file.public();
        let is_held = || agent.zip(public.as_ref()).is_some_and(|(agent, key)| agent.holds(key));
        let by = match &file {
            _ if is_held() => By::Agent,
            KeyFile::Open(_) => By::File(path.to_path_buf()),
            KeyFile::Encrypted { .. } if self.can_ask() => By::File(path.to_path_buf()),
            KeyFile::Encrypted { .. } => return Err(PASSPHRASE.to_owned()),
            KeyFile::Locked { why, .. } => return Err((*why).to_owned()),
        };
        let key = Candidate { name: path.display().to_string(), public, certificate: None, by };
        let beside = with_ending(path, "-cert.pub");
        let certificate =
            keys::certificate(&beside).ok().filter(|certificate| key.has(&subject(certificate)));
        found.push(key.clone());
        if let Some(certificate) = certificate {
            let name = beside.display().to_string();
            found.push(Candidate { name, certificate: Some(Box::new(certificate)), ..key });
        }
        Ok(())
    }

    /// `CertificateFile`: each with whoever has its private key.
    fn named_certificates(
        &self,
        files: &[Candidate],
        agent: Option<&Agent>,
        refusal: &mut Refusal,
    ) -> Vec<Candidate> {
        let mut found = Vec::new();
        for path in &self.route.settings.login.certificates {
            let name = path.display().to_string();
            let used = keys::certificate(path).and_then(|certificate| {
                let public = subject(&certificate);
                let file = files.iter().find(|file| file.certificate.is_none() && file.has(&public));
                let in_agent = agent.filter(|_| !self.only_named()).is_some_and(|agent| {
                    agent.holds(&public) || agent.identities.iter().any(|held| holds(held, &certificate))
                });
                let by = file.map(|file| file.by.clone()).or_else(|| in_agent.then_some(By::Agent));
                let by = by.ok_or("its private key is neither in a file nor in the agent")?;
                let (public, certificate) = (Some(public), Some(Box::new(certificate)));
                Ok(Candidate { name: name.clone(), public, certificate, by })
            });
            match used {
                Ok(candidate) => found.push(candidate),
                Err(why) => refusal.skipped.push(format!("{name} ({why})")),
            }
        }
        found
    }
}

fn holds(identity: &AgentIdentity, wanted: &Certificate) -> bool {
    matches!(identity, AgentIdentity::Certificate { certificate, .. } if is_same(certificate, wanted))
}

fn subject(certificate: &Certificate) -> PublicKey {
    PublicKey::new(certificate.public_key().clone(), "")
}

fn of_agent(identity: &AgentIdentity) -> Candidate {
    let public = identity.public_key().into_owned();
    let name = match identity.comment() {
        "" => public.fingerprint(HashAlg::Sha256).to_string(),
        comment => comment.to_owned(),
    };
    let certificate = match identity {
        AgentIdentity::PublicKey { .. } => None,
        AgentIdentity::Certificate { certificate, .. } => Some(Box::new(certificate.clone())),
    };
    Candidate { name: format!("{name} (agent)"), public: Some(public), certificate, by: By::Agent }
}

/// `key` in shipit.toml: the one key that is to be used, so a file that is of no use is the error.
fn of_no_use(path: PathBuf, why: String) -> ConnectError {
    match why.as_str() {
        PASSPHRASE => ConnectError::KeyEncrypted { path },
        EXPOSED => ConnectError::KeyExposed { path },
        "is a public key" | "lives on a security key" | "only its public half is here" => {
            ConnectError::KeyFile { path, reason: format!("it {why}, and no agent holds it") }
        }
        _ => ConnectError::KeyFile { path, reason: why },
    }
}

fn note(path: &Path, why: String, refusal: &mut Refusal) {
    match why.as_str() {
        PASSPHRASE => {
            refusal.encrypted.get_or_insert_with(|| path.to_path_buf());
        }
        EXPOSED => {
            refusal.exposed.get_or_insert_with(|| path.to_path_buf());
        }
        _ => {}
    }
    refusal.skipped.push(format!("{} ({why}, and no agent holds it)", path.display()));
}
