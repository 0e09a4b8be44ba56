//! `host` of pm2's: a name, an object, or a list of both.

use super::translator::Translator;
use crate::config::file::{Entry, Node, Table, Value};
use crate::config::problem::Problem;

/// Keys of the object of a host that shipit has for single hosts, too.
const OF_ONE_HOST: [&str; 4] = ["host", "user", "port", "key"];

pub(super) fn translate(translator: &mut Translator<'_>) {
    let Some(entry) = translator.require("host", "['web1.example.com']") else { return };
    if translator.refuse_placeholder("host", &entry.node) {
        return;
    }
    let items = entry.node.items();
    if items.is_empty() {
        let problem = entry.node.problem(format!("`deploy.{}` has no hosts", translator.name));
        translator.problems.push(problem.help("write them as after `ssh`: host: ['web1.example.com']"));
        return;
    }
    let hosts: Vec<Node> = items.iter().filter_map(|item| host(translator, item)).collect();
    if hosts.len() == items.len() {
        translator.make("host", Value::List(hosts), entry);
    }
}

fn host(translator: &mut Translator<'_>, node: &Node) -> Option<Node> {
    let kept = match &node.value {
        Value::Text(text) => name(text, node).map(|()| node.value.clone()),
        Value::Table(table) => object(table).map(Value::Table),
        _ => Err(node.expected("a host: a string or a table")),
    };
    let value = translator.problems.keep(kept)?;
    Some(Node { value, span: node.span.clone() })
}

/// pm2 puts the text on the command line of ssh as it is, so that options can follow.
fn name(text: &str, node: &Node) -> Result<(), Problem> {
    let mut words = text.split_whitespace();
    let (host, rest) = (words.next().unwrap_or_default(), words.collect::<Vec<_>>());
    if rest.is_empty() {
        return Ok(());
    }
    let problem = node.problem(format!("`{text}` holds options of ssh, which do not belong into a host"));
    Err(match rest.as_slice() {
        ["-p", port] => problem.help(format!("write host: '{host}' and port: '{port}'")),
        [option] if option.starts_with("-p") => {
            problem.help(format!("write host: '{host}' and port: '{}'", &option[2..]))
        }
        _ => problem
            .help(format!("write host: '{host}'; keys for the rest are `port`, `key` and `ssh_options`")),
    })
}

fn object(table: &Table) -> Result<Table, Problem> {
    if table.get("host").is_none() {
        return Err(Problem::at(table.span.clone(), "this host has no `host`")
            .help("{ host: 'web1.example.com', … }"));
    }
    let mut entries: Vec<Entry> = Vec::new();
    for entry in &table.entries {
        if !OF_ONE_HOST.contains(&entry.key.as_str()) {
            let problem =
                Problem::at(entry.key_span.clone(), format!("`{}` cannot be set for one host", entry.key));
            return Err(problem.help("give hosts that differ in it an environment of their own"));
        }
        let mut entry = entry.clone();
        if let ("port", Value::Text(text)) = (entry.key.as_str(), &entry.node.value) {
            entry.node.value = super::connection::port(text, &entry.node)?;
        }
        if let ("host", Value::Text(text)) = (entry.key.as_str(), &entry.node.value) {
            name(text, &entry.node)?;
        }
        entries.push(entry);
    }
    Ok(Table { entries, span: table.span.clone(), header: false })
}
