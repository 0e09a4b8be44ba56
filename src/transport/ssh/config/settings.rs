//! What ssh_config says of one host: plain values that the rest of the client reads. Decides nothing.

use std::path::PathBuf;
use std::time::Duration;

use super::place::Place;
use crate::transport::NewKeys;

/// What the files, and the defaults behind them, say of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::transport) struct Settings {
    /// The host as asked for, before `HostName`.
    pub(in crate::transport) asked: String,
    /// `HostName`, in lower case: where to connect to, and what known_hosts knows it by if there is no alias.
    pub(in crate::transport) hostname: String,
    /// The login.
    pub(in crate::transport) user: String,
    /// 1 to 65535.
    pub(in crate::transport) port: u16,
    /// How it is connected.
    pub(in crate::transport) way: Way,
    /// What the host's key is checked against.
    pub(in crate::transport) trust: HostKeyRules,
    /// Who logs in, and how.
    pub(in crate::transport) login: LoginRules,
    /// Which algorithms may be used.
    pub(in crate::transport) algorithms: Algorithms,
    /// What commands on the host are lent.
    pub(in crate::transport) session: SessionRules,
    /// What only OpenSSH's client can do, in the order of the table; empty for almost all hosts.
    pub(in crate::transport) needs_openssh: Vec<Need>,
}

/// The way to a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::transport) struct Way {
    /// `ProxyJump`, nearest first, as written; empty: none.
    pub(in crate::transport) jumps: Vec<String>,
    /// `ProxyCommand` with its tokens replaced, for `sh -c`.
    pub(in crate::transport) proxy_command: Option<String>,
    /// `AddressFamily`
    pub(in crate::transport) family: Family,
    /// `BindAddress`: a name or an address of this machine.
    pub(in crate::transport) bind_address: Option<String>,
    /// `BindInterface`
    pub(in crate::transport) bind_interface: Option<String>,
    /// `ConnectTimeout`; none: not said, or `none`.
    pub(in crate::transport) connect_timeout: Option<Duration>,
    /// `ConnectionAttempts`, at least 1.
    pub(in crate::transport) attempts: u32,
    /// `ServerAliveInterval`; none: not said, or 0.
    pub(in crate::transport) alive_interval: Option<Duration>,
    /// `ServerAliveCountMax`
    pub(in crate::transport) alive_count: u32,
    /// `TCPKeepAlive`
    pub(in crate::transport) tcp_keepalive: bool,
    /// `Compression`
    pub(in crate::transport) compression: bool,
}

/// What the host's key is checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::transport) struct HostKeyRules {
    /// `UserKnownHostsFile`; none: not said. No file: `none`.
    pub(in crate::transport) user_files: Option<Vec<PathBuf>>,
    /// `GlobalKnownHostsFile`; none: not said. No file: `none`.
    pub(in crate::transport) global_files: Option<Vec<PathBuf>>,
    /// `HostKeyAlias`: what known_hosts knows it by, whatever its port.
    pub(in crate::transport) alias: Option<String>,
    /// `StrictHostKeyChecking`
    pub(in crate::transport) new_keys: NewKeys,
    /// `HashKnownHosts`
    pub(in crate::transport) hashed: bool,
}

/// Who logs in, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::transport) struct LoginRules {
    /// `IdentityFile`, in order.
    pub(in crate::transport) identity_files: Vec<PathBuf>,
    /// Whether the files name keys at all: `IdentityFile none` names none, but it does say so.
    pub(in crate::transport) identities_set: bool,
    /// `IdentitiesOnly`
    pub(in crate::transport) identities_only: bool,
    /// `CertificateFile`, in order.
    pub(in crate::transport) certificates: Vec<PathBuf>,
    /// `IdentityAgent`
    pub(in crate::transport) agent: Agent,
    /// `PreferredAuthentications`, in lower case; none: not said.
    pub(in crate::transport) preferred: Option<Vec<String>>,
    /// `PubkeyAuthentication`
    pub(in crate::transport) public_key: bool,
    /// `PasswordAuthentication`
    pub(in crate::transport) password: bool,
    /// `KbdInteractiveAuthentication`
    pub(in crate::transport) keyboard: bool,
    /// `NumberOfPasswordPrompts`
    pub(in crate::transport) prompts: u32,
    /// `BatchMode`: nobody is asked for anything.
    pub(in crate::transport) batch: bool,
}

/// Which algorithms may be used; none: not said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::transport) struct Algorithms {
    /// `Ciphers`
    pub(in crate::transport) ciphers: Option<Choice>,
    /// `MACs`
    pub(in crate::transport) macs: Option<Choice>,
    /// `KexAlgorithms`
    pub(in crate::transport) kex: Option<Choice>,
    /// `HostKeyAlgorithms`
    pub(in crate::transport) host_keys: Option<Choice>,
    /// `PubkeyAcceptedAlgorithms`: with which the login's keys may sign.
    pub(in crate::transport) user_keys: Option<Choice>,
    /// `CASignatureAlgorithms`: with which certificates of hosts may be signed.
    pub(in crate::transport) authorities: Option<Choice>,
    /// `RequiredRSASize`, in bits: for RSA keys of hosts and of the login.
    pub(in crate::transport) rsa_bits: u32,
}

/// What commands on the host are lent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::transport) struct SessionRules {
    /// `SendEnv`, then `SetEnv`: name and value.
    pub(in crate::transport) variables: Vec<(String, String)>,
    /// `ForwardAgent`
    pub(in crate::transport) forward_agent: ForwardAgent,
}

/// `IdentityAgent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::transport) enum Agent {
    /// Not set, or `SSH_AUTH_SOCK`: the agent of the operator's session.
    Session,
    /// `none`
    None,
    /// A socket.
    Socket(PathBuf),
}

/// `AddressFamily`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::transport) enum Family {
    Any,
    V4,
    V6,
}

/// `ForwardAgent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::transport) enum ForwardAgent {
    /// Not said, or `no`.
    No,
    /// The agent that logs in.
    Yes,
    /// The agent at this socket.
    Socket(PathBuf),
}

/// A list of algorithms in one of OpenSSH's forms; names may hold wildcards in `Without`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::transport) enum Choice {
    /// These, in this order.
    Only(Vec<String>),
    /// The default and then these (`+`).
    And(Vec<String>),
    /// The default but for these (`-`).
    Without(Vec<String>),
    /// These and then the default (`^`).
    First(Vec<String>),
}

/// A keyword that asks for what only OpenSSH's client can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::transport) struct Need {
    /// As written in a message: `PKCS11Provider`, `Match version`.
    pub(in crate::transport) keyword: String,
    /// Where it stands.
    pub(in crate::transport) place: Place,
    /// Whether OpenSSH is known to have it; else nothing is known of it but its name.
    pub(in crate::transport) known: bool,
}

impl Choice {
    pub(super) fn parse(text: &str) -> Self {
        let names = |text: &str| text.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        match text.split_at_checked(1) {
            Some(("+", rest)) => Self::And(names(rest)),
            Some(("-", rest)) => Self::Without(names(rest)),
            Some(("^", rest)) => Self::First(names(rest)),
            _ => Self::Only(names(text)),
        }
    }

    /// The list that it makes of a default one.
    pub(in crate::transport) fn of<'a>(&'a self, default: &[&'a str]) -> Vec<&'a str> {
        let fits = |patterns: &[String], name: &str| {
            patterns.iter().any(|pattern| crate::transport::ssh::pattern::matches(pattern, name))
        };
        let own = |names: &'a [String]| names.iter().map(String::as_str);
        let mut list: Vec<&str> = match self {
            Self::Only(names) => own(names).collect(),
            Self::And(names) => default.iter().copied().chain(own(names)).collect(),
            Self::Without(names) => default.iter().copied().filter(|name| !fits(names, name)).collect(),
            Self::First(names) => own(names).chain(default.iter().copied()).collect(),
        };
        let mut seen = std::collections::BTreeSet::new();
        list.retain(|name| seen.insert(*name));
        list
    }
}
