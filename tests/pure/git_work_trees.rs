//! Work trees as people and CI services have them: whatever the installed git calls clean, pushed and `HEAD`, is that.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::PathBuf;

use shipit::git::{self, Changes, GitError, LocalState, Pending, Revision, Unchecked, Unknown};

use crate::git::{REPO, Repositories};

fn pending(repositories: &Repositories, live: &str, new: &str) -> Result<Pending, Unknown> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(git::pending(&repositories.work(), live, new))
}

fn dirty(files: &[&str]) -> LocalState {
    let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
    LocalState::Dirty(Changes { total: files.len(), files, used: Vec::new() })
}

// Everything that is asked of a work tree, of one that libgit2 did not read.
fn is_understood(repositories: &Repositories) {
    let work = repositories.work();
    let first = repositories.git(&work, &["rev-parse", "HEAD"]);
    assert_eq!(git::head(&work).unwrap().as_str(), first);
    assert_eq!(repositories.check("main"), LocalState::Clean);
    assert_eq!(repositories.check("HEAD"), LocalState::Clean);
    let project = git::project(&work).unwrap().unwrap();
    assert_eq!(project.branch.as_deref(), Some("main"));
    assert_eq!(project.remote.map(|remote| remote.url).as_deref(), Some(REPO));
    assert!(git::reference_names(&work).unwrap().contains(&"main".to_owned()));
    let second = repositories.commit("two");
    assert_eq!(repositories.check("main"), LocalState::Unpushed { commits: 1 });
    assert_eq!(repositories.check("HEAD"), LocalState::Unpushed { commits: 1 });
    let commits = pending(repositories, &first, &second).unwrap();
    assert_eq!((commits.total, commits.commits[0].subject.as_str()), (1, "two"));
    fs::write(work.join("file"), "changed").unwrap();
    assert_eq!(repositories.check("main"), dirty(&["file"]));
}

#[test]
fn repositories_of_every_format_are_understood() {
    for options in [&["--ref-format=reftable"], &["--object-format=sha256"]] {
        is_understood(&Repositories::of_format(options));
    }
    let settings: [&[&[&str]]; 3] = [
        &[&["update-index", "--split-index"]],
        &[&["sparse-checkout", "set", "--cone", "--sparse-index"]],
        &[
            &["config", "core.repositoryFormatVersion", "1"],
            &["config", "extensions.partialClone", "origin"],
            &["config", "remote.origin.promisor", "true"],
            &["config", "remote.origin.partialCloneFilter", "blob:none"],
        ],
    ];
    for commands in settings {
        let repositories = Repositories::new();
        commands.iter().for_each(|command| drop(repositories.git(&repositories.work(), command)));
        is_understood(&repositories);
    }
}

#[test]
fn files_that_git_converts_do_not_look_changed() {
    let repositories = Repositories::new();
    let work = repositories.work();
    fs::write(work.join(".gitattributes"), "*.txt working-tree-encoding=UTF-16LE\n*.bat text eol=crlf\n")
        .unwrap();
    fs::write(work.join("a.txt"), "h\0i\0\n\0").unwrap();
    fs::write(work.join("a.bat"), "dir\r\n").unwrap();
    repositories.git(&work, &["add", "."]);
    repositories.commit("two");
    repositories.push(&["main"]);
    // What git compares by content, not by the time in its index.
    fs::write(work.join("a.txt"), "h\0i\0\n\0").unwrap();
    fs::write(work.join("a.bat"), "dir\r\n").unwrap();
    assert_eq!(repositories.check("main"), LocalState::Clean);
    fs::write(work.join("a.txt"), "h\0o\0\n\0").unwrap();
    assert_eq!(repositories.check("main"), dirty(&["a.txt"]));
}

#[test]
fn files_that_the_run_itself_reads_are_told_apart() {
    let repositories = Repositories::new();
    let work = repositories.work();
    for file in ["shipit.toml", "other"] {
        fs::write(work.join(file), "one").unwrap();
    }
    repositories.git(&work, &["add", "."]);
    let used = [work.join("shipit.toml"), PathBuf::from("/nowhere")];
    let (files, used_changes) = (vec!["other".to_owned()], vec!["shipit.toml".to_owned()]);
    let changes = Changes { files, total: 1, used: used_changes };
    assert_eq!(git::check(&work, REPO, "main", &used).unwrap(), LocalState::Dirty(changes));
}

#[test]
fn an_address_that_only_git_knows_is_the_same_repository() {
    let repositories = Repositories::new();
    let work = repositories.work();
    repositories.commit("not pushed");
    let check = |repo: &str| git::check(&work, repo, "main", &[]).unwrap();
    let set = |address: &str| drop(repositories.git(&work, &["remote", "set-url", "origin", address]));
    let unpushed = LocalState::Unpushed { commits: 1 };

    repositories.git(&work, &["config", "url.git@example.com:acme/.insteadOf", "ex:"]);
    set("ex:shop");
    assert_eq!(check(REPO), unpushed);
    set(REPO);
    assert_eq!(check("ex:shop"), unpushed);

    // A name of ~/.ssh/config: it cannot be known here, so it is said.
    set("work:acme/shop");
    let address = "work:acme/shop".to_owned();
    assert_eq!(check(REPO), LocalState::Unchecked(Unchecked::OtherAddress { address }));
    set("https://me:secret@mirror.example.com/x/shop.git");
    let address = "https://mirror.example.com/x/shop.git".to_owned();
    assert_eq!(check(REPO), LocalState::Unchecked(Unchecked::OtherAddress { address }));
    set("git@example.com:acme/website.git");
    assert_eq!(check(REPO), LocalState::NotApplicable);
}

#[test]
fn head_counts_as_pushed_in_whatever_way_ci_fetched_it() {
    let repositories = Repositories::new();
    let work = repositories.work();
    let head = repositories.commit("two");
    let git = |arguments: &[&str]| drop(repositories.git(&work, arguments));
    assert_eq!(repositories.check("HEAD"), LocalState::Unpushed { commits: 1 });
    git(&["checkout", "-q", "--detach"]);
    git(&["branch", "-q", "-D", "main"]);
    git(&["stash", "create"]);
    assert_eq!(repositories.check("HEAD"), LocalState::Unpushed { commits: 1 });
    for name in ["refs/remotes/pull/7/merge", "refs/pipelines/9", "refs/tags/v1"] {
        git(&["update-ref", name, &head]);
        assert_eq!(repositories.check("HEAD"), LocalState::Clean, "{name}");
        git(&["update-ref", "-d", name]);
    }
    fs::write(work.join(".git/FETCH_HEAD"), format!("{head}\t\t'{head}' of {REPO}\n")).unwrap();
    assert_eq!(repositories.check("HEAD"), LocalState::Clean);
}

#[test]
fn commits_that_a_clone_does_not_have_are_told_apart() {
    let repositories = Repositories::new();
    let work = repositories.work();
    let first = repositories.git(&work, &["rev-parse", "HEAD"]);
    let second = repositories.commit("two");
    repositories.push(&["main"]);
    let elsewhere = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d";
    assert_eq!(pending(&repositories, elsewhere, &second), Err(Unknown::NotFetched));
    let back = pending(&repositories, &second, &first).unwrap();
    assert_eq!((back.total, back.dropped_total, back.dropped[0].revision.as_str()), (0, 1, second.as_str()));

    let bare = format!("file://{}", repositories.home.path().join("shop.git").display());
    fs::remove_dir_all(&work).unwrap();
    assert_eq!(pending(&repositories, &first, &second), Err(Unknown::NoWorkTree));
    repositories.git(repositories.home.path(), &["clone", "-q", "--depth=1", &bare, "work"]);
    assert_eq!(pending(&repositories, &first, &second), Err(Unknown::Shallow));
}

#[test]
fn an_annotated_tag_is_its_commit_and_other_objects_are_none() {
    let repositories = Repositories::new();
    let work = repositories.work();
    let head = repositories.git(&work, &["rev-parse", "HEAD"]);
    let id = |name: &str| Revision::parse(&repositories.git(&work, &["rev-parse", name])).unwrap();
    for (tag, what) in [("v1", "HEAD"), ("of-tree", "HEAD^{tree}"), ("of-file", "HEAD:file"), ("again", "v1")]
    {
        repositories.git(&work, &["tag", "-a", "-m", tag, tag, what]);
    }
    for name in ["HEAD", "v1", "again"] {
        assert_eq!(git::peel(&work, &id(name)).unwrap().as_str(), head, "{name}");
    }
    for (name, is) in
        [("HEAD^{tree}", "tree"), ("HEAD:file", "blob"), ("of-tree", "tag of"), ("of-file", "tag of")]
    {
        let refused = git::peel(&work, &id(name));
        assert!(matches!(&refused, Err(GitError::NotACommit { kind, .. }) if kind.contains(is)), "{name}");
    }
    // What is not here is looked at on a host.
    let unknown = Revision::parse("1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d").unwrap();
    assert_eq!(git::peel(&work, &unknown).unwrap(), unknown);
    assert_eq!(git::peel(std::path::Path::new("/"), &id("v1")).unwrap(), id("v1"));
}
