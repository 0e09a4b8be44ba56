//! The operator's own machine as a host (`localhost`): the same trait, without SSH.
//!
//! Must not know what is run. A program started here meets what it would meet behind sshd: a small clean
//! environment, the home directory, no terminal, a process group of its own, so that Ctrl-C in the operator's terminal does not reach it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{mpsc, oneshot};

use super::exit_status::exit;
use super::{
    Boxed, Channel, ConnectError, Connection, DialError, Exit, Forwarding, Output, Screen, Stream, Transport,
    pty,
};
use crate::config::Host;

/// Chunks that wait in each direction.
const QUEUE: usize = 64;
/// Bytes read at once.
const CHUNK: usize = 32 << 10;
/// What a login over SSH would have; all else of the operator's environment stays out.
const KEPT: [&str; 7] = ["HOME", "USER", "LOGNAME", "SHELL", "PATH", "LANG", "SSH_AUTH_SOCK"];

/// This machine.
#[derive(Debug, Clone)]
pub struct Local {
    home: PathBuf,
    environment: Vec<(OsString, OsString)>,
}

impl Local {
    /// Of `variables` (the process's own) only those are kept that a login over SSH would have.
    pub fn new(home: PathBuf, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let kept = |name: &OsString| name.to_str().is_some_and(|n| KEPT.contains(&n) || n.starts_with("LC_"));
        Self { home, environment: variables.into_iter().filter(|(name, _)| kept(name)).collect() }
    }

    fn program(&self, name: &str) -> Command {
        let mut program = Command::new(name);
        program.current_dir(&self.home).env_clear();
        program.envs(self.environment.iter().map(|(name, value)| (name, value)));
        program
    }

    fn spawn(&self, command: &str) -> std::io::Result<Channel> {
        let mut child = self
            .program("/bin/sh")
            .arg("-c")
            .arg(command)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (input, chunks) = mpsc::channel(QUEUE);
        let (events, output) = mpsc::channel(QUEUE);
        let (ended, end) = oneshot::channel();
        if let Some(stdin) = child.stdin.take() {
            tokio::spawn(feed(stdin, chunks, end));
        }
        tokio::spawn(follow(child, events, ended));
        Ok(Channel { input, output })
    }
}

impl Transport for Local {
    fn connect<'a>(&'a self, _host: &'a Host) -> Boxed<'a, Result<Box<dyn Connection>, ConnectError>> {
        Box::pin(async move { Ok(Box::new(self.clone()) as Box<dyn Connection>) })
    }
}

impl Connection for Local {
    fn exec<'a>(&'a self, command: &'a str) -> Boxed<'a, Result<Channel, ConnectError>> {
        Box::pin(async move {
            self.spawn(command).map_err(|error| ConnectError::Channel {
                reason: format!("/bin/sh in {}: {error}", self.home.display()),
            })
        })
    }

    /// Nothing lies between.
    fn forwarding(&self) -> Boxed<'_, Forwarding> {
        Box::pin(async { Forwarding::Allowed })
    }

    fn dial<'a>(&'a self, host: &'a str, port: u16) -> Boxed<'a, Result<Box<dyn Stream>, DialError>> {
        Box::pin(async move {
            let stream = TcpStream::connect((host, port)).await.map_err(|error| {
                let text = error.to_string();
                let text = text.split_once(" (os error").map_or(text.as_str(), |(text, _)| text);
                DialError::Refused(format!("{host} port {port}: {}", text.to_lowercase()))
            })?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }

    fn terminal<'a>(&'a self, command: &'a str, screen: Screen) -> Boxed<'a, Result<Channel, ConnectError>> {
        Box::pin(async move {
            let mut program = self.program("setsid");
            program.args(["-c", "/bin/sh", "-c", command]);
            pty::start(program, screen)
                .map_err(|error| ConnectError::Channel { reason: format!("a terminal here: {error}") })
        })
    }
}

/// Passes input on until the program stops reading, ends, or the sender is dropped (its end of input).
async fn feed(mut stdin: ChildStdin, mut chunks: mpsc::Receiver<Bytes>, ended: oneshot::Receiver<()>) {
    let copy = async {
        while let Some(chunk) = chunks.recv().await {
            if stdin.write_all(&chunk).await.is_err() {
                return;
            }
        }
    };
    // A write into a full pipe would wait for ever where a daemon inherited the reading end.
    tokio::select! { () = copy => {}, _ = ended => {} }
}

/// Reports output, then the end: as sshd does, only when no process holds the output open any more.
async fn follow(mut child: Child, events: mpsc::Sender<Output>, ended: oneshot::Sender<()>) {
    let stdout = drain(child.stdout.take(), &events, Output::Stdout);
    let stderr = drain(child.stderr.take(), &events, Output::Stderr);
    let wait = async {
        let status = child.wait().await;
        drop(ended);
        status
    };
    let ((), (), status) = tokio::join!(stdout, stderr, wait);
    let exit = status.map_or_else(|error| Exit::Lost(format!("cannot wait for the program: {error}")), exit);
    // The receiver may be gone: the program was left to itself.
    let _ = events.send(Output::End(exit)).await;
}

/// Reads to the end even when the receiver is gone: a full pipe would stop the program.
async fn drain<R: AsyncRead + Unpin>(
    from: Option<R>,
    events: &mpsc::Sender<Output>,
    kind: fn(Bytes) -> Output,
) {
    let Some(mut from) = from else { return };
    let mut buffer = vec![0; CHUNK];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if let Some(read) = buffer.get(..count) {
            let _ = events.send(kind(Bytes::copy_from_slice(read))).await;
        }
    }
}
