//! Why a host could not reach its repository, and what to type about it.
//!
//! A host tells one word (`git_why` in `scripts/git.sh`); all text here is ours and the operator's. So nothing that a
//! git server prints can become a line that someone pastes.

use std::fmt::Write as _;

use super::quote::quote;
use crate::config::{App, Environment, Host, Site};
use crate::git::{self, Server};

/// Why git failed on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words of `git_why`; `message` says what each means")]
pub enum Trouble {
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
}

/// On which hosts of what a remedy is to be typed.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What was to be deployed.
    pub environment: &'a Environment,
    /// Whose repository it is.
    pub app: &'a App,
    /// The sites that the remedy is for.
    pub sites: &'a [&'a Site],
    /// Whether something is live there, so that `exec` works.
    pub live: bool,
}

const WORDS: [(&str, Trouble); 20] = [
    ("no-git", Trouble::NoGit),
    ("old", Trouble::OldGit),
    ("no-ssh", Trouble::NoSsh),
    ("no-key", Trouble::NoKey),
    ("unknown-key", Trouble::UnknownKey),
    ("changed-key", Trouble::ChangedKey),
    ("denied", Trouble::Denied),
    ("login", Trouble::Login),
    ("certificate", Trouble::Certificate),
    ("missing", Trouble::Missing),
    ("no-commit", Trouble::NoCommit),
    ("no-ref", Trouble::NoRef),
    ("no-address", Trouble::NoAddress),
    ("refused", Trouble::Refused),
    ("silent", Trouble::Silent),
    ("cut", Trouble::Cut),
    ("owner", Trouble::Owner),
    ("owner-tree", Trouble::OwnerTree),
    ("owner-source", Trouble::OwnerSource),
    ("full", Trouble::Full),
];

impl Trouble {
    /// What a host's word means; `None` for one that we do not know.
    #[must_use]
    pub fn parse(word: &str) -> Option<Trouble> {
        WORDS.iter().find(|(known, _)| *known == word).map(|(_, trouble)| *trouble)
    }

    /// What happened, on no host in particular; `None` where the host's own message says it.
    #[must_use]
    pub fn message(self, repo: &str) -> Option<String> {
        let server = git::server(repo).map_or_else(|| repo.to_owned(), |server| server.shown());
        let repo = git::without_credentials(repo);
        Some(match self {
            Trouble::NoGit | Trouble::NoKey | Trouble::NoRef => return None,
            Trouble::OldGit => "git there is too old: 2.29 or later is needed".to_owned(),
            Trouble::NoSsh => "there is no ssh for git to use".to_owned(),
            Trouble::UnknownKey => format!("the host key of the git server {server} is not known there"),
            Trouble::ChangedKey => {
                format!("the host key of the git server {server} is not the one that is known there")
            }
            Trouble::Denied => format!("the git server {server} lets no key in that is there"),
            Trouble::Login => format!("the git server {server} wants a login for {repo}"),
            Trouble::Certificate => format!("the certificate of {server} is not trusted there"),
            Trouble::Missing => {
                format!("{repo} is not there, or may not be read with the access of that host")
            }
            Trouble::NoCommit => format!("{repo} has no branch or tag with that commit"),
            Trouble::NoAddress => format!("no address is known there for the git server {server}"),
            Trouble::Refused => format!("the git server {server} refused the connection"),
            Trouble::Silent => format!("the git server {server} does not answer that host"),
            Trouble::Cut => format!("the connection to the git server {server} failed"),
            Trouble::Owner | Trouble::OwnerTree => {
                format!("{repo} belongs to another user there, and git refuses it")
            }
            Trouble::OwnerSource => "the clone in `source` belongs to another user there".to_owned(),
            Trouble::Full => "the disk is full there".to_owned(),
        })
    }

    /// What to type, a line each.
    #[must_use]
    pub fn remedy(self, asked: &Asked<'_>) -> String {
        let app = asked.app;
        let repo = app.repo.as_str();
        let server = git::server(repo);
        let server = server.as_ref();
        match self {
            Trouble::NoGit => format!("install git there:\n{}", asked.line("sudo apt-get install -y git")),
            Trouble::OldGit => "update git there".to_owned(),
            Trouble::NoSsh => {
                "install an ssh client there (openssh-client), or use an https address".to_owned()
            }
            Trouble::UnknownKey => known(asked, server),
            Trouble::ChangedKey => changed(asked, server),
            Trouble::Denied | Trouble::NoKey => denied(asked, server),
            Trouble::Login if app.repo_token.is_some() => {
                "the token in `repo-token` is not taken: it may have run out, or not be for this repository"
                    .to_owned()
            }
            Trouble::Login => {
                "fetch by ssh with a deploy key of the host (repo = \"git@…\"), or put a token of \
                read access into `repo-token`"
                    .to_owned()
            }
            Trouble::Certificate => {
                "the host's list of authorities is old (ca-certificates), or the server uses \
                one of its own: add that to the host's list"
                    .to_owned()
            }
            Trouble::Missing => match git::is_path(repo) {
                true => "a path is one on the host itself: check `repo`".to_owned(),
                false => {
                    "check `repo`; servers say the same where the key is good and the repository is not for \
                    it: add the host's key to this repository too"
                        .to_owned()
                }
            },
            Trouble::NoCommit => "push it, or fetch from the repository that has it (`repo`)".to_owned(),
            Trouble::NoRef => String::new(),
            Trouble::NoAddress => looked_up(asked, server),
            Trouble::Refused | Trouble::Silent | Trouble::Cut => reached(asked, server),
            Trouble::Owner => safe(asked, bare_path(repo)),
            Trouble::OwnerTree => safe(asked, &format!("{}/.git", bare_path(repo))),
            Trouble::OwnerSource => {
                "setup was run there as another user: log in as that one (`user`), or give \
                the deploy path to this one with chown -R"
                    .to_owned()
            }
            Trouble::Full => {
                let path = asked.sites.first().map_or(".", |site| site.path.as_str());
                format!("see what takes the space:\n{}", asked.line(&format!("df -h {}", quote(path))))
            }
        }
    }
}

impl Asked<'_> {
    /// What to paste here so that `script` runs on those hosts.
    #[must_use]
    pub fn line(&self, script: &str) -> String {
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

fn known(asked: &Asked<'_>, server: Option<&Server>) -> String {
    let Some(server) = server else { return "log in there and run git once".to_owned() };
    let port = server.port.map_or(String::new(), |port| format!("-p {port} "));
    let host = quote(&server.host);
    let scan = format!("umask 077; mkdir -p ~/.ssh; ssh-keyscan {port}-- {host} >> ~/.ssh/known_hosts");
    let show = format!("ssh-keygen -l -F {} -f ~/.ssh/known_hosts", quote(&server.known_as()));
    format!(
        "make it known, then compare what the second line shows with the fingerprints that the server's owner \
         publishes:\n{}\n{}",
        asked.line(&scan),
        asked.line(&show)
    )
}

fn changed(asked: &Asked<'_>, server: Option<&Server>) -> String {
    let Some(server) = server else { return "ask who runs the git server".to_owned() };
    let forget = format!("ssh-keygen -R {} -f ~/.ssh/known_hosts", quote(&server.known_as()));
    format!(
        "somebody may stand between the host and the server. Only if its owner says that the key was changed, \
         forget the old one, then make the new one known:\n{}\n{}",
        asked.line(&forget),
        known(asked, Some(server)).lines().skip(1).collect::<Vec<_>>().join("\n")
    )
}

fn denied(asked: &Asked<'_>, server: Option<&Server>) -> String {
    let file = asked.app.repo_key.as_deref().unwrap_or("~/.ssh/id_ed25519");
    let directory = file.rsplit_once('/').map_or("~", |(directory, _)| directory);
    let (key, directory) = (at_home(file), at_home(directory));
    // A key without its other half beside it still knows it.
    let make = format!(
        "umask 077; mkdir -p {directory}; [ -f {key} ] || ssh-keygen -q -t ed25519 -N \"\" -f {key}; ssh-keygen -y -f {key}"
    );
    let server = server.map_or("the git server", |server| server.host.as_str());
    format!(
        "add the host's public key to the repository at {server} as a deploy key that may only read; this shows it, \
         and makes one where there is none:\n{}",
        asked.line(&make)
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

fn looked_up(asked: &Asked<'_>, server: Option<&Server>) -> String {
    let host = server.map_or("localhost", |server| server.host.as_str());
    format!(
        "check the name in `repo`, and the host's DNS:\n{}",
        asked.line(&format!("getent hosts {}", quote(host)))
    )
}

fn reached(asked: &Asked<'_>, server: Option<&Server>) -> String {
    let Some(server) = server else { return "check that the server runs".to_owned() };
    let port = server.port.unwrap_or(server.usual_port);
    let look = format!("nc -vz -w 5 {} {port}", quote(&server.host));
    format!("check address and port in `repo`, and the firewalls between:\n{}", asked.line(&look))
}

fn safe(asked: &Asked<'_>, path: &str) -> String {
    let mut text = String::from("say that it may be trusted, if it may:\n");
    let allow = format!("git config --global --add safe.directory {}", quote(path));
    let _ = write!(text, "{}", asked.line(&allow));
    text
}

fn bare_path(repo: &str) -> &str {
    let path = repo.split_once("://").map_or(repo, |(_, path)| path);
    path.trim_end_matches('/')
}
