//! supervisord, runit, s6 and systemd, really: two hosts on real sshds, each with a daemon of its own (systemd: one that was
//! booted for both). What is served is asked over HTTP, on every host.
//!
//! What the adapters do to processes is tested without SSH, in `tests/resident`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::common::booted::{self, Booted};
use crate::common::supervised::{Program, SERVICE, Supervisor, free_port, says, served};
use crate::common::{Kind, Run, Signal, World, eventually, signal};

/// Hosts whose services have ports of their own.
struct Fleet {
    // Dropped first: what it runs lies in the world.
    daemons: Vec<Supervisor>,
    _booted: Option<Booted>,
    world: World,
    ports: Vec<u16>,
    lines: String,
}

impl Fleet {
    /// Daemons that know a service which was never started.
    fn new(program: Program) -> Fleet {
        let world = World::new(Kind::Sshd, 2);
        let ports: Vec<u16> = (0..2).map(|_| free_port()).collect();
        let set_up = |host: &crate::common::Host, port: &u16| {
            Supervisor::set_up(program, &host.path(""), &host.path("app"), &[*port])
        };
        let mut daemons: Vec<Supervisor> =
            world.hosts().iter().zip(&ports).map(|(host, port)| set_up(host, port)).collect();
        daemons[1].packs_logs();
        for daemon in &mut daemons {
            daemon.start();
            eventually("the daemon answers", || daemon.is_up());
        }
        let path: Vec<String> = daemons[0].path().split(':').take(1).map(String::from).collect();
        let kind = match program {
            Program::Supervisord => "kind = \"supervisord\", file = \"~/supervisord.conf\"",
            Program::Runit => "kind = \"runit\"",
            Program::S6 => "kind = \"s6\"",
        };
        let lines = format!("prepend-path = {path:?}\nsupervisor = {{ {kind}, service = \"web\", STABLE }}");
        Fleet { daemons, _booted: None, world, ports, lines }.set_up()
    }

    /// Units of a machine that both hosts are on; `None` where it cannot be booted.
    fn of_systemd() -> Option<Fleet> {
        if let Some(why) = booted::impossible() {
            eprintln!("not run: a systemd of its own cannot be booted here: {why}");
            return None;
        }
        let world = World::new(Kind::Sshd, 2);
        let ports: Vec<u16> = (0..2).map(|_| free_port()).collect();
        let base = world.root().canonicalize().unwrap();
        fs::create_dir_all(base.join("units")).unwrap();
        fs::create_dir_all(base.join("home")).unwrap();
        for (host, port) in world.hosts().iter().zip(&ports) {
            let unit = booted::unit(&host.path("app"), &port.to_string(), "", "multi-user.target");
            fs::write(base.join(format!("units/{}-web.service", host.name())), unit).unwrap();
        }
        let booted = Booted::start(&base);
        for host in world.hosts() {
            let login = base.join(host.name()).join("login");
            let inside = login.with_extension("inside");
            fs::rename(&login, &inside).unwrap();
            let text = format!("#!/bin/sh\nexec {} {}\n", booted.way_in().join(" "), inside.display());
            fs::write(&login, text).unwrap();
            fs::set_permissions(&login, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let lines = "supervisor = { kind = \"systemd\", unit = \"{host}-web\", scope = \"system\", STABLE }";
        let lines = lines.to_owned();
        Some(Fleet { daemons: Vec::new(), _booted: Some(booted), world, ports, lines }.set_up())
    }

    /// How long the releases that are deployed from now on are watched.
    fn watch(&self, seconds: u32) {
        self.configure(&format!("stable-for = {seconds}"));
    }

    fn configure(&self, more: &str) {
        self.world.production(&self.lines.replace("STABLE", more));
    }

    fn set_up(self) -> Fleet {
        self.watch(1);
        self.publish("one", "good");
        self.world.shipit(&["production", "setup"]).ends_with(0);
        self
    }

    /// Publishes a release that behaves so.
    fn publish(&self, page: &str, behave: &str) {
        let [start, app] = SERVICE;
        self.world.repo.publish(&[("page", page), ("behave", behave), start, app]);
    }

    fn deploy(&self) -> Run {
        self.world.shipit(&["production"])
    }

    /// Holds every host to serving this page, by the link and over HTTP.
    #[track_caller]
    fn serves(&self, page: &str) {
        self.world.serve(page);
        for port in &self.ports {
            eventually(&format!("{page} on {port}"), || served(*port).as_deref() == Some(page));
        }
    }

    /// A release that has to fail, and to be rolled back on every host.
    #[track_caller]
    fn rolls_back(&self, page: &str, behave: &str) {
        self.publish(page, behave);
        self.deploy().ends_with(5).says("web").says("the last lines of");
        self.serves("one");
    }
}

// A child of the second release lives on for a while, and has its port: the first one is told to wait for that.
fn started_updated_reverted_restarted(fleet: &Fleet) {
    fleet.configure("stable-for = 1, strategy = \"stop-start\"");
    fleet.deploy().ends_with(0);
    fleet.serves("one");
    fleet.watch(1);
    fleet.publish("two", "lingers 3");
    fleet.deploy().ends_with(0);
    fleet.serves("two");
    let status = fleet.world.shipit(&["production", "status"]).ends_with(0);
    assert!(status.stdout.contains("web"), "{status}");
    let checked = fleet.world.shipit(&["production", "check"]);
    for finding in ["does not know", "does not run", "may not", "is not on the PATH"] {
        assert!(!checked.stdout.contains(finding), "{checked}");
    }
    logs_since_a_time(fleet);
    fleet.world.shipit(&["production", "revert"]).ends_with(0);
    fleet.serves("one");
    fleet.world.shipit(&["production", "restart"]).ends_with(0);
    fleet.serves("one");
    if fleet.daemons.first().is_some_and(|daemon| daemon.program != Program::Supervisord) {
        logs_over_rotations(fleet);
    }
}

// svlogd and s6-log move full logs away; on the second host they also pack them.
fn logs_over_rotations(fleet: &Fleet) {
    let say = |words: &[&str]| {
        fleet.ports.iter().for_each(|port| words.iter().for_each(|word| says(*port, word)));
    };
    let rotate = || {
        for daemon in &fleet.daemons {
            let before = daemon.archives().len();
            daemon.rotate_logs();
            eventually("it is moved away", || daemon.archives().len() > before);
        }
    };
    // What a host said, in its order, without times.
    let told = |text: &str, host: &str| {
        let lines = text.lines().filter(|line| line.starts_with(host));
        let words: Vec<&str> = lines.filter_map(|line| line.split(' ').next_back()).collect();
        words.join(" ")
    };
    say(&["a1", "a2", "a3"]);
    rotate();
    say(&["b1"]);
    rotate();
    let run = fleet.world.shipit(&["production", "logs", "--lines", "3"]).ends_with(0);
    let since = fleet.world.shipit(&["production", "logs", "--since", "1h"]).ends_with(0);
    let follow = fleet.world.shipit_spawn(&["production", "logs", "-f", "--lines", "1"]);
    for host in ["web1", "web2"] {
        assert_eq!(told(&run.stdout, host), "a2 a3 b1", "{run}");
        assert!(told(&since.stdout, host).ends_with(" a1 a2 a3 b1"), "{since}");
        eventually("it begins", || told(&follow.stdout(), host) == "b1");
    }
    for words in [["c1", "c2"], ["d1", "d2"], ["e1", "e2"]] {
        say(&words);
        rotate();
    }
    say(&["f1"]);
    for host in ["web1", "web2"] {
        eventually("all of it is shown, in its order and once", || {
            told(&follow.stdout(), host) == "b1 c1 c2 d1 d2 e1 e2 f1"
        });
    }
    follow.kill(Signal::INT);
    follow.wait().ends_with(130);
}

// Only supervisord's files have no times.
fn logs_since_a_time(fleet: &Fleet) {
    let timed = fleet.daemons.iter().all(|daemon| daemon.program != Program::Supervisord);
    let logs = fleet.world.shipit(&["production", "logs", "--since", "1h"]);
    let logs = logs.ends_with(if timed { 0 } else { 1 });
    let starts = logs.stdout.lines().filter(|line| line.contains("starting /")).count();
    if timed {
        assert_eq!(starts, 4, "two releases on two hosts: {logs}");
    } else {
        logs.says("/log/web do not say when they were written; use --lines N");
    }
}

fn bad_releases_are_rolled_back_on_both(fleet: &Fleet) {
    fleet.deploy().ends_with(0);
    fleet.watch(5);
    fleet.rolls_back("boot", "boot");
    fleet.rolls_back("dies-1", "dies 1");
    fleet.rolls_back("dies-3", "dies 3");
    what_is_not_known_changes_nothing(fleet);
}

fn what_is_not_known_changes_nothing(fleet: &Fleet) {
    fleet.publish("two", "good");
    let known = if fleet.lines.contains("unit = ") { "\"{host}-web\"" } else { "\"web\"" };
    let more = fleet.lines.replace(known, &format!("[{known}, \"worker\"]"));
    fleet.world.production(&more.replace("STABLE", "stable-for = 1"));
    let checked = fleet.world.shipit(&["production", "check"]).ends_with(1);
    assert!(checked.stdout.contains("does not know worker"), "{checked}");
    fleet.deploy().ends_with(1).says("does not know worker");
    fleet.serves("one");
}

#[test]
fn supervisord_is_started_updated_reverted_restarted() {
    started_updated_reverted_restarted(&Fleet::new(Program::Supervisord));
}

#[test]
fn runit_is_started_updated_reverted_restarted() {
    started_updated_reverted_restarted(&Fleet::new(Program::Runit));
}

#[test]
fn s6_is_started_updated_reverted_restarted() {
    started_updated_reverted_restarted(&Fleet::new(Program::S6));
}

#[test]
fn systemd_is_started_updated_reverted_restarted() {
    let Some(fleet) = Fleet::of_systemd() else { return };
    started_updated_reverted_restarted(&fleet);
}

#[test]
fn bad_releases_of_supervisord_are_rolled_back_on_both() {
    bad_releases_are_rolled_back_on_both(&Fleet::new(Program::Supervisord));
}

#[test]
fn bad_releases_of_runit_are_rolled_back_on_both() {
    bad_releases_are_rolled_back_on_both(&Fleet::new(Program::Runit));
}

#[test]
fn bad_releases_of_s6_are_rolled_back_on_both() {
    bad_releases_are_rolled_back_on_both(&Fleet::new(Program::S6));
}

#[test]
fn bad_releases_of_systemd_are_rolled_back_on_both() {
    let Some(fleet) = Fleet::of_systemd() else { return };
    bad_releases_are_rolled_back_on_both(&fleet);
}

/// It is verified, and ends while the next host goes live: nobody would have looked at it again.
#[test]
fn what_ends_before_all_hosts_are_live_is_no_success() {
    let mut fleet = Fleet::new(Program::Runit);
    fleet.lines += "\nrollout = { batch = 1, pause = \"9s\" }";
    fleet.watch(1);
    fleet.deploy().ends_with(0);
    fleet.serves("one");
    fleet.publish("two", "dies 8");
    fleet.deploy().ends_with(5).says("web1").says("web ended after it was verified");
    fleet.serves("one");
}

#[test]
fn on_the_way_back_one_that_fails_keeps_no_other_from_it() {
    let mut fleet = Fleet::new(Program::Runit);
    fleet.deploy().ends_with(0);
    fleet.serves("one");
    let own = "{ reload = '[ $SHIPIT_ACTION != rollback ]', verify = 'grep -q one page' }";
    fleet.lines = fleet.lines.replace("supervisor = ", &format!("supervisor = [{own}, ")) + "]";
    fleet.watch(1);
    fleet.deploy().ends_with(0);
    fleet.publish("two", "good");
    fleet.deploy().ends_with(6);
    fleet.serves("one");
}

/// It is down on one host: nothing is changed. It goes in the middle of a reload: the host says so, and the other goes back.
fn a_daemon_that_goes(program: Program) {
    let mut fleet = Fleet::new(program);
    fleet.deploy().ends_with(0);
    fleet.serves("one");
    fleet.publish("two", "good");
    fleet.daemons[1].kill();
    let checked = fleet.world.shipit(&["production", "check"]).ends_with(1);
    assert!(checked.stdout.contains("does not run on this host"), "{checked}");
    fleet.deploy().ends_with(1).says("does not run on this host").says("web2");
    fleet.serves("one");
    let host = fleet.world.host("web2");
    eventually("what it ran is gone, too", || {
        host.processes().iter().for_each(|process| signal(process.pid, Signal::KILL));
        host.processes().is_empty()
    });
    fleet.daemons[1].start();
    eventually("the daemon answers", || fleet.daemons[1].is_up());
    fleet.lines = format!("timeout = {{ reload = \"20s\" }}\n{}", fleet.lines);
    fleet.watch(1);
    fleet.publish("slow", "slow 5");
    fleet.deploy().ends_with(0);
    fleet.serves("slow");
    fleet.publish("three", "good");
    let slow = fleet.world.host("web2").current();
    let running = fleet.world.shipit_spawn(&["production"]);
    eventually("it is switched", || fleet.world.host("web2").current() != slow);
    std::thread::sleep(std::time::Duration::from_secs(1));
    fleet.daemons[1].kill();
    // The way back needs the daemon as well: nobody can say that the old release is up there.
    running.wait().ends_with(6).says("web2");
    eventually("web1 went back", || served(fleet.ports[0]).as_deref() == Some("slow"));
}

#[test]
fn supervisord_that_goes_on_one_host() {
    a_daemon_that_goes(Program::Supervisord);
}

#[test]
fn runit_that_goes_on_one_host() {
    a_daemon_that_goes(Program::Runit);
}

#[test]
fn s6_that_goes_on_one_host() {
    a_daemon_that_goes(Program::S6);
}
