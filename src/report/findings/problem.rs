//! What can be wrong, and what to know before its remedy is pasted: one variant for each, worded here. Pure.

use std::path::PathBuf;

use super::access::Access;
use super::place::Place;
use super::severity::Severity;
use super::system::System;
use super::upkeep;
use crate::error::local_changes;
use crate::executor::event::Failure;
use crate::git::{Changes, Unchecked};
use crate::remote::reason::Reason;
use crate::remote::supervisor_warning::SupervisorWarning;
use crate::report::human;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq)]
pub enum Problem {
    /// On the operator's machine.
    Local(Local),
    /// The host was not set up.
    NotSetUp,
    /// The host stopped checking.
    Check(Failure),
    /// Where the app is to lie.
    Place(Place),
    /// A program that a deploy needs.
    Tool(Tool),
    /// The supervisor cannot do its work; and what to do.
    Supervisor(Reason, Option<String>),
    /// Something about the supervisor that stops no deploy.
    SupervisorWarning(SupervisorWarning),
    /// The host cannot read the repository; and what git said.
    Repository(Access, String),
    /// The system around the app.
    System(System),
}

/// On the operator's machine.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields say what their types and the variant say")]
pub enum Local {
    /// `env` needs a variable.
    MissingVariable { name: String, variable: String },
    /// `env` cannot be evaluated for another reason.
    NoEnv { why: String },
    /// The work tree differs from what would be deployed.
    LocalChanges(Changes),
    /// The branch has commits that the repository does not have.
    Unpushed { commits: usize },
    /// The work tree cannot be read.
    WorkTree { why: String },
    /// The work tree was not looked at.
    Unchecked { repo: String, why: Unchecked },
    /// Only a host can resolve the ref.
    Unresolved { why: String },
    /// The ref does not exist, or the repository cannot be asked.
    Reference { why: String },
    /// `SSH_AUTH_SOCK` leads nowhere.
    DeadAgent { socket: PathBuf },
    /// Nothing asks whether the app serves. The app is named where there are several.
    NotAsked { app: Option<String> },
    /// pm2 would go on running an old release.
    Pm2Keeps { command: String },
    /// `npm ci` removes what was carried.
    CarriedInVain { path: String },
}

/// A program that a deploy needs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields say what their types and the variant say")]
pub enum Tool {
    /// git is not found on this PATH.
    NoGit { path: String },
    /// git lacks what shipit needs of it.
    OldGit { version: String, oldest: (u32, u32) },
    /// `shell` of the configuration.
    NoShell { shell: String, login: String },
    /// `profile` of the configuration. No code: it took too long.
    Profile { code: Option<String>, output: String },
    /// A program that a hook starts.
    Missing { tool: String },
    /// Programs that only a login shell finds.
    OffPath { tools: Vec<String>, environment: String },
}

impl Problem {
    /// How bad it is. Broken is what makes a deploy fail.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Problem::System(_) | Problem::SupervisorWarning(_) => Severity::Warning,
            Problem::Local(Local::MissingVariable { .. } | Local::NoEnv { .. } | Local::Reference { .. }) => {
                Severity::Broken
            }
            // No work tree keeps a host from serving; a ref that only a host can resolve is resolved there.
            Problem::Local(_) => Severity::Warning,
            _ => Severity::Broken,
        }
    }

    /// What is wrong.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Problem::Local(local) => local.text(),
            Problem::NotSetUp => "not set up yet".to_owned(),
            Problem::Check(failure) => human::failure(failure),
            Problem::Place(place) => place.text(),
            Problem::Tool(tool) => tool.text(),
            Problem::Supervisor(reason, _) => reason.message(),
            Problem::SupervisorWarning(warning) => warning.message(),
            Problem::Repository(access, output) => with_output(access.text(), output),
            Problem::System(system) => system.text(),
        }
    }

    /// Whether it is that a host finds no such ref.
    #[must_use]
    pub fn is_about_reference(&self) -> bool {
        matches!(self, Problem::Repository(Access::NoReference { .. }, _))
    }

    /// What to know before the remedy is pasted; some only where there is none.
    #[must_use]
    pub fn advice(&self, has_remedy: bool) -> Option<String> {
        match self {
            Problem::Local(local) => local.advice().map(str::to_owned),
            Problem::NotSetUp => None,
            Problem::SupervisorWarning(warning) => upkeep::advice(warning).map(str::to_owned),
            Problem::Supervisor(_, hint) => hint.clone(),
            Problem::Check(failure) => failure.hint.clone(),
            Problem::Place(place) => place.advice().map(str::to_owned),
            Problem::Tool(tool) => tool.advice(has_remedy),
            Problem::Repository(access, _) => Some(access.advice()),
            Problem::System(system) => system.advice().map(str::to_owned),
        }
    }
}

impl Local {
    fn text(&self) -> String {
        match self {
            Local::MissingVariable { name, variable } => {
                format!("`env.{name}` needs the variable {variable}, which is not set here")
            }
            Local::LocalChanges(changes) => local_changes(changes),
            Local::Unchecked { repo, why } => human::unchecked(repo, why),
            Local::Unpushed { commits: 1 } => "1 commit is not pushed and would not be deployed".to_owned(),
            Local::Unpushed { commits } => {
                format!("{commits} commits are not pushed and would not be deployed")
            }
            Local::Unresolved { why } => {
                format!("git here cannot resolve the ref, so the first host will be asked: {why}")
            }
            Local::DeadAgent { socket } => {
                format!("SSH_AUTH_SOCK names {}, and no agent answers there", socket.display())
            }
            Local::NotAsked { app } => {
                let app = app.as_ref().map_or("the app".to_owned(), |app| format!("`{app}`"));
                format!("nothing checks whether {app} serves after a deploy")
            }
            Local::Pm2Keeps { command } => format!(
                "`{command}` keeps running the release in which pm2 first started the app, and reports success"
            ),
            Local::CarriedInVain { path } => {
                format!("`carry` copies {path}, and `npm ci` removes it before it installs anything")
            }
            Local::NoEnv { why } | Local::WorkTree { why } | Local::Reference { why } => why.clone(),
        }
    }

    fn advice(&self) -> Option<&'static str> {
        match self {
            Local::MissingVariable { .. } => Some("with its value:"),
            Local::NoEnv { .. } => Some("no host was asked with `env`: what hooks find may differ"),
            Local::LocalChanges(_) => {
                Some("a deploy is refused unless --force is given; to commit and push them:")
            }
            Local::Unpushed { .. } => Some("a deploy is refused unless --force is given:"),
            Local::Unresolved { .. } => Some("to see it:"),
            Local::Reference { .. } => Some("to list what there is:"),
            Local::NotAsked { .. } => Some(
                "a process that does not come up would be told as deployed; in shipit.toml, with its port:",
            ),
            Local::Pm2Keeps { .. } => Some(
                "unless pm2's configuration file names the path of `current` as its cwd; to start it in the new release:",
            ),
            Local::CarriedInVain { .. } => Some("drop `carry`, or build with:"),
            Local::Unchecked { why: Unchecked::OtherAddress { .. }, .. } => Some("if both are the same:"),
            Local::WorkTree { .. } | Local::DeadAgent { .. } | Local::Unchecked { .. } => None,
        }
    }
}

impl Tool {
    fn text(&self) -> String {
        match self {
            Tool::NoGit { path } => {
                format!("git is not on the PATH of a session without a terminal ({path})")
            }
            Tool::OldGit { version, oldest: (major, minor) } => {
                format!("git is too old: {version}, and at least {major}.{minor} is needed")
            }
            Tool::NoShell { shell, login } => {
                format!("shell = \"{shell}\" is not installed here (the login shell is {login})")
            }
            Tool::Profile { code: Some(code), output } => {
                with_output(format!("what hooks read first (`profile`) ends with {code}"), output)
            }
            Tool::Profile { code: None, output } => {
                with_output("what hooks read first (`profile`) takes longer than 30 s".to_owned(), output)
            }
            Tool::Missing { tool } => format!("{tool}, which a hook starts, is not found on this host"),
            Tool::OffPath { tools, .. } => {
                let tools: Vec<&str> = tools.iter().map(String::as_str).collect();
                format!("{}: on the PATH of a login shell, but not on that of hooks", human::names(&tools))
            }
        }
    }

    fn advice(&self, has_remedy: bool) -> Option<String> {
        let text = match self {
            Tool::NoGit { .. } | Tool::OldGit { .. } if has_remedy => return None,
            Tool::NoGit { .. } | Tool::OldGit { .. } => "install it, or link it into /usr/local/bin",
            Tool::NoShell { .. } => "install it, or choose another in shipit.toml",
            Tool::Profile { .. } => "every hook would fail; check `profile` in shipit.toml:",
            Tool::Missing { .. } => {
                "add its directory to prepend-path in shipit.toml, or install it, if its package has the same name:"
            }
            Tool::OffPath { environment, .. } => {
                return Some(format!("in shipit.toml, in [deploy.{environment}] or [defaults]:"));
            }
        };
        Some(text.to_owned())
    }
}

fn with_output(text: String, output: &str) -> String {
    if output.is_empty() { text } else { format!("{text}: {output}") }
}
