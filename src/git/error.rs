//! What can go wrong when git is asked at the operator's end.

use std::path::PathBuf;

/// Why a question to git has no answer.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// No name of a branch, tag or commit.
    #[error("`{text}` is not a ref: {reason}")]
    BadReference {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The repository answered and has no such ref.
    #[error("no branch or tag `{name}` in {repo}{}", did_you_mean(nearest.as_deref()))]
    NoSuchReference {
        /// What was asked for.
        name: String,
        /// Where.
        repo: String,
        /// Probably meant.
        nearest: Option<String>,
    },
    /// A branch and a tag of one name, at different commits.
    #[error("`{name}` is a branch and a tag in {repo}: write refs/heads/{name} or refs/tags/{name}")]
    AmbiguousReference {
        /// What was asked for.
        name: String,
        /// Where.
        repo: String,
    },
    /// `HEAD` was asked for where no work tree is.
    #[error("no git work tree around {}, so there is no HEAD to deploy: name a branch, tag or commit", root.display())]
    NoWorkTree {
        /// Where it was looked for.
        root: PathBuf,
    },
    /// The work tree is there, and git cannot read it.
    #[error("git cannot read the work tree around {}: {said}", root.display())]
    WorkTree {
        /// Where.
        root: PathBuf,
        /// Why, in git's words.
        said: String,
    },
    /// The work tree belongs to another user, so git does not read it.
    #[error("git does not read the work tree {path}, because it belongs to another user")]
    NotOwned {
        /// Its directory.
        path: String,
    },
    /// There is a work tree, and no git that could read it.
    #[error("git is not installed here, and the work tree around {} needs it", root.display())]
    NoGit {
        /// Where.
        root: PathBuf,
    },
    /// The id of a tree, a file, or a tag of one of them.
    #[error("{id} is a {kind}, not a commit", id = &revision[..7])]
    NotACommit {
        /// The full id.
        revision: String,
        /// What it is.
        kind: String,
    },
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or("; push it, or name another".to_owned(), |nearest| format!("; did you mean `{nearest}`?"))
}
