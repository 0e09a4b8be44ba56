//! The server's side of one connection, and the joining of a channel with a process.
//!
//! A process that does not read blocks only its own channel: what it was sent waits in a queue, which the client's window
//! no longer bounds; a client that may log in is trusted with this process's memory.

use std::collections::HashMap;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;

use bytes::Bytes;
use russh::keys::PublicKey;
use russh::server::{Auth, ChannelOpenHandle, Handle, Handler, Msg, Session, VerifiedPublicKey};
use russh::{
    Channel, ChannelId, ChannelMsg, ChannelOpenFailure, ChannelReadHalf, ChannelWriteHalf, Pty, Sig,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin};
use tokio::sync::{mpsc, watch};

use super::machine::Machine;
use super::terminal;
use crate::transport::{Screen, Window};

/// The server's side of one connection.
pub(super) struct Login {
    guest: PublicKey,
    machine: Arc<dyn Machine>,
    channels: HashMap<ChannelId, Channel<Msg>>,
    /// The screens of the terminals that were asked for, and what tells their sizes.
    screens: HashMap<ChannelId, (Screen, watch::Sender<Window>)>,
}

impl Login {
    pub(super) fn new(guest: PublicKey, machine: Arc<dyn Machine>) -> Self {
        Self { guest, machine, channels: HashMap::new(), screens: HashMap::new() }
    }
}

impl Handler for Login {
    type Error = russh::Error;

    async fn auth_publickey(&mut self, _: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        let known = key.public_key.key_data() == self.guest.key_data();
        Ok(if known { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_succeeded(&mut self, _: &mut Session) -> Result<(), Self::Error> {
        self.machine.entered();
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    /// To this machine's loopback only.
    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        match (host, u16::try_from(port)) {
            ("127.0.0.1" | "::1" | "localhost", Ok(port)) => {
                tokio::spawn(forward(channel, (host.to_owned(), port), reply));
            }
            _ => reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await,
        }
        Ok(())
    }

    async fn pty_request(
        &mut self,
        id: ChannelId,
        term: &str,
        columns: u32,
        rows: u32,
        _: u32,
        _: u32,
        modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let (size, window) = watch::channel(size(columns, rows));
        let modes = modes.iter().map(|(mode, value)| (*mode as u8, *value)).collect();
        self.screens.insert(id, (Screen { term: term.to_owned(), modes, window }, size));
        session.channel_success(id)
    }

    async fn window_change_request(
        &mut self,
        id: ChannelId,
        columns: u32,
        rows: u32,
        _: u32,
        _: u32,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        if let Some((_, told)) = self.screens.get(&id) {
            told.send_replace(size(columns, rows));
        }
        Ok(())
    }

    async fn channel_close(&mut self, id: ChannelId, _: &mut Session) -> Result<(), Self::Error> {
        self.screens.remove(&id);
        Ok(())
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let Some(channel) = self.channels.remove(&id) else { return session.channel_failure(id) };
        let command = String::from_utf8_lossy(command);
        if let Some((screen, _)) = self.screens.get(&id) {
            return match self.machine.start_on(&command, screen.clone()) {
                Ok(program) => {
                    session.channel_success(id)?;
                    tokio::spawn(terminal::join(channel, program, session.handle()));
                    Ok(())
                }
                Err(_) => session.channel_failure(id),
            };
        }
        match self.machine.start(&command) {
            Ok(child) => {
                session.channel_success(id)?;
                tokio::spawn(join(channel, child, session.handle()));
                Ok(())
            }
            Err(_) => session.channel_failure(id),
        }
    }
}

fn size(columns: u32, rows: u32) -> Window {
    let most = |count: u32| u16::try_from(count).unwrap_or(u16::MAX);
    Window { columns: most(columns), rows: most(rows) }
}

/// Joins a channel with what listens at an address, until both have ended or one is broken.
async fn forward(channel: Channel<Msg>, address: (String, u16), reply: ChannelOpenHandle) {
    let Ok(mut service) = TcpStream::connect(address).await else {
        return reply.reject(ChannelOpenFailure::ConnectFailed).await;
    };
    reply.accept().await;
    let _ = tokio::io::copy_bidirectional(&mut channel.into_stream(), &mut service).await;
}

/// Joins a channel and a process until both have ended, or the connection has.
async fn join(channel: Channel<Msg>, mut child: Child, session: Handle) {
    let (from, to) = channel.split();
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let ended = async {
        if let Ok(status) = child.wait().await {
            tell(&to, &session, status).await;
        }
    };
    let all = async { tokio::join!(send(stdout, &to, None), send(stderr, &to, Some(1)), ended) };
    tokio::select! {
        // The client closed the channel, or the connection is gone: our ends of the pipes close.
        () = receive(from, stdin) => (),
        _ = all => {
            let _ = to.eof().await;
            let _ = to.close().await;
        }
    }
}

/// Hands on what the client sends; ends when the channel does.
async fn receive(mut from: ChannelReadHalf, stdin: Option<ChildStdin>) {
    let (queue, queued) = mpsc::unbounded_channel();
    let read = async {
        let mut queue = Some(queue);
        while let Some(message) = from.wait().await {
            match message {
                ChannelMsg::Data { data } => {
                    let _ = queue.as_ref().map(|queue| queue.send(data));
                }
                ChannelMsg::Eof => queue = None,
                ChannelMsg::Close => break,
                _ => (),
            }
        }
    };
    let write = async {
        write(stdin, queued).await;
        std::future::pending().await
    };
    tokio::select! { () = read => (), () = write => () }
}

async fn write(stdin: Option<ChildStdin>, mut queued: mpsc::UnboundedReceiver<Bytes>) {
    let Some(mut stdin) = stdin else { return };
    while let Some(data) = queued.recv().await {
        if stdin.write_all(&data).await.is_err() {
            return;
        }
    }
}

/// Hands on what the process prints; `code` 1 is standard error.
async fn send(from: Option<impl AsyncRead + Unpin>, to: &ChannelWriteHalf<Msg>, code: Option<u32>) {
    let Some(mut from) = from else { return };
    let mut piece = vec![0; 32 << 10];
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        let data = Bytes::copy_from_slice(piece.get(..count).unwrap_or_default());
        let sent = match code {
            Some(code) => to.extended_data_bytes(code, data).await,
            None => to.data_bytes(data).await,
        };
        if sent.is_err() {
            return;
        }
    }
}

/// Says how the process ended.
async fn tell(to: &ChannelWriteHalf<Msg>, session: &Handle, status: ExitStatus) {
    let sig = match status.signal() {
        None => {
            let code = status.code().and_then(|code| u32::try_from(code).ok()).unwrap_or(255);
            let _ = to.exit_status(code).await;
            return;
        }
        Some(1) => Sig::HUP,
        Some(2) => Sig::INT,
        Some(3) => Sig::QUIT,
        Some(9) => Sig::KILL,
        Some(11) => Sig::SEGV,
        Some(13) => Sig::PIPE,
        Some(15) => Sig::TERM,
        Some(other) => Sig::Custom(format!("{other}@example.com")),
    };
    let _ = session.exit_signal_request(to.id(), sig, false, String::new(), String::new()).await;
}
