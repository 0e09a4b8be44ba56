//! A release is whole, or it is not there: its mark, its removal, what is looked at before it is live, and where links lead.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use shipit::remote::script::{Place, Script};

use crate::driver::Run;
use crate::full::Disk;
use crate::ground::Ground;
use crate::states::{Deploy, State};
use crate::{Sh, on_each_shell};

on_each_shell!(
    what_is_damaged_after_the_mark_is_seen,
    a_goal_that_is_not_whole_is_built_again,
    nothing_goes_live_and_nothing_goes_back_that_is_not_whole,
    a_removal_is_a_rename_that_the_next_run_completes,
    a_mount_in_a_release_keeps_it,
    links_lead_where_they_should_whatever_is_a_link_itself,
    a_link_that_a_person_made_is_ours,
    what_vanishes_while_it_is_carried_is_no_failure,
    without_inodes_what_is_ready_goes_live_and_back,
    a_disk_that_became_read_only_is_told_and_so_is_what_is_served,
);

fn asked(ground: &Ground, fact: &str) -> String {
    let mut run = Run::start(ground, 30);
    let answer = run.script(&Script::new().lock().live().damage().incomplete().unlock()).good();
    assert!(run.bye().success());
    answer.fact(fact).to_owned()
}

fn what_is_damaged_after_the_mark_is_seen(sh: Sh) {
    let ground = Ground::new(sh);
    let files = ["page", "sp ace/q\"uote", "dir/-dash", "line\nend", "built", "cleared"];
    ground.repo.publish(&files.map(|file| (file, "text")));
    ground.repo.publish(&[("empty", "")]);
    let mut deploy = Deploy::reach(&ground, 30, State::CheckedOut);
    let build = deploy
        .run
        .tell_text("rm \"$rel/built\" \"$rel/REVISION\"; : >\"$rel/cleared\"\necho 2 >\"$rel/README\"\n");
    deploy.run.wait(build).good();
    deploy.go(State::CheckedOut, State::Finished);
    deploy.run.script(&Script::new().unlock()).good();
    assert!(deploy.run.bye().success());
    let at = |path: &str| ground.root().join("releases").join(&deploy.release).join(path);
    assert_eq!(asked(&ground, "damaged"), "", "what the build did is as it should be");
    fs::write(at("page"), "other text").unwrap();
    fs::write(at("empty"), "").unwrap();
    assert_eq!(asked(&ground, "damaged"), "", "what a release holds may change");
    for (path, shown) in
        files[..4].iter().zip(["page", "\"sp ace/q\\\"uote\"", "dir/-dash", "\"line\\nend\""])
    {
        fs::remove_file(at(path)).unwrap();
        assert_eq!(asked(&ground, "damaged"), format!("missing {shown}"));
        fs::create_dir(at(path)).unwrap();
        assert_eq!(asked(&ground, "damaged"), format!("missing {shown}"));
        fs::remove_dir(at(path)).unwrap();
        symlink("README", at(path)).unwrap();
        assert_eq!(asked(&ground, "damaged"), format!("changed {shown}"));
        fs::remove_file(at(path)).unwrap();
        fs::write(at(path), "").unwrap();
        let plain = path.replace('\n', "?");
        assert_eq!(asked(&ground, "damaged"), format!("emptied {plain}"));
        fs::write(at(path), "again").unwrap();
        assert_eq!(asked(&ground, "damaged"), "");
    }
    let record = ground.root().join(".shipit/releases").join(&deploy.release).join("whole");
    let mark = fs::read(&record).unwrap();
    fs::write(&record, "").unwrap();
    assert_eq!(asked(&ground, "damaged"), "unfinished ");
    fs::write(&record, &mark[..mark.len() / 2]).unwrap();
    assert_eq!(asked(&ground, "damaged"), "", "of what cannot be read nothing is known");
    fs::remove_file(&record).unwrap();
    assert_eq!(asked(&ground, "damaged"), "", "older versions made none");
    fs::remove_dir_all(at("")).unwrap();
    assert_eq!(asked(&ground, "damaged"), "gone ");
    ground.deploy();
    assert_eq!(asked(&ground, "damaged"), "");
}

fn a_goal_that_is_not_whole_is_built_again(sh: Sh) {
    let ground = Ground::deployed(sh);
    let first = ground.current().unwrap();
    let revision = ground.read(&format!("releases/{first}/REVISION"));
    ground.repo.publish(&[("page", "new")]);
    ground.deploy();
    assert_eq!(asked(&ground, "incomplete"), "");
    let at = |path: &str| ground.root().join(format!("releases/{first}/{path}"));
    fs::remove_file(at("README")).unwrap();
    assert_eq!(asked(&ground, "incomplete"), first);
    let mut revert = Deploy::begin(&ground, 30);
    revert.set(&[("action", "revert"), ("release", &first), ("revision", &revision)]);
    // It dies half way: nothing is left of it, and the next one makes it from its record.
    let number = revert.run.tell_text("run_stored() { exit 3; }\nremake_release 60\n");
    assert_eq!(revert.run.wait(number).code, 3);
    let number = revert.run.tell_text("look_at \"$release\"\nfact damaged \"$damage\"\n");
    assert_eq!(revert.run.wait(number).good().fact("damaged"), "unfinished ");
    assert!(at("README").exists());
    let script = Script::new().again(60).intent().switch().stored("post-deploy", Place::Current);
    revert.run.script(&script.activate_service().healthy().finish(5).unlock()).good();
    assert!(revert.run.bye().success());
    assert_eq!(ground.read(&format!("releases/{first}/README")), "an app");
    assert_eq!(ground.read(&format!("releases/{first}/artefact")), "x");
    assert_eq!(ground.current(), Some(first.clone()));
    assert!(
        ground.names("releases").iter().all(|name| !name.starts_with('.')),
        "{:?}",
        ground.names("releases")
    );
    ground.comes_to_rest("a revert");
    // Live already, and not whole: it is not rebuilt under what runs.
    fs::remove_file(at("README")).unwrap();
    let mut again = Deploy::begin(&ground, 30);
    again.set(&[("action", "revert"), ("release", &first), ("revision", &revision)]);
    again.run.script(&Script::new().again(60)).failed("live-damaged", "README is missing");
    again.run.script(&Script::new().abandon().unlock()).good();
    assert!(again.run.bye().success());
    assert!(at("artefact").exists());
}

fn nothing_goes_live_and_nothing_goes_back_that_is_not_whole(sh: Sh) {
    let ground = Ground::deployed(sh);
    let old = ground.current().unwrap();
    ground.repo.publish(&[("page", "new")]);
    let mut deploy = Deploy::reach(&ground, 30, State::Drained);
    fs::write(ground.root().join(format!("releases/{}/page", deploy.release)), "").unwrap();
    deploy.run.script(&Script::new().switch()).failed("not-whole", "page was emptied");
    let answer = deploy.run.script(&Script::new().undo().unlock()).good();
    assert_eq!(answer.fact("serving"), format!("release {old}"));
    deploy.run.message(&shipit::remote::wire::Message::Bye);
    assert!(deploy.run.ended().success());
    deploy.run.close();
    deploy.is_resolved(State::Drained, "not whole");
    // What it would go back to is gone: what is new stays, and is served.
    let mut deploy = Deploy::reach(&ground, 30, State::Active);
    fs::rename(ground.root().join(format!("releases/{old}")), ground.root().join("releases/aside")).unwrap();
    let answer = deploy.run.script(&Script::new().undo()).failed("not-rolled-back", "");
    assert_eq!(answer.fact("serving"), format!("release {}", deploy.release));
    deploy.run.script(&Script::new().unlock()).good();
    assert!(deploy.run.bye().success());
    assert_eq!(ground.wrote("traffic"), "in", "it is healthy");
    assert_eq!(ground.newest_entry(), Some((deploy.release.clone(), "failed".into())));
    ground.serves(&deploy.release);
    ground.comes_to_rest("no way back");
    ground.deploy();
}

fn a_removal_is_a_rename_that_the_next_run_completes(sh: Sh) {
    let ground = Ground::deployed(sh);
    let old = ground.current().unwrap();
    // On another disk, and not empty: no removal leads there, and nothing is copied.
    let elsewhere = ground.base().join("elsewhere");
    fs::rename(ground.root().join("releases"), &elsewhere).unwrap();
    symlink(&elsewhere, ground.root().join("releases")).unwrap();
    ground.repo.publish(&[("page", "new")]);
    ground.deploy();
    let mut run = Run::start(&ground, 30);
    let number = run.tell_text(&format!("lock\nrm() {{ exit 9; }}\nremove_release {old}\n"));
    assert_eq!(run.wait(number).code, 9, "it dies as it begins to remove");
    let left = ground.names("releases");
    assert!(
        !left.contains(&old) && left.iter().any(|name| name.starts_with(&format!(".removed-{old}."))),
        "{left:?}"
    );
    assert!(elsewhere.join(left.iter().find(|name| name.starts_with('.')).unwrap()).join("README").exists());
    run.script(&Script::new().unlock()).good();
    assert!(run.bye().success());
    assert_eq!(asked(&ground, "incomplete"), old);
    assert_eq!(ground.names("releases"), [ground.current().unwrap()]);
    assert!(!ground.pins().iter().any(|pin| pin.ends_with(&old)));
}

fn a_mount_in_a_release_keeps_it(sh: Sh) {
    let disk = Disk::new(sh);
    let ground = &disk.ground;
    let old = ground.deploy();
    ground.repo.publish(&[("page", "new")]);
    ground.deploy();
    let mut run = Run::start(ground, 30);
    let mount = format!(
        "lock\nmkdir -p \"$root/releases/{old}/up loads\"\nmount -t tmpfs none \"$root/releases/{old}/up loads\"\n\
         echo kept >\"$root/releases/{old}/up loads/file\"\n"
    );
    let number = run.tell_text(&mount);
    run.wait(number).good();
    let answer = run.script(&Script::new().prune(1));
    answer.clone().failed("not-removed", "");
    assert!(answer.notices.iter().any(|text| text.contains("up\\040loads is mounted in it")), "{answer:?}");
    assert_eq!(ground.read(&format!("releases/{old}/up loads/file")), "kept");
    let number = run.tell_text(&format!("umount \"$root/releases/{old}/up loads\"\n"));
    run.wait(number).good();
    assert_eq!(run.script(&Script::new().prune(1).unlock()).good().fact("pruned"), "1");
    assert!(run.bye().success());
    assert_eq!(ground.names("releases"), [ground.current().unwrap()]);
}

fn links_lead_where_they_should_whatever_is_a_link_itself(sh: Sh) {
    let ground = Ground::new(sh);
    let elsewhere = ground.base().join("disk/far/away");
    fs::create_dir_all(elsewhere.parent().unwrap()).unwrap();
    fs::rename(ground.root().join("releases"), &elsewhere).unwrap();
    symlink(&elsewhere, ground.root().join("releases")).unwrap();
    fs::create_dir_all(ground.repo.work().join("real/deep/down")).unwrap();
    symlink("real/deep/down", ground.repo.work().join("web")).unwrap();
    ground.repo.git(&["add", "web"]);
    ground.repo.publish(&[("real/deep/down/index", "x")]);
    fs::create_dir_all(ground.root().join("shared/web")).unwrap();
    fs::write(ground.root().join("shared/web/conf"), "conf").unwrap();
    let mut deploy = Deploy::reach(&ground, 30, State::Fetched);
    let links = ["d:log", "d:web/files", "f:web/conf"].map(str::to_owned);
    deploy.run.script(&Script::new().checkout(60).link(&links).intent().switch()).good();
    let current = ground.root().join("current");
    for (path, shared) in [("log", "log"), ("web/files", "web/files"), ("real/deep/down/conf", "web/conf")] {
        let shared = ground.root().join("shared").join(shared);
        assert_eq!(current.join(path).canonicalize().unwrap(), shared.canonicalize().unwrap());
    }
    deploy.run.script(&Script::new().undo().unlock()).good();
    assert!(deploy.run.bye().success());
    ground.comes_to_rest("links");
}

fn a_link_that_a_person_made_is_ours(sh: Sh) {
    let ground = Ground::deployed(sh);
    let old = ground.current().unwrap();
    let link = ground.root().join("current");
    let absolute = ground.root().join(format!("releases/{old}"));
    let forms = [absolute.to_str().unwrap(), &format!("./releases/{old}"), &format!("releases/{old}/")];
    for form in forms {
        fs::remove_file(&link).unwrap();
        symlink(form, &link).unwrap();
        let mut run = Run::start_as(&ground, shipit::remote::wire::Mode::Free, 30);
        let answer = run.script(&Script::new().live().damage()).good();
        assert_eq!(
            (answer.fact("live"), answer.fact("foreign"), answer.fact("damaged")),
            (old.as_str(), "", "")
        );
        assert!(run.bye().success());
    }
    ground.repo.publish(&[("page", "new")]);
    let mut deploy = Deploy::begin(&ground, 30);
    assert_eq!(deploy.from.as_ref(), Some(&old));
    deploy.go(State::Locked, State::Active);
    assert_eq!(ground.current().as_ref(), Some(&deploy.release));
    deploy.run.script(&Script::new().undo().unlock()).good();
    assert!(deploy.run.bye().success());
    ground.serves(&old);
    fs::remove_file(&link).unwrap();
    symlink("elsewhere", &link).unwrap();
    assert_eq!(asked(&ground, "foreign"), "elsewhere");
}

fn what_vanishes_while_it_is_carried_is_no_failure(sh: Sh) {
    let ground = Ground::deployed(sh);
    let tools = ground.base().join("tools");
    fs::create_dir(&tools).unwrap();
    let tool = tools.join("cp");
    let carry = |says: &str| {
        let text = format!("#!/bin/sh\n/bin/cp \"$@\"\nprintf '%s\\n' {says} >&2\nexit 1\n");
        fs::write(&tool, text).unwrap();
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
        ground.repo.publish(&[("page", says)]);
        let mut deploy = Deploy::reach(&ground, 30, State::CheckedOut);
        let number =
            deploy.run.tell_text(&format!("PATH={}:$PATH\ncarry_over 60 artefact\n", tools.display()));
        let answer = deploy.run.wait(number);
        let carried = ground.read(&format!("releases/{}/artefact", deploy.release));
        deploy.run.script(&Script::new().undo().unlock()).good();
        assert!(deploy.run.bye().success());
        (answer, carried)
    };
    let vanished = "\"cp: cannot stat 'a/b': No such file or directory\"";
    let replaced = "\"cp: skipping file 'a', as it was replaced while being copied\"";
    let (answer, carried) = carry(&format!("{vanished} {replaced}"));
    assert_eq!(answer.good().ends[0], ("carry".to_owned(), 0, "exit".to_owned()));
    assert_eq!(carried, "x");
    carry(&format!("{vanished} \"cp: cannot open 'c' for reading: Permission denied\""))
        .0
        .failed("step-failed", "exit 1");
    carry("\"cp: error writing 'No such file or directory': No space left on device\"")
        .0
        .failed("step-failed", "");
}

fn without_inodes_what_is_ready_goes_live_and_back(sh: Sh) {
    let disk = Disk::new(sh);
    let ground = &disk.ground;
    ground.deploy();
    for back in [true, false] {
        ground.repo.publish(&[("page", &back.to_string())]);
        let mut deploy = Deploy::reach(ground, 30, State::Ready);
        disk.remount(&mut deploy.run, &format!("nr_inodes={}", disk.inodes()));
        let forward = Script::new().drain().switch().stored("post-deploy", Place::Current).activate_service();
        deploy.run.script(&forward.undrain()).good();
        if back {
            let answer = deploy.run.script(&Script::new().undo().unlock()).good();
            assert_eq!(answer.fact("serving"), format!("release {}", deploy.from.clone().unwrap()));
        } else {
            deploy.run.script(&Script::new().healthy().finish(5).unlock()).good();
        }
        let state = if back { State::Active } else { State::Healthy };
        disk.remount(&mut deploy.run, "nr_inodes=100000");
        deploy.run.message(&shipit::remote::wire::Message::Bye);
        assert!(deploy.run.ended().success());
        deploy.run.close();
        deploy.is_resolved(state, "no inodes are left");
    }
}

fn a_disk_that_became_read_only_is_told_and_so_is_what_is_served(sh: Sh) {
    let disk = Disk::new(sh);
    let ground = &disk.ground;
    ground.deploy();
    ground.repo.publish(&[("page", "new")]);
    let mut deploy = Deploy::reach(ground, 30, State::Switched);
    disk.remount(&mut deploy.run, "ro");
    let answer =
        deploy.run.script(&Script::new().activate_service()).failed("cannot-start", "Read-only file system");
    assert_eq!(answer.ends, [("reload".to_owned(), 19, "unnamed".to_owned())]);
    let answer = deploy.run.script(&Script::new().undo()).failed("not-rolled-back", "");
    assert_eq!(answer.fact("serving"), format!("release {}", deploy.release));
    disk.remount(&mut deploy.run, "rw");
    deploy.run.cut();
    deploy.is_resolved(State::Switched, "the disk can be written again");
    ground.deploy();
}
