//! What a command line asks for. Only data.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::{BatchSize, Setting, Share};
use crate::remote::since::Since;
use crate::report::{ColorChoice, Mode, Verbosity};

/// What the user asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The configuration file, where one was named.
    pub config: Option<PathBuf>,
    /// The directory to work in, where one was named.
    pub chdir: Option<PathBuf>,
    /// The environment's name, as typed; empty for a tool.
    pub environment: String,
    /// What to do with it.
    pub command: Command,
    /// `--hosts`: patterns, as typed; empty means all.
    pub hosts: Vec<String>,
    /// `--roles`: hosts with one of these; empty means all.
    pub roles: Vec<String>,
    /// `--apps`; empty means all.
    pub apps: Vec<String>,
    /// The number of hosts that are worked on at a time, at most.
    pub concurrency: Option<usize>,
    /// Instead of `rollout.batch`.
    pub batch: Option<BatchSize>,
    /// Do not pause between batches.
    pub no_pause: bool,
    /// Instead of `rollout.max-unreachable`.
    pub max_unreachable: Option<Share>,
    /// What `SHIPIT_SET` and `--set` say, weakest first.
    pub set: Vec<Setting>,
    /// Skip the local checks.
    pub force: bool,
    /// Make a new release even if nothing changed.
    pub redeploy: bool,
    /// Deploy a commit that is older than what is live.
    pub allow_older: bool,
    /// Deploy to part of the hosts, which leaves the environment on two releases.
    pub split: bool,
    /// How long to wait for a lock that another run holds.
    pub lock_wait: Duration,
    /// Do not ask for confirmation.
    pub yes: bool,
    /// Show what would be done. Always set for `plan`.
    pub dry_run: bool,
    /// With [`Invocation::dry_run`]: show the scripts. Never set without it.
    pub scripts: bool,
    /// Keep the directory of a release that failed.
    pub keep_failed: bool,
    /// How progress is shown.
    pub output: Mode,
    /// Where events are written to as JSON, beside any output.
    pub events: Option<PathBuf>,
    /// Whether colours are used.
    pub color: ColorChoice,
    /// How much is shown.
    pub verbosity: Verbosity,
    /// A pm2 daemon started this process, or what started it.
    pub inside_pm2: bool,
}

/// What to do with an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Deploy these, else the configured refs. With [`Invocation::dry_run`] this is `plan`.
    Deploy {
        /// What `ref` or `--ref` named.
        references: Vec<AppReference>,
    },
    /// Directories, clone and checks of the hosts.
    Setup,
    /// Make an earlier deploy live again.
    Revert(RevertTo),
    /// Bring hosts that differ to the deploy that is live on the rest.
    Sync,
    /// Reload and verify what is live.
    Restart,
    /// Refuse deploys.
    Hold {
        /// One line for others to read; empty: no reason was given.
        why: String,
        /// How long; else until [`Command::Resume`].
        lasting: Option<Duration>,
    },
    /// End the hold.
    Resume,
    /// Remove releases that are not kept.
    Prune,
    /// The fleet in one look.
    Status {
        /// End with 1 when hosts differ.
        check: bool,
    },
    /// Deploys, newest first.
    List {
        /// So many; none: as many as fit a screen.
        most: Option<usize>,
    },
    /// One deploy, with the output of its steps.
    Show(Show),
    /// A terminal on one host.
    Console {
        /// Which, as typed; none: the first.
        host: Option<String>,
    },
    /// The end of the app's log files.
    Logs {
        /// Show new lines as they come.
        follow: bool,
        /// Lines of each file to start with; none: all.
        lines: Option<u32>,
        /// Only lines since then.
        since: Option<Since>,
    },
    /// The live revision.
    Current,
    /// The revision that was live before.
    Previous,
    /// Run a command on every host.
    Exec {
        /// One word is a script, several are an argument list; never empty.
        command: Vec<String>,
        /// Only on the first host.
        once: bool,
    },
    /// Look for what would stop a deploy, on this machine and on every host.
    Check,
    /// End the run that holds the lock.
    Unlock,
    /// Something that needs no environment.
    Tool(Tool),
    /// The resolved configuration.
    Config {
        /// Only this key, and what is below it.
        key: Option<String>,
        /// Also where each value comes from.
        origin: bool,
    },
}

/// What to deploy of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppReference {
    /// The app, where it was named.
    pub app: Option<String>,
    /// Branch, tag or commit, or `HEAD`.
    pub reference: String,
}

/// Which deploy `revert` goes back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevertTo {
    /// The n-th before the live one, from 1.
    Back(u32),
    /// A release, or a revision of one, as typed.
    Deploy(String),
}

/// Which deploy `show` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Show {
    /// The latest, whether it failed or not.
    Latest,
    /// As `revert` counts; 0 is the live one.
    Back(u32),
    /// A release, a revision or a run, or the beginning of its name.
    Named(String),
}

/// A command without an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tool {
    /// Deploys to three hosts inside this process, and explains what it does.
    Demo {
        /// Hosts and files stay until the user ends the demo.
        keep: bool,
    },
    /// Writes a `shipit.toml` for the work tree here.
    Init(Init),
    /// Writes a `shipit.toml` from the file of another tool.
    Import {
        /// Only from the file: no host is asked.
        no_hosts: bool,
    },
    /// The environments of the file.
    Envs,
    /// Prints a JSON schema.
    Schema {
        /// Of events, not of the file.
        of_events: bool,
    },
    /// Prints the script that completes command lines in a shell.
    Completions(Shell),
    /// Prints what can complete these words, for that script.
    Candidates(Vec<String>),
}

/// What `init` is told, so that it need not ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Init {
    /// The example whose file is taken; none: one for any project.
    pub template: Option<String>,
    /// As in shipit.toml.
    pub hosts: Vec<String>,
    /// The login on the hosts.
    pub user: Option<String>,
    /// The deploy path.
    pub path: Option<String>,
    /// How a release is built; empty: it is not.
    pub build: Option<String>,
    /// What runs the app: a supervisor, perhaps with a name, or a command; `none`: nothing.
    pub supervisor: Option<String>,
}

/// A shell that completes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are what they are called")]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl Shell {
    /// All of them, by the names that are typed.
    pub(super) const ALL: [(&'static str, Shell); 3] =
        [("bash", Shell::Bash), ("zsh", Shell::Zsh), ("fish", Shell::Fish)];

    /// What makes the shell complete shipit's command lines.
    #[must_use]
    pub fn script(self) -> &'static str {
        match self {
            Shell::Bash => include_str!("completions/shipit.bash"),
            Shell::Zsh => include_str!("completions/_shipit"),
            Shell::Fish => include_str!("completions/shipit.fish"),
        }
    }
}

/// What the words of a command line mean, before the options are added.
#[derive(Debug)]
pub(super) struct Request {
    pub config: Option<PathBuf>,
    pub environment: String,
    /// The command as it is called in full.
    pub name: &'static str,
    pub command: Command,
    pub plan: bool,
}
