//! What can stand at the cursor, from the words before it: pure. The caller adds what the file and git know.
//!
//! Uses the same tables and the same reading of options as the parser, so that both agree.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::ArgAction;

use super::arguments::{self, Ambient};
use super::grammar::{self, COMMANDS, TOOLS, full_name, is_config_file, runs_a_command};
use super::help;
use super::invocation::Shell;
use super::split::{Reading, is_option, read_option};
use crate::config;

/// A word, and what it means.
pub type Candidate = (String, String);

/// The end of a line that is being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The configuration file, where one was named.
    pub config: Option<PathBuf>,
    /// The directory to work in, where one was named.
    pub chdir: Option<PathBuf>,
    /// The environment, where it was named.
    pub environment: Option<String>,
    /// The part of the word before the part that is completed: `--hosts=web1,`.
    pub before: String,
    /// What was typed of it.
    pub typed: String,
    /// What can stand there.
    pub wanted: Wanted,
}

/// What can stand at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are what they are called")]
pub enum Wanted {
    /// One of these words.
    OneOf(Vec<Candidate>),
    /// An environment of the file, or one of these words.
    Environments(Vec<Candidate>),
    Hosts,
    Apps,
    Roles,
    /// Branches, tags, `HEAD`.
    References,
    /// What `show` knows.
    Deploys,
    /// What `revert` can make live again.
    Reverts,
    Files,
    Directories,
    /// Only the user knows.
    Anything,
}

/// Reads the words after the program's name, of which the last is being typed.
#[must_use]
pub fn at_cursor(words: &[String]) -> Cursor {
    let known = arguments::options(Ambient::Environment);
    let mut line = Line::default();
    let (current, before) = words.split_last().map_or(("", &[][..]), |(last, rest)| (last.as_str(), rest));
    for word in before {
        line.read(word, &known);
    }
    let (before, typed, wanted) = line.wanted(current, &known);
    let Line { config, chdir, environment, .. } = line;
    let environment = environment.or(line.words.into_iter().next());
    Cursor { config, chdir, environment, before, typed, wanted }
}

/// What the words before the cursor say.
#[derive(Default)]
struct Line {
    config: Option<PathBuf>,
    chdir: Option<PathBuf>,
    /// Of `-e`.
    environment: Option<String>,
    /// Without a configuration file in front.
    words: Vec<String>,
    options_ended: bool,
    /// The long name of an option whose value comes next.
    awaits: Option<String>,
}

impl Line {
    fn read(&mut self, word: &str, known: &clap::Command) {
        if let Some(option) = self.awaits.take() {
            self.note(&option, word);
        } else if self.is_word(word) {
            if self.words.is_empty() && self.config.is_none() && is_config_file(word) {
                self.config = Some(PathBuf::from(word));
            } else {
                self.words.push(word.to_owned());
            }
        } else if word == "--" {
            self.options_ended = true;
        } else {
            let reading = read_option(OsStr::new(word), known);
            let Reading { value, value_follows, .. } = &reading;
            let long = reading.long().unwrap_or_default();
            if let Some(value) = value {
                self.note(long, value);
            }
            self.awaits = value_follows.then(|| long.to_owned());
        }
    }

    fn note(&mut self, option: &str, value: &str) {
        match option {
            "config" => self.config = Some(PathBuf::from(value)),
            "chdir" => self.chdir = Some(PathBuf::from(value)),
            "env" => self.environment = Some(value.to_owned()),
            _ => (),
        }
    }

    fn is_word(&self, word: &str) -> bool {
        self.options_ended || self.is_in_users_command() || !is_option(&OsString::from(word))
    }

    fn command(&self) -> Option<&str> {
        self.words.get(usize::from(self.environment.is_none())).map(String::as_str)
    }

    fn is_in_users_command(&self) -> bool {
        self.words.len() > 1 + usize::from(self.environment.is_none())
            && self.command().is_some_and(runs_a_command)
    }

    /// The part of the word before the completion, the typed part of it, and what can complete it.
    fn wanted(&self, current: &str, known: &clap::Command) -> (String, String, Wanted) {
        if let Some(option) = &self.awaits {
            return value(option, "", current, known);
        }
        if !self.options_ended && !self.is_in_users_command() && current.starts_with('-') {
            return match current.split_once('=') {
                Some((option, typed)) if option.starts_with("--") => {
                    value(&option[2..], &format!("{option}="), typed, known)
                }
                _ => (String::new(), current.to_owned(), Wanted::OneOf(self.options(known))),
            };
        }
        let wanted = self.wanted_word();
        let (before, typed) = split_off(&wanted, current);
        (before.to_owned(), typed.to_owned(), wanted)
    }

    /// The options that the command on the line takes; an environment alone is a deploy.
    fn options(&self, known: &clap::Command) -> Vec<Candidate> {
        let first = self.words.first().map(String::as_str).filter(|_| self.environment.is_none());
        let tool = first.filter(|word| TOOLS.iter().any(|(name, _)| name == word));
        let offered = |option: &str| match (self.command().map(full_name), tool) {
            (Some(Some(command)), _) => grammar::offers(command, option),
            (None, Some(tool)) => grammar::tool_takes(tool, option),
            (None, None) if first.is_some() || self.environment.is_some() => {
                grammar::offers("update", option)
            }
            _ => true,
        };
        let ends = |option: &clap::Arg| matches!(option.get_action(), ArgAction::Help | ArgAction::Version);
        let help = |option: &clap::Arg| option.get_help().map(ToString::to_string).unwrap_or_default();
        let offer = |option: &clap::Arg| {
            let long = option.get_long().filter(|long| ends(option) || offered(long))?;
            Some((format!("--{long}"), help(option)))
        };
        known.get_arguments().filter(|option| !option.is_hide_set()).filter_map(offer).collect()
    }

    fn wanted_word(&self) -> Wanted {
        let first = self.words.first().map(String::as_str);
        let Some(command) = self.command() else {
            return match (&self.environment, first) {
                (None, None) => Wanted::Environments(tool_names()),
                (None, Some("completions")) => Wanted::OneOf(plain(Shell::ALL.iter().map(|(name, _)| *name))),
                (None, Some(tool)) if TOOLS.iter().any(|(name, _)| *name == tool) => Wanted::Anything,
                _ => Wanted::OneOf(commands()),
            };
        };
        let follows = self.words.len() == 1 + usize::from(self.environment.is_none());
        match full_name(command) {
            Some("ref") if follows => Wanted::References,
            Some("revert") if follows => Wanted::Reverts,
            Some("show") if follows => Wanted::Deploys,
            Some("console") if follows => Wanted::Hosts,
            Some("config") if follows => Wanted::OneOf(keys("")),
            _ => Wanted::Anything,
        }
    }
}

/// The value of an option; `before` is the part before it in the same word.
fn value(option: &str, before: &str, typed: &str, known: &clap::Command) -> (String, String, Wanted) {
    let wanted = match option {
        "config" | "events" => Wanted::Files,
        "chdir" => Wanted::Directories,
        "env" => Wanted::Environments(Vec::new()),
        "ref" => Wanted::References,
        "hosts" => Wanted::Hosts,
        "apps" => Wanted::Apps,
        "roles" => Wanted::Roles,
        "set" => setting(typed),
        _ => {
            let option = known.get_arguments().find(|known| known.get_long() == Some(option));
            let values = option.map(clap::Arg::get_possible_values).unwrap_or_default();
            Wanted::OneOf(plain(values.iter().map(clap::builder::PossibleValue::get_name)))
        }
    };
    let (done, typed) = match option {
        "set" => typed.split_at(typed.find('=').map_or(0, |at| at + 1)),
        _ => split_off(&wanted, typed),
    };
    (format!("{before}{done}"), typed.to_owned(), wanted)
}

/// `KEY=VALUE`: a key, or the value of one that takes one of a few words.
fn setting(typed: &str) -> Wanted {
    match typed.split_once('=') {
        Some((key, _)) => Wanted::OneOf(plain(config::key_values(key).into_iter())),
        None => Wanted::OneOf(keys("=")),
    }
}

/// The keys of an environment, each with its meaning; `end` follows each.
fn keys(end: &str) -> Vec<Candidate> {
    let names = config::key_names().into_iter();
    names.map(|(name, meaning)| (name + end, meaning.to_owned())).collect()
}

/// Lists: what was typed before the last comma stays; `!` leaves a host out. Of `APP=REF` the app stays.
fn split_off<'a>(wanted: &Wanted, typed: &'a str) -> (&'a str, &'a str) {
    let cut: &[char] = match wanted {
        Wanted::Hosts => &[',', '!'],
        Wanted::Apps | Wanted::Roles => &[','],
        Wanted::References => &['='],
        _ => &[],
    };
    typed.split_at(typed.rfind(cut).map_or(0, |at| at + 1))
}

fn plain<'a>(words: impl Iterator<Item = &'a str>) -> Vec<Candidate> {
    words.map(|word| (word.to_owned(), String::new())).collect()
}

fn described<'a>(words: impl Iterator<Item = &'a str>) -> Vec<Candidate> {
    words.map(|word| (word.to_owned(), help::describe(word).to_owned())).collect()
}

fn tool_names() -> Vec<Candidate> {
    described(TOOLS.iter().map(|(name, _)| *name).chain(["help"]))
}

/// Other names of a command, but not those that are its beginning: they would keep the whole from being completed.
fn commands() -> Vec<Candidate> {
    let beginning = |name: &str, full: &str| name != full && full.starts_with(name);
    described(COMMANDS.iter().filter(|(name, full)| !beginning(name, full)).map(|(name, _)| *name))
}

#[cfg(test)]
#[path = "completion_tests.rs"]
mod tests;
