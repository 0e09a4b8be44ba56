//! `sync`: hosts that differ are brought to what is live on the rest, which are not touched.

use std::fs;

use crate::common::{Kind, World, eventually};

on_each_kind!(the_end_of_the_line_to_a_host_that_is_not_touched_stops_nothing,);

on_sshd!(
    a_new_host_is_set_up_and_brought_to_what_is_live,
    a_host_that_missed_a_deploy_is_brought,
    a_host_that_missed_a_revert_returns_by_what_it_has,
    what_fails_is_put_back_on_the_synced_hosts_only,
    a_host_that_cannot_be_reached_is_named_and_the_others_are_brought,
    hosts_that_are_halves_are_refused_with_who_has_what,
);

const LOG: &str = "post-deploy = \"echo post $SHIPIT_ACTION $SHIPIT_RELEASE >>~/log\"\n\
                   build = \"echo build $SHIPIT_ACTION >>~/log\"\npre-activate = \"echo warm $SHIPIT_ACTION >>~/log\"\n\
                   migrate = \"echo migrate >>~/log\"\n\
                   supervisor = { reload = \"echo reload $SHIPIT_ACTION >>~/log; [ ! -e ~/broken ]\" }\n";

/// Hosts of which the last has nothing yet.
fn with_a_new_one(kind: Kind, lines: &str) -> World {
    let world = World::new(kind, 3);
    world.production_on(&["web1", "web2"], lines);
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    world.production(lines);
    forget(&world);
    world
}

fn forget(world: &World) {
    world.hosts().iter().for_each(|host| fs::remove_file(host.path("log")).unwrap_or_default());
}

fn release(world: &World, host: &str) -> String {
    world.host(host).current().unwrap_or_default().replace("releases/", "")
}

/// Deploys a page to all but one, which is out of order meanwhile.
fn missed(world: &World, lines: &str, host: &str, others: &[&str], page: &str) {
    world.production_on(others, lines);
    world.publish(page);
    world.shipit(&["production"]).ends_with(0);
    world.production(lines);
    assert_ne!(world.host(host).page().as_deref(), Some(page));
}

fn a_new_host_is_set_up_and_brought_to_what_is_live(kind: Kind) {
    let lines = format!("{LOG}shared = [\"logs/\"]\npre-setup = \"echo setup >>~/log\"\n");
    let world = with_a_new_one(kind, &lines);
    // what is live goes out, not what is newest
    world.publish("two");
    let run = world.shipit(&["production", "sync"]).ends_with(0).says("brought web3 to");
    world.serve("one");
    let live = release(&world, "web1");
    assert_eq!(release(&world, "web3"), live, "{run}");
    let wanted = format!("setup\nbuild sync\nwarm sync\npost sync {live}\nreload sync\n");
    assert_eq!(world.host("web3").read("log").as_deref(), Some(wanted.as_str()));
    assert!(world.host("web3").path("app/current/logs").is_symlink());
    for rest in ["web1", "web2"] {
        assert_eq!(world.host(rest).read("log"), None, "{rest} is not touched");
    }
    world.shipit(&["production", "sync"]).ends_with(0).says("nothing to do");
    let list = world.shipit(&["production", "list", "--hosts", "web3"]).ends_with(0);
    assert!(list.stdout.contains("synced"), "{list}");
    // and it takes part in what comes
    world.shipit(&["production"]).ends_with(0);
    world.serve("two");
    world.shipit(&["production", "revert"]).ends_with(0);
    world.serve("one");
}

fn a_host_that_missed_a_deploy_is_brought(kind: Kind) {
    let world = World::deployed(kind, 3, "");
    missed(&world, "", "web1", &["web2", "web3"], "two");
    world.repo.take_origin_away();
    world
        .shipit(&["production", "sync"])
        .ends_with(1)
        .says("fetch failed on web1")
        .says("nothing live was changed");
    world.repo.bring_origin_back();
    world.shipit(&["production", "sync"]).ends_with(0).says("brought web1 to");
    world.serve("two");
    assert_eq!(release(&world, "web1"), release(&world, "web2"));
    world.shipit(&["production"]).ends_with(0).says("nothing to do");
    world.shipit(&["production", "revert"]).ends_with(0);
    world.serve("one");
}

fn a_host_that_missed_a_revert_returns_by_what_it_has(kind: Kind) {
    let lines =
        |n: u32| format!("build = \"echo {n} >built\"\nsupervisor = {{ reload = \"echo {n} >>~/log\" }}");
    let world = World::deployed(kind, 3, &lines(1));
    world.production(&lines(2));
    world.deploy("two");
    world.host("web2").kill_sshd();
    world.shipit(&["production", "revert"]).ends_with(6);
    world.host("web2").start();
    forget(&world);
    world.repo.take_origin_away();
    world.shipit(&["production", "sync"]).ends_with(0).says("brought web2 to");
    world.repo.bring_origin_back();
    world.serve("one");
    assert_eq!(world.host("web2").read("app/current/built").as_deref(), Some("1\n"));
    assert_eq!(world.host("web2").read("log").as_deref(), Some("1\n"), "what was stored with it then");
    world.shipit(&["production", "revert"]).ends_with(1).says("no earlier deploy");
    world.shipit(&["production"]).ends_with(0);
    world.shipit(&["production", "revert"]).ends_with(0);
    world.serve("one");
}

fn what_fails_is_put_back_on_the_synced_hosts_only(kind: Kind) {
    let world = World::deployed(kind, 3, LOG);
    missed(&world, LOG, "web3", &["web1", "web2"], "two");
    forget(&world);
    let (old, releases) = (release(&world, "web3"), world.host("web3").releases());
    world.host("web3").put("broken", "");
    world.shipit(&["production", "sync"]).ends_with(6).says("reload failed on web3");
    fs::remove_file(world.host("web3").path("broken")).unwrap();
    world.shipit(&["production", "sync"]).ends_with(0);
    missed(&world, LOG, "web3", &["web1", "web2"], "three");
    // the reload of the new one only: going back works
    let two = world.host("web3").page();
    assert_eq!(two.as_deref(), Some("two"));
    let reload = LOG.replace("[ ! -e ~/broken ]", "! grep -q three page");
    world.production(&reload);
    forget(&world);
    world
        .shipit(&["production", "sync"])
        .ends_with(5)
        .says("rolled back")
        .says("today's is used to build it");
    assert_eq!(world.host("web3").page().as_deref(), Some("two"));
    for rest in ["web1", "web2"] {
        assert_eq!(world.host(rest).read("log"), None, "{rest} is not touched");
        world.host(rest).serves("three");
    }
    world.host("web3").is_at_rest();
    assert!(releases.contains(&old));
    world.production(LOG);
    world.shipit(&["production", "sync"]).ends_with(0);
    world.serve("three");
}

fn a_host_that_cannot_be_reached_is_named_and_the_others_are_brought(kind: Kind) {
    let world = World::deployed(kind, 4, "");
    missed(&world, "", "web4", &["web1", "web2", "web3"], "two");
    world.host("web3").kill_sshd();
    let run = world.shipit(&["production", "sync"]).ends_with(6).says("web3");
    assert!(run.stderr.contains("in doubt"), "{run}");
    assert_eq!(world.host("web4").page().as_deref(), Some("two"));
    world.shipit(&["production", "sync"]).ends_with(4).says("could not connect to web3");
    world.shipit(&["production", "--hosts", "web4", "sync"]).ends_with(0);
    world.host("web3").start();
    world.shipit(&["production", "sync"]).ends_with(0).says("nothing to do");
    world.serve("two");
}

fn the_end_of_the_line_to_a_host_that_is_not_touched_stops_nothing(kind: Kind) {
    let lines = "build = \"[ ! -e ~/slow ] || { touch ~/building; until [ -e ~/go ]; do sleep 0.1; done; }\"";
    let world = World::deployed(kind, 3, lines);
    missed(&world, lines, "web3", &["web1", "web2"], "two");
    let web3 = world.host("web3");
    web3.put("slow", "");
    let run = world.shipit_spawn(&["production", "sync"]);
    eventually("web3 builds", || web3.path("building").exists());
    world.host("web1").kill_session();
    std::thread::sleep(std::time::Duration::from_millis(500));
    web3.put("go", "");
    run.wait().ends_with(0).says("note: connection lost; this host needed no change").says("brought web3 to");
    world.serve("two");
}

fn hosts_that_are_halves_are_refused_with_who_has_what(kind: Kind) {
    let world = World::deployed(kind, 2, "");
    missed(&world, "", "web2", &["web1"], "two");
    let (one, two) = (release(&world, "web2"), release(&world, "web1"));
    world
        .shipit(&["production", "sync"])
        .ends_with(3)
        .says(&format!("{one} on web2"))
        .says(&format!("{two} on web1"))
        .says("--redeploy");
    world.hosts().iter().for_each(|host| host.is_at_rest());
    world.shipit(&["production", "--redeploy"]).ends_with(0);
    world.serve("two");
}

#[test]
fn hosts_are_chosen_by_name_and_all_are_asked() {
    let world = World::new(Kind::Sshd, 4);
    world.production_on(&["web1"], "");
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    world.production("");
    world.shipit(&["production", "sync", "--hosts", "web3"]).ends_with(0).says("brought web3 to");
    assert_eq!(world.host("web3").page().as_deref(), Some("one"));
    assert_eq!(world.host("web2").page(), None);
    world.shipit(&["production", "sync", "--hosts", "web1,web3"]).ends_with(0).says("nothing to do");
    world.shipit(&["production", "sync"]).ends_with(0).says("web2 and web4");
    world.serve("one");
}

#[test]
fn nothing_is_live_anywhere() {
    let world = World::new(Kind::Sshd, 2);
    world.production("");
    world.publish("one");
    world.shipit(&["production", "sync"]).ends_with(1).says("nothing is live on any host");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production", "sync"]).ends_with(1).says("nothing is live on any host");
    world.hosts().iter().for_each(|host| host.is_at_rest());
}

#[test]
fn a_new_host_whose_path_only_pre_setup_can_make() {
    let lines = "pre-setup = \"rm -f ~/app\"";
    let world = with_a_new_one(Kind::Sshd, "");
    let toml = fs::read_to_string(world.repo.work().join("shipit.toml")).unwrap();
    world.config(&format!("{toml}{lines}\n"));
    std::os::unix::fs::symlink("/nowhere/at/all", world.host("web3").path("app")).unwrap();
    world.shipit(&["production", "sync"]).ends_with(0);
    world.serve("one");
}

#[test]
fn local_hooks_run_for_the_hosts_that_are_brought() {
    let lines = "build = [\"true\", { run = \"echo $SHIPIT_HOST build $SHIPIT_ACTION >>here.log\", local = true }]\n\
                 post-deploy = [\"true\", { run = \"echo $SHIPIT_HOST post >>here.log\", local = true }]\n\
                 post-deploy-local = \"grep -o '\\\"action\\\":\\\"[a-z]*\\\"' >>here.log\"";
    let world = with_a_new_one(Kind::Sshd, lines);
    let log = world.repo.work().join("here.log");
    fs::remove_file(&log).unwrap();
    world.shipit(&["production", "sync"]).ends_with(0);
    world.serve("one");
    assert_eq!(fs::read_to_string(&log).unwrap(), "web3 build sync\nweb3 post\n\"action\":\"sync\"\n");
}

#[test]
fn files_and_the_file_of_env_are_sent_to_a_host_that_lacks_the_release() {
    let world = with_a_new_one(
        Kind::Sshd,
        "env = { WORD = \"x\" }\nenv-file = \"shared/.env\"\nfiles = { \"shared/app.conf\" = { command = \"echo conf\" } }",
    );
    world.shipit(&["production", "sync"]).ends_with(0);
    world.serve("one");
    for file in ["app/shared/.env", "app/shared/app.conf"] {
        assert_eq!(world.host("web3").read(file), world.host("web1").read(file));
        assert!(world.host("web3").read(file).is_some(), "{file}");
    }
}
