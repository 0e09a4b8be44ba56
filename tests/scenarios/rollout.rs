//! How a deploy goes over the hosts: batches, a canary, pauses, hosts that are left out, the way back.

use std::fs;

use crate::common::{Kind, Signal, World, eventually};

on_sshd!(
    a_batch_goes_when_the_one_before_is_live,
    a_batch_that_fails_puts_those_before_it_back_in_batches,
    the_canary_goes_first_and_alone,
    a_pause_can_be_ended_by_the_user,
    whoever_asks_needs_a_terminal,
    the_operator_is_asked_between_batches,
    hosts_that_cannot_be_reached_are_left_out_as_far_as_allowed,
    nothing_is_left_out_that_does_something_for_all,
    what_is_not_touched_needs_nobody,
    a_revert_goes_on_past_a_sick_host,
    a_revert_that_stops_between_two_batches_is_told,
    who_never_had_that_release_is_named_and_built_by_sync,
    only_so_many_hosts_at_a_time,
    a_restart_goes_in_batches,
);

// What hosts do is noted, in the order of all of them.
fn lines(world_root: &str, more: &str) -> String {
    format!(
        "env = {{ NOTES = '{world_root}/notes' }}\n\
         supervisor = {{ reload = 'echo \"$SHIPIT_HOST begins $SHIPIT_ACTION\" >> $NOTES; sleep 0.2; \
         [ ! -e ~/broken ] || [ $SHIPIT_ACTION = rollback ]; echo \"$SHIPIT_HOST ends\" >> $NOTES' }}\n{more}\n"
    )
}

fn deployed(kind: Kind, hosts: usize, more: &str) -> World {
    let world = World::new(kind, hosts);
    world.production(&lines(world.root().to_str().unwrap(), more));
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production", "--batch", "all", "--no-pause"]).ends_with(0);
    world.serve("one");
    forget(&world);
    world
}

fn forget(world: &World) {
    fs::write(world.root().join("notes"), "").unwrap();
}

/// Hosts that were reloaded together: no one of a group begins after another group's first.
fn groups(world: &World) -> Vec<Vec<String>> {
    let notes = fs::read_to_string(world.root().join("notes")).unwrap();
    let (mut groups, mut at_work) = (Vec::new(), 0_usize);
    for line in notes.lines() {
        let (host, what) = line.split_once(' ').unwrap();
        if what.starts_with("begins") {
            if at_work == 0 {
                groups.push(Vec::new());
            }
            at_work += 1;
            groups.last_mut().unwrap().push(host.to_owned());
        } else {
            at_work -= 1;
        }
    }
    groups.iter_mut().for_each(|group: &mut Vec<String>| group.sort());
    groups
}

fn a_batch_goes_when_the_one_before_is_live(kind: Kind) {
    let world = deployed(kind, 4, "rollout = { batch = 2 }");
    world.deploy("two");
    assert_eq!(groups(&world), [["web1", "web2"], ["web3", "web4"]]);
    forget(&world);
    world.publish("three");
    world.shipit(&["production", "--batch", "25%"]).ends_with(0);
    assert_eq!(groups(&world), [["web1"], ["web2"], ["web3"], ["web4"]]);
}

fn a_batch_that_fails_puts_those_before_it_back_in_batches(kind: Kind) {
    let world = deployed(kind, 5, "rollout = { batch = 2 }");
    world.host("web5").put("broken", "");
    world.publish("two");
    world.shipit(&["production"]).ends_with(5);
    world.serve("one");
    let notes = fs::read_to_string(world.root().join("notes")).unwrap();
    let back: Vec<&str> = notes.lines().filter(|line| line.contains("rollback")).collect();
    assert_eq!(back.first(), Some(&"web5 begins rollback"), "who does not serve goes first: {notes}");
    assert_eq!(back.len(), 5, "{notes}");
    // The broken one begins and does not end: what comes after it is the way back.
    let rest = notes.split_once("web5 begins rollback\n").unwrap().1.to_owned();
    fs::write(world.root().join("notes"), rest.replacen("web5 ends\n", "", 1)).unwrap();
    assert_eq!(groups(&world), [["web1", "web2"], ["web3", "web4"]]);
}

fn the_canary_goes_first_and_alone(kind: Kind) {
    let world = deployed(kind, 3, "rollout = { canary = 1 }");
    world.deploy("two");
    assert_eq!(groups(&world), [vec!["web1"], vec!["web2", "web3"]]);
    world.host("web1").put("broken", "");
    forget(&world);
    world.publish("three");
    world.shipit(&["production"]).ends_with(5);
    world.serve("two");
    let notes = fs::read_to_string(world.root().join("notes")).unwrap();
    assert!(!notes.contains("web2") && !notes.contains("web3"), "the others never saw it: {notes}");
}

fn a_pause_can_be_ended_by_the_user(kind: Kind) {
    let world = deployed(kind, 2, "rollout = { batch = 1, pause = '1h' }");
    world.publish("two");
    let running = world.shipit_spawn(&["production"]);
    eventually("the pause", || running.stderr().contains("pausing for 1h before batch 2 of 2"));
    assert_eq!(world.host("web1").page().as_deref(), Some("two"));
    let status = world.shipit(&["production", "status"]).ends_with(0).does_not_say("sync");
    assert!(status.stdout.contains("deploy in progress: operator@"), "{status}");
    running.kill(Signal::INT);
    running.wait().ends_with(130).says("rolled back");
    world.serve("one");
    world.shipit(&["production", "--no-pause"]).ends_with(0);
    world.serve("two");
}

fn whoever_asks_needs_a_terminal(kind: Kind) {
    let world = deployed(kind, 2, "rollout = { batch = 1, pause = 'ask' }");
    world.publish("two");
    world.shipit(&["production"]).ends_with(3).says("--no-pause");
    world.serve("one");
    world.shipit(&["production", "--yes"]).ends_with(0);
    world.serve("two");
}

fn the_operator_is_asked_between_batches(kind: Kind) {
    let world = deployed(kind, 2, "rollout = { batch = 1, pause = 'ask' }");
    for (answer, code, page) in [("n\n", 5, "one"), ("y\n", 0, "two")] {
        world.publish("two");
        let mut terminal = world.shipit_at_terminal(&["production"]);
        let shows = |text: &str| terminal.shown().contains(text);
        eventually("the question", || shows("go on with batch 2 of 2 on web2: ") && shows("[y/N]"));
        assert!(shows("(no rolls back web1)"), "{}", terminal.shown());
        assert_eq!(world.host("web1").page().as_deref(), Some("two"));
        assert_eq!(world.host("web2").page().as_deref(), Some("one"));
        terminal.types(answer);
        assert_eq!(terminal.wait(), Some(code), "{}", terminal.shown());
        let told = "stopped before batch 2 of 2, as you answered no; the host that went live was rolled back";
        assert_eq!(terminal.shown().contains(told), code == 5, "{}", terminal.shown());
        world.serve(page);
    }
}

fn hosts_that_cannot_be_reached_are_left_out_as_far_as_allowed(kind: Kind) {
    let world = deployed(kind, 4, "rollout = { max-unreachable = 1 }");
    world.host("web3").kill_sshd();
    world.publish("two");
    world.shipit(&["production", "--max-unreachable", "0"]).ends_with(4);
    world.shipit(&["production"]).ends_with(0).says("skipped: web3").says("skipped");
    world.host("web3").start();
    for host in world.hosts() {
        assert_eq!(host.page().as_deref(), Some(if host.name() == "web3" { "one" } else { "two" }));
    }
    world.shipit(&["production", "status", "--check"]).ends_with(1).says("web3 does not serve");
    world.shipit(&["production", "sync"]).ends_with(0);
    world.serve("two");
    world.host("web2").kill_sshd();
    world.host("web3").kill_sshd();
    world.publish("three");
    world.shipit(&["production"]).ends_with(4);
    world.shipit(&["production", "--max-unreachable", "50%"]).ends_with(0);
    world.host("web2").start();
    world.host("web3").start();
    world.shipit(&["production", "sync"]).ends_with(3).says("--redeploy");
    world.shipit(&["production"]).ends_with(0);
    world.serve("three");
}

fn nothing_is_left_out_that_does_something_for_all(kind: Kind) {
    let world = deployed(kind, 3, "rollout = { max-unreachable = 1 }\nmigrate = 'touch ~/migrated'");
    world.host("web1").kill_sshd();
    world.publish("two");
    world.shipit(&["production"]).ends_with(4).says("web1 cannot be skipped");
    world.host("web1").start();
    world.serve("one");
}

fn what_is_not_touched_needs_nobody(kind: Kind) {
    let world = World::new(kind, 3);
    let repo = world.repo.url();
    world.config(&format!(
        "[apps.api]\nrepo = {repo:?}\nref = \"api\"\nmigrate = 'touch ~/migrated'\n\
         [apps.web]\nrepo = {repo:?}\nref = \"main\"\n\
         [deploy.production]\nhosts = [\"web[1:3]\"]\npath = \"{{app}}\"\nrollout = {{ max-unreachable = 1 }}\n"
    ));
    world.publish("one");
    world.repo.git(&["push", "-q", "origin", "HEAD:refs/heads/api"]);
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    world.host("web1").kill_sshd();
    world.publish("two");
    // The host that migrates is not there; only the other app changed.
    world.shipit(&["production"]).ends_with(0).says("skipped: web1");
    assert_eq!(world.host("web2").read("web/current/page").as_deref(), Some("two"));
    world.repo.git(&["push", "-q", "origin", "HEAD:refs/heads/api"]);
    world.shipit(&["production"]).ends_with(4).says("web1 cannot be skipped");
    assert_eq!(world.host("web2").read("api/current/page").as_deref(), Some("one"));
    world.host("web1").start();
}

fn a_revert_goes_on_past_a_sick_host(kind: Kind) {
    let world = deployed(kind, 4, "rollout = { batch = 1, max-unreachable = 1 }");
    world.deploy("two");
    world.host("web2").put("broken", "");
    world.host("web3").kill_sshd();
    world.shipit(&["production", "revert"]).ends_with(6).says("web2").says("web3");
    for (name, page) in [("web1", "one"), ("web2", "one"), ("web3", "two"), ("web4", "one")] {
        assert_eq!(world.host(name).page().as_deref(), Some(page), "{name}");
    }
    fs::remove_file(world.host("web2").path("broken")).unwrap();
    world.host("web3").start();
    world.shipit(&["production"]).ends_with(0);
    world.serve("two");
}

fn a_revert_that_stops_between_two_batches_is_told(kind: Kind) {
    let world = deployed(kind, 3, "rollout = { batch = 1 }");
    world.deploy("two");
    forget(&world);
    let run = world.shipit_spawn(&["production", "revert"]);
    let begun = || fs::read_to_string(world.root().join("notes")).unwrap().contains("web1 begins");
    eventually("the first goes back", begun);
    run.kill(Signal::INT);
    run.wait().ends_with(6).says("stopped while going live").says("try again");
    let pages: Vec<_> = world.hosts().iter().map(|host| host.page().unwrap()).collect();
    assert_eq!(pages, ["one", "two", "two"]);
    let status = world.shipit(&["production", "status"]).says("web1 went back to an earlier deploy");
    let text = status.stdout + &status.stderr;
    let (_, rest) = text.split_once("`shipit production revert ").unwrap_or_else(|| panic!("{text}"));
    let release = rest.split_once('`').unwrap().0;
    world.shipit(&["production", "revert", release]).ends_with(0);
    world.serve("one");
    world.shipit(&["production", "status", "--check"]).ends_with(0);
}

// A host that was left out by the deploy to which the others go back.
fn who_never_had_that_release_is_named_and_built_by_sync(kind: Kind) {
    let world = deployed(kind, 3, "rollout = { max-unreachable = 1 }");
    world.host("web2").kill_sshd();
    world.publish("two");
    world.shipit(&["production"]).ends_with(0).says("skipped: web2");
    world.host("web2").start();
    world.deploy("three");
    let dry = world.shipit(&["production", "revert", "-n"]).ends_with(0);
    let stays = dry.stdout.lines().find(|line| line.starts_with("web2: serves ")).unwrap_or_default();
    assert!(stays.ends_with("; cannot be reverted"), "{dry}");
    assert!(
        dry.stdout.contains("\nweb2 has no record of ") && dry.stdout.contains("\nweb1 and web3: from "),
        "{dry}"
    );
    let activate = dry.stdout.lines().find(|line| line.starts_with("activate")).unwrap();
    assert!(activate.contains("web1 and web3") && !activate.contains("all hosts"), "{dry}");
    let run = world.shipit(&["production", "revert"]).ends_with(6).says("prepare failed on web2");
    let (known, failed) =
        (run.stderr.find("note: web2 has no record of "), run.stderr.find("prepare failed"));
    assert!(known.is_some() && known < failed, "before anything is changed: {run}");
    run.says("shipit production sync").does_not_say("try again");
    world.shipit(&["production", "sync"]).ends_with(0);
    world.serve("two");
}

fn only_so_many_hosts_at_a_time(kind: Kind) {
    let world = deployed(kind, 4, "");
    let root = world.root().to_str().unwrap().to_owned();
    let script = format!(
        "echo \"$SHIPIT_HOST begins\" >> {root}/notes; sleep 0.3; echo \"$SHIPIT_HOST ends\" >> {root}/notes"
    );
    world.shipit(&["production", "--concurrency", "2", "exec", &script]).ends_with(0);
    let notes = fs::read_to_string(world.root().join("notes")).unwrap();
    let mut at_work = 0_i32;
    for line in notes.lines() {
        at_work += if line.ends_with("begins") { 1 } else { -1 };
        assert!(at_work <= 2, "{notes}");
    }
    assert_eq!(notes.lines().count(), 8, "{notes}");
    world.publish("two");
    world.shipit(&["production", "--concurrency", "1"]).ends_with(0);
    world.serve("two");
}

fn a_restart_goes_in_batches(kind: Kind) {
    let world = deployed(kind, 4, "rollout = { batch = 2 }");
    world.shipit(&["production", "restart"]).ends_with(0);
    assert_eq!(groups(&world), [["web1", "web2"], ["web3", "web4"]]);
    world.serve("one");
}
