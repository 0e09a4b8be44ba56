//! Why a host was not connected, authenticated or trusted, and what to type about it.
//!
//! Knows nothing of the SSH library: everything is plain text and paths, so that an outcome can keep it. Each
//! text says what was tried on what and does not repeat its source. Large payloads are boxed: the error travels
//! in every `Result` of this floor.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::offered_key::OfferedKey;
use super::paste::shown;
use super::refusal::Refusal;

/// Why a host was not connected, authenticated or trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the texts beside the variants say what the fields are")]
pub enum ConnectError {
    /// No address for the name.
    #[error("cannot find the address of {host}: {reason}")]
    Resolve { host: String, reason: String },
    /// No address took the connection.
    #[error("cannot connect to {host} port {port}: {}", join(attempts))]
    Unreachable { host: String, port: u16, attempts: Vec<Attempt> },
    /// The time ran out.
    #[error("no answer from {host} ({address}): {step} within {} s", seconds(*after))]
    Timeout { host: String, address: String, step: Step, after: Duration },
    /// The server hung up before it said that it speaks SSH: too many at once, or a filter.
    #[error("{host} ({address}) closed the connection before its SSH banner: {reason}")]
    ClosedEarly { host: String, address: String, reason: String },
    /// Banner or key exchange went wrong.
    #[error("{host} ({address}): key exchange failed: {reason}")]
    Handshake { host: String, address: String, reason: String },
    /// No known_hosts file knows the host's key.
    #[error("unknown host key of {} ({}): {} {}{}", key.host, key.address, key.key_type, key.fingerprint, key.fault())]
    UnknownHostKey { key: Box<OfferedKey> },
    /// known_hosts knows another key of this type for the host.
    #[error("the host key of {key} is not the one in {}:{line}{}{}", file.display(), after(known.as_deref()), key.fault())]
    ChangedHostKey { key: Box<OfferedKey>, file: PathBuf, line: usize, known: Option<String> },
    /// The key is marked `@revoked`, or the authority of its certificate.
    #[error("the host key of {key} is revoked in {}:{line}", file.display())]
    RevokedHostKey { key: Box<OfferedKey>, file: PathBuf, line: usize },
    /// `host-key` names another key.
    #[error("the host key of {key} is not the pinned {pinned}")]
    PinnedHostKey { key: Box<OfferedKey>, pinned: String },
    /// It is an RSA key of fewer bits than `RequiredRSASize`.
    #[error("the host key of {key} has {bits} bits, fewer than {least} (RequiredRSASize)")]
    ShortHostKey { key: Box<OfferedKey>, bits: u32, least: u32 },
    /// A known_hosts file that cannot be read.
    #[error("cannot read known hosts in {}: {reason}", file.display())]
    KnownHosts { file: PathBuf, reason: String },
    /// A known_hosts file that cannot be added to.
    #[error("cannot add host keys to {}: {reason}", file.display())]
    KeyNotAdded { file: PathBuf, reason: String },
    /// No key was taken.
    #[error("{refusal}")]
    Refused { refusal: Box<Refusal> },
    /// The configured private key cannot be used.
    #[error("cannot read the private key {}: {reason}", path.display())]
    KeyFile { path: PathBuf, reason: String },
    /// The configured private key has a passphrase and no agent holds it.
    #[error("the private key {} has a passphrase and no agent holds it", path.display())]
    KeyEncrypted { path: PathBuf },
    /// Other users can read the configured private key, and no agent holds it.
    #[error("other users can read the private key {}", path.display())]
    KeyExposed { path: PathBuf },
    /// The host is behind a jump host that cannot be used.
    #[error("cannot reach {host} through the jump host {hop}")]
    Jump { host: String, hop: String, source: Box<ConnectError> },
    /// A jump host cannot connect onwards.
    #[error("no connection from there to {target}: {reason}")]
    Tunnel { target: String, reason: String },
    /// The connection stands, but no program can be started over it.
    #[error("cannot open a session: {reason}")]
    Channel { reason: String },
    /// A mistake in an ssh configuration file.
    #[error("{}{}: {reason}", file.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
    SshConfig { file: PathBuf, line: Option<usize>, reason: String },
    /// Other users could make ssh run commands of theirs.
    #[error("other users can change {}, so that it is not read", file.display())]
    SshConfigExposed { file: PathBuf },
    /// A jump host that cannot be understood, or a chain of them without an end.
    #[error("jump host {hop}: {reason}")]
    JumpSpec { hop: String, reason: String },
    /// A `ProxyCommand` that made no connection; what it said last.
    #[error("no connection to {host} by its ProxyCommand: {reason}{}", words(said))]
    ProxyCommand { host: String, reason: String, said: Vec<String> },
    /// `BindAddress` or `BindInterface` names nothing that this machine has.
    #[error("cannot connect from {what}: {reason}")]
    Bind { what: String, reason: String },
    /// `forward-agent` is set, and the operator has no agent.
    #[error("forward-agent is set for {host}, and there is no agent to lend")]
    NoAgent { host: String },
    /// `RefuseConnection` in an ssh configuration file.
    #[error("{}:{line} refuses connections to {host}: {text}", file.display())]
    RefusedByConfig { host: String, text: String, file: PathBuf, line: usize },
    /// A command of `Match exec` that has no answer.
    #[error("{}:{line}: the command of Match exec `{command}` failed: {reason}", file.display())]
    MatchExec { command: String, file: PathBuf, line: usize, reason: String },
    /// An ssh configuration file asks for what only OpenSSH's client can do.
    #[error("{keyword} in {}:{line} counts for {host}, and shipit's SSH client {}", file.display(), lacks(*known))]
    NeedsOpenSsh { host: String, keyword: String, file: PathBuf, line: usize, known: bool },
    /// The system's `ssh` cannot be used.
    #[error("cannot use the system's ssh: {reason}")]
    NoOpenSsh { reason: String },
    /// The system's `ssh` ended for a reason that none of the above is. The text is its own.
    #[error("ssh cannot connect to {host}: {said}")]
    OpenSsh { host: String, said: String },
}

/// One address that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "two plain facts")]
pub struct Attempt {
    pub address: SocketAddr,
    pub reason: String,
}

/// What did not happen in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// TCP.
    Connect,
    /// Banner and key exchange.
    KeyExchange,
    /// An answer while logging in.
    Authentication,
    /// A signature of the agent.
    Signature,
    /// An answer while logging in, or one of the agent: which one is not known.
    AgentOrLogin,
}

impl ConnectError {
    /// The way to a jump host leads through itself.
    pub(super) fn jump_circle(hop: String) -> Self {
        Self::JumpSpec {
            hop,
            reason: "the way to it leads through itself; set ProxyJump none for it".to_owned(),
        }
    }

    /// The message with its causes: what is wrong with a jump host is the whole of it.
    #[must_use]
    pub fn full(&self) -> String {
        match self {
            Self::Jump { source, .. } => format!("{self}: {}", source.full()),
            other => other.to_string(),
        }
    }

    /// No address took the connection, or none in time.
    pub(super) fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Timeout { step: Step::Connect, .. })
    }

    /// The unknown key, if that is the cause; it may be a jump host's.
    #[must_use]
    pub fn unknown_key(&self) -> Option<&OfferedKey> {
        match self {
            Self::UnknownHostKey { key } => Some(key),
            Self::Jump { source, .. } => source.unknown_key(),
            _ => None,
        }
    }

    /// What to type next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Resolve { host, .. } => format!("check the spelling of {host}, or try: getent hosts {host}"),
            Self::Unreachable { host, port, .. } => {
                format!("is it up, and does a firewall let port {port} through? try: ssh -p {port} {host}")
            }
            Self::Timeout { step: Step::Connect, .. } => {
                "is it up, and does a firewall let the port through?".to_owned()
            }
            Self::Timeout { step: Step::Signature | Step::AgentOrLogin, .. } => {
                "does the agent answer? try: ssh-add -l; it may wait for a confirmation, a touch, or a PIN".to_owned()
            }
            Self::Timeout { .. } => "raise timeout.connect in shipit.toml".to_owned(),
            Self::ClosedEarly { .. } => {
                "sshd may refuse new connections (MaxStartups, fail2ban): see its log on the host"
                    .to_owned()
            }
            Self::Refused { refusal } => return refusal.hint(),
            Self::KeyEncrypted { path } => format!("ssh-add {}", shown(path)),
            Self::KeyExposed { path } => format!("chmod 600 {}", shown(path)),
            Self::KeyFile { path, .. } => format!("check `key` in shipit.toml: ls -l {}", shown(path)),
            Self::Jump { source, .. } => return source.hint(),
            Self::KnownHosts { file, .. } | Self::KeyNotAdded { file, .. } => {
                format!("is it yours? try: ls -l {}", shown(file))
            }
            Self::Handshake { host, .. } | Self::OpenSsh { host, .. } => format!("to see what ssh reports: ssh -v {host} true"),
            Self::Channel { .. } => {
                "sshd may allow too few sessions (MaxSessions), or forbid commands for this login: see its log"
                    .to_owned()
            }
            Self::Tunnel { target, .. } => {
                format!("the jump host has to allow it (AllowTcpForwarding) and to reach {target}")
            }
            Self::SshConfig { .. }
            | Self::SshConfigExposed { .. }
            | Self::JumpSpec { .. }
            | Self::NoOpenSsh { .. }
            | Self::RefusedByConfig { .. }
            | Self::MatchExec { .. }
            | Self::ProxyCommand { .. }
            | Self::Bind { .. }
            | Self::NoAgent { .. }
            | Self::NeedsOpenSsh { .. } => return self.config_hint(),
            Self::UnknownHostKey { .. }
            | Self::ChangedHostKey { .. }
            | Self::PinnedHostKey { .. }
            | Self::RevokedHostKey { .. }
            | Self::ShortHostKey { .. } => return self.key_hint(),
        })
    }

    /// The same about a host's key.
    fn key_hint(&self) -> Option<String> {
        Some(match self {
            Self::UnknownHostKey { key } => format!(
                "if {} is what `ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub` prints on the host:\n  echo '{}' >> {}",
                key.fingerprint,
                key.line,
                shown(&key.file)
            ),
            Self::ChangedHostKey { key, file, .. } => format!(
                "someone may be intercepting the connection. Only if the host was reinstalled:\n  ssh-keygen -R '{}' -f {}\n  echo '{}' >> {}",
                key.name,
                shown(file),
                key.line,
                shown(file)
            ),
            Self::PinnedHostKey { key, .. } => {
                format!("if the host was reinstalled, set host-key = \"{}\"", key.fingerprint)
            }
            Self::RevokedHostKey { key, .. } => {
                format!("the server has a key that was withdrawn: ask the administrator of {}", key.host)
            }
            Self::ShortHostKey { key, least, .. } => {
                format!(
                    "on {}, a longer one: ssh-keygen -t rsa -b {} -f /etc/ssh/ssh_host_rsa_key",
                    key.host,
                    (*least).max(3072)
                )
            }
            _ => return None,
        })
    }

    /// The same about what ssh_config says, and about the system's `ssh`.
    fn config_hint(&self) -> Option<String> {
        Some(match self {
            Self::NoOpenSsh { .. } => {
                "install it (OpenSSH 8.7 or later), or set ssh = \"builtin\" in shipit.toml".to_owned()
            }
            Self::SshConfig { .. } => "correct that line; `ssh -G HOST` shows how ssh reads it".to_owned(),
            Self::SshConfigExposed { file } => format!("chmod go-w {}", shown(file)),
            Self::JumpSpec { .. } => {
                "correct `jump` in shipit.toml, or ProxyJump in ~/.ssh/config: user@host:port".to_owned()
            }
            Self::RefusedByConfig { file, line, .. } => {
                format!("remove line {line} of {} if that is no longer so", shown(file))
            }
            Self::MatchExec { .. } => {
                "run that command by hand: it has to end by itself, and soon".to_owned()
            }
            Self::ProxyCommand { host, .. } => {
                format!("run it by hand: it has to connect its input and output to {host}'s sshd")
            }
            Self::NoAgent { .. } => {
                "start one and load your key: eval \"$(ssh-agent)\" && ssh-add".to_owned()
            }
            Self::Bind { .. } => "correct it in ~/.ssh/config: `ip address` shows what there is".to_owned(),
            Self::NeedsOpenSsh { known: true, .. } => {
                "set ssh = \"openssh\" in shipit.toml, or leave the key out".to_owned()
            }
            Self::NeedsOpenSsh { keyword, .. } => {
                format!("is it misspelt? if another ssh knows it, write before it: IgnoreUnknown {keyword}")
            }
            _ => return None,
        })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "no TCP connection",
            Self::KeyExchange => "SSH did not respond",
            Self::Authentication => "no reply to the login",
            Self::Signature => "your SSH agent did not sign the login",
            Self::AgentOrLogin => "no reply to the login, or none from your SSH agent,",
        })
    }
}

fn lacks(known: bool) -> &'static str {
    if known { "cannot do that" } else { "does not know it" }
}

fn words(said: &[String]) -> String {
    if said.is_empty() { String::new() } else { format!("; it said: {}", said.join("; ")) }
}

fn after(known: Option<&str>) -> String {
    known.map_or_else(String::new, |fingerprint| format!(", {fingerprint}"))
}

fn join(attempts: &[Attempt]) -> String {
    let each: Vec<String> = attempts.iter().map(|a| format!("{}: {}", a.address, a.reason)).collect();
    each.join("; ")
}

fn seconds(after: Duration) -> f64 {
    (after.as_secs_f64() * 10.0).round() / 10.0
}
