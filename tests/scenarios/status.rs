//! `status`: what each host serves, since when, whether it runs and who is at work; those that differ first and by name.

use std::fs;
use std::os::unix::fs::symlink;

use crate::common::{Kind, Run, Signal, World, eventually};

on_sshd!(
    a_fleet_that_is_well_is_told_in_a_table,
    a_host_that_differs_comes_first_and_is_named,
    a_host_that_cannot_be_reached_comes_first_and_is_named,
    the_stored_status_step_tells_whether_the_app_runs,
    a_run_at_work_and_one_that_died_are_told_apart,
);

fn table(run: &Run) -> Vec<Vec<&str>> {
    run.stdout
        .lines()
        .map(|line| line.split("  ").map(str::trim).filter(|c| !c.is_empty()).collect())
        .collect()
}

fn a_fleet_that_is_well_is_told_in_a_table(kind: Kind) {
    let world = World::deployed(kind, 2, "");
    world.deploy("two");
    let release = world.host("web1").releases().pop().unwrap();
    let run = world.shipit(&["production", "status", "--check"]).ends_with(0);
    let rows = table(&run);
    assert_eq!(rows[0], ["host", "live", "ref", "age", "by", "state"]);
    for (row, host) in rows[1..].iter().zip(["web1", "web2"]) {
        assert_eq!(row[..3], [host, &release, "main"], "{run}");
        assert!(
            (row[3] == "just now" || row[3].ends_with("s ago")) && row[4].starts_with("operator@"),
            "{run}"
        );
        assert_eq!(row[5], "ok", "{run}");
    }
    assert_eq!(run.stderr, "");
    for host in world.hosts() {
        eventually("nothing is left of it", || host.processes().is_empty());
    }
}

fn a_host_that_differs_comes_first_and_is_named(kind: Kind) {
    let world = World::deployed(kind, 3, "");
    world.deploy("two");
    let host = world.host("web2");
    let first = host.releases()[0].clone();
    fs::remove_file(host.path("app/current")).unwrap();
    symlink(format!("releases/{first}"), host.path("app/current")).unwrap();
    let run = world.shipit(&["production", "status"]).ends_with(0);
    assert_eq!(table(&run)[1][..2], ["web2", first.as_str()], "{run}");
    let run = run
        .says("differs")
        .says("web2 does not serve the same release as the other hosts: `shipit production sync`");
    assert_eq!(table(&run)[2][0], "web1");
    world.shipit(&["production", "status", "--check"]).ends_with(1);
    world.shipit(&["production", "status", "--check", "--hosts", "web1,web3"]).ends_with(0);
}

fn a_host_that_cannot_be_reached_comes_first_and_is_named(kind: Kind) {
    let world = World::deployed(kind, 2, "");
    world.host("web2").kill_sshd();
    let run = world.shipit(&["production", "status", "--check"]).ends_with(4);
    assert_eq!(table(&run)[1][..2], ["web2", "?"], "{run}");
    assert!(table(&run)[2].ends_with(&["ok"]), "{run}");
    run.says("web2 did not answer: `shipit production check --hosts web2`");
}

fn the_stored_status_step_tells_whether_the_app_runs(kind: Kind) {
    let lines = "env = { FLAG = 'up' }\nsupervisor = { reload = 'touch ~/up', status = '[ -e ~/$FLAG ] && pwd >~/asked' }";
    let world = World::deployed(kind, 2, lines);
    let run = world.shipit(&["production", "status", "--check"]).ends_with(0);
    assert!(table(&run)[1..].iter().all(|row| row.ends_with(&["running"])), "{run}");
    assert!(world.host("web1").read("asked").unwrap().contains("/app/"));
    fs::remove_file(world.host("web2").path("up")).unwrap();
    let run = world.shipit(&["production", "status"]).ends_with(0);
    assert_eq!(table(&run)[1].first().copied(), Some("web2"), "{run}");
    assert_eq!(table(&run)[1].last().copied(), Some("not running"), "{run}");
    run.says("the app does not run on web2: `shipit production restart` starts it");
    world.shipit(&["production", "status", "--check"]).ends_with(1);
}

fn a_run_at_work_and_one_that_died_are_told_apart(kind: Kind) {
    let world = World::deployed(kind, 1, "");
    world.production("build = 'touch ~/building; sleep 600'");
    let host = world.host("web1");
    world.publish("two");
    let deploy = world.shipit_spawn(&["production"]);
    eventually("it builds", || host.path("building").exists());
    world
        .shipit(&["production", "status", "--check"])
        .ends_with(0)
        .says("ok; locked\ndeploy in progress: operator@");
    assert!(host.path("building").exists());
    deploy.kill(Signal::INT);
    deploy.wait().ends_with(130);
    // A machine that lost its power in the middle of a run.
    host.put("app/.shipit/run.dead/who", "someone@gone (pid 7), `shipit production`\n");
    fs::create_dir(host.path("app/.shipit/run.dead/owner.7.7.another-boot")).unwrap();
    symlink("run.dead", host.path("app/.shipit/lock")).unwrap();
    world
        .shipit(&["production", "status"])
        .ends_with(0)
        .says("deploy that died: someone@gone (pid 7)\n")
        .says("a run that died holds the lock of web1: the next run takes it over");
}

#[test]
fn many_hosts_that_are_alike_are_folded() {
    let world = World::new(Kind::InProcess, 1);
    world.publish("one");
    // One machine under many names: what is told is the same, as of a fleet.
    let mut config = fs::read_to_string(world.home().join(".ssh/config")).unwrap();
    let port = world.host("web1").port();
    for n in 2..=30 {
        config.push_str(&format!("Host node{n}\n  HostName 127.0.0.1\n  Port {port}\n"));
    }
    let known = "Host node*\n  UserKnownHostsFile KNOWN\n  User USER\n  IdentityFile KEY\n";
    let ssh = world.home().join(".ssh");
    let known = known
        .replace("KNOWN", ssh.join("known_hosts").to_str().unwrap())
        .replace("KEY", ssh.join("id_ed25519").to_str().unwrap())
        .replace("USER", "operator");
    fs::write(ssh.join("config"), config + &known).unwrap();
    let hosts: Vec<String> = (2..=30).map(|n| format!("{{ host = 'node{n}', path = 'app{n}' }}")).collect();
    let repo = world.repo.url();
    world.config(&format!(
        "[deploy.production]\nhosts = ['web1', {}]\nrepo = {repo:?}\nref = 'main'\npath = 'app'\n",
        hosts.join(", ")
    ));
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    let host = world.host("web1");
    fs::remove_file(host.path("app7/current")).unwrap();
    let run = world.shipit(&["production", "status"]).ends_with(0);
    let rows = table(&run);
    assert_eq!(rows.len(), 3, "{run}");
    assert_eq!(rows[1][..2], ["node7", "-"], "{run}");
    assert_eq!((rows[2][0], rows[2].last().copied()), ("29 hosts", Some("ok")), "{run}");
    let run = world.shipit(&["production", "status", "-v"]).ends_with(0);
    assert_eq!(table(&run).len(), 31, "{run}");
}

#[test]
fn a_status_step_that_never_ends_is_waited_for_a_moment_only() {
    let lines = "supervisor = { reload = ':', status = 'sleep 600' }";
    let world = World::deployed(Kind::InProcess, 1, lines);
    world.shipit(&["production", "status", "--check"]).ends_with(1).says("its `status` step timed out");
    eventually("nothing is left of it", || world.host("web1").processes().is_empty());
}

#[test]
fn localhost_is_asked_without_ssh() {
    let world = World::new(Kind::InProcess, 0);
    let path = world.home().join("deployed");
    let repo = world.repo.url();
    world.config(&format!(
        "[deploy.production]\nhost = 'localhost'\nrepo = {repo:?}\nref = 'main'\npath = {path:?}\nsupervisor = {{ reload = ':', status = 'test -e page' }}\n"
    ));
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production", "status", "--check"]).ends_with(0).says("nothing deployed");
    world.shipit(&["production"]).ends_with(0);
    world.shipit(&["production", "status", "--check"]).ends_with(0).says("running");
}
