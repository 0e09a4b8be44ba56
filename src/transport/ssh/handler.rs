//! What the SSH session asks us while it runs: whether the server's key is right, and what to do with channels
//! that the server opens (refuse them).
//!
//! Runs inside the session's task; what the outside needs to know goes through [`Shared`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use russh::client::{ChannelOpenHandle, DisconnectReason, Handler, Msg, Session};
use russh::keys::{PublicKey, PublicKeyOrCertificate};
use russh::{Channel, ChannelOpenFailure, Error};

use super::known_hosts::{Trust, Verdict};

/// What a session leaves for its owner.
#[derive(Debug, Default)]
pub(super) struct Shared(Mutex<Facts>);

#[derive(Debug, Default)]
struct Facts {
    refused: Option<(PublicKey, Verdict)>,
    last_words: Option<String>,
}

impl Shared {
    fn facts(&self) -> MutexGuard<'_, Facts> {
        // Nothing in here is ever half written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server's key, if it was not accepted, and why.
    pub(super) fn refused(&self) -> Option<(PublicKey, Verdict)> {
        self.facts().refused.clone()
    }

    /// How the session ended: what the server said, else what went wrong. The library tells it only here.
    pub(super) fn last_words(&self) -> Option<String> {
        self.facts().last_words.clone()
    }
}

pub(super) struct Client {
    pub(super) trust: Trust,
    pub(super) shared: Arc<Shared>,
}

impl Handler for Client {
    type Error = Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = key else {
            // Certificates are never asked for.
            return Ok(false);
        };
        let verdict = self.trust.verdict(key);
        let trusted = verdict == Verdict::Trusted;
        if !trusted {
            self.shared.facts().refused = Some((key.clone(), verdict));
        }
        Ok(trusted)
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Error>) -> Result<(), Error> {
        let (words, result) = match reason {
            DisconnectReason::ReceivedDisconnect(info) => (info.message, Ok(())),
            DisconnectReason::Error(error) => (plain(&error), Err(error)),
        };
        self.shared.facts().last_words = Some(words).filter(|words| !words.is_empty());
        result
    }

    // The library's default is to accept these.

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        refuse(reply).await
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        refuse(reply).await
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        refuse(reply).await
    }

    async fn server_channel_open_session(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        refuse(reply).await
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        refuse(reply).await
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        refuse(reply).await
    }

    async fn server_channel_open_x11(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        refuse(reply).await
    }
}

async fn refuse(reply: ChannelOpenHandle) -> Result<(), Error> {
    reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
    Ok(())
}

/// The library's errors in a user's words.
pub(super) fn plain(error: &Error) -> String {
    match error {
        Error::Disconnect | Error::HUP => "the connection was closed by the other side".to_owned(),
        Error::KeepaliveTimeout => "the host stopped answering".to_owned(),
        Error::IO(error) => io(error),
        Error::NoCommonAlgo { kind, theirs, .. } => {
            format!("no common algorithm ({kind:?}); the server offers {}", theirs.join(", "))
        }
        Error::Version => "what answers there does not speak SSH 2".to_owned(),
        other => other.to_string(),
    }
}

/// `error` without Rust's `(os error 111)`.
pub(super) fn io(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::UnexpectedEof => "the connection was closed by the other side".to_owned(),
        _ => {
            let text = error.to_string();
            text.split_once(" (os error").map_or(text.as_str(), |(text, _)| text).to_lowercase()
        }
    }
}
