//! One directory, one owner: what a second run, app, login or shipit meets that may not use it.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{sleep, spawn};
use std::time::Duration;

use shipit::remote::script::Script;
use shipit::remote::wire::Mode;

use crate::driver::Run;
use crate::ground::Ground;
use crate::states::{Deploy, State};
use crate::{Sh, on_each_shell};

on_each_shell!(
    a_run_that_comes_under_two_names_is_refused,
    a_holder_elsewhere_lives_as_long_as_its_heart,
    deploy_paths_that_lie_in_one_another_are_refused,
    the_directory_of_another_login_is_refused,
    a_newer_layout_is_refused,
    a_lock_that_shipit_did_not_make_is_not_ended,
    an_unrelated_repository_is_refused,
    a_journal_that_has_an_odd_number_goes_on,
    what_a_repository_holds_is_no_deploy_path,
    a_deploy_path_may_end_in_a_blank,
);

fn lock() -> Script {
    Script::new().lock()
}

fn a_run_that_comes_under_two_names_is_refused(sh: Sh) {
    let ground = Ground::new(sh);
    let mut first = Run::start(&ground, 30);
    first.set(&ground, &[("target", "web1")]);
    first.script(&lock()).good();
    let mut second = Run::start_named(&ground, Mode::Held, 30, first.name.clone());
    second.set(&ground, &[("target", "web2")]);
    second.script(&lock()).failed("same-directory", "as that of web1");
    second.script(&Script::new().undo()).good();
    assert!(second.bye().success());
    assert!(ground.locked() && ground.run_dirs() == [format!("run.{}", first.name)], "it is the first's");
    first.script(&lock()).good();
    // A connection that is cut takes nothing with it that is not its own.
    let mut third = Run::start_named(&ground, Mode::Held, 30, first.name.clone());
    third.script(&lock()).failed("same-directory", "");
    third.cut();
    sleep(Duration::from_millis(300));
    first.script(&lock().unlock()).good();
    assert!(first.bye().success());
    ground.comes_to_rest("both");
}

// The lock of a run on another machine that has this directory too.
fn hold_elsewhere(ground: &Ground) -> std::path::PathBuf {
    let dir = ground.root().join(".shipit/run.20260101T000000Z-far");
    let token = dir.join("owner.4194999.1.some-other-boot.77.abcdef-elsewhere");
    fs::create_dir_all(&token).unwrap();
    fs::write(dir.join("who"), "ops far away\n").unwrap();
    symlink("run.20260101T000000Z-far", ground.root().join(".shipit/lock")).unwrap();
    token.join("beat")
}

fn a_holder_elsewhere_lives_as_long_as_its_heart(sh: Sh) {
    let ground = Ground::new(sh);
    let beat = hold_elsewhere(&ground);
    let alive = Arc::new(AtomicBool::new(true));
    let heart = spawn({
        let alive = Arc::clone(&alive);
        move || {
            while alive.load(Ordering::SeqCst) {
                fs::write(&beat, ".").unwrap();
                sleep(Duration::from_millis(200));
            }
        }
    });
    let mut run = Run::start(&ground, 3);
    let refused = run.script(&lock()).failed("lock-held", "");
    assert_eq!(refused.fact("holder"), "ops far away");
    assert_eq!(run.script(&Script::new().holder()).good().fact("holder-dead"), "", "nobody watched it");
    alive.store(false, Ordering::SeqCst);
    heart.join().unwrap();
    let taken = run.script(&lock()).good();
    assert!(taken.notices.iter().any(|notice| notice.contains("ops far away")), "{taken:?}");
    // The heart of this one beats where its token is.
    let own = fs::read_dir(ground.root().join(format!(".shipit/run.{}", run.name))).unwrap();
    let token =
        own.map(|entry| entry.unwrap().path()).find(|path| path.to_string_lossy().contains("/owner."));
    let beat = token.unwrap().join("beat");
    crate::eventually("a heartbeat", || beat.exists());
    run.script(&Script::new().unlock()).good();
    assert!(run.bye().success());
    ground.comes_to_rest("hearts");
}

fn deploy_paths_that_lie_in_one_another_are_refused(sh: Sh) {
    let ground = Ground::new(sh);
    let above = ground.root().parent().unwrap();
    fs::create_dir_all(above.join("releases")).unwrap();
    fs::create_dir_all(above.join(".shipit")).unwrap();
    fs::write(above.join(".shipit/app"), "staging\tapi\tgit@x:y.git\n").unwrap();
    let mut run = Run::start(&ground, 30);
    run.script(&lock()).failed("paths-overlap", "app `api`, environment `staging`");
    fs::remove_dir_all(above.join(".shipit")).unwrap();
    for inside in ["shared/y", "uploads"] {
        let inner = ground.root().join(inside);
        fs::create_dir_all(inner.join(".shipit")).unwrap();
        fs::create_dir_all(inner.join("releases")).unwrap();
        run.script(&lock()).failed("paths-overlap", inside);
        fs::remove_dir_all(inner).unwrap();
    }
    fs::remove_dir_all(above.join("releases")).unwrap();
    run.script(&lock().unlock()).good();
    assert!(run.bye().success());
    ground.comes_to_rest("neighbours");
}

fn the_directory_of_another_login_is_refused(sh: Sh) {
    let ground = Ground::new(sh);
    let shipit = ground.root().join(".shipit");
    // Only root can give a directory away.
    if chown(&shipit, Some(12_345), None).is_err() {
        return;
    }
    let mut run = Run::start(&ground, 30);
    run.script(&lock()).failed("other-login", "belongs to the login 12345");
    run.script(&Script::new().setup_lock()).failed("other-login", "");
    assert_eq!(ground.run_dirs(), [""; 0]);
    chown(&shipit, Some(0), None).unwrap();
    run.script(&lock().unlock()).good();
    assert!(run.bye().success());
    ground.comes_to_rest("logins");
}

fn a_newer_layout_is_refused(sh: Sh) {
    let ground = Ground::new(sh);
    let format = ground.root().join(".shipit/format");
    assert_eq!(fs::read_to_string(&format).unwrap(), "1\n");
    let mut run = Run::start(&ground, 30);
    for (number, known) in
        [("2", false), ("x[$(touch /tmp/x)]", false), ("9", false), ("1", true), ("", true)]
    {
        fs::write(&format, number).unwrap();
        for script in [lock().unlock(), Script::new().holder()] {
            let answer = run.script(&script);
            if known {
                answer.good();
            } else {
                answer.failed("newer-layout", number);
            }
        }
    }
    assert_eq!(fs::read_to_string(&format).unwrap(), "1\n", "an older shipit left it empty");
    assert!(run.bye().success());
    ground.comes_to_rest("layouts");
}

fn a_lock_that_shipit_did_not_make_is_not_ended(sh: Sh) {
    let ground = Ground::new(sh);
    let lock = ground.root().join(".shipit/lock");
    let mut run = Run::start(&ground, 30);
    symlink("../../etc", &lock).unwrap();
    run.script(&Script::new().steal()).failed("lock-foreign", "../../etc");
    assert_eq!(run.script(&Script::new().holder()).good().fact("stuck"), lock.to_str().unwrap());
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    run.script(&Script::new().steal()).failed("lock-not-a-link", "");
    assert_eq!(run.script(&Script::new().holder()).good().fact("stuck"), lock.to_str().unwrap());
    fs::remove_dir(&lock).unwrap();
    let free = run.script(&Script::new().holder().steal()).good();
    assert_eq!((free.fact("stuck"), free.fact("holder")), ("", ""));
    assert!(run.bye().success());
    ground.comes_to_rest("locks");
}

// Makes a commit with these parents in the repository of the host.
fn commit(ground: &Ground, of: &str, parents: &[&str]) -> String {
    let mut git = std::process::Command::new("git");
    ground.closed(&mut git);
    git.arg("--git-dir").arg(ground.root().join("source")).args([
        "commit-tree",
        "-m",
        "x",
        &format!("{of}^{{tree}}"),
    ]);
    for parent in parents {
        git.args(["-p", parent]);
    }
    for role in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{role}_NAME"), "x").env(format!("GIT_{role}_EMAIL"), "x@x");
    }
    let said = git.output().unwrap();
    assert!(said.status.success(), "{said:?}");
    String::from_utf8(said.stdout).unwrap().trim().to_owned()
}

fn an_unrelated_repository_is_refused(sh: Sh) {
    let ground = Ground::new(sh);
    let release = ground.deploy();
    let app = ground.root().join(".shipit/app");
    assert_eq!(fs::read_to_string(&app).unwrap(), format!("production\tshop\t{}\n", ground.repo.url()));
    let live = fs::read_to_string(ground.root().join("releases").join(release).join("REVISION")).unwrap();
    let live = live.trim();
    let (orphan, child) = (commit(&ground, live, &[]), commit(&ground, live, &[live]));
    let mut run = Run::start(&ground, 30);
    let url = ground.repo.url();
    let elsewhere = "git@elsewhere:x.git";
    for (repo, revision, refused) in
        [(elsewhere, &orphan, true), (elsewhere, &child, false), (url.as_str(), &orphan, false)]
    {
        run.set(&ground, &[("repo", repo), ("revision", revision), ("from_revision", live)]);
        let number = run.tell_text("refuse_unrelated\n");
        let answer = run.wait(number);
        if refused {
            answer.failed("other-repository", "app `shop`, environment `production`");
        } else {
            answer.good();
        }
    }
    assert_eq!(run.script(&Script::new().live()).good().fact("other-environment"), "");
    run.set(&ground, &[("environment", "staging")]);
    assert_eq!(run.script(&Script::new().live()).good().fact("other-environment"), "production");
    assert!(run.bye().success());
}

fn a_journal_that_has_an_odd_number_goes_on(sh: Sh) {
    let ground = Ground::new(sh);
    let release = ground.deploy();
    let journal = ground.root().join(".shipit/journal");
    for number in ["99999999999999999999", "9[$(touch x)]", "0x10", "999999999"] {
        fs::write(journal.join(format!("{number}.{release}.done")), "release\tx\n").unwrap();
    }
    ground.repo.publish(&[("page", "two")]);
    let mut deploy = Deploy::reach(&ground, 30, State::Healthy);
    let next = deploy.release.clone();
    deploy.run.script(&Script::new().finish(5).unlock()).good();
    assert!(deploy.run.bye().success());
    let ours = fs::read_dir(&journal).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(ours.into_iter().any(|name| name == format!("100002.{next}.done")));
    let mut run = Run::start(&ground, 30);
    assert_eq!(run.script(&Script::new().journal()).good().entries.len(), 2);
    assert!(run.bye().success());
}

fn what_a_repository_holds_is_no_deploy_path(sh: Sh) {
    let ground = Ground::deployed(sh);
    ground.repo.publish(&[
        ("app/.shipit/x", "x"),
        ("app/releases/x", "x"),
        (".shipit/y", "y"),
        ("releases/y", "y"),
    ]);
    ground.deploy();
    ground.repo.publish(&[("page", "again")]);
    ground.deploy();
}

fn a_deploy_path_may_end_in_a_blank(sh: Sh) {
    let ground = Ground::at(sh, |base| base.join("app "));
    ground.set_up();
    ground.deploy();
    assert!(ground.base().join("app /current").exists());
}
