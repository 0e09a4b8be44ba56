//! Hooks on the operator's machine. They have the operator's own environment, and run in a process group of their own, so
//! that Ctrl-C reaches shipit first, which then ends them.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use rustix::process::Pid;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::Sender;

use super::event::{Failure, FailureKind};
use crate::plan::LocalHook;
use crate::transport::Exit;

/// What a local hook's output is kept to, for the report.
const TAIL: usize = 16 * 1024;

/// How many pieces of it may wait to be shown. A hook that prints faster waits: it may print more than there is memory.
pub(super) const PIECES: usize = 16;

/// Bytes that a pipe holds (pipe(7)).
const PIPE: usize = 64 * 1024;

/// Runs one, handing on what it prints as fast as that is taken, and ends it when `stop` is there.
pub(super) async fn run(
    hook: &LocalHook,
    surroundings: (&Path, &[(String, String)]),
    input: &str,
    stop: impl Future<Output = ()>,
    printed: &Sender<Bytes>,
) -> Result<(), Failure> {
    let fail = |kind, exit, message: String, tail| Failure {
        kind,
        step: hook.step,
        exit,
        message,
        reason: None,
        hint: None,
        tail,
    };
    let (directory, variables) = surroundings;
    let mut child = match spawn(hook, directory, variables) {
        Ok(child) => child,
        Err(error) => {
            let message = format!("starting a shell for the local hook: {error}");
            return Err(fail(FailureKind::Step, None, message, Vec::new()));
        }
    };
    let mut group = Group(group_of(&child));
    let mut tail = Vec::new();
    let ended = tokio::select! {
        ended = follow(&mut child, input, &mut tail, printed) => Some(ended),
        () = tokio::time::sleep(hook.limit) => None,
        () = stop => {
            end(&mut child).await;
            group.0 = None;
            return Err(fail(FailureKind::Interrupted, None, "stopped".into(), tail));
        }
    };
    if ended.is_none() {
        end(&mut child).await;
    }
    // It has ended, and what it left as a daemon stays.
    group.0 = None;
    match ended {
        None => {
            let message = format!("took longer than {} s", hook.limit.as_secs());
            Err(fail(FailureKind::Step, None, message, tail))
        }
        Some(Ok(status)) if status.success() => Ok(()),
        Some(Ok(status)) => {
            use std::os::unix::process::ExitStatusExt as _;
            let exit = match (status.code(), status.signal()) {
                (Some(code), _) => Exit::Code(u32::try_from(code).unwrap_or(1)),
                (None, signal) => Exit::Signal(signal.map_or("unknown".into(), |n| n.to_string())),
            };
            Err(fail(FailureKind::Step, Some(exit), "the local hook failed".into(), tail))
        }
        Some(Err(error)) => {
            Err(fail(FailureKind::Step, None, format!("waiting for the local hook: {error}"), tail))
        }
    }
}

fn spawn(hook: &LocalHook, directory: &Path, variables: &[(String, String)]) -> std::io::Result<Child> {
    let mut bash = Command::new("bash");
    bash.args(["-e", "-o", "pipefail", "-c", &hook.text]);
    let mut sh = Command::new("/bin/sh");
    sh.args(["-e", "-c", &hook.text]);
    let start = |command: &mut Command| {
        command
            .current_dir(directory)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    };
    match start(&mut bash) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => start(&mut sh),
        other => other,
    }
}

// Until the process has ended: a daemon that holds its output does not keep us.
async fn follow(
    child: &mut Child,
    input: &str,
    tail: &mut Vec<u8>,
    printed: &Sender<Bytes>,
) -> std::io::Result<std::process::ExitStatus> {
    let mut hear = async |bytes: &[u8]| {
        tail.extend_from_slice(bytes);
        let extra = tail.len().saturating_sub(TAIL);
        tail.drain(..extra);
        // Whoever hears no more has left.
        let _ = printed.send(Bytes::copy_from_slice(bytes)).await;
    };
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    if let Some(mut stdin) = child.stdin.take() {
        let input = input.as_bytes().to_vec();
        // A hook that reads nothing must not keep us either.
        tokio::spawn(async move { stdin.write_all(&input).await });
    }
    let (mut a, mut b) = (vec![0; 8192], vec![0; 8192]);
    let status = loop {
        tokio::select! {
            biased;
            ended = child.wait() => break ended?,
            n = read(&mut out, &mut a) => if n == 0 { out = None } else { hear(&a[..n]).await },
            n = read(&mut err, &mut b) => if n == 0 { err = None } else { hear(&b[..n]).await },
        }
    };
    // Its last words may still be in the pipes. So many reads empty them; what comes later is a daemon's.
    for _ in 0..=2 * PIPE / a.len() {
        tokio::select! {
            n = read(&mut out, &mut a) => if n == 0 { out = None } else { hear(&a[..n]).await },
            n = read(&mut err, &mut b) => if n == 0 { err = None } else { hear(&b[..n]).await },
            () = tokio::time::sleep(Duration::from_millis(50)) => break,
        }
        if out.is_none() && err.is_none() {
            break;
        }
    }
    Ok(status)
}

async fn read<R: tokio::io::AsyncRead + Unpin>(from: &mut Option<R>, into: &mut [u8]) -> usize {
    match from {
        Some(from) => from.read(into).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}

// Whoever drops the run ends all that the hook started, not only its shell.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

fn group_of(child: &Child) -> Option<Pid> {
    child.id().and_then(|id| Pid::from_raw(id.cast_signed()))
}

// TERM to its group, KILL to what is left of it a little later: the shell may be gone, and what it started deaf.
async fn end(child: &mut Child) {
    let Some(group) = group_of(child) else { return };
    let _ = rustix::process::kill_process_group(group, rustix::process::Signal::TERM);
    let gone = async {
        let _ = child.wait().await;
        while rustix::process::test_kill_process_group(group).is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(3), gone).await.is_err() {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _ = child.wait().await;
    }
}
