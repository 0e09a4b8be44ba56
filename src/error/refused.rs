//! What shipit refuses to do: which rule forbids it, and what the user can do.

use std::fmt;
use std::path::PathBuf;

use crate::git::Changes;

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// A deploy to part of the hosts, without `--split`.
    PartOfHosts,
    /// The work tree differs from what would be deployed.
    LocalChanges(Changes),
    /// The branch has commits that the repository does not have.
    Unpushed {
        /// How many.
        commits: usize,
    },
    /// `confirm = true`, and nobody can be asked.
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
    /// The environment is held by another person, and nobody agreed to replace that hold.
    HeldByAnother {
        /// Which environment.
        environment: String,
        /// By whom, until when and why.
        hold: String,
    },
    /// `init` overwrites no file.
    FileExists {
        /// Which.
        file: PathBuf,
    },
}

impl Refused {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Refused::PartOfHosts => "deploy to all hosts, or use --split to deploy to these only",
            Refused::LocalChanges(changes) if changes.total == 0 => "commit them, or use --force",
            Refused::LocalChanges(changes) if changes.used.is_empty() => {
                "commit and push them, or deploy without them: --force"
            }
            Refused::LocalChanges(_) => "commit and push them, or use --force",
            Refused::Unpushed { commits: 1 } => "push it, or deploy without it: --force",
            Refused::Unpushed { .. } => "push them, or deploy without them: --force",
            Refused::DeployNotConfirmed { .. } => "use --yes to deploy without being asked",
            Refused::CannotAsk { .. } => "use --yes or --no-pause to deploy without being asked",
            Refused::UnlockNotConfirmed => {
                "--yes ends the run that holds the lock; what it made live is rolled back"
            }
            Refused::HeldByAnother { .. } => "ask them, or use --yes to replace that hold by yours",
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
            Refused::LocalChanges(changes) => f.write_str(&local_changes(changes)),
            Refused::Unpushed { commits: 1 } => write!(f, "1 commit is not pushed and would not be deployed"),
            Refused::Unpushed { commits } => {
                write!(f, "{commits} commits are not pushed and would not be deployed")
            }
            Refused::DeployNotConfirmed { environment } => {
                write!(
                    f,
                    "{environment} asks before each deploy (`confirm`), and there is no terminal to ask on"
                )
            }
            Refused::CannotAsk { environment } => write!(
                f,
                "{environment} asks before each batch (`rollout.pause`), and there is no terminal to ask on"
            ),
            Refused::UnlockNotConfirmed => write!(f, "not confirmed"),
            Refused::HeldByAnother { environment, hold } => write!(f, "{environment} is already {hold}"),
            Refused::FileExists { file } => write!(f, "{} already exists", file.display()),
        }
    }
}

/// Which files were changed, and what that means for the deploy: files that the run itself reads are used as they are.
#[must_use]
pub fn local_changes(changes: &Changes) -> String {
    let Changes { files, total, used } = changes;
    let have = |count: usize| if count == 1 { "has" } else { "have" };
    let mut text = files.join(", ");
    if *total > files.len() {
        text.push_str(&format!(" and {} more", total - files.len()));
    }
    if *total > 0 {
        text.push_str(&format!(" {} uncommitted changes that would not be deployed", have(*total)));
    }
    if !used.is_empty() {
        let (and, what) = if *total > 0 { ("; ", "some") } else { ("", "uncommitted changes") };
        text.push_str(&format!(
            "{and}{} {} {what} that this run would use",
            used.join(", "),
            have(used.len())
        ));
    }
    text
}
