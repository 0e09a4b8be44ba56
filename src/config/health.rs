//! `health`: how shipit checks that the new release is healthy.
//!
//! Impossible values are reported with their place. A weaker table is read too, for its mistakes, but only the strongest counts:
//! parts of two different checks do not make a third one.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::endpoint::{self, HttpUrl};
use super::file::{Entry, Node, Table, Value};
use super::keys::{self, Place, Scope};
use super::layers::Layers;
use super::placeholders::Placeholders;
use super::problem::{Problem, Problems};
use super::values;

/// The shortest duration that can be written.
const SHORTEST: Duration = Duration::from_millis(1);

/// `health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// What is checked.
    pub check: HealthCheck,
    /// How soon the release must be healthy: 60 s.
    pub within: Duration,
    /// Time from one check to the next: 1 s.
    pub interval: Duration,
    /// How long one check may take: 5 s.
    pub timeout: Duration,
    /// How long it must stay healthy from the first good answer on, beyond `within` if need be: 0 s.
    pub stable_for: Duration,
}

/// What is checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HealthCheck {
    /// A page.
    Http(HttpCheck),
    /// Whether a port accepts connections.
    Tcp {
        /// Name or address, without brackets; from the deploy host's point of view.
        host: String,
        /// Not 0.
        port: u16,
    },
    /// A script as of a hook, run on the host; exit code 0: healthy.
    Command(String),
}

/// `health = { http, … }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpCheck {
    /// What is requested.
    pub url: HttpUrl,
    /// The healthy status codes, at least one.
    pub status: Vec<RangeInclusive<u16>>,
    /// What the body must contain.
    pub body: Option<String>,
    /// A header or the body must contain the release or its full revision.
    pub release: bool,
}

impl HealthCheck {
    /// Whether only the host itself can check: a command, and `https`, whose certificates cannot be verified from here.
    #[must_use]
    pub fn is_for_host(&self) -> bool {
        match self {
            Self::Http(http) => http.url.tls,
            Self::Tcp { .. } => false,
            Self::Command(_) => true,
        }
    }
}

impl Health {
    /// As it is kept on a host with the release, in one line: after a revert or a rollback the check is the one with which that
    /// release was deployed.
    #[must_use]
    pub fn written(&self) -> String {
        // Strings and numbers only: nothing here fails to be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What [`Health::written`] made. It comes from a host, so its times are limited: it must not keep shipit waiting for ever, or busy.
    #[must_use]
    pub fn read(text: &str) -> Option<Health> {
        let times = |health: &Health| [health.within, health.interval, health.timeout, health.stable_for];
        serde_json::from_str(text).ok().filter(|health| {
            times(health).iter().all(|time| *time <= values::LONGEST) && health.interval >= SHORTEST
        })
    }

    pub(super) fn map(&self, change: impl Fn(&String) -> String) -> Self {
        let check = match &self.check {
            HealthCheck::Http(http) => HealthCheck::Http(HttpCheck {
                url: http.url.map(&change),
                body: http.body.as_ref().map(&change),
                ..http.clone()
            }),
            HealthCheck::Tcp { host, port } => HealthCheck::Tcp { host: change(host), port: *port },
            HealthCheck::Command(text) => HealthCheck::Command(change(text)),
        };
        Self { check, ..self.clone() }
    }
}

impl HttpCheck {
    /// Whether an answer with this code is healthy.
    #[must_use]
    pub fn accepts(&self, status: u16) -> bool {
        self.status.iter().any(|range| range.contains(&status))
    }

    /// The codes as `status` takes them: `200,300-399`.
    #[must_use]
    pub fn status_text(&self) -> String {
        let range = |range: &RangeInclusive<u16>| match (range.start(), range.end()) {
            (first, last) if first == last => first.to_string(),
            (first, last) => format!("{first}-{last}"),
        };
        self.status.iter().map(range).collect::<Vec<_>>().join(",")
    }
}

/// The strongest `health`.
pub(super) fn read(
    layers: &Layers<'_>,
    placeholders: &Placeholders<'_>,
    problems: &mut Problems,
) -> Option<Health> {
    let mut last = None;
    for (table, name) in layers.tables() {
        let Some(entry) = table.get("health") else { continue };
        let Some(table) = problems.keep(entry.node.as_table()) else { continue };
        let place = Place { name: format!("{name}.health"), parent: name.to_owned() };
        keys::check(table, Scope::Health, &place, problems);
        last = read_table(table, placeholders, problems);
    }
    last
}

fn read_table(table: &Table, placeholders: &Placeholders<'_>, problems: &mut Problems) -> Option<Health> {
    let mut duration = |key: &str, read: fn(&Node) -> Result<Duration, Problem>| {
        table.get(key).and_then(|entry| problems.keep(read(&entry.node)))
    };
    let (within, interval) = (duration("within", values::duration), duration("interval", values::duration));
    let (timeout, stable_for) =
        (duration("timeout", values::duration), duration("stable-for", values::pause));
    for (key, given) in [("interval", interval), ("timeout", timeout)] {
        if let (Some(long), Some(all), Some(entry)) = (given, within, table.get(key))
            && long > all
        {
            let problem = entry.node.problem(format!("`{key}` is longer than `within`"));
            let note = table.get("within").map(|within| within.node.span.clone()).unwrap_or_default();
            problems.push(problem.note(note, "all checks have to fit in this time"));
        }
    }
    let check = check(table, placeholders, problems)?;
    Some(Health {
        check,
        within: within.unwrap_or_else(|| default("within", values::duration)),
        interval: interval.unwrap_or_else(|| default("interval", values::duration)),
        timeout: timeout.unwrap_or_else(|| default("timeout", values::duration)),
        stable_for: stable_for.unwrap_or_else(|| default("stable-for", values::pause)),
    })
}

fn default<T: Default>(key: &str, read: impl Fn(&Node) -> Result<T, Problem>) -> T {
    keys::default(Scope::Health, key, read)
}

fn check(table: &Table, placeholders: &Placeholders<'_>, problems: &mut Problems) -> Option<HealthCheck> {
    let kinds: Vec<&Entry> = ["http", "tcp", "command"].iter().filter_map(|key| table.get(key)).collect();
    let entry = match kinds.as_slice() {
        [entry] => *entry,
        [] => {
            let problem = Problem::at(table.span.clone(), "`health` needs `http`, `tcp` or `command`");
            problems.push(problem.help("for example: health = { http = \"http://127.0.0.1:3000/healthz\" }"));
            return None;
        }
        [first, second, ..] => {
            let message = format!("both `{}` and `{}`", first.key, second.key);
            let problem = Problem::at(second.key_span.clone(), message);
            problems.push(problem.note(first.key_span.clone(), "choose one of them"));
            return None;
        }
    };
    if entry.key == "http" {
        return http(entry, table, placeholders, problems).map(HealthCheck::Http);
    }
    for key in ["status", "body", "release"] {
        if let Some(other) = table.get(key) {
            let problem = Problem::at(other.key_span.clone(), format!("`{key}` only applies to `http`"));
            problems.push(problem.note(entry.key_span.clone(), "this is checked"));
        }
    }
    if entry.key == "tcp" {
        let (host, port) = problems.keep(tcp(&entry.node, placeholders))?;
        return Some(HealthCheck::Tcp { host, port });
    }
    let text = problems.keep(text(&entry.node))?;
    Some(HealthCheck::Command(placeholders.fill_command(text)))
}

fn http(
    entry: &Entry,
    table: &Table,
    placeholders: &Placeholders<'_>,
    problems: &mut Problems,
) -> Option<HttpCheck> {
    let url = problems.keep(url(&entry.node, placeholders));
    let codes = table.get("status").map(|entry| problems.keep(status(&entry.node)));
    let body = table.get("body").map(|entry| problems.keep(text(&entry.node)));
    let release = table.get("release").map(|entry| problems.keep(values::flag(&entry.node)));
    Some(HttpCheck {
        url: url?,
        status: codes.unwrap_or_else(|| Some(default("status", status)))?,
        body: body.map(|body| body.map(|body| placeholders.fill_command(body))).unwrap_or_default(),
        release: release.flatten().unwrap_or_else(|| default("release", values::flag)),
    })
}

fn url(node: &Node, placeholders: &Placeholders<'_>) -> Result<HttpUrl, Problem> {
    let text = values::line(node)?;
    let filled = placeholders.fill_strictly(&text, "a URL");
    filled.and_then(|text| HttpUrl::parse(&text)).map_err(|fault| fault.at(node.span.clone()))
}

/// A port of the host itself, or host and port.
fn tcp(node: &Node, placeholders: &Placeholders<'_>) -> Result<(String, u16), Problem> {
    if matches!(node.value, Value::Integer(_)) {
        return Ok(("127.0.0.1".to_owned(), values::port(node)?));
    }
    if !matches!(node.value, Value::Text(_)) {
        return Err(node.expected("a port, or \"host:port\""));
    }
    let text = values::line(node)?;
    let text =
        placeholders.fill_strictly(&text, "an address").map_err(|fault| fault.at(node.span.clone()))?;
    endpoint::host_and_port(&text).map_err(|fault| fault.at(node.span.clone()))
}

fn text(node: &Node) -> Result<&str, Problem> {
    let text = values::any_text(node)?;
    if text.trim().is_empty() {
        return Err(node.problem("this must not be empty"));
    }
    Ok(text)
}

/// `200`, `"200-399"`, `"200,204,300-399"`, or a list of such.
fn status(node: &Node) -> Result<Vec<RangeInclusive<u16>>, Problem> {
    let mut ranges = Vec::new();
    for item in node.items() {
        let no_code = || {
            item.problem("this is not an HTTP status code or a range of them")
                .help("codes are between 100 and 599: \"200\", \"200-399\", \"200,204,300-399\"")
        };
        match &item.value {
            Value::Integer(code) => ranges.push(code_range(&code.to_string()).ok_or_else(no_code)?),
            Value::Text(text) => {
                for part in text.split(',') {
                    ranges.push(code_range(part).ok_or_else(no_code)?);
                }
            }
            _ => return Err(item.expected("HTTP status codes, like 200 or \"200-399\"")),
        }
    }
    if ranges.is_empty() {
        return Err(node.problem("this must hold at least one code"));
    }
    Ok(ranges)
}

fn code_range(text: &str) -> Option<RangeInclusive<u16>> {
    let code = |text: &str| {
        let text = text.trim();
        let digits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten().filter(|code| (100..=599).contains(code))
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last): (u16, u16) = (code(first)?, code(last)?);
    (first <= last).then_some(first..=last)
}
