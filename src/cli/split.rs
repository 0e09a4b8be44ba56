//! The argument list, taken apart into words and options before clap sees it.
//!
//! Clap cannot do this: after `exec` no argument is an option of shipit, and where `exec` is depends on the options before it.
//! Knows of an option only whether it takes a value, and asks clap for that.

use std::ffi::{OsStr, OsString};

use super::error::CliError;
use super::grammar::{is_config_file, runs_a_command};

/// An argument list in its two parts, each in the order typed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Split {
    /// Options and their values.
    pub options: Vec<OsString>,
    /// Everything else. After `exec`: the command, whatever it holds.
    pub words: Vec<String>,
    /// `-e` is among the options, so that no word is the environment.
    pub environment_given: bool,
}

impl Split {
    /// Where the command stands among the words.
    pub(super) fn command_at(&self) -> usize {
        let config = self.words.first().is_some_and(|word| is_config_file(word));
        usize::from(config) + usize::from(!self.environment_given)
    }

    fn is_in_users_command(&self) -> bool {
        let at = self.command_at();
        self.words.len() > at + 1 && runs_a_command(&self.words[at])
    }
}

/// Takes `args` (without the program's name) apart.
pub(super) fn split(args: impl Iterator<Item = OsString>, known: &clap::Command) -> Result<Split, CliError> {
    let mut split = Split { options: Vec::new(), words: Vec::new(), environment_given: false };
    let mut options_ended = false;
    let mut args = args;
    while let Some(arg) = args.next() {
        if options_ended || split.is_in_users_command() || !is_option(&arg) {
            split.words.push(word(arg)?);
        } else if arg == "--" {
            options_ended = true;
        } else {
            let reading = read_option(&arg, known);
            split.environment_given |= reading.long() == Some("env");
            split.options.push(arg);
            if reading.value_follows {
                split.options.extend(args.next());
            }
        }
    }
    Ok(split)
}

pub(super) fn is_option(arg: &OsStr) -> bool {
    arg.len() > 1 && arg.as_encoded_bytes().starts_with(b"-")
}

fn word(arg: OsString) -> Result<String, CliError> {
    arg.into_string().map_err(|arg| CliError::usage(format!("{} is not valid UTF-8", arg.display())))
}

/// An option, and its value where it is in the same argument.
#[derive(Default)]
pub(super) struct Reading<'a> {
    pub option: Option<&'a clap::Arg>,
    pub value: Option<String>,
    pub value_follows: bool,
}

impl<'a> Reading<'a> {
    pub(super) fn long(&self) -> Option<&'a str> {
        self.option.and_then(clap::Arg::get_long)
    }
}

/// Which option an argument is, and where its value is; clap checks it later.
pub(super) fn read_option<'a>(arg: &OsStr, known: &'a clap::Command) -> Reading<'a> {
    let text = arg.to_string_lossy();
    if let Some(long) = text.strip_prefix("--") {
        let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
        let option = known.get_arguments().find(|option| option.get_long() == Some(name));
        let value_follows = value.is_none() && option.is_some_and(takes_value);
        return Reading { option, value: value.map(str::to_owned), value_follows };
    }
    // A cluster: -nq, -cFILE, -nc FILE.
    let mut letters = text.chars().skip(1);
    while let Some(letter) = letters.next() {
        let option = known.get_arguments().find(|option| option.get_short() == Some(letter));
        if option.is_some_and(takes_value) {
            let value: String = letters.collect();
            let value_follows = value.is_empty();
            return Reading { option, value: Some(value).filter(|_| !value_follows), value_follows };
        }
    }
    Reading::default()
}

fn takes_value(option: &clap::Arg) -> bool {
    option.get_action().takes_values()
}
