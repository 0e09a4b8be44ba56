//! `shipit envs`: the environments of the file, a line each, for scripts and completion: name, tab, number of hosts.

use crate::config::{App, Document, Draft};
use crate::error::{Error, exit};
use crate::report::{Note, Printer, Verbosity, clean, table};

/// The number of hosts that cannot be told: a command prints them, or there are mistakes.
const UNKNOWN: &str = "?";

pub(super) fn run(document: &Document, printer: &Printer) -> Result<u8, Error> {
    let names = document.environments();
    if names.is_empty() {
        printer.note(Note::NoEnvironment);
        return Ok(exit::OK);
    }
    let verbose = printer.verbosity() == Verbosity::Verbose;
    let rows: Vec<Vec<String>> = names.iter().map(|name| row(document, name, verbose)).collect();
    if verbose {
        let head = ["environment", "hosts", "ref", "repo", "names"].map(str::to_owned).to_vec();
        printer.data(&table::render(&[vec![head], rows].concat()));
    } else {
        let lines: Vec<String> = rows.iter().map(|row| row.join("\t") + "\n").collect();
        printer.data(&lines.concat());
    }
    Ok(exit::OK)
}

fn row(document: &Document, name: &str, verbose: bool) -> Vec<String> {
    let shown = clean::line(name.as_bytes(), usize::MAX);
    let draft = document.draft(name);
    let count = match &draft {
        Ok(draft) if draft.host_commands.is_empty() => draft.environment.hosts.len().to_string(),
        _ => UNKNOWN.to_owned(),
    };
    if !verbose {
        return vec![shown, count];
    }
    let (reference, repo, names) = match &draft {
        Ok(draft) => {
            let apps = &draft.environment.apps;
            let all = |of: fn(&App) -> &str| {
                let mut all: Vec<&str> = apps.iter().map(of).collect();
                all.dedup();
                all.join(", ")
            };
            (all(|app| &app.reference), all(|app| &app.repo), hosts(draft))
        }
        Err(_) => {
            (String::new(), String::new(), format!("has mistakes: shipit -e {shown} config tells them"))
        }
    };
    vec![shown, count, reference, repo, names]
}

fn hosts(draft: &Draft) -> String {
    let mut names: Vec<&str> = draft.environment.hosts.iter().map(|host| host.name.as_str()).collect();
    if !draft.host_commands.is_empty() {
        names.push("from a command");
    }
    names.join(", ")
}
