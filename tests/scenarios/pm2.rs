//! `supervisor = "pm2"`: two hosts with a real pm2 each. What is served is asked over HTTP, on every host.
//!
//! What the adapter does to processes is tested without SSH, in `tests/pm2`.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::time::Duration;

use crate::common::{Kind, Run, Signal, World, eventually, pm2, signal};
use crate::pm2_client::{Client, ask};

const ECOSYSTEM: &str = "const fs = require('fs');\nmodule.exports = { apps: [{ name: 'web', script: 'app.js', exec_mode: 'MODE', \
    instances: COUNT, env: { PORT: Number(fs.readFileSync(process.env.HOME + '/port', 'utf8')) } }] };\n";

/// Hosts whose apps have ports of their own.
struct Fleet {
    world: World,
    ports: Vec<u16>,
}

impl Fleet {
    fn new(version: u32, lines: &str) -> Fleet {
        let world = World::new(Kind::Sshd, 2);
        let ports: Vec<u16> = (0..2).map(|_| free_port()).collect();
        for (host, port) in world.hosts().iter().zip(&ports) {
            host.put("port", &port.to_string());
        }
        let fleet = Fleet { world, ports };
        fleet.configure(version, lines);
        fleet.publish("one", "");
        fleet.world.shipit(&["production", "setup"]).ends_with(0);
        fleet
    }

    /// The same, where `one` is live.
    fn deployed(version: u32) -> Fleet {
        let fleet = Fleet::new(version, "");
        fleet.deploy().ends_with(0);
        fleet.serves("one");
        fleet
    }

    fn configure(&self, version: u32, lines: &str) {
        let bin = pm2(version);
        let supervisor = if lines.contains("supervisor") {
            ""
        } else {
            "supervisor = { kind = \"pm2\", stable-for = \"1s\" }\n"
        };
        self.world.production(&format!("prepend-path = [{:?}]\n{supervisor}{lines}", bin.to_str().unwrap()));
    }

    /// Publishes a release of two workers that behaves so: fields of `release.json`.
    fn publish(&self, id: &str, is: &str) {
        self.publish_as(id, is, "cluster", 2);
    }

    fn publish_as(&self, id: &str, is: &str, mode: &str, count: u32) {
        let ecosystem = ECOSYSTEM.replace("MODE", mode).replace("COUNT", &count.to_string());
        let release = format!("{{\"id\":\"{id}\"{is}}}");
        let app = include_str!("../pm2/app.js");
        self.world.repo.publish(&[
            ("app.js", app),
            ("ecosystem.config.js", &ecosystem),
            ("release.json", &release),
        ]);
    }

    fn deploy(&self) -> Run {
        self.world.shipit(&["production"])
    }

    /// Holds every host to serving this release, by the link and over HTTP, with each of its processes.
    #[track_caller]
    fn serves(&self, id: &str) {
        for (host, port) in self.world.hosts().iter().zip(&self.ports) {
            let live = host.read("app/current/release.json").unwrap();
            assert!(live.contains(&format!("\"id\":\"{id}\"")), "{} has {live}", host.name());
            let said = format!("\"release\":\"{id}\"");
            eventually("it answers", || ask(*port).is_some());
            for _ in 0..6 {
                let answer = ask(*port).unwrap();
                assert!(answer.contains(&said), "{} serves {answer}, not {id}", host.name());
            }
        }
    }

    /// A release that has to fail and to be rolled back everywhere; how many requests were asked and lost meanwhile.
    fn rolled_back(&self, is: &str) -> (usize, usize) {
        self.publish("bad", is);
        let clients: Vec<Client> = self.ports.iter().map(|port| Client::start(*port)).collect();
        self.deploy().ends_with(5).says("web ends soon after it starts").says("this release crashes");
        let ends: Vec<(usize, usize)> = clients.into_iter().map(Client::end).collect();
        self.serves("one");
        ends.iter().fold((0, 0), |all, end| (all.0 + end.0, all.1 + end.1))
    }

    fn daemon(&self, host: &str) -> u32 {
        self.world.host(host).read(".pm2/pm2.pid").unwrap().trim().parse().unwrap()
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn a_first_start_and_an_update(version: u32) {
    let fleet = Fleet::deployed(version);
    fleet.publish("two", "");
    let clients: Vec<Client> = fleet.ports.iter().map(|port| Client::start(*port)).collect();
    fleet.deploy().ends_with(0);
    for client in clients {
        let (asked, lost) = client.end();
        assert_eq!(lost, 0, "of {asked}");
    }
    fleet.serves("two");
    let status = fleet.world.shipit(&["production", "status"]).ends_with(0);
    assert!(status.stdout.contains(" %") && status.stdout.contains(" MB"), "{}", status.stdout);
    let status = fleet.world.shipit(&["production", "status", "--output", "json"]).ends_with(0);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    let process = &status[0]["processes"][0];
    assert!(
        process["cpu_percent"].is_u64() && process["memory_bytes"].as_u64() > Some(10 << 20),
        "{process}"
    );
    let checked = fleet.world.shipit(&["production", "check"]).ends_with(0);
    checked
        .says("pm2 starts no app when the machine boots")
        .says("shipit production exec --hosts web2 pm2 save");
    fleet.world.shipit(&["production", "revert"]).ends_with(0);
    fleet.serves("one");
    fleet.world.shipit(&["production", "restart"]).ends_with(0);
    fleet.serves("one");
    let (asked, lost) = fleet.rolled_back(",\"crash\":0");
    assert_eq!(lost, 0, "of {asked}, when it crashes at boot");
}

#[test]
fn a_first_start_and_an_update_with_pm2_7() {
    a_first_start_and_an_update(7);
}

#[test]
fn a_first_start_and_an_update_with_pm2_6() {
    a_first_start_and_an_update(6);
}

#[test]
fn a_first_start_and_an_update_with_pm2_5() {
    a_first_start_and_an_update(5);
}

#[test]
fn what_a_hook_reloads_has_to_run_from_the_new_release() {
    let by_hook = |hook: &str| format!("# no supervisor\npost-deploy = {hook:?}");
    let fleet = Fleet::new(7, &by_hook("pm2 startOrReload ecosystem.config.js -s"));
    fleet.deploy().ends_with(0);
    fleet.serves("one");
    let on_hosts = |command: &str| fleet.world.shipit(&["production", "exec", command]).ends_with(0);
    let start = "pm2 start ecosystem.config.js -s --cwd \"$PWD\"";
    // On one host pm2 keeps it in the release that it was started in.
    on_hosts(&format!("[ \"$SHIPIT_HOST\" = web1 ] || {{ pm2 delete web -s; {start}; }}"));
    fleet.publish("two", "");
    let run = fleet.deploy().ends_with(5).says("web (process ");
    run.says(" of pm2 does not run from the new release, but from ").says("supervisor = \"pm2\"");
    fleet.serves("one");

    on_hosts(&format!("pm2 delete web -s; {start}"));
    fleet.configure(7, &by_hook("pm2 reload all -s"));
    fleet.deploy().ends_with(0);
    fleet.serves("two");

    // None of these is one of the release that runs from elsewhere.
    on_hosts(
        "pm2 stop web -s; pm2 start 'sleep 999' --name job --no-autorestart --cron-restart '0 0 1 1 *' -s; \
         pm2 serve ~/app/current 0 --name files -s; \
         mkdir -p ~/other/releases/x && cd ~/other/releases/x && pm2 start 'sleep 999' --name other -s",
    );
    fleet.configure(7, &by_hook("true"));
    fleet.publish("three", "");
    fleet.deploy().ends_with(0);
    on_hosts("pm2 start web -s");
    fleet.serves("three");
}

#[test]
fn a_crash_after_a_while_is_rolled_back() {
    let fleet = Fleet::deployed(7);
    // The next release is watched for as long as is usual.
    fleet.configure(7, "supervisor = \"pm2\"");
    for milliseconds in [1000, 3000] {
        let (asked, lost) = fleet.rolled_back(&format!(",\"crash\":{milliseconds}"));
        eprintln!("a crash after {milliseconds} ms: {lost} of {asked} lost");
    }
}

#[test]
fn what_cannot_be_done_changes_nothing() {
    let fleet = Fleet::deployed(7);
    fleet.publish("two", "");
    fleet.world.production("supervisor = \"pm2\"");
    fleet.deploy().ends_with(1).says("pm2 is not on the PATH");
    fleet.serves("one");
    fleet.configure(7, "supervisor = { kind = \"pm2\", only = [\"worker\"] }\n");
    fleet.deploy().ends_with(1).says("ecosystem.config.js has no app worker");
    fleet.serves("one");
    let throws = "console.log('noise');\nthrow new Error('no DATABASE_URL');\n";
    fleet.world.repo.publish(&[("ecosystem.config.js", throws)]);
    fleet.configure(7, "");
    fleet
        .deploy()
        .ends_with(1)
        .says("cannot read pm2's file ecosystem.config.js")
        .says("line 2: no DATABASE_URL");
    fleet.serves("one");
}

#[test]
fn a_daemon_that_is_down_is_started() {
    let fleet = Fleet::deployed(7);
    signal(fleet.daemon("web2"), Signal::KILL);
    eventually("it is gone", || ask(fleet.ports[1]).is_none());
    fleet.publish("two", "");
    fleet.deploy().ends_with(0);
    fleet.serves("two");
}

#[test]
fn a_daemon_of_another_version_is_told() {
    let fleet = Fleet::deployed(5);
    let daemon = fleet.daemon("web1");
    fleet.configure(7, "");
    fleet.publish("two", "");
    fleet.deploy().ends_with(0).says("its daemon still runs 5.");
    fleet.serves("two");
    assert_eq!(fleet.daemon("web1"), daemon);
}

#[test]
fn a_link_that_leads_nowhere_changes_nothing() {
    let fleet = Fleet::deployed(7);
    let link = fleet.world.host("web1").path("app/current");
    fs::remove_file(&link).unwrap();
    symlink("releases/nowhere", &link).unwrap();
    fleet.publish("two", "");
    fleet.deploy().ends_with(1).says("points to releases/nowhere, which shipit did not make");
    for port in &fleet.ports {
        assert!(ask(*port).unwrap().contains("\"release\":\"one\""), "what runs goes on");
    }
    fs::remove_file(&link).unwrap();
    fleet.deploy().ends_with(0);
    fleet.serves("two");
}

#[test]
fn a_daemon_that_is_killed_in_the_middle_is_rolled_back() {
    let fleet = Fleet::deployed(7);
    fleet.publish("two", ",\"boot\":4000");
    let run = fleet.world.shipit_spawn(&["production"]);
    let host = fleet.world.host("web2");
    eventually("it boots", || {
        let live = host.read("app/current/release.json").unwrap_or_default();
        live.contains("two") && host.path("app/current/runs").exists()
    });
    signal(fleet.daemon("web2"), Signal::KILL);
    run.wait().ends_with(5).says("pm2 does not run on this host");
    fleet.serves("one");
}

#[test]
fn a_port_that_is_held_is_named_with_its_holder() {
    let fleet = Fleet::new(7, "");
    fleet.publish_as("one", "", "fork", 1);
    let holder = TcpListener::bind(("127.0.0.1", fleet.ports[1])).unwrap();
    let run = fleet.deploy();
    assert_ne!(run.code, Some(0));
    run.says(&format!("port {} is still held by", fleet.ports[1]))
        .says(&format!("(process {})", std::process::id()));
    assert!(ask(fleet.ports[0]).is_none(), "what the run started is stopped");
    drop(holder);
    std::thread::sleep(Duration::from_millis(100));
    fleet.deploy().ends_with(0);
    fleet.serves("one");
}
