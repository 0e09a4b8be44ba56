//! Why a command ends before it has an outcome, with hints; and the exit codes, in one place.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::config::ConfigError;
use crate::executor::event::FailureKind;
use crate::executor::outcome::{End, Outcome};
use crate::git::GitError;
use crate::plan::Action;
use crate::remote::quote::quote;

mod local;
mod not_found;
mod refused;
mod usage;

pub use local::{CommandFailure, DemoError, FileError, SystemError};
pub use not_found::NotFound;
pub use refused::{Refused, local_changes};
pub use usage::UsageError;

/// The exit codes, an API: the help lists them, tests hold them.
pub mod exit {
    /// Done, or nothing to do.
    pub const OK: u8 = 0;
    /// Failed; nothing live was changed.
    pub const FAILED: u8 = 1;
    /// Usage or configuration; no host was contacted.
    pub const USAGE: u8 = 2;
    /// Refused: local changes, unpushed commits, held, older than what is live.
    pub const REFUSED: u8 = 3;
    /// A host was not reached, authenticated or trusted; nothing live was changed.
    pub const UNREACHABLE: u8 = 4;
    /// Failed after going live; every host was rolled back.
    pub const ROLLED_BACK: u8 = 5;
    /// Failed, and not every host serves the same, or (after `restart`) serves at all.
    pub const SPLIT: u8 = 6;
    /// A bug in shipit (`EX_SOFTWARE` of sysexits.h).
    pub const BUG: u8 = 70;
    /// Another run holds the lock (`EX_TEMPFAIL` of sysexits.h).
    pub const BUSY: u8 = 75;
}

/// What ends a command before there is an outcome to report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The operator's work tree or the ref.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A rule forbids it.
    #[error("refused: {0}")]
    Refused(Refused),
    /// The user did not trust the keys of these hosts.
    #[error("not connected: the host keys of {hosts} are not trusted")]
    Untrusted {
        /// Which.
        hosts: String,
    },
    /// The command line asks for what is not there.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// The hosts have no such deploy, or more than one.
    #[error(transparent)]
    NotFound(#[from] NotFound),
    /// The operator's machine.
    #[error(transparent)]
    System(#[from] SystemError),
    /// The demo.
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// The user interrupted shipit while it asked a question.
    #[error("interrupted")]
    Interrupted {
        /// The signal's number.
        signal: i32,
    },
    /// A panic, whose message was printed.
    #[error("this is a bug in shipit; please report it with the output above")]
    Bug,
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Error::Refused(refused)
    }
}

impl Error {
    /// The process's exit code.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Config(_) | Error::Usage(_) => exit::USAGE,
            Error::Git(GitError::BadReference { .. }) => exit::USAGE,
            Error::Refused(_) => exit::REFUSED,
            Error::Bug => exit::BUG,
            Error::Interrupted { signal } => interrupted(*signal),
            Error::Untrusted { .. } => exit::UNREACHABLE,
            Error::Git(_) | Error::NotFound(_) | Error::System(_) | Error::Demo(_) => exit::FAILED,
        }
    }

    /// All of it: the message, its causes, what to do.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let text = match self {
            // Mistakes in the file are shown in its text, and say themselves what they are.
            Error::Config(error @ ConfigError::Mistakes(_)) => return error.render(color),
            _ => format!("error: {}", self.message()),
        };
        let hint = self.hint().map_or(String::new(), |hint| format!("\nhint: {hint}"));
        // Names of files and environments, and what git said, must not act on the terminal.
        (text + &hint).replace(|c: char| c.is_control() && c != '\n', "\u{fffd}")
    }

    /// What happened, with its causes.
    #[must_use]
    pub fn message(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            // Rust's `(os error 2)` tells a user nothing.
            let whole = error.to_string();
            let plain = whole.split_once(" (os error").map(|(plain, _)| plain.to_lowercase());
            let _ = write!(text, ": {}", plain.unwrap_or(whole));
            cause = error.source();
        }
        text
    }

    /// What to type next, where that is not part of the message.
    #[must_use]
    pub fn hint(&self) -> Option<Cow<'_, str>> {
        let hint = match self {
            Error::Refused(refused) => refused.hint(),
            Error::Git(GitError::NotOwned { path }) => {
                return Some(format!("if you trust it: {}", trust_work_tree(path)).into());
            }
            Error::Untrusted { .. } => {
                "compare the fingerprints, then answer yes, or pin them with `host-key`"
            }
            Error::Bug => "the hosts end the run by themselves; `shipit ENV status` shows what they serve",
            _ => return None,
        };
        Some(hint.into())
    }
}

/// The command that lets git read a work tree of another user's.
#[must_use]
pub fn trust_work_tree(path: &str) -> String {
    format!("git config --global --add safe.directory {}", quote(path))
}

/// What `run` ends with; [`exit::BUG`] where it panics: that is a bug of ours, and no code of its own may hide it.
#[must_use]
pub fn guarded(run: impl FnOnce() -> u8 + std::panic::UnwindSafe) -> u8 {
    std::panic::catch_unwind(run).unwrap_or(exit::BUG)
}

/// The exit code of a run.
#[must_use]
pub fn exit_code(outcome: &Outcome) -> u8 {
    if outcome.action == Action::Exec {
        return exec_code(outcome);
    }
    match outcome.end {
        End::Done | End::NothingToDo => exit::OK,
        End::Failed => exit::FAILED,
        End::Refused => exit::REFUSED,
        End::Unreachable => exit::UNREACHABLE,
        End::RolledBack => exit::ROLLED_BACK,
        End::Split => exit::SPLIT,
        End::Busy => exit::BUSY,
        End::Interrupted(signal) => interrupted(signal),
    }
}

/// 128 and the signal's number, as shells tell it.
#[must_use]
pub fn interrupted(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(exit::FAILED)
}

/// The exit code where one host was asked for something and failed.
#[must_use]
pub fn failure_code(failure: &crate::executor::event::Failure) -> u8 {
    match failure.kind {
        FailureKind::Unreachable | FailureKind::Lost => exit::UNREACHABLE,
        FailureKind::Busy => exit::BUSY,
        FailureKind::Refused => exit::REFUSED,
        FailureKind::Interrupted => interrupted(2),
        FailureKind::Step => exit::FAILED,
    }
}

// 4 if a host was not reached, else the remote code where the failing hosts agree on one, else 1.
fn exec_code(outcome: &Outcome) -> u8 {
    use crate::transport::Exit;
    if let End::Interrupted(signal) = outcome.end {
        return interrupted(signal);
    }
    let failures: Vec<_> = outcome.hosts.iter().filter_map(|host| host.failure.as_ref()).collect();
    if failures.iter().any(|f| matches!(f.kind, FailureKind::Unreachable | FailureKind::Lost)) {
        return exit::UNREACHABLE;
    }
    let mut codes = failures.iter().map(|failure| match failure.exit {
        Some(Exit::Code(code)) => u8::try_from(code).unwrap_or(exit::FAILED),
        _ => exit::FAILED,
    });
    let Some(first) = codes.next() else { return exit::OK };
    if codes.all(|code| code == first) { first } else { exit::FAILED }
}
