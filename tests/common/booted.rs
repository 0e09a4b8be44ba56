//! A systemd that was really booted, as process 1 of namespaces of its own: see `systemd.sh`. Needs root, overlayfs and cgroup2;
//! where there is none of these, what would use it says so.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::eventually;
use super::process::{self, Signal};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/systemd.sh");
/// The user that it knows besides those of this machine.
pub const USER: &str = "shipit-deploy";
pub const UID: u32 = 22900;

/// It runs until it is dropped.
pub struct Booted {
    outer: Child,
    init: u32,
    cgroup: PathBuf,
}

/// Why it cannot be booted here.
pub fn impossible() -> Option<String> {
    let mounts = fs::read_to_string("/proc/mounts").unwrap();
    let trial = "d=$(mktemp -d) && mount -t tmpfs tmpfs $d && mkdir $d/u $d/w $d/r && \
                 mount -t overlay overlay -o lowerdir=/,upperdir=$d/u,workdir=$d/w $d/r; c=$?; umount -R $d; rmdir $d; exit $c";
    match () {
        () if !rustix::process::geteuid().is_root() => Some("it needs root".into()),
        () if cgroups(&mounts).is_none() => Some("cgroup2 is not mounted".into()),
        () => {
            let out = Command::new("unshare").args(["-m", "sh", "-c", trial]).output().unwrap();
            let said = String::from_utf8_lossy(&out.stderr).into_owned();
            (!out.status.success()).then(|| format!("no overlay of this machine can be mounted: {said}"))
        }
    }
}

fn cgroups(mounts: &str) -> Option<PathBuf> {
    let of = |line: &str| {
        let mut words = line.split(' ').skip(1);
        let at = words.next()?;
        (words.next()? == "cgroup2").then(|| PathBuf::from(at))
    };
    mounts.lines().find_map(of)
}

impl Booted {
    /// Boots it. Both sides see `base`, which belongs to `USER` (whose home is `home` in it); units of the machine come from
    /// `base/units`, a file for sudo from `base/sudoers`. There, `base/tools` is what `tests/run` installed.
    pub fn start(base: &Path) -> Booted {
        let mounts = fs::read_to_string("/proc/mounts").unwrap();
        let cgroup = cgroups(&mounts).unwrap().join(format!("shipit-test-{}", std::process::id()));
        remove(&cgroup);
        let log = File::create(base.join("boot.log")).unwrap();
        let mut command = process::command(SCRIPT);
        command.arg(&cgroup).arg(base).args([USER, &UID.to_string()]).arg(process::tools());
        command.current_dir("/");
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let outer = command.spawn().unwrap();
        let mut booted = Booted { outer, init: 0, cgroup };
        eventually("it boots", || {
            assert!(
                booted.outer.try_wait().unwrap().is_none(),
                "{:?}",
                fs::read_to_string(base.join("boot.log"))
            );
            let own = |pid: &u32| {
                process::parent(*pid) == Some(booted.outer.id()) && process::name(*pid) == "systemd"
            };
            let Some(init) = process::descendants(booted.outer.id()).into_iter().find(own) else {
                return false;
            };
            booted.init = init;
            let user = format!("user@{UID}.service");
            // The last to come up. (Of several units, any one that is active would do.)
            let mut asked = booted.command(&["systemctl", "is-active", "--quiet", &user]);
            asked.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
        });
        booted
    }

    /// What a command begins with that is to run in it.
    pub fn way_in(&self) -> Vec<String> {
        let init = self.init.to_string();
        let words = ["nsenter", "-t", &init, "-m", "-p", "-C", "-u", "-i", "-r", "-w"];
        words.into_iter().map(String::from).collect()
    }

    /// The same, as its user.
    pub fn as_user(&self) -> Vec<String> {
        let id = UID.to_string();
        let mut words = self.way_in();
        words.extend(["-S", &id, "-G", &id].map(String::from));
        words
    }

    /// A command that runs in it as root.
    pub fn command(&self, words: &[&str]) -> Command {
        let way = self.way_in();
        let mut command = process::command(&way[0]);
        command.args(&way[1..]).args(words).current_dir("/").stdin(Stdio::null());
        command
    }

    /// systemctl of its user.
    pub fn systemctl(&self, words: &[&str]) -> Command {
        let way = self.as_user();
        let mut command = process::command(&way[0]);
        command.args(&way[1..]).args([
            "env",
            &format!("XDG_RUNTIME_DIR=/run/user/{UID}"),
            "systemctl",
            "--user",
        ]);
        command.args(words).current_dir("/").stdin(Stdio::null());
        command
    }
}

impl Drop for Booted {
    fn drop(&mut self) {
        if self.init != 0 {
            process::signal(self.init, Signal::KILL);
        }
        let _ = self.outer.kill();
        let _ = self.outer.wait();
        remove(&self.cgroup);
    }
}

// A cgroup goes when all that was in it is gone.
fn remove(cgroup: &Path) {
    for _ in 0..100 {
        let _ = Command::new("find")
            .arg(cgroup)
            .args(["-depth", "-type", "d", "-exec", "rmdir", "{}", ";"])
            .stderr(Stdio::null())
            .status();
        if !cgroup.exists() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Gives all below a directory to its user.
pub fn give(dir: &Path) {
    process::succeed(Command::new("chown").args(["-R", &format!("{UID}:{UID}")]).arg(dir));
}

/// The file of a unit that serves the release in `current` of `root`.
pub fn unit(root: &Path, port: &str, more: &str, wanted: &str) -> String {
    format!(
        "[Unit]\nStartLimitIntervalSec=20\nStartLimitBurst=5\n[Service]\nWorkingDirectory={}/current\n\
         ExecStart=/bin/sh start {port}\nRestart=on-failure\nRestartSec=200ms\n{more}\n[Install]\nWantedBy={wanted}\n",
        root.display()
    )
}
