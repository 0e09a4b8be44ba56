//! What changes a host without a new release: hold, restart; and the time that a busy reload has.

use std::fs;

use shipit::remote::script::Script;

use crate::driver::Run;
use crate::ground::Ground;
use crate::states::Deploy;
use crate::{Sh, eventually, on_each_shell};

on_each_shell!(
    a_hold_is_kept_without_the_lock_and_ends,
    a_hold_that_nobody_can_read_holds,
    a_hold_on_a_host_that_was_not_set_up_is_refused,
    a_restart_that_lost_its_operator_is_done_to_its_end,
    a_restart_that_was_stopped_is_done_to_its_end,
    a_restart_that_failed_is_not_tried_again,
    a_busy_reload_has_time_and_not_tries,
);

fn a_hold_is_kept_without_the_lock_and_ends(sh: Sh) {
    let ground = Ground::new(sh);
    let mut holder = Run::start(&ground, 30);
    holder.script(&Script::new().lock()).good();
    let mut run = Run::start(&ground, 30);
    let why = "it's a \"freeze\" $(touch here) \\n";
    let answer = run.script(&Script::new().hold("2026-11-22T08:00:00Z", why).holder()).good();
    let line = format!("2026-11-22T08:00:00Z\t2026-11-21T08:15:02Z\tops on there\t{why}");
    assert_eq!(answer.fact("hold"), line);
    assert_eq!(answer.fact("holder"), "ops on there");
    assert_eq!(ground.read(".shipit/hold"), line);
    // another one replaces it
    run.script(&Script::new().hold("", "")).good();
    assert_eq!(
        run.script(&Script::new().held()).good().fact("hold"),
        "\t2026-11-21T08:15:02Z\tops on there\t"
    );
    assert!(!ground.names(".shipit").iter().any(|name| name.starts_with("hold.")), "nothing half made");
    assert!(run.script(&Script::new().resume()).good().facts.contains_key("hold"), "which one it was");
    assert!(!run.script(&Script::new().resume().held()).good().facts.contains_key("hold"));
    holder.script(&Script::new().unlock()).good();
    assert!(run.bye().success() && holder.bye().success());
    ground.comes_to_rest("a hold");
}

fn a_hold_that_nobody_can_read_holds(sh: Sh) {
    let ground = Ground::new(sh);
    let file = ground.root().join(".shipit/hold");
    let mut run = Run::start(&ground, 30);
    for text in ["", "by hand", "a\nb\n"] {
        fs::write(&file, text).unwrap();
        let answer = run.script(&Script::new().held()).good();
        assert_eq!(answer.fact("hold"), text.lines().next().unwrap_or_default());
    }
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    run.script(&Script::new().held()).good().fact("hold");
    run.script(&Script::new().hold("", "")).failed("cannot-write", "directory");
    run.script(&Script::new().resume()).failed("cannot-remove", "directory");
    assert!(run.bye().success());
}

fn a_hold_on_a_host_that_was_not_set_up_is_refused(sh: Sh) {
    let ground = Ground::bare(sh);
    let mut run = Run::start(&ground, 30);
    run.script(&Script::new().hold("", "")).failed("not-set-up", "");
    run.script(&Script::new().resume().held()).good();
    assert!(run.bye().success());
    assert!(!ground.root().exists());
}

const SLOW: &str = "echo begun >>\"$OUT/restarts\"; until [ -e \"$OUT/go\" ]; do sleep 0.1; done; echo up >>\"$OUT/restarts\"";

/// A host whose live release has this reload, and a run that has begun to restart it.
fn restarting<'a>(ground: &'a Ground, reload: &str) -> (Deploy<'a>, u32) {
    let live = ground.deploy();
    let file = ground.root().join(format!(".shipit/releases/{live}/steps/reload.10.6"));
    assert!(file.exists());
    fs::write(file, reload).unwrap();
    let mut run = Deploy::begin(ground, 30);
    run.release.clone_from(&live);
    run.set(&[("action", "restart")]);
    let told = run.run.tell(&Script::new().restart().unlock());
    (run, told)
}

fn a_restart_that_lost_its_operator_is_done_to_its_end(sh: Sh) {
    let ground = Ground::new(sh);
    let (run, _) = restarting(&ground, SLOW);
    eventually("it is at it", || ground.wrote("restarts") == "begun");
    ground.leave("go", "");
    run.run.cut();
    eventually("unlocked", || !ground.locked());
    let restarts = ground.wrote("restarts");
    assert!(restarts.ends_with("up"), "{restarts}");
    ground.comes_to_rest("a restart");
    ground.serves(&run.release);
}

fn a_restart_that_was_stopped_is_done_to_its_end(sh: Sh) {
    let ground = Ground::new(sh);
    let (mut run, told) = restarting(&ground, SLOW);
    eventually("it is at it", || ground.wrote("restarts") == "begun");
    run.run.message(&shipit::remote::wire::Message::Stop);
    run.run.wait(told).failed("stopped", "");
    ground.leave("go", "");
    run.run.script(&Script::new().restart_again().unlock()).good();
    assert_eq!(ground.wrote("restarts"), "begun\nbegun\nup");
    assert!(run.run.bye().success());
    ground.comes_to_rest("a restart");
}

fn a_restart_that_failed_is_not_tried_again(sh: Sh) {
    let ground = Ground::new(sh);
    let (mut run, told) = restarting(&ground, "echo tried >>\"$OUT/restarts\"; exit 3");
    run.run.wait(told).failed("step-failed", "exit 3");
    run.run.script(&Script::new().restart_again().unlock()).good();
    assert_eq!(ground.wrote("restarts"), "tried");
    assert!(run.run.bye().success());
    ground.comes_to_rest("a restart");
}

fn a_busy_reload_has_time_and_not_tries(sh: Sh) {
    let ground = Ground::new(sh);
    let (mut run, told) = restarting(&ground, "exit 0");
    run.run.wait(told).good();
    let file = ground.root().join(format!(".shipit/releases/{}/steps/reload.10.6", run.release));
    fs::write(file, "echo x >>\"$OUT/tries\"; sleep 3; exit 75").unwrap();
    run.run.script(&Script::new().lock()).good();
    run.set(&[("action", "restart"), ("reload_limit", "6")]);
    run.run.script(&Script::new().restart()).failed("step-failed", "exit 75");
    let tries = ground.wrote("tries").lines().count();
    assert!((1..=3).contains(&tries), "six seconds are no six tries of three: {tries}");
    run.run.script(&Script::new().unlock()).good();
    assert!(run.run.bye().success());
}
