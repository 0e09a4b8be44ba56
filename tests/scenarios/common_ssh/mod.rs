//! A real OpenSSH server on a port of its own, run by whoever runs the tests, and an operator with a home.
//!
//! Keys are made on the spot; nothing outside the temporary directory is read or written.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use shipit::config::{ForwardAgent, Host, SshClient};
use shipit::transport::openssh::{self, OpenSsh};
use shipit::transport::ssh::{Options, Ssh};
use shipit::transport::{Channel, ConnectError, Connection, Exit, Output, Transport};

/// Runs a program to its end and gives its output.
pub fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Makes a key pair; its public half.
pub fn keygen(file: &Path, kind: &str, passphrase: &str) -> String {
    output("ssh-keygen", &["-q", "-t", kind, "-N", passphrase, "-C", kind, "-f", &file.to_string_lossy()]);
    fs::read_to_string(file.with_extension("pub")).unwrap().trim().to_owned()
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server.
pub struct Sshd {
    pub dir: tempfile::TempDir,
    pub port: u16,
    child: Child,
}

impl Sshd {
    /// With more lines of sshd_config.
    pub fn start(extra: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        keygen(&dir.path().join("host_ed25519"), "ed25519", "");
        fs::write(dir.path().join("authorized"), "").unwrap();
        // sshd as root wants its privilege separation directory, which only its package's service makes.
        if output("id", &["-u"]) == "0" {
            fs::create_dir_all("/run/sshd").unwrap();
        }
        // A port that was free a moment ago may be taken by now; then it is another's turn.
        for _ in 0..10 {
            let port = free_port();
            if let Some(child) = listen(dir.path(), port, extra) {
                return Self { dir, port, child };
            }
        }
        panic!("sshd does not come up:\n{}", fs::read_to_string(dir.path().join("log")).unwrap_or_default());
    }

    pub fn authorize(&self, public: &str) {
        let file = self.dir.path().join("authorized");
        fs::write(&file, format!("{}{public}\n", fs::read_to_string(&file).unwrap())).unwrap();
    }

    /// `type base64` of its host key.
    pub fn host_key(&self) -> String {
        let text = fs::read_to_string(self.dir.path().join("host_ed25519.pub")).unwrap();
        text.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    }

    /// Its line for known_hosts.
    pub fn known_line(&self) -> String {
        format!("[127.0.0.1]:{} {}", self.port, self.host_key())
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// How often its log says `what`.
    pub fn count(&self, what: &str) -> usize {
        self.log().lines().filter(|line| line.contains(what)).count()
    }

    /// As seen from shipit.toml.
    pub fn host(&self) -> Host {
        host("127.0.0.1", self.port)
    }

    /// The processes that serve connections.
    pub fn sessions(&self) -> Vec<String> {
        let listing = output("ps", &["-e", "-o", "pid=,ppid="]);
        let of = |parent: &str| -> Vec<String> {
            let pairs = listing.lines().filter_map(|line| line.trim().split_once(char::is_whitespace));
            pairs.filter(|(_, ppid)| ppid.trim() == parent).map(|(pid, _)| pid.to_owned()).collect()
        };
        of(&self.child.id().to_string())
    }
}

fn listen(dir: &Path, port: u16, extra: &str) -> Option<Child> {
    let path = |name: &str| dir.join(name).to_string_lossy().into_owned();
    let level = if extra.contains("LogLevel") { "" } else { "LogLevel VERBOSE\n" };
    let config = format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\n\
         StrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         {level}UseDNS no\nMaxStartups 100\nSetEnv HOME={}\n{extra}\n",
        path("host_ed25519"),
        path("authorized"),
        // Not the account's own: a shell would read its .bashrc.
        path(""),
    );
    fs::write(path("config"), config).unwrap();
    let _ = fs::remove_file(path("log"));
    let mut child = Command::new("/usr/sbin/sshd")
        .args(["-D", "-f", &path("config"), "-E", &path("log")])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    while child.try_wait().unwrap().is_none() {
        if fs::read_to_string(path("log")).is_ok_and(|log| log.contains("Server listening")) {
            return Some(child);
        }
        assert!(Instant::now() < until, "sshd is silent");
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}

impl Drop for Sshd {
    fn drop(&mut self) {
        for session in self.sessions() {
            let _ = Command::new("kill").args(["-KILL", &session]).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn host(name: &str, port: u16) -> Host {
    Host {
        name: name.to_owned(),
        machine: name.to_owned(),
        local: false,
        user: None,
        port: Some(port),
        key: None,
        jump: None,
        host_key: None,
        forward_agent: ForwardAgent::No,
        ssh_options: Vec::new(),
        ssh: SshClient::default(),
        roles: Vec::new(),
    }
}

/// The two clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    Builtin,
    OpenSsh,
}

/// Runs each named test, an `async fn(Client)`, with both clients.
macro_rules! on_each_client {
    ($($test:ident),+ $(,)?) => {
        $(mod $test {
            #[tokio::test]
            async fn builtin() {
                super::$test($crate::common_ssh::Client::Builtin).await;
            }
            #[tokio::test]
            async fn openssh() {
                super::$test($crate::common_ssh::Client::OpenSsh).await;
            }
        })+
    };
}

/// Whoever deploys: a home with a key, nothing known, no agent.
pub struct Operator {
    pub dir: tempfile::TempDir,
    pub public: String,
}

impl Operator {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(".ssh")).unwrap();
        let public = keygen(&dir.path().join(".ssh/id_ed25519"), "ed25519", "");
        Self { dir, public }
    }

    pub fn ssh_file(&self, name: &str) -> PathBuf {
        self.dir.path().join(".ssh").join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.ssh_file(name), text).unwrap();
    }

    /// Knows the server and is let in.
    pub fn befriend(&self, server: &Sshd) {
        server.authorize(&self.public);
        let known = fs::read_to_string(self.ssh_file("known_hosts")).unwrap_or_default();
        self.write("known_hosts", &format!("{known}{}\n", server.known_line()));
    }

    pub fn options(&self) -> Options {
        let mut options = Options::new(self.dir.path().to_path_buf(), output("id", &["-un"]));
        options.config_files.truncate(1);
        options.global_known_hosts.clear();
        options
    }

    pub fn ssh(&self) -> Ssh {
        Ssh::new(self.options())
    }

    /// The client of that kind.
    pub fn by(&self, client: Client) -> Box<dyn Transport> {
        self.by_with(client, Duration::from_secs(10), Duration::from_secs(15))
    }

    /// The same with these limits: for connecting, and for silence.
    pub fn by_with(&self, client: Client, connect: Duration, keepalive: Duration) -> Box<dyn Transport> {
        match client {
            Client::Builtin => {
                let mut options = self.options();
                (options.connect_timeout, options.keepalive) = (connect, keepalive);
                Box::new(Ssh::new(options))
            }
            Client::OpenSsh => {
                let mut options = self.openssh_options();
                (options.connect_timeout, options.keepalive) = (connect, keepalive);
                Box::new(OpenSsh::new(options))
            }
        }
    }

    /// The client of that kind, with `SSH_AUTH_SOCK` as it says.
    pub fn with_agent(&self, client: Client, socket: Option<&Path>) -> Box<dyn Transport> {
        let usual = self.options();
        self.patient_with_agent(client, socket, usual.connect_timeout, usual.signature)
    }

    /// The same with these limits: for connecting, and for the agent to sign.
    pub fn patient_with_agent(
        &self,
        client: Client,
        socket: Option<&Path>,
        connect: Duration,
        signature: Duration,
    ) -> Box<dyn Transport> {
        match client {
            Client::Builtin => {
                let agent = socket.map(Path::to_path_buf);
                let options = Options { agent, connect_timeout: connect, signature, ..self.options() };
                Box::new(Ssh::new(options))
            }
            Client::OpenSsh => {
                let mut options = self.openssh_options();
                (options.connect_timeout, options.signature) = (connect, signature);
                options.agent = socket.is_some();
                if let Some(socket) = socket {
                    let text = fs::read_to_string(&options.ssh).unwrap();
                    let named = format!("export SSH_AUTH_SOCK='{}'", socket.display());
                    fs::write(&options.ssh, text.replace("unset SSH_AUTH_SOCK", &named)).unwrap();
                }
                Box::new(OpenSsh::new(options))
            }
        }
    }

    /// `ssh` with the files of this home: it looks for them in that of the account, whatever HOME says.
    pub fn openssh_options(&self) -> openssh::Options {
        let config = self.ssh_file("config");
        if !config.exists() {
            fs::write(&config, "").unwrap();
        }
        let ssh = self.dir.path().join("ssh");
        let below = |name: &str| self.ssh_file(name).to_string_lossy().into_owned();
        let script =
            format!("#!/bin/sh\nunset SSH_AUTH_SOCK\nexec ssh -F {} \"$@\"\n", below("config.whole"));
        // The first value counts, so that the test's own come first.
        let whole = format!(
            "Include {}\nHost *\n UserKnownHostsFile {}\n GlobalKnownHostsFile none\n IdentityFile {}\n",
            below("config"),
            below("known_hosts"),
            below("id_ed25519"),
        );
        fs::write(self.ssh_file("config.whole"), whole).unwrap();
        fs::write(&ssh, script).unwrap();
        output("chmod", &["+x", &ssh.to_string_lossy()]);
        let mut options = openssh::Options::new(env!("CARGO_BIN_EXE_shipit").into(), vec!["/tmp".into()]);
        options.ssh = ssh;
        options
    }
}

/// A server and an operator who is let in.
pub fn friends() -> (Sshd, Operator) {
    let (server, operator) = (Sshd::start(""), Operator::new());
    operator.befriend(&server);
    (server, operator)
}

/// An ssh-agent; ends when dropped.
pub struct Agent {
    pub socket: PathBuf,
    child: Child,
}

impl Agent {
    pub fn start(dir: &Path) -> Self {
        Self::asking(dir, "exit 1")
    }

    /// It asks whether it may sign by this script.
    pub fn asking(dir: &Path, script: &str) -> Self {
        let (socket, asks) = (dir.join("agent.sock"), dir.join("agent.asks"));
        fs::write(&asks, format!("#!/bin/sh\n{script}\n")).unwrap();
        output("chmod", &["+x", &asks.to_string_lossy()]);
        let mut agent = Command::new("ssh-agent");
        agent.arg("-D").arg("-a").arg(&socket).env("SSH_ASKPASS", &asks).env("SSH_ASKPASS_REQUIRE", "force");
        let child = agent.stdout(Stdio::null()).spawn().unwrap();
        while !socket.exists() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { socket, child }
    }

    /// From here on it takes connections and answers nothing.
    pub fn stop(&self) {
        output("kill", &["-STOP", &self.child.id().to_string()]);
    }

    /// With a passphrase, if the key has one.
    pub fn add(&self, key: &Path, passphrase: &str) {
        self.add_as(&[], key, passphrase);
    }

    /// The same with more options of `ssh-add`.
    pub fn add_as(&self, options: &[&str], key: &Path, passphrase: &str) {
        let asker = self.socket.with_file_name("askpass");
        fs::write(&asker, format!("#!/bin/sh\necho '{passphrase}'\n")).unwrap();
        output("chmod", &["+x", &asker.to_string_lossy()]);
        let status = Command::new("ssh-add")
            .args(options)
            .arg(key)
            .env("SSH_AUTH_SOCK", &self.socket)
            .env("SSH_ASKPASS", &asker)
            .env("SSH_ASKPASS_REQUIRE", "force")
            .stderr(Stdio::null())
            .status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a program printed and how it ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Result {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub exit: Exit,
}

/// Sends `input` while reading; a minute at most.
pub async fn finish(channel: Channel, input: Bytes) -> Result {
    let Channel { input: sender, output: mut receiver } = channel;
    let feed = async move {
        for start in (0..input.len()).step_by(100_000) {
            if sender.send(input.slice(start..input.len().min(start + 100_000))).await.is_err() {
                return;
            }
        }
    };
    let read = async {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        loop {
            match receiver.recv().await.expect("an end") {
                Output::Stdout(bytes) => stdout.extend_from_slice(&bytes),
                Output::Stderr(bytes) => stderr.extend_from_slice(&bytes),
                Output::End(exit) => break Result { stdout, stderr, exit },
            }
        }
    };
    let both = async { tokio::join!(feed, read).1 };
    tokio::time::timeout(Duration::from_secs(60), both).await.expect("it hangs")
}

/// Runs a program without input.
pub async fn run(connection: &dyn Connection, command: &str) -> Result {
    finish(connection.exec(command).await.unwrap(), Bytes::new()).await
}

/// The error of a connection that must fail.
pub async fn refused(ssh: &dyn Transport, host: &Host) -> ConnectError {
    match ssh.connect(host).await {
        Ok(_) => panic!("it connected"),
        Err(error) => error,
    }
}
