//! One program: an `ssh` of its own over the shared connection, and what its end means.
//!
//! `ssh` ends with 255 for a program that ended with 255, for one that a signal killed, and for a connection that was lost.
//! Its log tells them apart.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::invocation::{Invocation, tail};
use super::log::{Ending, Log, ending, was_killed, was_killed_alone};
use crate::remote::quote::quote;
use crate::transport::pipes::Over;
use crate::transport::{Channel, ConnectError, Exit, Output, Screen, pipes, pty};

/// Chunks that wait.
const QUEUE: usize = 64;
/// For a shared connection of the user's to say that it stands.
const CHECK: Duration = Duration::from_secs(10);
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
        let mut words = vec!["-o", "ControlMaster=no", "-o", "PermitLocalCommand=no"];
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

    /// As the `ProxyCommand` of an `ssh` to a host behind this one: the connection that this one opens for it. The shell is told to
    /// become that program.
    pub(super) fn proxy_command(&self) -> String {
        let socket = self.socket();
        let ssh = self.invocation.ssh.to_string_lossy();
        let options = self.options(&socket);
        let words = self.invocation.words.iter().map(String::as_str);
        let all = [&*ssh].into_iter().chain(options).chain(words);
        // Tokens are the outer one's.
        let mut line: Vec<String> = all.map(|text| quote(text).replace('%', "%%")).collect();
        line.extend(["-W".to_owned(), "'[%h]:%p'".to_owned(), "--".to_owned()]);
        line.push(quote(&self.invocation.machine).replace('%', "%%"));
        line.join(" ")
    }

    pub(super) fn start(
        &self,
        command: &str,
        log: PathBuf,
        screen: Option<Screen>,
    ) -> Result<Channel, ConnectError> {
        let (socket, file) = (self.socket(), log.to_string_lossy().into_owned());
        let mut options = self.options(&socket);
        options.extend(["-vv", "-E", &file, if screen.is_some() { "-tt" } else { "-T" }]);
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
        let shared = match &self.own {
            Some((_, log)) => Shared::Own(log.clone()),
            None => Shared::Users(Box::new(self.invocation.clone())),
        };
        let ended = Ended { log, shared };
        Ok(ended.follow(channel))
    }
}

/// What the logs of an `ssh` that has ended are asked.
struct Ended {
    log: PathBuf,
    shared: Shared,
}

/// The connection that carried a program.
enum Shared {
    /// Ours, which writes this log.
    Own(PathBuf),
    /// The user's: how it is asked whether it stands.
    Users(Box<Invocation>),
}

impl Ended {
    /// The same channel, with the program's end instead of that of its `ssh`.
    fn follow(self, Channel { input, mut output }: Channel) -> Channel {
        let (events, told) = mpsc::channel(QUEUE);
        tokio::spawn(async move {
            while let Some(said) = output.recv().await {
                let said = match said {
                    Output::End(exit) => Output::End(self.exit(exit).await),
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

    async fn exit(&self, exit: Exit) -> Exit {
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
        let (master, killed) = match (&self.shared, channel) {
            (Shared::Own(log), Some(channel)) => {
                let master = tail(log);
                let killed = was_killed(&master, channel);
                (master, killed)
            }
            // Where it stands, the program alone has ended.
            (Shared::Users(invocation), Some(_)) => (String::new(), invocation.is_shared(CHECK).await),
            (Shared::Own(log), None) => (tail(log), was_killed_alone(&own)),
            (Shared::Users(_), None) => (String::new(), was_killed_alone(&own)),
        };
        if killed {
            // Which one, `ssh` does not tell.
            return Exit::Signal(String::new());
        }
        Exit::Lost(last_words(&master).or_else(|| last_words(&own)).unwrap_or_else(|| {
            "ssh ended without an exit code: the connection is gone, or a signal ended the program".to_owned()
        }))
    }
}

/// What `ssh` said last of what is no remark for debugging.
fn last_words(log: &str) -> Option<String> {
    let said = Log::read(log).said;
    let statistics = ["Transferred: ", "Bytes per second: ", "Shared connection to "];
    said.into_iter().rfind(|line| !statistics.iter().any(|start| line.starts_with(start)))
}
