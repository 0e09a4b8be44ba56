//! One program: an `ssh` of its own over the shared connection, and what its end means.
//!
//! `ssh` ends with 255 for a program that ended with 255, for one that a signal killed, and for a connection that was lost.
//! Its log tells them apart.

use std::fs;
use std::path::PathBuf;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::invocation::{Invocation, tail};
use super::log::{Ending, Log, ending, was_killed};
use crate::transport::pipes::Over;
use crate::transport::{Channel, ConnectError, Exit, Output, Screen, pipes, pty};

/// Chunks that wait.
const QUEUE: usize = 64;
/// What `ssh` says by its own exit code when it has none of the program's.
const NONE: u32 = 255;

/// Where programs of a connection are started.
#[derive(Debug, Clone)]
pub(super) struct Carrier {
    pub(super) invocation: Invocation,
    /// The socket and the log of our own connection; none: the user's own carries them.
    pub(super) own: Option<(PathBuf, PathBuf)>,
    /// Ends all of them.
    pub(super) cut: CancellationToken,
}

impl Carrier {
    /// The options of an `ssh` for one program, which uses the shared connection.
    pub(super) fn options<'a>(&'a self, socket: &'a str) -> Vec<&'a str> {
        let mut words = vec!["-vv", "-o", "ControlMaster=no", "-o", "PermitLocalCommand=no"];
        words.extend(["-o", "SessionType=default"]);
        if self.own.is_some() {
            words.extend(["-S", socket]);
        }
        words
    }

    pub(super) fn socket(&self) -> String {
        // `-S` knows tokens.
        self.own.as_ref().map_or(String::new(), |(socket, _)| socket.to_string_lossy().replace('%', "%%"))
    }

    pub(super) fn start(
        &self,
        command: &str,
        log: PathBuf,
        screen: Option<Screen>,
    ) -> Result<Channel, ConnectError> {
        let (socket, file) = (self.socket(), log.to_string_lossy().into_owned());
        let mut options = self.options(&socket);
        options.extend(["-E", &file, if screen.is_some() { "-tt" } else { "-T" }]);
        let started = match screen {
            None => {
                let mut ssh = self.invocation.command(&options);
                ssh.arg(command);
                // The shared connection holds what it prints open, too.
                pipes::start(ssh, Over::Ended, self.cut.clone())
            }
            Some(screen) => {
                let mut ssh = self.invocation.at_terminal(&options);
                ssh.arg(command);
                pty::start(ssh, screen)
            }
        };
        let channel = started.map_err(|error| ConnectError::Channel { reason: format!("ssh: {error}") })?;
        let ended = Ended { log, master: self.own.as_ref().map(|(_, log)| log.clone()) };
        Ok(ended.follow(channel))
    }
}

/// What the logs of an `ssh` that has ended are asked.
struct Ended {
    log: PathBuf,
    master: Option<PathBuf>,
}

impl Ended {
    /// The same channel, with the program's end instead of that of its `ssh`.
    fn follow(self, Channel { input, mut output }: Channel) -> Channel {
        let (events, told) = mpsc::channel(QUEUE);
        tokio::spawn(async move {
            while let Some(said) = output.recv().await {
                let said = match said {
                    Output::End(exit) => Output::End(self.exit(exit)),
                    other => other,
                };
                // Whoever is gone leaves the program to itself.
                if events.send(said).await.is_err() {
                    break;
                }
            }
            while output.recv().await.is_some() {}
            let _ = fs::remove_file(&self.log);
        });
        Channel { input, output: told }
    }

    fn exit(&self, exit: Exit) -> Exit {
        match exit {
            Exit::Code(NONE) => {}
            Exit::Signal(name) => return Exit::Lost(format!("its ssh was killed by SIG{name}")),
            other => return other,
        }
        let own = tail(&self.log);
        let channel = match ending(&own) {
            Ending::Code(code) => return Exit::Code(code),
            Ending::NoCode { channel } => channel,
        };
        let master = self.master.as_deref().map(tail).unwrap_or_default();
        match channel {
            Some(channel) if was_killed(&master, channel) => Exit::Signal(String::new()),
            _ => Exit::Lost(last_words(&master).or_else(|| last_words(&own)).unwrap_or_else(|| {
                "ssh ended without an exit code: the connection is gone, or a signal ended the program"
                    .to_owned()
            })),
        }
    }
}

/// What `ssh` said last of what is no remark for debugging.
fn last_words(log: &str) -> Option<String> {
    let said = Log::read(log).said;
    let statistics = ["Transferred: ", "Bytes per second: ", "Shared connection to "];
    said.into_iter().rfind(|line| !statistics.iter().any(|start| line.starts_with(start)))
}
