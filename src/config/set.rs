//! `--set KEY.PATH=VALUE`: one more table over all others, made of what was typed.
//!
//! A value is TOML where it can be read as such, else a string, so that users need not quote for two languages. Mistakes are
//! shown in the typed text.

use super::file::{self, Entry, Node, Table, Value};
use super::keys::{self, Kind, Scope};
use super::problem::{Problem, Problems, Span};
use super::sources::Text;

/// What was typed, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// `KEY.PATH=VALUE`.
    pub text: String,
    /// What mistakes call it: `--set`, or a variable's name.
    pub origin: &'static str,
}

/// One setting, read: the keys of its path and the value.
pub(super) struct Assignment {
    keys: Vec<(String, Span)>,
    node: Node,
}

/// Reads one setting.
pub(super) fn read(text: &Text) -> Result<Assignment, Problem> {
    let typed = text.text.as_str();
    if let Ok(table) = file::parse(typed, text.base())
        && let Some(assignment) = single(table)
        && is_whole(&assignment, text)
    {
        return Ok(assignment);
    }
    for (at, _) in typed.match_indices('=') {
        // The key alone, as TOML reads keys: quotes, blanks and dots.
        let Ok(table) = file::parse(&format!("{}=0", &typed[..at]), text.base()) else { continue };
        if let Some(Assignment { keys, .. }) = single(table) {
            // Exactly what was typed, but for the blank of `key = value`.
            let blank = typed[..at].ends_with(' ') && typed[at + 1..].starts_with(' ');
            let start = at + 1 + usize::from(blank);
            let span = text.base() + start..text.base() + typed.len();
            let value = Value::Text(typed[start..].to_owned());
            return Ok(Assignment { keys, node: Node { value, span } });
        }
    }
    let whole = text.base()..text.base() + typed.len();
    Err(Problem::at(whole, "this is not a setting").help("write KEY=VALUE or KEY.KEY=VALUE: timeout.hook=1m"))
}

/// The one value of a document that holds no other.
fn single(mut table: Table) -> Option<Assignment> {
    let mut keys = Vec::new();
    loop {
        let entry = table.entries.pop().filter(|_| table.entries.is_empty() && !table.header)?;
        // The braces of an inline table begin with the value; a dotted key's table begins with a key.
        let dotted = matches!(&entry.node.value, Value::Table(inner) if is_dotted(inner, &entry));
        keys.push((entry.key, entry.key_span));
        match entry.node.value {
            Value::Table(inner) if dotted => table = inner,
            value => return Some(Assignment { keys, node: Node { value, span: entry.node.span } }),
        }
    }
}

fn is_dotted(inner: &Table, entry: &Entry) -> bool {
    inner.span.start <= entry.key_span.end
}

/// A date, or less than all that follows the equals sign (`5 # five`), is a string; so is a number where only text can be
/// meant (`ref=1234567`).
fn is_whole(assignment: &Assignment, text: &Text) -> bool {
    let Assignment { keys, node } = assignment;
    let end = text.local(&node.span).end;
    let keys: Vec<&str> = keys.iter().map(|(key, _)| key.as_str()).collect();
    let fits = match node.value {
        Value::Date => false,
        Value::Integer(_) | Value::Float(_) | Value::Flag(_) => !is_text(&keys),
        _ => true,
    };
    fits && text.text[end..].trim().is_empty()
}

/// Whether only text can be meant at a key of an environment, given as the keys that lead to it.
fn is_text(keys: &[&str]) -> bool {
    keys::at(keys).is_some_and(|key| {
        matches!(key.kind, Kind::Text | Kind::Texts | Kind::Secret | Kind::Hosts | Kind::Hooks)
    })
}

/// Whether the table of that key is merged key by key anyway: what is set adds to it.
fn is_merged(key: &str) -> bool {
    Scope::Environment.key(key).is_some_and(|key| match key.kind {
        Kind::Env | Kind::Apps => true,
        Kind::Table(inner) => inner.is_merged(),
        _ => false,
    })
}

/// All settings as one table, over what is `below`, of an app or of all: what is set inside of a table leaves the rest of
/// that table as it is, in each of the `apps` that have one.
pub(super) fn apply(
    assignments: &[Assignment],
    apps: &[&str],
    below: &dyn Fn(Option<&str>, &str) -> Option<Entry>,
    problems: &mut Problems,
) -> Table {
    let mut over = Table { entries: Vec::new(), span: 0..0, header: false };
    for Assignment { keys, node } in assignments {
        over.span = keys[0].1.clone();
        for keys in meant(keys, apps) {
            let (app, own) = match keys.as_slice() {
                [(apps, _), (app, _), own @ ..] if apps == "apps" => (Some(app.as_str()), own),
                own => (None, own),
            };
            if let [(first, _), _, ..] = own
                && !is_merged(first)
                && find(&over, &keys[..=keys.len() - own.len()]).is_none()
                && let Some(entry) = below(app, first)
            {
                problems.keep(put(&mut over, "", &keys[..=keys.len() - own.len()], &entry.node));
            }
            problems.keep(put(&mut over, "", &keys, node));
        }
    }
    over
}

/// A part of what an app has is set in each of them: none has the others' table.
fn meant(keys: &[(String, Span)], apps: &[&str]) -> Vec<Vec<(String, Span)>> {
    let (first, span) = &keys[0];
    if keys.len() < 2 || is_merged(first) || Scope::App.key(first).is_none() || apps.is_empty() {
        return vec![keys.to_vec()];
    }
    let of_app = |app: &&str| {
        let lead = ["apps", *app].map(|key| (key.to_owned(), span.clone()));
        lead.into_iter().chain(keys.iter().cloned()).collect()
    };
    apps.iter().map(of_app).collect()
}

fn find<'a>(table: &'a Table, keys: &[(String, Span)]) -> Option<&'a Entry> {
    let ((key, _), rest) = keys.split_first()?;
    let entry = table.get(key)?;
    if rest.is_empty() { Some(entry) } else { find(entry.node.as_table().ok()?, rest) }
}

/// `path` leads to the table, a dot after each key.
fn put(table: &mut Table, path: &str, keys: &[(String, Span)], node: &Node) -> Result<(), Problem> {
    let Some(((key, key_span), rest)) = keys.split_first() else { return Ok(()) };
    let new = || Entry { key: key.clone(), key_span: key_span.clone(), node: node.clone() };
    let at = table.entries.iter().position(|entry| entry.key == *key);
    if rest.is_empty() {
        match at {
            Some(at) => table.entries[at] = new(),
            None => table.entries.push(new()),
        }
        return Ok(());
    }
    let at = at.unwrap_or_else(|| {
        let empty = Table { entries: Vec::new(), span: key_span.clone(), header: false };
        let node = Node { value: Value::Table(empty), span: key_span.clone() };
        table.entries.push(Entry { key: key.clone(), key_span: key_span.clone(), node });
        table.entries.len() - 1
    });
    let entry = &mut table.entries[at];
    let kind = entry.node.kind();
    match &mut entry.node.value {
        Value::Table(inner) => put(inner, &format!("{path}{key}."), rest, node),
        _ => {
            let message = format!("`{path}{key}` is {kind} and has no keys to set");
            Err(Problem::at(key_span.clone(), message)
                .note(entry.node.span.clone(), "given here")
                .help(format!("set the whole value: {path}{key}=…")))
        }
    }
}
