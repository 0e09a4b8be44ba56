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

use super::super::surroundings::DemoEnvironment;
use super::ground::Ground;
use crate::error::DemoError;

/// A command that was asked to end has this long.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why the demonstration ends before its end.
#[derive(Debug)]
pub(super) enum Stopped {
    /// By this signal.
    Signal(i32),
    /// By a failure.
    Failed(DemoError),
}

/// The signals by which a user ends it.
pub(super) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

impl Signals {
    /// From now on none of them ends the process.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The number of the next, or of one that came already.
    async fn next(&mut self) -> i32 {
        let kind = tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.hangup.recv() => SignalKind::hangup(),
        };
        kind.as_raw_value()
    }
}

/// The operator's work tree and environment, in which the commands of the demo run.
pub(super) struct Stage {
    signals: Signals,
    work: PathBuf,
    home: PathBuf,
    path: OsString,
    variables: Vec<(OsString, OsString)>,
}

impl Stage {
    /// `options` are variables that set options of shipit.
    pub(super) fn new(
        signals: Signals,
        demo: &DemoEnvironment,
        ground: &Ground,
        options: Vec<(&'static str, &'static str)>,
    ) -> io::Result<Self> {
        let options = options.into_iter().map(|(name, value)| (name.into(), value.into()));
        Ok(Self {
            signals,
            work: ground.work(),
            home: ground.home(),
            path: demo.path_with(ground.bin())?,
            variables: demo.appearance.iter().cloned().chain(options).collect(),
        })
    }

    /// Waits for the user to have seen enough.
    pub(super) async fn stopped(&mut self) -> i32 {
        self.signals.next().await
    }

    /// Runs a line, for all to see: what it says on either stream goes to standard output. Its exit code.
    pub(super) async fn show(&mut self, line: &str) -> Result<u8, Stopped> {
        let failed = |source| Stopped::Failed(DemoError::Run { command: line.to_owned(), source });
        let seen = || io::stdout().as_fd().try_clone_to_owned().map(Stdio::from).map_err(failed);
        let mut command = self.command(line);
        command.stdout(seen()?).stderr(seen()?);
        let status = self.end_of(line, command.spawn().map_err(failed)?).await?;
        match status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX) {
            // How a shell, and shipit itself, report a signal: Ctrl-C, or the reader of the output is gone.
            code @ 129.. => Err(Stopped::Signal(i32::from(code) - 128)),
            code => Ok(code),
        }
    }

    /// Runs a line; its output is shown only if it fails.
    pub(super) async fn prepare(&mut self, line: &str) -> Result<(), Stopped> {
        let failed = |source| Stopped::Failed(DemoError::Run { command: line.to_owned(), source });
        let complaints = self.home.join("complaints");
        let file = std::fs::File::create(&complaints).map_err(failed)?;
        let mut command = self.command(line);
        command.stdout(Stdio::null()).stderr(file);
        if self.end_of(line, command.spawn().map_err(failed)?).await?.success() {
            return Ok(());
        }
        let said = std::fs::read_to_string(&complaints).unwrap_or_default();
        let (command, output) = (line.to_owned(), said.trim().to_owned());
        Err(Stopped::Failed(DemoError::Failed { command, output }))
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", line])
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .env("PATH", &self.path)
            .env("HOME", &self.home)
            .envs([("USER", "you"), ("LOGNAME", "you"), ("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_PAGER", "cat")])
            .current_dir(&self.work)
            .stdin(Stdio::null())
            .process_group(0);
        command
    }

    async fn end_of(&mut self, line: &str, mut child: Child) -> Result<ExitStatus, Stopped> {
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let status = tokio::select! {
            status = child.wait() => status,
            number = self.signals.next() => {
                tell(group, number);
                if tokio::time::timeout(PATIENCE, child.wait()).await.is_err() {
                    tell(group, Signal::KILL.as_raw());
                    let _ = child.wait().await;
                }
                return Err(Stopped::Signal(number));
            }
        };
        let failed = |source| Stopped::Failed(DemoError::Wait { command: line.to_owned(), source });
        let status = status.map_err(failed)?;
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
