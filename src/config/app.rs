//! An app, resolved: a repository and how it is made live. Only data.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::command::LocalCommand;
use super::health::Health;
use super::paths::SharedPath;
use super::supervisor::Supervisor;
use super::variable::EnvVariable;
use super::words::{Fetch, Shell};

/// A repository and how it is made live.
#[derive(Debug, Clone)]
pub struct App {
    /// `SHIPIT_APP`; without `[apps]` the last path component of `repo`, without `.git`.
    pub name: String,
    /// It goes to hosts with one of these; empty: to all.
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
    /// Directories, relative to the release, whose files of older releases are taken into the new one.
    pub keep_assets: Vec<String>,
    /// What may stay behind in the work tree of another tool: names, or patterns of paths.
    pub ignore_untracked: Vec<String>,
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
    /// What makes a release run, on the hosts with their roles; none: nothing is reloaded.
    pub supervisors: Vec<Supervisor>,
    /// How its health is checked, with `{host}` not filled in yet ([`App::health_on`] does that). None: it is not checked.
    pub health: Option<Health>,
    /// What `logs` shows: files on the host, with wildcards; relative to the deploy path, `~/` is the remote home.
    pub logs: Vec<String>,
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

impl Hooks {
    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Hook> {
        let around_setup = [&self.pre_setup, &self.post_setup];
        let before =
            [&self.pre_deploy_local, &self.pre_deploy, &self.build, &self.migrate, &self.pre_activate];
        let live = [&self.drain, &self.post_deploy, &self.undrain];
        let after = [&self.post_deploy_local, &self.on_failure_local];
        around_setup.into_iter().chain(before).chain(live).chain(after).flatten()
    }
}

/// One script of a hook: a list in the file is several of these, each run in a fresh shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// The script's text, never expanded by shipit.
    pub text: String,
    /// Only on hosts with one of these; empty: on all.
    pub roles: Vec<String>,
    /// Only on the first host (of its roles).
    pub once: bool,
    /// On the operator's machine, once per host.
    pub local: bool,
    /// Instead of `timeout.hook`.
    pub timeout: Option<Duration>,
    /// The operator's file that the text is from.
    pub file: Option<PathBuf>,
}
