//! The command line, in two steps: what was typed (`split`, `arguments`), then what it means (`words`).
//!
//! Contacts nothing and reads no file. Clap knows only the options: an environment's name is free and what
//! follows `exec` is not ours, so words are taken out of the argument list before clap sees it.
//! Nothing that is not spelled out in [`Command`] ever deploys: whatever is not understood ends with exit code 2.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::{BatchSize, Setting, Share};
use crate::report::{ColorChoice, Mode, Verbosity};

mod arguments;
mod completion;
mod help;
mod split;
mod tools;
mod words;

#[cfg(test)]
mod tests;

pub use completion::{Candidate, Cursor, Wanted, at_cursor};
pub use tools::{Shell, Tool};

/// How long a run waits for another's lock in CI, where nobody is there to try again.
const LOCK_WAIT_IN_CI: Duration = Duration::from_secs(600);

/// The command line of `shipit`.
#[derive(Debug, Clone, Copy)]
pub struct Cli;

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
    /// At most so many hosts are worked on at a time.
    pub concurrency: Option<usize>,
    /// Instead of `rollout.batch`.
    pub batch: Option<BatchSize>,
    /// Nothing between batches.
    pub no_pause: bool,
    /// Instead of `rollout.max-unreachable`.
    pub max_unreachable: Option<Share>,
    /// What `SHIPIT_SET` and `--set` say, weakest first.
    pub set: Vec<Setting>,
    /// Skip the local checks.
    pub force: bool,
    /// A new release though nothing changed.
    pub redeploy: bool,
    /// Deploy a commit that is older than what is live.
    pub allow_older: bool,
    /// Deploy to part of the hosts, which leaves the environment on two releases.
    pub split: bool,
    /// How long to wait for a lock that another run holds.
    pub lock_wait: Duration,
    /// Ask nothing.
    pub yes: bool,
    /// Show what would be done. Always set for `plan`.
    pub dry_run: bool,
    /// With [`Invocation::dry_run`]: show the exact scripts. Never set without it.
    pub scripts: bool,
    /// Leave the directory of a release that failed.
    pub keep_failed: bool,
    /// How progress is shown.
    pub output: Mode,
    /// Where events are written to as JSON, beside any output.
    pub events: Option<PathBuf>,
    /// Whether colours are used.
    pub color: ColorChoice,
    /// How much is shown.
    pub verbosity: Verbosity,
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
    /// Bring hosts that differ to what is live on the rest.
    Sync,
    /// Reload and verify what is live.
    Restart,
    /// Refuse deploys.
    Hold {
        /// One line for others to read; empty: it was not said.
        why: String,
        /// How long; else until [`Command::Resume`].
        lasting: Option<Duration>,
    },
    /// End the hold.
    Resume,
    /// Remove what is not kept.
    Prune,
    /// The fleet in one look.
    Status {
        /// End with 1 when hosts differ.
        check: bool,
    },
    /// Deploys, newest first.
    List,
    /// One deploy, with all that its steps printed.
    Show(Show),
    /// A terminal on one host.
    Console {
        /// Which, as typed; none: the first.
        host: Option<String>,
    },
    /// The end of the app's log files.
    Logs {
        /// Go on with what is new.
        follow: bool,
        /// Lines of each file to begin with.
        lines: u32,
    },
    /// The live revision.
    Current,
    /// The revision that was live before.
    Previous,
    /// Run a command on every host.
    Exec {
        /// One word is a script, several are an argument list; never empty.
        command: Vec<String>,
    },
    /// Look for what would keep a deploy from working, here and on every host.
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
    /// The latest, whatever became of it.
    Latest,
    /// As `revert` counts; 0 is the live one.
    Back(u32),
    /// A release, a revision or a run, or how one begins.
    Named(String),
}

/// Why the program ends before it begins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct CliError {
    /// For an error: what is wrong and what to type, without `error: ` in front. Else the help or the version.
    pub text: String,
    /// 0: `text` was asked for and belongs on standard output. 2: it is an error.
    pub exit: u8,
}

impl CliError {
    fn usage(text: impl Into<String>) -> Self {
        CliError { text: text.into(), exit: 2 }
    }
}

impl Cli {
    /// Understands the arguments of the process, of which the first is the program's name. `SHIPIT_*` variables
    /// stand in for options that were not typed.
    ///
    /// # Errors
    /// When help or the version was asked for, and for everything that is not in the grammar.
    pub fn parse_from<I: IntoIterator<Item = OsString>>(args: I) -> Result<Invocation, CliError> {
        let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
        parse(args, arguments::Ambient::Environment, in_ci)
    }
}

fn parse<I: IntoIterator<Item = OsString>>(
    args: I,
    ambient: arguments::Ambient,
    in_ci: bool,
) -> Result<Invocation, CliError> {
    let options = arguments::options(ambient);
    let mut split = split::split(args.into_iter().skip(1), &options)?;
    let of_events = tools::of_events(&mut split);
    let tool = tools::named(&split);
    let later = words::later(&split);
    let (typed, set) = arguments::parse(options, split.options).map_err(|error| match &later {
        // An option of a command that is still to come is no mistake of the user's.
        Some(later) if error.exit != 0 => later.clone(),
        _ => error,
    })?;
    if let Some(later) = later {
        return Err(later);
    }
    let asked = tools::Asked { keep: typed.keep, of_events };
    let mut meant = match tool {
        Some(name) => tools::understand(name, split.words, asked, &set)?,
        None => words::understand(split.words, &typed.references, typed.environment.clone())?,
    };
    if meant.config.is_some() && set.typed("config") {
        return Err(CliError::usage("two configuration files: one as the first word and one with --config"));
    }
    if tool.is_none() {
        words::check_options(&meant, &set)?;
    }
    if let Command::Hold { why, lasting } = &mut meant.command {
        (*why, *lasting) = (typed.message.clone().unwrap_or_default(), typed.lasting);
    }
    let dry_run = dry_run(&meant, &typed, &set)?;
    let events = events(&meant, &typed, &set)?;
    let command = match meant.command {
        Command::Config { key, .. } => Command::Config { key, origin: typed.origin },
        command => words::with_options(command, &typed, &set)?,
    };
    Ok(Invocation {
        config: meant.config.or(typed.config),
        chdir: typed.chdir,
        environment: meant.environment,
        dry_run,
        scripts: typed.scripts && dry_run,
        command,
        hosts: typed.hosts,
        roles: typed.roles,
        apps: typed.apps,
        concurrency: typed.concurrency,
        batch: typed.batch,
        no_pause: typed.no_pause,
        max_unreachable: typed.max_unreachable,
        set: arguments::settings(ambient, typed.set)?,
        force: typed.force,
        redeploy: typed.redeploy,
        allow_older: typed.allow_older,
        split: typed.split,
        lock_wait: typed.lock_wait.unwrap_or(if in_ci { LOCK_WAIT_IN_CI } else { Duration::ZERO }),
        yes: typed.yes,
        keep_failed: typed.keep_failed,
        output: typed.output,
        events,
        color: typed.color,
        verbosity: verbosity(typed.quiet, typed.verbose),
    })
}

/// Whether nothing is to be changed.
fn dry_run(
    meant: &words::Meant,
    typed: &arguments::Typed,
    given: &arguments::Given,
) -> Result<bool, CliError> {
    let dry_run = typed.dry_run || meant.plan;
    // Who typed it expects a preview; ignoring it would deploy.
    if given.typed("scripts") && !dry_run {
        return Err(CliError::usage("--scripts shows the scripts of a plan: add --dry-run"));
    }
    Ok(dry_run)
}

fn verbosity(quiet: bool, verbose: bool) -> Verbosity {
    match (quiet, verbose) {
        (true, _) => Verbosity::Quiet,
        (_, true) => Verbosity::Verbose,
        _ => Verbosity::Normal,
    }
}

/// Where events go. A variable that is set for all commands means nothing to those that have none.
fn events(
    meant: &words::Meant,
    typed: &arguments::Typed,
    given: &arguments::Given,
) -> Result<Option<PathBuf>, CliError> {
    match &typed.events {
        Some(_) if given.typed("events") && (typed.dry_run || meant.plan) => {
            Err(CliError::usage("--events: a dry run does nothing that could be told"))
        }
        file => Ok(file.clone().filter(|_| words::has_events(meant.name))),
    }
}
