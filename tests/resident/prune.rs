//! What `finish` removes, and what it never touches.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use shipit::remote::script::{Place, Script};

use crate::ground::Ground;
use crate::states::{Deploy, State};
use crate::{Sh, on_each_shell};

on_each_shell!(
    the_newest_stay_and_foreign_things_too,
    a_revert_prunes_neither_end,
    what_failed_and_was_kept_pushes_nothing_out_and_goes_with_prune,
    entries_of_releases_that_are_there_are_kept,
    what_a_process_runs_from_is_kept,
);

fn the_newest_stay_and_foreign_things_too(sh: Sh) {
    let ground = Ground::new(sh);
    let releases = ground.root().join("releases");
    let old: Vec<String> = (1..=6).map(|n| format!("20260101T00000{n}Z-aaaaaa{n}")).collect();
    for (name, number) in old.iter().zip(100001..) {
        fs::write(ground.root().join(format!(".shipit/journal/{number}.{name}.done")), "").unwrap();
        fs::create_dir_all(releases.join(name).join("locked/deep")).unwrap();
        fs::write(releases.join(name).join("locked/deep/file"), "").unwrap();
        let mut readonly = fs::metadata(releases.join(name).join("locked")).unwrap().permissions();
        readonly.set_readonly(true);
        fs::set_permissions(releases.join(name).join("locked"), readonly).unwrap();
    }
    let foreign = ["99-mine", "999", "9notes", "node_modules", "20250101-backup"];
    foreign.iter().for_each(|name| fs::create_dir(releases.join(name)).unwrap());
    fs::create_dir(ground.out().join("kept")).unwrap();
    fs::write(ground.out().join("kept/file"), "").unwrap();
    symlink(ground.out().join("kept"), releases.join("20260101T000000Z-linklin")).unwrap();
    fs::write(releases.join("20260101T000000Z-filefil"), "").unwrap();
    let first = ground.deploy();
    let mut deploy = Deploy::reach(&ground, 30, State::Healthy);
    deploy.run.script(&Script::new().finish(4).unlock()).good();
    let mut left: Vec<String> = foreign.iter().map(|name| (*name).to_string()).collect();
    left.extend(["20260101T000000Z-linklin".into(), "20260101T000000Z-filefil".into()]);
    left.extend([old[4].clone(), old[5].clone(), first, deploy.release.clone()]);
    left.sort();
    assert_eq!(ground.names("releases"), left);
    assert!(ground.out().join("kept/file").exists());
    assert!(deploy.run.bye().success());
}

fn a_revert_prunes_neither_end(sh: Sh) {
    let ground = Ground::new(sh);
    let mut made = Vec::new();
    for page in ["1", "2", "3", "4"] {
        ground.repo.publish(&[("page", page)]);
        made.push(ground.deploy());
    }
    let mut revert = Deploy::begin(&ground, 30);
    let revision = ground.read(&format!("releases/{}/REVISION", made[0]));
    revert.set(&[("action", "revert"), ("release", &made[0]), ("revision", &revision)]);
    let script = Script::new().again(60).intent().switch().stored("post-deploy", Place::Current);
    revert.run.script(&script.activate_service().healthy().finish(1).unlock()).good();
    assert_eq!(ground.current().as_ref(), Some(&made[0]));
    assert_eq!(ground.names("releases"), [made[0].clone(), made[3].clone()], "live, and what was before");
    assert!(revert.run.bye().success());
    ground.comes_to_rest("a revert");
    ground.deploy();
}

fn what_failed_and_was_kept_pushes_nothing_out_and_goes_with_prune(sh: Sh) {
    let ground = Ground::deployed(sh);
    let first = ground.current().unwrap();
    let mut kept = Vec::new();
    for page in ["1", "2", "3"] {
        ground.repo.publish(&[("page", page)]);
        let mut failing = Deploy::begin(&ground, 30);
        failing.run.script(&Script::new().keep_failed()).good();
        failing.go(State::Locked, State::CheckedOut);
        failing.run.script(&Script::new().undo().unlock()).good();
        assert!(failing.run.bye().success());
        kept.push(failing.release.clone());
    }
    ground.repo.publish(&[("page", "4")]);
    let mut deploy = Deploy::reach(&ground, 30, State::Healthy);
    deploy.run.script(&Script::new().finish(2).unlock()).good();
    assert!(deploy.run.bye().success());
    let mut all =
        vec![first.clone(), kept[0].clone(), kept[1].clone(), kept[2].clone(), deploy.release.clone()];
    assert_eq!(ground.names("releases"), all, "both good ones, and all that were kept");

    let mut run = Deploy::begin(&ground, 30);
    run.set(&[("release", &deploy.release), ("parent", &first)]);
    let answer = run.run.script(&Script::new().prune(1).unlock()).good();
    assert_eq!(answer.fact("pruned"), "3");
    assert_eq!(answer.notices.len(), 3, "{answer:?}");
    all.retain(|name| !kept.contains(name));
    assert_eq!(ground.names("releases"), all);
    assert_eq!(ground.names(".shipit/releases"), all, "and of what failed no record");
    let again = run.run.script(&Script::new().lock().prune(1).unlock()).good();
    assert_eq!((again.fact("pruned"), again.notices.len()), ("0", 0));
    assert!(run.run.bye().success());
    ground.comes_to_rest("prune");
    ground.serves(&deploy.release);
}

fn entries_of_releases_that_are_there_are_kept(sh: Sh) {
    let ground = Ground::deployed(sh);
    let first = ground.current().unwrap();
    let journal = ground.root().join(".shipit/journal");
    for number in 200_001..200_230 {
        fs::write(journal.join(format!("{number}.20260101T000000Z-aaaaaaa.done")), "").unwrap();
    }
    ground.repo.publish(&[("page", "2")]);
    let mut deploy = Deploy::reach(&ground, 30, State::Healthy);
    deploy.run.script(&Script::new().finish(9).unlock()).good();
    assert!(deploy.run.bye().success());
    let names = ground.names(".shipit/journal");
    assert!(names.iter().any(|name| name.ends_with(&format!(".{first}.done"))), "{names:?}");
    assert!(names.len() <= 201, "{}", names.len());
    assert_eq!(ground.names("releases"), [first, deploy.release.clone()]);
}

// By its directory, by a path that it was started with, and by its program alone.
fn what_a_process_runs_from_is_kept(sh: Sh) {
    let ground = Ground::deployed(sh);
    let mut old = Vec::new();
    for page in ["2", "3", "4", "5"] {
        old.push(ground.current().unwrap());
        ground.repo.publish(&[("page", page)]);
        ground.deploy();
    }
    let place = |at: usize| ground.root().join("releases").join(&old[at]);
    let sleep = std::path::Path::new("/bin/sleep").canonicalize().unwrap();
    fs::copy(sleep, place(2).join("program")).unwrap();
    symlink(place(2).join("program"), ground.out().join("program")).unwrap();
    let page = place(1).join("page");
    let mut commands =
        [Command::new("sleep"), Command::new("tail"), Command::new(ground.out().join("program"))];
    commands[0].arg("300").current_dir(place(0));
    commands[1].args(["-f", page.to_str().unwrap()]).current_dir("/");
    commands[2].arg("300").current_dir("/");
    let mut started = commands.map(|mut command| command.stdout(Stdio::null()).spawn().unwrap());
    let mut run = Deploy::begin(&ground, 30);
    run.set(&[("release", &ground.current().unwrap()), ("parent", &old[3])]);
    let answer = run.run.script(&Script::new().prune(1).unlock()).good();
    let left = ground.names("releases");
    started.iter_mut().for_each(|child| {
        child.kill().unwrap();
        child.wait().unwrap();
    });
    assert_eq!(answer.fact("pruned"), "0", "{answer:?}");
    for name in &old[..3] {
        assert!(left.contains(name), "{name} is gone: {left:?}");
        let said = format!("release {name} is kept: a process runs from it");
        assert!(answer.notices.contains(&said), "{answer:?}");
    }
    let again = run.run.script(&Script::new().lock().prune(1).unlock()).good();
    assert_eq!(again.fact("pruned"), "3", "{again:?}");
    assert!(run.run.bye().success());
    ground.comes_to_rest("prune");
}
