//! Who takes requests: `drain` and `undrain` on the operator's machine, and hosts that were left drained.

use std::fs;

use crate::common::{Kind, World, eventually};
use rustix::process::Signal;

by_openssh!(a_drain_is_ended_with_the_run, a_host_whose_line_is_lost_is_told_to_be_drained,);

on_each_kind!(
    a_drain_is_ended_with_the_run,
    whoever_loses_the_operator_stays_drained_and_says_so,
    a_host_whose_line_is_lost_is_told_to_be_drained,
);

on_sshd!(
    a_host_is_drained_and_taken_in_from_here,
    a_host_that_goes_back_is_drained_and_taken_in_from_here,
    a_drain_that_fails_here_stops_the_deploy,
    a_drain_that_takes_too_long_is_ended,
    a_restart_a_revert_and_a_sync_ask_too,
    a_drain_that_does_not_want_to_end_is_waited_for,
    texts_that_moved_are_not_taken_for_done,
    a_host_that_is_not_taken_in_says_so_till_it_is,
);

// A balancer that is a directory here: a file for each host that takes requests.
fn world(kind: Kind, hosts: usize, more: &str) -> World {
    let world = World::new(kind, hosts);
    let root = world.root().to_str().unwrap().to_owned();
    fs::create_dir(world.root().join("in")).unwrap();
    world.production(&format!(
        "env = {{ NOTES = '{root}/notes', IN = '{root}/in' }}\n\
         drain = {{ local = true, run = '''echo \"out $SHIPIT_HOST $SHIPIT_ACTION\" >> {root}/notes\n\
         echo draining $SHIPIT_HOST; rm -f {root}/in/$SHIPIT_HOST; . {root}/drain''' }}\n\
         undrain = {{ local = true, run = 'echo \"in $SHIPIT_HOST $SHIPIT_ACTION\" >> {root}/notes; touch {root}/in/$SHIPIT_HOST' }}\n\
         supervisor = {{ reload = 'echo \"reload $SHIPIT_HOST $SHIPIT_ACTION\" >> $NOTES; [ -e ~/careless ] || [ ! -e \"$IN/$SHIPIT_HOST\" ]; . ~/reload' }}\n\
         {more}"
    ));
    fs::write(world.root().join("drain"), "").unwrap();
    world.hosts().iter().for_each(|host| host.put("reload", ""));
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    world.serve("one");
    all_in(&world);
    assert!(!notes(&world).iter().any(|line| line.starts_with("out")), "nothing was live");
    fs::write(world.root().join("notes"), "").unwrap();
    world
}

fn notes(world: &World) -> Vec<String> {
    fs::read_to_string(world.root().join("notes")).unwrap().lines().map(str::to_owned).collect()
}

#[track_caller]
fn all_in(world: &World) {
    for host in world.hosts() {
        assert!(world.root().join("in").join(host.name()).exists(), "{} takes requests", host.name());
    }
}

fn a_host_is_drained_and_taken_in_from_here(kind: Kind) {
    let world = world(kind, 2, "rollout = { batch = 1 }");
    world.publish("two");
    world.shipit(&["production", "-v"]).ends_with(0).says("draining web2");
    let of = |host: &str| ["out", "reload", "in"].map(|what| format!("{what} {host} deploy"));
    assert_eq!(notes(&world), [of("web1"), of("web2")].concat());
    all_in(&world);
    world.serve("two");
    world.shipit(&["production", "status", "--check"]).ends_with(0);
}

fn a_host_that_goes_back_is_drained_and_taken_in_from_here(kind: Kind) {
    let world = world(kind, 2, "rollout = { batch = 1 }");
    world.host("web2").put("reload", "[ $SHIPIT_ACTION = rollback ]");
    world.publish("two");
    world.shipit(&["production"]).ends_with(5);
    let back: Vec<String> = notes(&world).into_iter().filter(|line| line.ends_with("rollback")).collect();
    // The second was not taken in yet.
    let expected = ["reload web2", "in web2", "out web1", "reload web1", "in web1"];
    assert_eq!(back, expected.map(|line| format!("{line} rollback")));
    all_in(&world);
    world.serve("one");
}

fn a_drain_that_fails_here_stops_the_deploy(kind: Kind) {
    let world = world(kind, 2, "");
    fs::write(world.root().join("drain"), "echo the balancer says no >&2\nexit 9").unwrap();
    world.publish("two");
    let run = world.shipit(&["production"]).ends_with(1);
    run.says("drain").says("exit 9").says("the balancer says no");
    all_in(&world);
    world.serve("one");
    fs::write(world.root().join("drain"), "").unwrap();
    world.shipit(&["production"]).ends_with(0);
    world.serve("two");
}

fn a_drain_that_takes_too_long_is_ended(kind: Kind) {
    let world = world(kind, 1, "timeout = { hook = '2s' }");
    fs::write(world.root().join("drain"), "sleep 100").unwrap();
    world.publish("two");
    world.shipit(&["production"]).ends_with(1).says("took longer than 2 s");
    all_in(&world);
    world.serve("one");
}

fn a_drain_is_ended_with_the_run(kind: Kind) {
    let world = world(kind, 1, "");
    let pid = world.root().join("pid");
    fs::write(world.root().join("drain"), format!("echo $$ > {}\nsleep 100", pid.display())).unwrap();
    world.publish("two");
    let running = world.shipit_spawn(&["production"]);
    eventually("the drain", || fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n')));
    running.kill(Signal::INT);
    running.wait().ends_with(130);
    let pid = fs::read_to_string(&pid).unwrap();
    eventually("its end", || !fs::exists(format!("/proc/{}", pid.trim())).unwrap());
    all_in(&world);
    world.serve("one");
}

// Or the host would be taken in first, and drained then.
fn a_drain_that_does_not_want_to_end_is_waited_for(kind: Kind) {
    let world = world(kind, 1, "");
    let (root, done) = (world.root().to_str().unwrap().to_owned(), world.root().join("done"));
    let text = format!(
        "trap 'sleep 1; rm -f {root}/in/web1; touch {root}/done; exit' TERM; : >{root}/begun; sleep 100 & wait"
    );
    fs::write(world.root().join("drain"), text).unwrap();
    world.publish("two");
    let running = world.shipit_spawn(&["production"]);
    eventually("the drain", || world.root().join("begun").exists());
    running.kill(Signal::INT);
    let run = running.wait().ends_with(130);
    assert!(done.exists(), "it came to its end: {run}\n{:?}", notes(&world));
    all_in(&world);
    world.serve("one");
}

fn a_host_whose_line_is_lost_is_told_to_be_drained(kind: Kind) {
    let world = world(kind, 2, "");
    world.host("web2").put("reload", "[ $SHIPIT_ACTION = rollback ] || { touch ~/reloading; sleep 10; }");
    world.publish("two");
    let running = world.shipit_spawn(&["production"]);
    eventually("the reload", || world.host("web2").path("reloading").exists());
    world.host("web2").kill_session();
    running.wait().ends_with(6).says("web2");
    world.serve("one");
    let status = world.shipit(&["production", "status", "--check"]).ends_with(1);
    status.says("web2 is still drained").does_not_say("web1 is");
}

fn texts_that_moved_are_not_taken_for_done(kind: Kind) {
    let world = world(kind, 1, "");
    let lines = fs::read_to_string(world.repo.work().join("shipit.toml")).unwrap();
    let (head, tail) = lines.split_once("drain = ").unwrap();
    let tail = tail.split_once("supervisor").unwrap().1;
    world.config(&format!("{head}drain = 'true'\nundrain = 'true'\nsupervisor{tail}"));
    fs::remove_file(world.root().join("in/web1")).unwrap();
    world.host("web1").put("reload", "[ $SHIPIT_ACTION = rollback ]");
    world.publish("two");
    world.shipit(&["production"]).ends_with(6);
    world.shipit(&["production", "status", "--check"]).ends_with(1).says("web1 is still drained");
    world.host("web1").put("reload", "");
    world.shipit(&["production"]).ends_with(0);
    world.shipit(&["production", "status", "--check"]).ends_with(0);
    world.serve("two");
}

fn a_restart_a_revert_and_a_sync_ask_too(kind: Kind) {
    let world = world(kind, 3, "rollout = { max-unreachable = 1 }");
    let of =
        |action: &str| notes(&world).into_iter().filter(|line| line.ends_with(action)).collect::<Vec<_>>();
    world.shipit(&["production", "restart"]).ends_with(0);
    assert_eq!(of("restart").len(), 9, "{:?}", notes(&world));
    world.host("web2").kill_sshd();
    world.publish("two");
    world.shipit(&["production"]).ends_with(0);
    world.host("web2").start();
    world.shipit(&["production", "sync"]).ends_with(0);
    assert_eq!(of("sync"), ["out web2 sync", "reload web2 sync", "in web2 sync"]);
    world.shipit(&["production", "revert"]).ends_with(0);
    assert_eq!(of("revert").len(), 9, "{:?}", notes(&world));
    all_in(&world);
    world.serve("one");
}

fn whoever_loses_the_operator_stays_drained_and_says_so(kind: Kind) {
    let world = world(kind, 2, "rollout = { batch = 1 }\ntimeout = { reload = '10s' }");
    world.host("web2").put("reload", "[ $SHIPIT_ACTION = rollback ] || sleep 100");
    // Nobody is left to drain the first: it goes back as it is.
    world.host("web1").put("careless", "");
    world.publish("two");
    let running = world.shipit_spawn(&["production"]);
    eventually("the reload", || notes(&world).iter().any(|line| line == "reload web2 deploy"));
    running.kill(Signal::KILL);
    running.wait();
    eventually("the way back", || {
        let settled = world.shipit(&["production", "status"]).stdout;
        settled.contains("drained") && !settled.contains("locked") && !settled.contains("differs")
    });
    world.host("web2").put("reload", "");
    world.serve("one");
    let status = world.shipit(&["production", "status", "--check"]).ends_with(1);
    status.says("web2 is still drained").says("restart --hosts web2").does_not_say("web1 is");
    assert!(world.root().join("in/web1").exists() && !world.root().join("in/web2").exists());
    world.shipit(&["production", "restart", "--hosts", "web2"]).ends_with(0);
    world.shipit(&["production", "status", "--check"]).ends_with(0);
    all_in(&world);
}

// By the hosts' own texts.
fn a_host_that_is_not_taken_in_says_so_till_it_is(kind: Kind) {
    let lines =
        "drain = 'touch ~/out'\nundrain = '[ ! -e ~/stuck ] && rm -f ~/out'\nsupervisor = { reload = ':' }";
    let world = World::deployed(kind, 2, lines);
    world.host("web2").put("stuck", "");
    world.publish("two");
    world.shipit(&["production"]).ends_with(6);
    world.serve("one");
    world.shipit(&["production", "status", "--check"]).ends_with(1).says("web2 is still drained");
    fs::remove_file(world.host("web2").path("stuck")).unwrap();
    world.shipit(&["production"]).ends_with(0);
    world.shipit(&["production", "status", "--check"]).ends_with(0);
    assert!(!world.host("web2").path("out").exists());
    world.serve("two");
}
