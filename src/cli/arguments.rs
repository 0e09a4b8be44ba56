//! The options, as clap knows them; what each takes and what the help says of it.
//!
//! Must not know what a command is or which options it uses (`words.rs`). Words never get here.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, CommandFactory, FromArgMatches, Parser};

use super::error::CliError;
use super::help;
use super::since::since;
use crate::config::{BatchSize, LONGEST, Setting, Share, parse_duration};
use crate::remote::since::Since;
use crate::report::{ColorChoice, Mode};

/// Long options that no `SHIPIT_*` variable sets: hooks have `SHIPIT_REF`, `SHIPIT_ENV` and `SHIPIT_ROLES`, and a shipit
/// that a hook starts must not deploy what its parent deploys. `SHIPIT_SET` holds several ([`settings`]).
const NEVER_AMBIENT: [&str; 15] = [
    "ref",
    "env",
    "roles",
    "check",
    "once",
    "for",
    "message",
    "set",
    "follow",
    "since",
    "template",
    "user",
    "path",
    "build",
    "supervisor",
];

/// What `init` can start from.
pub(super) const TEMPLATES: [&str; 6] =
    ["node-pm2", "node-systemd", "python-supervisord", "static", "binary-systemd", "several-repositories"];

/// Holds what `--set` takes, one setting per line.
const SETTINGS: &str = "SHIPIT_SET";

/// Whether `SHIPIT_*` variables stand in for options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ambient {
    /// They do.
    Environment,
    /// They do not, so that tests see only what they type.
    #[cfg(test)]
    Nothing,
}

/// What was typed, without the words.
#[derive(Debug, Clone, Parser)]
#[command(name = "shipit", version, no_binary_name = true, help_template = help::TEMPLATE)]
#[command(override_usage = help::USAGE, before_help = help::COMMANDS, after_help = help::AFTER)]
#[command(disable_help_flag = true, disable_version_flag = true)]
pub(super) struct Typed {
    /// Configuration file [shipit.toml, here or above]
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Work in this directory
    #[arg(short = 'C', long, value_name = "DIR")]
    pub chdir: Option<PathBuf>,
    /// The environment, if its name is a command's
    #[arg(short, long = "env", value_name = "ENV")]
    pub environment: Option<String>,
    /// Only these hosts: names, globs, ranges, !name
    #[arg(long, value_name = "PATTERN,…", value_delimiter = ',', action = ArgAction::Append)]
    pub hosts: Vec<String>,
    /// Only hosts with one of these roles
    #[arg(long, value_name = "ROLE,…", value_delimiter = ',', action = ArgAction::Append)]
    pub roles: Vec<String>,
    /// Only these apps
    #[arg(long, value_name = "APP,…", value_delimiter = ',', action = ArgAction::Append)]
    pub apps: Vec<String>,
    /// Deploy this branch, tag or commit, or HEAD
    #[arg(long = "ref", value_name = "[APP=]REF", action = ArgAction::Append)]
    pub references: Vec<String>,
    /// Work on at most N hosts at a time
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub concurrency: Option<usize>,
    /// Activate N hosts (or P%) at a time
    #[arg(long, value_name = "N|P%", value_parser = BatchSize::parse)]
    pub batch: Option<BatchSize>,
    /// Do not pause between batches
    #[arg(long, value_parser = flag)]
    pub no_pause: bool,
    /// Proceed with up to N unreachable hosts
    #[arg(long, value_name = "N|P%", value_parser = Share::parse)]
    pub max_unreachable: Option<Share>,
    /// Override a key of shipit.toml: timeout.hook=1m
    #[arg(long, value_name = "KEY=VALUE", action = ArgAction::Append)]
    pub set: Vec<String>,
    /// Skip the local checks, nothing else
    #[arg(short, visible_short_alias = 'F', long, value_parser = flag)]
    pub force: bool,
    /// Make a new release even if nothing changed
    #[arg(long, value_parser = flag)]
    pub redeploy: bool,
    /// Deploy a commit older than the live one
    #[arg(long, value_parser = flag)]
    pub allow_older: bool,
    /// Allow two releases: deploy to part of the hosts
    #[arg(long, value_parser = flag)]
    pub split: bool,
    /// Wait this long for another run [5s; 10m in CI]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub lock_wait: Option<Duration>,
    /// Do not ask for confirmation
    #[arg(short, long, value_parser = flag)]
    pub yes: bool,
    /// Show what would be done; change nothing
    #[arg(short = 'n', long, value_parser = flag)]
    pub dry_run: bool,
    /// With plan or --dry-run: show the scripts
    #[arg(long, value_parser = flag)]
    pub scripts: bool,
    /// Keep the directory of a release that failed
    #[arg(long, value_parser = flag)]
    pub keep_failed: bool,
    /// hold: the reason, for others to read
    #[arg(short, long, value_name = "WHY", value_parser = one_line)]
    pub message: Option<String>,
    /// hold: for how long [until resume]
    #[arg(long = "for", value_name = "DURATION", value_parser = some_time)]
    pub lasting: Option<Duration>,
    /// status: end with 1 when hosts differ
    #[arg(long, value_parser = flag)]
    pub check: bool,
    /// exec: only on the first host of those chosen
    #[arg(long, value_parser = flag)]
    pub once: bool,
    /// logs: lines of each file to start with [10]
    #[arg(long, value_name = "N")]
    pub lines: Option<u32>,
    /// logs: show new lines as they come (also -f)
    #[arg(long, value_parser = flag)]
    pub follow: bool,
    /// logs: all lines since 10m, 12:30, 2026-07-01
    #[arg(long, value_name = "T", value_parser = since)]
    pub since: Option<Since>,
    /// demo: keep hosts and files for you to try
    #[arg(long, value_parser = flag)]
    pub keep: bool,
    /// import: ask no host, read only the file
    #[arg(long, value_parser = flag)]
    pub no_hosts: bool,
    /// init: start from that example
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(TEMPLATES))]
    #[arg(hide_possible_values = true)]
    pub template: Option<String>,
    /// init: the login on the hosts
    #[arg(long, value_name = "LOGIN")]
    pub user: Option<String>,
    /// init: the deploy path on the hosts
    #[arg(long, value_name = "DIR")]
    pub path: Option<String>,
    /// init: how a release is built
    #[arg(long, value_name = "CMD")]
    pub build: Option<String>,
    /// init: what runs the app: pm2, …, or a command
    #[arg(long, value_name = "HOW")]
    pub supervisor: Option<String>,
    /// config: show where each value comes from
    #[arg(long, value_parser = flag)]
    pub origin: bool,
    /// auto, pretty, plain or json (event per line)
    #[arg(long, value_name = "HOW", value_parser = output(), default_value = "auto")]
    #[arg(hide_default_value = true, hide_possible_values = true)]
    pub output: Mode,
    /// Also write events to FILE, as JSON
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// auto, always or never
    #[arg(long, value_name = "WHEN", value_parser = color(), default_value = "auto")]
    #[arg(hide_default_value = true, hide_possible_values = true)]
    pub color: ColorChoice,
    /// Only failures, and the output of commands
    #[arg(short, long, value_parser = flag, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Also everything that hooks print
    #[arg(short, long, value_parser = flag)]
    pub verbose: bool,
    /// Show this help
    #[arg(short, long, action = ArgAction::Help)]
    help: Option<bool>,
    /// Show the version
    #[arg(short = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
}

/// Which options were given, and how: by their long names.
#[derive(Debug)]
pub(super) struct Given(Vec<(String, ValueSource)>);

impl Given {
    /// On the command line.
    pub(super) fn typed(&self, long: &str) -> bool {
        self.0.iter().any(|(name, source)| name == long && *source == ValueSource::CommandLine)
    }

    /// All options that were typed, and those of `even_ambient` that a variable set.
    pub(super) fn counted<'a>(&'a self, even_ambient: &'a [&str]) -> impl Iterator<Item = &'a str> {
        let counts = |name: &str, source| source == ValueSource::CommandLine || even_ambient.contains(&name);
        self.0.iter().filter(move |(name, source)| counts(name, *source)).map(|(name, _)| name.as_str())
    }
}

/// The options of shipit.
pub(super) fn options(ambient: Ambient) -> clap::Command {
    let command = Typed::command();
    match ambient {
        #[cfg(test)]
        Ambient::Nothing => command,
        Ambient::Environment => command.mut_args(from_environment),
    }
}

fn from_environment(arg: Arg) -> Arg {
    let long = arg.get_long().unwrap_or_default().to_owned();
    let ends = matches!(arg.get_action(), ArgAction::Help | ArgAction::Version);
    if long.is_empty() || ends || NEVER_AMBIENT.contains(&long.as_str()) {
        return arg;
    }
    let variable = format!("SHIPIT_{}", long.to_uppercase().replace('-', "_"));
    // CI systems set a variable to nothing when they mean "not set".
    if std::env::var_os(&variable).is_none_or(|value| value.is_empty()) {
        return arg;
    }
    arg.env(variable).hide_env(true)
}

/// All settings that override the file, weakest first: typed ones are added to those of the variable, and are stronger.
pub(super) fn settings(ambient: Ambient, typed: Vec<String>) -> Result<Vec<Setting>, CliError> {
    let variable = match ambient {
        #[cfg(test)]
        Ambient::Nothing => String::new(),
        Ambient::Environment => std::env::var_os(SETTINGS)
            .unwrap_or_default()
            .into_string()
            .map_err(|_| CliError::usage(format!("{SETTINGS} is not valid UTF-8")))?,
    };
    let lines = variable.lines().filter(|line| !line.trim().is_empty());
    let ambient = lines.map(|line| Setting { text: line.to_owned(), origin: SETTINGS });
    Ok(ambient.chain(typed.into_iter().map(|text| Setting { text, origin: "--set" })).collect())
}

/// Lets clap read the options.
pub(super) fn parse(command: clap::Command, options: Vec<OsString>) -> Result<(Typed, Given), CliError> {
    let longs: Vec<(String, String)> = command
        .get_arguments()
        .filter_map(|arg| Some((arg.get_id().to_string(), arg.get_long()?.to_owned())))
        .collect();
    let matches = command.try_get_matches_from(options).map_err(|error| ended(&error))?;
    let given = Given(longs.iter().filter_map(|(id, long)| given(&matches, id, long)).collect());
    Ok((Typed::from_arg_matches(&matches).map_err(|error| ended(&error))?, given))
}

fn given(matches: &ArgMatches, id: &str, long: &str) -> Option<(String, ValueSource)> {
    let source = matches.value_source(id).filter(|source| *source != ValueSource::DefaultValue)?;
    Some((long.to_owned(), source))
}

fn ended(error: &clap::Error) -> CliError {
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
    // What was typed is in it, and must not act on the terminal.
    let text = text.replace(|c: char| c.is_control() && c != '\n', "\u{fffd}");
    CliError { text, exit: if error.use_stderr() { 2 } else { 0 } }
}

/// The value of a flag, which only a variable gives. Anything unclear is an error: `SHIPIT_FORCE=nope` must not force.
fn flag(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err("takes true or false".to_owned()),
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|count| *count > 0)
        .ok_or_else(|| "expected a number of hosts, at least 1".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let found = parse_duration(text).filter(|found| *found <= LONGEST);
    found.ok_or_else(|| "takes a duration such as 90s, 10m, 1h30m or 2d".to_owned())
}

/// Longer than nothing.
fn some_time(text: &str) -> Result<Duration, String> {
    let lasting = duration(text).ok().filter(|lasting| !lasting.is_zero());
    lasting.ok_or_else(|| "takes a duration such as 30m, 12h or 2d".to_owned())
}

/// What others read on their terminals.
fn one_line(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) || text.chars().count() > 500 {
        return Err("takes one line of text, of 500 characters at most".to_owned());
    }
    Ok(text.trim().to_owned())
}

fn output() -> impl TypedValueParser<Value = Mode> {
    PossibleValuesParser::new(["auto", "pretty", "plain", "json"]).map(|text| match text.as_str() {
        "pretty" => Mode::Pretty,
        "plain" => Mode::Plain,
        "json" => Mode::Json,
        _ => Mode::Auto,
    })
}

fn color() -> impl TypedValueParser<Value = ColorChoice> {
    PossibleValuesParser::new(["auto", "always", "never"]).map(|text| match text.as_str() {
        "always" => ColorChoice::Always,
        "never" => ColorChoice::Never,
        _ => ColorChoice::Auto,
    })
}
