//! Why a host could not reach its repository, and what to type about it.
//!
//! The host says one word (`git_why` in `scripts/git.sh`); messages and commands are made here, on the operator's machine. So
//! nothing that a git server prints can become a command that somebody pastes.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use super::quote::quote;
use crate::config::{App, Environment, Host, Site};
use crate::git::{self, Server};

/// Why git failed on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words of `git_why`; `message` says what each means")]
pub enum AccessError {
    NoGit,
    OldGit,
    NoSsh,
    NoKey,
    UnknownKey,
    ChangedKey,
    Denied,
    Login,
    Certificate,
    Missing,
    NoCommit,
    NoRef,
    NoAddress,
    Refused,
    Silent,
    Cut,
    Owner,
    OwnerTree,
    OwnerSource,
    Full,
    Format,
    Locked,
    Damaged,
}

/// On which hosts of what a remedy is to be typed.
#[derive(Debug, Clone, Copy)]
pub struct Affected<'a> {
    /// What was to be deployed.
    pub environment: &'a Environment,
    /// Whose repository it is.
    pub app: &'a App,
    /// The sites that the remedy is for.
    pub sites: &'a [&'a Site],
    /// Whether something is live there, so that `exec` works.
    pub live: bool,
}

const WORDS: [(&str, AccessError); 23] = [
    ("no-git", AccessError::NoGit),
    ("old", AccessError::OldGit),
    ("no-ssh", AccessError::NoSsh),
    ("no-key", AccessError::NoKey),
    ("unknown-key", AccessError::UnknownKey),
    ("changed-key", AccessError::ChangedKey),
    ("denied", AccessError::Denied),
    ("login", AccessError::Login),
    ("certificate", AccessError::Certificate),
    ("missing", AccessError::Missing),
    ("no-commit", AccessError::NoCommit),
    ("no-ref", AccessError::NoRef),
    ("no-address", AccessError::NoAddress),
    ("refused", AccessError::Refused),
    ("silent", AccessError::Silent),
    ("cut", AccessError::Cut),
    ("owner", AccessError::Owner),
    ("owner-tree", AccessError::OwnerTree),
    ("owner-source", AccessError::OwnerSource),
    ("full", AccessError::Full),
    ("format", AccessError::Format),
    ("locked", AccessError::Locked),
    ("damaged", AccessError::Damaged),
];

impl AccessError {
    /// All of them.
    pub fn all() -> impl Iterator<Item = AccessError> {
        WORDS.iter().map(|(_, error)| *error)
    }

    /// What happened, on no host in particular; `None` where the host's own message says it.
    #[must_use]
    pub fn message(self, repo: &str) -> Option<String> {
        let server = git::server(repo).map_or_else(|| repo.to_owned(), |server| server.shown());
        let repo = git::without_credentials(repo);
        Some(match self {
            AccessError::NoGit | AccessError::NoKey | AccessError::NoRef => return None,
            AccessError::OldGit => "git on this host is too old: 2.29 or later is needed".to_owned(),
            AccessError::NoSsh => "git finds no ssh client on this host".to_owned(),
            AccessError::UnknownKey => {
                format!("this host does not know the host key of the git server {server}")
            }
            AccessError::ChangedKey => {
                format!("the host key of the git server {server} is not the one that this host knows")
            }
            AccessError::Denied => format!("the git server {server} rejected every SSH key of this host"),
            AccessError::Login => format!("the git server {server} asks for a login for {repo}"),
            AccessError::Certificate => format!("this host does not trust the certificate of {server}"),
            AccessError::Missing => {
                format!("{repo} does not exist, or this host may not read it")
            }
            AccessError::NoCommit => format!("{repo} has no branch or tag with that commit"),
            AccessError::NoAddress => format!("this host cannot resolve the name of the git server {server}"),
            AccessError::Refused => format!("the git server {server} refused the connection"),
            AccessError::Silent => format!("the git server {server} does not answer this host"),
            AccessError::Cut => format!("the connection to the git server {server} failed"),
            AccessError::Owner | AccessError::OwnerTree => {
                format!("{repo} belongs to another user on this host, so git refuses it")
            }
            AccessError::OwnerSource => {
                "the clone in `source` belongs to another user on this host".to_owned()
            }
            AccessError::Full => "the disk of this host is full".to_owned(),
            AccessError::Format => format!("{repo} has SHA-256 object ids, which are not supported yet"),
            AccessError::Locked => "another git process is at work in `source` on this host".to_owned(),
            AccessError::Damaged => "the clone in `source` on this host has damaged objects".to_owned(),
        })
    }

    /// What to type, a line each.
    #[must_use]
    pub fn remedy(self, affected: &Affected<'_>) -> String {
        let app = affected.app;
        let repo = app.repo.as_str();
        let server = git::server(repo);
        let server = server.as_ref();
        match self {
            AccessError::NoGit => {
                format!("install git there:\n{}", affected.command("sudo apt-get install -y git"))
            }
            AccessError::OldGit => "update git there".to_owned(),
            AccessError::NoSsh => {
                "install an ssh client there (openssh-client), or use an https address".to_owned()
            }
            AccessError::UnknownKey => known(affected, server),
            AccessError::ChangedKey => changed(affected, server),
            AccessError::Denied | AccessError::NoKey => denied(affected, server),
            AccessError::Login if app.repo_token.is_some() => {
                "the server rejected the token in `repo-token`: it may have expired, or be for another repository"
                    .to_owned()
            }
            AccessError::Login => {
                "fetch by ssh with a deploy key of the host (repo = \"git@…\"), or put a token of \
                read access into `repo-token`"
                    .to_owned()
            }
            AccessError::Certificate => {
                "update the host's ca-certificates; if the server uses a certificate authority of its \
                own, add that to those that the host trusts"
                    .to_owned()
            }
            AccessError::Missing => match git::is_path(repo) {
                true => "a path is one on the host itself: check `repo`".to_owned(),
                false => {
                    "check `repo`; a server says the same when the key is valid, but not for this repository: \
                    add the host's key to this repository too"
                        .to_owned()
                }
            },
            AccessError::NoCommit => "push it, or fetch from the repository that has it (`repo`)".to_owned(),
            AccessError::NoRef => String::new(),
            AccessError::NoAddress => looked_up(affected, server),
            AccessError::Refused | AccessError::Silent | AccessError::Cut => reached(affected, server),
            AccessError::Owner => safe(affected, bare_path(repo)),
            AccessError::OwnerTree => safe(affected, &format!("{}/.git", bare_path(repo))),
            AccessError::OwnerSource => {
                "setup was run there as another user: use that login (`user`), or change the owner of \
                the deploy path (chown -R)"
                    .to_owned()
            }
            AccessError::Format => "deploy a repository with SHA-1 ids, git's default".to_owned(),
            AccessError::Locked => {
                format!("see what it is, and wait for its end:\n{}", affected.command("pgrep -a git"))
            }
            AccessError::Damaged => {
                format!("let `setup` make a new clone: shipit {} setup", affected.environment.name)
            }
            AccessError::Full => {
                let path = affected.sites.first().map_or(".", |site| site.path.as_str());
                format!("see what takes the space:\n{}", affected.command(&format!("df -h {}", quote(path))))
            }
        }
    }
}

impl FromStr for AccessError {
    type Err = ();

    fn from_str(word: &str) -> Result<AccessError, ()> {
        WORDS.iter().find(|(known, _)| *known == word).map(|(_, error)| *error).ok_or(())
    }
}

/// As the host says it.
impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = WORDS.iter().find(|(_, error)| error == self).map_or("unknown", |(word, _)| word);
        f.write_str(word)
    }
}

impl Affected<'_> {
    /// What to paste here so that `script` runs on those hosts.
    #[must_use]
    pub fn command(&self, script: &str) -> String {
        if self.live {
            let apps = match self.environment.apps.len() {
                1 => String::new(),
                _ => format!(" --apps {}", self.app.name),
            };
            return format!("shipit {}{apps} exec {}", self.environment.name, quote(script));
        }
        let hosts: Vec<&Host> = self.sites.iter().map(|site| &self.environment.hosts[site.host]).collect();
        match hosts.as_slice() {
            [host] if host.local => script.to_owned(),
            [host] => format!("ssh {} {}", quote(&address(host)), quote(script)),
            hosts => {
                let hosts: Vec<String> = hosts.iter().map(|host| quote(&address(host))).collect();
                format!("for host in {}; do ssh \"$host\" {}; done", hosts.join(" "), quote(script))
            }
        }
    }
}

// As ssh takes it.
fn address(host: &Host) -> String {
    let login = host.user.as_ref().map_or(String::new(), |user| format!("{user}@"));
    match host.port {
        None => format!("{login}{}", host.name),
        Some(port) if host.name.contains(':') => format!("ssh://{login}[{}]:{port}", host.name),
        Some(port) => format!("ssh://{login}{}:{port}", host.name),
    }
}

fn known(affected: &Affected<'_>, server: Option<&Server>) -> String {
    let Some(server) = server else { return "log in there and run git once".to_owned() };
    let port = server.port.map_or(String::new(), |port| format!("-p {port} "));
    let host = quote(&server.host);
    let scan = format!("umask 077; mkdir -p ~/.ssh; ssh-keyscan {port}-- {host} >> ~/.ssh/known_hosts");
    let show = format!("ssh-keygen -l -F {} -f ~/.ssh/known_hosts", quote(&server.known_as()));
    format!(
        "add it, then compare what the second line shows with the fingerprints that the server's owner \
         publishes:\n{}\n{}",
        affected.command(&scan),
        affected.command(&show)
    )
}

fn changed(affected: &Affected<'_>, server: Option<&Server>) -> String {
    let Some(server) = server else { return "ask who runs the git server".to_owned() };
    let forget = format!("ssh-keygen -R {} -f ~/.ssh/known_hosts", quote(&server.known_as()));
    format!(
        "someone may be intercepting the connection. Only if the server's owner confirms that its key was \
         changed, remove the old key, then add the new one:\n{}\n{}",
        affected.command(&forget),
        known(affected, Some(server)).lines().skip(1).collect::<Vec<_>>().join("\n")
    )
}

fn denied(affected: &Affected<'_>, server: Option<&Server>) -> String {
    let file = affected.app.repo_key.as_deref().unwrap_or("~/.ssh/id_ed25519");
    let directory = file.rsplit_once('/').map_or("~", |(directory, _)| directory);
    let (key, directory) = (at_home(file), at_home(directory));
    // A key without its other half beside it still knows it.
    let make = format!(
        "umask 077; mkdir -p {directory}; [ -f {key} ] || ssh-keygen -q -t ed25519 -N \"\" -f {key}; ssh-keygen -y -f {key}"
    );
    let server = server.map_or("the git server", |server| server.host.as_str());
    format!(
        "add the host's public key to the repository at {server} as a read-only deploy key; this prints it, \
         and creates one if there is none:\n{}",
        affected.command(&make)
    )
}

// For a shell over there to expand, and nothing but the tilde.
fn at_home(path: &str) -> String {
    match path.strip_prefix('~') {
        Some(rest) => {
            format!("~{}", if rest.is_empty() { String::new() } else { format!("/{}", quote(&rest[1..])) })
        }
        None => quote(path),
    }
}

fn looked_up(affected: &Affected<'_>, server: Option<&Server>) -> String {
    let host = server.map_or("localhost", |server| server.host.as_str());
    format!(
        "check the name in `repo`, and the host's DNS:\n{}",
        affected.command(&format!("getent hosts {}", quote(host)))
    )
}

fn reached(affected: &Affected<'_>, server: Option<&Server>) -> String {
    let Some(server) = server else { return "check that the server runs".to_owned() };
    let port = server.port.unwrap_or(server.usual_port);
    let look = format!("nc -vz -w 5 {} {port}", quote(&server.host));
    format!("check address and port in `repo`, and the firewalls between:\n{}", affected.command(&look))
}

fn safe(affected: &Affected<'_>, path: &str) -> String {
    let mut text = String::from("if you trust it, tell git so:\n");
    let allow = format!("git config --global --add safe.directory {}", quote(path));
    let _ = write!(text, "{}", affected.command(&allow));
    text
}

fn bare_path(repo: &str) -> &str {
    let path = repo.split_once("://").map_or(repo, |(_, path)| path);
    path.trim_end_matches('/')
}
