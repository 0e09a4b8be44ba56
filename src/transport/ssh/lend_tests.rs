//! Servers that use an agent otherwise than sshd does.

use std::os::unix::net::UnixListener as Listener;
use std::path::Path;

use russh::client::{Config, Handle, connect_stream};
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{HashAlg, PrivateKey};
use russh::server::{self, Auth};
use russh::{Error, Limits};
use tokio::net::UnixListener;
use tokio::sync::mpsc;

use super::super::handler::{Client, Shared};
use super::super::trust::Trust;
use super::*;

/// Longer than any step of a test.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that lets everybody in, and gives out its side of the session.
struct Open(mpsc::Sender<server::Handle>);

impl server::Handler for Open {
    type Error = Error;

    async fn auth_none(&mut self, _: &str) -> Result<Auth, Error> {
        Ok(Auth::Accept)
    }

    async fn auth_succeeded(&mut self, session: &mut server::Session) -> Result<(), Error> {
        let _ = self.0.send(session.handle()).await;
        Ok(())
    }
}

/// A session, its server, and what it may be lent. The server grants this window to each channel.
async fn session(window_size: u32) -> (Handle<Client>, server::Handle, Arc<Shared>) {
    let key = PrivateKey::from(Ed25519Keypair::from_seed(&[7; 32]));
    let trust = Trust::pinned(&key.public_key().fingerprint(HashAlg::Sha256).to_string());
    let limits = Limits::default();
    let config = server::Config { keys: vec![key], window_size, limits, ..server::Config::default() };
    let (here, there) = tokio::io::duplex(1 << 16);
    let (sender, mut handles) = mpsc::channel(1);
    tokio::spawn(async move {
        if let Ok(served) = server::run_stream(Arc::new(config), there, Open(sender)).await {
            let _ = served.await;
        }
    });
    let shared = Arc::new(Shared::default());
    let client = Client { trust, shared: Arc::clone(&shared) };
    let mut handle = connect_stream(Arc::new(Config::default()), here, client).await.unwrap();
    assert!(handle.authenticate_none("operator").await.unwrap().success());
    (handle, handles.recv().await.unwrap(), shared)
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("it hangs")
}

fn why(refused: Result<Channel<server::Msg>, Error>) -> ChannelOpenFailure {
    match refused {
        Err(Error::ChannelOpenFailure(why)) => why,
        other => panic!("{other:?}"),
    }
}

fn lent(socket: &Path) -> Lent {
    Lent::new(socket.to_path_buf(), None)
}

#[tokio::test]
async fn what_was_not_lent_is_not_given() {
    let (_handle, server, _) = session(1 << 20).await;
    let refused = soon(server.channel_open_agent()).await;
    assert!(matches!(why(refused), ChannelOpenFailure::AdministrativelyProhibited));
}

#[tokio::test]
async fn an_agent_that_hangs_holds_up_nothing_else() {
    let (handle, server, shared) = session(1 << 20).await;
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("agent");
    let _silent = Listener::bind(&socket).unwrap();
    shared.lend(Lent::new(socket, Some(handle.agent_session_binding().unwrap().clone())));
    let opening = soon(server.channel_open_agent());
    tokio::pin!(opening);
    tokio::select! {
        biased;
        refused = &mut opening => panic!("{refused:?}"),
        alive = async {
            // The second is sent when the first was answered: by then the server's wish has arrived.
            handle.send_ping().await?;
            handle.send_ping().await
        } => alive.unwrap(),
    }
    assert!(matches!(why(opening.await), ChannelOpenFailure::ConnectFailed));
    let gone = dir.path().join("gone");
    shared.lend(lent(&gone));
    assert!(matches!(why(soon(server.channel_open_agent()).await), ChannelOpenFailure::ConnectFailed));
}

#[tokio::test]
async fn what_an_agent_does_not_read_fills_no_memory_and_stops_no_session() {
    let (handle, server, shared) = session(1 << 20).await;
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("agent");
    let _silent = Listener::bind(&socket).unwrap();
    shared.lend(lent(&socket));
    let mut channel = soon(server.channel_open_agent()).await.unwrap();
    let piece = Bytes::from(vec![0; 32 << 10]);
    for _ in 0..1024 {
        soon(channel.data_bytes(piece.clone())).await.unwrap();
    }
    soon(handle.send_ping()).await.unwrap();
    // It is ended, though the server goes on: its window is never used up.
    let ended = async { while !matches!(channel.wait().await, Some(ChannelMsg::Eof) | None) {} };
    soon(ended).await;
}

#[tokio::test]
async fn a_host_has_so_many_connections_to_the_agent_and_gets_back_those_that_it_closes() {
    // Nothing that the agent says can be written.
    let (handle, server, shared) = session(0).await;
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("agent");
    let agent = UnixListener::bind(&socket).unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = agent.accept().await {
            let _ = stream.write_all(&[0; 1024]).await;
            open.push(stream);
        }
    });
    shared.lend(lent(&socket));
    for _ in 0..2 {
        let mut channels = Vec::new();
        let open = async {
            while channels.len() < AT_ONCE {
                match server.channel_open_agent().await {
                    Ok(channel) => channels.push(channel),
                    // Those before are still being closed.
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        };
        soon(open).await;
        let refused = soon(server.channel_open_agent()).await;
        assert!(matches!(why(refused), ChannelOpenFailure::ResourceShortage));
        for channel in channels {
            soon(channel.close()).await.unwrap();
        }
        soon(handle.send_ping()).await.unwrap();
    }
}
