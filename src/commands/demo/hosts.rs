//! The hosts of the demonstration: an SSH server each, on loopback and a port of its own, before a directory that is
//! the home of every login. What is executed there is really executed, by this machine.

use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::task::{JoinHandle, JoinSet};

use super::super::surroundings::DemoEnvironment;
use super::ground::Ground;
use crate::transport::ssh::server::{KeyPair, Machine, Server};
use crate::transport::{Channel, Screen, pty};

/// Their names.
pub(super) const NAMES: [&str; 3] = ["web1", "web2", "web3"];

/// What runs on a host ends by itself when its connection does; it has this long.
const PATIENCE: Duration = Duration::from_secs(5);

/// All of them, served while this lives.
pub(super) struct Hosts {
    root: PathBuf,
    tasks: Vec<JoinHandle<()>>,
    logins: Arc<AtomicUsize>,
}

/// What stands behind a server.
struct Home {
    name: &'static str,
    home: PathBuf,
    path: OsString,
    logins: Arc<AtomicUsize>,
}

impl Hosts {
    /// Makes their homes, listens, and tells the operator's `~/.ssh` of them; only `key` may log in.
    pub(super) fn start(demo: &DemoEnvironment, ground: &Ground, key: &KeyPair) -> io::Result<Self> {
        let mut hosts = Self { root: ground.root().to_owned(), tasks: Vec::new(), logins: Arc::default() };
        let mut addresses = Vec::new();
        for name in NAMES {
            ground.furnish_host(name)?;
            let path = demo.path_with(ground.host(name).join("bin"))?;
            let home = Home { name, home: ground.host(name), path, logins: Arc::clone(&hosts.logins) };
            let host_key = KeyPair::new()?;
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            listener.set_nonblocking(true)?;
            let port = listener.local_addr()?.port();
            let listener = tokio::net::TcpListener::from_std(listener)?;
            hosts.tasks.push(tokio::spawn(accept(listener, Server::new(&host_key, key, Arc::new(home)))));
            addresses.push((name, port, host_key.public_text()?));
        }
        ground.furnish(key, &addresses, &demo.program)?;
        Ok(hosts)
    }

    /// How many logins there were, on all of them together.
    pub(super) fn logins(&self) -> usize {
        self.logins.load(Ordering::Relaxed)
    }

    /// Hangs up, and waits until nothing runs there any more; what does not end is ended.
    pub(super) async fn close(self) {
        for task in &self.tasks {
            task.abort();
        }
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let left = self.processes();
            if left.is_empty() {
                return;
            }
            if tokio::time::Instant::now() >= deadline {
                for pid in left {
                    // It may have ended since.
                    let _ = kill_process(pid, Signal::KILL);
                }
            }
            if tokio::time::Instant::now() >= deadline + PATIENCE {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Whatever has the home of one of these hosts in its environment, which it cannot have from anywhere else.
    fn processes(&self) -> Vec<Pid> {
        let homes: Vec<Vec<u8>> = NAMES
            .iter()
            .map(|name| format!("HOME={}\0", self.root.join(name).display()).into_bytes())
            .collect();
        let lives_here = |pid: &u32| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            homes.iter().any(|home| environment.windows(home.len()).any(|part| part == home))
        };
        let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
        let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.filter(lives_here).filter_map(|pid| Pid::from_raw(i32::try_from(pid).ok()?)).collect()
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn accept(listener: tokio::net::TcpListener, server: Server) {
    // Dropped with this task: then every connection ends.
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        let server = server.clone();
        connections.spawn(async move { server.serve(socket).await });
    }
}

impl Machine for Home {
    fn entered(&self) {
        self.logins.fetch_add(1, Ordering::Relaxed);
    }

    fn start(&self, command: &str) -> io::Result<Child> {
        self.session(&["/bin/sh", "-c", command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    }

    fn start_on(&self, command: &str, screen: Screen) -> io::Result<Channel> {
        pty::start(self.session(&["-c", "/bin/sh", "-c", command]), screen)
    }
}

impl Home {
    /// A session of its own, as sshd makes one: Ctrl-C on the operator's terminal is not for hosts.
    fn session(&self, words: &[&str]) -> Command {
        let mut session = Command::new("setsid");
        session
            .args(words)
            .env_clear()
            .env("PATH", &self.path)
            .env("HOME", &self.home)
            .env("TMPDIR", self.home.join("tmp"))
            .env("HOSTNAME", self.name)
            .env("SHELL", "/bin/sh")
            .envs([("USER", "demo"), ("LOGNAME", "demo"), ("GIT_CONFIG_NOSYSTEM", "1")])
            .current_dir(&self.home);
        session
    }
}
