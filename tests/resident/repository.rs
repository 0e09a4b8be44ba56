//! What a repository holds and what a login has set: what of it is deployed, told, or refused before anything is live.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Stdio;

use shipit::remote::script::{Place, Script};
use shipit::remote::warning::Warning;

use crate::answer::Answer;
use crate::driver::Run;
use crate::ground::Ground;
use crate::states::{Deploy, State};
use crate::{Sh, on_each_shell};

on_each_shell!(
    settings_of_the_login_change_nothing,
    what_does_not_go_live_as_it_is_meant_is_told,
    submodules_are_honoured_told_or_refused,
    what_is_in_the_way_of_our_own_paths,
    locks_and_damage_in_the_clone_are_mended,
    formats_of_a_repository,
);

/// A login whose own git would deploy something else, or run something.
fn unruly_login(ground: &Ground) {
    let base = ground.base().display().to_string();
    let hooks = ground.base().join("hooks");
    fs::create_dir_all(ground.base().join("template/hooks")).unwrap();
    fs::create_dir_all(ground.base().join("template/info")).unwrap();
    fs::create_dir(&hooks).unwrap();
    let hook = format!("#!/bin/sh\ntouch {base}/ran\nexit 1\n");
    let names = ["reference-transaction", "post-checkout", "post-index-change", "pre-auto-gc"]
        .map(|name| hooks.join(name));
    for file in names.iter().chain([&ground.base().join("template/hooks/reference-transaction")]) {
        fs::write(file, &hook).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::write(ground.base().join("template/info/attributes"), "* eol=crlf\n").unwrap();
    fs::write(ground.base().join("attributes"), "* text eol=crlf\n").unwrap();
    let text = format!(
        "[core]\nautocrlf = true\neol = crlf\nsymlinks = false\nhooksPath = {base}/hooks\nattributesFile = {base}/attributes\n\
         fsmonitor = touch {base}/ran\nquotePath = false\n[init]\ntemplateDir = {base}/template\n\
         defaultObjectFormat = sha256\ndefaultRefFormat = reftable\n[filter \"lfs\"]\nprocess = touch {base}/ran\n\
         smudge = touch {base}/ran\nrequired = true\n[filter \"upper\"]\nsmudge = tr a-z A-Z\n[submodule]\nrecurse = true\n\
         [url \"{base}/origin.git\"]\ninsteadOf = elsewhere:shop\n"
    );
    fs::write(ground.home().join(".gitconfig"), text).unwrap();
}

fn settings_of_the_login_change_nothing(sh: Sh) {
    let mut ground = Ground::bare(sh);
    let at = ground.root().to_path_buf();
    ground.behind(vec!["/usr/bin/env".into(), format!("CDPATH={}", ground.base().display())], at);
    ground.repo.write(".gitattributes", "*.bin filter=lfs\n*.up filter=upper\n");
    symlink("page", ground.repo.work().join("link")).unwrap();
    ground.repo.git(&["add", "-A"]);
    let revision = ground.repo.publish(&[("page", "a\nb\n"), ("a.bin", "pointer\n"), ("a.up", "small\n")]);
    unruly_login(&ground);
    let mut run = Run::start(&ground, 30);
    // What it says about addresses still holds.
    run.set(&ground, &[("repo", "elsewhere:shop")]);
    run.script(&Script::new().setup_lock().setup_hooks().setup_close().setup(60)).good();
    let release = ground.new_name();
    let more = [("repo", "elsewhere:shop"), ("release", release.as_str()), ("revision", revision.as_str())];
    run.set(&ground, &more);
    let build = "mkdir out; cd out; pwd >\"$OUT/cd\"; git config core.autocrlf >\"$OUT/git\"";
    let script = Script::new().begin().store("build", 20, build).fetch(60).checkout(60);
    let answer = run.script(&script.stored("build", Place::Release).intent().switch().finish(5)).good();
    let current = |name: &str| ground.read(&format!("current/{name}"));
    assert_eq!((current("page").as_str(), current("a.up").as_str()), ("a\nb", "small"));
    assert!(ground.root().join("current/link").is_symlink());
    assert!(!ground.base().join("ran").exists(), "nothing of the login was run");
    assert!(ground.names("source/hooks").is_empty() && ground.root().join("source/refs").is_dir());
    assert!(
        ground.wrote("cd").ends_with(&format!("{release}/out")),
        "CDPATH of the login: {}",
        ground.wrote("cd")
    );
    assert_eq!(ground.wrote("git"), "true", "what runs for the user finds its own settings");
    let told = |name: &str, path: &str| answer.warnings.contains(&warning("filter", &[name, path]));
    assert!(told("lfs", "a.bin") && told("upper", "a.up"), "{:?}", answer.warnings);
    run.script(&Script::new().unlock()).good();
    assert!(run.bye().success());
}

fn warning(word: &str, fields: &[&str]) -> Warning {
    Warning::parse(word, &fields.iter().map(|field| (*field).to_owned()).collect::<Vec<_>>()).unwrap()
}

/// Deploys what is published, with these variables; the answer of the checkout.
fn checked_out(ground: &Ground, more: &[(&str, &str)]) -> Answer {
    let mut deploy = Deploy::begin(ground, 30);
    deploy.set(more);
    deploy.go(State::Locked, State::Begun);
    let script = Script::new().fetch(60).checkout(60).link(&["d:log".into(), "d:storage".into()]);
    let answer = deploy.run.script(&script);
    deploy.run.script(&Script::new().undo().unlock()).good();
    assert!(deploy.run.bye().success());
    answer
}

fn what_does_not_go_live_as_it_is_meant_is_told(sh: Sh) {
    let ground = Ground::deployed(sh);
    assert_eq!(checked_out(&ground, &[]).good().warnings, [], "of an ordinary repository nothing is said");
    let link = |to: &str, at: &str| {
        let at = ground.repo.work().join(at);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        symlink(to, at).unwrap();
    };
    link("../../common/page", "packages/web/out");
    link("page", "packages/web/in");
    link("nowhere", "packages/web/broken");
    ground.repo.git(&["add", "-A"]);
    ground.repo.publish(&[("packages/web/page", "x"), ("common/page", "y"), ("REVISION", "mine")]);
    let answer = checked_out(&ground, &[]).good();
    assert_eq!(answer.warnings, [warning("revision-replaced", &[])]);
    // Out of `subdir`, and of nothing else.
    let answer = checked_out(&ground, &[("subdir", "packages/web")]).good();
    assert_eq!(answer.warnings, [warning("links-out", &["out", "../../common/page", "1"])]);
    // Attributes that are no filter are not worth a word, also of names that are quoted.
    let crypt = "*.key filter=git-crypt diff=git-crypt\n*.txt text\n";
    ground.repo.publish(&[("a/.gitattributes", crypt), ("a/ä \".key", "\0GITCRYPT"), ("a/b.txt", "x")]);
    let answer = checked_out(&ground, &[]).good();
    let expected = warning("filter", &["git-crypt", "\"a/\\303\\244 \\\".key\""]);
    assert_eq!(answer.warnings, [warning("revision-replaced", &[]), expected]);
}

fn submodules_are_honoured_told_or_refused(sh: Sh) {
    let ground = Ground::deployed(sh);
    let inner = ground.repo.work().join("nested");
    fs::create_dir(&inner).unwrap();
    let git = |args: &[&str]| ground.repo.git(&[&["-C", inner.to_str().unwrap()], args].concat());
    git(&["init", "-q"]);
    fs::write(inner.join("file"), "inside").unwrap();
    git(&["add", "file"]);
    git(&["commit", "-q", "-m", "inner"]);
    git(&["push", "-q", &ground.repo.url(), "HEAD:nested"]);
    ground.repo.git(&["-c", "advice.addEmbeddedRepo=false", "add", "nested"]);
    ground.repo.publish(&[("page", "one")]);
    let on: &[(&str, &str)] = &[("submodules", "yes")];
    for more in [&[][..], on] {
        checked_out(&ground, more).failed("submodule-without-address", "submodule nested");
    }
    let modules = |text: &str| {
        ground.repo.publish(&[(".gitmodules", &format!("[submodule \"n\"]\npath = nested\n{text}"))])
    };
    modules("url = ./\nupdate = none\n");
    assert_eq!(checked_out(&ground, on).good().warnings, []);
    assert_eq!(checked_out(&ground, &[]).good().warnings, [warning("submodules-off", &["nested", "1"])]);
    modules("url = ./\n");
    assert_eq!(checked_out(&ground, on).good().warnings, []);
    modules("url = ./\n[submodule \"empty\"]\npath =\nurl =\n");
    assert_eq!(checked_out(&ground, on).good().warnings, []);
    // More than a search takes its time for.
    let long = format!("[submodule \"{}\"]\npath = nested\nurl = ./\n", "n".repeat(70_000));
    ground.repo.publish(&[(".gitmodules", &long)]);
    checked_out(&ground, on).failed("submodule-without-address", "submodule nested");
    modules("url = \"a\\tb\"\n");
    checked_out(&ground, on).failed("bad-gitmodules", "it has a tab or a newline");
    modules(&format!("url = ./\n{}", "# no end\n".repeat(60_000)));
    checked_out(&ground, on).failed("bad-gitmodules", "larger than");
    modules("url = ext::sh -c touch% pwned\n");
    let before = ground.names("");
    let pin = ground.repo.git(&["rev-parse", "HEAD:nested"]);
    // Of a commit that is not here, its address is asked: a program is none.
    ground.repo.git(&[
        "update-index",
        "--cacheinfo",
        &format!("160000,{},nested", pin.replace(&pin[..8], "00000000")),
    ]);
    ground.repo.git(&["commit", "-q", "-m", "elsewhere"]);
    ground.repo.push();
    checked_out(&ground, on).failed("step-failed", "exit 128");
    assert_eq!(ground.names(""), before);
}

fn what_is_in_the_way_of_our_own_paths(sh: Sh) {
    let ground = Ground::deployed(sh);
    // As frameworks have them: a placeholder in each directory below.
    ground.repo.publish(&[
        ("storage/app/.gitignore", "*\n"),
        ("storage/logs/deep/.gitkeep", ""),
        ("log/.keep", ""),
    ]);
    checked_out(&ground, &[]).good();
    ground.repo.publish(&[("storage/app/.gitkeep/precious", "x")]);
    checked_out(&ground, &[]).failed("shared-files-tracked", "app/.gitkeep/precious");
    ground.repo.git(&["rm", "-rq", "storage"]);
    symlink("../outside", ground.repo.work().join("storage")).unwrap();
    ground.repo.publish(&[("storage", "")]);
    checked_out(&ground, &[]).failed("shared-file-tracked", "storage is in `shared`");
    ground.repo.git(&["rm", "-q", "storage"]);
    ground.repo.publish(&[("REVISION/x", "x")]);
    checked_out(&ground, &[]).failed("revision-tracked", "a directory REVISION");
}

fn leave(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "").unwrap();
}

/// As a power loss leaves them.
fn empty_objects(dir: &Path) -> usize {
    let entries = fs::read_dir(dir).unwrap().flatten().map(|entry| entry.path());
    entries
        .map(|path| {
            if path.is_dir() {
                return empty_objects(&path);
            }
            let loose = path.file_name().unwrap().len() == 38;
            if loose {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
                fs::write(&path, "").unwrap();
            }
            usize::from(loose)
        })
        .sum()
}

fn locks_and_damage_in_the_clone_are_mended(sh: Sh) {
    let ground = Ground::deployed(sh);
    let source = ground.root().join("source");
    let locks = ["packed-refs.lock", "config.lock", "HEAD.lock", "shallow.lock", "refs/heads/main.lock"];
    locks.iter().for_each(|name| leave(&source.join(name)));
    ground.set_up();
    locks.iter().for_each(|name| leave(&source.join(name)));
    ground.repo.publish(&[("page", "two")]);
    ground.deploy();
    // A git that works there keeps its locks.
    let mut busy = crate::process::command("git");
    busy.arg("--git-dir").arg(&source).args(["cat-file", "--batch"]).stdin(Stdio::piped());
    let mut busy = busy.spawn().unwrap();
    leave(&source.join("refs/heads/main.lock"));
    ground.repo.publish(&[("page", "three")]);
    let mut run = Run::start(&ground, 30);
    let setup = Script::new().setup_lock().setup_hooks().setup_close().setup(60);
    run.script(&setup).failed("git-access", "(locked)");
    run.script(&Script::new().unlock()).good();
    assert!(run.bye().success());
    assert!(source.join("refs/heads/main.lock").exists());
    busy.kill().unwrap();
    busy.wait().unwrap();
    ground.set_up();
    ground.deploy();

    let damaged = warning("source-damaged", &[source.to_str().unwrap()]);
    for mode in ["", "fast"] {
        assert!(empty_objects(&source.join("objects")) > 0);
        ground.repo.publish(&[("page", &format!("four {mode}"))]);
        let answer = checked_out(&ground, &[("fetch_mode", mode)]).good();
        assert_eq!(answer.warnings, std::slice::from_ref(&damaged), "{mode}");
        // A commit that was there whole, and of which a file is now empty.
        ground.deploy();
        assert!(empty_objects(&source.join("objects")) > 0);
        checked_out(&ground, &[("fetch_mode", mode)]).good();
    }
    assert!(empty_objects(&source.join("objects")) > 0);
    ground.set_up();
    assert_eq!(empty_objects(&source.join("objects").join("info")), 0);
    assert_eq!(
        ground.pins().len(),
        ground.names("releases").len(),
        "what is on disk can still be made again"
    );
    ground.deploy();
}

fn formats_of_a_repository(sh: Sh) {
    let ground = Ground::bare(sh);
    let other = ground.base().join("sha256.git");
    let other = other.to_str().unwrap();
    ground.repo.git(&["init", "-q", "--bare", "--object-format=sha256", other]);
    let work = ground.base().join("sha256");
    let git = |args: &[&str]| ground.repo.git(&[&["-C", work.to_str().unwrap()], args].concat());
    ground.repo.git(&["init", "-q", "--object-format=sha256", work.to_str().unwrap()]);
    git(&["commit", "-q", "--allow-empty", "-m", "x"]);
    git(&["push", "-q", other, "HEAD:main"]);
    let mut run = Run::start(&ground, 30);
    run.set(&ground, &[("repo", other)]);
    let setup = Script::new().setup_lock().setup_hooks().setup_close().setup(60);
    run.script(&setup).failed("git-access", "(format)");
    run.script(&Script::new().find_ref(60)).failed("git-access", "(format)");
    run.script(&Script::new().unlock()).good();
    assert!(run.bye().success());

    // Of a shallow repository, without files: git must not ask for what it lacks to learn what it lacks, for ever.
    for n in 0..5 {
        ground.repo.publish(&[("page", &n.to_string())]);
    }
    let (url, shallow) = (format!("file://{}", ground.repo.url()), ground.base().join("shallow.git"));
    let shallow = shallow.to_str().unwrap();
    ground.repo.git(&["clone", "-q", "--bare", "--depth=3", &url, shallow]);
    ground.repo.git(&["-C", shallow, "config", "uploadpack.allowFilter", "true"]);
    let more = [("fetch_mode", "blobless"), ("repo", &format!("file://{shallow}"))];
    let mut run = Run::start(&ground, 30);
    run.set(&ground, &more);
    run.script(&Script::new().setup_lock().setup_hooks().setup_close().setup(60).unlock()).good();
    assert!(run.bye().success());
    checked_out(&ground, &more).good();
}
