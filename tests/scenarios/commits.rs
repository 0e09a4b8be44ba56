//! The commits that go out: told in a deploy, where the operator's work tree knows what is live and what will be.

use crate::common::{Kind, World};

fn the_commits_that_go_out_are_told_before_anything_is_prepared(kind: Kind) {
    let world = World::deployed(kind, 2, "");
    let live = world.repo.head();
    for number in 1..=14 {
        world.repo.commit(&[("page", &number.to_string())]);
    }
    world.repo.git(&[
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "fix \u{1b}]0;owned\u{7}the \u{202e}title\n\nbody",
    ]);
    world.repo.push();
    let head = world.repo.head();
    let run = world.shipit(&["production"]).ends_with(0);
    let text = &run.stderr;
    let heading =
        format!("15 commits go out ({}..{}):\n  {} fix the title\n", &live[..7], &head[..7], &head[..7]);
    let at = text.find(&heading).unwrap_or_else(|| panic!("{heading}: {run}"));
    assert!(text.contains("  … and 5 more\n") && !text.contains("body"), "{run}");
    assert!(
        text.find("[lock]").is_none_or(|lock| lock < at) && at < text.find("[prepare]").unwrap(),
        "{run}"
    );
}

on_sshd!(the_commits_that_go_out_are_told_before_anything_is_prepared,);

#[test]
fn commits_that_are_dropped_are_listed() {
    let world = World::deployed(Kind::InProcess, 1, "");
    let old = world.repo.head();
    world.deploy("two");
    world.deploy("three");
    let run = world.shipit(&["production", "ref", &old, "--allow-older"]).ends_with(0);
    assert!(
        run.stderr.contains("no new commit goes out (") && run.stderr.contains("this drops 2 live commits:"),
        "{run}"
    );
}

#[test]
fn what_the_work_tree_does_not_know_is_not_told() {
    let world = World::new(Kind::InProcess, 1);
    world.production("");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0).does_not_say("go out").does_not_say("goes out");
    // Somebody else pushed what we have not fetched.
    let other = world.root().join("other");
    let url = world.repo.url();
    world.repo.git(&["clone", "-q", &url, other.to_str().unwrap()]);
    let there = other.to_str().unwrap();
    world.repo.git(&["-C", there, "commit", "-q", "--allow-empty", "-m", "theirs"]);
    world.repo.git(&["-C", there, "push", "-q", "origin", "HEAD:main"]);
    world.shipit(&["production"]).ends_with(0).does_not_say("goes out");
}
