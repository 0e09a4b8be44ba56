//! What the work tree around a directory tells of its project: where it comes from, its branch, the names of refs.
//!
//! Reads only, never the network. For what is offered to the operator, not for what is deployed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use git2::Repository;

use super::work_tree::open;
use super::{GitError, url};

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

/// The project around `directory`; none where there is no work tree.
///
/// # Errors
/// When there is one that cannot be read.
pub fn project(directory: &Path) -> Result<Option<Project>, GitError> {
    let failed = |source| GitError::WorkTree { root: directory.to_owned(), source };
    let Some(repository) = open(directory)? else { return Ok(None) };
    let top = repository.workdir().unwrap_or(directory).to_owned();
    // Also of a branch without a commit yet; `symbolic_target` is none where HEAD names a commit.
    let head = repository.find_reference("HEAD").map_err(failed)?;
    let branch = head.symbolic_target().ok().flatten().and_then(|name| name.strip_prefix("refs/heads/"));
    let remote = remote(&repository, branch).map_err(failed)?;
    Ok(Some(Project { top, remote, branch: branch.map(str::to_owned) }))
}

/// That of the branch, else `origin`, else the only one.
fn remote(repository: &Repository, branch: Option<&str>) -> Result<Option<Remote>, git2::Error> {
    let configured = branch.and_then(|branch| {
        let config = repository.config().ok()?;
        config.get_string(&format!("branch.{branch}.remote")).ok()
    });
    let remotes = repository.remotes()?;
    let names: Vec<&str> = remotes.iter().filter_map(|name| name.ok().flatten()).collect();
    let chosen = configured.as_deref().filter(|name| names.contains(name));
    let chosen = chosen.or_else(|| names.contains(&"origin").then_some("origin"));
    let Some(name) = chosen.or_else(|| names.first().copied().filter(|_| names.len() == 1)) else {
        return Ok(None);
    };
    let remote = repository.find_remote(name)?;
    // What git itself would take for an option, or no line of a file can hold, is no address.
    let address = remote.url().ok().filter(|url| !url.starts_with('-') && !url.contains(char::is_control));
    Ok(address.map(|address| {
        let url = url::without_credentials(address);
        Remote { stripped: url != address, url }
    }))
}

/// Branches, tags and `HEAD`, as a deploy may name them; a branch of a remote without the remote's name.
///
/// # Errors
/// When the work tree cannot be read. Where there is none, there are no names.
pub fn reference_names(directory: &Path) -> Result<Vec<String>, GitError> {
    let failed = |source| GitError::WorkTree { root: directory.to_owned(), source };
    let Some(repository) = open(directory)? else { return Ok(Vec::new()) };
    let references = repository.references().map_err(failed)?;
    let mut names = BTreeSet::new();
    for reference in references.flatten() {
        let Ok(name) = reference.name() else { continue };
        let remote = || name.strip_prefix("refs/remotes/")?.split_once('/').map(|(_, branch)| branch);
        let local = name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/"));
        names.extend(local.or_else(remote).filter(|name| *name != "HEAD").map(str::to_owned));
    }
    Ok(std::iter::once("HEAD".to_owned()).chain(names).collect())
}
