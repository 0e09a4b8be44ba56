//! The lock: one holder, never a dead one, and nobody who acts in his place twice.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Child, Command};

use shipit::remote::reason::Reason;
use shipit::remote::script::Script;

use crate::answer::Answer;
use crate::driver::Run;
use crate::ground::Ground;
use crate::process::{Signal, signal};
use crate::states::{Deploy, State};
use crate::{Sh, eventually, on_each_shell};

on_each_shell!(
    a_live_holder_is_named,
    of_racing_runs_exactly_one_gets_it,
    dead_holders_are_taken_over,
    of_racing_takers_exactly_one_puts_back,
    a_lock_without_an_owner_is_taken,
    of_racing_takers_of_a_lock_without_an_owner_exactly_one_gets_it,
    a_taker_that_comes_late_removes_nobodys_lock,
    an_heir_that_died_is_succeeded,
    a_lock_that_leads_elsewhere_is_left_alone,
    leftovers_are_removed,
    half_a_record_of_a_run_holds_no_lock,
    steal_ends_a_live_run_which_puts_back,
    what_others_run_now_under_an_old_pid_is_left_alone,
    a_stop_that_comes_while_the_lock_is_released_leaves_nothing,
);

fn lock() -> Script {
    Script::new().lock()
}

fn a_live_holder_is_named(sh: Sh) {
    let ground = Ground::new(sh);
    let mut first = Run::start(&ground, 30);
    first.script(&lock()).good();
    let mut second = Run::start(&ground, 30);
    let refused = second.script(&lock()).failed("lock-held", "");
    assert_eq!(refused.fact("holder"), "ops on there");
    let at_work =
        ["objects/pack/tmp_pack_x", "shallow.lock"].map(|name| ground.root().join("source").join(name));
    at_work.iter().for_each(|path| fs::write(path, "").unwrap());
    second.script(&Script::new().undo());
    assert!(at_work.iter().all(|path| path.exists()), "what the first is at is not the second's");
    assert_eq!(ground.run_dirs(), [format!("run.{}", first.name)], "who was refused leaves nothing");
    assert!(!first.script(&Script::new().holder()).good().facts.contains_key("holder-dead"));
    first.script(&lock()).good();
    first.script(&Script::new().unlock()).good();
    second.script(&lock()).good();
    assert!(first.bye().success(), "who let go ends well");
    assert!(ground.locked(), "and takes nobody's lock with him");
    second.script(&Script::new().unlock()).good();
    assert!(second.bye().success());
    ground.comes_to_rest("both");
}

fn of_racing_runs_exactly_one_gets_it(sh: Sh) {
    let ground = Ground::new(sh);
    let mut runs = [Run::start(&ground, 30), Run::start(&ground, 30), Run::start(&ground, 30)];
    for round in 0..50 {
        let told = runs.each_mut().map(|run| run.tell(&lock()));
        let answers: Vec<_> = runs.iter().zip(told).map(|(run, number)| run.wait(number)).collect();
        let codes: Vec<u32> = answers.iter().map(|answer| answer.code).collect();
        assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "round {round}: {answers:?}");
        assert_eq!(held(&answers), 2, "round {round}: {answers:?}");
        let winner = codes.iter().position(|code| *code == 0).unwrap();
        assert_eq!(ground.run_dirs(), [format!("run.{}", runs[winner].name)], "round {round}");
        runs[winner].script(&Script::new().unlock()).good();
        assert!(!ground.locked() && ground.run_dirs().is_empty(), "round {round}");
    }
    runs.into_iter().for_each(|run| assert!(run.bye().success()));
}

fn held(answers: &[Answer]) -> usize {
    answers.iter().filter(|answer| matches!(answer.fail, Some((Reason::LockHeld {}, _)))).count()
}

fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap().trim().to_string()
}

// Makes the lock of a run that is over, with such a token, as it is found on disk.
fn fake_lock(ground: &Ground, token: &str, job: Option<&str>) {
    let dir = ground.root().join(".shipit/run.20260101T000000Z-dead");
    fs::create_dir_all(dir.join(token)).unwrap();
    fs::write(dir.join("who"), "a ghost\n").unwrap();
    job.into_iter().for_each(|job| fs::write(dir.join(job), "").unwrap());
    symlink("run.20260101T000000Z-dead", ground.root().join(".shipit/lock")).unwrap();
}

fn takes(ground: &Ground) {
    let mut run = Run::start(ground, 30);
    run.script(&lock()).good();
    assert_eq!(ground.run_dirs(), [format!("run.{}", run.name)]);
    run.script(&Script::new().unlock()).good();
    assert!(run.bye().success());
}

fn dead_holders_are_taken_over(sh: Sh) {
    let ground = Ground::new(sh);
    let own = std::process::id();
    for token in [
        format!("owner.{own}.1.{}", boot()),
        format!("owner.{own}.1.some-other-boot"),
        format!("owner.4194999.1.{}", boot()),
    ] {
        fake_lock(&ground, &token, None);
        takes(&ground);
    }
    ground.comes_to_rest("ghosts");
}

fn of_racing_takers_exactly_one_puts_back(sh: Sh) {
    let ground = Ground::new(sh);
    for round in 0..5 {
        ground.deploy();
        ground.repo.publish(&[("page", &round.to_string())]);
        let deploy = Deploy::reach(&ground, 30, State::Active);
        eventually("all is dead", || {
            let left = ground.processes();
            left.iter().for_each(|p| signal(p.pid, Signal::KILL));
            left.is_empty()
        });
        ground.forget("post-deploy");
        let mut takers = [Run::start(&ground, 30), Run::start(&ground, 30), Run::start(&ground, 30)];
        let told = takers.each_mut().map(|run| run.tell(&lock()));
        let answers: Vec<_> = takers.iter().zip(told).map(|(run, number)| run.wait(number)).collect();
        let noticed = answers.iter().filter(|a| !a.notices.is_empty()).count();
        assert_eq!(noticed, 1, "{answers:?}");
        assert_eq!(ground.wrote("post-deploy").lines().count(), 1, "it was rolled back once: {answers:?}");
        assert_eq!(answers.iter().filter(|a| a.code == 0).count(), 1, "{answers:?}");
        assert_eq!(held(&answers), 2, "{answers:?}");
        let winner = answers.iter().position(|a| a.code == 0).unwrap();
        takers[winner].script(&Script::new().unlock()).good();
        takers.into_iter().for_each(|run| assert!(run.bye().success()));
        deploy.is_resolved(State::Active, "taken over");
    }
}

fn a_lock_without_an_owner_is_taken(sh: Sh) {
    let ground = Ground::new(sh);
    symlink("run.gone", ground.root().join(".shipit/lock")).unwrap();
    takes(&ground);
    fs::create_dir(ground.root().join(".shipit/run.empty")).unwrap();
    symlink("run.empty", ground.root().join(".shipit/lock")).unwrap();
    takes(&ground);
    let live = ground.deploy();
    fs::write(ground.root().join(".shipit/lock"), "").unwrap();
    let mut run = Run::start(&ground, 30);
    let answer = run.script(&lock()).failed("lock-not-a-link", "");
    assert_eq!(answer.fact("live"), live, "what is live is told all the same");
    fs::remove_file(ground.root().join(".shipit/lock")).unwrap();
    run.script(&Script::new().undo().unlock()).good();
    assert!(run.bye().success());
    ground.comes_to_rest("what was in the way");
}

fn of_racing_takers_of_a_lock_without_an_owner_exactly_one_gets_it(sh: Sh) {
    let ground = Ground::new(sh);
    let mut runs = [Run::start(&ground, 30), Run::start(&ground, 30), Run::start(&ground, 30)];
    for round in 0..10 {
        let dir = ground.root().join(format!(".shipit/run.dead{round}"));
        if round % 2 == 0 {
            fs::create_dir(&dir).unwrap();
            fs::write(dir.join("who"), "a ghost\n").unwrap();
        }
        symlink(format!("run.dead{round}"), ground.root().join(".shipit/lock")).unwrap();
        let told = runs.each_mut().map(|run| run.tell(&lock()));
        let answers: Vec<_> = runs.iter().zip(told).map(|(run, number)| run.wait(number)).collect();
        let codes: Vec<u32> = answers.iter().map(|answer| answer.code).collect();
        assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "round {round}: {answers:?}");
        let winner = codes.iter().position(|code| *code == 0).unwrap();
        assert!(ground.run_dirs().contains(&format!("run.{}", runs[winner].name)), "round {round}");
        runs[winner].script(&Script::new().unlock()).good();
        assert!(!ground.locked(), "round {round}");
    }
    runs.into_iter().for_each(|run| assert!(run.bye().success()));
    takes(&ground);
    ground.comes_to_rest("all of them");
}

// Both saw the dead one; the first has it by the time that the second acts on what it saw.
fn a_taker_that_comes_late_removes_nobodys_lock(sh: Sh) {
    let ground = Ground::new(sh);
    symlink("run.gone", ground.root().join(".shipit/lock")).unwrap();
    let mut late = Run::start(&ground, 30);
    let slow = "times=x\nreadlink() {\n\tcommand readlink \"$@\"\n\tprintf x >>\"$R/looked\"\n\
                \t[ \"$(cat \"$R/looked\")\" != xx ] || until [ -e \"$R/go\" ]; do pause; done\n}\nlock\n";
    let told = late.tell_text(slow);
    let dir = ground.root().join(format!(".shipit/run.{}", late.name));
    eventually("it looked twice", || fs::read_to_string(dir.join("looked")).unwrap_or_default() == "xx");
    let mut first = Run::start(&ground, 30);
    first.script(&lock()).good();
    fs::write(dir.join("go"), "").unwrap();
    let answer = late.wait(told).failed("lock-held", "");
    assert_eq!(answer.fact("holder"), "ops on there");
    let target = fs::read_link(ground.root().join(".shipit/lock")).unwrap();
    assert_eq!(target.to_str(), Some(format!("run.{}", first.name).as_str()));
    first.script(&Script::new().unlock()).good();
    assert!(first.bye().success() && late.bye().success());
    ground.comes_to_rest("both");
}

fn an_heir_that_died_is_succeeded(sh: Sh) {
    let ground = Ground::new(sh);
    let dir = ground.root().join(".shipit/run.dead");
    fs::create_dir(&dir).unwrap();
    symlink("run.dead", ground.root().join(".shipit/lock")).unwrap();
    symlink(format!("owner.4194999.1.{}", boot()), dir.join("heir.1")).unwrap();
    symlink("owner.1.1.some-other-boot", dir.join("heir.2")).unwrap();
    takes(&ground);
    ground.comes_to_rest("heirs");
}

fn a_lock_that_leads_elsewhere_is_left_alone(sh: Sh) {
    let ground = Ground::new(sh);
    for elsewhere in ["run.x/../../releases", "/tmp", "..", "other"] {
        symlink(elsewhere, ground.root().join(".shipit/lock")).unwrap();
        let mut run = Run::start(&ground, 30);
        run.script(&lock()).failed("lock-foreign", "");
        assert!(run.bye().success());
        fs::remove_file(ground.root().join(".shipit/lock")).unwrap();
    }
    takes(&ground);
    ground.comes_to_rest("elsewhere");
}

fn half_a_record_of_a_run_holds_no_lock(sh: Sh) {
    let ground = Ground::new(sh);
    let boot = boot();
    fake_lock(&ground, &format!("owner.4194999.1.{boot}"), None);
    let vars = ground.root().join(".shipit/run.20260101T000000Z-dead/vars");
    fs::write(vars, "action='deploy'\napp='sh").unwrap();
    takes(&ground);
    ground.comes_to_rest("half a record");
}

fn leftovers_are_removed(sh: Sh) {
    let ground = Ground::new(sh);
    let shipit = ground.root().join(".shipit");
    fs::create_dir_all(shipit.join(format!("run.dead/owner.4194999.1.{}", boot()))).unwrap();
    fs::create_dir_all(shipit.join("run.empty/meta")).unwrap();
    fs::write(shipit.join("run.file"), "").unwrap();
    let mut waiting = Run::start(&ground, 30);
    // A run that is just about to try is alive, and stays.
    let alive = waiting.tell_text("make_run_dir; R=");
    waiting.wait(alive).good();
    let mut run = Run::start(&ground, 30);
    run.script(&lock()).good();
    let mut left = vec![format!("run.{}", waiting.name), format!("run.{}", run.name), "run.file".into()];
    left.sort();
    assert_eq!(ground.run_dirs(), left);
    waiting.script(&lock()).failed("lock-held", "");
    fs::remove_file(shipit.join("run.file")).unwrap();
    run.script(&Script::new().unlock()).good();
    assert!(run.bye().success() && waiting.bye().success());
    ground.comes_to_rest("leftovers");
}

fn steal_ends_a_live_run_which_puts_back(sh: Sh) {
    let ground = Ground::new(sh);
    for state in [State::Locked, State::Building, State::Ready, State::Switched, State::Reloading] {
        let old = ground.deploy();
        ground.repo.publish(&[("page", &format!("{state:?}"))]);
        let deploy = Deploy::reach(&ground, 30, state);
        let mut thief = Run::start(&ground, 30);
        let stolen = thief.script(&Script::new().steal()).good();
        assert_eq!(stolen.fact("live"), old.as_str());
        assert!(!ground.locked(), "{state:?}");
        thief.script(&Script::new().steal()).good();
        assert!(thief.bye().success());
        deploy.is_resolved(state, &format!("{state:?}, stolen"));
    }
    ground.deploy();
}

fn bystander(ground: &Ground) -> Child {
    let mut sleep = Command::new("setsid");
    sleep.args(["sleep", "1001"]).current_dir("/");
    ground.repo.closed(&mut sleep);
    sleep.spawn().unwrap()
}

fn what_others_run_now_under_an_old_pid_is_left_alone(sh: Sh) {
    let ground = Ground::new(sh);
    let mut other = bystander(&ground);
    eventually("it leads a group", || {
        fs::read_to_string(format!("/proc/{}/comm", other.id())).unwrap().trim() == "sleep"
    });
    let pid = other.id();
    for (owner, boot_id) in [(pid, "some-other-boot".to_string()), (pid, boot()), (4194999, boot())] {
        fake_lock(&ground, &format!("owner.{owner}.1.{boot_id}"), Some(&format!("job.{pid}.1.600")));
        takes(&ground);
        assert!(other.try_wait().unwrap().is_none(), "{owner} {boot_id}: a bystander was ended");
    }
    signal(pid, Signal::KILL);
    other.wait().unwrap();
    ground.comes_to_rest("bystander");
}

// Found by the fault suite: Ctrl-C in the moment in which a host removes the directory of its run.
fn a_stop_that_comes_while_the_lock_is_released_leaves_nothing(sh: Sh) {
    let ground = Ground::new(sh);
    let tools = ground.base().join("tools");
    fs::create_dir_all(&tools).unwrap();
    // Makes the file when all others are gone, once, as the reader would.
    let rm = "#!/bin/sh\nfor last; do :; done\n/bin/rm \"$@\"\n\
              case $last in */run.*) [ -e \"$0.once\" ] || { : >\"$0.once\"; mkdir \"$last\"; : >\"$last/stop\"; exit 1; } ;; esac\n";
    fs::write(tools.join("rm"), rm).unwrap();
    fs::set_permissions(tools.join("rm"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut run = Run::start(&ground, 30);
    run.script(&lock()).good();
    let number = run.tell_text(&format!("PATH={}:$PATH\nunlock\n", tools.display()));
    run.wait(number).good();
    assert!(tools.join("rm.once").exists());
    assert_eq!(ground.run_dirs(), [""; 0]);
    assert!(run.bye().success());
    ground.comes_to_rest("released");
}
