//! What stands behind the server: logins are counted, and what each session receives is recorded on its way.

use std::io::{self, PipeReader};
use std::path::PathBuf;
use std::process::{ChildStdin, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use shipit::transport::ssh::server::Machine;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use super::super::process;

/// What it has seen, over all lives of its server.
#[derive(Debug)]
pub struct Seen {
    login: PathBuf,
    pub logins: AtomicUsize,
    pub sessions: Mutex<Vec<Recorded>>,
}

#[derive(Debug)]
pub struct Recorded {
    pub command: String,
    pub stdin: Arc<Mutex<Vec<u8>>>,
}

impl Seen {
    /// Nothing yet; `login` is what runs in place of the login shell.
    pub fn new(login: PathBuf) -> Self {
        Self { login, logins: AtomicUsize::new(0), sessions: Mutex::default() }
    }

    fn spawn(&self, command: &str) -> io::Result<Child> {
        Command::from(process::command("setsid"))
            .arg(&self.login)
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
    }
}

impl Machine for Seen {
    fn entered(&self) {
        self.logins.fetch_add(1, Ordering::SeqCst);
    }

    fn start(&self, command: &str) -> io::Result<Child> {
        let mut child = self.spawn(command)?;
        let stdin = Arc::new(Mutex::new(Vec::new()));
        let (reader, writer) = io::pipe()?;
        let real = child.stdin.replace(tokio::process::ChildStdin::from_std(ChildStdin::from(
            std::os::fd::OwnedFd::from(writer),
        ))?);
        tokio::spawn(record(reader, real.unwrap(), Arc::clone(&stdin)));
        self.sessions.lock().unwrap().push(Recorded { command: command.to_owned(), stdin });
        Ok(child)
    }
}

/// Writes down what comes before it is handed on; a process that does not read holds nobody up.
async fn record(from: PipeReader, mut to: tokio::process::ChildStdin, seen: Arc<Mutex<Vec<u8>>>) {
    let mut from = Receiver::from_owned_fd(from.into()).unwrap();
    let (queue, mut queued) = mpsc::unbounded_channel::<Vec<u8>>();
    let read = async move {
        let mut piece = vec![0; 32 * 1024];
        while let Ok(n @ 1..) = from.read(&mut piece).await {
            seen.lock().unwrap().extend_from_slice(&piece[..n]);
            let _ = queue.send(piece[..n].to_vec());
        }
    };
    let write = async move {
        while let Some(data) = queued.recv().await {
            if to.write_all(&data).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(read, write);
}
