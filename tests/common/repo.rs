//! The operator's side of git: a bare `origin` that everybody fetches from, and the work tree commits are made in.
//!
//! Knows no hosts. All configuration comes from the world's own file, none from the machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::succeed;

/// What every git of a world reads: an identity, and nothing that leaves a process behind.
const CONFIG: &str = "[user]\n name = Operator\n email = operator@example.com\n[init]\n defaultBranch = main\n\
    [gc]\n auto = 0\n[maintenance]\n auto = false\n[advice]\n detachedHead = false\n";

/// A work tree and its origin.
#[derive(Debug)]
pub struct Repo {
    work: PathBuf,
    origin: PathBuf,
    home: PathBuf,
}

impl Repo {
    /// Those that were made below `root`.
    pub fn open(root: &Path, home: &Path) -> Self {
        Self { work: root.join("work"), origin: root.join("origin.git"), home: home.into() }
    }

    /// Makes both below `root`, with one commit that is pushed.
    pub fn make(root: &Path, home: &Path) -> Self {
        fs::write(home.join(".gitconfig"), CONFIG).unwrap();
        let repo = Self::open(root, home);
        fs::create_dir(&repo.work).unwrap();
        repo.git(&["init", "-q", "--bare", &repo.url()]);
        repo.git(&["init", "-q"]);
        repo.git(&["remote", "add", "origin", &repo.url()]);
        repo.commit(&[("README", "an app\n")]);
        repo.push();
        repo
    }

    /// Runs git in the work tree and returns what it printed.
    pub fn git(&self, args: &[&str]) -> String {
        succeed(self.closed(Command::new("git").arg("-C").arg(&self.work).args(args)))
    }

    /// Lets a command see this world's git configuration and no other.
    pub fn closed<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.home)
            .env("GIT_CONFIG_GLOBAL", self.home.join(".gitconfig"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("LANG", "C.UTF-8")
    }

    /// Where the operator works, and where `shipit` is run.
    pub fn work(&self) -> &Path {
        &self.work
    }

    /// What the configuration's `repo` says.
    pub fn url(&self) -> String {
        self.origin.to_str().unwrap().to_string()
    }

    /// Writes these files into the work tree and commits them; the full commit id.
    pub fn commit(&self, files: &[(&str, &str)]) -> String {
        files.iter().for_each(|(path, content)| self.write(path, content));
        if !files.is_empty() {
            let paths: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
            self.git(&[&["add", "-f"], &paths[..]].concat());
        }
        self.git(&["commit", "-q", "--allow-empty", "-m", "a change"]);
        self.head()
    }

    /// Commits these files and pushes them: the next thing to deploy.
    pub fn publish(&self, files: &[(&str, &str)]) -> String {
        let sha = self.commit(files);
        self.push();
        sha
    }

    /// Writes one file into the work tree without committing it.
    pub fn write(&self, path: &str, content: &str) {
        let file = self.work.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }

    /// The commit of the work tree. Read, where git wrote it last: it is asked for after each commit.
    pub fn head(&self) -> String {
        let read = |path: &str| fs::read_to_string(self.work.join(".git").join(path)).ok();
        let head = read("HEAD").unwrap_or_default();
        let commit = match head.trim().strip_prefix("ref: ") {
            Some(branch) => read(branch).unwrap_or_default(),
            None => head,
        };
        let is_commit = commit.trim().len() == 40;
        if is_commit { commit.trim().to_owned() } else { self.git(&["rev-parse", "HEAD"]) }
    }

    /// Tags the commit of the work tree.
    pub fn tag(&self, name: &str) {
        self.git(&["tag", "-a", "-m", name, name]);
    }

    /// Goes to a branch, which is made here when there is none of that name.
    pub fn branch(&self, name: &str) {
        let known = self.git(&["branch", "--list", name]);
        let make: &[&str] = if known.is_empty() { &["-c"] } else { &[] };
        self.git(&[&["switch", "-q"], make, &[name]].concat());
    }

    /// Pushes the branch of the work tree and all tags.
    pub fn push(&self) {
        self.git(&["push", "-q", "--tags", "-u", "origin", "HEAD"]);
    }

    /// Takes the git server away.
    pub fn take_origin_away(&self) {
        fs::rename(&self.origin, self.origin.with_extension("gone")).unwrap();
    }

    /// Brings it back.
    pub fn bring_origin_back(&self) {
        fs::rename(self.origin.with_extension("gone"), &self.origin).unwrap();
    }
}
