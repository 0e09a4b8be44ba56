//! Where a service listens, as `health` names it: a URL, or host and port.
//!
//! `{host}` may stand in it and is filled in later; what is filled in (a name or an address) leaves no other URL behind
//! than the one that was read, because its parts are kept apart.

use std::fmt;
use std::net::Ipv6Addr;

use serde::{Deserialize, Serialize};

use super::problem::Fault;

/// What `http` asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpUrl {
    /// `https`.
    pub tls: bool,
    /// Name or address, without brackets; from the deploy host's point of view.
    pub host: String,
    /// The scheme's own where none is written.
    pub port: u16,
    /// Path and query, with a leading slash.
    pub target: String,
}

impl HttpUrl {
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let no_url = || {
            Fault::new(format!("`{text}` is not an http or https URL"))
                .help("for example: \"http://127.0.0.1:3000/healthz\"")
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(no_url)?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(no_url()),
        };
        let (authority, target) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(Fault::new("this URL must not contain a login: shipit shows URLs in its output")
                .help("let the service answer this request without a login on its own machine"));
        }
        let (host, port) = split(authority)?;
        if let Some(odd) = target.replace("{host}", "").chars().find(|c| !is_of_target(*c)) {
            return Err(Fault::new(format!("`{odd}` cannot be in a URL"))
                .help("write it as `%` and two hexadecimal digits, if it belongs there"));
        }
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        Ok(Self { tls, host, port: port.unwrap_or(if tls { 443 } else { 80 }), target })
    }

    /// As it stands in the `Host` header: with the port, where that is not the scheme's own.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = bracketed(&self.host);
        if self.port == if self.tls { 443 } else { 80 } { host } else { format!("{host}:{}", self.port) }
    }

    pub(super) fn map(&self, change: impl Fn(&String) -> String) -> Self {
        Self { host: change(&self.host), target: change(&self.target), ..self.clone() }
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.target)
    }
}

/// `host:port`.
pub(super) fn host_and_port(text: &str) -> Result<(String, u16), Fault> {
    match split(text)? {
        (host, Some(port)) => Ok((host, port)),
        (_, None) => Err(Fault::new(format!("`{text}` has no port")).help("for example: tcp = 3000")),
    }
}

/// Host and port, `[…]` around addresses with colons.
fn split(text: &str) -> Result<(String, Option<u16>), Fault> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        // What follows without a colon is no port either.
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').unwrap_or(""))),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let port = match port {
        None => None,
        Some(port) if port.contains(':') => {
            return Err(Fault::new(format!("`{text}` is ambiguous"))
                .help("an address with colons goes into brackets: [::1]:3000"));
        }
        Some(port) => Some(
            (port.bytes().all(|b| b.is_ascii_digit()).then(|| port.parse().ok()).flatten())
                .filter(|port| *port != 0)
                .ok_or_else(|| {
                    Fault::new(format!("`{port}` is not a port: ports are between 1 and 65535"))
                })?,
        ),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    let rest = host.replace("{host}", "");
    let known = if text.starts_with('[') {
        host == "{host}" || host.parse::<Ipv6Addr>().is_ok()
    } else {
        !host.is_empty() && rest.chars().all(plain)
    };
    if !known {
        return Err(Fault::new(format!("`{text}` must start with the name or address of a host")));
    }
    Ok((host.to_owned(), port))
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// Unreserved, reserved for use in paths and queries, or encoded.
fn is_of_target(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~%!$&'()*+,;=:@/?".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_and_shown_as_it_was() {
        for (text, host, port, target) in [
            ("http://127.0.0.1:3000/healthz", "127.0.0.1", 3000, "/healthz"),
            ("http://[::1]:3000/a?b=c%20d", "::1", 3000, "/a?b=c%20d"),
            ("http://{host}/{host}/x", "{host}", 80, "/{host}/x"),
            ("https://shop.example.com/", "shop.example.com", 443, "/"),
        ] {
            let url = HttpUrl::parse(text).unwrap();
            assert_eq!((url.host.as_str(), url.port, url.target.as_str()), (host, port, target));
            assert_eq!((url.tls, url.to_string()), (text.starts_with("https"), text.to_owned()));
        }
        assert_eq!(HttpUrl::parse("HTTP://a").unwrap().to_string(), "http://a/");
        assert_eq!(HttpUrl::parse("http://a?b").unwrap().target, "/?b");
        assert_eq!(HttpUrl::parse("http://a:80/").unwrap().authority(), "a");
        let named =
            HttpUrl::parse("http://{host}:80/").unwrap().map(|text| text.replace("{host}", "fe80::1"));
        assert_eq!(named.to_string(), "http://[fe80::1]/");
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for text in [
            "",
            "127.0.0.1:3000",
            "ftp://a/",
            "http://",
            "http:///x",
            "http://:3000/",
            "http://a:/",
            "http://a:0/",
            "http://a:65536/",
            "http://a:+80/",
            "http://a:80:81/",
            "http://::1/",
            "http://[::1]80/",
            "http://[x]/",
            "http://user:pass@a/",
            "http://a b/",
            "http://a/b c",
            "http://a/\u{e9}",
            "http://a/#b",
            "http://a/[b]",
            "http://a/\r\nX: y",
            "http://a\r\n/",
        ] {
            assert!(HttpUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_port_with_its_host() {
        assert_eq!(host_and_port("db:5432").unwrap(), ("db".to_owned(), 5432));
        assert_eq!(host_and_port("[::1]:5432").unwrap(), ("::1".to_owned(), 5432));
        for text in ["db", "db:", ":1", "::1:5432", "[::1]", "a b:1", "db:99999"] {
            assert!(host_and_port(text).is_err(), "{text}");
        }
    }
}
