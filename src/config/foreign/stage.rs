//! What the statements of Capistrano's files say, one after the other, for one stage.

use std::collections::BTreeMap;

use super::expression::{Expression, Form, Language, statement};
use super::inner::inner_calls;
use super::model::{Host, MOST_LEFT_OUT, left_out, node, taken, text_node};
use super::plain::{Plain, Reader, Scope};
use super::ruby::{statements, tokens};
use super::token::Statement;
use crate::config::file::Value;
use crate::config::pm2::Remark;
use crate::config::problem::{Problem, Span};
use crate::config::sources::Text;

const TAKEN_OVER: [&str; 7] =
    ["application", "repo_url", "branch", "deploy_to", "linked_files", "linked_dirs", "keep_releases"];

/// Parts of Capistrano that shipit has itself.
const HAD: [&str; 5] =
    ["capistrano/setup", "capistrano/deploy", "capistrano/scm/git", "capistrano/git", "capistrano/framework"];

/// What begins a task: it runs on hosts, and sets nothing that is asked here.
const TASKS: [&str; 7] = ["namespace", "task", "desc", "before", "after", "on", "Rake"];

/// What a value of the operator's environment, or a question, is taken for.
const NOT_SET: &str = "what the file says where your environment variable is not set";
const NOT_ANSWERED: &str = "Capistrano asks for it, and this is its default";

#[derive(Default)]
pub(super) struct Stage {
    settings: BTreeMap<String, (Plain, Span)>,
    variables: BTreeMap<String, Plain>,
    pub hosts: Vec<Host>,
    /// What is set to something that Ruby would have to work out.
    pub unread: BTreeMap<String, Span>,
    pub remarks: Vec<Remark>,
    pub problems: Vec<Problem>,
}

impl Scope for Stage {
    fn setting(&self, name: &str) -> Option<Plain> {
        self.settings.get(name).map(|(value, _)| value.clone())
    }

    fn variable(&self, name: &str) -> Option<Plain> {
        self.variables.get(name).cloned()
    }
}

impl Stage {
    pub fn new(name: &str) -> Self {
        let mut stage = Self::default();
        stage.settings.insert("stage".to_owned(), (Plain::Text(name.to_owned()), 0..0));
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
        }
        Ok(())
    }

    /// A setting as it is at the end of the files; the value is none where it is not plain.
    pub fn settled(&self, key: &str) -> Option<(Option<Plain>, Span)> {
        let (value, span) = self.settings.get(key)?;
        Some((Reader::new(Language::Ruby, self).settled(value.clone()), span.clone()))
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
                self.value(file).is_some_and(|(file, _)| HAD.iter().any(|had| file.text() == Some(had)))
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
            ("append" | "remove", [key, values @ ..]) => self.change(name == "append", key, values, &span),
            ("server", [name, options @ ..]) => self.server(name, options, text, &span),
            ("role", [role, hosts, options @ ..]) => self.role((role, hosts), options, text, &span),
            _ => false,
        }
    }

    /// A plain value, and whether a variable of the operator was taken as not set.
    fn value(&self, expression: &Expression) -> Option<(Plain, bool)> {
        let reader = Reader::new(Language::Ruby, self);
        let value = reader.value(expression).filter(|value| *value != Plain::Unset)?;
        Some((value, reader.asked.get()))
    }

    fn key(&self, expression: &Expression) -> Option<String> {
        self.value(expression)?.0.text().map(str::to_owned)
    }

    fn assign(&mut self, name: &Expression, value: &Expression) -> bool {
        let Some(name) = self.key(name) else { return false };
        match self.value(value) {
            Some((value, false)) => self.variables.insert(name, value).is_none_or(|_| true),
            _ => {
                self.variables.remove(&name);
                false
            }
        }
    }

    fn set(&mut self, key: &Expression, value: &Expression, text: &Text, span: &Span) -> bool {
        let Some(key) = self.key(key) else { return false };
        let Some((value, asked)) = self.value(value).filter(|(value, _)| fits(&key, value)) else {
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
        self.settings.insert(key, (value, span.clone()));
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
        let Some((value, _)) = self.value(value).filter(|(value, _)| fits(&key, value)) else {
            self.settings.remove(&key);
            return false;
        };
        let understood = TAKEN_OVER.contains(&key.as_str());
        if understood {
            self.say_taken(&key, &value, NOT_ANSWERED, (text, span));
        }
        self.unread.remove(&key);
        self.settings.insert(key, (value, span.clone()));
        understood
    }

    fn change(&mut self, append: bool, key: &Expression, values: &[Expression], span: &Span) -> bool {
        let Some(key) = self.key(key) else { return false };
        let values: Option<Vec<Plain>> = values.iter().map(|value| Some(self.value(value)?.0)).collect();
        let before = self.settled(&key).map_or(Some(Vec::new()), |(value, _)| value?.texts());
        let (Some(mut all), Some(changed)) = (before, values.and_then(|values| Plain::List(values).texts()))
        else {
            return false;
        };
        if append {
            all.extend(changed);
        } else {
            all.retain(|text| !changed.contains(text));
        }
        let understood = ["linked_files", "linked_dirs"].contains(&key.as_str());
        let all = Plain::List(all.into_iter().map(Plain::Text).collect());
        self.settings.insert(key, (all, span.clone()));
        understood
    }

    /// The host of that name, which may be known already.
    fn host(&mut self, text: &str, span: &Span) -> usize {
        let host = Host::of(text, span);
        let known = self.hosts.iter().position(|known| known.may_be(&host));
        let Some(at) = known else {
            self.hosts.push(host);
            return self.hosts.len() - 1;
        };
        let known = &mut self.hosts[at];
        known.user = known.user.take().or(host.user);
        known.port = known.port.take().or(host.port);
        at
    }

    fn server(&mut self, name: &Expression, options: &[Expression], text: &Text, span: &Span) -> bool {
        let Some(name) = self.key(name) else { return false };
        let pairs: Option<Vec<(String, Option<Plain>)>> =
            options.iter().map(|option| self.pair(option)).collect();
        let Some(pairs) = pairs else { return false };
        // Nothing is deployed to such a host.
        if pairs.iter().any(|(key, value)| key == "no_release" && *value == Some(Plain::Flag(true))) {
            return false;
        }
        let at = self.host(&name, span);
        for (option, (key, value)) in options.iter().zip(pairs) {
            if !value.is_some_and(|value| self.option(at, &key, &value, span)) {
                self.leave_option(option, text);
            }
        }
        true
    }

    fn leave_option(&mut self, option: &Expression, text: &Text) {
        if self.remarks.len() <= MOST_LEFT_OUT {
            let span = text.base() + option.span.start..text.base() + option.span.end;
            self.remarks.push(left_out(text, &span));
        }
    }

    fn pair(&self, option: &Expression) -> Option<(String, Option<Plain>)> {
        match &option.form {
            Form::Pair(key, value) => Some((key.clone(), self.value(value).map(|(value, _)| value))),
            _ => None,
        }
    }

    fn option(&mut self, at: usize, key: &str, value: &Plain, span: &Span) -> bool {
        let host = &mut self.hosts[at];
        match (key, value) {
            ("user", Plain::Text(user)) => host.user = Some(text_node(user, span)),
            ("port", Plain::Number(port)) => host.port = Some(node(Value::Integer(*port), span)),
            ("roles", roles) => {
                let Some(roles) = roles.texts() else { return false };
                roles.iter().for_each(|role| add_role(host, role, span));
            }
            // Which host migrates: the first one, here.
            ("primary", Plain::Flag(primary)) => return at == 0 || !primary,
            ("ssh_options", options) => {
                let Some(options) = ssh_options(options) else { return false };
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
        let hosts = self.value(hosts).and_then(|(hosts, _)| hosts.texts());
        let (Some(role), Some(hosts)) = (self.key(role), hosts) else { return false };
        if options.iter().any(|option| !matches!(option.form, Form::Pair(..))) {
            return false;
        }
        for host in hosts {
            let at = self.host(&host, span);
            add_role(&mut self.hosts[at], &role, span);
        }
        options.iter().for_each(|option| self.leave_option(option, text));
        true
    }

    /// What is left out: its first line, and what stands in it that would have been taken over.
    fn leave(&mut self, statement: &Statement<'_>, text: &Text) {
        let at = |span: Span| text.base() + span.start..text.base() + span.end;
        self.remarks.push(left_out(text, &at(statement.span())));
        let first = statement.tokens.first().and_then(|token| token.word()).unwrap_or_default();
        if TASKS.contains(&first) {
            return;
        }
        for call in inner_calls(
            statement.tokens,
            &["set", "append", "remove", "ask", "server", "role", "set_if_empty"],
        ) {
            let known = call.key.as_deref().filter(|key| TAKEN_OVER.contains(key));
            if let Some(key) = known {
                self.unread.insert(key.to_owned(), at(call.span.clone()));
                self.settings.remove(key);
            }
            let host = call.name == "server" || call.name == "role";
            if call.within && (host || known.is_some()) && self.remarks.len() <= MOST_LEFT_OUT {
                self.remarks.push(left_out(text, &at(call.span)));
            }
        }
    }

    /// What is said of SSH for all hosts, where a host says nothing else.
    pub fn finish(&mut self) {
        let Some((value, span)) = self.settings.get("ssh_options").cloned() else { return };
        let Some(options) = ssh_options(&value) else { return };
        for host in &mut self.hosts {
            let own = host.clone();
            options.apply(host, &span);
            host.user = own.user.or(host.user.take());
            host.port = own.port.or(host.port.take());
            host.key = own.key.or(host.key.take());
        }
    }
}

#[derive(Default)]
struct SshOptions {
    user: Option<String>,
    port: Option<i64>,
    key: Option<String>,
}

impl SshOptions {
    fn apply(&self, host: &mut Host, span: &Span) {
        let text = |value: &Option<String>| value.as_ref().map(|text| text_node(text, span));
        host.user = text(&self.user).or(host.user.take());
        host.key = text(&self.key).or(host.key.take());
        host.port = self.port.map(|port| node(Value::Integer(port), span)).or(host.port.take());
    }
}

/// None: there is more in it than can be taken over.
fn ssh_options(value: &Plain) -> Option<SshOptions> {
    let Plain::List(pairs) = value else { return None };
    let mut options = SshOptions::default();
    for pair in pairs {
        let Plain::Pair(key, value) = pair else { return None };
        match (key.as_str(), value.as_ref()) {
            ("user", Plain::Text(user)) => options.user = Some(user.clone()),
            ("port", Plain::Number(port)) => options.port = Some(*port),
            ("forward_agent", Plain::Flag(false)) => {}
            ("keys", keys) => match keys.texts()?.as_slice() {
                [key] => options.key = Some(key.clone()),
                _ => return None,
            },
            _ => return None,
        }
    }
    Some(options)
}

fn add_role(host: &mut Host, role: &str, span: &Span) {
    if !host.roles.iter().any(|known| matches!(&known.value, Value::Text(known) if known == role)) {
        host.roles.push(text_node(role, span));
    }
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
