//! OpenSSH's server, as whoever runs the tests: a listener on loopback, its log, and its sessions by pid.
//!
//! Works with and without root. Logins are the account's own; the login script (see `login.rs`) gives each host its home.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::process::{self, Signal, require};

/// A listener and what it needs to be started again.
#[derive(Debug)]
pub struct Sshd {
    dir: PathBuf,
    port: u16,
    listener: Mutex<Option<Child>>,
}

impl Sshd {
    /// Starts it for the machine at `root`.
    ///
    /// # Panics
    /// When it does not come up, with its log.
    pub fn start(root: &Path, operator_key: &Path) -> Self {
        make_privsep_dir();
        let dir = root.join("server");
        // sshd takes no port 0; a port that was free a moment ago may be taken, then it is another's turn
        for _ in 0..20 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            fs::write(dir.join("config"), config(root, operator_key, port)).unwrap();
            if let Some(listener) = listen(&dir, port) {
                return Self { dir, port, listener: Mutex::new(Some(listener)) };
            }
        }
        panic!("sshd finds no free port:\n{}", log(&dir));
    }

    /// Starts it again on the same port.
    pub fn restart(&self) {
        self.kill();
        let listener = (0..20).find_map(|_| listen(&self.dir, self.port));
        assert!(listener.is_some(), "sshd does not come back:\n{}", log(&self.dir));
        *self.listener.lock().unwrap() = listener;
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The listener, unless it was killed.
    pub fn pid(&self) -> Option<u32> {
        self.listener.lock().unwrap().as_ref().map(Child::id)
    }

    /// Its processes for connections; not what those run.
    pub fn sessions(&self) -> Vec<u32> {
        let below = self.pid().map(process::descendants).unwrap_or_default();
        below.into_iter().filter(|pid| process::name(*pid).starts_with("sshd")).collect()
    }

    /// Successful logins so far.
    pub fn logins(&self) -> usize {
        log(&self.dir).lines().filter(|line| line.contains("Accepted publickey")).count()
    }

    /// Ends listener and connections at once, as the death of the machine would.
    pub fn kill(&self) {
        // stopped first, so that it forks no more while its children are counted
        self.pid().into_iter().for_each(|pid| process::signal(pid, Signal::STOP));
        let sessions = self.sessions();
        if let Some(mut listener) = self.listener.lock().unwrap().take() {
            let _ = listener.kill();
            let _ = listener.wait();
        }
        sessions.into_iter().for_each(|pid| process::signal(pid, Signal::KILL));
    }

    /// Stops or continues listener and connections.
    pub fn freeze(&self, frozen: bool) {
        let signal = if frozen { Signal::STOP } else { Signal::CONT };
        self.pid().into_iter().chain(self.sessions()).for_each(|pid| process::signal(pid, signal));
    }
}

/// Everything as OpenSSH has it by default, but for what makes it this host's and not the machine's. A banner is shown where
/// a test writes one.
fn config(root: &Path, operator_key: &Path, port: u16) -> String {
    let root = root.display();
    format!(
        "ListenAddress 127.0.0.1\nPort {port}\nHostKey {root}/server/key\nPidFile none\nLogLevel VERBOSE\n\
         AuthorizedKeysFile {}.pub\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n\
         KbdInteractiveAuthentication no\nPermitUserRC no\nPrintMotd no\nPrintLastLog no\n\
         Banner {root}/server/banner\n\
         SetEnv HOME={root}/server GIT_CONFIG_NOSYSTEM=1\nForceCommand {root}/login\n",
        operator_key.display()
    )
}

/// A listener that listens, or none where the port is taken.
fn listen(dir: &Path, port: u16) -> Option<Child> {
    let before = log(dir).len();
    let errors = File::create(dir.join("stderr")).unwrap();
    // sshd starts itself anew for every connection: by its full path, from the root directory
    let mut child = process::command(require("sshd"))
        .args(["-D".as_ref(), "-f".as_ref(), dir.join("config").as_os_str()])
        .args(["-E".as_ref(), dir.join("log").as_os_str()])
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors)
        .spawn()
        .unwrap();
    let start = Instant::now();
    loop {
        let said = log(dir).split_off(before);
        if said.contains(&format!("Server listening on 127.0.0.1 port {port}")) {
            return Some(child);
        }
        if child.try_wait().unwrap().is_some() {
            let taken = said.contains("Address already in use");
            let stderr = fs::read_to_string(dir.join("stderr")).unwrap_or_default();
            assert!(taken, "sshd does not start:\n{said}\n{stderr}");
            return None;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "sshd does not listen:\n{said}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn log(dir: &Path) -> String {
    let bytes = fs::read(dir.join("log")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// As root, sshd wants an empty directory that the service's start would have made.
fn make_privsep_dir() {
    if rustix::process::geteuid().is_root() && !Path::new("/run/sshd").exists() {
        let _ = fs::create_dir_all("/run/sshd");
        let _ = fs::set_permissions("/run/sshd", fs::Permissions::from_mode(0o755));
    }
}
