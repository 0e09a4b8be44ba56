//! The server's side of one connection, and the joining of a channel with a process.
//!
//! A process that does not read holds up nobody but its own channel: what it was sent waits in a queue.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use russh::server::{Auth, ChannelOpenHandle, Handle, Handler, Msg, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Pty, Sig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;

use super::super::{process, pty};
use super::{Recorded, Seen};

/// The server's side of one connection.
pub struct Connection {
    seen: Arc<Seen>,
    channels: HashMap<ChannelId, Channel<Msg>>,
    /// Ours and the program's end of the terminals that were asked for.
    terminals: HashMap<ChannelId, (OwnedFd, Option<OwnedFd>)>,
}

impl Connection {
    pub fn new(seen: Arc<Seen>) -> Self {
        Self { seen, channels: HashMap::new(), terminals: HashMap::new() }
    }
}

impl Handler for Connection {
    type Error = russh::Error;

    async fn auth_publickey(&mut self, _: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        let known = key.public_key.key_data() == self.seen.operator.key_data();
        Ok(if known { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_succeeded(&mut self, _: &mut Session) -> Result<(), Self::Error> {
        self.seen.logins.fetch_add(1, Ordering::SeqCst);
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

    async fn pty_request(
        &mut self,
        id: ChannelId,
        term: &str,
        columns: u32,
        rows: u32,
        _: u32,
        _: u32,
        _: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        assert_eq!(term, "xterm");
        let (master, slave) = pty::pair(columns.try_into().unwrap(), rows.try_into().unwrap());
        self.terminals.insert(id, (master, Some(slave)));
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
        if let Some((master, _)) = self.terminals.get(&id) {
            pty::resize(master, columns.try_into().unwrap(), rows.try_into().unwrap());
        }
        Ok(())
    }

    async fn channel_close(&mut self, id: ChannelId, _: &mut Session) -> Result<(), Self::Error> {
        self.terminals.remove(&id);
        Ok(())
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let Some(channel) = self.channels.remove(&id) else { return session.channel_failure(id) };
        let command = String::from_utf8_lossy(command).into_owned();
        let stdin = Arc::new(Mutex::new(Vec::new()));
        if let Some((master, slave)) = self.terminals.get_mut(&id) {
            let child = spawn_at(&self.seen.login, &command, slave.take().unwrap());
            session.channel_success(id)?;
            tokio::spawn(serve_at(channel, child, master.try_clone().unwrap(), session.handle()));
            return Ok(());
        }
        let child = spawn(&self.seen.login, &command);
        self.seen.sessions.lock().unwrap().push(Recorded { command, stdin: Arc::clone(&stdin) });
        session.channel_success(id)?;
        tokio::spawn(serve(channel, child, stdin, session.handle()));
        Ok(())
    }
}

fn spawn(login: &Path, command: &str) -> Child {
    session(login, command, &[])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn spawn_at(login: &Path, command: &str, slave: OwnedFd) -> Child {
    session(login, command, &["-c"])
        .env("TERM", "xterm")
        .stdin(Stdio::from(slave.try_clone().unwrap()))
        .stdout(Stdio::from(slave.try_clone().unwrap()))
        .stderr(Stdio::from(slave))
        .spawn()
        .unwrap()
}

fn session(login: &Path, command: &str, options: &[&str]) -> Command {
    let mut session = Command::from(process::command("setsid"));
    session
        .args(options)
        .arg(login)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("LOGNAME", "operator")
        .env("USER", "operator")
        .env("SSH_CLIENT", "127.0.0.1 1 22")
        .env("SSH_CONNECTION", "127.0.0.1 1 127.0.0.1 22")
        .env("SSH_ORIGINAL_COMMAND", command)
        .current_dir("/");
    session
}

/// Joins a channel and a terminal until the program has ended, or the channel has.
async fn serve_at(channel: Channel<Msg>, mut child: Child, master: OwnedFd, session: Handle) {
    let (mut from, to) = channel.split();
    let mut keys = File::from(master.try_clone().unwrap());
    let mut screen = File::from(master);
    let (show, mut shown) = mpsc::channel(16);
    std::thread::spawn(move || {
        let mut piece = vec![0; 32 * 1024];
        while let Ok(n @ 1..) = screen.read(&mut piece) {
            if show.blocking_send(Bytes::copy_from_slice(&piece[..n])).is_err() {
                return;
            }
        }
    });
    loop {
        tokio::select! {
            message = from.wait() => match message {
                Some(ChannelMsg::Data { data }) => keys.write_all(&data).unwrap_or_default(),
                Some(ChannelMsg::Close) | None => {
                    let _ = child.start_kill();
                    return;
                }
                Some(_) => {}
            },
            Some(bytes) = shown.recv() => if to.data_bytes(bytes).await.is_err() { return },
            status = child.wait() => {
                while let Ok(Some(bytes)) = tokio::time::timeout(Duration::from_millis(100), shown.recv()).await {
                    let _ = to.data_bytes(bytes).await;
                }
                tell(&to, &session, status.unwrap()).await;
                let _ = to.eof().await;
                let _ = to.close().await;
                return;
            }
        }
    }
}

/// Joins a channel and a process until both have ended, or the connection has.
async fn serve(channel: Channel<Msg>, mut child: Child, record: Arc<Mutex<Vec<u8>>>, session: Handle) {
    let (from, to) = channel.split();
    let stdin = child.stdin.take().unwrap();
    let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let ended = async {
        if let Ok(status) = child.wait().await {
            tell(&to, &session, status).await;
        }
    };
    let all = async { tokio::join!(send(stdout, &to, None), send(stderr, &to, Some(1)), ended) };
    tokio::select! {
        // the client closed the channel, or the connection is gone: our ends of the pipes close
        () = receive(from, stdin, record) => (),
        _ = all => {
            let _ = to.eof().await;
            let _ = to.close().await;
        }
    }
}

/// Hands on what the client sends; ends when the channel does.
async fn receive(mut from: ChannelReadHalf, stdin: ChildStdin, record: Arc<Mutex<Vec<u8>>>) {
    let (queue, queued) = mpsc::unbounded_channel();
    let read = async {
        let mut queue = Some(queue);
        while let Some(message) = from.wait().await {
            match message {
                ChannelMsg::Data { data } => {
                    record.lock().unwrap().extend_from_slice(&data);
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

async fn write(mut stdin: ChildStdin, mut queued: mpsc::UnboundedReceiver<Bytes>) {
    while let Some(data) = queued.recv().await {
        if stdin.write_all(&data).await.is_err() {
            return;
        }
    }
}

/// Hands on what the process prints; `code` 1 is standard error.
async fn send(mut from: impl AsyncRead + Unpin, to: &ChannelWriteHalf<Msg>, code: Option<u32>) {
    let mut piece = vec![0; 32 * 1024];
    while let Ok(n @ 1..) = from.read(&mut piece).await {
        let data = Bytes::copy_from_slice(&piece[..n]);
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
