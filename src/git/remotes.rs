//! The remotes of a work tree, and which of them is the repository that is deployed.

use std::path::Path;

use super::command::{Answer, ask};
use super::{GitError, url};

/// Names and addresses, as git would fetch from them: with the operator's `insteadOf`.
pub(super) struct Remotes(pub(super) Vec<(String, String)>);

/// How a work tree and the repository that is deployed belong together.
pub(super) enum Tie {
    /// This remote is it.
    Remote(String),
    /// No remote is, but this one has its name on another server: perhaps another address of the same.
    Similar { address: String },
    /// They have nothing to do with each other.
    None,
}

/// All remotes of the work tree around `root`; none where there is no work tree.
pub(super) fn remotes(root: &Path) -> Result<Option<Remotes>, GitError> {
    let listed = match ask(root, &["remote", "--verbose"])? {
        Answer::NoWorkTree => return Ok(None),
        answer => answer.text().unwrap_or_default(),
    };
    // `origin<TAB>address (fetch)`, for a partial clone with ` [blob:none]` behind it.
    let remote = |line: &str| {
        let (name, rest) = line.split_once('\t')?;
        let (address, _) = rest.rsplit_once(" (fetch)")?;
        Some((name.to_owned(), address.to_owned()))
    };
    Ok(Some(Remotes(listed.lines().filter_map(remote).collect())))
}

impl Remotes {
    /// Which of them is `repo`.
    pub(super) fn tie(&self, root: &Path, repo: &str) -> Result<Tie, GitError> {
        if let Some(name) = self.same(repo) {
            return Ok(Tie::Remote(name));
        }
        let similar = self.0.iter().find(|(_, address)| url::same_name(address, repo));
        if self.0.is_empty() || url::is_path(repo) && similar.is_none() {
            return Ok(Tie::None);
        }
        // The file may have the short form that `insteadOf` is for.
        let whole = ask(root, &["ls-remote", "--get-url", repo])?.text();
        if let Some(name) = whole.and_then(|whole| self.same(&whole)) {
            return Ok(Tie::Remote(name));
        }
        let address = similar.map(|(_, address)| url::without_credentials(address));
        Ok(address.map_or(Tie::None, |address| Tie::Similar { address }))
    }

    fn same(&self, repo: &str) -> Option<String> {
        self.0.iter().find(|(_, address)| url::same_repository(address, repo)).map(|(name, _)| name.clone())
    }
}
