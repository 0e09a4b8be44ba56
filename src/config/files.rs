//! `files` and `env-file`: what the operator puts into `shared/`.
//!
//! Only what they are is read here; contents are read by the commands that send them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use secrecy::ExposeSecret as _;

use super::app::{App, FileEntry, FileSource, SentFile};
use super::file::{Entry, Node, Table, Value};
use super::keys::{self, Place, Scope};
use super::layers::Layers;
use super::problem::{Fault, Problem, Problems, Span};
use super::sources::Sources;
use super::variable::EnvEntry;
use super::{command, paths, values};

/// Permissions of `env-file`: it is likely to hold secrets.
const ENV_FILE_MODE: u32 = 0o600;

/// Bytes in one line of base64, because hosts read a line at a time.
const LINE: usize = 6 << 10;

impl FileEntry {
    /// With these bytes, whatever they are.
    #[must_use]
    pub fn new(path: &str, mode: u32, bytes: &[u8]) -> FileEntry {
        let lines: Vec<String> = bytes.chunks(LINE).map(base64).collect();
        FileEntry { path: path.to_owned(), mode, content: lines.join("\n").into() }
    }
}

impl App {
    /// `env` as the file that `env-file` names, for systemd's `EnvironmentFile` and for `.` of a shell, which read it
    /// alike; dotenv does too, where a value has no quote, dollar or backslash.
    #[must_use]
    pub fn env_file(&self, env: &[EnvEntry]) -> Option<FileEntry> {
        let path = self.env_file.as_ref()?;
        let text = env.iter().fold(String::new(), |mut text, entry| {
            let value = entry.value.expose_secret().chars().fold(String::new(), |mut value, c| {
                if matches!(c, '\\' | '"' | '$' | '`') {
                    value.push('\\');
                }
                value.push(c);
                value
            });
            let _ = writeln!(text, "{}=\"{value}\"", entry.name);
            text
        });
        Some(FileEntry::new(path, ENV_FILE_MODE, text.as_bytes()))
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let number =
            (0..3).fold(0, |number, at| number << 8 | usize::from(three.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let digit = char::from(DIGITS[number >> (18 - 6 * at) & 63]);
            text.push(if at <= three.len() { digit } else { '=' });
        }
    }
    text
}

/// All files, in order of their paths, and `env-file`.
pub(super) fn read(
    layers: &Layers<'_>,
    sources: &Sources,
    problems: &mut Problems,
) -> (Vec<SentFile>, Option<String>) {
    let mut all: BTreeMap<String, (SentFile, Span)> = BTreeMap::new();
    for (table, name) in layers.tables() {
        let Some(table) = table.get("files").and_then(|entry| problems.keep(entry.node.as_table())) else {
            continue;
        };
        let place = Place { name: format!("{name}.files"), parent: name.to_owned() };
        for entry in &table.entries {
            if let Some(file) = read_entry(entry, table, &place, sources, problems) {
                all.insert(file.path.clone(), (file, entry.key_span.clone()));
            }
        }
    }
    let env_file = layers.last("env-file", problems, |node| {
        let text = values::line(node)?;
        let path = in_shared(&text).map_err(|fault| fault.at(node.span.clone()))?;
        Ok((path, node.span.clone()))
    });
    let mut places: Vec<(&str, Span)> =
        all.iter().map(|(path, (_, span))| (path.as_str(), span.clone())).collect();
    places.extend(env_file.iter().map(|(path, span)| (path.as_str(), span.clone())));
    problems.keep(paths::disjoint(&places));
    (all.into_values().map(|(file, _)| file).collect(), env_file.map(|(path, _)| path))
}

fn read_entry(
    entry: &Entry,
    table: &Table,
    place: &Place,
    sources: &Sources,
    problems: &mut Problems,
) -> Option<SentFile> {
    if table.header && Scope::Environment.key(&entry.key).is_some() {
        let problem = Problem::at(
            entry.key_span.clone(),
            format!("`{}` in `{}` is read as the path of a file", entry.key, place.name),
        );
        problems.push(keys::slid(problem, &entry.key, table, place));
        return None;
    }
    let fault = |fault: Fault| fault.at(entry.key_span.clone());
    let path = problems.keep(match entry.key.strip_prefix("shared/") {
        Some(_) => in_shared(&entry.key).map_err(fault),
        None => Err(fault(
            Fault::new(format!("`{}` is not in `shared/`", entry.key))
                .help("write \"shared/NAME\", and link it into the releases: shared = [\"NAME\"]"),
        )),
    })?;
    let description = problems.keep(entry.node.as_table())?;
    let inner = Place { name: format!("{}.{:?}", place.name, entry.key), parent: place.parent.clone() };
    keys::check(description, Scope::SentFile, &inner, problems);
    let source = problems.keep(source(description, sources))?;
    let mode = match description.get("mode") {
        Some(entry) => problems.keep(mode(&entry.node))?,
        None => keys::default(Scope::SentFile, "mode", mode),
    };
    Some(SentFile { path, source, mode })
}

fn source(table: &Table, sources: &Sources) -> Result<FileSource, Problem> {
    match (table.get("from"), table.get("command")) {
        (Some(from), None) => {
            Ok(FileSource::From(paths::key_file(&from.node, &sources.of(&from.node.span).directory)?))
        }
        (None, Some(entry)) => command::read(entry, sources).map(FileSource::Command),
        (Some(_), Some(second)) => {
            Err(Problem::at(second.key_span.clone(), "both `from` and `command`").help("choose one of them"))
        }
        (None, None) => Err(Problem::at(table.span.clone(), "neither `from` nor `command`")
            .help("for example: { from = \"deploy/prod.env\", mode = \"0600\" }")),
    }
}

/// As chmod takes it, in quotes: TOML reads `0600` as no number at all, and `600` as another.
fn mode(node: &Node) -> Result<u32, Problem> {
    let octal = |text: &str| {
        let digits = matches!(text.len(), 3 | 4) && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
        digits.then(|| u32::from_str_radix(text, 8).ok()).flatten().filter(|mode| *mode <= 0o777)
    };
    match &node.value {
        Value::Text(text) => octal(text),
        _ => None,
    }
    .filter(|mode| mode & 0o400 != 0)
    .ok_or_else(|| {
        node.problem("this is not a file mode")
            .help("write three octal digits in quotes, which let the owner read: \"0600\", \"0640\"")
    })
}

/// Relative to `shared/`, with or without that.
fn in_shared(text: &str) -> Result<String, Fault> {
    let path = text.strip_prefix("shared/").unwrap_or(text);
    let parts: Vec<&str> = path.split('/').collect();
    let bad = |part: &&str| matches!(*part, "" | "." | "..") || part.chars().any(char::is_control);
    if path.starts_with('~') || parts.iter().any(bad) {
        return Err(Fault::new(format!("`{text}` is not the path of a file in `shared/`")));
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_base64() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "+//+");
    }
}
