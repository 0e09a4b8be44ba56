//! The commits between what is live and what will be, where the operator's work tree knows both.
//!
//! For information only: where they are not known, none are shown, and no run fails.

use std::path::Path;

use git2::{Oid, Repository};

/// So many are listed.
const NAMED: usize = 10;
/// So many are counted; counting more would keep hosts waiting for a number that is not needed.
const COUNTED: usize = 2000;

/// What a deploy changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The newest, first.
    pub commits: Vec<Commit>,
    /// How many there are in all.
    pub total: usize,
    /// Whether `total` is all of them, or where counting stopped.
    pub is_counted: bool,
    /// The newest commits that are live and would not be any more.
    pub dropped: Vec<Commit>,
    /// How many there are in all.
    pub dropped_total: usize,
}

/// A commit of the operator's work tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Full commit id.
    pub revision: String,
    /// The first line of its message, as it stands there.
    pub subject: String,
}

/// `live..new` in the work tree around `root`; `None` where it does not know both.
#[must_use]
pub fn pending(root: &Path, live: &str, new: &str) -> Option<Pending> {
    let repository = Repository::discover(root).ok()?;
    let (live, new) = (Oid::from_str(live).ok()?, Oid::from_str(new).ok()?);
    repository.find_commit(live).ok()?;
    repository.find_commit(new).ok()?;
    let ahead = between(&repository, live, new).ok()?;
    let behind = between(&repository, new, live).ok()?;
    let named = |ids: &[Oid]| ids.iter().take(NAMED).filter_map(|id| commit(&repository, *id)).collect();
    Some(Pending {
        commits: named(&ahead),
        total: ahead.len(),
        is_counted: ahead.len() < COUNTED,
        dropped: named(&behind),
        dropped_total: behind.len(),
    })
}

fn between(repository: &Repository, from: Oid, to: Oid) -> Result<Vec<Oid>, git2::Error> {
    let mut walk = repository.revwalk()?;
    walk.set_sorting(git2::Sort::TOPOLOGICAL | git2::Sort::TIME)?;
    walk.push(to)?;
    walk.hide(from)?;
    walk.take(COUNTED).collect()
}

fn commit(repository: &Repository, id: Oid) -> Option<Commit> {
    let commit = repository.find_commit(id).ok()?;
    let subject = String::from_utf8_lossy(commit.summary_bytes().unwrap_or_default()).into_owned();
    Some(Commit { revision: id.to_string(), subject })
}
