//! Hooks: texts that are sent as they are.
//!
//! `script` files are read here, once, so that what was planned is what runs.

use std::path::PathBuf;

use super::app::{Hook, Hooks};
use super::file::{Node, Source, Table, Value};
use super::keys::{self, Place, Scope};
use super::layers::Layers;
use super::problem::{Problem, Problems};
use super::sources::Sources;
use super::values;

/// Where the texts come from and what their tables are called in messages.
pub(super) struct Context<'a> {
    pub sources: &'a Sources,
    pub parent: &'a str,
}

/// All hooks of an environment.
pub(super) fn read(layers: &Layers<'_>, context: &Context<'_>, problems: &mut Problems) -> Hooks {
    let mut hook = |key: &str| -> Vec<Hook> {
        let mut hooks = Vec::new();
        for (table, _) in layers.tables() {
            if let Some(entry) = table.get(key) {
                let reader = Reader { context, key };
                hooks = reader.hooks(&entry.node, problems);
            }
        }
        hooks
    };
    Hooks {
        pre_setup: hook("pre-setup"),
        post_setup: hook("post-setup"),
        pre_deploy_local: hook("pre-deploy-local"),
        pre_deploy: hook("pre-deploy"),
        build: hook("build"),
        migrate: hook("migrate"),
        pre_activate: hook("pre-activate"),
        drain: hook("drain"),
        undrain: hook("undrain"),
        post_deploy: hook("post-deploy"),
        post_deploy_local: hook("post-deploy-local"),
        on_failure_local: hook("on-failure-local"),
    }
}

struct Reader<'a> {
    context: &'a Context<'a>,
    key: &'a str,
}

impl Reader<'_> {
    fn hooks(&self, node: &Node, problems: &mut Problems) -> Vec<Hook> {
        let items = node.items();
        let mut hooks: Vec<Hook> = items.iter().filter_map(|item| self.hook(item, problems)).collect();
        // An empty text is how an environment switches a default hook off.
        hooks.retain(|hook| !hook.text.trim().is_empty());
        let traffic = matches!(self.key, "drain" | "undrain");
        if traffic && hooks.iter().any(|hook| hook.local) && hooks.iter().any(|hook| !hook.local) {
            let problem = node
                .problem(format!("`{}` mixes scripts on your machine with scripts on the host", self.key));
            problems.push(
                problem
                    .label("all of them must run in the same place")
                    .help("set `local = true` for all of them, or for none"),
            );
        }
        hooks
    }

    fn hook(&self, node: &Node, problems: &mut Problems) -> Option<Hook> {
        match &node.value {
            Value::Table(table) => self.table(table, problems),
            Value::Text(_) => {
                let text = problems.keep(values::any_text(node))?.to_owned();
                Some(Hook { text, roles: Vec::new(), once: false, local: false, timeout: None, file: None })
            }
            _ => {
                problems.push(node.expected("a script: a string or a table, or a list of them"));
                None
            }
        }
    }

    fn table(&self, table: &Table, problems: &mut Problems) -> Option<Hook> {
        let place = Place {
            name: format!("{}.{}", self.context.parent, self.key),
            parent: self.context.parent.to_owned(),
        };
        keys::check(table, Scope::Hook, &place, problems);
        let mut flag = |key: &str| {
            let entry = table.get(key)?;
            let set = problems.keep(values::flag(&entry.node))?;
            // Such a hook runs here and once by its nature: the flag shows a misunderstanding.
            if set && self.key.ends_with("-local") {
                let message = format!("`{}` already runs once, on this machine", self.key);
                problems.push(Problem::at(entry.key_span.clone(), message).label("this has no effect"));
            }
            Some(set)
        };
        let (once, local) = (flag("once"), flag("local"));
        let default =
            |key, set: Option<bool>| set.unwrap_or_else(|| keys::default(Scope::Hook, key, values::flag));
        let (once, local) = (default("once", once), default("local", local));
        let roles = table.get("roles").and_then(|entry| problems.keep(values::roles(&entry.node)));
        let timeout = table.get("timeout").and_then(|entry| problems.keep(values::duration(&entry.node)));
        let (text, file) = problems.keep(self.text(table))?;
        Some(Hook { text, roles: roles.unwrap_or_default(), once, local, timeout, file })
    }

    fn text(&self, table: &Table) -> Result<(String, Option<PathBuf>), Problem> {
        match (table.get("run"), table.get("script")) {
            (Some(run), None) => Ok((values::any_text(&run.node)?.to_owned(), None)),
            (None, Some(script)) => {
                let source = self.script(&script.node)?;
                Ok((source.text, Some(source.file)))
            }
            (Some(run), Some(script)) => Err(Problem::at(script.key_span.clone(), "both `run` and `script`")
                .label("this file")
                .note(run.key_span.clone(), "or this text: choose one of them")),
            (None, None) => Err(Problem::at(table.span.clone(), "this hook has neither `run` nor `script`")
                .help("`run` is the script itself, `script` is a file that holds it")),
        }
    }

    fn script(&self, node: &Node) -> Result<Source, Problem> {
        let path = values::line(node)?;
        let directory = &self.context.sources.of(&node.span).directory;
        let source = Source::read(&directory.join(path)).map_err(|error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            node.problem(format!("{error}{}", cause.unwrap_or_default()))
                .help("`script` is a file on your machine, relative to the directory of this file")
        })?;
        if source.text.contains('\0') {
            return Err(node.problem(format!("{} holds a NUL", source.file.display())));
        }
        if source.text.contains("\r\n") {
            let file = source.file.display();
            return Err(node
                .problem(format!("{file} has lines that end with CRLF, as Windows writes them"))
                .label("a shell takes the carriage return for part of the last word")
                .help("save it with LF, and keep it so: `*.sh text eol=lf` in .gitattributes"));
        }
        Ok(source)
    }
}
