//! From the argument list to an [`Invocation`]: options, words, and what both mean together.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::ancestor::is_inside_pm2;
use super::arguments::{self, Ambient, Given, Typed};
use super::error::CliError;
use super::invocation::{Command, Init, Invocation, Request, Tool};
use super::{grammar, manual, split, tools, words};
use crate::report::Verbosity;

/// How long a run waits for the lock of another run in CI, where nobody tries again.
const LOCK_WAIT_IN_CI: Duration = Duration::from_secs(600);

/// The command line of `shipit`.
#[derive(Debug, Clone, Copy)]
pub struct Cli;

impl Cli {
    /// Parses the arguments of the process, of which the first is the program's name. `SHIPIT_*` variables
    /// replace options that were not typed. `apart`: a process inside of pm2 has started this one to do its work.
    ///
    /// # Errors
    /// When help or the version was asked for, and for everything that is not in the grammar.
    pub fn parse_from<I: IntoIterator<Item = OsString>>(
        args: I,
        apart: bool,
    ) -> Result<Invocation, CliError> {
        let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
        let inside_pm2 = is_inside_pm2();
        // Instances of one app that deploy themselves all at once wait for one another.
        let invocation = parse(args, Ambient::Environment, in_ci || apart || inside_pm2)?;
        Ok(Invocation { inside_pm2, ..invocation })
    }
}

fn parse<I: IntoIterator<Item = OsString>>(
    args: I,
    ambient: Ambient,
    waits: bool,
) -> Result<Invocation, CliError> {
    let (request, typed, set) = read(args, ambient)?;
    let dry_run = dry_run(&request, &typed, &set)?;
    let events = events(&request, &typed, &set)?;
    let command = match request.command {
        Command::Config { key, .. } => Command::Config { key, origin: typed.origin },
        command => words::with_options(command, &typed, &set)?,
    };
    Ok(Invocation {
        config: request.config.or(typed.config),
        chdir: typed.chdir,
        environment: request.environment,
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
        lock_wait: typed.lock_wait.unwrap_or(if waits { LOCK_WAIT_IN_CI } else { Duration::ZERO }),
        yes: typed.yes,
        keep_failed: typed.keep_failed,
        output: typed.output,
        events,
        color: typed.color,
        verbosity: verbosity(typed.quiet, typed.verbose),
        inside_pm2: false,
    })
}

/// What was typed: the words as a request, and the options.
fn read<I: IntoIterator<Item = OsString>>(
    args: I,
    ambient: Ambient,
) -> Result<(Request, Typed, Given), CliError> {
    let options = arguments::options(ambient);
    let mut split = split::split(args.into_iter().skip(1), &options)?;
    if let Some(topic) = manual::asked(&split) {
        let help = manual::about(topic?, options);
        return arguments::parse(help, vec!["--help".into()]).and(Err(CliError::usage("")));
    }
    let options = manual::about(manual::around(&split), options);
    let of_events = tools::of_events(&mut split);
    let tool = tools::named(&split);
    let (typed, set) = arguments::parse(options, split.options)?;
    let asked = tools::Asked { keep: typed.keep, no_hosts: typed.no_hosts, of_events };
    let mut request = match tool {
        Some(name) => tools::understand(name, split.words, asked, &set)?,
        None => words::understand(split.words, &typed.references, typed.environment.clone())?,
    };
    if request.config.is_some() && set.typed("config") {
        return Err(CliError::usage("two configuration files: the first word and --config; name only one"));
    }
    if tool.is_none() {
        words::check_options(&request, &set)?;
    }
    match &mut request.command {
        Command::Hold { why, lasting } => {
            (*why, *lasting) = (typed.message.clone().unwrap_or_default(), typed.lasting);
        }
        Command::Tool(Tool::Init(init)) => {
            let Typed { template, hosts, user, path, build, supervisor, .. } = typed.clone();
            *init = Init { template, hosts, user, path, build, supervisor };
        }
        _ => {}
    }
    Ok((request, typed, set))
}

/// Whether nothing is to be changed.
fn dry_run(request: &Request, typed: &Typed, given: &Given) -> Result<bool, CliError> {
    // `-n` of list is its number.
    let dry_run = typed.dry_run && request.name != "list" || request.plan;
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

/// Where events go. A variable that is set for all commands is ignored by those without events.
fn events(request: &Request, typed: &Typed, given: &Given) -> Result<Option<PathBuf>, CliError> {
    match &typed.events {
        Some(_) if given.typed("events") && (typed.dry_run || request.plan) => {
            Err(CliError::usage("--events: a dry run has no events"))
        }
        file => Ok(file.clone().filter(|_| grammar::has_events(request.name))),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
