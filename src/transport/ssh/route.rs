//! What is to be connected how: a host of shipit.toml merged with ssh_config, and the jump hosts before it.
//!
//! shipit.toml wins over ssh_config, which wins over the defaults. Pure but for the configuration already read.

use std::path::PathBuf;

use super::Options;
use super::config::{Agent, Query, Settings, SshConfig};
use crate::config::Host;
use crate::transport::ConnectError;

/// One login on one machine.
#[derive(Debug, Clone)]
pub(super) struct Route {
    /// The host as asked for: what the user calls it.
    pub(super) asked: String,
    /// What ssh_config and the defaults say; user and port already include what shipit.toml says.
    pub(super) settings: Settings,
    /// The one key that shipit.toml names.
    pub(super) key: Option<PathBuf>,
    /// The pinned host key.
    pub(super) pinned: Option<String>,
    /// Nearest first.
    pub(super) jumps: Vec<Hop>,
}

/// A jump host as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hop {
    pub(super) user: Option<String>,
    pub(super) host: String,
    pub(super) port: Option<u16>,
}

impl Route {
    /// The way to a host of shipit.toml.
    pub(super) fn to_host(host: &Host, config: &SshConfig, options: &Options) -> Result<Self, ConnectError> {
        let query = query(&host.machine, host.user.as_deref(), host.port, options);
        let settings = config.resolve(&query)?;
        let jumps = hops(host.jump.as_ref(), &settings, &host.machine)?;
        Ok(Self {
            asked: host.machine.clone(),
            settings,
            key: host.key.clone(),
            pinned: host.host_key.clone(),
            jumps,
        })
    }

    /// The way to a jump host. `before`: those in front of it; with none of them its own configuration is asked.
    pub(super) fn to_hop(
        hop: &Hop,
        before: &[Hop],
        config: &SshConfig,
        options: &Options,
    ) -> Result<Self, ConnectError> {
        let settings = config.resolve(&query(&hop.host, hop.user.as_deref(), hop.port, options))?;
        let jumps = match before {
            [] => hops(None, &settings, &hop.host)?,
            before => before.to_vec(),
        };
        Ok(Self { asked: hop.host.clone(), settings, key: None, pinned: None, jumps })
    }

    pub(super) fn jump_failed(&self, hop: &Hop, source: ConnectError) -> ConnectError {
        ConnectError::Jump { host: self.asked.clone(), hop: hop.to_string(), source: Box::new(source) }
    }

    /// One login in the table of shared connections.
    pub(super) fn identity(&self) -> String {
        let jumps: Vec<String> = self.jumps.iter().map(Hop::to_string).collect();
        format!(
            "{}@{}:{} {}",
            self.settings.user,
            self.settings.hostname,
            self.settings.port,
            jumps.join(",")
        )
    }
}

fn query<'a>(host: &'a str, user: Option<&'a str>, port: Option<u16>, options: &'a Options) -> Query<'a> {
    Query { host, user, port, local_user: &options.user, home: &options.home }
}

fn hops(own: Option<&Vec<String>>, settings: &Settings, host: &str) -> Result<Vec<Hop>, ConnectError> {
    if own.is_none()
        && let Some((file, line)) = &settings.proxy_command
    {
        let what = "ProxyCommand".to_owned();
        return Err(ConnectError::NotYet { what, host: host.to_owned(), file: file.clone(), line: *line });
    }
    own.unwrap_or(&settings.jumps).iter().map(|text| Hop::parse(text)).collect()
}

impl Hop {
    /// `[user@]host[:port]`, `[user@][::1][:port]`, or the same behind `ssh://`.
    pub(super) fn parse(text: &str) -> Result<Self, ConnectError> {
        let wrong = |reason: &str| ConnectError::JumpSpec { hop: text.to_owned(), reason: reason.to_owned() };
        let rest = text.strip_prefix("ssh://").unwrap_or(text).trim_end_matches('/');
        let (user, rest) = match rest.rsplit_once('@') {
            Some((user, rest)) => (Some(user.to_owned()), rest),
            None => (None, rest),
        };
        let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, port)) => {
                (host, Some(port.strip_prefix(':').ok_or_else(|| wrong("what follows ] is not a port"))?))
            }
            // Several colons and no brackets: an IPv6 address.
            None => match rest.split_once(':') {
                Some((host, port)) if !port.contains(':') => (host, Some(port)),
                _ => (rest, None),
            },
        };
        let port =
            port.map(str::parse).transpose().map_err(|_| wrong("the port is not a number up to 65535"))?;
        if host.is_empty() || user.as_deref() == Some("") || port == Some(0) {
            return Err(wrong("it should look like user@host:port"));
        }
        Ok(Self { user, host: host.to_owned(), port })
    }
}

impl std::fmt::Display for Hop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        match (self.host.contains(':'), self.port) {
            (true, Some(port)) => write!(f, "[{}]:{port}", self.host),
            (false, Some(port)) => write!(f, "{}:{port}", self.host),
            (_, None) => f.write_str(&self.host),
        }
    }
}

impl Agent {
    /// The socket to ask, if any.
    pub(super) fn socket(&self, session: Option<&PathBuf>) -> Option<PathBuf> {
        match self {
            Self::Session => session.cloned(),
            Self::None => None,
            Self::Socket(path) => Some(path.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Hop;

    #[test]
    fn jump_hosts_as_they_are_written() {
        let table = [
            ("gate", None, "gate", None),
            ("ops@gate:2222", Some("ops"), "gate", Some(2222)),
            ("ssh://ops@gate:22/", Some("ops"), "gate", Some(22)),
            ("[::1]:22", None, "::1", Some(22)),
            ("a@b@[fe80::1]", Some("a@b"), "fe80::1", None),
            ("fe80::1", None, "fe80::1", None),
        ];
        for (text, user, host, port) in table {
            let expected = Hop { user: user.map(str::to_owned), host: host.to_owned(), port };
            assert_eq!(Hop::parse(text).unwrap(), expected, "{text}");
        }
        for text in ["", "@gate", "gate:0", "gate:ssh", "[::1]22"] {
            assert!(Hop::parse(text).is_err(), "{text}");
        }
    }
}
