//! `restart`: what is live is reloaded and verified, in place, by what was stored with it.

use std::fs;

use crate::common::{Kind, Signal, World, eventually};

on_each_kind!(interrupted_it_is_done_to_its_end,);

on_sshd!(
    what_is_live_is_reloaded_by_what_was_stored_with_it,
    a_host_that_does_not_come_up_is_named_and_the_others_are_restarted,
    who_was_not_restarted_is_not_called_done,
    a_host_that_cannot_be_reached_restarts_nothing,
);

fn forget(world: &World) {
    world.hosts().iter().for_each(|host| fs::remove_file(host.path("log")).unwrap_or_default());
}

fn what_is_live_is_reloaded_by_what_was_stored_with_it(kind: Kind) {
    let lines = "env = { WORD = \"then\" }\npost-deploy = \"echo post >>~/log\"\n\
                 supervisor = { reload = \"echo reload $WORD $SHIPIT_ACTION $(pwd -P | sed s,.*/,,) >>~/log\", verify = \"echo verify >>~/log\" }";
    let world = World::deployed(kind, 2, lines);
    let live = world.host("web1").current().unwrap();
    world.production("env = { WORD = \"${NOT_THERE_AT_ALL}\" }\nsupervisor = { reload = \"exit 1\" }");
    forget(&world);
    world.publish("two");
    world.shipit(&["production", "restart"]).ends_with(0).says("restarted 2 hosts");
    world.serve("one");
    let wanted = format!("reload then restart {}\nverify\n", live.strip_prefix("releases/").unwrap());
    for host in world.hosts() {
        assert_eq!(host.read("log").as_deref(), Some(wanted.as_str()));
        assert_eq!(host.releases().len(), 1, "no new release");
    }
    assert_eq!(world.shipit(&["production", "list"]).stdout.lines().count(), 2, "no entry of the journal");
}

fn a_host_that_does_not_come_up_is_named_and_the_others_are_restarted(kind: Kind) {
    let world = World::deployed(kind, 3, "supervisor = { reload = \"[ ! -e ~/broken ]; echo up >>~/log\" }");
    forget(&world);
    world.host("web2").put("broken", "");
    world
        .shipit(&["production", "restart"])
        .ends_with(6)
        .says("failed while reloading on web2")
        .says("may not be up")
        .says("shipit production restart");
    world.serve("one");
    for (name, log) in [("web1", Some("up\n")), ("web2", None), ("web3", Some("up\n"))] {
        assert_eq!(world.host(name).read("log").as_deref(), log);
    }
    fs::remove_file(world.host("web2").path("broken")).unwrap();
    world.shipit(&["production", "restart"]).ends_with(0);
}

fn interrupted_it_is_done_to_its_end(kind: Kind) {
    let reload = "[ ! -e ~/slow ] || { rm ~/slow; echo begun >>~/log; sleep 300; }; echo up >>~/log";
    // A reload that the operator was lost in has its time to end.
    let lines = format!("supervisor = {{ reload = {reload:?} }}\ntimeout = {{ reload = '5s' }}");
    let world = World::deployed(kind, 2, &lines);
    for signal in [Signal::INT, Signal::KILL] {
        forget(&world);
        world.hosts().iter().for_each(|host| host.put("slow", ""));
        let running = world.shipit_spawn(&["production", "restart"]);
        let log = |name: &str| world.host(name).read("log").unwrap_or_default();
        eventually("both are at it", || log("web1") == "begun\n" && log("web2") == "begun\n");
        running.kill(signal);
        let run = running.wait();
        if signal == Signal::INT {
            run.ends_with(130).says("every host serves what it served");
        }
        eventually("both are up", || log("web1").ends_with("up\n") && log("web2").ends_with("up\n"));
        eventually("at rest", || world.shipit(&["production", "restart"]).code == Some(0));
        world.serve("one");
    }
}

fn who_was_not_restarted_is_not_called_done(kind: Kind) {
    let lines = "rollout = { batch = 1 }\nsupervisor = { reload = \"[ ! -e ~/broken ]; echo up >>~/log\" }";
    let world = World::deployed(kind, 3, lines);
    forget(&world);
    world.host("web2").put("broken", "");
    let run = world.shipit(&["production", "restart", "--output", "json"]).ends_with(6);
    let last: serde_json::Value = serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
    let hosts = &last["outcome"]["hosts"];
    let results: Vec<_> = hosts.as_array().unwrap().iter().map(|host| &host["result"]).collect();
    assert_eq!(results, ["done", "in-doubt", "stopped"], "{run}");
    assert_eq!(world.host("web3").read("log"), None);
}

fn a_host_that_cannot_be_reached_restarts_nothing(kind: Kind) {
    let world = World::deployed(kind, 2, "supervisor = { reload = \"echo up >>~/log\" }");
    forget(&world);
    world.host("web2").kill_sshd();
    world.shipit(&["production", "restart"]).ends_with(4).says("web2");
    assert_eq!(world.host("web1").read("log"), None);
    world.shipit(&["production", "restart", "--hosts", "!web2"]).ends_with(0);
    assert_eq!(world.host("web1").read("log").as_deref(), Some("up\n"));
    world.host("web1").is_at_rest();
    world.host("web2").start();
}

#[test]
fn without_a_supervisor_there_is_nothing_to_restart() {
    let world = World::deployed(Kind::Sshd, 2, "");
    world.shipit(&["production", "restart"]).ends_with(0).says("without a supervisor").says("nothing to do");
    world.serve("one");
}

#[test]
fn where_nothing_is_live_nothing_is_restarted() {
    let world = World::deployed(Kind::Sshd, 3, "supervisor = { reload = \"echo up >>~/log\" }");
    forget(&world);
    fs::remove_file(world.host("web3").path("app/current")).unwrap();
    world
        .shipit(&["production", "restart"])
        .ends_with(1)
        .says("nothing that shipit deployed is live on web3")
        .says("sync");
    assert_eq!(world.host("web1").read("log"), None);
    world.shipit(&["production", "sync"]).ends_with(0);
    world.serve("one");
}
