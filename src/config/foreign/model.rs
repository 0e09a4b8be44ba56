//! What all of these tools say of an environment, and how that stands in a `shipit.toml`.

use std::path::Path;

use super::shown::shown;
use crate::config::file::{Entry, Node, Table, Value};
use crate::config::pm2::{Remark, RemarkKind, Section, Unread};
use crate::config::problem::{Problem, Span};
use crate::config::sources::Text;

/// Characters of a statement that are shown.
const LONGEST_SHOWN: usize = 80;

/// Statements that are left out of one file: more of them is no configuration.
pub(super) const MOST_LEFT_OUT: usize = 500;

/// Hosts of one environment, roles of one host, paths in `shared`, at most.
pub(super) const MOST_ITEMS: usize = 1000;

/// The environments of more than a configuration.
pub(super) const MOST_ENVIRONMENTS: usize = 200;

/// Why a value of the operator's environment is what it is.
pub(super) const NOT_SET: &str = "what the file says where your environment variable is not set";

/// One host.
#[derive(Clone)]
pub(super) struct Host {
    pub name: Node,
    pub user: Option<Node>,
    pub port: Option<Node>,
    pub key: Option<Node>,
    pub roles: Vec<Node>,
}

/// One environment.
#[derive(Clone, Default)]
pub(super) struct Target {
    pub name: String,
    /// Where the file begins to say something of it.
    pub span: Span,
    pub hosts: Vec<Host>,
    pub repo: Option<Node>,
    pub branch: Option<Node>,
    pub path: Option<Node>,
    pub keep: Option<Node>,
    /// Files, and directories that end in `/`.
    pub shared: Vec<Node>,
    pub remarks: Vec<Remark>,
    pub problems: Vec<Problem>,
}

/// A statement that is not taken over, named by its first line.
pub(super) fn left_out(text: &Text, span: &Span) -> Remark {
    let whole = text.text.get(text.local(span)).unwrap_or_default();
    let statement = whole.trim();
    let start = span.start + whole.len() - whole.trim_start().len();
    let span = &(start..start + statement.len());
    let first = statement.lines().next().unwrap_or_default();
    let (from, to) = (text.line(span), text.line(&(span.end..span.end)));
    let shown = shown(first);
    let mut line: String = shown.chars().take(LONGEST_SHOWN).collect();
    if line.len() < first.len() {
        line.push('…');
    }
    Remark {
        place: place(text, span),
        kind: RemarkKind::LeftOut { line, to: Some(to).filter(|to| *to > from) },
    }
}

/// What is not taken over, by a name for it.
pub(super) fn left_out_as(place: String, name: &str) -> Remark {
    let line = name.chars().take(LONGEST_SHOWN).collect();
    Remark { place, kind: RemarkKind::LeftOut { line, to: None } }
}

/// A value that the file does not say in so many words.
pub(super) fn taken(text: &Text, span: &Span, key: &str, value: &str, because: &str) -> Remark {
    let kind =
        RemarkKind::Taken { key: key.to_owned(), value: value.to_owned(), because: because.to_owned() };
    Remark { place: place(text, span), kind }
}

/// A text's own name without its directories, and the line of a place in it.
pub(super) fn place(text: &Text, span: &Span) -> String {
    let name = text.file.as_deref().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    format!("{name}:{}", text.line(span))
}

/// A value that the tool would have to work out.
pub(super) fn not_plain(span: &Span, key: &str, language: &str) -> Problem {
    let problem =
        Problem::at(span.clone(), format!("`{key}` is not a plain value, and {language} is not run"));
    problem.help("write the value here, and import again")
}

impl Host {
    /// `user@name:port`
    pub fn of(text: &str, span: &Span) -> Self {
        let (user, rest) = text.rsplit_once('@').map_or((None, text), |(user, rest)| (Some(user), rest));
        let port = rest.rsplit_once(':').filter(|(name, _)| !name.contains(':') && !rest.ends_with(']'));
        let port = port.and_then(|(name, port)| Some((name, port.parse().ok()?)));
        let (name, port) = port.map_or((rest, None), |(name, port)| (name, Some(port)));
        Self {
            name: text_node(name, span),
            user: user.map(|user| text_node(user, span)),
            port: port.map(|port| node(Value::Integer(port), span)),
            key: None,
            roles: Vec::new(),
        }
    }

    /// The same name and port, and no other login as far as both name one.
    pub fn may_be(&self, other: &Self) -> bool {
        let alike = |one: &Option<Node>, two: &Option<Node>| match (one, two) {
            (Some(one), Some(two)) => one.same_text(two),
            _ => true,
        };
        let port = |host: &Self| match host.port.as_ref()?.value {
            Value::Integer(port) => Some(port),
            _ => None,
        };
        self.name.same_text(&other.name) && port(self) == port(other) && alike(&self.user, &other.user)
    }

    pub fn is(&self, text: &str) -> bool {
        matches!(&self.name.value, Value::Text(name) if name == text)
    }
}

/// The section of these environments; `span` is what mistakes in the whole file point at.
pub(super) fn section(texts: &[&Text], targets: Vec<Target>, span: &Span) -> Result<Section, Unread> {
    if targets.iter().all(|target| target.hosts.is_empty()) {
        let problem = Problem::at(span.clone(), "no hosts are named here in a form that can be read");
        return Err(Unread::Problem(problem.help("write a shipit.toml: shipit init")));
    }
    let mut section = Section { foreign: true, ..Section::default() };
    let mut entries = Vec::new();
    for mut target in targets {
        if target.hosts.is_empty() {
            let what = format!("environment {}: it has no hosts", target.name);
            let own = |text: &&&Text| text.base() <= target.span.start;
            let place = texts.iter().rfind(own).map(|text| place(text, &target.span)).unwrap_or_default();
            section.unplaced.push(Remark { place, kind: RemarkKind::LeftOut { line: what, to: None } });
            continue;
        }
        section.remarks.insert(target.name.clone(), std::mem::take(&mut target.remarks));
        section.problems.insert(target.name.clone(), std::mem::take(&mut target.problems));
        let span = target.hosts.first().map_or(span, |host| &host.name.span).clone();
        entries.push(entry(&target.name.clone(), Value::Table(table(target, &span)), &span));
    }
    let deploy = Table { entries, span: span.clone(), header: false };
    section.table = Table {
        entries: vec![entry("deploy", Value::Table(deploy), span)],
        span: span.clone(),
        header: false,
    };
    Ok(section)
}

fn table(target: Target, span: &Span) -> Table {
    let mut entries = Vec::new();
    let user = same(&target.hosts, |host| host.user.as_ref());
    let key = same(&target.hosts, |host| host.key.as_ref());
    let hosts = target.hosts.iter().map(|host| host_node(host, user.is_some(), key.is_some())).collect();
    let shared = Some(target.shared).filter(|shared| !shared.is_empty());
    let shared = shared.map(|shared| node(Value::List(shared), span));
    for (key, value) in [
        ("host", Some(node(Value::List(hosts), span))),
        ("user", user),
        ("key", key),
        ("repo", target.repo),
        ("ref", target.branch),
        ("path", target.path),
        ("keep-releases", target.keep),
        ("shared", shared),
    ] {
        entries.extend(value.map(|node| Entry { key: key.to_owned(), key_span: node.span.clone(), node }));
    }
    Table { entries, span: span.clone(), header: false }
}

/// What all hosts have.
fn same<'a>(hosts: &'a [Host], of: impl Fn(&'a Host) -> Option<&'a Node>) -> Option<Node> {
    let first = hosts.first().and_then(&of)?;
    let all = hosts.iter().all(|host| of(host).is_some_and(|own| own.same_text(first)));
    all.then(|| first.clone())
}

/// A name, where there is no more to say.
fn host_node(host: &Host, user: bool, key: bool) -> Node {
    let span = &host.name.span;
    let roles = Some(&host.roles).filter(|roles| !roles.is_empty());
    let parts = [
        ("host", Some(host.name.clone())),
        ("user", host.user.clone().filter(|_| !user)),
        ("port", host.port.clone()),
        ("key", host.key.clone().filter(|_| !key)),
        ("roles", roles.map(|roles| node(Value::List(roles.clone()), span))),
    ];
    let pairs: Vec<Entry> =
        parts.into_iter().filter_map(|(key, node)| Some(entry(key, node?.value, span))).collect();
    if pairs.len() == 1 {
        return host.name.clone();
    }
    node(Value::Table(Table { entries: pairs, span: span.clone(), header: false }), span)
}

/// Files, and directories with a `/` at their end; each once.
pub(super) fn shared(files: Vec<Node>, directories: Vec<Node>) -> Vec<Node> {
    let directory = |mut node: Node| {
        if let Value::Text(path) = &mut node.value {
            *path = format!("{}/", path.trim_end_matches('/'));
        }
        node
    };
    let mut seen = std::collections::BTreeSet::new();
    let all = files.into_iter().chain(directories.into_iter().map(directory));
    all.filter(|node| !matches!(&node.value, Value::Text(path) if !seen.insert(path.clone()))).collect()
}

pub(super) fn text_node(text: &str, span: &Span) -> Node {
    node(Value::Text(text.to_owned()), span)
}

pub(super) fn node(value: Value, span: &Span) -> Node {
    Node { value, span: span.clone() }
}

fn entry(key: &str, value: Value, span: &Span) -> Entry {
    Entry { key: key.to_owned(), key_span: span.clone(), node: node(value, span) }
}
