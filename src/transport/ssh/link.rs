//! One SSH connection: from a fresh socket through key exchange and login to its end.
//!
//! Must not know whether it carries programs or, as a jump host, other connections. A handshake that is given
//! up or fails closes its socket. Opening a channel is never cancelled half-way: the
//! library would lose the channel and the server keep it open.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use russh::client::{Handle, Msg, connect_stream};
use russh::keys::HashAlg;
use russh::{Channel, ChannelStream, Disconnect, Error};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::Options;
use super::algorithms;
use super::channel::Variables;
use super::handler::{Client, RefusedKey, Shared, plain};
use super::lend::Lent;
use super::login::Login;
use super::sessions::Sessions;
use super::trust::{Trust, Verdict};
use super::wire::{Greeting, Socket, Wire};
use crate::transport::{ConnectError, OfferedKey, Step};

/// How long a farewell may take before the socket is closed without.
const FAREWELL: Duration = Duration::from_secs(1);
/// A jump host may wait minutes for a target that does not answer.
pub(super) const TUNNEL: Duration = Duration::from_secs(15);

/// An authenticated connection. Says goodbye when dropped.
pub(super) struct Link {
    pub(super) handle: Arc<Handle<Client>>,
    pub(super) shared: Arc<Shared>,
    pub(super) sessions: Arc<Sessions>,
    /// What programs find in their environment: `SendEnv` and `SetEnv`.
    pub(super) variables: Variables,
    /// Whether they may use the operator's agent.
    pub(super) lends: bool,
    hangup: CancellationToken,
    /// The jump host below must outlive what it carries.
    _via: Option<Rc<Link>>,
}

/// A socket that was connected and on which nothing was said yet.
pub(super) struct Dialed {
    pub(super) socket: Socket,
    /// The jump host through which it leads.
    pub(super) via: Option<Rc<Link>>,
    /// For banner and key exchange.
    pub(super) deadline: Instant,
}

/// What the server's key is checked against.
pub(super) struct HostKeys<'a> {
    pub(super) trust: Trust,
    pub(super) options: &'a Options,
    /// The file to which an unknown key would be added.
    pub(super) add_to: &'a Path,
}

impl Link {
    pub(super) async fn establish(
        dialed: Dialed,
        keys: HostKeys<'_>,
        login: &Login<'_>,
    ) -> Result<Self, ConnectError> {
        let started = Instant::now();
        let (greeting, shared) = (Arc::new(Greeting::default()), Arc::new(Shared::default()));
        let hangup = CancellationToken::new();
        let given_up = hangup.clone().drop_guard();
        let config = algorithms::config(keys.options, &login.route.settings, &keys.trust);
        let client = Client { trust: keys.trust, shared: Arc::clone(&shared) };
        let wire = Wire::new(dialed.socket, hangup.clone(), Arc::clone(&greeting));
        let (host, address) = (login.route.asked.clone(), login.address.to_owned());
        let mut handle = match timeout_at(dialed.deadline, connect_stream(config, wire, client)).await {
            Ok(Ok(handle)) => handle,
            Err(_) => {
                let after = started.elapsed();
                return Err(ConnectError::Timeout { host, address, step: Step::KeyExchange, after });
            }
            Ok(Err(error)) => {
                return Err(match shared.refused() {
                    Some(refused) => host_key(login, keys.add_to, refused),
                    None if greeting.is_ssh() || matches!(error, Error::Version) => {
                        ConnectError::Handshake { host, address, reason: plain(&error) }
                    }
                    None => {
                        let said = greeting.line().map(|line| format!("it said: {line}"));
                        ConnectError::ClosedEarly {
                            host,
                            address,
                            reason: said.unwrap_or_else(|| plain(&error)),
                        }
                    }
                });
            }
        };
        login.run(&mut handle, || shared.last_words()).await?;
        given_up.disarm();
        let sessions = Arc::new(Sessions::default());
        let variables = login.route.settings.session.variables.clone().into();
        let lends = login.route.lent.is_some();
        if let Some(socket) = login.route.lent.clone() {
            shared.lend(Lent::new(socket, handle.agent_session_binding().cloned()));
        }
        Ok(Self { handle: Arc::new(handle), shared, sessions, variables, lends, hangup, _via: dialed.via })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    pub(super) fn open(&self, host: &str, port: u16) -> oneshot::Receiver<Result<Channel<Msg>, Error>> {
        let (opened, answer) = oneshot::channel();
        let (handle, host) = (Arc::clone(&self.handle), host.to_owned());
        tokio::spawn(async move {
            let result = handle.channel_open_direct_tcpip(host, port.into(), "127.0.0.1", 0).await;
            if let Err(Ok(unwanted)) = opened.send(result) {
                // The session may be gone, and with it the channel.
                let _ = unwanted.close().await;
            }
        });
        answer
    }

    /// A stream to `host`, made by the server at the other end.
    pub(super) async fn tunnel(&self, host: &str, port: u16) -> Result<ChannelStream<Msg>, String> {
        match timeout(TUNNEL, self.open(host, port)).await {
            Ok(Ok(Ok(channel))) => Ok(channel.into_stream()),
            Ok(Ok(Err(Error::ChannelOpenFailure(why)))) => {
                Err(format!("the jump host cannot connect there ({why:?})"))
            }
            Ok(Ok(Err(error))) => Err(plain(&error)),
            Ok(Err(_)) => Err("the connection to the jump host is gone".to_owned()),
            Err(_) => Err(format!("the jump host did not connect in {} s", TUNNEL.as_secs())),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            self.hangup.cancel();
            return;
        };
        let (handle, hangup) = (Arc::clone(&self.handle), self.hangup.clone());
        runtime.spawn(async move {
            // A session that is stuck takes no message; it is cut off.
            let _ = timeout(FAREWELL, handle.disconnect(Disconnect::ByApplication, "", "")).await;
            if !handle.is_closed() {
                sleep(FAREWELL).await;
            }
            hangup.cancel();
        });
    }
}

fn host_key(login: &Login<'_>, file: &Path, refused: RefusedKey) -> ConnectError {
    let settings = &login.route.settings;
    let RefusedKey { key, verdict, certificate } = refused;
    let name = login.route.subject().name();
    let mut bare = key.clone();
    bare.set_comment("");
    let key = Box::new(OfferedKey {
        host: login.route.asked.clone(),
        address: login.address.to_owned(),
        key_type: key.algorithm().to_string(),
        fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
        line: format!("{name} {}", bare.to_openssh().unwrap_or_default().trim_end()),
        file: file.to_path_buf(),
        new_keys: settings.trust.new_keys,
        hashed: settings.trust.hashed,
        certificate,
        name,
    });
    match verdict {
        Verdict::Changed { file, line, known } => {
            ConnectError::ChangedHostKey { key, file, line, known: Some(known) }
        }
        Verdict::Revoked { file, line } => ConnectError::RevokedHostKey { key, file, line },
        Verdict::Short { bits, least } => ConnectError::ShortHostKey { key, bits, least },
        Verdict::NotPinned { pinned } => ConnectError::PinnedHostKey { key, pinned },
        Verdict::Unknown | Verdict::Trusted => ConnectError::UnknownHostKey { key },
    }
}
