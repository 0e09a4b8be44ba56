//! A release that somebody damaged: named, replaced, built again, and never called live as if nothing were wrong; and what a
//! report says that is asked for, not assumed.

use std::fs;

use crate::common::{Kind, World};

on_sshd!(
    what_is_live_and_damaged_is_named_and_replaced,
    a_goal_that_is_damaged_is_built_again_and_said_before,
    a_host_that_cannot_be_rolled_back_is_named_with_what_it_serves,
);

fn what_is_live_and_damaged_is_named_and_replaced(kind: Kind) {
    let world = World::deployed(kind, 2, "");
    world.deploy("two");
    world.shipit(&["production"]).ends_with(0).says("nothing to do");
    let old = world.host("web1").current().unwrap();
    fs::remove_file(world.host("web1").path("app/current/page")).unwrap();
    let run = world.shipit(&["production", "status", "--check"]).ends_with(1);
    assert!(run.stdout.contains("not whole: page is missing"), "{run}");
    run.says("what web1 serves is not whole");
    world.shipit(&["production", "check"]).says("is not whole: page is missing");
    world.shipit(&["production", "sync"]).ends_with(3).says("is not whole there: page is missing");
    world.shipit(&["production", "update", "--dry-run"]).ends_with(0).says("is not whole: page is missing");
    world.shipit(&["production"]).ends_with(0).says("web1 | note: the live release").says("deployed");
    world.serve("two");
    assert!(world.hosts().iter().all(|host| host.current() != Some(old.clone())), "new on all hosts");
    world.shipit(&["production"]).ends_with(0).says("nothing to do");
    world.shipit(&["production", "status", "--check"]).ends_with(0);
}

fn a_goal_that_is_damaged_is_built_again_and_said_before(kind: Kind) {
    let world = World::deployed(kind, 2, "build = \"echo built >made\"");
    let one = world.host("web1").current().unwrap();
    world.deploy("two");
    fs::write(world.host("web2").path(&format!("app/{one}/page")), "").unwrap();
    let said = "was removed or is not whole on web2: it is built again there first";
    world.shipit(&["production", "revert", "--dry-run"]).ends_with(0).says(said);
    world.shipit(&["production", "revert"]).ends_with(0).says(said);
    world.serve("one");
    assert_eq!(world.host("web2").read("app/current/made").as_deref(), Some("built\n"));
    assert_eq!(world.host("web2").current(), Some(one));
}

fn a_host_that_cannot_be_rolled_back_is_named_with_what_it_serves(kind: Kind) {
    let others = "cd -P ..; for r in *; do [ \"$r\" = \"$SHIPIT_RELEASE\" ] || rm -rf \"$r\"; done";
    let lines = format!(
        "post-deploy = '''[ ! -e ~/wreck ] || ({others})'''\nsupervisor = {{ reload = \"true\", verify = \"[ ! -e ~/ill ] || [ $SHIPIT_ACTION = rollback ]\" }}"
    );
    let world = World::deployed(kind, 2, &lines);
    world.host("web2").put("wreck", "");
    world.host("web1").put("ill", "");
    let new = world.publish("two");
    let run = world.shipit(&["production"]).ends_with(6);
    run.says(&format!("web2: could not be rolled back, still serves {}", &new[..7]));
    assert_eq!(world.host("web2").page().as_deref(), Some("two"));
    assert_eq!(world.host("web1").page().as_deref(), Some("one"));
    for host in ["web1", "web2"] {
        fs::remove_file(world.host(host).path(if host == "web1" { "ill" } else { "wreck" })).unwrap();
    }
    world.shipit(&["production", "--redeploy"]).ends_with(0);
    world.serve("two");
}
