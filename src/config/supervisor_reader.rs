//! Reads `supervisor`: a word, a table, or a list of them.

use std::time::Duration;

use super::file::{Node, Table, Value};
use super::hooks::Context;
use super::keys::{self, Key, Place, Scope};
use super::layers::Layers;
use super::paths;
use super::problem::{Problem, Problems};
use super::supervisor::{KnownSupervisor, Program, Strategy, Supervisor, SupervisorCommands, SupervisorKind};
use super::values;

/// Keys that belong to the user's own commands.
const COMMANDS: [&str; 5] = ["reload", "start", "stop", "status", "verify"];
/// Keys that all supervisors have which shipit knows.
const KNOWN: [&str; 5] = ["kind", "strategy", "stable-for", "wait-port", "roles"];

/// Which of the tables wins is decided like for every key that is replaced as a whole. `app` names what runs where the file
/// does not.
pub(super) fn read(
    layers: &Layers<'_>,
    context: &Context<'_>,
    app: &str,
    problems: &mut Problems,
) -> Vec<Supervisor> {
    let mut last = Vec::new();
    for (table, _) in layers.tables() {
        if let Some(entry) = table.get("supervisor") {
            let reader = Reader { context, app };
            last = reader.all(&entry.node, problems);
        }
    }
    last
}

struct Reader<'a> {
    context: &'a Context<'a>,
    app: &'a str,
}

impl Reader<'_> {
    fn all(&self, node: &Node, problems: &mut Problems) -> Vec<Supervisor> {
        node.items().iter().filter_map(|item| self.one(item, problems)).collect()
    }

    fn one(&self, node: &Node, problems: &mut Problems) -> Option<Supervisor> {
        match &node.value {
            Value::Text(_) => {
                let program = problems.keep(values::choice(node, Program::WORDS).map_err(own_commands))?;
                // As a table that says no more than that.
                let table = Table { entries: Vec::new(), span: node.span.clone(), header: false };
                let kind = SupervisorKind::Known(self.known(&table, program, problems));
                Some(Supervisor { roles: Vec::new(), kind })
            }
            Value::Table(table) => self.table(table, problems),
            _ => {
                problems.push(node.expected("\"pm2\", the name of another supervisor, or a table"));
                None
            }
        }
    }

    fn table(&self, table: &Table, problems: &mut Problems) -> Option<Supervisor> {
        let parent = self.context.parent;
        let place = Place { name: format!("{parent}.supervisor"), parent: parent.to_owned() };
        keys::check(table, Scope::Supervisor, &place, problems);
        let roles = table.get("roles").and_then(|entry| problems.keep(values::roles(&entry.node)));
        let kind = match table.get("kind") {
            Some(kind) => {
                let program = problems.keep(values::choice(&kind.node, Program::WORDS))?;
                foreign_keys(table, program, problems);
                SupervisorKind::Known(self.known(table, program, problems))
            }
            None => SupervisorKind::Commands(commands(table, problems)?),
        };
        Some(Supervisor { roles: roles.unwrap_or_default(), kind })
    }

    fn known(&self, table: &Table, program: Program, problems: &mut Problems) -> KnownSupervisor {
        let mut settings = names(table, program, problems);
        if settings.is_empty() && program != Program::Pm2 {
            // A unit or a service is called like the app as a rule. pm2 has its file.
            settings.push((program.names(), self.app.to_owned()));
        }
        let mut add = |key: &'static str, read: &dyn Fn(&Node) -> Result<Vec<String>, Problem>| {
            let entry = table.get(key).filter(|_| program.keys().contains(&key));
            let values = entry.and_then(|entry| problems.keep(read(&entry.node)));
            settings.extend(values.into_iter().flatten().map(|value| (key, value)));
        };
        add("file", &|node| Ok(vec![file(node)?]));
        add("env", &|node| Ok(vec![name(node, Program::Pm2)?]));
        add("home", &|node| Ok(vec![paths::on_host(node)?]));
        add("jobs", &|node| values::list(node, |item| name(item, Program::Pm2)));
        add("scope", &|node| {
            Ok(vec![values::choice(node, &[("user", "user"), ("system", "system")])?.to_owned()])
        });
        if program == Program::Pm2 {
            // Its file has variables for each environment.
            settings.push(("environment", "{env}".to_owned()));
        }
        KnownSupervisor {
            program,
            strategy: strategy(table, program, problems),
            stable_for: duration(table, problems),
            wait_port: table.get("wait-port").and_then(|entry| problems.keep(values::port(&entry.node))),
            sudo: table.get("sudo").and_then(|entry| problems.keep(values::flag(&entry.node))) == Some(true),
            settings,
        }
    }
}

// Keys that this program has not.
fn foreign_keys(table: &Table, program: Program, problems: &mut Problems) {
    let has = |key: &str| KNOWN.contains(&key) || program.keys().contains(&key);
    let entries = table.entries.iter().filter(|entry| Scope::Supervisor.key(&entry.key).is_some());
    for entry in entries.filter(|entry| !has(&entry.key)) {
        let message = format!("`{}` is no key of a supervisor of the kind \"{}\"", entry.key, program.name());
        let problem = Problem::at(entry.key_span.clone(), message);
        let of_commands = COMMANDS.contains(&entry.key.as_str());
        problems.push(problem.help(if of_commands {
            "shipit knows how to reload it; leave `kind` out to use your own commands".to_owned()
        } else {
            format!("its keys are {}", program.keys().join(", "))
        }));
    }
}

fn names(table: &Table, program: Program, problems: &mut Problems) -> Vec<(&'static str, String)> {
    let keys = ["only", "unit", "service", "name"];
    let mut given = keys.iter().filter(|key| program.keys().contains(*key)).filter_map(|key| table.get(key));
    let Some(entry) = given.next() else { return Vec::new() };
    if let Some(other) = given.next() {
        let message = format!("both `{}` and `{}`: they mean the same here", entry.key, other.key);
        problems.push(Problem::at(other.key_span.clone(), message).note(entry.key_span.clone(), "the other"));
    }
    let names = problems.keep(values::list(&entry.node, |item| name(item, program))).unwrap_or_default();
    names.into_iter().map(|name| (program.names(), name)).collect()
}

fn name(node: &Node, program: Program) -> Result<String, Problem> {
    let text = values::line(node)?;
    match name_fault(&text, program, true) {
        Some(fault) => {
            Err(node.problem(format!("`{text}` is not a name that {} can have: {fault}", program.name())))
        }
        None => Ok(text),
    }
}

/// Why that cannot be a name. pm2's names are free text. Those of the others become arguments of commands, and no real one
/// has blanks or quotes; `placeholders`: they are not filled in yet.
pub(super) fn name_fault(text: &str, program: Program, placeholders: bool) -> Option<&'static str> {
    let plain = |c: char| {
        c.is_alphanumeric() || "._-:@*?+%/~\\".contains(c) || placeholders && matches!(c, '{' | '}')
    };
    match () {
        () if text.starts_with('-') => Some("it would be taken for an option"),
        () if program != Program::Pm2 && !text.chars().all(plain) => {
            Some("blanks, quotes and signs of a shell are not possible in one")
        }
        () => None,
    }
}

fn file(node: &Node) -> Result<String, Problem> {
    let text = values::line(node)?;
    if text.starts_with('-') || text.split('/').any(|part| part == "..") {
        return Err(node
            .problem(format!("`{text}` is not a file of the release or of the host"))
            .help("a path in the release, or one that starts with `/` or `~/`"));
    }
    Ok(text)
}

fn strategy(table: &Table, program: Program, problems: &mut Problems) -> Strategy {
    let Some(entry) = table.get("strategy") else { return program.usual_strategy() };
    let Some(strategy) = problems.keep(values::choice(&entry.node, Strategy::WORDS)) else {
        return program.usual_strategy();
    };
    if strategy == Strategy::Recreate && program != Program::Pm2 {
        problems.push(
            entry
                .node
                .problem(format!("{} has nothing to recreate: it reads its files again", program.name()))
                .help("strategy = \"restart\", or \"stop-start\""),
        );
    }
    strategy
}

fn duration(table: &Table, problems: &mut Problems) -> Duration {
    let set = table.get("stable-for").and_then(|entry| problems.keep(values::pause(&entry.node)));
    set.unwrap_or_else(|| keys::default(Scope::Supervisor, "stable-for", values::pause))
}

fn commands(table: &Table, problems: &mut Problems) -> Option<SupervisorCommands> {
    let allowed = |key: &str| COMMANDS.contains(&key) || key == "roles";
    for entry in &table.entries {
        if Scope::Supervisor.key(&entry.key).is_some() && !allowed(&entry.key) {
            let message = format!("`{}` needs a `kind`", entry.key);
            problems.push(
                Problem::at(entry.key_span.clone(), message)
                    .label("it is a key of a supervisor that shipit knows")
                    .help("for example: supervisor = { kind = \"pm2\" }"),
            );
        }
    }
    let mut command = |key: &str| -> Option<String> {
        let node = &table.get(key)?.node;
        let text = problems.keep(values::any_text(node))?;
        if text.trim().is_empty() {
            problems.push(node.problem(format!("`{key}` must not be empty")));
        }
        Some(text.to_owned())
    };
    let (start, stop) = (command("start"), command("stop"));
    let (status, verify) = (command("status"), command("verify"));
    if let Some(reload) = command("reload") {
        return Some(SupervisorCommands { reload, start, stop, status, verify });
    }
    if table.get("reload").is_none() {
        let problem = Problem::at(table.span.clone(), "the supervisor has neither `kind` nor `reload`");
        problems.push(problem.maybe_help(Scope::Supervisor.key("kind").and_then(Key::example)));
    }
    None
}

fn own_commands(problem: Problem) -> Problem {
    problem.help(
        "any other supervisor works with your own commands: supervisor = { reload = \"…\", verify = \"…\" }",
    )
}
