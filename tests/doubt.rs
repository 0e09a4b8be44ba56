//! A host that falls silent just when all are told that all are healthy, and cannot be asked afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::thread::sleep;
use std::time::Duration;

use common::{Kind, World, eventually};

on_each_kind!(
    a_host_that_cannot_be_asked_whether_it_is_confirmed_is_named,
    of_a_first_deploy_only_who_was_lost_is_in_doubt,
);

fn a_host_that_cannot_be_asked_whether_it_is_confirmed_is_named(kind: Kind) {
    let world = World::new(kind, 2);
    let (web1, web2) = (world.host("web1"), world.host("web2"));
    world.production("timeout = { lost = \"4s\", connect = \"2s\" }\n");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    let old = web2.current();
    world.production(
        "timeout = { lost = \"4s\", connect = \"2s\" }\n\
         [deploy.production.supervisor]\nreload = \"true\"\n\
         verify = \"echo >>~/verified; [ $SHIPIT_HOST != web1 ] || until [ -e ~/go ]; do sleep 0.1; done\"\n",
    );
    let run = world.shipit_spawn(&["production"]);
    eventually("web2 waits for web1", || web2.read("verified").is_some());
    sleep(Duration::from_millis(500));
    web2.freeze(true);
    web1.put("go", "");
    let run = run.wait().ends_with(6);
    assert!(run.stderr.contains("web2: in doubt"), "{run}");
    assert_ne!(web1.current(), old, "web1 was told that all are healthy, and stays");
    // Its operator was silent before it was told: it goes back, by itself.
    eventually("web2 serves the old release", || web2.current() == old);
    web2.freeze(false);
    eventually("web2 is unlocked", || !web2.path("app/.shipit/lock").is_symlink());
    world.shipit(&["production", "--redeploy"]).ends_with(0);
    assert_eq!(web1.current(), web2.current());
}

fn of_a_first_deploy_only_who_was_lost_is_in_doubt(kind: Kind) {
    let world = World::new(kind, 3);
    let web2 = world.host("web2");
    world.production(
        "timeout = { lost = \"4s\", connect = \"2s\" }\n[deploy.production.supervisor]\nstop = \"true\"\n\
         reload = \"[ $SHIPIT_HOST != web2 ] || [ -e ~/go ] || { touch ~/reloading; sleep 1000; }\"\n",
    );
    world.shipit(&["production", "setup"]).ends_with(0);
    let run = world.shipit_spawn(&["production"]);
    eventually("web2 is at it", || web2.read("reloading").is_some());
    web2.freeze(true);
    run.wait().ends_with(6).says("web1, web3: serve nothing").says("web2: in doubt");
    web2.freeze(false);
    eventually("web2 is unlocked", || !web2.path("app/.shipit/lock").is_symlink());
    assert!(!web2.path("app/current").is_symlink());
    web2.put("go", "");
    world.shipit(&["production"]).ends_with(0);
}
