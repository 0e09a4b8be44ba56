//! From an environment as pm2's file has it to the table that `shipit.toml` would hold: what is deployed, and where from.
//!
//! Each key has pm2's meaning where pm2 has one that can be meant. What is no key of pm2's is told and ignored, as pm2 does.

use super::remark::{RemarkKind, shown};
use super::translator::Translator;
use super::{connection, hooks, hosts};
use crate::config::file::{Entry, Node, Table, Value};
use crate::config::keys::Scope;
use crate::config::nearest::nearest;
use crate::config::variable::{escaped_braces, names_variable};

/// All keys that pm2 has here.
const KEYS: [&str; 16] = [
    "user",
    "host",
    "repo",
    "ref",
    "path",
    "fetch",
    "key",
    "port",
    "ssh_options",
    "forward-agent",
    "needs_tty",
    "env",
    "pre-setup",
    "post-setup",
    "pre-deploy-local",
    "pre-deploy",
];

/// Translates all keys.
pub(super) fn all(translator: &mut Translator<'_>) {
    hosts::translate(translator);
    connection::translate(translator);
    code(translator);
    env(translator);
    hooks::translate(translator);
    unknown(translator);
    twice(translator);
}

fn code(translator: &mut Translator<'_>) {
    let examples =
        [("repo", "'git@github.com:acme/shop.git'"), ("ref", "'origin/main'"), ("path", "'/var/www/shop'")];
    for (key, example) in examples {
        if translator.require(key, example).is_none() {
            continue;
        }
        let Some((text, entry)) = translator.text_of(key) else { continue };
        if translator.refuse_placeholder(key, &entry.node) {
            continue;
        }
        translator.make_text(key, text, entry);
        if key == "path" && !text.starts_with('/') {
            translator.remark(&entry.node.span, RemarkKind::PathOnHost { path: text.to_owned() });
        }
    }
    // Anything else is a full fetch for pm2, too.
    if let Some(("fast", entry)) = translator.text_of("fetch") {
        translator.make_text("fetch", "fast", entry);
    }
}

fn env(translator: &mut Translator<'_>) {
    let Some(entry) = translator.entry("env") else { return };
    let Value::Table(table) = &entry.node.value else {
        translator.problems.push(entry.node.expected("a table of variables"));
        return;
    };
    let mut entries: Vec<Entry> = Vec::new();
    for variable in &table.entries {
        let key = variable.key.to_uppercase();
        let Some(value) = value(translator, variable) else { continue };
        if value.contains('$') {
            let kind = RemarkKind::Dollar { key: format!("env.{key}"), value: shown(&value) };
            if !names_variable(&value) {
                translator.remark(&variable.node.span, kind);
            }
        }
        // pm2 writes all names in capitals: of two that become one, the last one counts.
        entries.retain(|known| known.key != key);
        let node = Node { value: Value::Text(value), span: variable.node.span.clone() };
        entries.push(Entry { key, key_span: variable.key_span.clone(), node });
    }
    let prefix = ["deploy", translator.name, "env"];
    let undefined: Vec<String> = translator
        .raw
        .undefined
        .iter()
        .filter(|path| path.len() == 4 && path[..3].iter().map(String::as_str).eq(prefix))
        .map(|path| format!("env.{}", path[3]))
        .collect();
    for key in undefined {
        translator.remark(&entry.key_span, RemarkKind::Undefined { key });
    }
    if entries.is_empty() {
        return;
    }
    translator.make(
        "env",
        Value::Table(Table { entries, span: entry.node.span.clone(), header: false }),
        entry,
    );
    translator.remark(&entry.key_span, RemarkKind::EnvEverywhere);
}

/// A value of `env` as shipit.toml writes it.
fn value(translator: &mut Translator<'_>, variable: &Entry) -> Option<String> {
    match &variable.node.value {
        Value::Text(text) if translator.raw.has_variables => Some(text.clone()),
        Value::Text(text) => Some(escaped_braces(text)),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.clone()),
        Value::Flag(flag) => Some(flag.to_string()),
        Value::Date | Value::List(_) | Value::Table(_) => {
            translator.problems.push(variable.node.expected("a string, a number or a boolean"));
            None
        }
    }
}

fn unknown(translator: &mut Translator<'_>) {
    for Entry { key, key_span, .. } in &translator.table.entries {
        if KEYS.contains(&key.as_str()) || key == hooks::POST_DEPLOY {
            continue;
        }
        let near = nearest(key, KEYS.into_iter().chain([hooks::POST_DEPLOY])).map(str::to_owned);
        let kind = match Scope::Environment.key(key) {
            Some(_) if near.is_none() => RemarkKind::OwnKey { key: key.clone() },
            _ => RemarkKind::UnknownKey { key: key.clone(), nearest: near },
        };
        translator.remark(key_span, kind);
    }
}

fn twice(translator: &mut Translator<'_>) {
    let own = translator.table.span.clone();
    for (key, span) in &translator.raw.twice {
        if own.contains(&span.start) {
            translator.remark(span, RemarkKind::GivenTwice { key: key.clone() });
        }
    }
}
