//! The keys of each table: those that exist, those of later versions, and what is said about any other.
//!
//! A key that is met is either known, refused as "not yet", or unknown: nothing is ever ignored.

use super::file::{Entry, Table};
use super::nearest::nearest;
use super::problem::{Problem, Problems};

/// What a table may hold.
pub(super) struct Shape {
    pub known: &'static [&'static str],
    pub later: &'static [&'static str],
}

pub(super) const DOCUMENT: Shape = Shape { known: &["extends", "defaults", "apps", "deploy"], later: &[] };

pub(super) const ENVIRONMENT: Shape = Shape {
    known: &[
        "host",
        "hosts",
        "user",
        "port",
        "key",
        "jump",
        "host-key",
        "repo",
        "ref",
        "path",
        "deliver",
        "fetch",
        "submodules",
        "subdir",
        "repo-key",
        "repo-token",
        "files",
        "env-file",
        "shared",
        "carry",
        "keep-releases",
        "env",
        "prepend-path",
        "profile",
        "shell",
        "supervisor",
        "health",
        "timeout",
        "logs",
        "pre-setup",
        "post-setup",
        "pre-deploy-local",
        "pre-deploy",
        "build",
        "migrate",
        "pre-activate",
        "drain",
        "undrain",
        "post-deploy",
        "post-deploy-local",
        "on-failure-local",
        "confirm",
        "rollout",
        "use",
        "apps",
    ],
    later: &["forward-agent", "ssh-options", "ignore-untracked"],
};

/// Of an app; of these an environment has all but the first two, for all its apps.
pub(super) const APP: Shape = Shape {
    known: &[
        "roles",
        "after",
        "repo",
        "ref",
        "path",
        "deliver",
        "fetch",
        "submodules",
        "subdir",
        "repo-key",
        "repo-token",
        "files",
        "env-file",
        "shared",
        "carry",
        "keep-releases",
        "env",
        "prepend-path",
        "profile",
        "shell",
        "supervisor",
        "health",
        "logs",
        "pre-setup",
        "post-setup",
        "pre-deploy-local",
        "pre-deploy",
        "build",
        "migrate",
        "pre-activate",
        "drain",
        "undrain",
        "post-deploy",
        "post-deploy-local",
        "on-failure-local",
    ],
    later: &["ignore-untracked"],
};

pub(super) const ROLLOUT: Shape =
    Shape { known: &["batch", "canary", "pause", "max-unreachable"], later: &[] };

pub(super) const HOST: Shape = Shape {
    known: &["host", "command", "user", "port", "key", "jump", "host-key", "roles", "path", "env"],
    later: &["forward-agent", "ssh-options"],
};

pub(super) const FILE: Shape = Shape { known: &["from", "command", "mode"], later: &[] };

pub(super) const HOOK: Shape =
    Shape { known: &["run", "script", "roles", "once", "local", "timeout"], later: &[] };

pub(super) const SUPERVISOR: Shape = Shape {
    known: &["reload", "start", "stop", "status", "verify"],
    later: &[
        "kind",
        "name",
        "unit",
        "service",
        "strategy",
        "stable-for",
        "wait-port",
        "sudo",
        "roles",
        "file",
        "env",
        "only",
        "home",
    ],
};

pub(super) const HEALTH: Shape = Shape {
    known: &[
        "http",
        "tcp",
        "command",
        "status",
        "body",
        "release",
        "within",
        "interval",
        "timeout",
        "stable-for",
    ],
    later: &[],
};

pub(super) const TIMEOUT: Shape =
    Shape { known: &["connect", "hook", "fetch", "reload", "lost"], later: &[] };

impl Shape {
    pub fn has(&self, key: &str) -> bool {
        self.known.contains(&key) || self.later.contains(&key)
    }
}

/// A table inside an environment: its full name, and the name of the environment's table.
#[derive(Clone)]
pub(super) struct Place {
    pub name: String,
    pub parent: String,
}

/// Notes each key of the table that is not known.
pub(super) fn check(table: &Table, shape: &Shape, place: &Place, problems: &mut Problems) {
    for entry in &table.entries {
        if shape.known.contains(&entry.key.as_str()) {
            continue;
        }
        problems.push(match shape.later.contains(&entry.key.as_str()) {
            true => not_yet(entry),
            false => unknown(entry, table, shape, place),
        });
    }
}

/// A table that is one value in disguise holds one key and no other.
pub(super) fn only(table: &Table, key: &str) -> Result<(), Problem> {
    match table.entries.iter().find(|entry| entry.key != key) {
        None => Ok(()),
        Some(other) => {
            Err(Problem::at(other.key_span.clone(), format!("unknown key `{}` beside `{key}`", other.key)))
        }
    }
}

pub(super) fn not_yet(entry: &Entry) -> Problem {
    Problem::at(entry.key_span.clone(), format!("`{}` is not yet supported", entry.key))
        .label("comes with a later version")
}

fn unknown(entry: &Entry, table: &Table, shape: &Shape, place: &Place) -> Problem {
    let key = entry.key.as_str();
    let within = if place.name.is_empty() { String::new() } else { format!(" in `{}`", place.name) };
    let problem = Problem::at(entry.key_span.clone(), format!("unknown key `{key}`{within}"));
    if place.name.is_empty() && ENVIRONMENT.has(key) {
        return problem.help(format!("`{key}` belongs into `[defaults]` or `[deploy.NAME]`: move it there"));
    }
    if !place.name.is_empty() && key == "extends" {
        return problem.help("`extends` is a key of the file: move it above the first header");
    }
    if shape.known == APP.known && ENVIRONMENT.has(key) {
        return problem.help(format!("`{key}` is no app's: it belongs into `[defaults]` or `[deploy.NAME]`"));
    }
    if shape.known == ENVIRONMENT.known && APP.has(key) {
        return problem.help(match key {
            "roles" => "`roles` belongs to an app, `[apps.NAME]`, or to a host: { host = \"web1\", roles = [\"web\"] }".to_owned(),
            _ => format!("`{key}` belongs to an app: `[apps.NAME]`"),
        });
    }
    if !place.parent.is_empty() && place.parent != place.name && ENVIRONMENT.has(key) {
        return slid(problem, key, table, place);
    }
    problem.maybe_help(
        nearest(key, shape.known.iter().chain(shape.later).copied())
            .map(|near| format!("did you mean `{near}`?")),
    )
}

/// TOML gives every line after a header to that header: `key` was meant for the table before it.
pub(super) fn slid(problem: Problem, key: &str, table: &Table, place: &Place) -> Problem {
    let Place { name, parent } = place;
    if !table.header {
        return problem.help(format!("`{key}` is a key of `{parent}`, the table around `{name}`"));
    }
    problem.note(table.span.clone(), "all lines after this header belong to it").help(format!(
        "`{key}` is a key of `{parent}` and slid into the table above it: move it before that header"
    ))
}
