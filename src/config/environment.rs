//! One environment, resolved: what a run works on. Only data.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::app::{App, FileSource};
use super::paths::RemotePath;
use super::rollout::Rollout;
use super::sources::Sources;
use super::variable::EnvVariable;
use super::words::SshClient;

/// One environment of a file, resolved: what a run works on.
#[derive(Debug, Clone)]
pub struct Environment {
    /// As in `[deploy.NAME]`.
    pub name: String,
    /// The file it was read from, absolute.
    pub file: PathBuf,
    /// The directory of the file: where local hooks run.
    pub root: PathBuf,
    /// What is deployed, in the order of going live.
    pub apps: Vec<App>,
    /// The apps are those of `[apps]`; else the environment itself is its only app.
    pub of_apps: bool,
    /// The hosts, in the order of the file, ranges expanded, each once.
    pub hosts: Vec<Host>,
    /// Which app on which host, in the order of the hosts, on each in that of the apps. Never empty.
    pub sites: Vec<Site>,
    /// How a deploy goes over the hosts.
    pub rollout: Rollout,
    /// Limits on waiting.
    pub timeouts: Timeouts,
    /// Whether shipit asks before a deploy.
    pub confirm: bool,
    /// The texts it was read from: what is found missing later is still shown in its place.
    pub(super) sources: Arc<Sources>,
}

/// One machine of an environment.
#[derive(Debug, Clone)]
pub struct Host {
    /// As written, without user and port; with them, where that tells hosts apart: `SHIPIT_HOST`, `{host}`, and what reports
    /// call it.
    pub name: String,
    /// Name or address, as written: what is connected to.
    pub machine: String,
    /// `localhost`: no SSH at all.
    pub local: bool,
    /// Login, where the file names one (else `~/.ssh/config`, else the operator's user name).
    pub user: Option<String>,
    /// Port, where the file names one.
    pub port: Option<u16>,
    /// Private key file, absolute, where the file names one.
    pub key: Option<PathBuf>,
    /// Jump hosts (`[user@]host[:port]`), nearest first, where the file names them.
    pub jump: Option<Vec<String>>,
    /// Pinned host key, `SHA256:…` as `ssh-keygen -l` prints it.
    pub host_key: Option<String>,
    /// Who on the host may use the operator's SSH agent.
    pub forward_agent: ForwardAgent,
    /// As after `ssh -o`: before what `~/.ssh/config` says.
    pub ssh_options: Vec<String>,
    /// Which client reaches it.
    pub ssh: SshClient,
    /// Its roles: `SHIPIT_ROLES`, and what `roles` of apps and hooks name.
    pub roles: Vec<String>,
}

/// `forward-agent`: who on a host may use the operator's SSH agent during a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForwardAgent {
    /// Nobody: no agent is lent.
    #[default]
    No,
    /// git, where it asks a server.
    Git,
    /// All that a run starts there, hooks and what they install too.
    All,
}

/// An app on a host.
#[derive(Debug, Clone)]
pub struct Site {
    /// Index into [`Environment::hosts`].
    pub host: usize,
    /// Index into [`Environment::apps`].
    pub app: usize,
    /// Deploy path there: absolute, or relative to the remote home (`~/` taken off).
    pub path: RemotePath,
    /// `env` there, in order of the names.
    pub env: Vec<EnvVariable>,
}

/// `timeout`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a host is connected and authenticated; 10 s.
    pub connect: Duration,
    /// A hook; 15 min.
    pub hook: Duration,
    /// git on the host; 15 min.
    pub fetch: Duration,
    /// A supervisor command; 2 min.
    pub reload: Duration,
    /// How long a connection may be silent; 30 s.
    pub lost: Duration,
}

impl Environment {
    /// The operator's files that a run reads: it uses them as they are, committed or not.
    #[must_use]
    pub fn files_read(&self) -> Vec<PathBuf> {
        let of_app = |app: &App| -> Vec<PathBuf> {
            let scripts = app.hooks.all().filter_map(|hook| hook.file.clone());
            let sent = app.files.iter().filter_map(|file| match &file.source {
                FileSource::From(file) => Some(file.clone()),
                FileSource::Command(_) => None,
            });
            scripts.chain(sent).collect()
        };
        let files = self.sources.files().map(Path::to_owned);
        files.chain(self.apps.iter().flat_map(of_app)).collect()
    }
}
