//! What the work tree around a directory tells of its project: where it comes from, its branch, the names of refs.
//!
//! For what is offered to the operator, not for what is deployed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::remotes::{Remotes, remotes};
use super::{GitError, ask, url};

/// A work tree, as far as a configuration is made from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its top directory.
    pub top: PathBuf,
    /// The address of its remote, without credentials.
    pub remote: Option<Remote>,
    /// The branch that is checked out; none where `HEAD` is detached.
    pub branch: Option<String>,
}

/// Where a work tree comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// What `git clone` takes.
    pub url: String,
    /// A user or password stood in it, and was left out.
    pub stripped: bool,
}

/// The project around `directory`; none where there is no work tree, or no git.
///
/// # Errors
/// When there is one that cannot be read.
pub fn project(directory: &Path) -> Result<Option<Project>, GitError> {
    let top = match ask(directory, &["rev-parse", "--show-toplevel"]) {
        Err(GitError::NoGit { .. }) => return Ok(None),
        top => top?.text(),
    };
    let Some(top) = top.map(PathBuf::from) else { return Ok(None) };
    // Also of a branch without a commit yet.
    let head = ask(directory, &["symbolic-ref", "--quiet", "HEAD"])?.text();
    let branch = head.and_then(|name| name.strip_prefix("refs/heads/").map(str::to_owned));
    let remote = remote(directory, branch.as_deref())?;
    Ok(Some(Project { top, remote, branch }))
}

/// That of the branch, else `origin`, else the only one.
fn remote(directory: &Path, branch: Option<&str>) -> Result<Option<Remote>, GitError> {
    let Some(Remotes(remotes)) = remotes(directory)? else { return Ok(None) };
    let configured = match branch {
        Some(branch) => ask(directory, &["config", "--get", &format!("branch.{branch}.remote")])?.text(),
        None => None,
    };
    let named = |wanted: &str| remotes.iter().find(|(name, _)| name == wanted);
    let chosen = configured.as_deref().and_then(named).or_else(|| named("origin"));
    let chosen = chosen.or_else(|| remotes.first().filter(|_| remotes.len() == 1));
    // What git itself would take for an option, or no line of a file can hold, is no address.
    let address =
        chosen.map(|(_, url)| url).filter(|url| !url.starts_with('-') && !url.contains(char::is_control));
    Ok(address.map(|address| {
        let url = url::without_credentials(address);
        Remote { stripped: url != *address, url }
    }))
}

/// Branches, tags and `HEAD`, as a deploy may name them; a branch of a remote without the remote's name.
///
/// # Errors
/// When the work tree cannot be read. Where there is none, there are no names.
pub fn reference_names(directory: &Path) -> Result<Vec<String>, GitError> {
    let arguments = ["for-each-ref", "--format=%(refname)", "refs/heads", "refs/tags", "refs/remotes"];
    let Some(listed) = ask(directory, &arguments)?.text() else { return Ok(Vec::new()) };
    let mut names = BTreeSet::new();
    for name in listed.lines() {
        let remote = || name.strip_prefix("refs/remotes/")?.split_once('/').map(|(_, branch)| branch);
        let local = name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/"));
        names.extend(local.or_else(remote).filter(|name| *name != "HEAD").map(str::to_owned));
    }
    Ok(std::iter::once("HEAD".to_owned()).chain(names).collect())
}
