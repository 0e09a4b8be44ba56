//! A ref resolved to one commit by the operator's git: one `ls-remote`, asked while hosts are being connected.
//!
//! Never asks the operator anything and never fails a run by itself: where it cannot tell, a host is asked.

use std::path::Path;
use std::time::Duration;

use tokio::process::Command;

use super::command::{command, complaint};
use super::{GitError, Reference, Revision, url};
use crate::config::nearest;

const PATIENCE: Duration = Duration::from_secs(30);

/// What the operator's git knows about a ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// The commit for all hosts.
    Commit {
        /// Its id.
        revision: Revision,
        /// The full name to fetch it by; none where the commit itself was named.
        fetch_ref: Option<String>,
    },
    /// The first host has to resolve it.
    AskHost {
        /// Why, for the report.
        reason: String,
    },
}

/// Resolves `reference` in `repo`.
pub async fn resolve(repo: &str, reference: &str) -> Result<Resolved, GitError> {
    let parsed = Reference::parse(reference)?;
    if let Reference::Commit(revision) = parsed {
        return Ok(Resolved::Commit { revision, fetch_ref: None });
    }
    let ask_host = |reason: String| Ok(Resolved::AskHost { reason });
    if url::is_path(repo) {
        return ask_host(format!("{repo} is a path on the host"));
    }
    let asking = async { ls_remote(repo, &parsed).await.output().await };
    let output = match tokio::time::timeout(PATIENCE, asking).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => return ask_host(format!("git cannot be started here: {error}")),
        Err(_) => return ask_host(format!("{repo} did not answer within {} s", PATIENCE.as_secs())),
    };
    if !output.status.success() {
        return ask_host(complaint(&output));
    }
    let listed = Listing::parse(&String::from_utf8_lossy(&output.stdout));
    if let Some(found) = listed.find(&parsed, repo)? {
        return Ok(found);
    }
    if parsed.may_be_short_commit() {
        return ask_host(format!("`{reference}` may be a short commit id, which only a clone can complete"));
    }
    let nearest = nearest(reference, listed.short_names()).map(str::to_owned);
    Err(GitError::NoSuchReference { name: reference.to_owned(), repo: repo.to_owned(), nearest })
}

async fn ls_remote(repo: &str, reference: &Reference) -> Command {
    let mut git = here();
    git.arg("ls-remote");
    match reference {
        // The peeled line of a tag is one of its own.
        Reference::Full(name) => git.args(["--", repo, name, &format!("{name}^{{}}")]),
        // Not by name: a pattern is no less work for the server, and a slip could not be explained.
        _ => git.args(["--heads", "--tags", "--", repo]),
    };
    let chosen = ["GIT_SSH_COMMAND", "GIT_SSH"].iter().any(|name| std::env::var_os(name).is_some());
    if !chosen && !ssh_command_is_configured().await {
        git.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
    }
    git
}

/// Whether the operator's git configuration says how ssh is started: then it is not overridden.
async fn ssh_command_is_configured() -> bool {
    let answer = here().args(["config", "--get", "core.sshCommand"]).output().await;
    answer.is_ok_and(|output| output.status.success())
}

/// With the configuration of the work tree that the operator is in.
fn here() -> Command {
    let mut git = Command::from(command(Path::new(".")));
    git.kill_on_drop(true);
    git
}

/// Lines of `ls-remote`: id, tab, full name.
struct Listing(Vec<(Revision, String)>);

impl Listing {
    fn parse(text: &str) -> Self {
        let lines = text.lines().filter_map(|line| line.split_once('\t'));
        Self(lines.filter_map(|(id, name)| Some((Revision::parse(id)?, name.to_owned()))).collect())
    }

    fn get(&self, name: &str) -> Option<&Revision> {
        self.0.iter().find(|(_, listed)| listed == name).map(|(id, _)| id)
    }

    /// A tag object's own id is not the commit: the line with `^{}` has that.
    fn peeled(&self, full: &str) -> Option<(Revision, String)> {
        let id = self.get(&format!("{full}^{{}}")).or_else(|| self.get(full))?;
        Some((id.clone(), full.to_owned()))
    }

    fn tag(&self, name: &str) -> Option<(Revision, String)> {
        self.peeled(&format!("refs/tags/{name}"))
    }

    fn branch(&self, name: &str) -> Option<(Revision, String)> {
        let full = format!("refs/heads/{name}");
        Some((self.get(&full)?.clone(), full))
    }

    fn find(&self, reference: &Reference, repo: &str) -> Result<Option<Resolved>, GitError> {
        let found = match reference {
            Reference::Commit(revision) => Some((revision.clone(), revision.to_string())),
            Reference::Branch(name) => self.branch(name),
            Reference::Tag(name) => self.tag(name),
            Reference::Full(name) => self.peeled(name),
            Reference::Name(name) => match (self.branch(name), self.tag(name)) {
                (Some(branch), Some(tag)) if branch.0 != tag.0 => {
                    return Err(GitError::AmbiguousReference { name: name.clone(), repo: repo.to_owned() });
                }
                (branch, tag) => branch.or(tag),
            },
        };
        Ok(found.map(|(revision, name)| Resolved::Commit { revision, fetch_ref: Some(name) }))
    }

    fn short_names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|(_, name)| {
            name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/"))
        })
    }
}
