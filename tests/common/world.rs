//! All a scenario plays in: the operator's home, the repository, the hosts, and `shipit` run among them.
//!
//! Everything lies in one temporary directory. The operator reaches hosts by the names web1, web2, … through
//! `~/.ssh/config`, with a key and `known_hosts` of this world's own.

use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use tempfile::TempDir;

use super::host::{Host, Kind, copy_key};
use super::process::{self, succeed};
use super::pty::Terminal;
use super::repo::Repo;
use super::run::{Run, Running};
use super::shared;

/// The closed environment of one scenario.
#[derive(Debug)]
pub struct World {
    hosts: Vec<Host>,
    env: Mutex<Vec<(String, String)>>,
    /// The repository that is deployed.
    pub repo: Repo,
    home: PathBuf,
    // last: hosts end what runs in it before it is removed
    dir: TempDir,
}

impl World {
    /// An operator, a repository with one commit, and hosts `web1` to `web<n>`.
    pub fn new(kind: Kind, hosts: usize) -> Self {
        let dir = directory();
        shared::copy("bare", &real(&dir), || {
            let dir = directory();
            let root = real(&dir);
            make_operator(&root);
            let _ = dir.keep();
            root
        });
        Self::start(kind, hosts, dir)
    }

    /// Hosts as their directories are, or new ones.
    fn start(kind: Kind, hosts: usize, dir: TempDir) -> Self {
        process::remember_older();
        let root = real(&dir);
        let home = root.join("operator");
        let key = home.join(".ssh/id_ed25519");
        let repo = Repo::open(&root, &home);
        let host = |n| Host::new(kind, &format!("web{n}"), root.join(format!("web{n}")), &key);
        let hosts = (1..=hosts).map(host).collect();
        let world = Self { hosts, env: Mutex::default(), repo, home, dir };
        world.introduce_hosts();
        if kind == Kind::ByOpenSsh {
            world.reach_by_openssh();
        }
        world
    }

    /// From now on shipit reaches the hosts by the system's `ssh`.
    pub fn reach_by_openssh(&self) {
        self.env("SHIPIT_SET", "ssh=openssh");
        // It takes ~ for the account's home, whatever HOME says.
        let config = self.home.join(".ssh/config");
        let script =
            format!("#!/bin/sh\nexec {} -F {} \"$@\"\n", process::require("ssh").display(), config.display());
        self.tool("ssh", &script);
    }

    /// Ends what runs, and leaves the directory to the caller, as if nobody had logged in.
    fn close(self) -> PathBuf {
        let Self { hosts, dir, .. } = self;
        let root = real(&dir);
        for host in hosts {
            let logs = root.join(host.name()).join("server/log");
            drop(host);
            let _ = fs::remove_file(logs);
        }
        let _ = dir.keep();
        root
    }

    /// Writes `~/.ssh/config` and `known_hosts` so that every host is found and trusted.
    pub fn introduce_hosts(&self) {
        let user = succeed(Command::new("id").arg("-un"));
        let ssh = self.home.join(".ssh");
        let (mut config, mut known) = (String::new(), String::new());
        for host in &self.hosts {
            let (name, port) = (host.name(), host.port());
            writeln!(config, "Host {name}\n  HostName 127.0.0.1\n  Port {port}").unwrap();
            writeln!(known, "[127.0.0.1]:{port} {}", host.public_key()).unwrap();
        }
        let ssh_dir = ssh.display();
        // absolute paths: OpenSSH's own client takes ~ for the account's home, whatever HOME says
        writeln!(config, "Host *\n  User {user}\n  IdentityFile {ssh_dir}/id_ed25519").unwrap();
        writeln!(config, "  UserKnownHostsFile {ssh_dir}/known_hosts").unwrap();
        fs::write(ssh.join("config"), config).unwrap();
        fs::write(ssh.join("known_hosts"), known).unwrap();
    }

    /// The host of that name.
    ///
    /// # Panics
    /// When there is none.
    pub fn host(&self, name: &str) -> &Host {
        self.hosts.iter().find(|host| host.name() == name).unwrap_or_else(|| panic!("no host {name}"))
    }

    /// All hosts, in order.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// The operator's home directory.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The directory that holds everything.
    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    /// Writes `shipit.toml` in the work tree, not committed and not seen by git as a change.
    pub fn config(&self, toml: &str) {
        self.repo.write("shipit.toml", toml);
        fs::write(self.repo.work().join(".git/info/exclude"), "/shipit.toml\n").unwrap();
    }

    /// Writes a `shipit.toml` with the environment `production` on all hosts: `main`, to `app` in their homes,
    /// and these lines more.
    pub fn production(&self, lines: &str) {
        let names: Vec<_> = self.hosts.iter().map(Host::name).collect();
        self.production_on(&names, lines);
    }

    /// The same, on these hosts.
    pub fn production_on(&self, hosts: &[&str], lines: &str) {
        let repo = self.repo.url();
        self.config(&format!(
            "[deploy.production]\nhost = {hosts:?}\nrepo = {repo:?}\nref = \"main\"\npath = \"app\"\n{lines}\n"
        ));
    }

    /// A world with that `production`, set up, where every host serves the page `one`.
    pub fn deployed(kind: Kind, hosts: usize, lines: &str) -> Self {
        let dir = directory();
        let mut hasher = DefaultHasher::new();
        lines.hash(&mut hasher);
        let name = format!("deployed-{hosts}-{:x}", hasher.finish());
        let original =
            shared::copy(&name, &real(&dir), || Self::deploy_first(Kind::Sshd, hosts, lines).close());
        let world = Self::start(kind, hosts, dir);
        world.correct_digests(&original);
        world
    }

    /// The digest that is stored with a release covers the address of its repository, which is another one in a copy.
    fn correct_digests(&self, original: &Path) {
        let [old, new] = [original, self.root()].map(|root| digests(&root.join("work/shipit.toml")));
        for (at, host) in self.hosts.iter().enumerate() {
            for release in host.releases() {
                let file = format!("app/.shipit/releases/{release}/meta");
                let text = host.read(&file).unwrap();
                assert!(text.contains(&old[at]), "another digest in {text}");
                host.put(&file, &text.replace(&old[at], &new[at]));
            }
        }
    }

    /// The same, not copied: what the deploy started runs on.
    pub fn deploy_first(kind: Kind, hosts: usize, lines: &str) -> Self {
        let world = Self::new(kind, hosts);
        world.production(lines);
        world.publish("one");
        world.shipit(&["production", "setup"]).ends_with(0);
        world.shipit(&["production"]).ends_with(0);
        world.serve("one");
        world
    }

    /// Publishes a page, the next thing to deploy; the full commit id.
    pub fn publish(&self, page: &str) -> String {
        self.repo.publish(&[("page", page)])
    }

    /// Publishes a page and deploys it everywhere.
    #[track_caller]
    pub fn deploy(&self, page: &str) -> String {
        let revision = self.publish(page);
        self.shipit(&["production"]).ends_with(0);
        self.serve(page);
        revision
    }

    /// Holds every host to serving this page, with nothing left of any run.
    ///
    /// # Panics
    /// When one does not, or is still locked.
    #[track_caller]
    pub fn serve(&self, page: &str) {
        self.hosts.iter().for_each(|host| host.serves(page));
    }

    /// Sets a variable for every run from now on.
    pub fn env(&self, name: &str, value: &str) {
        self.env.lock().unwrap().push((name.into(), value.into()));
    }

    /// Installs a program that the operator finds before all others of that name.
    pub fn tool(&self, name: &str, script: &str) {
        let file = self.home.join("bin").join(name);
        fs::write(&file, script).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs `shipit` in the work tree to its end.
    pub fn shipit(&self, args: &[&str]) -> Run {
        self.shipit_spawn(args).wait()
    }

    /// Starts `shipit` in the work tree.
    pub fn shipit_spawn(&self, args: &[&str]) -> Running {
        let mut command = self.command(Path::new(env!("CARGO_BIN_EXE_shipit")));
        command.args(args);
        Running::start(command, format!("shipit {}", args.join(" ")))
    }

    /// Starts `shipit` in the work tree, at a terminal.
    pub fn shipit_at_terminal(&self, args: &[&str]) -> Terminal {
        self.shipit_after("true", args)
    }

    /// The same, after a line of shell that makes the terminal what it is to be.
    pub fn shipit_after(&self, line: &str, args: &[&str]) -> Terminal {
        let mut command = self.command(&process::require("setsid"));
        let line = format!("{line}; exec \"$0\" \"$@\"");
        command.args(["-c", "sh", "-c", &line, env!("CARGO_BIN_EXE_shipit")]).args(args);
        Terminal::start(command)
    }

    /// Runs a command on a host with OpenSSH's client: the plain way, to look or to compare.
    pub fn ssh(&self, host: &str, command: &str) -> Run {
        self.ssh_spawn(host, command).wait()
    }

    /// Starts a command on a host with OpenSSH's client.
    pub fn ssh_spawn(&self, host: &str, command: &str) -> Running {
        let mut ssh = self.command(&process::require("ssh"));
        ssh.arg("-F").arg(self.home.join(".ssh/config")).args(["-o", "BatchMode=yes", host, command]);
        Running::start(ssh, format!("ssh {host} {command}"))
    }

    /// Any program, as the operator would run it in the work tree: nothing of the real environment is left.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = process::command(program);
        self.repo.closed(&mut command);
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .env("PATH", format!("{}:{path}", self.home.join("bin").display()))
            .env("USER", "operator")
            .env("LOGNAME", "operator")
            .env("SHELL", "/bin/sh")
            .env("TMPDIR", self.home.join("tmp"))
            .envs(self.env.lock().unwrap().iter().cloned())
            .current_dir(self.repo.work());
        command
    }
}

fn directory() -> TempDir {
    tempfile::Builder::new().prefix("shipit-test-").tempdir().unwrap()
}

fn real(dir: &TempDir) -> PathBuf {
    dir.path().canonicalize().unwrap()
}

fn make_operator(root: &Path) {
    let home = root.join("operator");
    fs::create_dir_all(home.join(".ssh")).unwrap();
    fs::create_dir_all(home.join("bin")).unwrap();
    fs::create_dir_all(home.join("tmp")).unwrap();
    fs::set_permissions(home.join(".ssh"), fs::Permissions::from_mode(0o700)).unwrap();
    copy_key("operator", &home.join(".ssh/id_ed25519"));
    Repo::make(root, &home);
}

/// Of each host.
fn digests(file: &Path) -> Vec<String> {
    let environment = shipit::config::load(file, "production").unwrap();
    let digest = |site| {
        let env = environment.evaluate_env(site, &|_| None).unwrap();
        environment.digest(site, &env, &[])
    };
    environment.sites.iter().map(digest).collect()
}
