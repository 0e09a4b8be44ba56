//! `shipit init`: a commented `shipit.toml` in this directory, from the template, the work tree around it, and what the user
//! answers.
//!
//! Never writes over a file, and contacts nothing. What stays unknown is left as an example, and named.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use super::init_answers::Answers;
use super::init_template::Template;
use crate::cli::Init;
use crate::config::{self, FILE_NAME};
use crate::error::{Error, Refused, SystemError, exit};
use crate::git;
use crate::report::{Note, Printer, clean, prompt};

pub(super) fn run(directory: &Path, told: &Init, yes: bool, printer: &Printer) -> Result<u8, Error> {
    let file = directory.join(FILE_NAME);
    // Before anything is asked: nobody answers for nothing.
    if file.symlink_metadata().is_ok() {
        return Err(Refused::FileExists { file }.into());
    }
    let above = config::find(None, directory).ok();
    let mut answers = Answers::of(git::project(directory)?.as_ref(), directory);
    let asks = !yes && prompt::can_ask(printer);
    let mut template = Template::of(told.template.as_deref());
    if asks && answers.knows_no_project(told) {
        template = Template::asked(printer);
    }
    if template.is_example() {
        answers.leave_to_example();
    }
    answers.take(told)?;
    let name = directory.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_str()?.to_owned()));
    let name = plain(name.as_deref().unwrap_or("app"));
    if asks {
        answers.ask(told, &name, printer);
    }
    if !template.is_example() {
        let path = answers.proposed_path(&name);
        answers.path.get_or_insert(path);
    }
    write_new(&file, &template.filled(&answers))?;
    printer.data(&next(&answers));
    if let Some(above) = above {
        printer.note(Note::FileAbove { file: &above });
    }
    Ok(exit::OK)
}

/// Writes a file that is not there yet, or nothing.
pub(super) fn write_new(file: &Path, text: &str) -> Result<(), Error> {
    let failed = |source| Error::from(SystemError::Write { file: file.to_owned(), source });
    // Neither a file nor a link of that name: opening it new follows no link.
    let mut open =
        OpenOptions::new().write(true).create_new(true).open(file).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => Refused::FileExists { file: file.to_owned() }.into(),
            _ => failed(error),
        })?;
    open.write_all(text.as_bytes()).map_err(|error| {
        // Half a file would be read as a whole one; no other process has seen it yet.
        let _ = std::fs::remove_file(file);
        failed(error)
    })
}

/// A directory's name as part of a path that needs no quotes.
fn plain(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    name.chars().map(plain).collect()
}

/// What stands in the file, and what to do next.
fn next(answers: &Answers) -> String {
    let mut text = format!("wrote {FILE_NAME}\n");
    // Addresses and branches are what somebody wrote into a clone.
    let mut say = |line: &str| {
        let indented = if line.starts_with("  ") { "  " } else { "" };
        text.extend([indented, clean::line(line.as_bytes(), usize::MAX).trim_start(), "\n"]);
    };
    match answers.hosts.is_empty() {
        false => say(&format!("  host   {}", answers.hosts.join(" "))),
        true => say("  host   examples: write your hosts there"),
    }
    match &answers.repo {
        Some(repo) => say(&format!("  repo   {repo}, the remote of this work tree")),
        None => say("  repo   placeholder; no git remote found here"),
    }
    match &answers.branch {
        Some(branch) => say(&format!("  ref    {branch}, the branch that is checked out")),
        None => say("  ref    placeholder; no branch is checked out here"),
    }
    let of_example = || answers.of_example.then_some("as in the example");
    say(&format!("  path   {}", answers.path.as_deref().or_else(of_example).unwrap_or_default()));
    say(&format!("  build  {}", answers.build.as_deref().or_else(of_example).unwrap_or("none")));
    match &answers.supervisor {
        Some(supervisor) => say(&format!("  runs   by {}", supervisor.words())),
        None if answers.of_example => {
            say("  runs   as in the example: its other files are in examples/ of shipit's sources")
        }
        None => say("  runs   by nothing yet: see `supervisor` there"),
    }
    if answers.stripped {
        say("  the remote's address held a login, which was left out: hosts need access of their own");
    }
    if answers.is_path() {
        say("  the repo is a path: hosts look for it on themselves");
    }
    say("");
    say("next:");
    say("  shipit production check    what is missing, and how to fix it");
    say("  shipit production setup    directories and a clone on the hosts");
    say("  shipit production          deploys");
    text
}
