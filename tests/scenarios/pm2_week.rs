//! A week of somebody who comes from `pm2 deploy` with three servers, on real sshds with the real pm2: each server is asked
//! over HTTP throughout, and what lay on it is looked at as often.
//!
//! What an answer that did not come is worth is judged by what shipit announced, and never by how quick it was. A reboot is the
//! death of all that runs there, pm2's daemon included, and then what its unit would do.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::common::{Host, Kind, Run, Running, Signal, World, eventually, pm2, signal};
use crate::pm2_client::ask;

const FILE: &str = "const fs = require('fs');
module.exports = {
  apps: [{
    name: 'web', script: 'app.js', exec_mode: 'cluster', instances: 2,
    env: { PORT: fs.readFileSync(process.env.HOME + '/port', 'utf8') },
  }],
  deploy: {
    production: {
      host: process.env.HOSTS ? process.env.HOSTS.split(',') : ['web1', 'web2', 'web3'],
      ref: 'origin/main', repo: 'REPO', path: 'app',
      env: { app_token: process.env.APP_TOKEN },
      'post-deploy': 'pm2 startOrReload ecosystem.config.js --env production',
    },
  },
};
";

/// What a server did not answer, and what was not found on it.
#[derive(Debug, Default)]
struct Record {
    asked: usize,
    /// The day, and how long nothing answered.
    gaps: Vec<(&'static str, Duration)>,
    missing: Vec<(&'static str, String)>,
}

/// Asks a server until it is told to stop.
struct Visitor {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Record>,
}

impl Visitor {
    fn of(host: &Host, port: u16, day: &Arc<Mutex<&'static str>>) -> Visitor {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, day) = (Arc::clone(&stop), Arc::clone(day));
        let files = [".env", "uploads/photo"].map(|name| (name, host.path(&format!("app/current/{name}"))));
        let thread = std::thread::spawn(move || {
            let mut record = Record::default();
            let mut since: Option<(&'static str, Instant)> = None;
            while !stopped.load(Ordering::SeqCst) {
                let now = Instant::now();
                let today = *day.lock().unwrap();
                record.asked += 1;
                match ask(port) {
                    Some(_) => record.gaps.extend(since.take().map(|(day, since)| (day, since.elapsed()))),
                    None => drop(since.get_or_insert((today, now))),
                }
                for (name, path) in &files {
                    if fs::read_to_string(path).ok().as_deref() != Some("theirs\n") {
                        record.missing.push((today, (*name).to_owned()));
                    }
                }
                std::thread::sleep(Duration::from_millis(100));
            }
            record
        });
        Visitor { stop, thread }
    }

    fn leave(self) -> Record {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

struct Week {
    world: World,
    ports: Vec<u16>,
    day: Arc<Mutex<&'static str>>,
}

impl Week {
    fn new() -> Week {
        let world = World::new(Kind::Sshd, 4);
        let ports = (0..4).map(|_| TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port());
        let ports: Vec<u16> = ports.collect();
        for (host, port) in world.hosts().iter().zip(&ports) {
            host.put("port", &port.to_string());
            symlink(fs::canonicalize(pm2(7).join("pm2")).unwrap(), host.path("../bin/pm2")).unwrap();
        }
        let config = world.home().join(".ssh/config");
        world.tool("ssh", &format!("#!/bin/sh\nexec /usr/bin/ssh -F '{}' \"$@\"\n", config.display()));
        fs::write(world.home().join("port"), "0").unwrap();
        world.env("USER", world.root().file_name().unwrap().to_str().unwrap());
        world.env("APP_TOKEN", "the first");
        fs::write(world.repo.work().join(".git/info/exclude"), "/shipit.toml\n").unwrap();
        Week { world, ports, day: Arc::new(Mutex::new("before")) }
    }

    fn publish(&self, id: &str, more: &str) -> String {
        self.world.repo.publish(&[
            ("app.js", include_str!("../pm2/app.js")),
            ("ecosystem.config.js", &FILE.replace("REPO", &self.world.repo.url())),
            ("release.json", &format!("{{\"id\":\"{id}\"{more}}}")),
        ])
    }

    /// `pm2 deploy`, for one server: the path is that of the directory it is called in.
    fn pm2_deploy(&self, host: &str, words: &[&str]) {
        let mut command = self.world.command(&pm2(7).join("pm2"));
        command.env("PM2_HOME", self.world.home().join(".pm2")).env("HOSTS", host);
        command.arg("deploy").arg(self.world.repo.work().join("ecosystem.config.js")).args(words);
        command.current_dir(self.world.host(host).path(""));
        Running::start(command, format!("pm2 deploy {words:?} on {host}")).wait().ends_with(0);
    }

    fn shipit(&self, words: &[&str]) -> Run {
        self.world.shipit(&[&["production"], words].concat())
    }

    /// A day begins, on which somebody uploads a file to each server.
    fn begins(&self, day: &'static str) {
        *self.day.lock().unwrap() = day;
        let name = day.split(':').next().unwrap();
        for host in self.world.hosts().iter().take(3) {
            fs::write(host.path(&format!("app/current/uploads/{name}")), day).unwrap();
        }
    }

    /// Holds the first servers to answering with this release, by each process.
    #[track_caller]
    fn serves(&self, hosts: usize, id: &str) {
        for (host, port) in self.world.hosts().iter().zip(&self.ports).take(hosts) {
            eventually("it answers", || ask(*port).is_some());
            for _ in 0..4 {
                let answer = ask(*port).unwrap();
                assert!(
                    answer.contains(&format!("\"release\":\"{id}\"")),
                    "{}: {answer}, not {id}",
                    host.name()
                );
            }
        }
    }
}

impl Drop for Week {
    fn drop(&mut self) {
        // `pm2 deploy` started a daemon of the operator's.
        let _ = self.world.command(&pm2(7).join("pm2")).arg("kill").output();
        // What pm2 deploy logs lies outside of every world.
        let name = self.world.root().file_name().unwrap().to_str().unwrap();
        let _ = fs::remove_file(format!("/tmp/pm2-deploy-{name}.log"));
    }
}

#[test]
fn a_week_with_three_servers() {
    let week = Week::new();
    week.before();
    let visitors: Vec<Visitor> = (week.world.hosts().iter().zip(&week.ports).take(3))
        .map(|(host, port)| Visitor::of(host, *port, &week.day))
        .collect();
    week.is_imported_and_deployed();
    week.goes_wrong_and_back();
    week.grows_and_changes_a_secret();
    week.has_a_hotfix();
    week.loses_a_server();
    week.judge(visitors);
}

impl Week {
    /// `pm2 deploy` and its user's files.
    fn before(&self) {
        self.publish("one", "");
        for host in ["web1", "web2", "web3"] {
            self.pm2_deploy(host, &["production", "setup"]);
            self.pm2_deploy(host, &["production", "--force"]);
            self.world.ssh(host, "pm2 save").ends_with(0);
            self.world.host(host).put("app/source/.env", "theirs\n");
            self.world.host(host).put("app/source/uploads/photo", "theirs\n");
        }
        self.serves(3, "one");
    }

    fn is_imported_and_deployed(&self) {
        self.begins("first Monday: import and the first deploy");
        self.world
            .shipit(&["import"])
            .ends_with(0)
            .says("kept, in `shared`: .env runs uploads/")
            .says("web (cluster x2): cluster x2 from source: moved to `current`, no interruption");
        let file = self.world.repo.work().join("shipit.toml");
        let text = fs::read_to_string(&file).unwrap();
        let quick = "supervisor = { kind = \"pm2\", stable-for = \"1s\" }";
        fs::write(&file, text.replace("supervisor = \"pm2\"", quick)).unwrap();
        self.shipit(&["check"]).ends_with(1).says("shipit production setup");
        self.shipit(&["setup"]).ends_with(0).says("moved source/uploads to shared/uploads");
        self.publish("two", "");
        self.shipit(&[]).ends_with(0);
        self.serves(3, "two");
    }

    fn goes_wrong_and_back(&self) {
        self.begins("Tuesday: a release that crashes");
        self.publish("bad", ",\"crash\":0");
        self.shipit(&[]).ends_with(5);
        self.serves(3, "two");

        self.begins("Wednesday: a revert into the time of pm2 deploy, and on");
        self.shipit(&["revert", "--yes"]).ends_with(0);
        self.serves(3, "one");
        self.publish("three", "");
        self.shipit(&[]).ends_with(0);
        self.serves(3, "three");
    }

    fn grows_and_changes_a_secret(&self) {
        let file = self.world.repo.work().join("shipit.toml");
        self.begins("Thursday: a new server");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace("\"web3\"]", "\"web3\", \"web4\"]")).unwrap();
        self.shipit(&["setup"]).ends_with(0);
        self.shipit(&["sync"]).ends_with(1).says("shared file missing");
        for file in [".env", "runs"] {
            self.world.host("web4").put(&format!("app/shared/{file}"), "theirs\n");
        }
        self.shipit(&["sync"]).ends_with(0);
        self.serves(4, "three");

        self.begins("Friday: a secret is rotated");
        self.world.env("APP_TOKEN", "the second");
        self.shipit(&[]).ends_with(0);
        for port in &self.ports {
            let answer = ask(*port).unwrap();
            assert!(answer.contains("\"APP_TOKEN\":\"the second\""), "{answer}");
        }
    }

    fn has_a_hotfix(&self) {
        self.begins("Saturday: a branch with a hotfix");
        self.world.repo.branch("hotfix/login");
        self.publish("four", "");
        self.shipit(&["ref", "hotfix/login"]).ends_with(0);
        self.serves(4, "four");
        self.world.repo.git(&["switch", "-q", "main"]);
        self.world.repo.git(&["merge", "-q", "--ff-only", "hotfix/login"]);
        self.publish("five", "");
        self.shipit(&[]).ends_with(0);
        self.serves(4, "five");
    }

    /// All that runs there is gone at once.
    fn loses_a_server(&self) {
        self.begins("Sunday: a server is rebooted");
        let host = self.world.host("web2");
        host.kill_sshd();
        host.processes().iter().for_each(|process| signal(process.pid, Signal::KILL));
        eventually("it is down", || ask(self.ports[1]).is_none());
        let status = self.shipit(&["status", "--check"]).says("web2");
        assert_ne!(status.code, Some(0), "{status}");
        host.start();
        // As its unit would.
        self.world.ssh("web2", "pm2 resurrect").ends_with(0);
        self.serves(4, "five");
        self.begins("Monday: on from there");
        self.shipit(&["status", "--check"]).ends_with(0);
        self.publish("six", "");
        self.shipit(&[]).ends_with(0);
        self.serves(4, "six");
    }

    /// No file was lost, and every server answered but for the time in which it was down.
    fn judge(&self, visitors: Vec<Visitor>) {
        let down = "Sunday: a server is rebooted";
        let records: Vec<(&Host, Record)> =
            self.world.hosts().iter().zip(visitors).map(|(host, visitor)| (host, visitor.leave())).collect();
        for (host, Record { asked, gaps, missing }) in &records {
            let name = host.name();
            eprintln!(
                "{name}: asked {asked} times; without an answer: {gaps:?}; files not there: {missing:?}"
            );
        }
        for (host, Record { gaps, missing, .. }) in &records {
            let name = host.name();
            let own = gaps.iter().filter(|(day, _)| (name, *day) != ("web2", down));
            // shipit announced no interruption on any day: `import` and the plans said so.
            assert_eq!(own.count(), 0, "{name}: {gaps:?}");
            assert!(missing.is_empty(), "{name}: {missing:?}");
            let uploads = fs::read_dir(host.path("app/current/uploads")).unwrap().count();
            assert_eq!(uploads, 9, "{name}: the photo, and a file of each day");
        }
    }
}
