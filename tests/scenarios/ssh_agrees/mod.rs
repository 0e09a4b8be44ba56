//! `ssh -o BatchMode=yes HOST true` and both clients of shipit, side by side on real servers: they agree on whether the host is trusted
//! and the login let in.
//!
//! A row is a situation: what known_hosts says, what ssh_config says, which keys lie there. Each reads the same of them. Where
//! the built-in client differs on purpose the row says why. Rows are played side by side: each has files of its own.

mod agents;
mod certificates;
mod keys;
mod known_hosts;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::common_ssh::{Operator, host, keygen, output};
use futures_util::future::join_all;
use shipit::transport::Transport as _;
use shipit::transport::openssh::{self, OpenSsh};
use shipit::transport::ssh::Ssh;
use tokio::process::Command;
use tokio::sync::Semaphore;

/// A situation.
struct Row {
    what: String,
    port: u16,
    known_hosts: String,
    /// Lines of ssh_config, before those that all rows have.
    config: String,
    agent: Option<std::path::PathBuf>,
    /// Why the built-in client does not do what ssh does, if it does not.
    differs: Option<&'static str>,
}

impl Row {
    fn new(what: &str, port: u16, known_hosts: String, config: &str) -> Self {
        let (what, config) = (what.to_owned(), config.to_owned());
        Self { what, port, known_hosts, config, agent: None, differs: None }
    }

    fn agent(self, socket: &Path) -> Self {
        Self { agent: Some(socket.to_owned()), ..self }
    }

    fn differs(self, why: &'static str) -> Self {
        Self { differs: Some(why), ..self }
    }
}

/// Rows at once: a login is mostly waiting.
const AT_ONCE: usize = 8;

/// One client's files for a row.
struct Files {
    config: PathBuf,
    known_hosts: PathBuf,
}

impl Files {
    /// In the operator's home; `name` is in no other name.
    fn write(operator: &Operator, name: &str, row: &Row) -> Self {
        let file = |kind: &str| operator.ssh_file(&format!("{kind}.{name}"));
        let files = Self { config: file("config"), known_hosts: file("known_hosts") };
        let (home, known) = (operator.dir.path().display().to_string(), files.known_hosts.display());
        let own = row.config.replace("HOME/.ssh/known_hosts", &known.to_string()).replace("HOME", &home);
        let config = format!(
            "{own}\nHost *\n BatchMode yes\n UserKnownHostsFile {known}\n GlobalKnownHostsFile none\n \
             KexAlgorithms curve25519-sha256\n UpdateHostKeys no\n IdentityFile {home}/.ssh/id_ed25519\n"
        );
        fs::write(&files.config, config).unwrap();
        fs::write(&files.known_hosts, &row.known_hosts).unwrap();
        files
    }

    /// `ssh` with that configuration and that agent, and nothing else of this machine's.
    fn wrapper(&self, agent: Option<&Path>) -> PathBuf {
        let (wrapper, config) = (self.config.with_extension("sh"), self.config.display());
        let agent = match agent {
            Some(socket) => format!("export SSH_AUTH_SOCK='{}'", socket.display()),
            None => "unset SSH_AUTH_SOCK".to_owned(),
        };
        fs::write(&wrapper, format!("#!/bin/sh\n{agent}\nexec ssh -F '{config}' \"$@\"\n")).unwrap();
        fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).unwrap();
        wrapper
    }
}

/// Whether a client gets in, else why not.
type Said = Result<(), String>;

async fn by_ssh(files: &Files, row: &Row) -> Said {
    let mut command = Command::new(files.wrapper(row.agent.as_deref()));
    command.args(["-p", &row.port.to_string(), "127.0.0.1", "true"]);
    let output = command.stdin(Stdio::null()).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(said) }
}

async fn by_builtin(operator: &Operator, files: &Files, row: &Row) -> Said {
    let mut options = operator.options();
    options.config_files = vec![files.config.clone()];
    options.agent.clone_from(&row.agent);
    let ssh = Ssh::new(options);
    let host = host("127.0.0.1", row.port);
    // As a command does before its run: keys that ssh_config accepts are added.
    let unknown =
        ssh.unknown_hosts(std::slice::from_ref(&host), |new| new == shipit::transport::NewKeys::Accept).await;
    let keys = ssh.unknown_keys(&unknown).await;
    ssh.add_known_keys(&keys).unwrap();
    ssh.connect(&host).await.map(drop).map_err(|error| error.full())
}

async fn by_openssh(files: &Files, row: &Row) -> Said {
    let mut options = openssh::Options::new(env!("CARGO_BIN_EXE_shipit").into(), vec!["/tmp".into()]);
    options.ssh = files.wrapper(row.agent.as_deref());
    options.agent = row.agent.is_some();
    let openssh = OpenSsh::new(options);
    openssh.connect(&host("127.0.0.1", row.port)).await.map(drop).map_err(|error| error.full())
}

/// Plays a row with all three; what is wrong with it.
async fn play(operator: &Operator, number: usize, row: Row) -> Option<String> {
    let files = |client: &str| Files::write(operator, &format!("{number}.{client}"), &row);
    let (own, builtin, openssh) = (files("ssh"), files("builtin"), files("openssh"));
    let (ssh, builtin, openssh) =
        tokio::join!(by_ssh(&own, &row), by_builtin(operator, &builtin, &row), by_openssh(&openssh, &row));
    let agree = (ssh.is_ok() == builtin.is_ok()) != row.differs.is_some();
    let Row { what, differs, .. } = &row;
    (!agree || ssh.is_ok() != openssh.is_ok()).then(|| {
        format!("{what}: ssh {ssh:?}; builtin {builtin:?}; openssh {openssh:?}; builtin differs: {differs:?}")
    })
}

/// Plays all rows; every one that disagrees is shown.
async fn agree(operator: &Operator, rows: Vec<Row>) {
    let places = Semaphore::new(AT_ONCE);
    let all = rows.into_iter().enumerate().map(|(number, row)| {
        let places = &places;
        async move {
            let _place = places.acquire().await.unwrap();
            play(operator, number, row).await
        }
    });
    let wrong: Vec<String> = join_all(all).await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
}

/// Signs a public key beside which the certificate then lies: `NAME-cert.pub`.
fn sign(authority: &Path, arguments: &[&str], public: &Path) {
    let authority = authority.to_string_lossy();
    let mut all = vec!["-q", "-s", &authority, "-I", "test"];
    all.extend(arguments);
    let public = public.to_string_lossy();
    all.push(&public);
    output("ssh-keygen", &all);
}

/// `type base64` of a key made in `file`.
fn made(file: &Path, kind: &str) -> String {
    keygen(file, kind, "").split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

/// What stands in a file of a public key, without its comment.
fn public(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    text.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}
