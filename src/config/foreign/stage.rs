//! What the statements of Capistrano's files say, one after the other, for one stage.

use std::collections::BTreeMap;

use super::expression::{Expression, Form, Language, statement};
use super::model::{Host, MOST_ITEMS, MOST_LEFT_OUT, NOT_SET, left_out, node, taken, text_node};
use super::plain::{Known, Plain, Reader, Scope, Setting, Steps, assign};
use super::ruby::{statements, tokens};
use super::ssh_options::ssh_options;
use crate::config::file::{Node, Value};
use crate::config::pm2::Remark;
use crate::config::problem::{Problem, Span};
use crate::config::sources::Text;

pub(super) const TAKEN_OVER: [&str; 7] =
    ["application", "repo_url", "branch", "deploy_to", "linked_files", "linked_dirs", "keep_releases"];

/// Parts of Capistrano that shipit has itself.
const HAD: [&str; 5] =
    ["capistrano/setup", "capistrano/deploy", "capistrano/scm/git", "capistrano/git", "capistrano/framework"];

/// Paths, which may become more or fewer.
pub(super) const LISTS: [&str; 2] = ["linked_files", "linked_dirs"];

const NOT_ANSWERED: &str = "Capistrano asks for it, and this is its default";

#[derive(Default)]
pub(super) struct Stage {
    pub(super) settings: BTreeMap<String, (Known, Span)>,
    pub(super) variables: BTreeMap<String, Known>,
    steps: Steps,
    pub hosts: Vec<Host>,
    /// Ports of hosts by `ssh_options`, which make no other host of them.
    ports: BTreeMap<usize, Node>,
    /// What is set to something that Ruby would have to work out.
    pub unread: BTreeMap<String, Span>,
    pub remarks: Vec<Remark>,
    pub problems: Vec<Problem>,
}

impl Scope for Stage {
    fn setting(&self, name: &str) -> Setting {
        match self.settings.get(name) {
            _ if self.unread.contains_key(name) => Setting::Unread,
            Some((known, _)) => Setting::Is(known.clone()),
            None => Setting::Absent,
        }
    }

    fn variable(&self, name: &str) -> Option<Known> {
        self.variables.get(name).cloned()
    }
}

impl Stage {
    pub fn new(name: &str, steps: Steps) -> Self {
        let mut stage = Self { steps, ..Self::default() };
        let name = Known { value: Plain::Text(name.to_owned()), asked: false };
        stage.settings.insert("stage".to_owned(), (name, 0..0));
        stage
    }

    /// All statements of a file.
    pub fn run(&mut self, text: &Text) -> Result<(), Problem> {
        let at = |span: Span| text.base() + span.start..text.base() + span.end;
        let tokens = tokens(&text.text).map_err(|broken| Problem::at(at(broken.span), broken.message))?;
        let statements =
            statements(&tokens).map_err(|broken| Problem::at(at(broken.span), broken.message))?;
        for one in statements {
            let said = statement(one.tokens, Language::Ruby);
            if !self.take(&said, text) {
                self.leave(&one, text);
            }
            if self.remarks.len() > MOST_LEFT_OUT {
                let message =
                    format!("more than {MOST_LEFT_OUT} statements up to here are no plain settings");
                return Err(Problem::at(at(one.span()), message));
            }
            if self.hosts.len() > MOST_ITEMS || self.hosts.iter().any(|host| host.roles.len() > MOST_ITEMS) {
                let message = format!("more than {MOST_ITEMS} hosts, or roles of one host");
                return Err(Problem::at(at(one.span()), message));
            }
        }
        Ok(())
    }

    /// A setting as it is at the end of the files; the value is none where it is not plain.
    pub fn settled(&self, key: &str) -> Option<(Option<Plain>, Span)> {
        let (known, span) = self.settings.get(key)?;
        Some((self.reader().settled(known.value.clone()), span.clone()))
    }

    fn reader(&self) -> Reader<'_> {
        Reader::new(Language::Ruby, self, &self.steps)
    }

    pub fn is_set(&self, key: &str) -> bool {
        self.settings.contains_key(key) || self.unread.contains_key(key)
    }

    /// Whether a statement is understood.
    fn take(&mut self, said: &Expression, text: &Text) -> bool {
        let Form::Call(name, arguments) = &said.form else { return false };
        let span = text.base() + said.span.start..text.base() + said.span.end;
        match (name.as_str(), arguments.as_slice()) {
            ("lock", _) => true,
            ("require", [file]) => {
                self.value(file).is_some_and(|file| HAD.iter().any(|had| file.value.text() == Some(had)))
            }
            // Said as `install_plugin Capistrano::SCM::Git`, which is what is done here, too.
            ("install_plugin", _) => text.text[said.span.clone()].trim_end().ends_with("SCM::Git"),
            ("=", [name, value]) => self.assign(name, value),
            ("set", [key, value]) => self.set(key, value, text, &span),
            ("set_if_empty", [key, value]) => match self.key(key) {
                Some(key) if self.is_set(&key) => true,
                _ => self.set(key, value, text, &span),
            },
            ("ask", [key, value, ..]) => self.ask(key, value, text, &span),
            ("append" | "remove", [key, values @ ..]) => {
                self.change(name == "append", (key, values), text, &span)
            }
            ("server", [name, options @ ..]) => self.server(name, options, text, &span),
            ("role", [role, hosts, options @ ..]) => self.role((role, hosts), options, text, &span),
            _ => false,
        }
    }

    fn value(&self, expression: &Expression) -> Option<Known> {
        let reader = self.reader();
        let value = reader.value(expression).filter(|value| *value != Plain::Unset)?;
        Some(Known { value, asked: reader.asked.get() })
    }

    pub(super) fn key(&self, expression: &Expression) -> Option<String> {
        self.value(expression)?.value.text().map(str::to_owned)
    }

    fn assign(&mut self, name: &Expression, value: &Expression) -> bool {
        let Some(name) = self.key(name) else { return false };
        let value = self.value(value);
        assign(&mut self.variables, name, value)
    }

    fn set(&mut self, key: &Expression, value: &Expression, text: &Text, span: &Span) -> bool {
        let Some(key) = self.key(key) else { return false };
        let Some(Known { value, asked }) = self.value(value).filter(|known| fits(&key, &known.value)) else {
            self.settings.remove(&key);
            return false;
        };
        if asked && TAKEN_OVER.contains(&key.as_str()) {
            self.say_taken(&key, &value, NOT_SET, (text, span));
        }
        let understood = match key.as_str() {
            "scm" => value.text() == Some("git"),
            "ssh_options" => ssh_options(&value).is_some(),
            key => TAKEN_OVER.contains(&key),
        };
        self.unread.remove(&key);
        self.settings.insert(key, (Known { value, asked }, span.clone()));
        understood
    }

    fn say_taken(&mut self, key: &str, value: &Plain, because: &str, (text, span): (&Text, &Span)) {
        let value = match value {
            Plain::Text(text) => format!("`{text}`"),
            Plain::Number(number) => number.to_string(),
            _ => "the list below".to_owned(),
        };
        self.remarks.push(taken(text, span, key, &value, because));
    }

    fn ask(&mut self, key: &Expression, value: &Expression, text: &Text, span: &Span) -> bool {
        let Some(key) = self.key(key) else { return false };
        // Asked for now: what is worked out late is its value as it is here.
        let value = self.value(value).and_then(|known| self.reader().settled(known.value));
        let Some(value) = value.filter(|value| fits(&key, value)) else {
            self.settings.remove(&key);
            return false;
        };
        let understood = TAKEN_OVER.contains(&key.as_str());
        if understood {
            self.say_taken(&key, &value, NOT_ANSWERED, (text, span));
        }
        self.unread.remove(&key);
        self.settings.insert(key, (Known { value, asked: false }, span.clone()));
        understood
    }

    fn change(
        &mut self,
        append: bool,
        (key, values): (&Expression, &[Expression]),
        text: &Text,
        span: &Span,
    ) -> bool {
        let Some(key) = self.key(key) else { return false };
        let values: Option<Vec<Known>> = values.iter().map(|value| self.value(value)).collect();
        let Some(values) = values else { return false };
        let asked = values.iter().any(|known| known.asked);
        let values = values.into_iter().map(|known| known.value).collect();
        let before = self.settled(&key).map_or(Some(Vec::new()), |(value, _)| value?.texts());
        let (Some(mut all), Some(changed)) = (before, Plain::List(values).texts()) else { return false };
        if append {
            all.extend(changed);
        } else {
            all.retain(|text| !changed.contains(text));
        }
        let understood = LISTS.contains(&key.as_str());
        let all = Plain::List(all.into_iter().map(Plain::Text).collect()).bounded();
        let Some(value) = all.filter(|value| !understood || value.texts().as_ref().is_some_and(few)) else {
            return false;
        };
        if asked && understood {
            self.say_taken(&key, &value, NOT_SET, (text, span));
        }
        self.settings.insert(key, (Known { value, asked }, span.clone()));
        understood
    }

    /// The host of that name, which may be known already.
    fn host(&mut self, host: Host) -> usize {
        let known = self.hosts.iter().position(|known| known.may_be(&host));
        let Some(at) = known else {
            self.hosts.push(host);
            return self.hosts.len() - 1;
        };
        let known = &mut self.hosts[at];
        known.user = known.user.take().or(host.user);
        at
    }

    fn server(&mut self, name: &Expression, options: &[Expression], text: &Text, span: &Span) -> bool {
        let Some(Known { value: Plain::Text(name), mut asked }) = self.value(name) else { return false };
        let pairs: Option<Vec<(String, Option<Known>)>> =
            options.iter().map(|option| self.pair(option)).collect();
        let Some(pairs) = pairs else { return false };
        // Nothing is deployed to such a host.
        let find = |name: &str| {
            let (_, known) = pairs.iter().rfind(|(key, _)| key == name)?;
            known.as_ref().map(|known| &known.value)
        };
        if find("no_release") == Some(&Plain::Flag(true)) {
            return false;
        }
        let mut host = Host::of(&name, span);
        if let Some(Plain::Number(port)) = find("port") {
            host.port = Some(node(Value::Integer(*port), span));
        }
        let at = self.host(host);
        for (option, (key, known)) in options.iter().zip(pairs) {
            let taken = known.filter(|known| self.option(at, &key, &known.value, span));
            asked |= taken.as_ref().is_some_and(|known| known.asked);
            if taken.is_none() {
                self.leave_option(option, text);
            }
        }
        if asked {
            self.remarks.push(taken(text, span, &format!("server `{name}`"), "as below", NOT_SET));
        }
        true
    }

    fn leave_option(&mut self, option: &Expression, text: &Text) {
        if self.remarks.len() <= MOST_LEFT_OUT {
            let span = text.base() + option.span.start..text.base() + option.span.end;
            self.remarks.push(left_out(text, &span));
        }
    }

    fn pair(&self, option: &Expression) -> Option<(String, Option<Known>)> {
        match &option.form {
            Form::Pair(key, value) => Some((key.clone(), self.value(value))),
            _ => None,
        }
    }

    fn option(&mut self, at: usize, key: &str, value: &Plain, span: &Span) -> bool {
        let host = &mut self.hosts[at];
        match (key, value) {
            ("user", Plain::Text(user)) => host.user = Some(text_node(user, span)),
            // A part of what the host is found by.
            ("port", Plain::Number(_)) => {}
            ("roles", roles) => {
                let Some(roles) = roles.texts().filter(few) else { return false };
                roles.iter().for_each(|role| add_role(host, role, span));
            }
            // Which host migrates: the first one, here.
            ("primary", Plain::Flag(primary)) => return at == 0 || !primary,
            ("ssh_options", options) => {
                let Some(mut options) = ssh_options(options) else { return false };
                let port = options.port.take().map(|port| node(Value::Integer(port), span));
                self.ports.extend(port.map(|port| (at, port)));
                options.apply(host, span);
            }
            _ => return false,
        }
        true
    }

    fn role(
        &mut self,
        (role, hosts): (&Expression, &Expression),
        options: &[Expression],
        text: &Text,
        span: &Span,
    ) -> bool {
        let Some(Known { value, asked }) = self.value(hosts) else { return false };
        let (Some(role), Some(hosts)) = (self.key(role), value.texts().filter(few)) else { return false };
        if options.iter().any(|option| !matches!(option.form, Form::Pair(..))) {
            return false;
        }
        for host in hosts {
            let at = self.host(Host::of(&host, span));
            add_role(&mut self.hosts[at], &role, span);
        }
        if asked {
            self.say_taken(&format!("role `{role}`"), &value, NOT_SET, (text, span));
        }
        options.iter().for_each(|option| self.leave_option(option, text));
        true
    }

    /// Values that are worked out late, from what is not set with the operator.
    fn say_late(&mut self, texts: &[&Text]) {
        for key in TAKEN_OVER {
            let Some((known, span)) = self.settings.get(key).cloned() else { continue };
            let reader = self.reader();
            let late = matches!(known.value, Plain::Lazy(_));
            let value = reader.settled(known.value).filter(|_| late && reader.asked.get());
            let text = texts.iter().rfind(|text| text.base() <= span.start);
            if let (Some(value), Some(text)) = (value, text) {
                self.say_taken(key, &value, NOT_SET, (text, &span));
            }
        }
    }

    /// What is worked out late, and what is said of SSH for all hosts, where a host says nothing else.
    pub fn finish(&mut self, texts: &[&Text]) {
        self.say_late(texts);
        for (at, port) in std::mem::take(&mut self.ports) {
            self.hosts[at].port = Some(port);
        }
        let Some((known, span)) = self.settings.get("ssh_options").cloned() else { return };
        let Some(options) = ssh_options(&known.value) else { return };
        for host in &mut self.hosts {
            let own = host.clone();
            options.apply(host, &span);
            host.user = own.user.or(host.user.take());
            host.port = own.port.or(host.port.take());
            host.key = own.key.or(host.key.take());
        }
    }
}

fn add_role(host: &mut Host, role: &str, span: &Span) {
    if !host.roles.iter().any(|known| matches!(&known.value, Value::Text(known) if known == role)) {
        host.roles.push(text_node(role, span));
    }
}

#[allow(clippy::ptr_arg, reason = "what Option::filter hands on")]
fn few(texts: &Vec<String>) -> bool {
    texts.len() <= MOST_ITEMS
}

/// Whether a value is of the kind that the key has.
fn fits(key: &str, value: &Plain) -> bool {
    match key {
        "linked_files" | "linked_dirs" => value.texts().is_some() || matches!(value, Plain::Lazy(_)),
        "keep_releases" => matches!(value, Plain::Number(_) | Plain::Text(_)),
        "application" | "repo_url" | "branch" | "deploy_to" => {
            matches!(value, Plain::Text(_) | Plain::Number(_) | Plain::Lazy(_))
        }
        _ => true,
    }
}
