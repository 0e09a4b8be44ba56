//! `host`: strings, tables and ranges become hosts, each with its login merged, each once. What an app has there is
//! read by `sites.rs`.

use std::collections::HashMap;

use super::command::{LocalCommand, Printed};
use super::environment::{ForwardAgent, Host};
use super::file::{Node, Table, Value};
use super::host_name::{self, MOST_HOSTS};
use super::keys::{self, Place, Scope};
use super::layers::Layers;
use super::problem::{Problem, Problems};
use super::sources::Sources;
use super::words::SshClient;
use super::{command, paths, values};

/// What all hosts of an environment have in common.
pub(super) struct Context<'a> {
    pub sources: &'a Sources,
    /// What commands printed; none: they were not run, and their hosts are missing.
    pub printed: Option<&'a Printed>,
    /// The environment's table and what it builds on.
    pub layers: Layers<'a>,
    pub environment: &'a str,
}

/// Hosts of one entry of the list, and the tables over the environment's that are for them.
pub(super) struct Group<'a> {
    pub hosts: Vec<Host>,
    pub tables: Vec<&'a Table>,
}

/// Settings of one entry of the list: the environment's, under those of the entry.
struct Settings<'a> {
    tables: Vec<&'a Table>,
    /// The entry itself says how to log in: then even `localhost` is reached over SSH.
    login: bool,
    user: Option<String>,
    /// The user, or the port, is set on the command line: then over those in the text of a host, too.
    user_is_set: bool,
    port: Option<u16>,
    port_is_set: bool,
    key: Option<std::path::PathBuf>,
    jump: Option<Vec<String>>,
    host_key: Option<String>,
    forward_agent: ForwardAgent,
    ssh_options: Vec<String>,
    ssh: SshClient,
    roles: Vec<String>,
}

/// The hosts that `node` (the value of `host`) names, and that its commands printed.
pub(super) fn read<'a>(node: &'a Node, context: &Context<'a>, problems: &mut Problems) -> Vec<Group<'a>> {
    let entries = node.items();
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut places = HashMap::new();
    let mut count = 0;
    let common = Settings::read(Vec::new(), context, problems);
    for entry in entries {
        for mut group in read_entry(entry, &common, context, problems) {
            let mut twice = false;
            group.hosts.retain(|host| {
                let alike = (host.machine.clone(), host.user.clone(), host.port);
                let first = places.insert(alike, entry.span.clone());
                if let Some(first) = first
                    && !std::mem::replace(&mut twice, true)
                {
                    let problem = entry.problem(format!("the host `{}` is named twice", host.address()));
                    problems.push(if first == entry.span {
                        problem
                    } else {
                        problem.note(first, "first named here")
                    });
                }
                !twice
            });
            count += group.hosts.len();
            groups.push(group);
        }
        if count > MOST_HOSTS {
            problems.push(entry.problem(format!("this is more than {MOST_HOSTS} hosts")));
            break;
        }
    }
    if entries.is_empty() {
        problems.push(node.problem("`host` must name at least one host"));
    }
    tell_apart(&mut groups);
    groups
}

/// Hosts of one name that differ in port, or else in user, have those in their names.
fn tell_apart(groups: &mut [Group<'_>]) {
    for with in [Host::address, Host::login] {
        let mut count: HashMap<String, usize> = HashMap::new();
        let hosts = || groups.iter().flat_map(|group| &group.hosts);
        hosts().for_each(|host| *count.entry(host.name.clone()).or_default() += 1);
        for host in groups.iter_mut().flat_map(|group| &mut group.hosts) {
            if count.get(&host.name).is_some_and(|count| *count > 1) {
                host.name = with(host);
            }
        }
    }
}

fn read_entry<'a>(
    entry: &'a Node,
    common: &Settings<'a>,
    context: &Context<'a>,
    problems: &mut Problems,
) -> Vec<Group<'a>> {
    match &entry.value {
        Value::Table(table) if table.get("command").is_some() => {
            read_command(table, common, context, problems)
        }
        Value::Table(table) => read_table(table, common, context, problems).into_iter().collect(),
        Value::Text(text) => vec![group(named(text, entry, common, problems), common)],
        _ => {
            problems.push(entry.expected("a host: a string or a table"));
            Vec::new()
        }
    }
}

fn group<'a>(hosts: Vec<Host>, settings: &Settings<'a>) -> Group<'a> {
    Group { hosts, tables: settings.tables.clone() }
}

/// The commands that `node` (the value of `host`) takes hosts from.
pub(super) fn commands(node: &Node, sources: &Sources) -> Vec<LocalCommand> {
    let tables = node.items().iter().filter_map(|item| item.as_table().ok());
    tables.filter_map(|table| command::read(table.get("command")?, sources).ok()).collect()
}

/// `{ command = "…" }`: what else the table holds is for all hosts that the command prints.
fn read_command<'a>(
    table: &'a Table,
    common: &Settings<'a>,
    context: &Context<'a>,
    problems: &mut Problems,
) -> Vec<Group<'a>> {
    let settings = table_settings(table, common, context, problems);
    let Some(entry) = table.get("command") else { return Vec::new() };
    if let Some(host) = table.get("host") {
        let problem = Problem::at(entry.key_span.clone(), "both `host` and `command`");
        problems.push(problem.note(host.key_span.clone(), "choose one of them"));
    }
    let command = problems.keep(command::read(entry, context.sources));
    let printed = command.as_ref().and_then(|command| context.printed?.get(command)).unwrap_or_default();
    printed.iter().flat_map(|node| read_entry(node, &settings, context, problems)).collect()
}

fn table_settings<'a>(
    table: &'a Table,
    common: &Settings<'a>,
    context: &Context<'a>,
    problems: &mut Problems,
) -> Settings<'a> {
    let parent = format!("deploy.{}", context.environment);
    let place = Place { name: format!("{parent}.hosts"), parent };
    keys::check(table, Scope::Host, &place, problems);
    let mut tables = common.tables.clone();
    tables.push(table);
    let mut settings = Settings::read(tables, context, problems);
    settings.login =
        ["user", "port", "key", "jump", "ssh-options"].iter().any(|key| table.get(key).is_some());
    settings
}

fn read_table<'a>(
    table: &'a Table,
    common: &Settings<'a>,
    context: &Context<'a>,
    problems: &mut Problems,
) -> Option<Group<'a>> {
    let settings = table_settings(table, common, context, problems);
    let Some(name) = table.get("host") else {
        let problem = Problem::at(table.span.clone(), "this table has no `host`");
        problems.push(problem.help("for example: { host = \"web1.example.com\", user = \"node\" }"));
        return None;
    };
    let mut hosts = Vec::new();
    for node in name.node.items() {
        let Some(text) = problems.keep(values::any_text(node)) else { continue };
        check_twice(text, node, table, problems);
        hosts.append(&mut named(text, node, &settings, problems));
    }
    Some(group(hosts, &settings))
}

/// The text and the table of a host must not both give the same setting.
fn check_twice(text: &str, node: &Node, table: &Table, problems: &mut Problems) {
    let Ok(address) = host_name::parse(text) else { return };
    for (given, key) in [(address.user.is_some(), "user"), (address.port.is_some(), "port")] {
        if let (true, Some(twice)) = (given, table.get(key)) {
            problems.push(
                node.problem(format!("`{text}` and `{key}` both give the {key}"))
                    .note(twice.key_span.clone(), "given again here"),
            );
        }
    }
}

fn named(text: &str, node: &Node, settings: &Settings<'_>, problems: &mut Problems) -> Vec<Host> {
    let parsed = host_name::parse(text).and_then(|address| Ok((host_name::expand(address.name)?, address)));
    let Some((names, address)) = problems.keep(parsed.map_err(|fault| fault.at(node.span.clone()))) else {
        return Vec::new();
    };
    let local = text == "localhost" && !settings.login;
    let user = address.user.filter(|_| !settings.user_is_set).map(str::to_owned);
    let port = address.port.filter(|_| !settings.port_is_set);
    let host = |name: String| Host {
        machine: name.clone(),
        name,
        local,
        user: user.clone().or_else(|| settings.user.clone()).filter(|_| !local),
        port: port.or(settings.port).filter(|_| !local),
        key: settings.key.clone().filter(|_| !local),
        jump: settings.jump.clone().filter(|_| !local),
        host_key: settings.host_key.clone().filter(|_| !local),
        forward_agent: if local { ForwardAgent::No } else { settings.forward_agent },
        ssh_options: if local { Vec::new() } else { settings.ssh_options.clone() },
        ssh: settings.ssh,
        roles: settings.roles.clone(),
    };
    names.into_iter().map(host).collect()
}

impl<'a> Settings<'a> {
    fn read(tables: Vec<&'a Table>, context: &Context<'a>, problems: &mut Problems) -> Self {
        let layers = tables.iter().fold(context.layers.clone(), |layers, table| layers.with(table));
        Self {
            login: false,
            user: layers.last("user", problems, user),
            user_is_set: layers.is_set("user"),
            port: layers.last("port", problems, values::port),
            port_is_set: layers.is_set("port"),
            key: layers.last("key", problems, |node| {
                paths::key_file(node, &context.sources.of(&node.span).directory)
            }),
            jump: layers.last("jump", problems, jump),
            host_key: layers.last("host-key", problems, values::fingerprint),
            forward_agent: layers.last("forward-agent", problems, forward_agent).unwrap_or_default(),
            ssh_options: layers
                .last("ssh-options", problems, |node| values::list(node, values::line))
                .unwrap_or_default(),
            ssh: layers.last("ssh", problems, SshClient::read).unwrap_or_default(),
            // Of the tables of hosts alone: those of apps have roles of another meaning.
            roles: tables
                .iter()
                .filter_map(|table| problems.keep(values::roles(&table.get("roles")?.node)))
                .next_back()
                .unwrap_or_default(),
            tables,
        }
    }
}

fn user(node: &Node) -> Result<String, Problem> {
    let text = values::line(node)?;
    match host_name::check_user(&text) {
        Ok(()) => Ok(text),
        Err(reason) => Err(node.problem(format!("`{text}` is not a valid login: {reason}"))),
    }
}

/// `forward-agent`: `true` is git alone.
fn forward_agent(node: &Node) -> Result<ForwardAgent, Problem> {
    match &node.value {
        Value::Flag(true) => Ok(ForwardAgent::Git),
        Value::Flag(false) => Ok(ForwardAgent::No),
        _ => values::choice(node, &[("git", ForwardAgent::Git), ("all", ForwardAgent::All)]),
    }
}

/// `jump`: a list, or a string with commas as after `ssh -J`.
fn jump(node: &Node) -> Result<Vec<String>, Problem> {
    let hosts = values::list(node, values::line)?;
    let hosts: Vec<String> =
        hosts.iter().flat_map(|hosts| hosts.split(',')).map(|host| host.trim().to_owned()).collect();
    for host in &hosts {
        let address = host_name::parse(host).map_err(|fault| fault.at(node.span.clone()))?;
        if host_name::expand(address.name).map_err(|fault| fault.at(node.span.clone()))?.len() != 1 {
            return Err(node.problem(format!("`{host}`: a jump host cannot be a range")));
        }
    }
    Ok(hosts)
}

impl Host {
    /// The same with the login, where the file gives one.
    pub fn login(&self) -> String {
        self.user.as_ref().map_or_else(|| self.address(), |user| format!("{user}@{}", self.address()))
    }

    /// Name and, where the file gives one, port.
    pub fn address(&self) -> String {
        match self.port {
            None => self.machine.clone(),
            Some(port) if self.machine.contains(':') => format!("[{}]:{port}", self.machine),
            Some(port) => format!("{}:{port}", self.machine),
        }
    }
}
