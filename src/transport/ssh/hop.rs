//! A jump host as it is written: in `jump` of shipit.toml, and in `ProxyJump`. Pure text.

use crate::transport::ConnectError;

/// A jump host as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::transport) struct Hop {
    pub(in crate::transport) user: Option<String>,
    pub(in crate::transport) host: String,
    pub(in crate::transport) port: Option<u16>,
}

impl Hop {
    /// `[user@]host[:port]`, `[user@][::1][:port]`, or the same behind `ssh://`.
    pub(in crate::transport) fn parse(text: &str) -> Result<Self, ConnectError> {
        Self::read(text)
            .map_err(|reason| ConnectError::JumpSpec { hop: text.to_owned(), reason: reason.to_owned() })
    }

    /// What is wrong with it, where something is. It may still hold tokens.
    pub(super) fn check(text: &str) -> Result<(), String> {
        Self::read(text).map(drop).map_err(|reason| format!("jump host {text}: {reason}"))
    }

    fn read(text: &str) -> Result<Self, &'static str> {
        let rest = text.strip_prefix("ssh://").unwrap_or(text).trim_end_matches('/');
        let (user, rest) = match rest.rsplit_once('@') {
            Some((user, rest)) => (Some(user.to_owned()), rest),
            None => (None, rest),
        };
        let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, Some(port.strip_prefix(':').ok_or("what follows ] is not a port")?)),
            // Several colons and no brackets: an IPv6 address.
            None => match rest.split_once(':') {
                Some((host, port)) if !port.contains(':') => (host, Some(port)),
                _ => (rest, None),
            },
        };
        let port = port.map(str::parse).transpose().map_err(|_| "the port is not a number up to 65535")?;
        if host.is_empty() || user.as_deref() == Some("") || port == Some(0) {
            return Err("it should look like user@host:port");
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
