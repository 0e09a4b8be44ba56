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
    /// The work tree is there and cannot be read.
    #[error("cannot read the git work tree around {}", root.display())]
    WorkTree {
        /// Where.
        root: PathBuf,
        /// Why.
        source: git2::Error,
    },
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or("; push it, or name another".to_owned(), |nearest| format!("; did you mean `{nearest}`?"))
}
