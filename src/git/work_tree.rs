//! The work tree around the configuration file: is what the operator sees here what would be deployed?

use std::path::{Path, PathBuf};

use super::command::Answer;
use super::remotes::{Tie, remotes};
use super::{GitError, Reference, Revision, ask};

/// What the work tree says about a deploy of a ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalState {
    /// No work tree, not of that repository, or on another branch: nothing to say.
    NotApplicable,
    /// Everything here is where hosts fetch from.
    Clean,
    /// Tracked files were changed and not committed.
    Dirty(Changes),
    /// Commits were not pushed.
    Unpushed {
        /// How many.
        commits: usize,
    },
    /// This work tree was not looked at, though it may be of that repository.
    Unchecked(Unchecked),
}

/// Changed files that are not committed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// The first of those that would not be deployed.
    pub files: Vec<String>,
    /// How many there are.
    pub total: usize,
    /// Those that the run itself reads from the work tree, so that it would use the change.
    pub used: Vec<String>,
}

/// Why a work tree was not looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unchecked {
    /// There is no git here.
    NoGit,
    /// Its remote has the repository's name, and another address.
    OtherAddress {
        /// Without credentials.
        address: String,
    },
}

/// So many changed files are named; more would hide the message.
const NAMED: usize = 10;

/// Looks for local changes and unpushed commits, where the work tree around `root` is one of `repo` and has the branch
/// `reference` checked out, or a commit of it (as CI does). Of `HEAD`, only whether the repository has its commit. The run
/// itself reads the files `used`.
///
/// # Errors
/// When the work tree cannot be read.
pub fn check(root: &Path, repo: &str, reference: &str, used: &[PathBuf]) -> Result<LocalState, GitError> {
    match look(root, repo, reference, used) {
        Err(GitError::NoGit { .. }) => Ok(LocalState::Unchecked(Unchecked::NoGit)),
        state => state,
    }
}

fn look(root: &Path, repo: &str, reference: &str, used: &[PathBuf]) -> Result<LocalState, GitError> {
    let parsed = if reference == "HEAD" { None } else { Some(Reference::parse(reference)?) };
    let branch = parsed.as_ref().map(Reference::branch);
    if branch == Some(None) {
        return Ok(LocalState::NotApplicable);
    }
    let Some(remotes) = remotes(root)? else { return Ok(LocalState::NotApplicable) };
    let remote = match remotes.tie(root, repo)? {
        Tie::Remote(remote) => remote,
        Tie::Similar { address } => {
            return Ok(LocalState::Unchecked(Unchecked::OtherAddress { address }));
        }
        Tie::None => return Ok(LocalState::NotApplicable),
    };
    match branch.flatten() {
        None => head_is_pushed(root, &remote),
        Some(branch) => branch_is_deployed(root, &remote, branch, used),
    }
}

/// The commit that is checked out around `root`.
///
/// # Errors
/// When there is none.
pub fn head(root: &Path) -> Result<Revision, GitError> {
    let answer = ask(root, &["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])?;
    if matches!(answer, Answer::NoWorkTree) {
        return Err(GitError::NoWorkTree { root: root.to_owned() });
    }
    answer.text().and_then(|id| Revision::parse(&id)).ok_or_else(|| {
        let said = "it has no commit yet".to_owned();
        GitError::WorkTree { root: root.to_owned(), said }
    })
}

/// The commit that an id means: of an annotated tag, its commit. Where the work tree around `root` does not have the object,
/// the id itself.
///
/// # Errors
/// When it is a file or a tree, or a tag of one.
pub fn peel(root: &Path, id: &Revision) -> Result<Revision, GitError> {
    // Whatever else is wrong here is no reason not to deploy a commit.
    let ask = |arguments: &[&str]| ask(root, arguments).ok().and_then(Answer::text);
    let peeled = ask(&["rev-parse", "--verify", "--quiet", &format!("{id}^{{commit}}")]);
    if let Some(commit) = peeled.and_then(|peeled| Revision::parse(&peeled)) {
        return Ok(commit);
    }
    match ask(&["cat-file", "-t", id.as_str()]) {
        None => Ok(id.clone()),
        Some(kind) => {
            let kind = if kind == "tag" { "tag of something else".to_owned() } else { kind };
            Err(GitError::NotACommit { revision: id.to_string(), kind })
        }
    }
}

fn branch_is_deployed(
    root: &Path,
    remote: &str,
    branch: &str,
    used: &[PathBuf],
) -> Result<LocalState, GitError> {
    let Some(status) = status(root)? else { return Ok(LocalState::NotApplicable) };
    let tracking = format!("refs/remotes/{remote}/{branch}");
    let is_tracked = || Ok(ask(root, &["rev-parse", "--verify", "--quiet", &tracking])?.text().is_some());
    // A detached HEAD is on no branch; where the ref is no branch of the remote either (a tag), there is no tie.
    let applies = match &status.branch {
        _ if status.unborn => false,
        None => is_tracked()?,
        Some(name) => name == branch,
    };
    if !applies {
        return Ok(LocalState::NotApplicable);
    }
    if !status.changed.is_empty() {
        return changes(root, status.changed, used).map(LocalState::Dirty);
    }
    // On a branch only what was pushed to that branch counts; elsewhere any branch of the remote that has it will do.
    if status.branch.is_some() {
        match count(root, &[&format!("^{tracking}")]) {
            Err(_) if !is_tracked()? => {}
            counted => return counted,
        }
    }
    count(root, &["--not", &format!("--remotes={remote}")])
}

// A branch is pushed to its remote. CI checks out a commit, and what refs it makes beside that is its own affair.
fn head_is_pushed(root: &Path, remote: &str) -> Result<LocalState, GitError> {
    let on_branch = ask(root, &["symbolic-ref", "--quiet", "HEAD"])?.text().is_some();
    let fetched = match on_branch {
        true => [&format!("--remotes={remote}"), "FETCH_HEAD"].map(str::to_owned).to_vec(),
        false => ["--exclude=refs/heads/*", "--exclude=refs/stash", "--glob=refs/*", "FETCH_HEAD"]
            .map(str::to_owned)
            .to_vec(),
    };
    let mut arguments = vec!["--ignore-missing", "--not"];
    arguments.extend(fetched.iter().map(String::as_str));
    count(root, &arguments)
}

// Commits of HEAD without those.
fn count(root: &Path, without: &[&str]) -> Result<LocalState, GitError> {
    let arguments = [&["rev-list", "--count", "HEAD"], without].concat();
    let counted = ask(root, &arguments)?.text().and_then(|text| text.parse().ok());
    match counted {
        Some(0) => Ok(LocalState::Clean),
        Some(commits) => Ok(LocalState::Unpushed { commits }),
        None => {
            Err(GitError::WorkTree { root: root.to_owned(), said: "its commits cannot be counted".into() })
        }
    }
}

struct Status {
    branch: Option<String>,
    unborn: bool,
    changed: Vec<String>,
}

fn status(root: &Path) -> Result<Option<Status>, GitError> {
    // What is in a submodule is another repository's matter.
    let arguments = [
        "status",
        "--porcelain=v2",
        "--branch",
        "--no-ahead-behind",
        "-z",
        "--untracked-files=no",
        "--ignore-submodules=all",
        "--no-renames",
    ];
    let Some(said) = ask(root, &arguments)?.text() else { return Ok(None) };
    let mut status = Status { branch: None, unborn: false, changed: Vec::new() };
    for record in said.split_terminator('\0') {
        // The number of fields before the path is that of git-status(1).
        let fields = match record.as_bytes().first() {
            Some(b'1') => 9,
            Some(b'u') => 11,
            _ => 0,
        };
        if fields > 0 {
            status.changed.extend(record.splitn(fields, ' ').nth(fields - 1).map(str::to_owned));
        } else if let Some(branch) = record.strip_prefix("# branch.head ") {
            status.branch = Some(branch.to_owned()).filter(|branch| branch != "(detached)");
        } else if record == "# branch.oid (initial)" {
            status.unborn = true;
        }
    }
    Ok(Some(status))
}

fn changes(root: &Path, changed: Vec<String>, used: &[PathBuf]) -> Result<Changes, GitError> {
    let top = ask(root, &["rev-parse", "--show-toplevel"])?.text().unwrap_or_default();
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let used: Vec<PathBuf> = used.iter().map(|file| real(file)).collect();
    let (used, files): (Vec<String>, Vec<String>) =
        changed.into_iter().partition(|file| used.contains(&real(&Path::new(&top).join(file))));
    let total = files.len();
    Ok(Changes { files: files.into_iter().take(NAMED).collect(), total, used })
}
