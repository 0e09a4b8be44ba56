//! `ssh -o BatchMode=yes HOST true` and shipit, side by side on real servers: they agree on whether the host is trusted and the login let in.
//!
//! A row is a situation: what known_hosts says, what ssh_config says, which keys lie there. Both read the same files. Where
//! shipit differs on purpose the row says why.

mod agents;
mod certificates;
mod keys;
mod known_hosts;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common_ssh::{Operator, host, keygen, output};
use shipit::transport::Transport as _;
use shipit::transport::ssh::Ssh;

/// A situation.
struct Row {
    what: String,
    port: u16,
    known_hosts: String,
    /// Lines of ssh_config, before those that all rows have.
    config: String,
    agent: Option<std::path::PathBuf>,
    /// Why shipit does not do what ssh does, if it does not.
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

/// Whether `ssh` gets in; its last words.
fn by_ssh(operator: &Operator, row: &Row) -> (bool, String) {
    let mut command = Command::new("ssh");
    command.arg("-F").arg(operator.ssh_file("config")).args([
        "-p",
        &row.port.to_string(),
        "127.0.0.1",
        "true",
    ]);
    match &row.agent {
        Some(socket) => command.env("SSH_AUTH_SOCK", socket),
        None => command.env_remove("SSH_AUTH_SOCK"),
    };
    let output = command.stdin(Stdio::null()).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

async fn by_shipit(operator: &Operator, row: &Row) -> (bool, String) {
    let mut options = operator.options();
    options.agent.clone_from(&row.agent);
    let ssh = Ssh::new(options);
    let host = host("127.0.0.1", row.port);
    // As a command does before its run: keys that ssh_config accepts are added.
    let unknown =
        ssh.unknown_hosts(std::slice::from_ref(&host), |new| new == shipit::transport::NewKeys::Accept).await;
    let keys = ssh.unknown_keys(&unknown).await;
    ssh.add_known_keys(&keys).unwrap();
    match ssh.connect(&host).await {
        Ok(_) => (true, String::new()),
        Err(error) => (false, error.full()),
    }
}

/// Plays all rows; every one that disagrees is shown.
async fn agree(operator: &Operator, rows: Vec<Row>) {
    let mut wrong = Vec::new();
    for row in rows {
        let home = operator.dir.path().display();
        let config = format!(
            "{}\nHost *\n BatchMode yes\n UserKnownHostsFile {home}/.ssh/known_hosts\n GlobalKnownHostsFile none\n \
             KexAlgorithms curve25519-sha256\n UpdateHostKeys no\n IdentityFile {home}/.ssh/id_ed25519\n",
            row.config.replace("HOME", &home.to_string())
        );
        operator.write("config", &config);
        operator.write("known_hosts", &row.known_hosts);
        let (ssh, said) = by_ssh(operator, &row);
        operator.write("known_hosts", &row.known_hosts);
        let (shipit, error) = by_shipit(operator, &row).await;
        if (ssh != shipit) != row.differs.is_some() {
            let Row { what, differs, .. } = row;
            wrong
                .push(format!("{what}: ssh {ssh} ({said}); shipit {shipit} ({error}); differs: {differs:?}"));
        }
    }
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
