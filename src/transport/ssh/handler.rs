//! What the SSH session asks us while it runs: whether the server's key is right, and what to do with channels
//! that the server opens (refuse them, but for those to an agent that is lent).
//!
//! Runs inside the session's task; what the outside needs to know goes through [`Shared`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use russh::client::{ChannelOpenHandle, DisconnectReason, Handler, Msg, Session};
use russh::keys::{PublicKey, PublicKeyOrCertificate};
use russh::{Channel, ChannelOpenFailure, Error};

use super::lend::{self, Lent};
use super::trust::{Trust, Verdict};

/// What a session leaves for its owner.
#[derive(Debug, Default)]
pub(super) struct Shared(Mutex<Facts>);

#[derive(Debug, Default)]
struct Facts {
    refused: Option<RefusedKey>,
    last_words: Option<String>,
    lent: Option<Lent>,
}

/// A server's key that was not accepted.
#[derive(Debug, Clone)]
pub(super) struct RefusedKey {
    pub(super) key: PublicKey,
    pub(super) verdict: Verdict,
    /// Why its certificate was not good, if it showed one.
    pub(super) certificate: Option<String>,
}

impl Shared {
    fn facts(&self) -> MutexGuard<'_, Facts> {
        // Nothing in here is ever half written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server's key, if it was not accepted, and why.
    pub(super) fn refused(&self) -> Option<RefusedKey> {
        self.facts().refused.clone()
    }

    /// From here on the server may use this agent.
    pub(super) fn lend(&self, lent: Lent) {
        self.facts().lent = Some(lent);
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
        // The library checks only that the server has the key; whether a certificate is good is judged here.
        let (verdict, certificate) = match key {
            PublicKeyOrCertificate::PublicKey { key, .. } => (self.trust.verdict(key), None),
            PublicKeyOrCertificate::Certificate(certificate) => {
                self.trust.verdict_on_certificate(certificate, now())
            }
        };
        let trusted = verdict == Verdict::Trusted;
        if !trusted {
            let key = key.public_key();
            self.shared.facts().refused = Some(RefusedKey { key, verdict, certificate });
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
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        let lent = self.shared.facts().lent.clone();
        lend::answer(channel, reply, lent).await;
        Ok(())
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

/// Seconds since 1970. A clock before that makes every certificate not valid yet.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
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
