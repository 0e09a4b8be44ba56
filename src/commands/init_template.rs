//! What `init` fills: a file for any project, or that of an example.

use super::init_answers::{Answers, asked};
use super::init_supervisor::InitSupervisor;
use crate::config;
use crate::report::Printer;

const ANY: &str = include_str!("../../templates/shipit.toml");

/// The files of the examples, by the names that `--template` takes.
const EXAMPLES: [(&str, &str); 6] = [
    ("node-pm2", include_str!("../../examples/node-pm2/shipit.toml")),
    ("node-systemd", include_str!("../../examples/node-systemd/shipit.toml")),
    ("python-supervisord", include_str!("../../examples/python-supervisord/shipit.toml")),
    ("static", include_str!("../../examples/one-server/shipit.toml")),
    ("binary-systemd", include_str!("../../examples/binary-systemd/shipit.toml")),
    ("several-repositories", include_str!("../../examples/several-repositories/shipit.toml")),
];

/// A file with places to fill.
#[derive(Debug, Clone, Copy)]
pub(super) struct Template {
    text: &'static str,
    /// It says how a project is built and run.
    is_example: bool,
}

impl Template {
    /// The one of that name; none: the one for any project.
    pub(super) fn of(name: Option<&str>) -> Self {
        let named = EXAMPLES.iter().find(|(known, _)| Some(*known) == name);
        named.map_or(Template { text: ANY, is_example: false }, |(_, text)| Template {
            text,
            is_example: true,
        })
    }

    /// The one that the user names; Enter takes the one for any project.
    pub(super) fn asked(printer: &Printer) -> Self {
        let names = EXAMPLES.map(|(name, _)| name);
        let read = |answer: &str| match answer {
            "" | "none" => Ok(Template::of(None)),
            name if names.contains(&name) => Ok(Template::of(Some(name))),
            other => Err(format!("no example is called `{other}`; there are {}", names.join(", "))),
        };
        let question = format!("example to start from: {} [none]", names.join(", "));
        asked(printer, &question, read).unwrap_or(Template::of(None))
    }

    pub(super) fn is_example(self) -> bool {
        self.is_example
    }

    /// With what is known; what would fail where there is no such program or service waits in a comment. A key is filled where
    /// it comes first: of several repositories the work tree is one.
    pub(super) fn filled(self, answers: &Answers) -> String {
        let hosts: Vec<String> = answers.hosts.iter().map(|host| config::quoted(host)).collect();
        let hosts = (!hosts.is_empty()).then(|| format!("[{}]", hosts.join(", ")));
        let quoted = |text: &Option<String>| text.as_deref().map(config::quoted);
        let mut text = String::new();
        let mut seen: Vec<&str> = Vec::new();
        // The rest of a value of several lines.
        let mut left_out = false;
        for line in self.text.lines() {
            if left_out {
                left_out = line != "\"\"\"";
                continue;
            }
            let key = line.split_once(" = ").map_or("", |(key, _)| key);
            let is_first = !seen.contains(&key);
            seen.push(key);
            let value = match key {
                _ if !is_first => None,
                "host" => hosts.clone(),
                "repo" => quoted(&answers.repo),
                "ref" => quoted(&answers.branch),
                "user" => quoted(&answers.user),
                "path" => quoted(&answers.path),
                "build" => quoted(&answers.build),
                "supervisor" => answers.supervisor.as_ref().map(InitSupervisor::toml),
                _ => None,
            };
            let waits = match key {
                "user" => value.is_none() && is_first,
                "build" | "supervisor" => value.is_none() && !self.is_example,
                "NODE_ENV" => !answers.is_node && !self.is_example,
                _ => false,
            };
            left_out = value.is_some() && line.ends_with("\"\"\"");
            text.push_str(if waits { "# " } else { "" });
            text.push_str(&value.map_or_else(|| line.to_owned(), |value| with_value(line, &value)));
            text.push('\n');
        }
        text
    }
}

/// The line with another value, its comment kept where it was.
fn with_value(line: &str, value: &str) -> String {
    let key = line.split(' ').next().unwrap_or_default();
    let comment = line.find('#');
    let text = format!("{key} = {value}");
    match comment {
        Some(at) => format!("{text:width$} {}", &line[at..], width = at.saturating_sub(1)),
        None => text,
    }
}
