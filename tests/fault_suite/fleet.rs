//! The world of this suite: four hosts with small disks on real sshds, each behind a line that can be hurt, and the apps
//! that are deployed to them. It is used for one fault after the other while it is whole.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use crate::common::{Beat, Host, Kind, Pulse, Running, Signal, World, eventually, pm2, signal};
use crate::ground::Disk;
use crate::proxy::Proxy;

/// The hosts of a world.
pub const HOSTS: usize = 4;
/// What is deployed, each to `disk/NAME`, in the order in which they go live.
pub const APPS: [&str; 2] = ["api", "web"];
/// The one that is drained before it goes live.
pub const DRAINED: &str = "web";
/// What hosts have as `/bin/sh`.
const SHELLS: [&str; HOSTS] = ["dash", "bash", "busybox", "dash"];

/// A world that is set up and serves something everywhere.
#[derive(Debug)]
pub struct Fleet {
    // before the world, whose hosts end what runs on them first
    pub world: World,
    /// What is asked whether [`DRAINED`] is well, through the lines.
    pulse: Pulse,
    pub lines: Vec<Proxy>,
    pub disks: Vec<Disk>,
    /// pm2 runs [`APPS`]`[0]`, and not its hooks.
    pm2: bool,
    count: usize,
}

/// A file on a host with the one release that is well there.
const SICK: &str = "fail.pulse";

// What runs says which release it is.
fn pulse(world: &World) -> Pulse {
    let homes: Vec<(String, PathBuf)> =
        world.hosts().iter().map(|host| (host.name().to_owned(), host.path(""))).collect();
    Pulse::new(move |name| {
        let home = &homes.iter().find(|(host, _)| host == name).unwrap().1;
        let release = fs::read_to_string(home.join(format!("running.{DRAINED}"))).unwrap_or_default();
        let sick = fs::read_to_string(home.join(SICK)).is_ok_and(|well| well != release);
        let status = if release.is_empty() || sick { 503 } else { 200 };
        Beat { status, release: release.trim().to_owned() }
    })
}

impl Fleet {
    /// Sets it up and deploys twice, so that there is something to revert to.
    pub fn new(pm2: bool) -> Fleet {
        let world = World::new(Kind::Sshd, HOSTS);
        let lines: Vec<Proxy> = world.hosts().iter().map(|host| Proxy::before(host.port())).collect();
        let disks: Vec<Disk> = (0..HOSTS).map(|_| Disk::take()).collect();
        for ((host, disk), sh) in world.hosts().iter().zip(&disks).zip(SHELLS) {
            host.sh(sh);
            host.tool("hook", include_str!("hook.sh"));
            symlink(disk.path(), host.path("disk")).unwrap();
        }
        let pulse = pulse(&world);
        let mut fleet = Fleet { world, pulse, lines, disks, pm2, count: 0 };
        if pm2 {
            let ecosystem =
                "module.exports = { apps: [{ name: 'api', script: 'app.js', exec_mode: 'cluster' }] };\n";
            fleet
                .world
                .repo
                .commit(&[("app.js", include_str!("app.js")), ("ecosystem.config.js", ecosystem)]);
        }
        fleet.lead_through_the_lines();
        fleet.world.config(&fleet.config());
        fleet.publish();
        fleet.shipit(&["setup"]).wait().ends_with(0);
        fleet.shipit(&[]).wait().ends_with(0);
        fleet.publish();
        fleet.shipit(&[]).wait().ends_with(0);
        fleet
    }

    fn lead_through_the_lines(&self) {
        let ssh = self.world.home().join(".ssh");
        for (file, before, after) in [("config", "Port ", "\n"), ("known_hosts", "[127.0.0.1]:", " ")] {
            let mut text = fs::read_to_string(ssh.join(file)).unwrap();
            for (host, line) in self.world.hosts().iter().zip(&self.lines) {
                let of = |port: u16| format!("{before}{port}{after}");
                text = text.replace(&of(host.port()), &of(line.port()));
            }
            fs::write(ssh.join(file), text).unwrap();
        }
    }

    fn config(&self) -> String {
        let hosts: Vec<&str> = self.world.hosts().iter().map(Host::name).collect();
        let repo = self.world.repo.url();
        let local = |step: &str| format!("{step} = \"[ ! -e ../fail.{step} ]\"\n");
        let remote = |step: &str| format!("{step} = \"hook {step}\"\n");
        let app = |name: &str| {
            let steps = ["post-setup", "pre-deploy", "build", "migrate", "pre-activate", "post-deploy"];
            let within = "within = '6s', interval = '300ms', timeout = '3s'";
            let more = if name == DRAINED {
                ["drain", "undrain"].map(remote).concat()
                    + &self.pulse.http(&format!("release = true, {within}"))
            } else {
                format!("health = {{ command = 'hook health', {within} }}\n")
            };
            let steps = steps.map(remote).concat() + &more;
            let supervisor = match self.pm2 && name != DRAINED {
                true => format!("prepend-path = [{:?}]\nsupervisor = {{ kind = \"pm2\", stable-for = \"1s\" }}", pm2(7)),
                false => "supervisor = { reload = \"hook reload\", stop = \"hook stop\", verify = \"hook verify\" }".to_owned(),
            };
            format!(
                "repo = {repo:?}\nref = \"main\"\npath = \"disk/{name}\"\n{steps}\
                 shared = [\"logs/\"]\nfiles = {{ \"shared/env\" = {{ from = \"env.txt\" }} }}\n\
                 {supervisor}\n"
            )
        };
        let all = format!(
            "timeout = {{ connect = \"4s\", lost = \"4s\", hook = \"60s\", fetch = \"60s\", reload = \"60s\" }}\n\
             hosts = {hosts:?}\nkeep-releases = 3\nrollout = {{ batch = 2 }}\n"
        );
        let locals = ["pre-deploy-local", "post-deploy-local"].map(local).concat();
        let apps = APPS.iter().enumerate().map(|(at, name)| {
            let first = || locals.clone();
            let before = at.checked_sub(1).map_or_else(first, |at| format!("after = [{:?}]\n", APPS[at]));
            format!("[apps.{name}]\n{}{before}\n", app(name))
        });
        format!("{}[deploy.production]\n{all}", apps.collect::<String>())
    }

    /// From now on only what runs there now is well on that host.
    pub fn sicken(&self, at: usize) {
        let host = self.host(at);
        host.put(SICK, &host.read(&format!("running.{DRAINED}")).unwrap_or_default());
    }

    /// Publishes the next thing to deploy.
    pub fn publish(&mut self) {
        self.count += 1;
        let page = format!("page {}\n", self.count);
        self.world.repo.publish(&[("page", &page), ("env.txt", &page)]);
    }

    /// Nothing is live any more, as on new hosts.
    pub fn wipe(&self) {
        for host in self.world.hosts().iter().filter(|_| self.pm2) {
            host.processes().iter().for_each(|process| signal(process.pid, Signal::KILL));
            eventually("pm2 is gone", || host.processes().is_empty());
        }
        for (host, disk) in self.world.hosts().iter().zip(&self.disks) {
            for app in APPS {
                fs::remove_dir_all(disk.path().join(app)).unwrap();
                let _ = fs::remove_file(host.path(&format!("running.{app}")));
            }
        }
        self.shipit(&["setup"]).wait().ends_with(0);
        // As a host that has another version of shipit: the program travels once more.
        for host in self.world.hosts() {
            fs::remove_dir_all(host.path(".cache/shipit")).unwrap();
        }
    }

    /// A path of an app on a host's disk.
    pub fn path(&self, host: usize, app: &str, path: &str) -> PathBuf {
        self.disks[host].path().join(app).join(path)
    }

    pub fn host(&self, at: usize) -> &Host {
        &self.world.hosts()[at]
    }

    /// Where the events of the next run go.
    pub fn events(&self) -> PathBuf {
        self.world.root().join("events")
    }

    /// Starts `shipit production`.
    pub fn shipit(&self, words: &[&str]) -> Running {
        self.shipit_with(words, &[])
    }

    /// Starts `shipit production` with these variables.
    pub fn shipit_with(&self, words: &[&str], variables: &[(&str, &str)]) -> Running {
        let binary = crate::asked("BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_shipit").to_owned());
        let mut command = self.world.command(binary.as_ref());
        command.arg("production").args(words).envs(variables.iter().copied());
        Running::start(command, format!("shipit production {}", words.join(" ")))
    }

    /// Starts `shipit production`, with its events in that file.
    pub fn start(&self, words: &[&str], variables: &[(&str, &str)]) -> Running {
        let file = self.events();
        let _ = fs::remove_file(&file);
        let file = file.to_str().unwrap().to_owned();
        self.shipit_with(&[&["--events", &file], words].concat(), variables)
    }

    /// Damages what goes live on a host, of each app that is ready for it. Before that it is not known whether a build
    /// meant it.
    pub fn damage_goal(&self, at: usize, all_of_it: bool) {
        for app in APPS {
            let entries = fs::read_dir(self.path(at, app, ".shipit/journal")).into_iter().flatten().flatten();
            let mut names = entries.map(|entry| entry.file_name().into_string().unwrap());
            let Some(open) = names.find(|name| name.ends_with(".open")) else { continue };
            let release = self.path(at, app, &format!("releases/{}", open.split('.').nth(1).unwrap()));
            if all_of_it {
                let _ = fs::remove_dir_all(release);
            } else {
                let _ = File::options().write(true).truncate(true).open(release.join("page"));
            }
        }
    }

    /// Removes a part of what is live.
    pub fn halve_live(&self, at: usize) {
        for app in APPS {
            let _ = fs::remove_file(self.path(at, app, "current/page"));
        }
    }

    /// A host's releases are on another disk.
    pub fn move_releases(&self, at: usize) {
        for app in APPS {
            let (releases, far) = (self.path(at, app, "releases"), self.host(at).path(&format!("far-{app}")));
            assert!(Command::new("cp").arg("-a").arg(&releases).arg(&far).status().unwrap().success());
            fs::remove_dir_all(&releases).unwrap();
            symlink(far, releases).unwrap();
        }
    }

    /// They are where they were.
    pub fn bring_releases_back(&self, at: usize) {
        for app in APPS {
            let (releases, far) = (self.path(at, app, "releases"), self.host(at).path(&format!("far-{app}")));
            fs::remove_file(&releases).unwrap();
            assert!(Command::new("cp").arg("-a").arg(&far).arg(&releases).status().unwrap().success());
            fs::remove_dir_all(far).unwrap();
        }
    }

    /// All processes of a host stop where they are, or go on.
    pub fn freeze(&self, at: usize, frozen: bool) {
        let host = self.host(at);
        host.freeze(frozen);
        // Twice: what was started while the first were stopped.
        for _ in 0..2 {
            let sign = if frozen { Signal::STOP } else { Signal::CONT };
            host.processes().iter().for_each(|process| signal(process.pid, sign));
        }
        if frozen {
            host.freeze(true);
        }
    }

    /// A host dies with all that it runs.
    pub fn kill_machine(&self, at: usize) {
        let host = self.host(at);
        self.freeze(at, true);
        host.kill_sshd();
        for _ in 0..100 {
            let left = host.processes();
            if left.is_empty() {
                return;
            }
            left.iter().for_each(|process| signal(process.pid, Signal::KILL));
        }
    }
}
