//! Where the operator's commands run: in the work tree, with a closed environment, and ended when we are.
//!
//! A command has a process group of its own, so that a signal reaches it once, and from here.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

use super::ground::Ground;

/// What of the user's environment commands see: how the terminal is, and nothing that changes what is done.
const KEPT: [&str; 7] = ["TERM", "COLORTERM", "NO_COLOR", "CLICOLOR_FORCE", "LANG", "TZ", "TZDIR"];

/// A command that was asked to end has this long.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why the demonstration ends before its end.
#[derive(Debug)]
pub(super) enum Stopped {
    /// By this signal.
    Signal(i32),
    /// What was tried and did not work.
    Failed(String, Option<io::Error>),
}

/// The signals by which a user ends it.
pub(super) struct Stage {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    work: PathBuf,
    home: PathBuf,
    programs: OsString,
    shipit_options: Vec<(&'static str, String)>,
}

impl Stage {
    /// Listens to signals from now on. `options` are variables that set options of shipit.
    pub(super) fn new(ground: &Ground, options: Vec<(&'static str, String)>) -> io::Result<Self> {
        let found = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
        let all = std::iter::once(ground.bin()).chain(std::env::split_paths(&found));
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            work: ground.work(),
            home: ground.home(),
            programs: std::env::join_paths(all).map_err(io::Error::other)?,
            shipit_options: options,
        })
    }

    /// Waits for the user to have seen enough.
    pub(super) async fn stopped(&mut self) -> i32 {
        let kind = tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.hangup.recv() => SignalKind::hangup(),
        };
        kind.as_raw_value()
    }

    /// Runs a line, for all to see: what it says on either stream goes to standard output. Its exit code.
    pub(super) async fn show(&mut self, line: &str) -> Result<u8, Stopped> {
        let failed = |error| Stopped::Failed(format!("running `{line}`"), Some(error));
        let seen = || io::stdout().as_fd().try_clone_to_owned().map(Stdio::from).map_err(failed);
        let mut command = self.command(line);
        command.stdout(seen()?).stderr(seen()?);
        let status = self.end_of(command.spawn().map_err(failed)?).await?;
        Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX))
    }

    /// Runs a line whose output is nobody's matter unless it fails.
    pub(super) async fn prepare(&mut self, line: &str) -> Result<(), Stopped> {
        let failed = |error| Stopped::Failed(format!("running `{line}`"), Some(error));
        let complaints = self.home.join("complaints");
        let file = std::fs::File::create(&complaints).map_err(failed)?;
        let mut command = self.command(line);
        command.stdout(Stdio::null()).stderr(file);
        if self.end_of(command.spawn().map_err(failed)?).await?.success() {
            return Ok(());
        }
        let said = std::fs::read_to_string(&complaints).unwrap_or_default();
        Err(Stopped::Failed(format!("running `{line}`: {}", said.trim()), None))
    }

    fn command(&self, line: &str) -> Command {
        let kept = |name: &str| KEPT.contains(&name) || name.starts_with("LC_");
        let variables = std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(kept));
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", line])
            .env_clear()
            .envs(variables)
            .env("PATH", &self.programs)
            .env("HOME", &self.home)
            .envs([("USER", "you"), ("LOGNAME", "you"), ("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_PAGER", "cat")])
            .envs(self.shipit_options.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.work)
            .stdin(Stdio::null())
            .process_group(0);
        command
    }

    async fn end_of(&mut self, mut child: Child) -> Result<ExitStatus, Stopped> {
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let status = tokio::select! {
            status = child.wait() => status,
            number = self.stopped() => {
                tell(group, number);
                if tokio::time::timeout(PATIENCE, child.wait()).await.is_err() {
                    tell(group, SignalKind::from_raw(9).as_raw_value());
                    let _ = child.wait().await;
                }
                return Err(Stopped::Signal(number));
            }
        };
        let status = status.map_err(|error| Stopped::Failed("waiting for a command".into(), Some(error)))?;
        match status.signal() {
            Some(number) => Err(Stopped::Signal(number)),
            None => Ok(status),
        }
    }
}

fn tell(group: Option<Pid>, number: i32) {
    if let (Some(group), Some(signal)) = (group, Signal::from_named_raw(number)) {
        // It may have ended since.
        let _ = kill_process_group(group, signal);
    }
}
