//! What was seen on the operator's machine, as findings.

use std::path::Path;

use super::Finding;
use crate::git::{GitError, LocalState, Resolved};
use crate::remote::quote::quote;

/// A variable of the operator's that `env` needs and that is not set.
#[must_use]
pub fn missing_variable(name: &str, variable: &str) -> Finding {
    let text = format!("`env.{name}` needs the variable {variable}, which is not set here");
    Finding::broken(text).advice("with its value:").remedy(format!("export {variable}="))
}

/// `env` that cannot be evaluated for another reason: a command of the operator's that failed.
#[must_use]
pub fn env(error: &(dyn std::error::Error + 'static)) -> Finding {
    Finding::broken(with_causes(error)).advice("no host was asked with `env`: what hooks find may differ")
}

/// The work tree around the file. None of it keeps a host from serving: it warns.
#[must_use]
pub fn work_tree(state: &Result<LocalState, GitError>, root: &Path) -> Option<Finding> {
    let root = quote(&root.display().to_string());
    match state {
        Ok(LocalState::NotApplicable | LocalState::Clean) => None,
        Ok(LocalState::Dirty { files, total }) => {
            let more = if *total > files.len() {
                format!(" and {} more", total - files.len())
            } else {
                String::new()
            };
            let text = format!("local changes that would not be deployed: {}{more}", files.join(", "));
            let advice = "a deploy is refused unless --force is given; to commit and push them:";
            let command = format!("git -C {root} commit --all && git -C {root} push");
            Some(Finding::warning(text).advice(advice).remedy(command))
        }
        Ok(LocalState::Unpushed { commits }) => {
            let text = format!("commits that are not pushed and would not be deployed: {commits}");
            let advice = "a deploy is refused unless --force is given:";
            Some(Finding::warning(text).advice(advice).remedy(format!("git -C {root} push")))
        }
        Err(error) => Some(Finding::warning(with_causes(error))),
    }
}

/// The ref, as the operator's git sees it. Where that reaches nothing, the first host is asked in a deploy: a warning.
#[must_use]
pub fn reference(resolved: &Result<Resolved, GitError>, repo: &str) -> Option<Finding> {
    match resolved {
        Ok(Resolved::Commit { .. }) => None,
        Ok(Resolved::AskHost { .. }) if crate::git::is_path(repo) => None,
        Ok(Resolved::AskHost { reason }) => {
            let text = format!("git here cannot tell the commit, the first host will be asked: {reason}");
            Some(Finding::warning(text).advice("to see it:").remedy(format!("git ls-remote {}", quote(repo))))
        }
        Err(error) => {
            let finding = Finding::broken(with_causes(error)).advice("what there is:");
            Some(finding.remedy(format!("git ls-remote --heads --tags {}", quote(repo))))
        }
    }
}

/// An agent that is named and does not answer.
#[must_use]
pub fn dead_agent(socket: &Path) -> Finding {
    let text = format!("SSH_AUTH_SOCK names {}, and no agent answers there", socket.display());
    Finding::warning(text).remedy("eval \"$(ssh-agent)\" && ssh-add")
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
