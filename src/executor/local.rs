//! Hooks on the operator's machine. They have the operator's own environment, and run in a process group of their own, so
//! that Ctrl-C reaches shipit first, which then ends them.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::event::{Failure, FailureKind};
use super::interrupt::Interrupt;
use crate::plan::LocalHook;
use crate::transport::Exit;

/// What a local hook's output is kept to, for the report.
const TAIL: usize = 16 * 1024;

/// What is heard of a hook while it runs.
pub(super) enum Heard<'a> {
    /// It printed this.
    Output(&'a [u8]),
    /// It goes on; about once a second.
    Tick,
}

/// Runs one, handing what it prints to `hear`.
pub(super) async fn run(
    hook: &LocalHook,
    surroundings: (&Path, &[(String, String)]),
    input: &str,
    interrupt: &mut Interrupt,
    hear: &mut dyn FnMut(Heard<'_>),
) -> Result<(), Failure> {
    let fail = |kind, exit, message: String, tail| Failure {
        kind,
        step: hook.step.clone(),
        exit,
        message,
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
    let mut tail = Vec::new();
    let known = interrupt.asked();
    let ended = tokio::select! {
        ended = follow(&mut child, input, |heard| {
            if let Heard::Output(bytes) = heard {
                tail.extend_from_slice(bytes);
                let extra = tail.len().saturating_sub(TAIL);
                tail.drain(..extra);
            }
            hear(heard);
        }) => Some(ended),
        () = tokio::time::sleep(hook.limit) => None,
        _ = interrupt.beyond(known) => {
            end(&mut child).await;
            return Err(fail(FailureKind::Interrupted, None, "stopped".into(), tail));
        }
    };
    match ended {
        None => {
            end(&mut child).await;
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
    mut hear: impl FnMut(Heard<'_>),
) -> std::io::Result<std::process::ExitStatus> {
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    if let Some(mut stdin) = child.stdin.take() {
        let input = input.as_bytes().to_vec();
        // A hook that reads nothing must not keep us either.
        tokio::spawn(async move { stdin.write_all(&input).await });
    }
    let (mut a, mut b) = (vec![0; 8192], vec![0; 8192]);
    let mut status = None;
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            biased;
            n = read(&mut out, &mut a) => if n == 0 { out = None } else { hear(Heard::Output(&a[..n])) },
            n = read(&mut err, &mut b) => if n == 0 { err = None } else { hear(Heard::Output(&b[..n])) },
            ended = child.wait(), if status.is_none() => status = Some(ended?),
            _ = tick.tick(), if status.is_none() => hear(Heard::Tick),
            () = tokio::time::sleep(Duration::from_millis(50)), if status.is_some() => out = None,
        }
        match status {
            Some(status) if out.is_none() || err.is_none() => return Ok(status),
            _ => {}
        }
    }
}

async fn read<R: tokio::io::AsyncRead + Unpin>(from: &mut Option<R>, into: &mut [u8]) -> usize {
    match from {
        Some(from) => from.read(into).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}

// TERM to its group, KILL a little later.
async fn end(child: &mut Child) {
    let Some(group) = child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) else {
        return;
    };
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::KILL] {
        let _ = rustix::process::kill_process_group(group, signal);
        if tokio::time::timeout(Duration::from_secs(3), child.wait()).await.is_ok() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hook_that_says_nothing_is_heard_to_go_on() {
        let text = "sleep 2.2; echo done".to_owned();
        let hook =
            LocalHook { step: "build".into(), text, limit: Duration::from_secs(60), app: 0, target: None };
        let (mut ticks, mut printed) = (0, Vec::new());
        let mut hear = |heard: Heard<'_>| match heard {
            Heard::Tick => ticks += 1,
            Heard::Output(bytes) => printed.extend_from_slice(bytes),
        };
        run(&hook, (Path::new("/"), &[]), "", &mut Interrupt::never(), &mut hear).await.unwrap();
        assert!(ticks >= 2, "{ticks}");
        assert_eq!(printed, b"done\n");
    }
}
