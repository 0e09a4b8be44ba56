//! What is said about a key that is not known in its table.
//!
//! A key is either known or refused: nothing is ever ignored.

use super::super::file::{Entry, Table};
use super::super::nearest::nearest;
use super::super::problem::{Problem, Problems};
use super::key::Scope;

/// A table inside an environment: its full name, and the name of the environment's table.
#[derive(Clone)]
pub(in crate::config) struct Place {
    pub name: String,
    pub parent: String,
}

/// Notes each key of the table that is not known.
pub(in crate::config) fn check(table: &Table, scope: Scope, place: &Place, problems: &mut Problems) {
    for entry in &table.entries {
        if scope.key(&entry.key).is_none() {
            problems.push(unknown(entry, table, scope, place));
        }
    }
}

/// A table that is one value in disguise holds one key and no other.
pub(in crate::config) fn only(table: &Table, key: &str) -> Result<(), Problem> {
    match table.entries.iter().find(|entry| entry.key != key) {
        None => Ok(()),
        Some(other) => {
            Err(Problem::at(other.key_span.clone(), format!("unknown key `{}` beside `{key}`", other.key)))
        }
    }
}

fn unknown(entry: &Entry, table: &Table, scope: Scope, place: &Place) -> Problem {
    let key = entry.key.as_str();
    let within = if place.name.is_empty() { String::new() } else { format!(" in `{}`", place.name) };
    let problem = Problem::at(entry.key_span.clone(), format!("unknown key `{key}`{within}"));
    if place.name.is_empty() && Scope::Environment.key(key).is_some() {
        return problem.help(format!("move `{key}` to `[defaults]` or `[deploy.NAME]`"));
    }
    if !place.name.is_empty() && key == "extends" {
        return problem.help("`extends` is a key of the file: move it above the first header");
    }
    if scope == Scope::App && Scope::Environment.key(key).is_some() {
        return problem.help(format!(
            "`{key}` is a key of the environment: move it to `[defaults]` or `[deploy.NAME]`"
        ));
    }
    if scope == Scope::Environment && Scope::App.key(key).is_some() {
        return problem.help(match key {
            "roles" => "`roles` belongs to an app, `[apps.NAME]`, or to a host: { host = \"web1\", roles = [\"web\"] }".to_owned(),
            _ => format!("`{key}` belongs to an app: `[apps.NAME]`"),
        });
    }
    if !place.parent.is_empty() && place.parent != place.name && Scope::Environment.key(key).is_some() {
        return slid(problem, key, table, place);
    }
    problem.maybe_help(
        nearest(key, scope.keys().map(|row| row.name)).map(|near| format!("did you mean `{near}`?")),
    )
}

/// TOML gives every line after a header to that header: `key` was meant for the table before it.
pub(in crate::config) fn slid(problem: Problem, key: &str, table: &Table, place: &Place) -> Problem {
    let Place { name, parent } = place;
    if !table.header {
        return problem.help(format!("`{key}` is a key of `{parent}`, the table around `{name}`"));
    }
    problem
        .note(table.span.clone(), "all lines after this header belong to it")
        .help(format!("`{key}` is a key of `{parent}`: move it above this header"))
}
