//! The agent: what it holds, and signing with it.
//!
//! Must not know which keys a host wants. Agents are bounded where no person is behind the answer: the list of keys comes at once,
//! a signature may wait for a touch or a confirmation.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use russh::AgentAuthError;
use russh::client::Handle;
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{Certificate, HashAlg, PublicKey};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::handler::{Client, io};
use super::lend::AGENT_ANSWER;

/// A connection to an agent, and what it holds.
pub(super) struct Agent {
    client: AgentClient<UnixStream>,
    pub(super) identities: Vec<AgentIdentity>,
    /// While a person is asked (a touch, a confirmation) no clock runs.
    pub(super) signing: Arc<AtomicBool>,
    /// What came of the last time that it was to sign, since somebody took this.
    pub(super) signed: Option<Signed>,
}

/// Whether an agent signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signed {
    Yes,
    /// It says that it does not.
    Refused,
    /// It said nothing that can be used.
    Failed,
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
            Ok(Self { client, identities, signing: Arc::default(), signed: None })
        });
        asked.await.unwrap_or_else(|_| Err(format!("no answer in {} s", AGENT_ANSWER.as_secs())))
    }

    /// Whether it holds the private half of `key`.
    pub(super) fn holds(&self, key: &PublicKey) -> bool {
        self.identities.iter().any(|identity| match identity {
            AgentIdentity::PublicKey { key: held, .. } => held.key_data() == key.key_data(),
            AgentIdentity::Certificate { .. } => false,
        })
    }

    /// Whether it holds this very certificate.
    fn holds_certificate(&self, certificate: &Certificate) -> bool {
        self.identities.iter().any(|identity| match identity {
            AgentIdentity::PublicKey { .. } => false,
            AgentIdentity::Certificate { certificate: held, .. } => is_same(held, certificate),
        })
    }
}

/// Whatever their comments.
pub(super) fn is_same(one: &Certificate, other: &Certificate) -> bool {
    matches!((one.to_bytes(), other.to_bytes()), (Ok(one), Ok(other)) if one == other)
}

impl russh::Signer for Agent {
    type Error = AgentAuthError;

    async fn auth_sign(
        &mut self,
        key: &AgentIdentity,
        hash: Option<HashAlg>,
        data: Vec<u8>,
    ) -> Result<Vec<u8>, Self::Error> {
        // A certificate from a file: the agent knows only its key, and both sign the same.
        let by_its_key = match key {
            AgentIdentity::Certificate { certificate, .. } if !self.holds_certificate(certificate) => {
                Some(AgentIdentity::from(PublicKey::new(certificate.public_key().clone(), "")))
            }
            _ => None,
        };
        self.signing.store(true, Ordering::Relaxed);
        let signed = self.client.auth_sign(by_its_key.as_ref().unwrap_or(key), hash, data).await;
        self.signing.store(false, Ordering::Relaxed);
        self.signed = Some(match &signed {
            Ok(_) => Signed::Yes,
            Err(AgentAuthError::Key(russh::keys::Error::AgentFailure)) => Signed::Refused,
            Err(_) => Signed::Failed,
        });
        signed
    }
}
