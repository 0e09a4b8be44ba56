//! The only door to the operator's own git. What it calls clean, pushed or `HEAD` is that: no other program reads every
//! format of repositories (reftable, split and sparse indexes, partial clones, what comes next).
//!
//! Its answers are exit codes and output that is made for programs. It asks nobody, fetches nothing, and changes nothing.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::GitError;

/// What git itself hands to its hooks (`git rev-parse --local-env-vars`, without those of the configuration): shipit may be
/// started by a hook of another repository.
const OF_ONE_REPOSITORY: [&str; 13] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// What git answers.
#[derive(Debug)]
pub(super) enum Answer {
    /// It ended with 0 and said this.
    Yes(Vec<u8>),
    /// It ended with 1: there is no such thing.
    No,
    /// There is no work tree.
    NoWorkTree,
}

impl Answer {
    /// What it said; none where there is no such thing.
    pub(super) fn text(self) -> Option<String> {
        match self {
            Answer::Yes(said) => Some(String::from_utf8_lossy(&said).trim_end_matches('\n').to_owned()),
            Answer::No | Answer::NoWorkTree => None,
        }
    }
}

/// git in a directory. Its messages are in the C locale.
pub(super) fn command(directory: &Path) -> Command {
    let mut command = Command::new("git");
    for name in OF_ONE_REPOSITORY {
        command.env_remove(name);
    }
    command.current_dir(directory).env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0");
    // A look refreshes no index; a partial clone is not completed for it.
    command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_NO_LAZY_FETCH", "1");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Asks git about the work tree around a directory.
pub(super) fn ask(directory: &Path, arguments: &[&str]) -> Result<Answer, GitError> {
    if !may_be_work_tree(directory) {
        return Ok(Answer::NoWorkTree);
    }
    answer(directory, command(directory).args(arguments).output())
}

/// What git answered about the work tree around a directory.
pub(super) fn answer(directory: &Path, output: std::io::Result<Output>) -> Result<Answer, GitError> {
    let output = output.map_err(|source| match source.kind() {
        ErrorKind::NotFound => GitError::NoGit { root: directory.to_owned() },
        _ => GitError::WorkTree { root: directory.to_owned(), said: source.to_string() },
    })?;
    match output.status.code() {
        Some(0) => return Ok(Answer::Yes(output.stdout)),
        Some(1) => return Ok(Answer::No),
        _ => {}
    }
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("not a git repository (or any") || said.contains("must be run in a work tree") {
        return Ok(Answer::NoWorkTree);
    }
    let root = directory.to_owned();
    Err(match not_owned(&said) {
        Some(path) => GitError::NotOwned { path: path.to_owned() },
        None => GitError::WorkTree { root, said: complaint(&output) },
    })
}

/// Without asking git, which need not be there: most directories without `.git` above them are in no work tree.
pub(super) fn may_be_work_tree(directory: &Path) -> bool {
    directory.ancestors().any(|directory| directory.join(".git").symlink_metadata().is_ok())
}

/// The work tree that git does not read, because it belongs to another user.
fn not_owned(said: &str) -> Option<&str> {
    let (_, rest) = said.split_once("detected dubious ownership in repository at '")?;
    rest.split_once("'\n").map(|(path, _)| path)
}

/// What git said before its general advice.
pub(super) fn complaint(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines = text.lines().map(str::trim).take_while(|line| !line.starts_with("Please make sure"));
    let said: Vec<&str> = lines.filter(|line| !line.is_empty()).take(4).collect();
    match said.is_empty() {
        true => format!("git failed: {}", output.status),
        false => said.join("; "),
    }
}
