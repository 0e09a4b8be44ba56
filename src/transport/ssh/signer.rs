//! Signing with a key in a file, which is opened only once the server wants that key: so no passphrase is asked for a key that
//! no server takes. RSA signs with SHA-2, for certificates too (the library's own way does not).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use russh::keys::agent::AgentIdentity;
use russh::keys::signature::Signer as _;
use russh::keys::ssh_encoding::Encode as _;
use russh::keys::ssh_key::private::KeypairData;
use russh::keys::{HashAlg, PrivateKey};
use russh::{AgentAuthError, SendError};
use tokio::sync::oneshot;

/// The key, or why there is none.
pub(super) type Opened = Result<Arc<PrivateKey>, String>;

/// Signs once.
pub(super) struct FileSigner {
    wanted: Option<oneshot::Sender<oneshot::Sender<Opened>>>,
    /// While a person is asked no clock runs.
    pub(super) signing: Arc<AtomicBool>,
    /// Why it did not sign.
    pub(super) why_not: Option<String>,
}

impl FileSigner {
    /// The signer, and where it asks for the key: the library wants it sendable, and whoever opens the key is not.
    pub(super) fn new() -> (Self, oneshot::Receiver<oneshot::Sender<Opened>>) {
        let (wanted, asked) = oneshot::channel();
        (Self { wanted: Some(wanted), signing: Arc::default(), why_not: None }, asked)
    }

    /// Whether the server wanted a signature.
    pub(super) fn was_asked(&self) -> bool {
        self.wanted.is_none()
    }

    async fn key(&mut self) -> Opened {
        let gone = || "it was asked for twice".to_owned();
        let (reply, opened) = oneshot::channel();
        self.wanted.take().ok_or_else(gone)?.send(reply).map_err(|_| gone())?;
        opened.await.map_err(|_| gone())?
    }
}

impl russh::Signer for FileSigner {
    type Error = AgentAuthError;

    async fn auth_sign(
        &mut self,
        _: &AgentIdentity,
        hash: Option<HashAlg>,
        mut data: Vec<u8>,
    ) -> Result<Vec<u8>, AgentAuthError> {
        self.signing.store(true, Ordering::Relaxed);
        let key = self.key().await;
        self.signing.store(false, Ordering::Relaxed);
        let signed = key.and_then(|key| sign(&key, hash, &data).map_err(|error| error.to_string()));
        match signed {
            Ok(signature) => {
                data.extend_from_slice(&signature);
                Ok(data)
            }
            Err(why) => {
                self.why_not = Some(why);
                // The error's text is not used: `why_not` says more.
                Err(SendError {}.into())
            }
        }
    }
}

/// The signature as it travels: a string that holds algorithm and bytes.
fn sign(key: &PrivateKey, hash: Option<HashAlg>, data: &[u8]) -> russh::keys::ssh_key::Result<Vec<u8>> {
    let signature = match key.key_data() {
        KeypairData::Rsa(pair) => (pair, hash.or(Some(HashAlg::Sha512))).try_sign(data)?,
        _ => key.try_sign(data)?,
    };
    let mut bytes = Vec::new();
    signature.encode_prefixed(&mut bytes)?;
    Ok(bytes)
}
