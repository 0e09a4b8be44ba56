//! A host that falls silent just when all are told that all are healthy, and cannot be asked afterwards.

use std::thread::sleep;
use std::time::Duration;

use crate::common::{Kind, Signal, World, eventually};

by_openssh!(
    a_host_that_cannot_be_asked_whether_it_is_confirmed_is_named,
    of_a_first_deploy_only_who_was_lost_is_in_doubt,
);

on_each_kind!(
    a_host_that_cannot_be_asked_whether_it_is_confirmed_is_named,
    of_a_first_deploy_only_who_was_lost_is_in_doubt,
    who_was_left_drained_is_in_doubt,
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
        "timeout = { lost = \"4s\", connect = \"2s\", reload = \"10s\" }\n[deploy.production.supervisor]\nstop = \"true\"\n\
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

// Nothing was switched, and it takes no requests: the operator's machine alone could take it in again.
fn who_was_left_drained_is_in_doubt(kind: Kind) {
    let world = World::new(kind, 2);
    let home = world.root().join("marks");
    std::fs::create_dir(&home).unwrap();
    let at = |name: &str| home.join(name);
    let hook = |name: &str| {
        let (begun, go) = (at(&format!("{name}.$SHIPIT_HOST")), at(&format!("{name}.go")));
        let run = format!("touch {}; until [ -e {} ]; do sleep 0.1; done", begun.display(), go.display());
        format!("{name} = {{ run = {run:?}, local = true }}\n")
    };
    let lines = format!(
        "{}{}rollout = {{ batch = 1 }}\nsupervisor = {{ reload = \"true\" }}\n",
        hook("drain"),
        hook("undrain")
    );
    world.production(&lines);
    ["drain.go", "undrain.go"].iter().for_each(|go| std::fs::write(at(go), "").unwrap());
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    for name in ["drain.go", "undrain.go", "undrain.web1"] {
        std::fs::remove_file(at(name)).unwrap();
    }
    let mut run = world.shipit_spawn(&["production", "--redeploy"]);
    eventually("web1 is being drained", || at("drain.web1").exists());
    run.kill(Signal::INT);
    eventually("it is being taken in again", || at("undrain.web1").exists() || run.ended());
    run.kill(Signal::INT);
    run.wait().ends_with(6).says("web1: in doubt").says("stopped while going live");
    let host = world.host("web1");
    eventually("web1 is unlocked", || !host.path("app/.shipit/lock").is_symlink());
    world.shipit(&["production", "status"]).says("drained");
    std::fs::write(at("drain.go"), "").unwrap();
    std::fs::write(at("undrain.go"), "").unwrap();
    world.shipit(&["production", "--redeploy"]).ends_with(0);
}
