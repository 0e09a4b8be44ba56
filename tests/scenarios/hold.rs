//! `hold` and `resume`: while held nothing new goes out, and everything that helps works.

use crate::common::{Kind, World, eventually};

on_sshd!(
    while_held_nothing_new_goes_out_and_what_helps_works,
    a_hold_ends_by_itself,
    the_hold_of_another_person_is_not_replaced_unasked,
    a_hold_on_some_hosts_only_holds,
    a_run_that_is_under_way_is_named_and_not_stopped,
);

fn while_held_nothing_new_goes_out_and_what_helps_works(kind: Kind) {
    let world = World::deployed(kind, 2, "supervisor = { reload = \"echo up >>~/log\" }");
    world.deploy("two");
    let run = world.shipit(&["production", "hold", "-m", "it's \"Black Friday\" $HOME"]).ends_with(0);
    run.says("production is held on 2 hosts until `shipit production resume`; deploys are refused");
    let status = world.shipit(&["production", "status"]).ends_with(0);
    assert!(status.stdout.contains("held by operator@"), "{status}");
    assert!(status.stdout.contains(": it's \"Black Friday\" $HOME\n"), "{status}");
    world.publish("three");
    for args in
        [&["production"][..], &["production", "update", "--redeploy"], &["production", "ref", "main", "-f"]]
    {
        world
            .shipit(args)
            .ends_with(3)
            .says("production is held by operator@")
            .says("Black Friday")
            .says("resume");
        world.serve("two");
    }
    world.shipit(&["production", "revert"]).ends_with(0);
    world.serve("one");
    world.shipit(&["production", "sync"]).ends_with(0).says("nothing to do");
    world.shipit(&["production", "restart"]).ends_with(0);
    world.shipit(&["production", "resume"]).ends_with(0).says("was held by operator@");
    world.shipit(&["production", "resume"]).ends_with(0).says("was not held");
    assert!(!world.shipit(&["production", "status"]).ends_with(0).stdout.contains("held"));
    world.shipit(&["production"]).ends_with(0);
    world.serve("three");
}

fn a_hold_ends_by_itself(kind: Kind) {
    let world = World::deployed(kind, 1, "");
    world.publish("two");
    world.shipit(&["production", "hold", "--for", "12h"]).ends_with(0).says("until 20");
    world.shipit(&["production"]).ends_with(3).says("until 20");
    world.shipit(&["production", "hold", "--for", "1s"]).ends_with(0);
    eventually("it is over", || world.shipit(&["production"]).code == Some(0));
    world.serve("two");
    assert!(!world.shipit(&["production", "status"]).ends_with(0).stdout.contains("held"));
}

fn the_hold_of_another_person_is_not_replaced_unasked(kind: Kind) {
    let world = World::deployed(kind, 2, "");
    let held = |text: &str| {
        let status = world.shipit(&["production", "status"]).ends_with(0);
        assert!(status.stdout.contains(text), "{status}");
    };
    world.shipit(&["production", "hold", "-m", "database move", "--for", "2h"]).ends_with(0);
    // whose it is may change it
    world.shipit(&["production", "hold", "-m", "database move", "--for", "3h"]).ends_with(0);
    world.env("USER", "anna");
    let run = world.shipit(&["production", "hold", "-m", "other"]).ends_with(3);
    run.says("production is already held by operator@").says(": database move").says("--yes");
    held(": database move\n");
    let mut terminal = world.shipit_at_terminal(&["production", "hold", "-m", "other"]);
    eventually("the question", || terminal.shown().contains("Replace that hold? [y/N] "));
    terminal.types("n\n");
    assert_eq!(terminal.wait(), Some(3));
    held(": database move\n");
    world.shipit(&["production", "hold", "-m", "other", "--yes"]).ends_with(0);
    held("held by anna@");
    held(": other\n");
}

fn a_hold_on_some_hosts_only_holds(kind: Kind) {
    let world = World::deployed(kind, 2, "");
    world.host("web2").kill_sshd();
    world
        .shipit(&["production", "hold", "-m", "one is down"])
        .ends_with(4)
        .says("web2")
        .says("production is held on 1 host");
    world.host("web2").start();
    world.publish("two");
    world.shipit(&["production"]).ends_with(3).says("one is down");
    world.serve("one");
    world.shipit(&["production", "resume"]).ends_with(0).says("one is down");
    world.shipit(&["production"]).ends_with(0);
}

fn a_run_that_is_under_way_is_named_and_not_stopped(kind: Kind) {
    let world =
        World::deployed(kind, 2, "build = \"[ ! -e ~/slow ] || until [ -e ~/go ]; do sleep 0.1; done\"");
    world.hosts().iter().for_each(|host| host.put("slow", ""));
    world.publish("two");
    let running = world.shipit_spawn(&["production"]);
    eventually("it builds", || world.hosts().iter().all(|host| host.releases().len() == 2));
    world.shipit(&["production", "hold"]).ends_with(0).says("deploy in progress: operator@");
    world.hosts().iter().for_each(|host| host.put("go", ""));
    running.wait().ends_with(0);
    world.serve("two");
    world.publish("three");
    world.shipit(&["production"]).ends_with(3).says("held");
}

#[test]
fn hosts_where_nothing_was_set_up_cannot_be_held() {
    let world = World::new(Kind::Sshd, 2);
    world.production("");
    world.shipit(&["production", "hold"]).ends_with(1).says("set it up first: shipit production setup");
    assert!(!world.host("web1").path("app").exists());
}

#[test]
fn what_stands_in_the_file_of_a_hold_does_not_act_on_the_terminal() {
    let world = World::deployed(Kind::Sshd, 1, "");
    world.host("web1").put("app/.shipit/hold", "\t\u{1b}]0;x\u{7}\u{1b}[2J\tmallory\u{1b}[31m\twhy\u{9b}\n");
    world.publish("two");
    for (args, code) in
        [(&["production"][..], 3), (&["production", "status"], 0), (&["production", "resume"], 0)]
    {
        let run = world.shipit(args).ends_with(code).says("mallory");
        let text = run.stdout.clone() + &run.stderr;
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{9b}']), "{run}");
    }
    world.shipit(&["production"]).ends_with(0);
}
