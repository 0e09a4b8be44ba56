//! Deployer's `deploy.php`: plain `set`, `add` and `host`; everything else is named.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::deployer::{Deployer, LISTS, Machine, Part, is_taken_over};
use super::deployer_targets::targets;
use super::deployer_yaml::{of_recipe, other_labels};
use super::expression::{Expression, Form, Language, statement};
use super::inner::{changes, inner_calls};
use super::model::{MOST_ITEMS, MOST_LEFT_OUT, NOT_SET, left_out, node, section, taken, text_node};
use super::php::{statements, tokens};
use super::plain::{Known, Plain, Reader, Scope, Setting, Steps, assign};
use super::token::Statement;
use crate::config::file::{Entry, Node, Table, Value};
use crate::config::pm2::{Section, Unread};
use crate::config::problem::{Problem, Span};
use crate::config::sources::Text;

/// What begins a task, or something that runs with one.
const TASKS: [&str; 5] = ["task", "before", "after", "fail", "desc"];

/// What says nothing of a deploy.
const SILENT: [&str; 4] = ["namespace", "use", "declare", "desc"];

struct Php<'a> {
    file: Deployer<'a>,
    variables: BTreeMap<String, Known>,
    /// Settings that are what the file says where a variable of the operator is not set.
    asked: BTreeSet<String>,
    steps: Steps,
}

impl Scope for Php<'_> {
    /// What the file does not set, Deployer or a recipe may.
    fn setting(&self, name: &str) -> Setting {
        let value = self.file.config.plain(name).and_then(|node| plain(&node.value));
        let asked = self.asked.contains(name);
        value.map_or(Setting::Unread, |value| Setting::Is(Known { value, asked }))
    }

    fn variable(&self, name: &str) -> Option<Known> {
        self.variables.get(name).cloned()
    }
}

pub(super) fn read(text: &Text) -> Result<Section, Unread> {
    let at = |span: Span| text.base() + span.start..text.base() + span.end;
    let broken = |broken: super::token::Broken| Unread::Problem(Problem::at(at(broken.span), broken.message));
    let tokens = tokens(&text.text).map_err(broken)?;
    let file = Deployer { text, config: Part::default(), machines: Vec::new(), remarks: Vec::new() };
    let mut php = Php { file, variables: BTreeMap::new(), asked: BTreeSet::new(), steps: Steps::default() };
    for one in statements(&tokens).map_err(broken)? {
        let said = statement(one.tokens, Language::Php);
        let first = one.tokens.first().and_then(|token| token.word()).unwrap_or_default();
        if !SILENT.contains(&first) && !php.take(&said) {
            php.leave(&one);
        }
        if php.file.remarks.len() > MOST_LEFT_OUT {
            let message = format!("more than {MOST_LEFT_OUT} statements up to here are no plain settings");
            return Err(Unread::Problem(Problem::at(at(one.span()), message)));
        }
        if php.file.machines.len() > MOST_ITEMS {
            return Err(Unread::Problem(Problem::at(
                at(one.span()),
                format!("more than {MOST_ITEMS} hosts"),
            )));
        }
    }
    let targets = targets(php.file).map_err(Unread::Problem)?;
    section(&[text], targets, &(text.base()..text.base()))
}

impl Php<'_> {
    fn at(&self, span: &Span) -> Span {
        let Text { text, .. } = self.file.text;
        // A call on a host may stand on the next line.
        let blanks = text.get(span.clone()).map_or(0, |said| said.len() - said.trim_start().len());
        self.file.text.base() + span.start + blanks..self.file.text.base() + span.end
    }

    fn value(&self, expression: &Expression) -> Option<Known> {
        let reader = Reader::new(Language::Php, self, &self.steps);
        let value = reader.value(expression).filter(|value| *value != Plain::Unset)?;
        Some(Known { value, asked: reader.asked.get() })
    }

    fn text(&self, expression: &Expression) -> Option<String> {
        self.value(expression)?.value.text().map(str::to_owned)
    }

    /// A value as Deployer's YAML would have it, and whether a variable of the operator was taken as not set.
    fn node(&self, expression: &Expression) -> Option<(Node, bool)> {
        let span = self.at(&expression.span);
        let Known { value, asked } = self.value(expression)?;
        let node = value.node(&span).or_else(|| table(&value, &span))?;
        let named = |key: &String| value.text().is_some_and(|text| text.contains(&format!("{{{{{key}}}}}")));
        Some((node, asked || self.asked.iter().any(named)))
    }

    fn say_asked(&mut self, key: &str, node: &Node) {
        if !is_taken_over(key) || self.file.remarks.len() > MOST_LEFT_OUT {
            return;
        }
        let value = match &node.value {
            Value::Text(text) => format!("`{text}`"),
            Value::Integer(number) => number.to_string(),
            _ => "as below".to_owned(),
        };
        self.file.remarks.push(taken(self.file.text, &node.span, key, &value, NOT_SET));
    }

    /// Whether a statement is understood.
    fn take(&mut self, said: &Expression) -> bool {
        match &said.form {
            Form::Call(name, arguments) => match (name.as_str(), arguments.as_slice()) {
                ("=", [name, value]) => self.assign(name, value),
                ("set", [key, value]) => self.set(key, value),
                ("add", [key, value]) => self.add(key, value),
                ("require" | "require_once" | "import" | "include", [file]) => self.recipe(file),
                ("host" | "localhost", names) => self.hosts(name, names, &[], said),
                _ => false,
            },
            Form::Method(..) => {
                let (first, calls) = chain(said);
                match &first.form {
                    Form::Call(name, names) if name == "host" || name == "localhost" => {
                        self.hosts(name, names, &calls, first)
                    }
                    _ => false,
                }
            }
            _ => false,
        }
    }

    fn assign(&mut self, name: &Expression, value: &Expression) -> bool {
        let Some(name) = self.text(name) else { return false };
        let value = self.value(value);
        assign(&mut self.variables, name, value)
    }

    fn set(&mut self, key: &Expression, value: &Expression) -> bool {
        let Some(key) = self.text(key) else { return false };
        self.asked.remove(&key);
        let Some((node, asked)) = self.node(value) else {
            let span = self.at(&value.span);
            self.file.config.set_unread(&key, span);
            return false;
        };
        if asked {
            self.say_asked(&key, &node);
            self.asked.insert(key.clone());
        }
        self.file.config.set(&key, node);
        is_taken_over(&key)
    }

    fn add(&mut self, key: &Expression, value: &Expression) -> bool {
        let Some(key) = self.text(key) else { return false };
        let Some((node, asked)) = self.node(value) else { return false };
        if !self.file.config.add(&key, &node, None) {
            return false;
        }
        if asked {
            self.say_asked(&key, &node);
            self.asked.insert(key.clone());
        }
        is_taken_over(&key)
    }

    fn recipe(&mut self, file: &Expression) -> bool {
        let span = self.at(&file.span);
        // `__DIR__ . '/vendor/deployer/deployer/recipe/laravel.php'`
        let name = match &file.form {
            Form::Joined(_, name) => self.text(name),
            _ => self.text(file),
        };
        let Some(name) = name.filter(|name| super::deployer::recipe(name).is_some()) else { return false };
        let short = name.rsplit_once("recipe/").map_or(name.clone(), |(_, name)| format!("recipe/{name}"));
        let text = self.file.text;
        let remark = of_recipe(&short, &span, &mut self.file.config, text);
        self.file.remarks.extend(remark);
        true
    }

    fn hosts(&mut self, name: &str, names: &[Expression], calls: &[Call<'_>], said: &Expression) -> bool {
        let span = self.at(&said.span);
        let aliases: Option<Vec<Known>> = names.iter().map(|name| self.value(name)).collect();
        let Some(aliases) = aliases.filter(|aliases| aliases.len() <= MOST_ITEMS) else { return false };
        let asked = aliases.iter().any(|known| known.asked);
        let aliases: Option<Vec<String>> =
            aliases.iter().map(|known| known.value.text().map(str::to_owned)).collect();
        let Some(mut aliases) = aliases else { return false };
        if asked {
            self.say_asked("hostname", &text_node(&aliases.join(" "), &span));
        }
        let mut part = Part::default();
        if name == "localhost" {
            part.set("local", node(Value::Flag(true), &span));
            if aliases.is_empty() {
                aliases.push("localhost".to_owned());
            }
        }
        for call in calls {
            if !self.call(&mut part, call) {
                let span = self.at(&call.span);
                self.file.remarks.push(left_out(self.file.text, &span));
            }
        }
        let text = self.file.text;
        self.file.remarks.extend(other_labels(&part, text));
        let understood = !aliases.is_empty();
        let part = Rc::new(part);
        for alias in aliases {
            self.file.machines.push(Machine { alias: text_node(&alias, &span), part: part.clone() });
        }
        understood
    }

    /// One call on a host.
    fn call(&mut self, part: &mut Part, call: &Call<'_>) -> bool {
        let (key, values) = match (call.name, call.arguments) {
            ("set" | "add", [key, value]) => match self.text(key) {
                Some(key) => (key, std::slice::from_ref(value)),
                None => return false,
            },
            (name, values) => match key_of(name) {
                Some(key) => (key.to_owned(), values),
                None => return false,
            },
        };
        let nodes: Option<Vec<(Node, bool)>> = values.iter().map(|value| self.node(value)).collect();
        for (node, _) in nodes.iter().flatten().filter(|(_, asked)| *asked) {
            self.say_asked(&key, node);
        }
        let nodes: Option<Vec<Node>> = nodes.map(|nodes| nodes.into_iter().map(|(node, _)| node).collect());
        match nodes.as_deref() {
            Some([one]) if call.name == "add" => {
                return part.add(&key, one, Some(&self.file.config)) && is_taken_over(&key);
            }
            // The list as it was read so far stays.
            None if call.name == "add" && LISTS.contains(&key.as_str()) => return false,
            Some([one]) => part.set(&key, one.clone()),
            Some(several) if key == "roles" => {
                let span = self.at(&call.span);
                part.set(&key, node(Value::List(several.to_vec()), &span));
            }
            _ => {
                part.set_unread(&key, self.at(&call.span));
                return false;
            }
        }
        is_taken_over(&key)
    }

    /// What is left out: its first line, and what stands in it that would have been taken over.
    fn leave(&mut self, statement: &Statement<'_>) {
        let span = self.at(&statement.span());
        self.file.remarks.push(left_out(self.file.text, &span));
        let first = statement.tokens.first().and_then(|token| token.word()).unwrap_or_default();
        if TASKS.contains(&first) {
            return;
        }
        let changes = changes(statement.tokens);
        self.variables.retain(|name, _| !changes.all && !changes.variables.contains(name));
        let whole = span;
        for call in inner_calls(statement.tokens, &["set", "add", "host", "localhost"]) {
            let span = self.at(&call.span);
            let host = call.name == "host" || call.name == "localhost";
            let key = call.key.as_deref().filter(|_| !host);
            // Set by this very statement, though it is not taken over.
            let own = |node: &Node| whole.start <= node.span.start && node.span.end <= whole.end;
            let set = key.and_then(|key| self.file.config.plain(key)).is_some_and(own);
            let list = call.name == "add" && key.is_some_and(|key| LISTS.contains(&key));
            if let Some(key) = key.filter(|_| !set && !list) {
                self.file.config.set_unread(key, span.clone());
            }
            let known = key.is_some_and(is_taken_over);
            if call.within && (host || known) && self.file.remarks.len() <= MOST_LEFT_OUT {
                self.file.remarks.push(left_out(self.file.text, &span));
            }
        }
    }
}

/// A call on what stands before it.
struct Call<'a> {
    name: &'a str,
    arguments: &'a [Expression],
    span: Span,
}

/// The first call of a chain, and those on it in their order.
fn chain(said: &Expression) -> (&Expression, Vec<Call<'_>>) {
    let (mut first, mut calls, mut end) = (said, Vec::new(), said.span.end);
    while let Form::Method(on, name, arguments) = &first.form {
        calls.push(Call { name, arguments, span: on.span.end..end });
        end = on.span.end;
        first = on;
    }
    calls.reverse();
    (first, calls)
}

/// The keys that calls of Deployer 6 and 7 set.
fn key_of(call: &str) -> Option<&'static str> {
    Some(match call {
        "setHostname" | "hostname" => "hostname",
        "setRemoteUser" | "remoteUser" | "user" => "remote_user",
        "setPort" | "port" => "port",
        "setIdentityFile" | "identityFile" => "identity_file",
        "setDeployPath" => "deploy_path",
        "setLabels" | "labels" | "addLabels" => "labels",
        "stage" => "stage",
        "roles" => "roles",
        _ => return None,
    })
}

/// What a setting is as a value of PHP.
fn plain(value: &Value) -> Option<Plain> {
    Some(match value {
        Value::Text(text) => Plain::Text(text.clone()),
        Value::Integer(number) => Plain::Number(*number),
        Value::Flag(flag) => Plain::Flag(*flag),
        Value::List(items) => {
            Plain::List(items.iter().map(|item| plain(&item.value)).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

/// A list of pairs as a table.
fn table(plain: &Plain, span: &Span) -> Option<Node> {
    let Plain::List(items) = plain else { return None };
    let mut entries = Vec::new();
    for item in items {
        let Plain::Pair(key, value) = item else { return None };
        let value = value.node(span)?;
        entries.push(Entry { key: key.clone(), key_span: span.clone(), node: value });
    }
    let table = Table { entries, span: span.clone(), header: false };
    Some(node(Value::Table(table), span))
}
