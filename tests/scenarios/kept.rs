//! The program that hosts keep: what the first run sends, and what the next ones do.

use std::fs;

use crate::common::{Kind, World};
use shipit::remote::program::{DIGEST, PROGRAM};

/// The bytes that each host received in the last run.
fn received(world: &World) -> Vec<usize> {
    world.hosts().iter().map(|host| host.recorded().last().unwrap().len()).collect()
}

#[test]
fn a_host_is_sent_the_program_once() {
    let world = World::new(Kind::InProcess, 2);
    world.production("");
    world.publish("one");
    let sends = |args: &[&str], all: bool| {
        world.shipit(args).ends_with(0);
        let received = received(&world);
        assert!(received.iter().all(|size| (*size > PROGRAM.len()) == all), "{args:?}: {received:?}");
        assert!(all || received.iter().all(|size| *size < 8_000), "{args:?}: {received:?}");
    };
    // Only what holds the lock changes anything on a host.
    sends(&["production", "status"], true);
    sends(&["production", "setup"], true);
    sends(&["production"], false);
    sends(&["production", "exec", "true"], false);
    sends(&["production", "status"], false);
    world.publish("two");
    sends(&["production"], false);
    sends(&["production", "revert"], false);
    world.serve("one");
    // The host is not believed: what it keeps is looked at before it runs.
    let kept = format!(".cache/shipit/program.{}", *DIGEST);
    for host in world.hosts() {
        assert_eq!(host.read(&kept).as_deref(), Some(PROGRAM.as_str()));
        fs::write(host.path(&kept), "touch ~/planted\n").unwrap();
    }
    sends(&["production", "exec", "true"], true);
    sends(&["production", "restart"], true);
    sends(&["production", "exec", "true"], false);
    assert!(world.hosts().iter().all(|host| host.read("planted").is_none()));
}
