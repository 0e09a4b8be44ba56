//! `[apps]`: which of them an environment takes (`use`), and in what order they go live (`after`).

use super::document::Document;
use super::file::{Entry, Table};
use super::keys::{self, Place, Scope};
use super::layers::Layers;
use super::nearest::nearest;
use super::problem::{Problem, Problems};
use super::values;

/// An app of the file.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    pub name: &'a str,
    /// Its table in the strongest file that has one: where missing keys are noted.
    pub table: &'a Table,
}

/// The apps of an environment, in the order of going live; empty: the environment is an app itself.
pub(super) fn find<'a>(
    document: &'a Document,
    environment: &str,
    layers: &Layers<'_>,
    problems: &mut Problems,
) -> Vec<Named<'a>> {
    let all = defined(document, problems);
    for (table, _) in layers.tables() {
        check_own(table, &all, problems);
    }
    let chosen = match layers.entry("use") {
        None => all,
        Some(entry) => used(entry, &all, problems),
    };
    for app in &chosen {
        for (table, name) in own(document, environment, app.name).tables() {
            let place = Place { parent: String::new(), name: name.to_owned() };
            keys::check(table, Scope::App, &place, problems);
        }
    }
    in_order(document, environment, chosen, problems)
}

/// The tables that belong to this app alone.
fn own<'a>(document: &'a Document, environment: &str, app: &str) -> Layers<'a> {
    document.layers_with(environment, Some(app), NOTHING).of_app(environment, app)
}

const NOTHING: &Table = &Table { entries: Vec::new(), span: 0..0, header: false };

/// All apps of the files, those of extended ones first.
fn defined<'a>(document: &'a Document, problems: &mut Problems) -> Vec<Named<'a>> {
    let mut all: Vec<Named<'a>> = Vec::new();
    let tables = document.tables.iter().filter_map(|table| table.get("apps")?.node.as_table().ok());
    for entry in tables.flat_map(|table| &table.entries) {
        let Some(table) = problems.keep(entry.node.as_table()) else { continue };
        if !values::is_plain_name(&entry.key) {
            let problem = Problem::at(
                entry.key_span.clone(),
                format!("`{}` is not a valid name for an app", entry.key),
            );
            problems
                .push(problem.help("use letters, digits and . _ - only, and start with a letter or a digit"));
            continue;
        }
        let named = Named { name: &entry.key, table };
        match all.iter_mut().find(|known| known.name == named.name) {
            Some(known) => *known = named,
            None => all.push(named),
        }
    }
    all
}

/// `apps` of an environment changes apps of the file and cannot add one.
fn check_own(table: &Table, all: &[Named<'_>], problems: &mut Problems) {
    let Some(own) = table.get("apps").and_then(|entry| problems.keep(entry.node.as_table())) else { return };
    for entry in &own.entries {
        problems.keep(entry.node.as_table());
        if all.iter().all(|app| app.name != entry.key) {
            let near = nearest(&entry.key, all.iter().map(|app| app.name));
            let problem = Problem::at(entry.key_span.clone(), format!("there is no app `{}`", entry.key));
            problems.push(problem.help(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("define it with `[apps.{}]`", entry.key),
            }));
        }
    }
}

fn used<'a>(entry: &Entry, all: &[Named<'a>], problems: &mut Problems) -> Vec<Named<'a>> {
    let mut chosen: Vec<Named<'a>> = Vec::new();
    for node in entry.node.items() {
        let Some(name) = problems.keep(values::any_text(node)) else { continue };
        match all.iter().find(|app| app.name == name) {
            Some(_) if chosen.iter().any(|app| app.name == name) => {
                problems.push(node.problem(format!("`{name}` is named twice")));
            }
            Some(app) => chosen.push(*app),
            None => {
                let near = nearest(name, all.iter().map(|app| app.name));
                let problem = node.problem(format!("there is no app `{name}`"));
                problems.push(match near {
                    Some(near) => problem.help(format!("did you mean \"{near}\"?")),
                    None => problem.help(format!("define it with `[apps.{name}]`")),
                });
            }
        }
    }
    if entry.node.items().is_empty() {
        problems.push(entry.node.problem("`use` must name at least one app"));
    }
    // With none, the environment would be taken for an app and its missing keys reported.
    if chosen.is_empty() { all.to_vec() } else { chosen }
}

/// Each after the apps that its `after` names; else in the order of the list.
fn in_order<'a>(
    document: &'a Document,
    environment: &str,
    apps: Vec<Named<'a>>,
    problems: &mut Problems,
) -> Vec<Named<'a>> {
    let mut waiting: Vec<(Named<'a>, Vec<String>)> = Vec::new();
    for app in &apps {
        let layers = own(document, environment, app.name);
        let mut after = layers.last("after", problems, values::roles).unwrap_or_default();
        if let Some(entry) = layers.entry("after") {
            check_after(entry, app.name, &defined(document, &mut Problems::default()), problems);
        }
        after.retain(|name| name != app.name);
        waiting.push((*app, after));
    }
    let mut ordered: Vec<Named<'a>> = Vec::new();
    while !waiting.is_empty() {
        let free = |(_, after): &(Named<'a>, Vec<String>)| {
            // An app that is not deployed to this environment is not waited for.
            after.iter().all(|name| waiting.iter().all(|(other, _)| other.name != name))
        };
        let Some(next) = waiting.iter().position(free) else {
            problems.push(circle(document, environment, &waiting));
            return apps;
        };
        ordered.push(waiting.remove(next).0);
    }
    ordered
}

/// Each of these waits for another of them, so that following `after` leads back to an app that was passed.
fn circle(document: &Document, environment: &str, waiting: &[(Named<'_>, Vec<String>)]) -> Problem {
    let mut passed = Vec::new();
    let mut at = 0;
    while !passed.contains(&at) {
        passed.push(at);
        let after = &waiting[at].1;
        at = waiting.iter().position(|(app, _)| after.iter().any(|name| name == app.name)).unwrap_or(at);
    }
    let names = passed.iter().skip_while(|step| **step != at).chain([&at]).map(|step| waiting[*step].0.name);
    let message = format!("`after` is circular: {}", names.collect::<Vec<_>>().join(" after "));
    let app = waiting[at].0;
    let entry = own(document, environment, app.name).entry("after");
    Problem::at(entry.map_or(app.table.span.clone(), |entry| entry.node.span.clone()), message)
}

fn check_after(entry: &Entry, app: &str, all: &[Named<'_>], problems: &mut Problems) {
    for node in entry.node.items() {
        let Ok(name) = values::any_text(node) else { continue };
        if name == app {
            problems.push(node.problem(format!("`{app}` cannot go live after itself")));
        } else if all.iter().all(|known| known.name != name) {
            let near = nearest(name, all.iter().map(|app| app.name));
            let problem = node.problem(format!("there is no app `{name}`"));
            problems.push(problem.maybe_help(near.map(|near| format!("did you mean \"{near}\"?"))));
        }
    }
}
