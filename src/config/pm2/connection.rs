//! How pm2 logs in: `user`, `port`, `key`, `ssh_options`, `forward-agent`, `needs_tty`.

use super::remark::RemarkKind;
use super::translator::Translator;
use crate::config::file::{Entry, Node, Value};
use crate::config::problem::Problem;

pub(super) fn translate(translator: &mut Translator<'_>) {
    if let Some((user, entry)) = translator.text_of("user")
        && !translator.refuse_placeholder("user", &entry.node)
    {
        translator.make_text("user", user, entry);
    }
    if let Some(entry) = translator.entry("port") {
        let value = match &entry.node.value {
            Value::Text(text) => port(text, &entry.node),
            other => Ok(other.clone()),
        };
        if let Some(value) = translator.problems.keep(value) {
            translator.make("port", value, entry);
        }
    }
    if let Some((key, entry)) = translator.text_of("key")
        && let Some(key) = translator.problems.keep(private(key, entry))
    {
        translator.make_text("key", key, entry);
    }
    let by_option = options(translator);
    agent(translator, by_option);
    if let Some(entry) = translator.entry("needs_tty")
        && !matches!(entry.node.value, Value::Flag(false))
    {
        translator.remark(&entry.key_span, RemarkKind::NoTerminal);
    }
}

/// A port that is written as text, as pm2 wants it.
pub(super) fn port(text: &str, node: &Node) -> Result<Value, Problem> {
    let port = text.trim().parse().map(Value::Integer);
    port.map_err(|_| node.problem(format!("`{text}` is not a port")).help("a number between 1 and 65535"))
}

/// The public half opens nothing.
fn private(key: &str, entry: &Entry) -> Result<String, Problem> {
    match key.trim().strip_suffix(".pub") {
        None => Ok(key.trim().to_owned()),
        Some(private) => {
            let problem = entry.node.problem(format!("`{key}` is a public key, with which nobody logs in"));
            Err(problem.help(format!("name the private key: key: '{private}'")))
        }
    }
}

/// Options of ssh. The entry with which one of them lends the agent, for which shipit has a key.
fn options<'a>(translator: &mut Translator<'a>) -> Option<&'a Entry> {
    let entry = translator.entry("ssh_options")?;
    let mut options = Vec::new();
    let mut lends = false;
    for item in entry.node.items() {
        let Value::Text(option) = &item.value else {
            translator.problems.push(item.expected("a string, as after `ssh -o`"));
            continue;
        };
        // Several in one text, as they were put on the command line.
        for option in option.split(" -o ").map(str::trim).filter(|option| !option.is_empty()) {
            let option = option.strip_prefix("-o").map_or(option, str::trim);
            let (name, value) = option.split_once(['=', ' ']).unwrap_or((option, ""));
            match name.trim().eq_ignore_ascii_case("ForwardAgent") {
                true => lends = value.trim().eq_ignore_ascii_case("yes"),
                false => options.push(option.to_owned()),
            }
        }
    }
    if !options.is_empty() {
        translator.make_list("ssh-options", options, entry);
    }
    lends.then_some(entry)
}

/// Any text lends the agent for pm2. `true` means it, although pm2 ignores it; so does a "no", although pm2 does not.
fn agent<'a>(translator: &mut Translator<'a>, by_option: Option<&'a Entry>) {
    let lends = match translator.entry("forward-agent") {
        None => by_option,
        Some(entry) => match &entry.node.value {
            Value::Text(text) if ["no", "false", "0"].contains(&text.trim().to_lowercase().as_str()) => {
                translator.remark(&entry.key_span, RemarkKind::AgentNotLent { value: text.clone() });
                by_option
            }
            Value::Text(_) | Value::Flag(true) => Some(entry),
            Value::Flag(false) => by_option,
            _ => {
                translator.problems.push(entry.node.expected("true, false or a string"));
                None
            }
        },
    };
    if let Some(entry) = lends {
        translator.make_text("forward-agent", "all", entry);
        translator.remark(&entry.key_span, RemarkKind::AgentForAll);
    }
}
