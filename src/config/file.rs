//! The only door to the TOML parser: text in, a tree out whose keys and values know their place.
//!
//! Knows no key and no meaning. Tables keep the order of the file, so that lists of environments and of
//! mistakes read like it.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use toml::de::{DeInteger, DeTable, DeValue};

use super::error::ConfigError;
use super::problem::{Problem, Span};

/// A larger file is a mistaken path, not a configuration.
const LARGEST: u64 = 1 << 20;

/// A file's text and name.
pub(super) struct Source {
    pub file: PathBuf,
    pub text: String,
}

#[derive(Clone, Default)]
pub(super) struct Table {
    pub entries: Vec<Entry>,
    /// The header line where there is one, else the braces or the key.
    pub span: Span,
    /// Began with a `[header]`: all lines after it belong to it.
    pub header: bool,
}

#[derive(Clone)]
pub(super) struct Entry {
    pub key: String,
    pub key_span: Span,
    pub node: Node,
}

#[derive(Clone)]
pub(super) struct Node {
    pub value: Value,
    pub span: Span,
}

#[derive(Clone)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    /// As written: no rounding on the way to an environment variable.
    Float(String),
    Flag(bool),
    Date,
    List(Vec<Node>),
    Table(Table),
}

impl Source {
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let unreadable = |source| ConfigError::Unreadable { file: file.to_owned(), source };
        // Looked at before it is opened: opening a pipe would wait for its writer.
        if !std::fs::metadata(file).map_err(unreadable)?.is_file() {
            return Err(ConfigError::NotAFile { file: file.to_owned() });
        }
        let open = File::open(file).map_err(unreadable)?;
        let owner = open.metadata().map_err(unreadable)?.uid();
        if !trusted(owner, rustix::process::geteuid().as_raw()) {
            return Err(ConfigError::Foreign { file: file.to_owned(), owner });
        }
        let mut bytes = Vec::new();
        open.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > LARGEST {
            return Err(ConfigError::TooLarge { file: file.to_owned(), limit: LARGEST });
        }
        let file = std::path::absolute(file).map_err(unreadable)?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { file, text }),
            Err(error) => {
                let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
                Err(ConfigError::NotText { file, line })
            }
        }
    }
}

/// Refuses a file that another user could have written, and what is no file.
///
/// # Errors
/// As for every configuration that is read.
pub fn trust(file: &Path) -> Result<(), ConfigError> {
    Source::read(file).map(|_| ())
}

/// The tree of a text whose places are counted from `base`, or all places that are not TOML.
pub(super) fn parse(text: &str, base: usize) -> Result<Table, Vec<Problem>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let at = |error: &toml::de::Error| moved(error.span().unwrap_or(0..0), base);
    let mut problems: Vec<Problem> =
        errors.iter().map(|error| Problem::at(at(error), error.message().to_owned())).collect();
    let table = Reader { text, base, problems: &mut problems }.table(document.get_ref(), 0..0);
    if problems.is_empty() { Ok(table) } else { Err(problems) }
}

fn moved(span: Span, base: usize) -> Span {
    span.start + base..span.end + base
}

/// `text` as a string of the file.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// `text` between the quotes of such a string.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            // Also what reorders or hides text on a terminal.
            c if c.is_control() || is_invisible(c) => {
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// Marks that change how the text around them is shown.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Another user who can change the file decides what runs as us on every host.
fn trusted(owner: u32, us: u32) -> bool {
    owner == us || owner == 0
}

impl Table {
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

impl Node {
    /// What the value is, as a sentence names it.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Text(_) => "a string",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a float",
            Value::Flag(_) => "a boolean",
            Value::Date => "a date",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }

    /// Whether both are texts, and the same.
    pub fn same_text(&self, other: &Self) -> bool {
        matches!((&self.value, &other.value), (Value::Text(one), Value::Text(two)) if one == two)
    }

    pub fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::at(self.span.clone(), message)
    }

    pub fn expected(&self, what: &str) -> Problem {
        self.problem(format!("expected {what}, found {}", self.kind()))
    }

    /// The items of a list; anything else is a list of itself.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    pub fn as_table(&self) -> Result<&Table, Problem> {
        match &self.value {
            Value::Table(table) => Ok(table),
            _ => Err(self.expected("a table")),
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    base: usize,
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    fn table(&mut self, table: &DeTable<'_>, span: Span) -> Table {
        let mut entries: Vec<Entry> = table
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref().to_string(),
                key_span: moved(key.span(), self.base),
                node: self.node(value.get_ref(), value.span()),
            })
            .collect();
        entries.sort_by_key(|entry| entry.key_span.start);
        let header = self.text[span.clone()].starts_with('[');
        Table { entries, span: moved(span, self.base), header }
    }

    fn node(&mut self, value: &DeValue<'_>, span: Span) -> Node {
        let value = match value {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(integer) => Value::Integer(self.integer(integer, &span)),
            DeValue::Float(float) => Value::Float(float.as_str().to_owned()),
            DeValue::Boolean(flag) => Value::Flag(*flag),
            DeValue::Datetime(_) => Value::Date,
            DeValue::Array(items) => {
                Value::List(items.iter().map(|item| self.node(item.get_ref(), item.span())).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table, span.clone())),
        };
        Node { value, span: moved(span, self.base) }
    }

    fn integer(&mut self, integer: &DeInteger<'_>, span: &Span) -> i64 {
        i64::from_str_radix(integer.as_str(), integer.radix()).unwrap_or_else(|_| {
            self.problems.push(Problem::at(moved(span.clone(), self.base), "this integer is out of range"));
            0
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_read_back() {
        for text in
            ["", "plain", "a \"b\" \\ c", "tab\tnewline\nescape\u{1b}[2Jé\u{7f}'", "\u{202e}back\u{85}"]
        {
            let text_of_file = format!("key = {}", quoted(text));
            let document = parse(&text_of_file, 7).unwrap_or_else(|problems| panic!("{problems:?}"));
            assert!(matches!(&document.entries[0].node.value, Value::Text(read) if read == text), "{text}");
        }
    }

    #[test]
    fn only_our_files_and_those_of_root_are_trusted() {
        assert!(trusted(1000, 1000));
        assert!(trusted(0, 1000));
        assert!(!trusted(1001, 1000));
        assert!(!trusted(1000, 0));
    }
}
