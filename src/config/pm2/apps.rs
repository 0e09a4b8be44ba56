//! The apps of pm2 that a file names, as far as they tell how they run. Only read, for people.

use crate::config::file::{Table, Value};

/// One app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pm2App {
    /// As pm2 calls it.
    pub name: String,
    /// `cluster` or `fork`.
    pub mode: String,
    /// As the file says: a number, `max`; empty: one.
    pub instances: String,
    /// Whether pm2 restarts it when files change.
    pub watch: bool,
    /// Runs now and then, and is not expected to be up.
    pub job: bool,
    /// Its directory, as the file says; empty: that of the file.
    pub cwd: String,
    /// What is run, as the file says.
    pub script: String,
}

impl Pm2App {
    pub(super) fn of(table: &Table) -> Self {
        let text = |key: &str| match table.get(key).map(|entry| &entry.node.value) {
            Some(Value::Text(text) | Value::Float(text)) => text.clone(),
            Some(Value::Integer(number)) => number.to_string(),
            _ => String::new(),
        };
        let script = text("script");
        let stem = script.rsplit('/').next().unwrap_or_default();
        let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem).to_owned();
        let instances = text("instances");
        // pm2 makes a cluster of an app for which a number is given.
        let cluster = text("exec_mode").starts_with("cluster")
            || (!instances.is_empty() && text("exec_mode").is_empty());
        let is = |key: &str, flag: bool| {
            table
                .get(key)
                .is_some_and(|entry| matches!(entry.node.value, Value::Flag(value) if value == flag))
        };
        let watched = table.get("watch").is_some_and(|entry| !matches!(entry.node.value, Value::Flag(false)));
        Self {
            name: Some(text("name")).filter(|name| !name.is_empty()).unwrap_or(stem),
            mode: if cluster { "cluster" } else { "fork" }.to_owned(),
            instances,
            watch: watched,
            job: table.get("cron_restart").is_some() && is("autorestart", false),
            cwd: text("cwd"),
            script,
        }
    }
}
