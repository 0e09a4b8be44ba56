//! The operator's own machine as a host (`localhost`): the same trait, without SSH.
//!
//! Must not know what is run. A program started here meets what it would meet behind sshd: a small clean
//! environment, the home directory, no terminal, a process group of its own, so that Ctrl-C in the operator's terminal does not reach it.

use std::ffi::OsString;
use std::path::PathBuf;

use tokio::net::TcpStream;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::pipes::Over;
use super::{
    Boxed, Channel, ConnectError, Connection, DialError, Forwarding, Screen, Stream, Transport, pipes, pty,
};
use crate::config::Host;

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
        let mut program = self.program("/bin/sh");
        program.arg("-c").arg(command);
        pipes::start(program, Over::Closed, CancellationToken::new())
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
