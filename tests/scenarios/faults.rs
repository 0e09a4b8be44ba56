//! Somebody dies, freezes or gives up in the middle of a run: every host ends up serving one release, unlocked, with
//! nothing left running, and the next plain deploy succeeds.

use crate::common::{Kind, Running, World, eventually, require, signal};
use rustix::process::Signal;

by_openssh!(
    the_client_killed_between_two_hosts_going_live,
    a_session_that_ends_when_putting_back_fails_is_told,
    ctrl_c_ends_an_exec,
    a_session_that_ends_while_going_live_on_the_only_host,
    a_shared_connection_of_the_user_that_dies_while_going_live,
);

on_each_kind!(
    the_client_killed_between_two_hosts_going_live,
    ctrl_c_twice_on_a_single_host_is_no_success,
    a_session_that_ends_when_putting_back_fails_is_told,
    ctrl_c_ends_an_exec,
    a_session_that_ends_while_going_live_on_the_only_host,
);

on_sshd!(
    ctrl_c_while_waiting_for_the_lock_is_130,
    the_operator_of_unlock_may_die_too,
    ctrl_c_in_a_local_hook,
    a_fetch_that_was_cut_off_is_done_again,
    unlock_ends_a_live_run,
    a_dead_run_that_takes_long_to_end_is_heard_all_the_time,
);

// The fault suite plays the same on real sshds.
in_process!(
    the_client_killed_while_building,
    the_client_killed_while_going_live,
    ctrl_c_while_building,
    ctrl_c_while_going_live,
    sigterm_while_going_live,
    ctrl_c_twice_leaves_and_the_hosts_finish_alone,
    ctrl_c_while_reverting_leaves_nothing_half_done,
    a_session_that_ends_while_building,
    a_session_that_ends_while_going_live,
    a_server_that_dies_while_going_live_is_named_and_the_others_are_put_back,
    a_client_that_freezes_is_given_up_by_the_hosts,
    a_host_that_freezes_is_given_up,
);

// What runs is what was there at the last reload that worked; `slow-…` files make a step wait for good.
const LINES: &str = r#"
timeout = { lost = "4s", reload = "10s" }
build = "[ ! -e slow-build ] || { echo building; sleep 1000; }"
supervisor = { reload = "[ ! -e slow-reload ] || { [ -e ~/quick ] || { touch ~/reloading; sleep 1001; }; }; cp page ~/running" }
"#;

fn live(kind: Kind, hosts: usize) -> World {
    World::deployed(kind, hosts, LINES)
}

fn started(world: &World, slow: &str, sign: impl Fn(&World, &Running) -> bool) -> Running {
    world.repo.publish(&[("page", "two"), (slow, "")]);
    let running = world.shipit_spawn(&["production"]);
    eventually("the step that waits", || sign(world, &running));
    running
}

fn building(world: &World) -> Running {
    let hosts = world.hosts().len();
    started(world, "slow-build", |_, run| run.stderr().matches("| building").count() == hosts)
}

fn reloading(world: &World) -> Running {
    let all = |world: &World, _: &Running| {
        world.hosts().iter().all(|h| {
            h.read("reloading").is_some() || h.read("quick").is_some() && h.page().as_deref() == Some("two")
        })
    };
    started(world, "slow-reload", all)
}

// Every host serves, and runs, `page`; and the next plain run succeeds.
fn ends_well(world: &World, page: &str) {
    for host in world.hosts() {
        eventually("the host is unlocked, its run cleared away", || {
            let left = std::fs::read_dir(host.path("app/.shipit")).unwrap().flatten();
            !left
                .filter_map(|e| e.file_name().into_string().ok())
                .any(|n| n == "lock" || n.starts_with("run."))
        });
        eventually("its jobs are gone", || host.processes().iter().all(|p| !p.command.contains("sleep 100")));
        host.is_at_rest();
        host.serves(page);
        assert_eq!(host.read("running").as_deref(), Some(page), "what runs on {}", host.name());
    }
    world.repo.git(&["rm", "-q", "--ignore-unmatch", "slow-build", "slow-reload"]);
    world.deploy("three");
    world.serve("three");
}

fn the_client_killed_while_building(kind: Kind) {
    let world = live(kind, 3);
    building(&world).kill(Signal::KILL);
    ends_well(&world, "one");
}

fn the_client_killed_while_going_live(kind: Kind) {
    let world = live(kind, 3);
    reloading(&world).kill(Signal::KILL);
    ends_well(&world, "one");
}

fn the_client_killed_between_two_hosts_going_live(kind: Kind) {
    let world = live(kind, 2);
    world.host("web1").put("quick", "");
    let running = reloading(&world);
    eventually("web1 is live", || world.host("web1").read("running").as_deref() == Some("two"));
    running.kill(Signal::KILL);
    ends_well(&world, "one");
}

fn ctrl_c_while_building(kind: Kind) {
    let world = live(kind, 3);
    let running = building(&world);
    running.kill(Signal::INT);
    running.wait().ends_with(130).says("nothing live was changed");
    ends_well(&world, "one");
}

fn ctrl_c_while_going_live(kind: Kind) {
    let world = live(kind, 3);
    let running = reloading(&world);
    running.kill(Signal::INT);
    running.wait().ends_with(130).says("rolled back");
    ends_well(&world, "one");
}

fn sigterm_while_going_live(kind: Kind) {
    let world = live(kind, 2);
    let running = reloading(&world);
    running.kill(Signal::TERM);
    running.wait().ends_with(143).says("rolled back");
    ends_well(&world, "one");
}

fn ctrl_c_twice_leaves_and_the_hosts_finish_alone(kind: Kind) {
    let world = live(kind, 2);
    let running = reloading(&world);
    running.kill(Signal::INT);
    running.kill(Signal::INT);
    let run = running.wait();
    assert!(matches!(run.code, Some(6 | 130)), "{run}");
    ends_well(&world, "one");
}

fn ctrl_c_twice_on_a_single_host_is_no_success(kind: Kind) {
    let deaf =
        LINES.replace("echo building; sleep 1000", "trap : TERM; echo building; sleep 1000; sleep 1000");
    let world = World::deployed(kind, 1, &deaf);
    let running = building(&world);
    running.kill(Signal::INT);
    eventually("it heard", || running.stderr().contains("Ctrl-C"));
    running.kill(Signal::INT);
    let run = running.wait().does_not_say("deployed").says("Ctrl-C: quitting now; the hosts go on alone: ");
    assert!(matches!(run.code, Some(6 | 130)), "{run}");
    ends_well(&world, "one");
}

// A revert never returns to what it leaves: what was stopped half way is done to its end.
fn ctrl_c_while_reverting_leaves_nothing_half_done(kind: Kind) {
    let reload = "[ ! -e ~/slow ] || { rm ~/slow; touch ~/reloading; sleep 1001; }; cp page ~/running";
    let world = World::deployed(kind, 3, &format!("supervisor = {{ reload = {reload:?} }}"));
    world.deploy("two");
    for host in ["web2", "web3"] {
        world.host(host).put("slow", "");
    }
    let running = world.shipit_spawn(&["production", "revert"]);
    eventually("web1 is reverted, the others are at it", || {
        let read = |host: &str, file: &str| world.host(host).read(file);
        read("web1", "running").as_deref() == Some("one")
            && ["web2", "web3"].iter().all(|host| read(host, "reloading").is_some())
    });
    running.kill(Signal::INT);
    running.wait().ends_with(0).says("reverted 3 hosts");
    world.shipit(&["production", "list"]).ends_with(0).does_not_say("failed");
    ends_well(&world, "one");
}

fn ctrl_c_while_waiting_for_the_lock_is_130(kind: Kind) {
    let world = live(kind, 2);
    let holder = building(&world);
    let waiting = world.shipit_spawn(&["production", "--force", "--lock-wait", "5m"]);
    eventually("it waits", || waiting.stderr().contains(" for the lock"));
    waiting.kill(Signal::INT);
    waiting.wait().ends_with(130);
    holder.kill(Signal::KILL);
    ends_well(&world, "one");
}

fn a_session_that_ends_when_putting_back_fails_is_told(kind: Kind) {
    let lines = LINES.replace("cp page ~/running", "[ ! -e ~/broken ] && cp page ~/running");
    let world = World::deployed(kind, 2, &lines);
    world.host("web1").put("quick", "");
    let running = reloading(&world);
    world.host("web2").put("broken", "");
    world.host("web2").kill_session();
    running.wait().ends_with(6).says("web2");
    std::fs::remove_file(world.host("web2").path("broken")).unwrap();
    world.repo.git(&["rm", "-q", "slow-reload"]);
    world.deploy("three");
}

fn the_operator_of_unlock_may_die_too(kind: Kind) {
    let lines = LINES.replace(
        "cp page ~/running",
        "[ ! -e ~/slow-back ] || { touch ~/going-back; sleep 2; }; cp page ~/running",
    );
    let world = World::deployed(kind, 1, &lines);
    let running = reloading(&world);
    running.kill(Signal::STOP);
    world.host("web1").put("slow-back", "");
    let unlock = world.shipit_spawn(&["production", "unlock", "--yes"]);
    eventually("it is rolled back", || world.host("web1").read("going-back").is_some());
    unlock.kill(Signal::KILL);
    running.kill(Signal::KILL);
    ends_well(&world, "one");
}

fn ctrl_c_in_a_local_hook(kind: Kind) {
    let world = World::deployed(
        kind,
        2,
        &format!("{LINES}pre-deploy-local = \"[ ! -e wait-here ] || {{ echo waiting; sleep 1000; }}\""),
    );
    world.publish("two");
    std::fs::write(world.repo.work().join("wait-here"), "").unwrap();
    let running = world.shipit_spawn(&["production"]);
    eventually("the hook", || running.stderr().contains("waiting"));
    running.kill(Signal::INT);
    running.wait().ends_with(130).says("nothing live was changed");
    std::fs::remove_file(world.repo.work().join("wait-here")).unwrap();
    ends_well(&world, "one");
}

fn ctrl_c_ends_an_exec(kind: Kind) {
    let world = live(kind, 2);
    let running = world.shipit_spawn(&["production", "exec", "echo here; sleep 1000"]);
    eventually("both run", || running.stdout().matches("| here").count() == 2);
    running.kill(Signal::INT);
    running.wait().ends_with(130);
    ends_well(&world, "one");
}

fn a_session_that_ends_while_building(kind: Kind) {
    let world = live(kind, 3);
    let running = building(&world);
    world.host("web2").kill_session();
    running.wait().ends_with(1).says("web2").says("nothing live was changed");
    ends_well(&world, "one");
}

// git writes a few objects one by one, and the commit may be the first of them.
fn a_fetch_that_was_cut_off_is_done_again(kind: Kind) {
    let world = World::deployed(kind, 1, "");
    let commit = world.publish("two");
    let object = format!("objects/{}/{}", &commit[..2], &commit[2..]);
    let there = world.host("web1").path("app/source").join(&object);
    std::fs::create_dir_all(there.parent().unwrap()).unwrap();
    std::fs::copy(std::path::Path::new(&world.repo.url()).join(&object), there).unwrap();
    world.shipit(&["production"]).ends_with(0);
    world.serve("two");
}

fn a_session_that_ends_while_going_live(kind: Kind) {
    let world = live(kind, 3);
    for host in ["web1", "web3"] {
        world.host(host).put("quick", "");
    }
    let running = reloading(&world);
    world.host("web2").kill_session();
    // It roll itself back, and said so when it was called again.
    running.wait().ends_with(5).says("web2").says("rolled back");
    ends_well(&world, "one");
}

fn a_session_that_ends_while_going_live_on_the_only_host(kind: Kind) {
    let world = live(kind, 1);
    let running = reloading(&world);
    world.host("web1").kill_session();
    let run = running.wait().says("web1");
    assert!(matches!(run.code, Some(5)), "{run}");
    ends_well(&world, "one");
}

// The socket stays, as a killed process leaves it: the run comes back to the host, and the next one goes there, without it.
fn a_shared_connection_of_the_user_that_dies_while_going_live(kind: Kind) {
    let world = live(kind, 2);
    let socket = world.home().join(".ssh/%n.socket");
    let config = world.home().join(".ssh/config");
    let text = std::fs::read_to_string(&config).unwrap();
    let shared = format!("Host *\n ControlMaster auto\n ControlPath \"{}\"\n", socket.display());
    std::fs::write(&config, text + &shared).unwrap();
    let mut masters = world.hosts().iter().map(|host| {
        let mut ssh = world.command(&require("ssh"));
        ssh.arg("-F").arg(&config).args(["-o", "BatchMode=yes", "-MN", host.name()]);
        Running::start(ssh, format!("ssh -MN {}", host.name()))
    });
    let masters = [masters.next().unwrap(), masters.next().unwrap()];
    let sockets = ["web1.socket", "web2.socket"].map(|name| world.home().join(".ssh").join(name));
    eventually("both are shared", || sockets.iter().all(|socket| socket.exists()));
    let logins = || world.hosts().iter().map(|host| host.logins()).sum::<usize>();
    let before = logins();
    let running = reloading(&world);
    assert_eq!(logins(), before, "the run goes over what is shared");
    masters[1].kill(Signal::KILL);
    running.wait().ends_with(5).says("web2").says("rolled back");
    assert!(sockets[1].exists());
    ends_well(&world, "one");
    masters[0].kill(Signal::KILL);
}

fn a_server_that_dies_while_going_live_is_named_and_the_others_are_put_back(kind: Kind) {
    let world = live(kind, 3);
    for host in ["web1", "web3"] {
        world.host(host).put("quick", "");
    }
    let running = reloading(&world);
    world.host("web2").kill_sshd();
    running.wait().ends_with(6).says("web2");
    world.host("web1").serves("one");
    world.host("web3").serves("one");
    world.host("web2").start();
    ends_well(&world, "one");
}

fn a_client_that_freezes_is_given_up_by_the_hosts(kind: Kind) {
    let world = live(kind, 2);
    let running = reloading(&world);
    running.kill(Signal::STOP);
    for host in world.hosts() {
        eventually("the host gave up", || {
            host.page().as_deref() == Some("one") && !host.path("app/.shipit/lock").exists()
        });
    }
    running.kill(Signal::CONT);
    let run = running.wait();
    assert!(matches!(run.code, Some(5 | 6)), "{run}");
    ends_well(&world, "one");
}

fn a_host_that_freezes_is_given_up(kind: Kind) {
    let world = live(kind, 3);
    let running = building(&world);
    world.host("web2").freeze(true);
    running.wait().ends_with(1).says("web2").says("nothing live was changed");
    world.host("web2").freeze(false);
    ends_well(&world, "one");
}

fn unlock_ends_a_live_run(kind: Kind) {
    let world = live(kind, 2);
    let running = reloading(&world);
    world.shipit(&["production", "unlock"]).ends_with(3).says("deploy in progress: ").says("--yes");
    world.shipit(&["production", "unlock", "--yes"]).ends_with(0);
    let run = running.wait();
    assert!(matches!(run.code, Some(5 | 6)), "{run}");
    ends_well(&world, "one");
    world.shipit(&["production", "unlock"]).ends_with(0).says("no host is locked");
}

// What the next run sends ahead does not keep a host from answering beats while it ends the run that died with it.
fn a_dead_run_that_takes_long_to_end_is_heard_all_the_time(kind: Kind) {
    let rolls_back = "[ $SHIPIT_ACTION != rollback ] || sleep 6";
    let lines = LINES.replace("{ reload = \"", &format!("{{ reload = \"{rolls_back}; "));
    let world = World::deployed(kind, 1, &lines);
    let host = world.host("web1");
    let running = reloading(&world);
    host.kill_sshd();
    eventually("all that ran there is dead", || {
        host.processes().iter().for_each(|process| signal(process.pid, Signal::KILL));
        host.processes().is_empty()
    });
    running.kill(Signal::KILL);
    host.start();
    let big = "a line of some length\n".repeat(10_000);
    world.repo.git(&["rm", "-q", "slow-reload"]);
    world.repo.publish(&[("page", "three"), ("big.txt", &big)]);
    world.production(&format!("{lines}\nfiles = {{ \"shared/big\" = {{ from = \"big.txt\" }} }}"));
    world.shipit(&["production"]).ends_with(0).says("taking over from a run that ended");
    host.serves("three");
    assert_eq!(host.read("app/shared/big").as_deref(), Some(big.as_str()));
}
