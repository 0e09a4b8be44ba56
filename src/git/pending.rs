//! The commits between what is live and what will be, where the operator's work tree knows both.
//!
//! For information only: where they are not known, none are shown, and no run fails.

use std::path::Path;

use tokio::process::Command;

use super::command::{Answer, answer, command, may_be_work_tree};
use super::{Revision, ask};

/// So many are listed; one more takes the place of "and 1 more".
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

/// Why the commits are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// There is no work tree, or no git that reads it: nothing is missing from it.
    NoWorkTree,
    /// The work tree does not have them.
    NotFetched,
    /// The work tree has only the last commits, as CI services make it.
    Shallow,
}

/// `live..new` in the work tree around `root`.
///
/// # Errors
/// Where it does not know both.
pub async fn pending(root: &Path, live: &str, new: &str) -> Result<Pending, Unknown> {
    if !may_be_work_tree(root) {
        return Err(Unknown::NoWorkTree);
    }
    let (Some(live), Some(new)) = (Revision::parse(live), Revision::parse(new)) else {
        return Err(Unknown::NotFetched);
    };
    let arguments = [
        "log",
        "-z",
        "--left-right",
        "--no-show-signature",
        "--encoding=UTF-8",
        "--format=%m%H %s",
        &format!("--max-count={COUNTED}"),
        &format!("{live}...{new}"),
        "--",
    ];
    let mut log = Command::from(command(root));
    let output = log.args(arguments).kill_on_drop(true).output().await;
    match answer(root, output) {
        Ok(Answer::Yes(said)) => Ok(read(&String::from_utf8_lossy(&said))),
        Ok(Answer::NoWorkTree) => Err(Unknown::NoWorkTree),
        Ok(Answer::No) | Err(_) => Err(why(root)),
    }
}

fn why(root: &Path) -> Unknown {
    match ask(root, &["rev-parse", "--is-shallow-repository"]).map(Answer::text) {
        Ok(Some(text)) if text == "true" => Unknown::Shallow,
        Ok(Some(_)) => Unknown::NotFetched,
        _ => Unknown::NoWorkTree,
    }
}

// Records that end with NUL: `>` for a new commit, `<` for one that would be dropped, its id, its subject.
fn read(said: &str) -> Pending {
    let commits = |side: char| {
        let lines = said.split('\0').filter_map(move |line| line.strip_prefix(side)?.split_once(' '));
        lines.map(|(revision, subject)| Commit { revision: revision.to_owned(), subject: subject.to_owned() })
    };
    let [ahead, dropped] = ['>', '<'].map(|side| commits(side).collect::<Vec<_>>());
    Pending {
        total: ahead.len(),
        is_counted: ahead.len() + dropped.len() < COUNTED,
        commits: named(ahead),
        dropped_total: dropped.len(),
        dropped: named(dropped),
    }
}

fn named(mut commits: Vec<Commit>) -> Vec<Commit> {
    if commits.len() > NAMED + 1 {
        commits.truncate(NAMED);
    }
    commits
}
