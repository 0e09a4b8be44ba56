//! `{ command = "…" }`: what a command of the operator's prints, as hosts or as a value of `env`.
//!
//! Runs no command: it says which ones are needed, and takes what they printed. What a command prints is data and cannot name
//! another command or a variable: an inventory must not be able to run commands on the operator's machine, or to ask for secrets.

use std::collections::HashMap;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use super::file::{Entry, Node, Table, Value};
use super::problem::{Fault, Problem, Span};
use super::sources::{Sources, Text};
use super::values;

/// A command to be run on the operator's machine, by `sh -c`, with nothing to read.
#[derive(Debug, Clone)]
pub struct LocalCommand {
    /// The script.
    pub text: String,
    /// Where it runs: the directory of the file that names it.
    pub directory: PathBuf,
    pub(super) span: Span,
}

/// Equal ones are run once, wherever they are written.
impl PartialEq for LocalCommand {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, &self.directory) == (&other.text, &other.directory)
    }
}

/// What commands printed on standard output, or why one failed.
#[derive(Debug, Clone, Default)]
pub struct Answers(HashMap<(String, PathBuf), Result<SecretString, String>>);

impl Answers {
    /// Takes the answer of a command.
    pub fn insert(&mut self, command: &LocalCommand, answer: Result<SecretString, String>) {
        self.0.insert((command.text.clone(), command.directory.clone()), answer);
    }

    /// What it printed, or the mistake that it did not.
    pub(super) fn get(&self, command: &LocalCommand) -> Result<&str, Problem> {
        let failed = |reason: &str| Problem::at(command.span.clone(), format!("this command {reason}"));
        match self.0.get(&(command.text.clone(), command.directory.clone())) {
            None => Err(failed("was not run")),
            Some(Err(reason)) => Err(failed(reason)),
            Some(Ok(text)) => Ok(text.expose_secret()),
        }
    }
}

/// The command in a table `{ command = "…" }`.
pub(super) fn read(entry: &Entry, sources: &Sources) -> Result<LocalCommand, Problem> {
    let text = values::any_text(&entry.node)?.to_owned();
    if text.trim().is_empty() {
        return Err(entry.node.problem("this must not be empty"));
    }
    let span = entry.node.span.clone();
    Ok(LocalCommand { text, directory: sources.of(&span).directory.clone(), span })
}

/// Hosts that commands printed: a list of nodes like those of the file.
#[derive(Default)]
pub(super) struct Printed(Vec<(LocalCommand, Vec<Node>)>);

impl Printed {
    /// Reads what a command printed; its text becomes one of `sources`, so that mistakes can be shown in it.
    pub fn add(
        &mut self,
        command: LocalCommand,
        answers: &Answers,
        sources: &mut Sources,
    ) -> Result<(), Problem> {
        let printed = answers.get(&command)?;
        let name = format!("output of `{}`", command.text.trim());
        let text = sources.add(Text::other(name, printed.to_owned(), &command.directory));
        let nodes = hosts(&text)?;
        if nodes.is_empty() {
            return Err(Problem::at(command.span.clone(), "this command printed no host"));
        }
        self.0.push((command, nodes));
        Ok(())
    }

    pub fn get(&self, command: &LocalCommand) -> Option<&[Node]> {
        self.0.iter().find(|(known, _)| known == command).map(|(_, nodes)| nodes.as_slice())
    }
}

/// A host a line, or JSON: strings and tables, or lists of them.
fn hosts(text: &Text) -> Result<Vec<Node>, Problem> {
    if is_json(&text.text) {
        return json_values(text);
    }
    let mut nodes = Vec::new();
    let mut at = text.base();
    for line in text.text.split_inclusive('\n') {
        let name = line.trim();
        if !name.is_empty() {
            let start = at + (line.len() - line.trim_start().len());
            nodes.push(Node { value: Value::Text(name.to_owned()), span: start..start + name.len() });
        }
        at += line.len();
    }
    Ok(nodes)
}

/// No name of a host starts like JSON, except that `[::1]` starts with a bracket.
fn is_json(text: &str) -> bool {
    let text = text.trim_start();
    match text.strip_prefix('[').map(str::trim_start) {
        Some(inside) => inside.is_empty() || inside.starts_with(['"', '{', ']', '[']),
        None => text.starts_with(['"', '{']),
    }
}

fn json_values(text: &Text) -> Result<Vec<Node>, Problem> {
    let mut nodes = Vec::new();
    let mut values = serde_json::Deserializer::from_str(&text.text).into_iter::<serde_json::Value>();
    loop {
        let rest = &text.text[values.byte_offset()..];
        let start = text.base() + values.byte_offset() + (rest.len() - rest.trim_start().len());
        let Some(value) = values.next() else { return Ok(nodes) };
        let span = start..text.base() + values.byte_offset().max(start - text.base());
        let value = value.map_err(|error| {
            let at = text.base() + offset(&text.text, error.line(), error.column());
            Problem::at(at..at, format!("this is not JSON: {error}"))
        })?;
        let items = match value {
            serde_json::Value::Array(items) => items,
            one => vec![one],
        };
        for item in &items {
            nodes.push(node(item, &span, Inside::Host).map_err(|fault| fault.at(span.clone()))?);
        }
    }
}

fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let at = (before + column.saturating_sub(1)).min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// What a value in a printed host belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Host,
    Env,
    Variable,
}

fn node(value: &serde_json::Value, span: &Span, inside: Inside) -> Result<Node, Fault> {
    let value = match value {
        // It would be a variable of the operator; what a command prints is not expanded.
        serde_json::Value::String(text) if inside == Inside::Variable => {
            Value::Text(text.replace("${", "$${"))
        }
        serde_json::Value::String(text) => Value::Text(text.clone()),
        serde_json::Value::Bool(flag) => Value::Flag(*flag),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(integer) => Value::Integer(integer),
            None => Value::Float(number.to_string()),
        },
        serde_json::Value::Array(items) => {
            Value::List(items.iter().map(|item| node(item, span, inside)).collect::<Result<_, _>>()?)
        }
        serde_json::Value::Object(members) => Value::Table(table(members, span, inside)?),
        serde_json::Value::Null => return Err(Fault::new("null is not a value here")),
    };
    Ok(Node { value, span: span.clone() })
}

fn table(
    members: &serde_json::Map<String, serde_json::Value>,
    span: &Span,
    inside: Inside,
) -> Result<Table, Fault> {
    let mut entries = Vec::new();
    // What a program does not know it often prints as null.
    for (key, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        if key == "command" && inside != Inside::Env {
            return Err(Fault::new("what a command prints cannot name another command"));
        }
        let inner = match inside {
            Inside::Host if key == "env" => Inside::Env,
            Inside::Host => Inside::Host,
            Inside::Env | Inside::Variable => Inside::Variable,
        };
        entries.push(Entry { key: key.clone(), key_span: span.clone(), node: node(value, span, inner)? });
    }
    Ok(Table { entries, span: span.clone(), header: false })
}
