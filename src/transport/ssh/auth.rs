//! Logging in with public keys: offered one after another until one is taken.
//!
//! Never more than five: sshd hangs up at the sixth (`MaxAuthTries`) and newer ones then punish the address.
//! Nothing is tried twice. Every refusal says what was offered, what was not, and what the server said last.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use russh::client::{AuthResult, Handle};
use russh::keys::agent::AgentIdentity;
use russh::keys::{HashAlg, PrivateKeyWithHashAlg, PublicKey};
use russh::{MethodKind, Signer};

use super::handler::Client;
use super::identities::{Candidate, Key};
use super::keys::Agent;
use super::login::Login;
use crate::transport::{ConnectError, Refusal, Step};

/// One less than sshd's default, for a server that counts more strictly.
const OFFERS: usize = 5;

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
        let mut hung_up = false;
        for candidate in self.candidates(agent.as_ref(), &mut refusal)? {
            if hung_up || refusal.tried.len() == OFFERS {
                let why = if hung_up { "the server hung up" } else { "that would be too many" };
                refusal.skipped.push(format!("{} ({why})", candidate.name));
                refusal.too_many = true;
                continue;
            }
            match self.offer(session, &candidate, agent.as_mut()).await {
                Answer::Welcome => return Ok(()),
                Answer::Unusable(why) => refusal.skipped.push(format!("{} ({why})", candidate.name)),
                Answer::Silence => return Err(self.too_slow()),
                Answer::No { methods, more_keys } => {
                    refusal.tried.push(candidate.name);
                    refusal.methods = methods;
                    hung_up = session.is_closed();
                    if !more_keys && !hung_up {
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
