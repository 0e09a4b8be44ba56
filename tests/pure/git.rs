//! git at the operator's end, on real repositories in a closed environment.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use shipit::git::{self, Changes, GitError, LocalState, Resolved, Revision};

pub const REPO: &str = "git@example.com:acme/shop.git";

/// A bare repository and a clone of it whose remote has the address [`REPO`].
pub struct Repositories {
    pub home: tempfile::TempDir,
}

impl Repositories {
    pub fn new() -> Self {
        Self::of_format(&[])
    }

    /// With these options of `git init`.
    pub fn of_format(options: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let repositories = Self { home };
        let top = repositories.home.path().to_owned();
        let init = [&["init", "-q", "-b", "main"], options].concat();
        repositories.git(&top, &[&init[..], &["--bare", "shop.git"]].concat());
        repositories.git(&top, &[&init[..], &["work"]].concat());
        let work = repositories.work();
        repositories.git(&work, &["remote", "add", "origin", top.join("shop.git").to_str().unwrap()]);
        repositories.commit("one");
        repositories.git(&work, &["push", "-q", "-u", "origin", "main"]);
        repositories.git(&work, &["remote", "set-url", "origin", REPO]);
        repositories
    }

    pub fn work(&self) -> PathBuf {
        self.home.path().join("work")
    }

    pub fn commit(&self, text: &str) -> String {
        fs::write(self.work().join("file"), text).unwrap();
        self.git(&self.work(), &["add", "file"]);
        self.git(&self.work(), &["commit", "-q", "-m", text]);
        self.git(&self.work(), &["rev-parse", "HEAD"])
    }

    pub fn push(&self, refs: &[&str]) {
        let bare = self.home.path().join("shop.git");
        self.git(&self.work(), &["remote", "set-url", "origin", bare.to_str().unwrap()]);
        self.git(&self.work(), &[&["push", "-q", "origin"], refs].concat());
        self.git(&self.work(), &["remote", "set-url", "origin", REPO]);
    }

    pub fn git(&self, directory: &Path, arguments: &[&str]) -> String {
        let output = closed("git", self.home.path()).current_dir(directory).args(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub fn check(&self, reference: &str) -> LocalState {
        git::check(&self.work(), REPO, reference, &[]).unwrap()
    }
}

/// Nothing of this machine's git configuration, and an author of our own.
fn closed(program: &str, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", home);
    command.envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")]);
    command.envs([("GIT_AUTHOR_NAME", "acme"), ("GIT_AUTHOR_EMAIL", "acme@example.com")]);
    command.envs([("GIT_COMMITTER_NAME", "acme"), ("GIT_COMMITTER_EMAIL", "acme@example.com")]);
    command
}

#[test]
fn a_pushed_work_tree_is_clean_whatever_form_the_address_has() {
    let repositories = Repositories::new();
    fs::write(repositories.work().join("untracked"), "").unwrap();
    for repo in [REPO, "ssh://git@example.com/acme/shop", "https://example.com/acme/shop.git/"] {
        for reference in ["main", "origin/main", "refs/heads/main"] {
            assert_eq!(git::check(&repositories.work(), repo, reference, &[]).unwrap(), LocalState::Clean);
        }
    }
}

#[test]
fn changed_tracked_files_are_named() {
    let repositories = Repositories::new();
    fs::write(repositories.work().join("file"), "changed").unwrap();
    fs::write(repositories.work().join("new"), "staged").unwrap();
    repositories.git(&repositories.work(), &["add", "new"]);
    let files = vec!["file".to_owned(), "new".to_owned()];
    assert_eq!(repositories.check("main"), LocalState::Dirty(Changes { files, total: 2, used: Vec::new() }));
}

#[test]
fn commits_that_were_not_pushed_are_counted() {
    let repositories = Repositories::new();
    repositories.commit("two");
    repositories.commit("three");
    assert_eq!(repositories.check("main"), LocalState::Unpushed { commits: 2 });
    // Pushed to another branch is not pushed to the one that is deployed.
    repositories.push(&["main:refs/heads/other"]);
    assert_eq!(repositories.check("main"), LocalState::Unpushed { commits: 2 });
    repositories.push(&["main"]);
    assert_eq!(repositories.check("main"), LocalState::Clean);
}

#[test]
fn a_branch_that_was_never_pushed_is_unpushed() {
    let repositories = Repositories::new();
    repositories.git(&repositories.work(), &["checkout", "-q", "-b", "topic"]);
    repositories.commit("two");
    assert_eq!(repositories.check("topic"), LocalState::Unpushed { commits: 1 });
}

#[test]
fn a_detached_head_that_the_remote_has_is_fine() {
    let repositories = Repositories::new();
    repositories.git(&repositories.work(), &["checkout", "-q", "--detach"]);
    assert_eq!(repositories.check("main"), LocalState::Clean);
    assert_eq!(repositories.check("v1"), LocalState::NotApplicable);
    repositories.commit("two");
    assert_eq!(repositories.check("main"), LocalState::Unpushed { commits: 1 });
}

#[test]
fn other_work_trees_say_nothing() {
    let repositories = Repositories::new();
    fs::write(repositories.work().join("file"), "changed").unwrap();
    let work = repositories.work();
    let not_applicable = |root: &Path, repo: &str, reference: &str| {
        assert_eq!(
            git::check(root, repo, reference, &[]).unwrap(),
            LocalState::NotApplicable,
            "{repo} {reference}"
        );
    };
    not_applicable(&work, "git@example.com:acme/other.git", "main");
    not_applicable(&work, REPO, "develop");
    not_applicable(&work, REPO, "tags/main");
    not_applicable(&work, REPO, "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d");
    not_applicable(repositories.home.path(), REPO, "main");
    not_applicable(&repositories.home.path().join("shop.git"), REPO, "main");
    let unborn = repositories.home.path().join("unborn");
    repositories.git(repositories.home.path(), &["init", "-q", "-b", "main", "unborn"]);
    repositories.git(&unborn, &["remote", "add", "origin", REPO]);
    not_applicable(&unborn, REPO, "main");
}

#[test]
fn files_of_external_filters_do_not_look_changed() {
    let repositories = Repositories::new();
    let work = repositories.work();
    repositories.git(&work, &["config", "filter.large.clean", "echo pointer"]);
    fs::write(work.join(".gitattributes"), "*.bin filter=large\n").unwrap();
    fs::write(work.join("a.bin"), "the content").unwrap();
    repositories.git(&work, &["add", "."]);
    repositories.git(&work, &["commit", "-q", "-m", "two"]);
    repositories.push(&["main"]);
    fs::write(work.join("a.bin"), "THE CONTENT").unwrap();
    assert_eq!(repositories.check("main"), LocalState::Clean);
}

#[test]
fn head_is_the_commit_of_the_work_tree() {
    let repositories = Repositories::new();
    let commit = repositories.commit("two");
    let inner = repositories.work().join("inner");
    fs::create_dir(&inner).unwrap();
    assert_eq!(git::head(&inner).unwrap().as_str(), commit);
    assert!(matches!(git::head(repositories.home.path()), Err(GitError::NoWorkTree { .. })));
}

/// A git server on loopback, ended with the test.
struct Daemon {
    child: Child,
    repo: String,
}

impl Daemon {
    fn start(repositories: &Repositories) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let base = repositories.home.path().to_str().unwrap();
        // Not `git daemon`: ending that would leave the server behind.
        let programs = closed("git", repositories.home.path()).arg("--exec-path").output().unwrap().stdout;
        let program = Path::new(String::from_utf8(programs).unwrap().trim()).join("git-daemon");
        let child = closed(program.to_str().unwrap(), repositories.home.path())
            .args(["--export-all", "--reuseaddr", "--listen=127.0.0.1"])
            .args([format!("--port={port}"), format!("--base-path={base}"), base.to_owned()])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let daemon = Self { child, repo: format!("git://127.0.0.1:{port}/shop.git") };
        for _ in 0..200 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return daemon;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("git daemon does not listen");
    }

    fn resolve(&self, reference: &str) -> Result<Resolved, GitError> {
        resolve(&self.repo, reference)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn resolve(repo: &str, reference: &str) -> Result<Resolved, GitError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(git::resolve(repo, reference))
}

fn commit(id: &str, fetch_ref: Option<&str>) -> Resolved {
    Resolved::Commit { revision: Revision::parse(id).unwrap(), fetch_ref: fetch_ref.map(str::to_owned) }
}

#[test]
fn branches_and_tags_are_resolved_by_the_operators_git() {
    let repositories = Repositories::new();
    let work = repositories.work();
    let first = repositories.git(&work, &["rev-parse", "HEAD"]);
    repositories.git(&work, &["tag", "-a", "-m", "one", "v1"]);
    let second = repositories.commit("two");
    repositories.git(&work, &["tag", "light"]);
    repositories.git(&work, &["branch", "both", "v1"]);
    repositories.git(&work, &["tag", "both"]);
    repositories.push(&["main", "refs/heads/both", "--tags"]);
    let daemon = Daemon::start(&repositories);

    for (reference, id, fetch_ref) in [
        ("main", &second, "refs/heads/main"),
        ("origin/main", &second, "refs/heads/main"),
        ("refs/heads/main", &second, "refs/heads/main"),
        ("v1", &first, "refs/tags/v1"),
        ("tags/v1", &first, "refs/tags/v1"),
        ("light", &second, "refs/tags/light"),
        ("refs/heads/both", &first, "refs/heads/both"),
        ("refs/tags/both", &second, "refs/tags/both"),
    ] {
        assert_eq!(daemon.resolve(reference).unwrap(), commit(id, Some(fetch_ref)), "{reference}");
    }
    assert_eq!(daemon.resolve(&first).unwrap(), commit(&first, None));
    assert!(matches!(daemon.resolve(&first[..8]).unwrap(), Resolved::AskHost { .. }));
    assert!(matches!(daemon.resolve("both"), Err(GitError::AmbiguousReference { .. })));
    let error = daemon.resolve("mian").unwrap_err().to_string();
    assert!(error.contains("did you mean `main`?"), "{error}");
    assert!(daemon.resolve("tags/main").is_err());
}

#[test]
fn where_the_operator_cannot_tell_a_host_is_asked() {
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for repo in [
        "/srv/git/shop.git",
        "file:///srv/git/shop.git",
        "../shop",
        &format!("git://127.0.0.1:{unused}/shop"),
    ] {
        let Resolved::AskHost { reason } = resolve(repo, "main").unwrap() else { panic!("{repo}") };
        assert!(!reason.is_empty());
    }
    let id = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d";
    assert_eq!(resolve("/srv/git/shop.git", id).unwrap(), commit(id, None));
}
