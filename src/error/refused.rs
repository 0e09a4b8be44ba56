//! What shipit refuses to do: which rule forbids it, and what the user can do.

use std::fmt;
use std::path::PathBuf;

use crate::config::FILE_NAME;

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// A deploy to part of the hosts, without `--split`.
    PartOfHosts,
    /// The work tree differs from what would be deployed.
    LocalChanges {
        /// The first changed files.
        files: Vec<String>,
        /// How many there are.
        total: usize,
    },
    /// The branch has commits that the repository does not have.
    Unpushed {
        /// How many.
        commits: usize,
    },
    /// `confirm = true`, and the answer was not yes.
    DeployNotConfirmed {
        /// Which environment.
        environment: String,
    },
    /// `rollout.pause = "ask"`, and there is no terminal.
    CannotAsk {
        /// Which environment.
        environment: String,
    },
    /// A live run would be ended, and the answer was not yes.
    UnlockNotConfirmed,
    /// `init` overwrites no file.
    FileExists {
        /// Which.
        file: PathBuf,
    },
}

impl Refused {
    /// Only the configuration was changed: it is read from the work tree, so the run would use the change.
    fn only_configuration(&self) -> bool {
        matches!(self, Refused::LocalChanges { files, total: 1 }
            if files.iter().all(|file| file.rsplit('/').next() == Some(FILE_NAME)))
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Refused::PartOfHosts => "deploy to all hosts, or use --split to deploy to these only",
            Refused::LocalChanges { .. } if self.only_configuration() => "commit them, or use --force",
            Refused::LocalChanges { .. } => "commit and push them, or deploy without them: --force",
            Refused::Unpushed { commits: 1 } => "push it, or deploy without it: --force",
            Refused::Unpushed { .. } => "push them, or deploy without them: --force",
            Refused::DeployNotConfirmed { .. } => "answer y on a terminal, or confirm in advance with --yes",
            Refused::CannotAsk { .. } => "use --yes or --no-pause to deploy without being asked",
            Refused::UnlockNotConfirmed => {
                "--yes ends the run that holds the lock; what it made live is rolled back"
            }
            Refused::FileExists { .. } => "edit it, or move it away to start over",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::PartOfHosts => {
                write!(f, "a deploy to part of the hosts leaves the environment on two releases")
            }
            Refused::LocalChanges { files, total } => {
                write!(f, "{}", files.join(", "))?;
                if *total > files.len() {
                    write!(f, " and {} more", total - files.len())?;
                }
                let have = if *total == 1 { "has" } else { "have" };
                let effect = match self.only_configuration() {
                    true => "that this run would use",
                    false => "that would not be deployed",
                };
                write!(f, " {have} uncommitted changes {effect}")
            }
            Refused::Unpushed { commits: 1 } => write!(f, "1 commit is not pushed and would not be deployed"),
            Refused::Unpushed { commits } => {
                write!(f, "{commits} commits are not pushed and would not be deployed")
            }
            Refused::DeployNotConfirmed { environment } => {
                write!(f, "not confirmed, and {environment} asks before each deploy (`confirm`)")
            }
            Refused::CannotAsk { environment } => write!(
                f,
                "{environment} asks before each batch (`rollout.pause`), and there is no terminal to ask on"
            ),
            Refused::UnlockNotConfirmed => write!(f, "not confirmed"),
            Refused::FileExists { file } => write!(f, "{} already exists", file.display()),
        }
    }
}
