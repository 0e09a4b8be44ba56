//! The names of commits: what a user writes, and the full id that a run is pinned to.

use std::fmt;

use super::GitError;
use crate::config;

/// A full commit id: 40 or 64 lower case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Revision(String);

impl Revision {
    /// `None` where the text is anything but a full id; upper case is accepted and lowered.
    pub fn parse(text: &str) -> Option<Self> {
        let full = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        full.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The whole id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first seven digits.
    pub fn short(&self) -> &str {
        &self.0[..7]
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the text of `ref` can mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A full commit id: it means the same everywhere, so the repository is not asked.
    Commit(Revision),
    /// `refs/heads/main`, `heads/main`, `origin/main`: only a branch.
    Branch(String),
    /// `refs/tags/v1`, `tags/v1`: only a tag.
    Tag(String),
    /// Any other `refs/…`.
    Full(String),
    /// A branch, a tag, or a short commit id.
    Name(String),
}

impl Reference {
    /// Reads what a user wrote, under the rules of `git check-ref-format`.
    pub fn parse(text: &str) -> Result<Self, GitError> {
        let bad = |reason| Err(GitError::BadReference { text: text.to_owned(), reason });
        if let Some(reason) = config::reference_fault(text) {
            return bad(reason);
        }
        if text == "HEAD" {
            return bad("HEAD is another commit in every repository");
        }
        if let Some(revision) = Revision::parse(text) {
            return Ok(Self::Commit(revision));
        }
        let short = text.strip_prefix("refs/").unwrap_or(text);
        Ok(if let Some(name) = short.strip_prefix("heads/") {
            Self::Branch(name.to_owned())
        } else if let Some(name) = short.strip_prefix("tags/") {
            Self::Tag(name.to_owned())
        } else if text.starts_with("refs/") {
            Self::Full(text.to_owned())
        } else if let Some(name) = text.strip_prefix("origin/") {
            // What pm2's files say: the branch as a clone sees it.
            Self::Branch(name.to_owned())
        } else {
            Self::Name(text.to_owned())
        })
    }

    /// The branch that this may be.
    pub fn branch(&self) -> Option<&str> {
        match self {
            Self::Branch(name) | Self::Name(name) => Some(name),
            Self::Commit(_) | Self::Tag(_) | Self::Full(_) => None,
        }
    }

    /// Whether this may be the beginning of a commit id.
    pub fn may_be_short_commit(&self) -> bool {
        matches!(self, Self::Name(name)
            if (4..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_hexdigit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_user_writes() {
        let id = "1A2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d";
        let named = |name: &str| name.to_owned();
        for (text, expected) in [
            ("main", Reference::Name(named("main"))),
            ("feature/x", Reference::Name(named("feature/x"))),
            ("origin/feature/x", Reference::Branch(named("feature/x"))),
            ("refs/heads/main", Reference::Branch(named("main"))),
            ("heads/main", Reference::Branch(named("main"))),
            ("tags/v1", Reference::Tag(named("v1"))),
            ("refs/tags/v1", Reference::Tag(named("v1"))),
            ("refs/pull/1/head", Reference::Full(named("refs/pull/1/head"))),
            ("1a2b3c4", Reference::Name(named("1a2b3c4"))),
        ] {
            assert_eq!(Reference::parse(text).unwrap(), expected, "{text}");
        }
        let Reference::Commit(revision) = Reference::parse(id).unwrap() else { panic!("a commit") };
        assert_eq!((revision.as_str(), revision.short()), (id.to_lowercase().as_str(), "1a2b3c4"));
        for bad in ["", "HEAD", "-x", "a b", "main^", "a..b"] {
            assert!(Reference::parse(bad).is_err(), "{bad}");
        }
        assert!(Reference::parse("1a2b3c4").unwrap().may_be_short_commit());
        assert!(!Reference::parse("main").unwrap().may_be_short_commit());
    }
}
