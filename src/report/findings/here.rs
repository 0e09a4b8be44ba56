//! What was seen on the operator's machine, as findings.

use std::path::Path;

use super::finding::Finding;
use super::problem::{Local, Problem};
use crate::config::App;
use crate::error::trust_work_tree;
use crate::git::{self, GitError, LocalState, Resolved};
use crate::remote::quote::quote;

/// A variable of the operator's that `env` needs and that is not set.
#[must_use]
pub fn missing_variable(name: &str, variable: &str) -> Finding {
    let (name, variable) = (name.to_owned(), variable.to_owned());
    let remedy = format!("export {variable}=");
    Finding::new(Problem::Local(Local::MissingVariable { name, variable }), remedy)
}

/// `env` that cannot be evaluated for another reason: a command of the operator's that failed.
#[must_use]
pub fn env(error: &(dyn std::error::Error + 'static)) -> Finding {
    Problem::Local(Local::NoEnv { why: with_causes(error) }).into()
}

/// The work tree around the file, where `repo` is deployed.
#[must_use]
pub fn work_tree(state: &Result<LocalState, GitError>, root: &Path, repo: &str) -> Option<Finding> {
    let root = quote(&root.display().to_string());
    match state {
        Ok(LocalState::NotApplicable | LocalState::Clean) => None,
        Ok(LocalState::Dirty(changes)) => {
            let problem = Local::LocalChanges(changes.clone());
            let remedy = format!("git -C {root} commit --all && git -C {root} push");
            Some(Finding::new(Problem::Local(problem), remedy))
        }
        Ok(LocalState::Unpushed { commits }) => {
            let problem = Local::Unpushed { commits: *commits };
            Some(Finding::new(Problem::Local(problem), format!("git -C {root} push")))
        }
        Ok(LocalState::Unchecked(why)) => {
            let repo = git::without_credentials(repo);
            let remedy = format!("git -C {root} remote set-url origin {}", quote(&repo));
            let problem = Problem::Local(Local::Unchecked { repo, why: why.clone() });
            let same = matches!(why, git::Unchecked::OtherAddress { .. });
            Some(if same { Finding::new(problem, remedy) } else { problem.into() })
        }
        Err(error @ GitError::NotOwned { path }) => {
            let problem = Local::WorkTree { why: error.to_string() };
            Some(Finding::new(Problem::Local(problem), trust_work_tree(path)))
        }
        Err(error) => Some(Problem::Local(Local::WorkTree { why: with_causes(error) }).into()),
    }
}

/// The ref, as the operator's git sees it.
#[must_use]
pub fn reference(resolved: &Result<Resolved, GitError>, repo: &str) -> Option<Finding> {
    match resolved {
        Ok(Resolved::Commit { .. }) => None,
        Ok(Resolved::AskHost { .. }) if crate::git::is_path(repo) => None,
        Ok(Resolved::AskHost { reason }) => {
            let problem = Local::Unresolved { why: reason.clone() };
            Some(Finding::new(Problem::Local(problem), format!("git ls-remote {}", quote(repo))))
        }
        Err(error) => {
            let problem = Local::Reference { why: with_causes(error) };
            let remedy = format!("git ls-remote --heads --tags {}", quote(repo));
            Some(Finding::new(Problem::Local(problem), remedy))
        }
    }
}

/// What the configuration of an app does and is rarely meant. `named`: there are several apps.
#[must_use]
pub fn configuration(app: &App, named: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    if app.is_unchecked() {
        let problem = Local::NotAsked { app: named.then(|| app.name.clone()) };
        let remedy = "health = { http = \"http://127.0.0.1:3000/\" }".to_owned();
        found.push(Finding::new(Problem::Local(problem), remedy));
    }
    if let Some(command) = app.pm2_keeps() {
        let remedy = "reload = \"pm2 delete shop || true; pm2 start ecosystem.config.js\"".to_owned();
        found.push(Finding::new(Problem::Local(Local::Pm2Keeps { command }), remedy));
    }
    if let Some(path) = app.carried_in_vain() {
        let problem = Local::CarriedInVain { path: path.to_owned() };
        found.push(Finding::new(Problem::Local(problem), "build = \"npm install --omit=dev\"".to_owned()));
    }
    found
}

/// An agent that is named and does not answer.
#[must_use]
pub fn dead_agent(socket: &Path) -> Finding {
    let problem = Local::DeadAgent { socket: socket.to_owned() };
    Finding::new(Problem::Local(problem), "eval \"$(ssh-agent)\" && ssh-add".to_owned())
}

fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
