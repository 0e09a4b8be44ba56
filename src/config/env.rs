//! `env`: values as data, and the operator's variables in them, asked for only when a command needs them.
//!
//! `${NAME}` is such a variable and makes the value a secret; `$${` is a literal `${`. Nothing else is special.

use secrecy::{ExposeSecret as _, SecretString};

use super::diagnostic::{Fault, Problem, Problems};
use super::error::ConfigError;
use super::file::{Node, Source, Table, Value};
use super::keys::{self, Place};
use super::{EnvEntry, EnvPart, EnvValue, Environment, Host};

/// A variable of the operator that is not set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the variable `{name}` is not set here")]
pub struct MissingVariable {
    /// Its name.
    pub name: String,
}

impl EnvValue {
    /// The value, with the operator's variables from `lookup`.
    pub fn evaluate(&self, lookup: &dyn Fn(&str) -> Option<String>) -> Result<SecretString, MissingVariable> {
        let parts = match self {
            Self::Plain(text) => return Ok(text.clone().into()),
            Self::Operator(parts) => parts,
        };
        let mut value = String::new();
        for part in parts {
            match part {
                EnvPart::Text(text) => value.push_str(text),
                EnvPart::Variable(name) => {
                    value.push_str(&lookup(name).ok_or_else(|| MissingVariable { name: name.clone() })?);
                }
            }
        }
        Ok(value.into())
    }
}

impl Environment {
    /// `env` of a host, ready to be sent. Every variable that is missing is named, with its line.
    pub fn evaluate_env(
        &self,
        host: &Host,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Vec<EnvEntry>, ConfigError> {
        let mut entries = Vec::with_capacity(host.env.len());
        let mut missing = Vec::new();
        for (name, value) in &host.env {
            match value.evaluate(lookup) {
                Ok(evaluated) => entries.push(EnvEntry {
                    name: name.clone(),
                    value: evaluated,
                    secret: matches!(value, EnvValue::Operator(_)),
                }),
                Err(variable) => missing.push((format!("env.{name}"), variable.name)),
            }
        }
        if missing.is_empty() { Ok(entries) } else { Err(missing_variables(self, &missing)) }
    }

    /// `repo-token`, ready to be sent.
    pub fn evaluate_token(
        &self,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<SecretString>, ConfigError> {
        let Some(token) = &self.app.repo_token else { return Ok(None) };
        let value = token.evaluate(lookup).map_err(|missing| {
            missing_variables(self, &[(super::repository::TOKEN.to_owned(), missing.name)])
        })?;
        // git's credential protocol is lines.
        if value.expose_secret().is_empty() || value.expose_secret().chars().any(char::is_control) {
            return Err(ConfigError::BadToken);
        }
        Ok(Some(value))
    }
}

/// The file is read again to show the places: a run that has all its variables never needs its text.
fn missing_variables(environment: &Environment, missing: &[(String, String)]) -> ConfigError {
    let mut problems = Problems::default();
    if let Ok(source) = Source::read(&environment.file)
        && let Ok(document) = source.parse()
    {
        for (key, variable) in missing {
            let name = key.strip_prefix("env.").unwrap_or(key);
            if let Some(node) = find_value(&document, &environment.name, name, variable) {
                problems.push(
                    node.problem(format!("`{key}` needs the variable `{variable}`, which is not set here"))
                        .help(format!("export {variable}=… and start again")),
                );
            }
        }
        let problems = problems.into_vec();
        if !problems.is_empty() {
            return source.mistakes(problems);
        }
    }
    let (key, variable) = &missing[0];
    ConfigError::MissingVariable { key: key.clone(), variable: variable.clone() }
}

fn find_value<'a>(document: &'a Table, environment: &str, key: &str, variable: &str) -> Option<&'a Node> {
    let table = |parent: &'a Table, key: &str| parent.get(key).and_then(|entry| entry.node.as_table().ok());
    let own = table(document, "deploy").and_then(|deploy| table(deploy, environment));
    [own, table(document, "defaults")].into_iter().flatten().find_map(|table| search(table, key, variable))
}

fn search<'a>(table: &'a Table, key: &str, variable: &str) -> Option<&'a Node> {
    let wanted = format!("${{{variable}}}");
    table.entries.iter().find_map(|entry| match &entry.node.value {
        Value::Text(text) if entry.key == key && text.contains(&wanted) => Some(&entry.node),
        Value::Table(inner) => search(inner, key, variable),
        Value::List(items) => items
            .iter()
            .filter_map(|item| item.as_table().ok())
            .find_map(|inner| search(inner, key, variable)),
        _ => None,
    })
}

/// The entries of one `env` table.
pub(super) fn read(node: &Node, place: &Place, problems: &mut Problems) -> Vec<(String, EnvValue)> {
    let Some(table) = problems.keep(node.as_table()) else { return Vec::new() };
    let mut entries = Vec::new();
    for entry in &table.entries {
        let misplaced = || Problem::at(entry.key_span.clone(), misplaced_message(&entry.key, place));
        if let Some(fault) = name_fault(&entry.key) {
            let problem = fault.at(entry.key_span.clone());
            problems.push(match is_environment_key(&entry.key) {
                true => keys::slid(misplaced(), &entry.key, table, place),
                false => problem,
            });
        } else if table.header && is_environment_key(&entry.key) {
            // `build = …` here would be a variable nobody asked for, and a deploy without a build.
            problems.push(keys::slid(misplaced(), &entry.key, table, place).help(format!(
                "a variable of that name is possible as `env.{} = …` in `{}`",
                entry.key, place.parent
            )));
        } else if let Some(value) = problems.keep(read_value(&entry.node)) {
            entries.push((entry.key.clone(), value));
        }
    }
    entries
}

fn misplaced_message(key: &str, place: &Place) -> String {
    format!("`{key}` in `{}` would be a variable", place.name)
}

fn is_environment_key(key: &str) -> bool {
    keys::ENVIRONMENT.known.contains(&key) || keys::ENVIRONMENT.later.contains(&key)
}

fn name_fault(name: &str) -> Option<Fault> {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    let good = name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit());
    if !good {
        let fault = Fault::new(format!("`{name}` is not the name of a variable"));
        Some(fault.help("letters, digits and `_`, not beginning with a digit"))
    } else if name.starts_with("SHIPIT_") || name == "SHARED" {
        Some(Fault::new(format!("`{name}` is set by shipit itself")))
    } else {
        None
    }
}

fn read_value(node: &Node) -> Result<EnvValue, Problem> {
    match &node.value {
        Value::Text(text) => parse(text).map_err(|fault| fault.at(node.span.clone())),
        Value::Integer(integer) => Ok(EnvValue::Plain(integer.to_string())),
        Value::Float(float) => Ok(EnvValue::Plain(float.clone())),
        Value::Flag(flag) => Ok(EnvValue::Plain(flag.to_string())),
        Value::Table(table) => match table.get("command") {
            Some(entry) => Err(keys::not_yet(entry)),
            None => Err(node.expected("a string, a number or a boolean")),
        },
        Value::Date | Value::List(_) => {
            Err(node.expected("a string, a number or a boolean").help("write it in quotes"))
        }
    }
}

/// Cuts a value at its `${NAME}`.
pub(super) fn parse(text: &str) -> Result<EnvValue, Fault> {
    if text.contains('\0') {
        return Err(Fault::new("a NUL cannot be in a variable"));
    }
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        literal.push_str(&rest[..dollar]);
        rest = &rest[dollar..];
        if let Some(after) = rest.strip_prefix("$${") {
            literal.push_str("${");
            rest = after;
        } else if let Some(after) = rest.strip_prefix("${") {
            let (name, after) = variable(after)?;
            if !literal.is_empty() {
                parts.push(EnvPart::Text(std::mem::take(&mut literal)));
            }
            parts.push(EnvPart::Variable(name.to_owned()));
            rest = after;
        } else {
            literal.push('$');
            rest = &rest[1..];
        }
    }
    literal.push_str(rest);
    if parts.is_empty() {
        return Ok(EnvValue::Plain(literal));
    }
    if !literal.is_empty() {
        parts.push(EnvPart::Text(literal));
    }
    Ok(EnvValue::Operator(parts))
}

fn variable(after: &str) -> Result<(&str, &str), Fault> {
    let (name, rest) = after.split_once('}').unwrap_or(("", after));
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    if name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit()) {
        return Ok((name, rest));
    }
    Err(Fault::new("`${` without the name of a variable and `}`")
        .help("`${NAME}` is your variable NAME, nothing more; a literal `${` is written `$${`"))
}
