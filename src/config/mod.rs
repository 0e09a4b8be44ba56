//! shipit.toml: found, read, merged and checked.
//!
//! What leaves this module is resolved: plain structs that cannot hold a bad value, so nothing below asks the
//! file or the process environment again. Secrets are not looked up here unless a command needs them
//! ([`Environment::hosts`] carry [`EnvValue::Operator`], evaluated by [`EnvValue::evaluate`]). Nothing is run here:
//! a [`Draft`] and an [`Environment`] say which commands of the operator's they want to be answered.

mod apps;
mod command;
mod describe;
mod diagnostic;
mod digest;
mod discover;
mod document;
mod endpoint;
mod env;
mod error;
mod file;
mod files;
mod health;
mod hooks;
mod host_name;
mod hosts;
mod keys;
mod layers;
mod outline;
mod paths;
mod placeholders;
mod repository;
mod resolve;
mod rollout;
mod schema;
mod select;
mod set;
mod shown;
mod sites;
mod sources;
mod values;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use diagnostic::Span;
use sources::Sources;

pub use command::{Answers, LocalCommand};
pub use diagnostic::{Mistakes, nearest};
pub use discover::{FILE_NAME, find};
pub use document::{Document, read};
pub use endpoint::HttpUrl;
pub use env::Unevaluated;
pub use error::ConfigError;
pub use file::quoted;
pub use health::{Health, HealthCheck, HttpCheck};
pub use outline::Outline;
pub use paths::RemotePathError;
pub use resolve::{Draft, environments, load};
pub use rollout::{BatchSize, Pause, Rollout, Share};
pub use schema::schema;
pub use select::{Choice, glob_matches, select};
pub use set::Setting;
pub use sites::has_role;
pub use values::reference_fault;

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
    /// They are those of `[apps]`; else the environment itself is its only app.
    pub of_apps: bool,
    /// Where to, in the order of the file, ranges expanded, no two alike.
    pub hosts: Vec<Host>,
    /// Which app on which host, in the order of the hosts, on each in that of the apps. Never empty.
    pub sites: Vec<Site>,
    /// How a deploy goes over the hosts.
    pub rollout: Rollout,
    /// Limits on waiting.
    pub timeouts: Timeouts,
    /// Asks before it is deployed to.
    pub confirm: bool,
    /// Where all of it stands: what is found missing later is still shown in its place.
    sources: Arc<Sources>,
}

/// A repository and how it is made live.
#[derive(Debug, Clone)]
pub struct App {
    /// `SHIPIT_APP`; without `[apps]` the last path component of `repo`, without `.git`.
    pub name: String,
    /// It goes to hosts with one of these; none: to all.
    pub roles: Vec<String>,
    /// What `git clone` takes, as written.
    pub repo: String,
    /// Branch, tag or commit, as written.
    pub reference: String,
    /// How much of its history a host holds.
    pub fetch: Fetch,
    /// Whether its submodules are part of a release.
    pub submodules: bool,
    /// The directory of the repository that is the release; none: all of it.
    pub subdir: Option<String>,
    /// A private key file on the host, for git over SSH; `~/` is the remote home.
    pub repo_key: Option<String>,
    /// The operator's token for git over https.
    pub repo_token: Option<EnvVariable>,
    /// Files of the operator's for `shared/`, in order of their paths.
    pub files: Vec<SentFile>,
    /// Where in `shared/` `env` is written too.
    pub env_file: Option<String>,
    /// Linked from `shared/` into every release.
    pub shared: Vec<SharedPath>,
    /// Copied from the release before, relative to the release.
    pub carry: Vec<String>,
    /// How many releases stay on a host.
    pub keep_releases: u32,
    /// What runs hooks, supervisor commands and `exec`.
    pub shell: Shell,
    /// Put before the remote `PATH`; `~/` is the remote home.
    pub prepend_path: Vec<String>,
    /// Files of the host read before every command; `~/` is the remote home.
    pub profile: Vec<String>,
    /// The hooks that are set.
    pub hooks: Hooks,
    /// The commands that (re)start the app; none: nothing is reloaded.
    pub supervisor: Option<Supervisor>,
    /// How it is told that the app answers, `{host}` not filled in yet: [`App::health_on`] does that. None: nothing is asked.
    pub health: Option<Health>,
    /// What `logs` shows: files on the host, with wildcards; relative to the deploy path, `~/` is the remote home.
    pub logs: Vec<String>,
}

/// `fetch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fetch {
    /// All of it.
    #[default]
    Full,
    /// The last five commits.
    Fast,
    /// All commits; files only of those that are checked out.
    Blobless,
}

/// An entry of `files`.
#[derive(Debug, Clone, PartialEq)]
pub struct SentFile {
    /// Relative to `shared/`.
    pub path: String,
    /// What it holds.
    pub source: FileSource,
    /// Permissions: at most `0o777`.
    pub mode: u32,
}

/// Where the content of a [`SentFile`] comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum FileSource {
    /// A file of the operator's, absolute.
    From(PathBuf),
    /// What a command prints at the operator's end.
    Command(LocalCommand),
}

/// One machine of an environment.
#[derive(Debug, Clone)]
pub struct Host {
    /// As written, without user and port: `SHIPIT_HOST`, and what `--hosts` matches.
    pub name: String,
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
    /// What it is for: `SHIPIT_ROLES`, and what `roles` of apps and hooks speak of.
    pub roles: Vec<String>,
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

/// A path on a host: not empty, no NUL, no newline, no `..` component, no trailing slash. Relative means to the login user's home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemotePath(pub(crate) String);

/// An entry of `env`.
#[derive(Debug, Clone)]
pub struct EnvVariable {
    /// Name of the variable: `[A-Za-z_][A-Za-z0-9_]*`, not `SHIPIT_*` and not `SHARED`.
    pub name: String,
    /// What it is made of.
    pub value: EnvValue,
    span: Span,
}

/// A value of `env`.
#[derive(Debug, Clone)]
pub enum EnvValue {
    /// As in the file, `$${` already turned into `${`.
    Plain(String),
    /// Holds `${NAME}`: parts of literal text and names of the operator's variables. A secret.
    Operator(Vec<EnvPart>),
    /// What a command of the operator's will print. A secret.
    Command(LocalCommand),
    /// What it printed.
    Printed(SecretString),
}

/// A piece of [`EnvValue::Operator`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvPart {
    /// Text as it stands.
    Text(String),
    /// The operator's variable of that name.
    Variable(String),
}

/// An evaluated value of `env`.
#[derive(Debug, Clone)]
pub struct EnvEntry {
    /// Name of the variable, as in [`EnvVariable`].
    pub name: String,
    /// What it holds.
    pub value: SecretString,
    /// Whether it came from the operator's environment or a command of his: then it is never shown.
    pub secret: bool,
}

/// A file for `shared/`, ready to be sent.
#[derive(Debug, Clone)]
pub struct FileEntry {
    /// Relative to `shared/`.
    pub path: String,
    /// Permissions.
    pub mode: u32,
    /// What it holds, as base64: lines are all that travels.
    pub content: SecretString,
}

/// An entry of `shared`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedPath {
    /// Relative to `shared/` and to the release; no `..`, no leading or trailing slash.
    pub path: String,
    /// Written with a trailing slash: made when missing.
    pub directory: bool,
}

/// `shell`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shell {
    /// bash where the host has it, else sh.
    #[default]
    BashOrSh,
    /// `/bin/sh`.
    Sh,
    /// `bash`; a host without it fails.
    Bash,
    /// The login shell, as a login shell.
    Login,
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
    /// A silent line; 30 s.
    pub lost: Duration,
}

/// The hooks of section 4, each empty when not set.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs, reason = "the names are the documentation: those of the file")]
pub struct Hooks {
    pub pre_setup: Vec<Hook>,
    pub post_setup: Vec<Hook>,
    pub pre_deploy_local: Vec<Hook>,
    pub pre_deploy: Vec<Hook>,
    pub build: Vec<Hook>,
    pub migrate: Vec<Hook>,
    pub pre_activate: Vec<Hook>,
    pub drain: Vec<Hook>,
    pub undrain: Vec<Hook>,
    pub post_deploy: Vec<Hook>,
    pub post_deploy_local: Vec<Hook>,
    pub on_failure_local: Vec<Hook>,
}

/// One script of a hook: a list in the file is several of these, each run in a fresh shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// The script's text, never expanded by shipit.
    pub text: String,
    /// Only on hosts with one of these; none: on all.
    pub roles: Vec<String>,
    /// Only on the first host (of its roles).
    pub once: bool,
    /// On the operator's machine, once per host.
    pub local: bool,
    /// Instead of `timeout.hook`.
    pub timeout: Option<Duration>,
}

/// `supervisor = { reload, … }`: the user's own commands, texts of the hooks' kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supervisor {
    /// Makes the release in `current` the running one.
    pub reload: String,
    /// Used instead of `reload` when `status` says that nothing runs (or on a first deploy where it is set).
    pub start: Option<String>,
    /// Stops it: after a first deploy that failed.
    pub stop: Option<String>,
    /// 0: runs; anything else: does not.
    pub status: Option<String>,
    /// 0: the release in `current` is what runs.
    pub verify: Option<String>,
}
