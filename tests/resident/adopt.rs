//! What other tools deployed is adopted: laid out here as pm2 deploy, Capistrano, Deployer and shipit-js lay it out.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use shipit::remote::script::{Place, Script, Unshared};

use crate::driver::Run;
use crate::full::Disk;
use crate::ground::Ground;
use crate::states::{Deploy, State};
use crate::{Sh, on_each_shell};

on_each_shell!(
    a_work_tree_is_adopted_and_comes_back_with_a_rollback_and_a_revert,
    what_a_new_release_would_lack_is_named_whatever_it_is_called,
    what_is_shared_is_moved_and_found_all_the_time,
    what_cannot_be_moved_stays,
    a_move_that_was_cut_off_is_completed,
    a_commit_that_was_checked_out_since_is_adopted_too,
    a_merge_in_progress_and_a_detached_head_are_no_harm,
    releases_of_capistrano_are_adopted,
    releases_of_deployer_and_of_shipit_js_are_adopted,
    on_a_full_disk_nothing_is_half_adopted,
);

const NONE: &[&str] = &[];

/// As `pm2 deploy` leaves it after these deploys: `source` at the last, each in `.deploys`.
fn pm2_deploy(ground: &Ground, commits: &[String]) {
    let root = ground.root();
    for part in ["shared/logs", "shared/pids"] {
        fs::create_dir_all(root.join(part)).unwrap();
    }
    let source = root.join("source");
    ground.repo.git(&["clone", "-q", &ground.repo.url(), source.to_str().unwrap()]);
    let mut log = String::new();
    for commit in commits {
        in_source(ground, &["reset", "-q", "--hard", commit]);
        log += &format!("{}\n", &commit[..7]);
    }
    fs::write(root.join(".deploys"), log).unwrap();
    symlink(&source, root.join("current")).unwrap();
}

fn in_source(ground: &Ground, arguments: &[&str]) -> String {
    let source = ground.root().join("source");
    ground.repo.git(&[&["-C", source.to_str().unwrap()], arguments].concat())
}

/// What a run sends where another tool deployed.
fn adopt(unshared: Unshared, entries: &[&str]) -> Script {
    let entries: Vec<String> = entries.iter().map(|entry| (*entry).to_owned()).collect();
    let script = Script::new().adopt_begin().store("build", 60, "printf built >artefact");
    let script = script.store("post-deploy", 60, r#"echo "$SHIPIT_ACTION" >>"$OUT/adopted-post-deploy""#);
    script.adopt(unshared, &entries, 60).live().damage().newest().journal()
}

/// What `setup` does.
fn set_up(ground: &Ground, entries: &[&str]) -> crate::answer::Answer {
    let mut run = Run::start(ground, 30);
    run.script(&Script::new().setup_lock().adoptable()).good();
    let answer = run.script(&adopt(Unshared::Move, entries));
    if answer.code == 0 {
        run.script(&Script::new().setup_hooks().setup_close().setup(60)).good();
    }
    run.script(&Script::new().unlock());
    assert!(run.bye().success());
    answer
}

/// A deploy up to its lock, and the adoption.
fn begin<'a>(ground: &'a Ground, entries: &[&str]) -> Deploy<'a> {
    let mut deploy = Deploy::begin(ground, 30);
    let answer = deploy.run.script(&adopt(Unshared::Refuse, entries)).good();
    assert_eq!((answer.fact("foreign"), answer.fact("damaged")), ("", ""), "{answer:?}");
    deploy.from = Some(answer.fact("live").to_owned());
    let revision = answer.fact("live-revision").to_owned();
    deploy.set(&[("from_revision", &revision)]);
    deploy
}

fn refused(ground: &Ground, entries: &[&str], word: &str, text: &str) {
    let mut deploy = Deploy::begin(ground, 30);
    deploy.run.script(&adopt(Unshared::Refuse, entries)).failed(word, text);
    deploy.run.script(&Script::new().unlock()).good();
    assert!(deploy.run.bye().success());
}

fn link(ground: &Ground) -> String {
    fs::read_link(ground.root().join("current")).unwrap().to_str().unwrap().to_owned()
}

fn end(mut deploy: Deploy<'_>) {
    deploy.run.script(&Script::new().unlock()).good();
    assert!(deploy.run.bye().success());
}

fn three(ground: &Ground) -> [String; 3] {
    ["one", "two", "three"].map(|page| ground.repo.publish(&[("page", page)]))
}

/// The releases of the journal, oldest first, each with the page that its commit has.
fn journal(ground: &Ground) -> Vec<(String, String)> {
    let entry = |name: String| {
        let text = ground.read(&format!(".shipit/journal/{name}"));
        let get = |key: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(&format!("{key}\t")))
                .unwrap_or_default()
                .to_owned()
        };
        let page = ground.repo.git(&["show", &format!("{}:page", get("revision"))]);
        (get("action"), page)
    };
    ground.names(".shipit/journal").into_iter().map(entry).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(action, page)| ((*action).to_owned(), (*page).to_owned())).collect()
}

/// Makes a release live that was adopted.
fn revert_to(ground: &Ground, release: &str, revision: &str) {
    let mut revert = Deploy::begin(ground, 30);
    revert.release = release.to_owned();
    revert.set(&[("action", "revert"), ("revision", revision)]);
    let script = Script::new().again(60).intent().switch().stored("post-deploy", Place::Current);
    revert.run.script(&script.activate_service().healthy().finish(5).unlock()).good();
    assert!(revert.run.bye().success());
}

fn a_work_tree_is_adopted_and_comes_back_with_a_rollback_and_a_revert(sh: Sh) {
    let ground = Ground::bare(sh);
    let [one, two, three] = three(&ground);
    // The second was bad: a revert wrote the first once more.
    pm2_deploy(&ground, &[one.clone(), two, one.clone(), three.clone()]);
    let found = link(&ground);
    let inode = fs::metadata(ground.root().join("source/.git")).unwrap().ino();
    ground.repo.publish(&[("page", "four")]);

    // Without setup: a first deploy that fails.
    let mut deploy = begin(&ground, NONE);
    let adopted = deploy.from.clone().unwrap();
    assert!(adopted.ends_with(&three[..7]), "{adopted}");
    let gone_through = [("deploy", "one"), ("deploy", "two"), ("revert", "one"), ("deploy", "three")];
    assert_eq!(journal(&ground), pairs(&gone_through));
    deploy.go(State::Locked, State::Active);
    assert_eq!(ground.current().as_ref(), Some(&deploy.release));
    deploy.run.script(&Script::new().undo().unlock()).good();
    assert!(deploy.run.bye().success());
    assert_eq!(link(&ground), found, "the link as it was");
    assert_eq!(ground.wrote("adopted-post-deploy"), "rollback");

    // One that succeeds, after a setup, which is safe to repeat.
    for _ in 0..2 {
        assert_eq!(set_up(&ground, NONE).fact("live"), adopted);
    }
    let mut deploy = begin(&ground, NONE);
    assert_eq!(deploy.from.as_ref(), Some(&adopted), "it is known by now");
    deploy.complete();
    assert!(deploy.run.bye().success());
    assert_eq!(journal(&ground)[..4], pairs(&gone_through), "nothing is written twice");
    assert_eq!(fs::metadata(ground.root().join("source/.git")).unwrap().ino(), inode, "no second clone");
    assert_eq!(in_source(&ground, &["status", "--porcelain"]), "", "the work tree was not touched");
    assert_eq!(in_source(&ground, &["rev-parse", "HEAD"]), three);

    // Back into that time: what is on disk, and what is made again.
    revert_to(&ground, &adopted, &three);
    assert_eq!((link(&ground), ground.read("current/page")), (found, "three".to_owned()));
    assert_eq!(ground.wrote("adopted-post-deploy"), "rollback\nrevert");
    let first = ground.names(".shipit/releases").into_iter().find(|name| name.ends_with(&one[..7])).unwrap();
    revert_to(&ground, &first, &one);
    assert_eq!(link(&ground), format!("releases/{first}"));
    assert_eq!(
        (ground.read("current/page"), ground.read("current/artefact")),
        ("one".into(), "built".into())
    );
    ground.comes_to_rest("reverted");
}

fn what_a_new_release_would_lack_is_named_whatever_it_is_called(sh: Sh) {
    let ground = Ground::bare(sh);
    let commits = three(&ground);
    ground.repo.publish(&[(".gitignore", ".env\ncache/\nnode_modules/\n")]);
    pm2_deploy(&ground, &commits[2..]);
    in_source(&ground, &["reset", "-q", "--hard", &ground.repo.head()]);
    let write = |path: &str| {
        let file = ground.root().join("source").join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "mine").unwrap();
    };
    let named = ["two\nlines", "$(touch x)", "a 'q\" \\", "-n", "*", "..x"];
    named.iter().for_each(|name| write(name));
    [
        ".env",
        "cache/a",
        "node_modules/b/c",
        "web/node_modules/d",
        "npm.log",
        "data/keep/a",
        "data/other",
        "fixed/x",
    ]
    .iter()
    .for_each(|name| write(name));
    let known = ["d:data/keep", "f:.env", "c:cache", "i:fixed", "i:*.log", "i:node_modules"];
    refused(&ground, &known, "adopt-unmoved", "data/keep, .env");
    set_up(&ground, &known).good();
    let shown = ["two?lines", "$(touch x)", "a 'q\" \\", "-n", "*", "..x", "data/other"];
    for name in shown {
        refused(&ground, &known, "adopt-undecided", name);
    }
    assert!(!ground.root().join("source/x").exists() && !ground.root().join("x").exists());
    let covered = ["data", "two?lines", "i:$(touch x)", "i:a 'q\" \\\\", "i:-n", "i:[*]", "i:..x"];
    let all: Vec<&str> = known.iter().copied().chain(covered[2..].iter().copied()).collect();
    refused(&ground, &all, "adopt-undecided", "two?lines");
    let all: Vec<&str> = all.into_iter().chain(["i:two*", "i:data/other"]).collect();
    end(begin(&ground, &all));
}

fn what_is_shared_is_moved_and_found_all_the_time(sh: Sh) {
    let ground = Ground::bare(sh);
    let commits = three(&ground);
    ground.repo.publish(&[("uploads/.gitkeep", "")]);
    pm2_deploy(&ground, &commits[2..]);
    in_source(&ground, &["reset", "-q", "--hard", &ground.repo.head()]);
    let at = |path: &str| ground.root().join(path);
    fs::write(at("source/.env"), "secret").unwrap();
    // As large as a file may be: what would be copied would fill the disk.
    let large = fs::File::create(at("source/uploads/large")).unwrap();
    large.set_len(2 << 30).unwrap();
    fs::create_dir_all(at("source/logs/web")).unwrap();
    fs::write(at("source/logs/web/out.log"), "a line").unwrap();
    fs::create_dir(at("elsewhere")).unwrap();
    fs::write(at("elsewhere/a"), "mine").unwrap();
    symlink("../elsewhere", at("source/media")).unwrap();
    let inodes =
        ["source/.env", "source/uploads/large", "source/logs/web/out.log"].map(|path| inode(&at(path)));
    let known = ["f:.env", "d:uploads", "d:logs/web", "d:media", "d:missing"];
    let paths = ["source/.env", "source/uploads/large", "source/logs/web/out.log", "source/media/a"].map(at);
    for _ in 0..2 {
        assert_eq!(missed_while(&paths, || drop(set_up(&ground, &known).good())), 0, "found at every moment");
        let moved =
            ["shared/.env", "shared/uploads/large", "shared/logs/web/out.log"].map(|path| inode(&at(path)));
        assert_eq!(moved, inodes, "moved, and not copied");
        let found =
            ["source/.env", "source/uploads/large", "source/logs/web/out.log"].map(|path| inode(&at(path)));
        assert_eq!(found, inodes, "a link in its place");
    }
    assert_eq!(fs::read_link(at("source/logs/web")).unwrap(), Path::new("../../shared/logs/web"));
    assert_eq!(fs::canonicalize(at("shared/media")).unwrap(), fs::canonicalize(at("elsewhere")).unwrap());
    assert!(
        !ground.names("source").iter().any(|name| name.starts_with(".shipit")),
        "{:?}",
        ground.names("source")
    );
    let mut deploy = begin(&ground, &known);
    deploy.go(State::Locked, State::Begun);
    end(deploy);
}

/// How often one of these was not found while something was done.
fn missed_while(paths: &[PathBuf], what: impl FnOnce()) -> usize {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut missed = 0;
            while !over.load(Ordering::Relaxed) {
                missed += paths.iter().filter(|path| !path.exists()).count();
            }
            missed
        });
        what();
        over.store(true, Ordering::Relaxed);
        watching.join().unwrap()
    })
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

fn what_cannot_be_moved_stays(sh: Sh) {
    let ground = Ground::bare(sh);
    let commits = three(&ground);
    pm2_deploy(&ground, &commits);
    let at = |path: &str| ground.root().join(path);
    fs::write(at("source/.env"), "this").unwrap();
    fs::write(at("shared/.env"), "that").unwrap();
    set_up(&ground, &["f:.env"]).failed("adopt-both", "shared/.env");
    assert_eq!((ground.read("source/.env"), ground.read("shared/.env")), ("this".into(), "that".into()));
    fs::write(at("shared/.env"), "this").unwrap();
    set_up(&ground, &["f:.env"]).good();
    assert_eq!(inode(&at("source/.env")), inode(&at("shared/.env")));
    // What git tracks is the repository's.
    set_up(&ground, &["f:page"]).good();
    assert!(!at("shared/page").exists());
}

fn a_move_that_was_cut_off_is_completed(sh: Sh) {
    let ground = Ground::bare(sh);
    let commits = three(&ground);
    pm2_deploy(&ground, &commits);
    let at = |path: &str| ground.root().join(path);
    set_up(&ground, NONE).good();
    fs::create_dir(at("shared/uploads")).unwrap();
    fs::write(at("shared/uploads/a"), "mine").unwrap();
    fs::write(at(".shipit/moving"), "uploads\n").unwrap();
    set_up(&ground, &["d:uploads"]).good();
    assert_eq!(ground.read("source/uploads/a"), "mine");
    assert!(!at(".shipit/moving").exists());
}

fn a_commit_that_was_checked_out_since_is_adopted_too(sh: Sh) {
    let ground = Ground::bare(sh);
    let [one, two, three] = three(&ground);
    pm2_deploy(&ground, std::slice::from_ref(&one));
    // By setup; then the other tool deploys again, and once more after a deploy of ours.
    let first = set_up(&ground, NONE).fact("live").to_owned();
    let pm2 = |commit: &str| {
        in_source(&ground, &["reset", "-q", "--hard", commit]);
        fs::remove_file(ground.root().join("current")).unwrap();
        symlink("source", ground.root().join("current")).unwrap();
        let log = ground.read(".deploys") + "\n" + &commit[..7] + "\n";
        fs::write(ground.root().join(".deploys"), log).unwrap();
    };
    pm2(&two);
    let mut deploy = begin(&ground, NONE);
    assert!(deploy.from.as_ref().unwrap().ends_with(&two[..7]));
    deploy.complete();
    assert!(deploy.run.bye().success());
    pm2(&three);
    let deploy = begin(&ground, NONE);
    assert!(deploy.from.as_ref().unwrap().ends_with(&three[..7]));
    end(deploy);
    let expected = [("deploy", "one"), ("deploy", "two"), ("deploy", "three"), ("deploy", "three")];
    assert_eq!(journal(&ground), pairs(&expected));
    pm2(&one);
    let deploy = begin(&ground, NONE);
    assert_eq!(deploy.from.as_ref(), Some(&first), "a return");
    end(deploy);
    assert_eq!(journal(&ground).last().unwrap(), &("revert".to_owned(), "one".to_owned()));
}

fn a_merge_in_progress_and_a_detached_head_are_no_harm(sh: Sh) {
    let ground = Ground::bare(sh);
    let [one, two, _] = three(&ground);
    pm2_deploy(&ground, &[one.clone(), two.clone()]);
    in_source(&ground, &["checkout", "-q", "--detach", &one]);
    let source = ground.root().join("source");
    fs::write(source.join("page"), "by hand").unwrap();
    in_source(&ground, &["commit", "-q", "-a", "-m", "by hand"]);
    let mut command = std::process::Command::new("git");
    command.args(["-C", source.to_str().unwrap(), "merge", "-q", &two]);
    assert!(!ground.repo.closed(&mut command).status().unwrap().success(), "it conflicts");
    // The server gives another address now, and the clone knows the old one.
    in_source(&ground, &["remote", "set-url", "origin", "/nowhere/at/all.git"]);
    let head = in_source(&ground, &["rev-parse", "HEAD"]);
    let mut deploy = begin(&ground, NONE);
    assert!(deploy.from.as_ref().unwrap().ends_with(&head[..7]));
    deploy.complete();
    assert!(deploy.run.bye().success());
    assert!(in_source(&ground, &["status", "--porcelain"]).contains("UU page"), "the merge goes on");
    assert_eq!(ground.read("current/page"), "three");
}

/// Releases as other tools make them: a directory each, with the file REVISION.
fn releases(ground: &Ground, names: &[&str], commits: &[String]) {
    for (name, commit) in names.iter().zip(commits) {
        let release = ground.root().join("releases").join(name);
        fs::create_dir_all(&release).unwrap();
        fs::write(release.join("page"), ground.repo.git(&["show", &format!("{commit}:page")])).unwrap();
        fs::write(release.join("REVISION"), format!("{commit}\n")).unwrap();
    }
}

fn releases_of_capistrano_are_adopted(sh: Sh) {
    let ground = Ground::bare(sh);
    let commits = three(&ground);
    let root = ground.root();
    let names = ["20240101120000", "20240102120000", "20240103120000"];
    releases(&ground, &names, &commits);
    // One that failed before it was live.
    releases(&ground, &["20240104120000"], &commits);
    let log = |name: &&str| format!("Branch main (at 1a2b3c4) deployed as release {name} by ann\n");
    fs::write(root.join("revisions.log"), names.iter().map(log).collect::<String>()).unwrap();
    ground.repo.git(&["clone", "-q", "--mirror", &ground.repo.url(), root.join("repo").to_str().unwrap()]);
    fs::create_dir_all(root.join("shared/log")).unwrap();
    for name in names {
        symlink(root.join("shared/log"), root.join(format!("releases/{name}/log"))).unwrap();
    }
    symlink(root.join("releases/20240103120000"), root.join("current")).unwrap();
    let found = link(&ground);
    ground.repo.publish(&[("page", "four")]);

    refused(&ground, NONE, "adopt-undecided", "log");
    let mut deploy = begin(&ground, &["d:log"]);
    let live = deploy.from.clone().unwrap();
    assert_eq!(live, format!("20240103T120000Z-{}", &commits[2][..7]));
    assert_eq!(journal(&ground), pairs(&[("deploy", "one"), ("deploy", "two"), ("deploy", "three")]));
    deploy.go(State::Locked, State::Active);
    deploy.run.script(&Script::new().undo().unlock()).good();
    assert!(deploy.run.bye().success());
    assert_eq!(link(&ground), found);
    let mut deploy = begin(&ground, &["d:log"]);
    deploy.complete();
    assert!(deploy.run.bye().success());
    revert_to(&ground, &live, &commits[2]);
    assert_eq!(link(&ground), found, "absolute, as it was");

    // They are counted, and removed like others.
    let mut deploy = begin(&ground, &["d:log"]);
    deploy.go(State::Locked, State::Healthy);
    deploy.run.script(&Script::new().finish(2).unlock()).good();
    assert!(deploy.run.bye().success());
    let left = ground.names("releases");
    assert!(!left.iter().any(|name| name.contains("20240101") || name.contains("20240102")), "{left:?}");
    assert!(
        left.contains(&"20240103120000".to_owned()) && left.contains(&"20240104120000".to_owned()),
        "{left:?}"
    );
    let first = format!("20240101T120000Z-{}", &commits[0][..7]);
    revert_to(&ground, &first, &commits[0]);
    assert_eq!(ground.read("current/page"), "one", "made again from the clone");
    assert!(root.join("current/log").is_dir());
}

fn releases_of_deployer_and_of_shipit_js_are_adopted(sh: Sh) {
    let ground = Ground::bare(sh);
    let commits = three(&ground);
    let root = ground.root();
    releases(&ground, &["9", "10", "11"], &commits);
    fs::create_dir_all(root.join("shared")).unwrap();
    fs::create_dir_all(root.join(".dep")).unwrap();
    ground.repo.git(&[
        "clone",
        "-q",
        "--mirror",
        &ground.repo.url(),
        root.join(".dep/repo").to_str().unwrap(),
    ]);
    fs::write(root.join("releases/10/BAD_RELEASE"), "").unwrap();
    symlink("releases/11", root.join("current")).unwrap();
    ground.repo.publish(&[("page", "four")]);
    let mut deploy = begin(&ground, NONE);
    let live = deploy.from.clone().unwrap();
    assert!(live.ends_with(&commits[2][..7]));
    let mut told = journal(&ground);
    told.sort();
    assert_eq!(told.len(), 2, "{told:?}");
    deploy.complete();
    assert!(deploy.run.bye().success());
    revert_to(&ground, &live, &commits[2]);
    assert_eq!(link(&ground), "releases/11");

    // shipit-js keeps no repository there.
    let ground = Ground::bare(sh);
    let commits = three(&ground);
    releases(&ground, &["20240101120000", "20240102120000"], &commits);
    symlink("releases/20240102120000", ground.root().join("current")).unwrap();
    let mut deploy = begin(&ground, NONE);
    assert_eq!(deploy.from.as_deref(), Some(&*format!("20240102T120000Z-{}", &commits[1][..7])));
    deploy.complete();
    assert!(deploy.run.bye().success());
    // A release of nobody knows what cannot be adopted.
    let ground = Ground::bare(sh);
    fs::create_dir_all(ground.root().join("releases/20240102120000")).unwrap();
    symlink("releases/20240102120000", ground.root().join("current")).unwrap();
    refused(&ground, NONE, "adopt-no-revision", "20240102120000");
}

fn on_a_full_disk_nothing_is_half_adopted(sh: Sh) {
    let disk = Disk::new(sh);
    let ground = &disk.ground;
    let commit = ground.repo.publish(&[("page", "one")]);
    let release = ground.view.join("releases/20240101120000");
    fs::create_dir_all(&release).unwrap();
    fs::write(release.join("REVISION"), &commit).unwrap();
    symlink("releases/20240101120000", ground.view.join("current")).unwrap();
    let mut deploy = Deploy::begin(ground, 30);
    disk.fill();
    let answer = deploy.run.script(&adopt(Unshared::Refuse, NONE));
    assert_ne!(answer.code, 0, "{answer:?}");
    assert_eq!(fs::read_link(ground.view.join("current")).unwrap(), Path::new("releases/20240101120000"));
    disk.free();
    let answer = deploy.run.script(&adopt(Unshared::Refuse, NONE)).good();
    assert!(answer.fact("live").ends_with(&commit[..7]), "{answer:?}");
    end(deploy);
}
