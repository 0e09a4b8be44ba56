//! `ProxyCommand`: a program of the user's whose input and output are the way to the host.
//!
//! It has a process group of its own and no terminal. What it says on standard error is kept, not shown, until it fails. It is told
//! to end (HUP, as ssh does) when the connection is dropped, and killed where it does not, also when the run ends first.

use std::io;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::{sleep, timeout};

use super::group::Group;

/// What is kept of what it says: the end of it.
const KEPT: usize = 4 << 10;
/// Lines of that in a message.
const SHOWN: usize = 5;
/// From being told to end until it is killed; for its last words, when it ended by itself.
const GRACE: Duration = Duration::from_secs(1);

/// A running command.
pub(super) struct Proxy {
    input: ChildStdin,
    output: ChildStdout,
    process: Option<(Child, Group)>,
}

/// What a command said, and how it ended, for whoever reports a failure.
#[derive(Clone, Default)]
pub(super) struct LastWords(Arc<Mutex<Vec<u8>>>);

impl LastWords {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        // Nothing in here is ever half written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, heard: &[u8]) {
        let mut kept = self.bytes();
        kept.extend_from_slice(heard);
        let surplus = kept.len().saturating_sub(KEPT);
        kept.drain(..surplus);
    }

    /// The last lines, without anything that could act on a terminal. Waits a moment: a command that fails closes its output first.
    pub(super) async fn lines(&self) -> Vec<String> {
        sleep(GRACE / 10).await;
        let bytes = self.bytes();
        let text = String::from_utf8_lossy(&bytes);
        let clean = |line: &str| line.chars().filter(|c| !c.is_control()).collect::<String>();
        let lines: Vec<String> = text.lines().map(clean).filter(|line| !line.trim().is_empty()).collect();
        lines.iter().skip(lines.len().saturating_sub(SHOWN)).cloned().collect()
    }
}

/// Starts a command. `shell`: the operator's, as for ssh.
pub(super) fn start(command: &str, shell: &str) -> io::Result<(Proxy, LastWords)> {
    let mut child = Command::new(shell)
        .arg("-c")
        .arg(format!("exec {command}"))
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let group = Group::of(&child);
    let words = LastWords::default();
    if let Some(stderr) = child.stderr.take() {
        tokio::spawn(listen(stderr, words.clone()));
    }
    match (child.stdin.take(), child.stdout.take()) {
        (Some(input), Some(output)) => Ok((Proxy { input, output, process: Some((child, group)) }, words)),
        // Both were asked for.
        _ => Err(io::ErrorKind::BrokenPipe.into()),
    }
}

/// Reads on for as long as it speaks: a command whose standard error is full would stop.
async fn listen(mut stderr: ChildStderr, words: LastWords) {
    let mut chunk = vec![0; 4 << 10];
    while let Ok(count @ 1..) = stderr.read(&mut chunk).await {
        words.hear(chunk.get(..count).unwrap_or_default());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let Some((mut child, group)) = self.process.take() else { return };
        group.hang_up();
        // Dropped with the group, that is killed, if the run ends before.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _ = timeout(GRACE, child.wait()).await;
                drop(group);
            });
        }
    }
}

impl AsyncRead for Proxy {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().output).poll_read(cx, buf)
    }
}

impl AsyncWrite for Proxy {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().input).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().input).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().input).poll_shutdown(cx)
    }
}
