//! What is asked from here, through the connection, on the ways that are not a plain deploy: nobody who is sick, or whom
//! nobody asked, is taken in while there is somebody who can ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::common::{Beat, Kind, Pulse, Signal, World, eventually};

by_openssh!(a_restart_asks_all_whatever_becomes_of_one, who_goes_back_and_was_not_waited_for_is_in_doubt,);

on_each_kind!(
    a_restart_asks_all_whatever_becomes_of_one,
    a_restart_that_is_stopped_still_asks,
    who_goes_back_and_was_not_waited_for_is_in_doubt,
);

on_sshd!(
    a_restart_asks_those_that_came_up_when_another_did_not,
    a_revert_that_is_stopped_still_asks,
    a_revert_that_fails_says_what_is_live,
);

const LINES: &str = r#"
drain = "touch ~/out"
undrain = "rm -f ~/out"
logs = ["~/app.log"]
supervisor = { reload = "[ ! -e ~/broken ]; [ ! -e ~/slow ] || { rm ~/slow; touch ~/reloading; sleep 1000; }" }
"#;

/// What `web1` and `web2` answer.
#[derive(Clone, Default)]
struct Answers(Arc<[AtomicU16; 2]>);

impl Answers {
    fn set(&self, web1: u16, web2: u16) {
        self.0[0].store(web1, Ordering::SeqCst);
        self.0[1].store(web2, Ordering::SeqCst);
    }
}

fn world(kind: Kind) -> (World, Pulse, Answers) {
    let answers = Answers::default();
    answers.set(200, 200);
    let told = answers.clone();
    let pulse = Pulse::new(move |host| Beat::of(told.0[usize::from(host == "web2")].load(Ordering::SeqCst)));
    let health = pulse.http("within = \"4s\", interval = \"200ms\", timeout = \"4s\"");
    let world = World::deployed(kind, 2, &format!("{LINES}{health}rollout = {{ batch = 2 }}\n"));
    (world, pulse, answers)
}

fn is_out(world: &World, host: &str) -> bool {
    world.host(host).path("out").exists()
}

fn a_restart_asks_all_whatever_becomes_of_one(kind: Kind) {
    let (world, _pulse, answers) = world(kind);
    // The one is found sick a good while before the other.
    answers.set(503, 0);
    let run = world.shipit(&["production", "restart"]).ends_with(6);
    run.says("web1").says("web2").says("may not be up").does_not_say("restarted");
    assert!(is_out(&world, "web1") && is_out(&world, "web2"));
    answers.set(200, 200);
    world.shipit(&["production", "restart"]).ends_with(0);
    assert!(!is_out(&world, "web1") && !is_out(&world, "web2"));
}

fn a_restart_asks_those_that_came_up_when_another_did_not(kind: Kind) {
    let (world, _pulse, answers) = world(kind);
    answers.set(200, 503);
    world.host("web2").put("app.log", "starting\ncannot bind\n");
    let run = world.shipit(&["production", "restart"]).ends_with(6);
    run.says("health check failed on web2")
        .says("  | [the end of the app's logs]\n  | starting\n  | cannot bind\n");
    world.host("web1").put("broken", "");
    world.shipit(&["production", "restart"]).ends_with(6).says("web1").says("health check failed on web2");
    assert!(is_out(&world, "web2"), "it is sick");
    answers.set(200, 200);
    world.shipit(&["production", "restart"]).ends_with(6).says("web1");
    assert!(!is_out(&world, "web2"), "it is well");
}

fn a_restart_that_is_stopped_still_asks(kind: Kind) {
    for status in [503, 200] {
        let (world, _pulse, answers) = world(kind);
        ["web1", "web2"].iter().for_each(|host| world.host(host).put("slow", ""));
        answers.set(200, status);
        let running = world.shipit_spawn(&["production", "restart"]);
        eventually("both are at it", || {
            ["web1", "web2"].iter().all(|host| world.host(host).read("reloading").is_some())
        });
        running.kill(Signal::INT);
        running.wait().ends_with(if status == 200 { 130 } else { 6 });
        assert!(!is_out(&world, "web1"));
        assert_eq!(is_out(&world, "web2"), status != 200);
    }
}

fn a_revert_that_is_stopped_still_asks(kind: Kind) {
    for status in [503, 200] {
        let (world, _pulse, answers) = world(kind);
        world.deploy("two");
        answers.set(200, 503);
        let running = world.shipit_spawn(&["production", "revert"]);
        eventually("they are asked", || running.stderr().matches("> health").count() == 2);
        running.kill(Signal::INT);
        eventually("it heard", || running.stderr().contains("Ctrl-C"));
        answers.set(200, status);
        let run = running.wait().ends_with(if status == 200 { 0 } else { 6 });
        if status != 200 {
            run.says("health check failed on web2").says("web2: reverted to ");
        }
        world.serve("one");
        assert!(!is_out(&world, "web1"));
        assert_eq!(is_out(&world, "web2"), status != 200);
    }
}

fn a_revert_that_fails_says_what_is_live(kind: Kind) {
    let (world, _pulse, _) = world(kind);
    let old = world.repo.head();
    world.deploy("two");
    world.host("web2").put("broken", "");
    let text = format!("web2: reverted to {}, but a step failed", &old[..7]);
    world.shipit(&["production", "revert"]).ends_with(6).says("reload failed on web2").says(&text);
    world.serve("one");
    world.shipit(&["production", "status"]).ends_with(0).says("shipit production sync` brings it");
    std::fs::remove_file(world.host("web2").path("broken")).unwrap();
    world.shipit(&["production", "sync"]).ends_with(0).says("web2");
    world.shipit(&["production", "status", "--check"]).ends_with(0);
    world.serve("one");
}

fn who_goes_back_and_was_not_waited_for_is_in_doubt(kind: Kind) {
    let (world, _pulse, answers) = world(kind);
    let old = world.host("web1").current();
    world.publish("two");
    answers.set(503, 503);
    let running = world.shipit_spawn(&["production"]);
    eventually("they are asked once more, on the way back", || {
        running.stderr().matches("> health").count() == 4
    });
    running.kill(Signal::INT);
    eventually("it heard", || running.stderr().contains("Ctrl-C"));
    running.kill(Signal::INT);
    running.wait().ends_with(6).says("web1, web2: in doubt");
    for host in world.hosts() {
        eventually("it went back alone", || {
            host.current() == old && !host.path("app/.shipit/lock").is_symlink() && !host.path("out").exists()
        });
    }
    answers.set(200, 200);
    world.shipit(&["production"]).ends_with(0);
}
