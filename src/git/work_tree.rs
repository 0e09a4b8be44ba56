//! The work tree around the configuration file: is what the operator sees here what would be deployed?
//!
//! Reads only. This file and `project.rs` know libgit2, no other does.

use std::path::Path;

use git2::{AttrCheckFlags, ErrorCode, Repository, Status, StatusOptions};

use super::{GitError, Reference, Revision, url};

/// What the work tree says about a deploy of a ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalState {
    /// No work tree, not of that repository, or on another branch: nothing to say.
    NotApplicable,
    /// Everything here is where hosts fetch from.
    Clean,
    /// Tracked files were changed and not committed.
    Dirty {
        /// The first of them.
        files: Vec<String>,
        /// How many there are.
        total: usize,
    },
    /// Commits were not pushed.
    Unpushed {
        /// How many.
        commits: usize,
    },
}

/// So many changed files are named; more would hide the message.
const NAMED: usize = 10;

/// Looks for local changes and unpushed commits, where the work tree around `root` is one of `repo` and has the
/// branch `reference` checked out, or a commit of it (as CI does).
pub fn check(root: &Path, repo: &str, reference: &str) -> Result<LocalState, GitError> {
    let reference = Reference::parse(reference)?;
    let Some(branch) = reference.branch() else { return Ok(LocalState::NotApplicable) };
    let failed = |source| GitError::WorkTree { root: root.to_owned(), source };
    let Some(repository) = open(root)? else { return Ok(LocalState::NotApplicable) };
    state(&repository, repo, branch).map_err(failed)
}

/// The commit that is checked out around `root`.
pub fn head(root: &Path) -> Result<String, GitError> {
    let failed = |source| GitError::WorkTree { root: root.to_owned(), source };
    let repository = open(root)?.ok_or_else(|| GitError::NoWorkTree { root: root.to_owned() })?;
    let commit = repository.head().and_then(|head| head.peel_to_commit()).map_err(failed)?;
    let id = commit.id().to_string();
    debug_assert!(Revision::parse(&id).is_some());
    Ok(id)
}

/// Whether the operator's git configuration says how ssh is started: then it is not overridden.
pub(super) fn ssh_command_is_configured() -> bool {
    let config = match Repository::discover(".") {
        Ok(repository) => repository.config(),
        Err(_) => git2::Config::open_default(),
    };
    config.is_ok_and(|config| config.get_string("core.sshcommand").is_ok())
}

pub(super) fn open(root: &Path) -> Result<Option<Repository>, GitError> {
    match Repository::discover(root) {
        Ok(repository) if repository.is_bare() => Ok(None),
        Ok(repository) => Ok(Some(repository)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(source) => Err(GitError::WorkTree { root: root.to_owned(), source }),
    }
}

fn state(repository: &Repository, repo: &str, branch: &str) -> Result<LocalState, git2::Error> {
    let Some(remote) = remote_of(repository, repo)? else { return Ok(LocalState::NotApplicable) };
    let head = match repository.head() {
        Ok(head) => head,
        Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => {
            return Ok(LocalState::NotApplicable);
        }
        Err(error) => return Err(error),
    };
    let tracking = format!("refs/remotes/{remote}/{branch}");
    let detached = repository.head_detached()?;
    // A detached HEAD is on no branch; where the ref is no branch of the remote either (a tag), there is no tie.
    let applies = match detached {
        true => repository.find_reference(&tracking).is_ok(),
        false => head.name_bytes() == format!("refs/heads/{branch}").as_bytes(),
    };
    if !applies {
        return Ok(LocalState::NotApplicable);
    }
    let changed = changed_files(repository)?;
    if !changed.is_empty() {
        let total = changed.len();
        return Ok(LocalState::Dirty { files: changed.into_iter().take(NAMED).collect(), total });
    }
    let mut ahead = repository.revwalk()?;
    ahead.push(head.peel_to_commit()?.id())?;
    // On a branch only what was pushed to that branch counts; elsewhere any branch of the remote that has it will do.
    match detached || repository.find_reference(&tracking).is_err() {
        true => ahead.hide_glob(&format!("refs/remotes/{remote}/*"))?,
        false => ahead.hide_ref(&tracking)?,
    }
    match ahead.count() {
        0 => Ok(LocalState::Clean),
        commits => Ok(LocalState::Unpushed { commits }),
    }
}

fn remote_of(repository: &Repository, repo: &str) -> Result<Option<String>, git2::Error> {
    for name in &repository.remotes()? {
        let Ok(Some(name)) = name else { continue };
        let remote = repository.find_remote(name)?;
        if remote.url().is_ok_and(|url| url::same_repository(url, repo)) {
            return Ok(Some(name.to_owned()));
        }
    }
    Ok(None)
}

fn changed_files(repository: &Repository) -> Result<Vec<String>, git2::Error> {
    let mut options = StatusOptions::new();
    // What is in a submodule is another repository's matter.
    options.include_untracked(false).include_ignored(false).exclude_submodules(true);
    let statuses = repository.statuses(Some(&mut options))?;
    let changed = statuses.iter().filter(|entry| !hidden_by_filter(repository, entry));
    Ok(changed.map(|entry| String::from_utf8_lossy(entry.path_bytes()).into_owned()).collect())
}

/// libgit2 runs no external filters: a file of git-lfs looks changed to it whenever it reads the content.
fn hidden_by_filter(repository: &Repository, entry: &git2::StatusEntry<'_>) -> bool {
    let Ok(path) = entry.path() else { return false };
    entry.status() == Status::WT_MODIFIED
        && repository
            .get_attr(Path::new(path), "filter", AttrCheckFlags::FILE_THEN_INDEX)
            .is_ok_and(|filter| filter.is_some())
}
