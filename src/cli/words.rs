//! From words to a [`Command`]: pure, and the only place that knows the commands' names and the options of each.
//!
//! Must not know clap. An unknown word is refused with the nearest name and never leads to a deploy.

use std::path::PathBuf;

use super::arguments::{Given, Typed};
use super::error::{CliError, quoted};
use super::grammar::{NEVER_IGNORED, TOOLS, full_name, is_config_file, takes};
use super::invocation::{AppReference, Command, Request, RevertTo, Show};
use super::{help, manual};
use crate::remote::quote::quote;
use crate::report::Mode;

/// Lines of each file that `logs` starts with, as tail(1).
const LINES: u32 = 10;

/// What the words mean.
pub(super) fn understand(
    words: Vec<String>,
    references: &[String],
    environment: Option<String>,
) -> Result<Request, CliError> {
    let mut words = words.into_iter().peekable();
    let config = words.next_if(|word| is_config_file(word)).map(PathBuf::from);
    let by_option = environment.is_some();
    let environment = match environment {
        Some(environment) => environment,
        None => words.next().ok_or_else(no_environment)?,
    };
    let alone = words.peek().is_none();
    let word = words.next().unwrap_or_else(|| "update".to_owned());
    if environment.is_empty() {
        return Err(no_environment());
    }
    // A single word is certainly a command without its environment; with a second word it may be the environment.
    if alone && !by_option && full_name(&environment).is_some() {
        return Err(command_without_environment(&environment));
    }
    if alone && !by_option && ["rollback", "undo"].contains(&environment.as_str()) {
        return Err(command_without_environment("revert"));
    }
    let rest: Vec<String> = words.collect();
    let name = full_name(&word).ok_or_else(|| unknown(&environment, &word, &rest))?;
    let command = command(name, rest, references)?;
    Ok(Request { config, environment, name, command, plan: name == "plan" })
}

fn command(name: &'static str, rest: Vec<String>, references: &[String]) -> Result<Command, CliError> {
    match name {
        "exec" if rest.is_empty() => Err(CliError::usage(format!("{name} needs a command to run"))),
        "exec" => Ok(Command::Exec { command: rest, once: false }),
        "ref" => {
            if !references.is_empty() {
                return Err(CliError::usage("use either ref or --ref, not both"));
            }
            let reference = single(name, rest)?;
            let reference = reference.ok_or_else(|| CliError::usage("ref needs a branch, tag or commit"))?;
            Ok(Command::Deploy { references: vec![app_reference(&reference)?] })
        }
        "show" => single(name, rest)?.map_or(Ok(Show::Latest), show_which).map(Command::Show),
        "list" => single(name, rest)?.map_or(Ok(None), how_many).map(|most| Command::List { most }),
        "console" => Ok(Command::Console { host: single(name, rest)? }),
        "revert" => single(name, rest)?.map_or(Ok(RevertTo::Back(1)), revert_to).map(Command::Revert),
        "config" => Ok(Command::Config { key: single(name, rest)?, origin: false }),
        _ if !rest.is_empty() => {
            Err(CliError::usage(format!("unexpected argument {}: {name} takes none", quoted(&rest[0]))))
        }
        "setup" => Ok(Command::Setup),
        "status" => Ok(Command::Status { check: false }),
        "logs" => Ok(Command::Logs { follow: false, lines: Some(LINES), since: None }),
        "current" => Ok(Command::Current),
        "previous" => Ok(Command::Previous),
        "check" => Ok(Command::Check),
        "unlock" => Ok(Command::Unlock),
        "sync" => Ok(Command::Sync),
        "restart" => Ok(Command::Restart),
        "hold" => Ok(Command::Hold { why: String::new(), lasting: None }),
        "resume" => Ok(Command::Resume),
        "prune" => Ok(Command::Prune),
        _ => {
            let references = references.iter().map(|reference| app_reference(reference));
            Ok(Command::Deploy { references: references.collect::<Result<_, _>>()? })
        }
    }
}

fn single(name: &str, rest: Vec<String>) -> Result<Option<String>, CliError> {
    match rest.get(1) {
        Some(second) => {
            Err(CliError::usage(format!("unexpected argument {}: {name} takes only one", quoted(second))))
        }
        None => Ok(rest.into_iter().next()),
    }
}

/// `REF` or `APP=REF`.
fn app_reference(text: &str) -> Result<AppReference, CliError> {
    let (app, reference) = match text.split_once('=').filter(|_| !text.starts_with('-')) {
        Some(("", _)) => return Err(CliError::usage(format!("{}: name the app before `=`", quoted(text)))),
        Some((app, reference)) => (Some(app.to_owned()), reference),
        None => (None, text),
    };
    Ok(AppReference { app, reference: checked_reference(reference.to_owned())? })
}

fn checked_reference(reference: String) -> Result<String, CliError> {
    let odd = |character: char| character.is_control() || character.is_whitespace();
    if reference.is_empty() || reference.starts_with('-') || reference.contains(odd) {
        return Err(CliError::usage(format!("{} is not a branch, tag or commit", quoted(&reference))));
    }
    Ok(reference)
}

fn revert_to(word: String) -> Result<RevertTo, CliError> {
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    // Seven digits and more are an abbreviated commit id that happens to have no letter.
    if digits && word.len() < 7 {
        return match word.parse() {
            Ok(back) if back >= 1 => Ok(RevertTo::Back(back)),
            _ => Err(CliError::usage("revert counts from 1: the deploy before the live one")),
        };
    }
    checked_reference(word).map(RevertTo::Deploy).map_err(|_| {
        CliError::usage("revert takes a number from 1, a release or a revision, as list shows them")
    })
}

fn how_many(word: String) -> Result<Option<usize>, CliError> {
    let count = word.parse().ok().filter(|count| *count > 0);
    count.map(Some).ok_or_else(|| CliError::usage("list -n takes a number of deploys, at least 1"))
}

fn show_which(word: String) -> Result<Show, CliError> {
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    // As for revert: seven digits and more are the beginning of a name.
    match word.parse() {
        Ok(back) if digits && word.len() < 7 => Ok(Show::Back(back)),
        _ => checked_reference(word).map(Show::Named).map_err(|_| {
            CliError::usage("show takes a number, a release or a revision, as list shows them, or nothing")
        }),
    }
}

/// The command with its own options.
pub(super) fn with_options(command: Command, typed: &Typed, given: &Given) -> Result<Command, CliError> {
    Ok(match command {
        Command::Status { .. } => Command::Status { check: typed.check },
        Command::Logs { .. } if typed.output == Mode::Json => {
            return Err(CliError::usage("--output json is not yet supported for logs"));
        }
        Command::Exec { .. } if typed.once && given.typed("concurrency") => {
            return Err(CliError::usage("--once runs on one host: --concurrency has no meaning"));
        }
        Command::Exec { command, .. } => Command::Exec { command, once: typed.once },
        // `-f` is --force elsewhere; clap knows one meaning for it.
        Command::Logs { .. } => Command::Logs {
            follow: typed.follow || given.typed("force"),
            lines: typed.lines.or(if typed.since.is_some() { None } else { Some(LINES) }),
            since: typed.since,
        },
        // `-n` is --dry-run elsewhere; its number is a word.
        Command::List { most: None } if given.typed("dry-run") => {
            return Err(CliError::usage("list -n takes a number of deploys, at least 1"));
        }
        Command::Console { .. } if typed.output == Mode::Json => {
            return Err(CliError::usage("console does not take --output json"));
        }
        other => other,
    })
}

/// Refuses options that the command does not use.
pub(super) fn check_options(request: &Request, given: &Given) -> Result<(), CliError> {
    match given.counted(&NEVER_IGNORED).find(|option| !takes(request.name, option)) {
        Some(option) => Err(CliError::usage(format!("{} does not take --{option}", request.name))),
        None => Ok(()),
    }
}

fn no_environment() -> CliError {
    CliError::usage(format!("which environment?\n\nusage: {}\n\nshipit --help shows all", help::USAGE))
}

fn command_without_environment(word: &str) -> CliError {
    CliError::usage(format!(
        "{word} is a command; name the environment first: shipit <ENV> {word}\n\
         (for an environment named {word}: shipit -e {word})"
    ))
}

/// The words of `pm2 deploy` (command, file, environment) in our order.
fn in_order(command: &str, word: &str, rest: &[String]) -> String {
    let mut rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    let file = is_config_file(word).then_some(word);
    let environment = match file {
        Some(_) if rest.is_empty() => "<ENV>",
        Some(_) => rest.remove(0),
        None => word,
    };
    // `pm2 deploy` is no command of its own.
    let command = Some(command).filter(|command| *command != "deploy");
    let words = ["shipit"].into_iter().chain(file).chain([environment]).chain(command).chain(rest);
    words.map(quote_where_needed).collect::<Vec<_>>().join(" ")
}

/// A word as it can be typed.
fn quote_where_needed(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.,:/@%+=<>".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { quote(word) }
}

fn unknown(environment: &str, word: &str, rest: &[String]) -> CliError {
    if full_name(environment).is_some() {
        return CliError::usage(format!(
            "{environment} is a command; name the environment first: {}\n\
             (for an environment named {environment}: shipit -e {environment})",
            in_order(environment, word, rest)
        ));
    }
    if TOOLS.iter().any(|(tool, _)| *tool == word) {
        return CliError::usage(format!("{word} takes no environment: shipit {word}"));
    }
    manual::unknown(word)
}
