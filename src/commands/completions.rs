//! `shipit completions SHELL`, and what its scripts ask. Quick and quiet: a mistake in the file, or none at all,
//! offers nothing and says nothing; nothing of the file is run, no host is contacted.

use std::path::PathBuf;

use super::deploy_cache;
use super::surroundings::Surroundings;
use crate::cli::{Candidate, Cursor, Wanted, at_cursor};
use crate::config::{self, Outline};
use crate::git;
use crate::report::Printer;

/// Prints what can stand at the end of `words`: a line each, with what it means after a tab; or one line that
/// leaves it to the shell, `:files` or `:directories`.
pub(super) fn candidates(words: &[String], surroundings: Surroundings, printer: &Printer) {
    let cursor = at_cursor(words);
    let lines = match &cursor.wanted {
        Wanted::Files => ":files\n".to_owned(),
        Wanted::Directories => ":directories\n".to_owned(),
        _ => fitting(&cursor, found(&cursor, &surroundings)),
    };
    if !lines.is_empty() {
        printer.data(&lines);
    }
}

fn fitting(cursor: &Cursor, found: Vec<Candidate>) -> String {
    // A name that breaks the line, or that acts on the terminal, cannot be typed either.
    let plain =
        |word: &str| !word.is_empty() && !word.contains(|c: char| c.is_control() || c.is_whitespace());
    let fits = found.into_iter().filter(|(word, _)| word.starts_with(&cursor.typed) && plain(word));
    fits.map(|(word, meaning)| format!("{}{word}\t{meaning}\n", cursor.before)).collect()
}

fn found(cursor: &Cursor, surroundings: &Surroundings) -> Vec<Candidate> {
    let Ok(start) = surroundings.start(cursor.chdir.as_deref()) else { return Vec::new() };
    let file = || {
        let named = cursor.config.as_ref().map(|file| start.join(file));
        config::find(named.as_deref(), &start).ok()
    };
    let outline = || file().and_then(|file| Outline::read(&file).ok()).unwrap_or_default();
    match &cursor.wanted {
        Wanted::OneOf(words) => words.clone(),
        Wanted::Environments(tools) => {
            let environments =
                outline().environments.into_iter().map(|(name, hosts)| (name, meaning(&hosts)));
            environments.chain(tools.iter().cloned()).collect()
        }
        Wanted::Hosts => hosts(cursor, &outline()),
        Wanted::Apps => bare(outline().apps),
        Wanted::Roles => bare(outline().roles),
        Wanted::References => bare(git::reference_names(&start).unwrap_or_default()),
        Wanted::Deploys | Wanted::Reverts => {
            let environment = cursor.environment.as_deref();
            let listed = |file: PathBuf| Some(deploy_cache::remembered(surroundings, &file, environment?));
            let listed = file().and_then(listed).unwrap_or_default().into_iter();
            let wanted =
                |deploy: &deploy_cache::Remembered| deploy.revertable || cursor.wanted == Wanted::Deploys;
            listed.filter(wanted).map(|deploy| (deploy.release, deploy.meaning)).collect()
        }
        Wanted::Files | Wanted::Directories | Wanted::Anything => Vec::new(),
    }
}

fn meaning(hosts: &[String]) -> String {
    match hosts {
        [] => String::new(),
        [one] => one.clone(),
        [first, ..] => format!("{first} and {} more", hosts.len() - 1),
    }
}

/// Those of the environment; of all of them where it is not named yet.
fn hosts(cursor: &Cursor, outline: &Outline) -> Vec<Candidate> {
    let asked = |name: &String| cursor.environment.as_ref().is_none_or(|environment| environment == name);
    let environments = outline.environments.iter().filter(|(name, _)| asked(name));
    let mut names: Vec<String> = Vec::new();
    for host in environments.flat_map(|(_, hosts)| hosts) {
        if !names.contains(host) {
            names.push(host.clone());
        }
    }
    bare(names)
}

fn bare(names: Vec<String>) -> Vec<Candidate> {
    names.into_iter().map(|name| (name, String::new())).collect()
}
