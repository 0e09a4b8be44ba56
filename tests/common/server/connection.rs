//! The server's side of one connection, and the joining of a channel with a process.
//!
//! A process that does not read holds up nobody but its own channel: what it was sent waits in a queue.

use std::collections::HashMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use russh::server::{Auth, ChannelOpenHandle, Handle, Handler, Msg, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;

use super::super::process;
use super::{Recorded, Seen};

/// The server's side of one connection.
pub struct Connection {
    seen: Arc<Seen>,
    channels: HashMap<ChannelId, Channel<Msg>>,
}

impl Connection {
    pub fn new(seen: Arc<Seen>) -> Self {
        Self { seen, channels: HashMap::new() }
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

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let Some(channel) = self.channels.remove(&id) else { return session.channel_failure(id) };
        let command = String::from_utf8_lossy(command).into_owned();
        let stdin = Arc::new(Mutex::new(Vec::new()));
        let child = spawn(&self.seen.login, &command);
        self.seen.sessions.lock().unwrap().push(Recorded { command, stdin: Arc::clone(&stdin) });
        session.channel_success(id)?;
        tokio::spawn(serve(channel, child, stdin, session.handle()));
        Ok(())
    }
}

fn spawn(login: &Path, command: &str) -> Child {
    Command::from(process::command("setsid"))
        .arg(login)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("LOGNAME", "operator")
        .env("USER", "operator")
        .env("SSH_CLIENT", "127.0.0.1 1 22")
        .env("SSH_CONNECTION", "127.0.0.1 1 127.0.0.1 22")
        .env("SSH_ORIGINAL_COMMAND", command)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
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
