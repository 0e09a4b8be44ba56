//! One machine that is deployed to: a directory with its own home, tools and shells, and an SSH server before it.
//!
//! Both kinds of server run the same `login` script, which makes the directory a machine of its own, so a scenario
//! cannot tell them apart except by what only one can do ([`Host::recorded`]). Relative paths lie in its home.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use super::login::{Shells, put, write_login};
use super::process::{self, Process, Signal};
use super::server::Server;
use super::shared;
use super::sshd::Sshd;
use super::watch::Watch;

/// Which SSH server stands before the hosts of a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// OpenSSH's, unprivileged, with keys made on the spot: what is true there is true.
    Sshd,
    /// One in this process that really executes and records what it receives.
    InProcess,
    /// OpenSSH's, reached by the system's `ssh`.
    ByOpenSsh,
}

#[derive(Debug)]
enum Front {
    Sshd(Sshd),
    InProcess(Box<Server>),
}

/// A machine of a [`World`](super::World).
#[derive(Debug)]
pub struct Host {
    name: String,
    root: PathBuf,
    shells: Mutex<Shells>,
    front: Front,
}

impl Host {
    /// Sets up the machine below `root` and starts its server, which lets the owner of `operator_key` in.
    pub fn new(kind: Kind, name: &str, root: PathBuf, operator_key: &Path) -> Self {
        for dir in ["home", "bin", "sh", "server"] {
            fs::create_dir_all(root.join(dir)).unwrap();
        }
        copy_key(name, &root.join("server/key"));
        let shells = Shells { login: "bash", sh: "dash" };
        write_login(&root, shells);
        let front = match kind {
            Kind::Sshd | Kind::ByOpenSsh => Front::Sshd(Sshd::start(&root, operator_key)),
            Kind::InProcess => Front::InProcess(Box::new(Server::start(&root, operator_key))),
        };
        Self { name: name.into(), root, shells: Mutex::new(shells), front }
    }

    /// The name by which the operator's `~/.ssh/config` knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its server listens on 127.0.0.1.
    pub fn port(&self) -> u16 {
        match &self.front {
            Front::Sshd(sshd) => sshd.port(),
            Front::InProcess(server) => server.port(),
        }
    }

    /// Its public host key, as in a `known_hosts` line: type and key.
    pub fn public_key(&self) -> String {
        let line = fs::read_to_string(self.root.join("server/key.pub")).unwrap();
        line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    }

    // ---- what the machine is like

    /// The login shell from the next login on: bash (as at first), dash, `busybox ash`, zsh, fish or tcsh.
    pub fn shell(&self, shell: &'static str) {
        self.change(|shells| shells.login = shell);
    }

    /// What `/bin/sh` is from the next login on: dash (as at first), bash or busybox. It is put in place of
    /// `/bin/sh` at the start of a command (`exec /bin/sh …`) and found first as `sh` on the PATH.
    pub fn sh(&self, sh: &'static str) {
        self.change(|shells| shells.sh = sh);
    }

    fn change(&self, change: impl FnOnce(&mut Shells)) {
        let mut shells = self.shells.lock().unwrap();
        change(&mut shells);
        write_login(&self.root, *shells);
    }

    /// Installs a program that this machine finds before all others of that name.
    pub fn tool(&self, name: &str, script: &str) {
        put(&self.root.join("bin").join(name), script, 0o755);
    }

    // ---- what lies on its disk

    /// A path in its home, such as `app/current`.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join("home").join(path)
    }

    /// A file's text, or nothing where there is no such file.
    pub fn read(&self, path: &str) -> Option<String> {
        fs::read(self.path(path)).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Writes a file, with the directories it lies in.
    pub fn put(&self, path: &str, text: &str) {
        put(&self.path(path), text, 0o644);
    }

    /// Where `app/current` points, as written in the link.
    pub fn current(&self) -> Option<String> {
        let target = fs::read_link(self.path("app/current")).ok()?;
        Some(target.to_str().unwrap().to_string())
    }

    /// The page it serves.
    pub fn page(&self) -> Option<String> {
        self.read("app/current/page")
    }

    /// Holds it to serving this page, with nothing left of any run.
    ///
    /// # Panics
    /// When it does not, or is still locked.
    #[track_caller]
    pub fn serves(&self, page: &str) {
        assert_eq!(self.page().as_deref(), Some(page), "the page of {}", self.name);
        self.is_at_rest();
    }

    /// Holds it to having nothing left of any run: no lock, no run, no release that nobody finished.
    ///
    /// # Panics
    /// When there is.
    #[track_caller]
    pub fn is_at_rest(&self) {
        let names = |dir: &str| -> Vec<String> {
            let Ok(entries) = fs::read_dir(self.path(dir)) else { return Vec::new() };
            entries.flatten().filter_map(|e| e.file_name().into_string().ok()).collect()
        };
        let left: Vec<_> =
            names("app/.shipit").into_iter().filter(|n| n == "lock" || n.starts_with("run.")).collect();
        assert!(left.is_empty(), "{} is left on {}", left.join(", "), self.name);
        let open: Vec<_> = (names("app/.shipit/journal").into_iter())
            .filter(|n| n.ends_with(".open") || n.ends_with(".healthy"))
            .collect();
        assert!(open.is_empty(), "{} is open on {}", open.join(", "), self.name);
        for release in self.releases() {
            let whole = self.read(&format!("app/releases/{release}/REVISION")).is_some();
            assert!(whole, "{release} is half a release on {}", self.name);
        }
    }

    /// The names below `app/releases`, oldest first.
    pub fn releases(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path("app/releases")) else { return Vec::new() };
        let mut names: Vec<_> = entries.flatten().filter_map(|e| e.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// Reads a file again and again until the watch is ended.
    pub fn watch(&self, path: &str) -> Watch {
        Watch::begin(self.path(path))
    }

    // ---- what goes on

    /// How often somebody logged in.
    pub fn logins(&self) -> usize {
        match &self.front {
            Front::Sshd(sshd) => sshd.logins(),
            Front::InProcess(server) => server.logins(),
        }
    }

    /// What runs on this machine, its SSH server not counted.
    pub fn processes(&self) -> Vec<Process> {
        process::inside(&self.root)
    }

    /// Every byte received on standard input, a session an entry, in the order of their start.
    ///
    /// # Panics
    /// On a real sshd, which records nothing.
    pub fn recorded(&self) -> Vec<Vec<u8>> {
        self.in_process().recorded()
    }

    /// The commands that were asked for, a session an entry.
    ///
    /// # Panics
    /// On a real sshd, which records nothing.
    pub fn commands(&self) -> Vec<String> {
        self.in_process().commands()
    }

    fn in_process(&self) -> &Server {
        match &self.front {
            Front::InProcess(server) => server,
            Front::Sshd(_) => panic!("only Kind::InProcess records what it receives"),
        }
    }

    /// The listener's process id.
    ///
    /// # Panics
    /// In-process, or when it was killed.
    pub fn sshd_pid(&self) -> u32 {
        match &self.front {
            Front::Sshd(sshd) => sshd.pid().expect("this host's sshd was killed"),
            Front::InProcess(_) => panic!("only Kind::Sshd has a process of its own"),
        }
    }

    // ---- faults

    /// Kills the connections, not the listener: a router forgot them. What runs only sees its pipes close.
    pub fn kill_session(&self) {
        match &self.front {
            Front::Sshd(sshd) => {
                sshd.sessions().into_iter().for_each(|pid| process::signal(pid, Signal::KILL))
            }
            Front::InProcess(server) => server.drop_connections(),
        }
    }

    /// Kills the server and its connections: the host cannot be reached until [`Host::start`].
    pub fn kill_sshd(&self) {
        match &self.front {
            Front::Sshd(sshd) => sshd.kill(),
            Front::InProcess(server) => server.kill(),
        }
    }

    /// Starts the server again, where it listened before.
    pub fn start(&self) {
        match &self.front {
            Front::Sshd(sshd) => sshd.restart(),
            Front::InProcess(server) => server.restart(),
        }
    }

    /// Makes the line silent without closing it, and lets it speak again. What runs on the host runs on.
    pub fn freeze(&self, frozen: bool) {
        match &self.front {
            Front::Sshd(sshd) => sshd.freeze(frozen),
            Front::InProcess(server) => server.freeze(frozen),
        }
    }
}

/// The key pair of that name, which no other name of this run has.
pub fn copy_key(name: &str, to: &Path) {
    let keys = shared::original(&format!("key-{name}"), || {
        let dir = tempfile::Builder::new().prefix("shipit-key-").tempdir().unwrap().keep();
        let key = dir.join("key");
        process::succeed(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(key));
        dir
    });
    for (from, to) in [("key", to.to_path_buf()), ("key.pub", to.with_extension("pub"))] {
        fs::copy(keys.join(from), to).unwrap();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.freeze(false);
        self.kill_sshd();
        process::end_all_inside(&self.root);
    }
}
