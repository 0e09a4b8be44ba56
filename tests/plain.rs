//! What a log says of a run, where a person reads it later.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Kind, World};

#[test]
fn hosts_that_were_only_stopped_are_not_counted_as_failed() {
    let world = World::deployed(Kind::InProcess, 3, "");
    world.production("build = 'test $SHIPIT_HOST != web2 || exit 3; sleep 60'");
    world.publish("two");
    let run = world.shipit(&["production"]).ends_with(1);
    let line = run.stderr.lines().find(|line| line.starts_with("[prepare] ")).unwrap();
    assert!(line.ends_with(", 1 failed"), "{line}: {run}");
}

#[test]
fn what_a_local_hook_prints_is_whole_and_its_end_is_told() {
    let world = World::deployed(Kind::InProcess, 1, "");
    world.production("pre-deploy-local = 'printf \"no newline\"'");
    world.publish("two");
    let run = world.shipit(&["production"]).ends_with(0);
    assert!(run.stderr.contains("here | no newline\nhere | < pre-deploy-local: "), "{run}");
    world.production("pre-deploy-local = 'exit 9'");
    world.publish("three");
    world.shipit(&["production"]).ends_with(1).says("here | < pre-deploy-local: exit 9 after");
}
