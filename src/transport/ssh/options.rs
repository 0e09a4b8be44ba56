//! The settings of the SSH transport, made once per run; nothing below asks the process environment.

use std::path::PathBuf;
use std::time::Duration;

use crate::transport::LOGIN_GRACE;

/// The settings of a run.
#[derive(Debug, Clone)]
pub struct Options {
    /// For connecting and key exchange together, then for each answer of a login.
    pub connect_timeout: Duration,
    /// shipit.toml names a time other than the default, so that `ConnectTimeout` of ssh_config does not count.
    pub connect_timeout_said: bool,
    /// A server that is silent for so long is asked for a sign of life; after three without an answer, at
    /// the next turn, it is lost.
    pub keepalive: Duration,
    /// For the agent to sign: a person may have to agree, or to touch a key.
    pub signature: Duration,
    /// `SSH_AUTH_SOCK`, if set.
    pub agent: Option<PathBuf>,
    /// Asked in this order.
    pub config_files: Vec<PathBuf>,
    /// The operator's home.
    pub home: PathBuf,
    /// Where ssh_config names no other; the first is the one to add to.
    pub user_known_hosts: Vec<PathBuf>,
    /// The machine's, where ssh_config names no other.
    pub global_known_hosts: Vec<PathBuf>,
    /// The operator's environment, for `${NAME}`, `SendEnv` and `Match exec` in ssh_config.
    pub variables: Vec<(String, String)>,
    /// The operator's login name: the default login on hosts.
    pub user: String,
    /// Told to servers.
    pub version: String,
}

impl Options {
    /// The operator's shell, which runs the commands of ssh_config.
    pub(super) fn shell(&self) -> &str {
        let shell = self.variables.iter().find(|(name, shell)| name == "SHELL" && !shell.is_empty());
        shell.map_or("/bin/sh", |(_, shell)| shell)
    }

    /// OpenSSH's places below `home`, ten seconds, and two minutes for a signature.
    #[must_use]
    pub fn new(home: PathBuf, user: String) -> Self {
        let below = |names: [&str; 2]| names.map(|name| home.join(".ssh").join(name)).to_vec();
        Self {
            connect_timeout: Duration::from_secs(10),
            connect_timeout_said: false,
            keepalive: Duration::from_secs(15),
            signature: LOGIN_GRACE,
            agent: None,
            config_files: vec![home.join(".ssh/config"), "/etc/ssh/ssh_config".into()],
            user_known_hosts: below(["known_hosts", "known_hosts2"]),
            global_known_hosts: vec!["/etc/ssh/ssh_known_hosts".into(), "/etc/ssh/ssh_known_hosts2".into()],
            variables: Vec::new(),
            user,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            home,
        }
    }
}
