//! `confirm = true`: a deploy asks first, on a terminal only, and nothing else asks.

use crate::common::{Kind, Run, Running, World, require};

const CONFIRM: &str = "confirm = true";

fn world() -> World {
    let world = World::new(Kind::InProcess, 2);
    world.production(CONFIRM);
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world
}

/// Runs shipit on a terminal on which this is typed.
fn on_a_terminal(world: &World, typed: &str, args: &str) -> Run {
    let mut command = world.command(&require("sh"));
    let shipit = env!("CARGO_BIN_EXE_shipit");
    let script = require("script");
    // `script` gives it a terminal, and shows on stdout what it prints there.
    command.args([
        "-c",
        &format!("printf '{typed}\\n' | {} -qec '{shipit} {args}' /dev/null", script.display()),
    ]);
    Running::start(command, format!("shipit {args} on a terminal")).wait()
}

#[test]
fn without_a_terminal_it_is_refused_unless_said_beforehand() {
    let world = world();
    for args in [&["production"][..], &["production", "ref", "main"], &["production", "update", "--force"]] {
        world.shipit(args).ends_with(3).says("no terminal to ask on").says("--yes");
    }
    world.hosts().iter().for_each(|host| assert_eq!(host.current(), None));
    world.shipit(&["production", "--yes"]).ends_with(0);
    world.serve("one");
    world.publish("two");
    world.env("SHIPIT_YES", "1");
    world.shipit(&["production"]).ends_with(0);
    world.serve("two");
}

#[test]
fn what_deploys_nothing_new_does_not_ask() {
    let world = world();
    world.shipit(&["production", "-y"]).ends_with(0);
    world.publish("two");
    world.shipit(&["production", "-y"]).ends_with(0);
    world.shipit(&["production", "plan"]).ends_with(0);
    world.shipit(&["production", "--dry-run"]).ends_with(0);
    world.shipit(&["production", "exec", "true"]).ends_with(0);
    world.shipit(&["production", "revert"]).ends_with(0);
    world.serve("one");
    world.shipit(&["production", "--set", "confirm=false"]).ends_with(0);
    world.serve("two");
}

#[test]
fn on_a_terminal_the_answer_counts() {
    let world = world();
    for no in ["n", "", "yess"] {
        let run = on_a_terminal(&world, no, "production").ends_with(3).says("you answered no");
        assert!(run.stdout.contains(" to production, on web1, web2? [y/N]"), "{run}");
    }
    world.hosts().iter().for_each(|host| assert_eq!(host.current(), None));
    on_a_terminal(&world, "y", "production").ends_with(0);
    world.serve("one");
    world.publish("two");
    // What goes out is shown with the question.
    let run = on_a_terminal(&world, "y", "production").ends_with(0).says("1 commit goes out");
    assert!(run.stdout.contains(") to production, on web1, web2? [y/N]"), "{run}");
    world.serve("two");
    on_a_terminal(&world, "n", "production").ends_with(0).does_not_say("[y/N]").says("nothing to do");
}

#[test]
fn a_mistake_is_told_before_anybody_is_asked() {
    let world = World::new(Kind::InProcess, 1);
    world.production("confirm = 'yes'");
    world.shipit(&["production"]).ends_with(2).says("expected true or false").does_not_say("Go ahead");
}
