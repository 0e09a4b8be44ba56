//! `shipit init`: a commented `shipit.toml` in this directory, from the template and the work tree around it.
//!
//! Never writes over a file. Contacts nothing: what only the user knows (hosts, how the app is restarted) is left
//! out, and named.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use crate::config::{self, FILE_NAME};
use crate::error::{Error, Refused, SystemError, exit};
use crate::git::{self, Project};
use crate::report::{Note, Printer, clean};

const TEMPLATE: &str = include_str!("../../templates/shipit.toml");

pub(super) fn run(directory: &Path, printer: &Printer) -> Result<u8, Error> {
    let above = config::find(None, directory).ok();
    let project = git::project(directory)?;
    let name = directory.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_str()?.to_owned()));
    let node = directory.join("package.json").is_file();
    let filled = Filled::new(TEMPLATE, project.as_ref(), name.as_deref(), node);
    write(&directory.join(FILE_NAME), &filled.text)?;
    printer.data(&next(&filled));
    if let Some(above) = above {
        printer.note(Note::FileAbove { file: &above });
    }
    Ok(exit::OK)
}

fn write(file: &Path, text: &str) -> Result<(), Error> {
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

/// The template with what is known, and what is not.
struct Filled {
    text: String,
    repo: Option<String>,
    branch: Option<String>,
    stripped: bool,
    is_path: bool,
}

impl Filled {
    fn new(template: &str, project: Option<&Project>, directory: Option<&str>, node: bool) -> Self {
        let remote = project.and_then(|project| project.remote.clone());
        let stripped = remote.as_ref().is_some_and(|remote| remote.stripped);
        let repo = remote.map(|remote| remote.url);
        let branch = project.and_then(|project| project.branch.clone());
        let branch = branch.filter(|branch| config::reference_fault(branch).is_none());
        let path = directory.map(|name| format!("/var/www/{}", plain(name)));
        let mut text = String::new();
        let mut in_supervisor = false;
        for line in template.lines() {
            in_supervisor =
                (in_supervisor || line.starts_with("[deploy.production.supervisor]")) && !line.is_empty();
            let value = match line.split_once(" = ").map_or("", |(key, _)| key) {
                "repo" => repo.as_deref(),
                "ref" => branch.as_deref(),
                "path" => path.as_deref(),
                _ => None,
            };
            // What would fail where there is no such program or service waits for the user.
            let of_node = line.starts_with("build = ") || line.starts_with("NODE_ENV = ");
            let guess = in_supervisor || line.starts_with("user = ") || (of_node && !node);
            text.push_str(if guess { "# " } else { "" });
            text.push_str(&value.map_or_else(|| line.to_owned(), |value| with_value(line, value)));
            text.push('\n');
        }
        let is_path = repo.as_deref().is_some_and(git::is_path);
        Self { text, repo, branch, stripped, is_path }
    }
}

/// The line with another value, its comment kept where it was.
fn with_value(line: &str, value: &str) -> String {
    let key = line.split(' ').next().unwrap_or_default();
    let comment = line.find('#');
    let text = format!("{key} = {}", config::quoted(value));
    match comment {
        Some(at) => format!("{text:width$} {}", &line[at..], width = at.saturating_sub(1)),
        None => text,
    }
}

/// A directory's name as part of a path that needs no quotes.
fn plain(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    name.chars().map(plain).collect()
}

/// What was found, and what to do next.
fn next(filled: &Filled) -> String {
    let mut text = format!("wrote {FILE_NAME}\n");
    // Addresses and branches are what somebody wrote into a clone.
    let mut say = |line: &str| text.extend([clean::line(line.as_bytes(), usize::MAX).as_str(), "\n"]);
    match &filled.repo {
        Some(repo) => say(&format!("  repo  {repo}, the remote of this work tree")),
        None => say("  repo  is an example: this is no work tree with a remote that hosts could fetch from"),
    }
    match &filled.branch {
        Some(branch) => say(&format!("  ref   {branch}, the branch that is checked out")),
        None => say("  ref   is an example: no branch is checked out here"),
    }
    if filled.stripped {
        say("  the remote's address held a login, which was left out: hosts need access of their own");
    }
    if filled.is_path {
        say("  the repo is a path: hosts look for it on themselves");
    }
    say("");
    say("next:");
    say("  1. write your hosts and login into it, and how the app is built and restarted");
    say("  2. shipit production plan     shows what would be done; changes nothing");
    say("  3. shipit production setup    makes the directories and the clone on the hosts");
    say("  4. shipit production          deploys");
    text
}
