//! pm2's hooks: texts that stay as they are, but for `post-deploy`, of which what prepares a release is done before it is live.

use super::commands::Pm2Call;
use super::remark::RemarkKind;
use super::split::{self, Split};
use super::translator::{Translator, table};
use crate::config::file::{Entry, Node, Table, Value};
use crate::config::problem::Problem;
use crate::config::variable::escaped_braces;

pub(super) const POST_DEPLOY: &str = "post-deploy";

pub(super) fn translate(translator: &mut Translator<'_>) {
    pre_setup(translator);
    if let Some((text, entry)) = hook(translator, "pre-deploy-local") {
        translator.make_text("pre-deploy-local", text, entry);
    }
    pre_deploy(translator);
    post_deploy(translator);
    post_setup(translator);
}

/// The text of a hook. pm2 ignores a list, which cannot be what was meant.
fn hook<'a>(translator: &mut Translator<'a>, key: &str) -> Option<(&'a str, &'a Entry)> {
    let entry = translator.entry(key)?;
    match &entry.node.value {
        Value::Text(text) => Some((text.as_str(), entry)),
        Value::List(_) => {
            let problem = entry.node.problem(format!("`{key}` is a list, which pm2 ignores"));
            translator.problems.push(problem.help(format!("join it: '{key}': ['…', '…'].join(' && ')")));
            None
        }
        _ => {
            translator.problems.push(entry.node.expected("a string"));
            None
        }
    }
}

/// A local file, of which the host runs what is in it, or a command.
fn pre_setup(translator: &mut Translator<'_>) {
    let Some((text, entry)) = hook(translator, "pre-setup") else { return };
    let first = text.split_whitespace().next().unwrap_or_default();
    if !translator.text.directory.join(first).is_file() {
        return translator.make_text("pre-setup", text, entry);
    }
    if text.trim() != first {
        let problem =
            entry.node.problem(format!("`{first}` is a local script, and arguments cannot be sent with it"));
        return translator.problems.push(problem.help("write them into the script"));
    }
    let script = table(vec![("script", Value::Text(first.to_owned()))], &entry.node.span);
    translator.make("pre-setup", script, entry);
}

fn pre_deploy(translator: &mut Translator<'_>) {
    let Some((text, entry)) = hook(translator, "pre-deploy") else { return };
    let Some((rest, commands)) = split::without_git(text) else {
        about_git(translator, "pre-deploy", text, entry);
        return translator.make_text("pre-deploy", text, entry);
    };
    translator.remark(&entry.key_span, RemarkKind::GitDropped { hook: "pre-deploy".to_owned(), commands });
    if !rest.is_empty() {
        translator.make_text("pre-deploy", rest, entry);
    }
}

fn about_git(translator: &mut Translator<'_>, key: &str, text: &str, entry: &Entry) {
    if split::calls_git(text) {
        translator.remark(&entry.key_span, RemarkKind::GitInHook { hook: key.to_owned() });
    }
}

/// What every release needs is done for every release.
fn post_setup(translator: &mut Translator<'_>) {
    let Some((text, entry)) = hook(translator, "post-setup") else { return };
    if !split::only_builds(text) {
        translator.make_text("post-setup", text, entry);
        return translator.remark(&entry.key_span, RemarkKind::SetupElsewhere);
    }
    translator.remark(&entry.key_span, RemarkKind::SetupBuilds { text: text.to_owned() });
    let build = translator.made.iter_mut().find(|made| made.key == "build");
    match build.map(|build| &mut build.node.value) {
        Some(Value::Text(build)) if build.contains(text) => {}
        // A `cd` of one is not meant for the other.
        Some(Value::Text(build)) => *build = format!("({text}) && {build}"),
        _ => translator.make_text("build", text, entry),
    }
}

fn post_deploy(translator: &mut Translator<'_>) {
    let Some((text, entry)) = hook(translator, POST_DEPLOY) else {
        // A hook that was refused is no empty one.
        if translator.entry(POST_DEPLOY).is_none() {
            default_hook(translator);
        }
        return;
    };
    match split::split(text) {
        Ok(split) if !unknown_apps(translator, &split) => take_apart(translator, split, entry),
        Ok(split) => {
            let names = split.pm2.map(|(call, _)| call.only.join(" ")).unwrap_or_default();
            keep(translator, text, entry, names);
        }
        Err(part) => keep(translator, text, entry, part),
    }
}

fn keep(translator: &mut Translator<'_>, text: &str, entry: &Entry, part: String) {
    translator.make_text(POST_DEPLOY, text, entry);
    about_git(translator, POST_DEPLOY, text, entry);
    translator.remark(&entry.key_span, RemarkKind::Kept { part });
}

/// `pm2 reload web`, where the file has no app of that name: only the host knows what that is.
fn unknown_apps(translator: &Translator<'_>, split: &Split) -> bool {
    let apps = translator.raw.root.get("apps").map(|entry| entry.node.items()).unwrap_or_default();
    let tables = apps.iter().filter_map(|app| app.as_table().ok());
    let names: Vec<&str> = tables
        .filter_map(|app| match &app.get("name")?.node.value {
            Value::Text(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    let call = split.pm2.as_ref().map(|(call, _)| call).filter(|call| call.file.is_none());
    call.is_some_and(|call| call.only.iter().any(|name| !names.contains(&name.as_str())))
}

fn take_apart(translator: &mut Translator<'_>, split: Split, entry: &Entry) {
    let Split { profile, path, env, build, migrate, pm2 } = split;
    let mut parts = Vec::new();
    for (key, texts) in [("profile", profile), ("prepend-path", path)] {
        if !texts.is_empty() {
            parts.push(format!("{key} {}", texts.join(" ")));
            translator.make_list(key, texts, entry);
        }
    }
    if !env.is_empty() {
        parts
            .push(format!("env {}", env.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" ")));
        add_env(translator, env, entry);
    }
    for (key, text) in [("build", build), ("migrate", migrate)] {
        if let Some(text) = text {
            parts.push(format!("{key} `{text}`"));
            about_git(translator, key, &text, entry);
            translator.make_text(key, text, entry);
        }
    }
    if let Some((call, directory)) = pm2 {
        let (value, words) = supervisor(translator.name, &call, &directory, entry);
        parts.push(words);
        translator.make("supervisor", value, entry);
    }
    translator.remark(&entry.key_span, RemarkKind::Split { parts });
}

/// `export` in the hook stands over `env`, as it did there.
fn add_env(translator: &mut Translator<'_>, variables: Vec<(String, String)>, entry: &Entry) {
    let span = entry.node.span.clone();
    let place = translator.made.iter().position(|made| made.key == "env");
    let mut entries = match place.map(|at| translator.made.remove(at).node.value) {
        Some(Value::Table(table)) => table.entries,
        _ => Vec::new(),
    };
    for (key, value) in variables {
        entries.retain(|known: &Entry| known.key != key);
        let node = Node { value: Value::Text(escaped_braces(&value)), span: span.clone() };
        entries.push(Entry { key, key_span: entry.key_span.clone(), node });
    }
    translator.make("env", Value::Table(Table { entries, span, header: false }), entry);
}

/// pm2 as the supervisor, in the shortest form that means the call; the same in words.
fn supervisor(name: &str, call: &Pm2Call, directory: &str, entry: &Entry) -> (Value, String) {
    let file = call.file.as_ref().map(|file| match directory {
        "" => file.clone(),
        _ if file.starts_with(['/', '~']) => file.clone(),
        directory => format!("{directory}/{file}"),
    });
    let mut pairs = vec![("kind", Value::Text("pm2".to_owned()))];
    let mut words = "supervisor pm2".to_owned();
    if let Some(file) = file.filter(|file| !is_found(file)) {
        words.push_str(&format!(" with {file}"));
        pairs.push(("file", Value::Text(file)));
    }
    if let Some(env) = call.env.as_ref().filter(|env| *env != name) {
        words.push_str(&format!(", env_{env}"));
        pairs.push(("env", Value::Text(env.clone())));
    }
    if !call.only.is_empty() {
        words.push_str(&format!(", only {}", call.only.join(" ")));
        let node = |name: &String| Node { value: Value::Text(name.clone()), span: entry.node.span.clone() };
        pairs.push(("only", Value::List(call.only.iter().map(node).collect())));
    }
    match pairs.len() {
        1 => (Value::Text("pm2".to_owned()), words),
        _ => (table(pairs, &entry.node.span), words),
    }
}

/// Whether the adapter takes this file without being told: the first that it looks for.
fn is_found(file: &str) -> bool {
    file == "ecosystem.config.js"
}

/// `pm2 startOrRestart FILE --env ENV`, with this very file.
fn default_hook(translator: &mut Translator<'_>) {
    let entry = Entry {
        key: POST_DEPLOY.to_owned(),
        key_span: translator.table.span.start..translator.table.span.start,
        node: Node {
            value: Value::Flag(true),
            span: translator.table.span.start..translator.table.span.start,
        },
    };
    let file = translator.file_in_release.clone();
    // Its apps are elsewhere: `package.json` holds a deploy section alone.
    let own = translator.raw.root.get("apps").is_some();
    let call = Pm2Call { file: own.then(|| file.clone()), ..Pm2Call::default() };
    let (value, _) = supervisor(translator.name, &call, "", &entry);
    translator.make("supervisor", value, &entry);
    translator.remark(&entry.key_span, RemarkKind::DefaultHook { file });
}

/// What is wrong with the whole section.
pub(super) fn flat(deploy: &Table) -> Option<Problem> {
    let known = ["user", "host", "repo", "ref", "path"];
    let entry = deploy
        .entries
        .iter()
        .find(|entry| known.contains(&entry.key.as_str()) && entry.node.as_table().is_err())?;
    let problem = Problem::at(entry.key_span.clone(), "`deploy` has no environments");
    Some(problem.label("this belongs to an environment").help("deploy: { production: { … } }"))
}
