//! Whether two addresses mean one repository.
//!
//! `git@example.com:acme/shop.git`, `ssh://git@example.com/acme/shop` and `https://example.com/acme/shop.git` do:
//! a work tree cloned by https is still what a host fetches by ssh.

/// A path, also as `file://`: means another repository on every machine.
#[must_use]
pub fn is_path(repo: &str) -> bool {
    match repo.split_once("://") {
        Some((scheme, _)) => scheme.eq_ignore_ascii_case("file"),
        None => scp_form(repo).is_none(),
    }
}

/// What answers for a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Name or address, without brackets.
    pub host: String,
    /// Where the address names one.
    pub port: Option<u16>,
    /// Where it does not.
    pub usual_port: u16,
}

impl Server {
    /// As `known_hosts` has it.
    #[must_use]
    pub fn known_as(&self) -> String {
        self.port.map_or_else(|| self.host.clone(), |port| format!("[{}]:{port}", self.host))
    }

    /// As people read it.
    #[must_use]
    pub fn shown(&self) -> String {
        match self.port {
            None => self.host.clone(),
            Some(port) if self.host.contains(':') => format!("[{}]:{port}", self.host),
            Some(port) => format!("{}:{port}", self.host),
        }
    }
}

/// Scheme, server and port of an http address, and the login in it: what a token is for.
#[must_use]
pub fn origin(repo: &str) -> Option<(String, Option<String>)> {
    let (scheme, rest) = repo.split_once("://").filter(|(scheme, _)| scheme.starts_with("http"))?;
    let authority = rest.split('/').next()?;
    let (login, host) =
        authority.rsplit_once('@').map_or((None, authority), |(login, host)| (Some(login), host));
    let login = login.map(|login| login.split(':').next().unwrap_or(login).to_owned());
    Some((format!("{scheme}://{host}"), login))
}

// `login@host:port`, `[::1]:port`: without the login and the brackets.
fn host_and_port(authority: &str) -> (&str, Option<&str>) {
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    }
}

/// The server of a repository; `None` for a path.
#[must_use]
pub fn server(repo: &str) -> Option<Server> {
    if is_path(repo) {
        return None;
    }
    let (scheme, authority) = match repo.split_once("://") {
        Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest.split(['/', '?']).next()?),
        None => ("ssh".to_owned(), scp_form(repo)?.0),
    };
    let usual_port = match scheme.as_str() {
        "https" => 443,
        "http" => 80,
        "git" => 9418,
        _ => 22,
    };
    let (host, port) = host_and_port(authority);
    let port = port.and_then(|port| port.parse().ok()).filter(|port| *port != usual_port);
    Some(Server { host: host.to_owned(), port, usual_port })
}

/// `[user@]host:path`; git's rule: a colon and no slash before it.
fn scp_form(repo: &str) -> Option<(&str, &str)> {
    // The colons of `[::1]:path` are no separators.
    let from = if repo.contains("@[") || repo.starts_with('[') { repo.find(']')? } else { 0 };
    let colon = from + repo[from..].find(':')?;
    (!repo[..colon].contains('/')).then(|| (&repo[..colon], &repo[colon + 1..]))
}

/// Where a repository behind ssh is: server, and the port that the address names. `None`: it is behind something else, or
/// is named in a way that a program would take for an option.
#[must_use]
pub fn ssh_server(repo: &str) -> Option<(&str, Option<&str>)> {
    let authority = match repo.split_once("://") {
        Some((scheme, rest)) => {
            let scheme = scheme.to_ascii_lowercase();
            let ssh = matches!(scheme.as_str(), "ssh" | "git+ssh" | "ssh+git");
            ssh.then(|| rest.split_once('/').map_or(rest, |(authority, _)| authority))?
        }
        None => scp_form(repo)?.0,
    };
    let (server, port) = host_and_port(authority);
    let port = port.filter(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
    (!server.is_empty() && !server.starts_with('-')).then_some((server, port))
}

/// The address without its secrets: the password, and over https also the user, which
/// is often a token. The login of ssh is part of the address.
#[must_use]
pub fn without_credentials(repo: &str) -> String {
    let Some((scheme, rest)) = repo.split_once("://") else { return repo.to_owned() };
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let Some((login, host)) = authority.rsplit_once('@') else { return repo.to_owned() };
    let user = login.split(':').next().unwrap_or_default();
    let ssh = matches!(scheme.to_ascii_lowercase().as_str(), "ssh" | "git+ssh" | "ssh+git");
    match ssh && !user.is_empty() {
        true => format!("{scheme}://{user}@{host}{path}"),
        false => format!("{scheme}://{host}{path}"),
    }
}

pub(super) fn same_repository(one: &str, other: &str) -> bool {
    identity(one) == identity(other)
}

fn identity(repo: &str) -> String {
    let Some((scheme, rest)) = repo.split_once("://") else {
        return match scp_form(repo) {
            Some((authority, path)) => located("ssh", authority, path),
            None => bare_path(repo).to_owned(),
        };
    };
    let scheme = scheme.to_ascii_lowercase();
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    match scheme.as_str() {
        "file" => format!("/{}", bare_path(path)),
        "git+ssh" | "ssh+git" => located("ssh", authority, path),
        scheme => located(scheme, authority, path),
    }
}

fn located(scheme: &str, authority: &str, path: &str) -> String {
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let default_port = match scheme {
        "ssh" => ":22",
        "https" => ":443",
        "http" => ":80",
        "git" => ":9418",
        _ => "",
    };
    let host = host.strip_suffix(default_port).unwrap_or(host).to_ascii_lowercase();
    // Logins of https are credentials; those of ssh choose a home, but `git` is everybody's.
    let user = match user {
        "" | "git" => String::new(),
        _ if scheme != "ssh" => String::new(),
        user => format!("{user}@"),
    };
    format!("//{user}{host}/{}", bare_path(path).trim_start_matches('/'))
}

fn bare_path(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/')
}

/// Whether both addresses end with the same name, whatever server and directory it is in: `shop` of
/// `git@example.com:acme/shop.git`.
#[must_use]
pub(super) fn same_name(one: &str, other: &str) -> bool {
    let name =
        |repo: &str| bare_path(repo).rsplit(['/', ':']).next().unwrap_or_default().to_ascii_lowercase();
    !name(one).is_empty() && name(one) == name(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_repository() {
        let all = [
            "git@example.com:acme/shop.git",
            "git@example.com:/acme/shop",
            "ssh://git@example.com/acme/shop.git/",
            "ssh://git@example.com:22/acme/shop",
            "git+ssh://git@Example.com/acme/shop",
            "https://example.com/acme/shop.git",
            "https://token@example.com:443/acme/shop/",
        ];
        for one in all {
            assert!(same_repository(one, all[0]), "{one}");
        }
        assert!(same_repository("/srv/git/shop.git/", "file:///srv/git/shop"));
    }

    #[test]
    fn addresses_of_different_repositories() {
        for (one, other) in [
            ("git@example.com:acme/shop", "git@example.org:acme/shop"),
            ("git@example.com:acme/shop", "git@example.com:acme/shops"),
            ("alice@example.com:shop", "bob@example.com:shop"),
            ("ssh://git@example.com:2222/shop", "ssh://git@example.com/shop"),
            ("/srv/git/shop", "git@example.com:srv/git/shop"),
        ] {
            assert!(!same_repository(one, other), "{one} {other}");
        }
    }

    #[test]
    fn servers_behind_ssh() {
        for (repo, server) in [
            ("git@example.com:acme/shop.git", Some(("example.com", None))),
            ("ssh://git@example.com:2222/acme/shop", Some(("example.com", Some("2222")))),
            ("git+ssh://[::1]:22/shop", Some(("::1", Some("22")))),
            ("git@[::1]:shop", Some(("::1", None))),
            ("work:shop", Some(("work", None))),
            ("-oProxyCommand=x:shop", None),
            ("https://example.com/acme/shop", None),
            ("/srv/shop.git", None),
        ] {
            assert_eq!(ssh_server(repo), server, "{repo}");
        }
    }

    #[test]
    fn servers_of_repositories() {
        for (repo, shown) in [
            ("git@example.com:acme/shop.git", Some("example.com")),
            ("git@[::1]:shop", Some("::1")),
            ("ssh://git@example.com:2222/acme/shop", Some("example.com:2222")),
            ("ssh://git@[::1]:2222/acme/shop", Some("[::1]:2222")),
            ("https://x:token@example.com:443/acme/shop", Some("example.com")),
            ("/srv/shop.git", None),
            ("file:///srv/shop.git", None),
        ] {
            assert_eq!(server(repo).map(|server| server.shown()).as_deref(), shown, "{repo}");
        }
    }

    #[test]
    fn credentials_are_left_out() {
        for (repo, without) in [
            ("https://ghp_token@example.com/acme/shop.git", "https://example.com/acme/shop.git"),
            ("https://me:pa@ss@example.com:8443/shop", "https://example.com:8443/shop"),
            ("HTTPS://me@example.com", "HTTPS://example.com"),
            ("ssh://git:secret@example.com:22/shop", "ssh://git@example.com:22/shop"),
            ("ssh://git@example.com/a@b", "ssh://git@example.com/a@b"),
            ("https://example.com/a@b", "https://example.com/a@b"),
            ("git@example.com:acme/shop.git", "git@example.com:acme/shop.git"),
            ("/srv/git/shop.git", "/srv/git/shop.git"),
        ] {
            assert_eq!(without_credentials(repo), without, "{repo}");
        }
    }

    #[test]
    fn paths_belong_to_a_machine() {
        for (repo, path) in [
            ("/srv/shop.git", true),
            ("../shop", true),
            ("./a:b", true),
            ("file:///srv/shop", true),
            ("host:shop", false),
            ("git@[::1]:shop", false),
            ("git://example.com/shop", false),
        ] {
            assert_eq!(is_path(repo), path, "{repo}");
        }
    }
}
