//! `env`: values as data, and the operator's variables in them, asked for only when a command needs them.
//!
//! `${NAME}` is such a variable and makes the value a secret, as does `{ command = "…" }`; `$${` is a literal `${`.
//! Nothing else is special.

use secrecy::{ExposeSecret as _, SecretString};

use super::app::App;
use super::command::{self, Answers, LocalCommand};
use super::environment::{Environment, Site};
use super::error::ConfigError;
use super::file::{Node, Value};
use super::keys::{self, Place, Scope};
use super::problem::{Fault, Problem, Problems, Span};
use super::sources::Sources;
use super::variable::{EnvEntry, EnvPart, EnvValue, EnvVariable};

/// Why a value of `env` is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unevaluated {
    /// A variable of the operator that is not set.
    #[error("the variable `{name}` is not set")]
    MissingVariable {
        /// Its name.
        name: String,
    },
    /// A local command that was not run.
    #[error("its command was not run")]
    NotRun,
}

impl EnvValue {
    /// The value, with the operator's variables from `lookup`.
    pub fn evaluate(&self, lookup: &dyn Fn(&str) -> Option<String>) -> Result<SecretString, Unevaluated> {
        let parts = match self {
            Self::Plain(text) => return Ok(text.clone().into()),
            Self::Printed(text) => return Ok(text.clone()),
            Self::Command(_) => return Err(Unevaluated::NotRun),
            Self::Operator(parts) => parts,
        };
        let mut value = String::new();
        for part in parts {
            match part {
                EnvPart::Text(text) => value.push_str(text),
                EnvPart::Variable(name) => value.push_str(
                    &lookup(name).ok_or_else(|| Unevaluated::MissingVariable { name: name.clone() })?,
                ),
            }
        }
        Ok(value.into())
    }
}

impl Environment {
    /// The commands that `env` of the sites takes values from, each once.
    #[must_use]
    pub fn env_commands(&self) -> Vec<LocalCommand> {
        let mut commands: Vec<LocalCommand> = Vec::new();
        for variable in self.sites.iter().flat_map(|site| &site.env) {
            if let EnvValue::Command(command) = &variable.value
                && !commands.contains(command)
            {
                commands.push(command.clone());
            }
        }
        commands
    }

    /// Replaces the commands by what they printed. Every command that failed is named, with its line.
    ///
    /// # Errors
    /// When one failed or was not run, or printed what no variable can hold.
    pub fn answer(&mut self, answers: &Answers) -> Result<(), ConfigError> {
        let mut problems = Problems::default();
        for variable in self.sites.iter_mut().flat_map(|site| &mut site.env) {
            if let EnvValue::Command(command) = &variable.value
                && let Some(text) = problems.keep(printed(command, answers))
            {
                variable.value = EnvValue::Printed(text);
            }
        }
        let problems = problems.into_vec();
        if problems.is_empty() { Ok(()) } else { Err(self.sources.mistakes(problems)) }
    }

    /// Checks that `env` of no site lacks a variable: before commands are run that may ask for a password.
    ///
    /// # Errors
    /// Every variable that is missing is named, with its line.
    pub fn check_variables(&self, lookup: &dyn Fn(&str) -> Option<String>) -> Result<(), ConfigError> {
        let mut problems = Problems::default();
        for EnvVariable { name, value, span } in self.sites.iter().flat_map(|site| &site.env) {
            if let Err(Unevaluated::MissingVariable { name: missing }) = value.evaluate(lookup) {
                problems.push(missing_variable(&format!("env.{name}"), &missing, span));
            }
        }
        let problems = problems.into_vec();
        if problems.is_empty() { Ok(()) } else { Err(self.sources.mistakes(problems)) }
    }

    /// `env` of a site, ready to be sent. Every variable that is missing is named, with its line.
    pub fn evaluate_env(
        &self,
        site: &Site,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Vec<EnvEntry>, ConfigError> {
        let mut entries = Vec::with_capacity(site.env.len());
        let mut problems = Problems::default();
        for variable in &site.env {
            let EnvVariable { name, value, span } = variable;
            let secret = !matches!(value, EnvValue::Plain(_));
            match value.evaluate(lookup) {
                Ok(value) => entries.push(EnvEntry { name: name.clone(), value, secret }),
                Err(Unevaluated::MissingVariable { name: missing }) => {
                    problems.push(missing_variable(&format!("env.{name}"), &missing, span));
                }
                Err(Unevaluated::NotRun) => {
                    problems
                        .push(Problem::at(span.clone(), format!("the command of `env.{name}` was not run")));
                }
            }
        }
        let problems = problems.into_vec();
        if problems.is_empty() { Ok(entries) } else { Err(self.sources.mistakes(problems)) }
    }

    /// `repo-token` of an app, ready to be sent.
    pub fn evaluate_token(
        &self,
        app: &App,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<SecretString>, ConfigError> {
        let Some(EnvVariable { name, value, span }) = &app.repo_token else { return Ok(None) };
        let problem = match value.evaluate(lookup) {
            // git's credential protocol is lines.
            Ok(token)
                if !token.expose_secret().is_empty() && !token.expose_secret().contains(char::is_control) =>
            {
                return Ok(Some(token));
            }
            Ok(_) => Problem::at(span.clone(), format!("`{name}` is empty, or holds control characters")),
            Err(Unevaluated::MissingVariable { name: missing }) => missing_variable(name, &missing, span),
            Err(Unevaluated::NotRun) => {
                Problem::at(span.clone(), format!("the command of `{name}` was not run"))
            }
        };
        Err(self.sources.mistakes(vec![problem]))
    }
}

fn missing_variable(key: &str, missing: &str, span: &Span) -> Problem {
    let message = format!("`{key}` needs the variable `{missing}`, which is not set");
    Problem::at(span.clone(), message).help(format!("set it: export {missing}=…"))
}

/// What a command printed, as `$(…)` takes it: without the newlines at its end.
fn printed(command: &LocalCommand, answers: &Answers) -> Result<SecretString, Problem> {
    let text = answers.get(command)?.trim_end_matches(['\n', '\r']);
    let refused = |message: &str| Err(Problem::at(command.span.clone(), message));
    if text.is_empty() {
        return refused("this command printed nothing");
    }
    if text.contains('\0') {
        return refused("this command printed a NUL, which cannot be in a variable");
    }
    Ok(text.into())
}

/// The entries of one `env` table.
pub(super) fn read(
    node: &Node,
    place: &Place,
    sources: &Sources,
    problems: &mut Problems,
) -> Vec<EnvVariable> {
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
            // `build = …` here would be an unwanted variable, and a deploy without a build.
            problems.push(keys::slid(misplaced(), &entry.key, table, place).help(format!(
                "if you mean a variable of that name, write `env.{} = …` in `{}`",
                entry.key, place.parent
            )));
        } else if let Some(value) = problems.keep(read_value(&entry.node, sources)) {
            entries.push(EnvVariable { name: entry.key.clone(), value, span: entry.node.span.clone() });
        }
    }
    entries
}

fn misplaced_message(key: &str, place: &Place) -> String {
    format!("`{key}` in `{}` is read as a variable", place.name)
}

fn is_environment_key(key: &str) -> bool {
    Scope::Environment.key(key).is_some()
}

fn name_fault(name: &str) -> Option<Fault> {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    let good = name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit());
    if !good {
        let fault = Fault::new(format!("`{name}` is not a valid name for a variable"));
        Some(fault.help("use letters, digits and `_`, and do not start with a digit"))
    } else if name.starts_with("SHIPIT_") || name == "SHARED" {
        Some(Fault::new(format!("`{name}` is set by shipit itself")))
    } else {
        None
    }
}

fn read_value(node: &Node, sources: &Sources) -> Result<EnvValue, Problem> {
    match &node.value {
        Value::Text(text) => parse(text).map_err(|fault| fault.at(node.span.clone())),
        Value::Integer(integer) => Ok(EnvValue::Plain(integer.to_string())),
        Value::Float(float) => Ok(EnvValue::Plain(float.clone())),
        Value::Flag(flag) => Ok(EnvValue::Plain(flag.to_string())),
        Value::Table(table) => match table.get("command") {
            Some(entry) => {
                keys::only(table, "command")?;
                command::read(entry, sources).map(EnvValue::Command)
            }
            None => Err(node.expected("a string, a number or a boolean")),
        },
        Value::Date | Value::List(_) => {
            Err(node.expected("a string, a number or a boolean").help("write it in quotes"))
        }
    }
}

/// Whether a value of `env` is a secret: it comes from a variable or a command of the operator.
pub(super) fn is_secret(node: &Node) -> bool {
    match &node.value {
        Value::Text(text) => !variables(text).is_empty(),
        Value::Table(table) => table.get("command").is_some(),
        _ => false,
    }
}

/// The operator's variables in a text, as they are written there.
pub(super) fn variables(text: &str) -> Vec<String> {
    let Ok(EnvValue::Operator(parts)) = parse(text) else { return Vec::new() };
    let names = parts.into_iter().filter_map(|part| match part {
        EnvPart::Variable(name) => Some(format!("${{{name}}}")),
        EnvPart::Text(_) => None,
    });
    names.collect()
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
        .help("`${NAME}` is your variable NAME; write a literal `${` as `$${`"))
}
