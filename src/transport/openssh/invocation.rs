//! `ssh` as a process: its command line, what it finds in its environment, and a bounded wait for one that only tells something.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::arguments::Words;
use super::options::{GUARD, NONCE};

/// What every `ssh` to one host has in common.
#[derive(Debug, Clone)]
pub(super) struct Invocation {
    pub(super) ssh: PathBuf,
    pub(super) program: PathBuf,
    pub(super) words: Words,
    pub(super) machine: String,
    /// What answers its questions, and the nonce; none: it must not ask.
    pub(super) askpass: Option<(PathBuf, String)>,
}

impl Invocation {
    /// With more options; what follows the host is the caller's.
    pub(super) fn command(&self, more: &[&str]) -> Command {
        self.complete(Command::new(&self.ssh), more)
    }

    /// The same by way of this program, so that it has no terminal and ends with this process, however that ends.
    pub(super) fn guarded(&self, more: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(format!("{GUARD}{}", std::process::id())).arg(&self.ssh);
        self.complete(command, more)
    }

    /// The same on a terminal of its own.
    pub(super) fn at_terminal(&self, more: &[&str]) -> Command {
        let mut command = Command::new("setsid");
        command.arg("-c").arg(&self.ssh);
        self.complete(command, more)
    }

    fn complete(&self, mut command: Command, more: &[&str]) -> Command {
        command.args(more).args(&self.words).arg("--").arg(&self.machine);
        match &self.askpass {
            Some((askpass, nonce)) => {
                command.env("SSH_ASKPASS", askpass).env("SSH_ASKPASS_REQUIRE", "force").env(NONCE, nonce)
            }
            None => command.env_remove("SSH_ASKPASS").env("SSH_ASKPASS_REQUIRE", "never"),
        };
        command
    }

    /// Whether the user has a shared connection that answers.
    pub(super) async fn is_shared(&self, limit: Duration) -> bool {
        let answer = ask(self.command(&["-O", "check"]), limit).await;
        matches!(answer, Ok(Some(said)) if said.status.success())
    }

    pub(super) fn with(&self, more: Words) -> Self {
        let mut other = self.clone();
        // The first value of an option counts.
        other.words.splice(0..0, more);
        other
    }
}

/// Runs it to its end; `None` where that does not come in time: then it and what it started are killed.
pub(super) async fn ask(mut command: Command, limit: Duration) -> std::io::Result<Option<Output>> {
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.kill_on_drop(true).spawn()?;
    let pid = child.id();
    match timeout(limit, child.wait_with_output()).await {
        Ok(output) => output.map(Some),
        Err(_) => {
            end_group(pid, Signal::KILL);
            Ok(None)
        }
    }
}

/// Ends a process that leads a group, with what it started. It is not waited for.
pub(super) fn end_group(leader: Option<u32>, signal: Signal) {
    if let Some(pid) = leader.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw) {
        // It may have ended just now.
        let _ = kill_process_group(pid, signal);
    }
}

/// Ends one that has not been waited for, so that its number is still its own.
pub(super) fn end(child: &Child, signal: Signal) {
    end_group(child.id(), signal);
}

/// The end of a file, as text; nothing where there is none.
pub(super) fn tail(file: &Path) -> String {
    use std::io::{Read as _, Seek as _, SeekFrom};
    const MOST: u64 = 256 << 10;
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(file)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(MOST)))?;
        let mut bytes = Vec::new();
        file.take(MOST).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}
