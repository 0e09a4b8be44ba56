//! The tools: commands without an environment. From words to a [`Tool`]: pure.
//!
//! A tool's name is an environment where a command follows that needs one, or with `-e`.

use std::path::PathBuf;

use super::arguments::Given;
use super::error::{CliError, quoted};
use super::grammar::{NEVER_IGNORED, TOOLS, full_name, is_config_file, tool_takes};
use super::invocation::{Command, Init, Request, Shell, Tool};
use super::split::Split;

/// The word in place of a shell with which the completion scripts ask for candidates.
const CANDIDATES: &str = "candidates";

/// The options of tools.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub keep: bool,
    pub no_hosts: bool,
    pub of_events: bool,
}

/// Removes `--events` of `schema`, which takes no file there, from the options. Whether it was there.
pub(super) fn of_events(split: &mut Split) -> bool {
    let before = split.options.len();
    if named(split) == Some("schema") {
        split.options.retain(|option| option != "--events");
    }
    split.options.len() < before
}

/// The tool that these words ask for.
pub(super) fn named(split: &Split) -> Option<&'static str> {
    let at = first_at(&split.words);
    let first = split.words.get(at).filter(|_| !split.environment_given)?;
    let (name, _) = TOOLS.iter().find(|(name, _)| name == first)?;
    split.words.get(at + 1).is_none_or(|second| full_name(second).is_none()).then_some(*name)
}

// A configuration file may come first.
fn first_at(words: &[String]) -> usize {
    words.first().map_or(0, |word| usize::from(is_config_file(word)))
}

/// What the words of a tool mean; options that it does not use are refused.
pub(super) fn understand(
    name: &'static str,
    words: Vec<String>,
    asked: Asked,
    given: &Given,
) -> Result<Request, CliError> {
    let at = first_at(&words);
    let config = words.first().filter(|_| at > 0).map(PathBuf::from);
    if config.is_some() && !["envs", "import"].contains(&name) {
        return Err(CliError::usage(format!("{name} reads no configuration file")));
    }
    let command = Command::Tool(tool(name, words.into_iter().skip(at + 1).collect(), asked)?);
    match given.counted(&NEVER_IGNORED).find(|option| !tool_takes(name, option)) {
        Some(option) => Err(CliError::usage(format!("{name} does not take --{option}"))),
        None => Ok(Request { config, environment: String::new(), name, command, plan: false }),
    }
}

fn tool(name: &str, rest: Vec<String>, asked: Asked) -> Result<Tool, CliError> {
    let first = rest.first().map(String::as_str);
    match (name, first) {
        ("completions", None) => Err(CliError::usage("completions needs a shell: bash, zsh or fish")),
        ("completions", Some(CANDIDATES)) => Ok(Tool::Candidates(rest.into_iter().skip(1).collect())),
        ("completions", Some(word)) => {
            let shell = Shell::ALL.iter().find(|(name, _)| *name == word).map(|(_, shell)| *shell);
            let unknown =
                || CliError::usage(format!("completions knows bash, zsh and fish, not {}", quoted(word)));
            let shell = shell.ok_or_else(unknown)?;
            match rest.get(1) {
                Some(second) => Err(takes_no(name, second)),
                None => Ok(Tool::Completions(shell)),
            }
        }
        (_, Some(word)) => Err(takes_no(name, word)),
        ("demo", None) => Ok(Tool::Demo { keep: asked.keep }),
        ("import", None) => Ok(Tool::Import { no_hosts: asked.no_hosts }),
        ("schema", None) => Ok(Tool::Schema { of_events: asked.of_events }),
        ("envs", None) => Ok(Tool::Envs),
        (_, None) => Ok(Tool::Init(Init::default())),
    }
}

fn takes_no(name: &str, word: &str) -> CliError {
    CliError::usage(format!(
        "unexpected argument {}: {name} takes none\n(for an environment named {name}: shipit -e {name})",
        quoted(word)
    ))
}
