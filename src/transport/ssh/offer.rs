//! Offering keys: one after another until one is taken, as OpenSSH does: until the server says that it is enough.
//!
//! Nothing is offered twice. No clock runs while a person is asked, or touches a security key.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use russh::client::{AuthResult, Handle};
use russh::keys::agent::AgentIdentity;
use russh::keys::ssh_key::public::KeyData;
use russh::keys::{Algorithm, HashAlg, PublicKey};
use russh::{MethodKind, Signer};
use tokio::time::sleep;

use super::agent::{Agent, Signed};
use super::handler::Client;
use super::identities::{By, Candidate};
use super::keys::KeyFile;
use super::login::Login;
use super::method::{Step, patient};
use super::signer::{FileSigner, Opened};
use crate::transport::{LoginNote, Refusal};

/// An agent that has not signed by then waits for a person.
const AT_ONCE: Duration = Duration::from_secs(1);

/// With which a login's keys sign, if the configuration says no more: all that the library has, but never SHA-1.
const USER_ALGORITHMS: [&str; 16] = [
    "ssh-ed25519-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "rsa-sha2-512-cert-v01@openssh.com",
    "rsa-sha2-256-cert-v01@openssh.com",
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
];

/// What came of an offer.
enum Answer {
    /// `signed`: it would take the key, and had its signature.
    Server {
        result: AuthResult,
        signed: bool,
    },
    /// The agent refused to sign; the session is as before.
    Unsigned,
    /// The key could not be offered; the session is as before.
    Unusable(String),
    Silence,
    AgentSilence,
}

/// A key or certificate, and with which hash it signs.
struct Offered {
    identity: AgentIdentity,
    hash: Option<HashAlg>,
}

impl Login<'_> {
    /// Offers `keys` until the server is content, or takes no more of them.
    pub(super) async fn offer_keys(
        &self,
        session: &mut Handle<Client>,
        keys: &mut VecDeque<Candidate>,
        mut agent: Option<&mut Agent>,
        refusal: &mut Refusal,
    ) -> Step {
        let mut methods = None;
        while let Some(candidate) = keys.pop_front() {
            let name = candidate.name.clone();
            match self.offer(session, candidate, agent.as_deref_mut()).await {
                Answer::Server { result: AuthResult::Success, .. } => return Step::Welcome,
                Answer::Unsigned => refusal.unsigned.push(name),
                Answer::Unusable(why) => refusal.skipped.push(format!("{name} ({why})")),
                Answer::Silence => return Step::Silence,
                Answer::AgentSilence => return Step::AgentSilence,
                Answer::Server {
                    result: AuthResult::Failure { remaining_methods, partial_success },
                    signed,
                } => {
                    match signed && !partial_success && !session.is_closed() {
                        true => refusal.reject(&name),
                        false => refusal.tried.push(name),
                    }
                    if partial_success {
                        return Step::Partial(remaining_methods);
                    }
                    if session.is_closed() {
                        refusal.too_many |= !keys.is_empty();
                        let left = keys.drain(..);
                        refusal.skipped.extend(left.map(|key| format!("{} (the server hung up)", key.name)));
                        return Step::No(None);
                    }
                    let ends = !remaining_methods.contains(&MethodKind::PublicKey);
                    methods = Some(remaining_methods);
                    if ends {
                        break;
                    }
                }
            }
        }
        Step::No(methods)
    }

    async fn offer(
        &self,
        session: &mut Handle<Client>,
        candidate: Candidate,
        agent: Option<&mut Agent>,
    ) -> Answer {
        let public = match self.public(&candidate).await {
            Ok(public) => public,
            Err(why) => return Answer::Unusable(why),
        };
        let hash = match self.hash(session, &public, candidate.certificate.is_some()).await {
            Ok(hash) => hash,
            Err(why) => return Answer::Unusable(why),
        };
        let identity = match &candidate.certificate {
            Some(certificate) => AgentIdentity::from((**certificate).clone()),
            None => AgentIdentity::from(public),
        };
        let offered = Offered { identity, hash };
        let (result, signed) = match (&candidate.by, agent) {
            (By::File(path), _) => self.file_offer(session, path, &offered).await,
            (By::Agent, Some(agent)) => {
                let result = self.agent_offer(session, &candidate.name, &offered, agent).await;
                let Some(result) = result else { return Answer::AgentSilence };
                (result, agent.signed.take())
            }
            (By::Agent, None) => return Answer::Unusable("the agent is gone".to_owned()),
        };
        let closed =
            || AuthResult::Failure { remaining_methods: russh::MethodSet::empty(), partial_success: false };
        match result {
            None => Answer::Silence,
            Some(Ok(result)) => Answer::Server { result, signed: signed == Some(Signed::Yes) },
            Some(Err(_)) if session.is_closed() => Answer::Server { result: closed(), signed: false },
            Some(Err(_)) if signed == Some(Signed::Refused) => Answer::Unsigned,
            Some(Err(why)) => Answer::Unusable(why),
        }
    }

    /// Offers a key in a file, which is opened where the server wants it.
    async fn file_offer(
        &self,
        session: &mut Handle<Client>,
        path: &Path,
        offered: &Offered,
    ) -> (Option<Result<AuthResult, String>>, Option<Signed>) {
        let (mut signer, asked) = FileSigner::new();
        let signing = signer.signing.clone();
        let open = async {
            if let Ok(reply) = asked.await {
                let _ = reply.send(self.opened(path).await);
            }
            std::future::pending::<()>().await;
        };
        let offer = self.user_auth(session, offered, &mut signer);
        let result = tokio::select! {
            result = patient(self.limit, &signing, offer) => result,
            () = open => None,
        };
        let why = signer.why_not.take();
        let signed = signer.was_asked().then_some(Signed::Yes);
        (result.map(|result| result.map_err(|error| why.unwrap_or_else(|| error.to_string()))), signed)
    }

    async fn user_auth<S: Signer>(
        &self,
        session: &mut Handle<Client>,
        Offered { identity, hash }: &Offered,
        signer: &mut S,
    ) -> Result<AuthResult, S::Error> {
        let (user, hash) = (&self.route.settings.user, *hash);
        match identity {
            AgentIdentity::PublicKey { key, .. } => {
                session.authenticate_publickey_with(user, key.clone(), hash, signer).await
            }
            AgentIdentity::Certificate { certificate, .. } => {
                session.authenticate_certificate_with(user, certificate.clone(), hash, signer).await
            }
        }
    }

    /// None: the agent was to sign, and did not in all its time.
    async fn agent_offer(
        &self,
        session: &mut Handle<Client>,
        name: &str,
        offered: &Offered,
        agent: &mut Agent,
    ) -> Option<Option<Result<AuthResult, String>>> {
        let signing = agent.signing.clone();
        let (key, host) = (name.to_owned(), self.route.asked.clone());
        let note = match offered.identity.public_key().algorithm() {
            Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256 => LoginNote::Touch { key, host },
            _ => LoginNote::AgentWaits { key, host },
        };
        let watch = async {
            let wait = AT_ONCE.min(self.signature);
            loop {
                sleep(wait).await;
                if signing.load(Ordering::Relaxed) {
                    self.secrets.tell(&note);
                    break;
                }
            }
            sleep(self.signature - wait).await;
            if !signing.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
        };
        let offer = self.user_auth(session, offered, agent);
        tokio::select! {
            result = patient(self.limit, &signing, offer) => {
                Some(result.map(|result| result.map_err(|error| format!("the agent did not sign: {error}"))))
            }
            () = watch => None,
        }
    }

    /// The public half, for which the key has to be opened where the file does not show it.
    async fn public(&self, candidate: &Candidate) -> Result<PublicKey, String> {
        match (&candidate.public, &candidate.by) {
            (Some(public), _) => Ok(public.clone()),
            (None, By::File(path)) => Ok(self.opened(path).await?.public_key().clone()),
            (None, By::Agent) => Err("the agent does not show it".to_owned()),
        }
    }

    async fn opened(&self, path: &Path) -> Opened {
        match self.files.read(path)? {
            KeyFile::Open(key) => Ok(key),
            _ => self.secrets.open(self.files, path, self.route.settings.login.prompts).await,
        }
    }

    /// With which hash an RSA key signs: SHA-2 or not at all. Asked for RSA only: a server that does not say costs a second. `Err`: why the
    /// key is not offered.
    async fn hash(
        &self,
        session: &Handle<Client>,
        key: &PublicKey,
        certified: bool,
    ) -> Result<Option<HashAlg>, String> {
        let rules = &self.route.settings.algorithms;
        let left_out = || Err("PubkeyAcceptedAlgorithms leaves it out".to_owned());
        let allowed = |algorithm: &Algorithm| {
            let name = if certified { algorithm.to_certificate_type() } else { algorithm.to_string() };
            rules.user_keys.as_ref().is_none_or(|choice| choice.of(&USER_ALGORITHMS).contains(&name.as_str()))
        };
        let KeyData::Rsa(rsa) = key.key_data() else {
            return if allowed(&key.algorithm()) { Ok(None) } else { left_out() };
        };
        if rsa.key_size() < rules.rsa_bits {
            return Err(format!("{} bits are fewer than RequiredRSASize", rsa.key_size()));
        }
        let best = match session.best_supported_rsa_hash().await {
            Ok(Some(None)) => return Err("the server takes RSA with SHA-1 only".to_owned()),
            Ok(Some(Some(hash))) => hash,
            Ok(None) => HashAlg::Sha512,
            Err(error) => return Err(error.to_string()),
        };
        let fits = |hash: &HashAlg| allowed(&Algorithm::Rsa { hash: Some(*hash) });
        match [best, HashAlg::Sha256].into_iter().find(fits) {
            Some(hash) => Ok(Some(hash)),
            None => left_out(),
        }
    }
}
