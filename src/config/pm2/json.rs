//! The only door to the JSON parser: text in, a tree out whose keys and values know their place.
//!
//! Takes what JSON5 takes: comments, trailing commas, keys without quotes. Of a key that is given twice the last one counts,
//! as in JavaScript; `null` is as if the key were not there.

use jsonc_parser::ast::{Object, ObjectPropName, Value as Json};
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::raw::Raw;
use crate::config::file::{Entry, Node, Table, Value};
use crate::config::problem::{Problem, Span};

/// Deeper than this is no configuration, and would need as much stack.
const DEEPEST: usize = 64;

/// The tree of a text whose places are counted from `base`.
pub(super) fn parse(text: &str, base: usize) -> Result<Raw, Problem> {
    if deepest(text) > DEEPEST {
        return Err(Problem::at(base..base, "tables and lists lie too deep in one another"));
    }
    let parsed = parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default());
    let parsed = parsed.map_err(|error| {
        let range = error.range();
        Problem::at(base + range.start..base + range.end, format!("not JSON: {}", error.kind()))
    })?;
    let mut reader = Reader { base, twice: Vec::new() };
    let root = match &parsed.value {
        Some(Json::Object(object)) => reader.table(object),
        _ => return Err(Problem::at(base..base, "a file of pm2 holds a table: { … }")),
    };
    Ok(Raw { twice: reader.twice, ..Raw::of(root) })
}

/// How deep brackets lie in one another, those in strings counted too.
fn deepest(text: &str) -> usize {
    let (mut depth, mut most) = (0usize, 0);
    for byte in text.bytes() {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        most = most.max(depth);
    }
    most
}

struct Reader {
    base: usize,
    twice: Vec<(String, Span)>,
}

impl Reader {
    fn span(&self, range: jsonc_parser::common::Range) -> Span {
        self.base + range.start..self.base + range.end
    }

    fn table(&mut self, object: &Object<'_>) -> Table {
        let mut entries: Vec<Entry> = Vec::new();
        for property in &object.properties {
            let (key, range) = match &property.name {
                ObjectPropName::String(name) => (name.value.to_string(), name.range),
                ObjectPropName::Word(name) => (name.value.to_owned(), name.range),
            };
            let key_span = self.span(range);
            if let Some(at) = entries.iter().position(|entry| entry.key == key) {
                self.twice.push((key.clone(), entries.remove(at).key_span));
            }
            if let Some(node) = self.node(&property.value) {
                entries.push(Entry { key, key_span, node });
            }
        }
        Table { entries, span: self.span(object.range), header: false }
    }

    fn node(&mut self, value: &Json<'_>) -> Option<Node> {
        let span = self.span(value.range());
        let value = match value {
            Json::StringLit(text) => Value::Text(text.value.to_string()),
            Json::NumberLit(number) => number_of(number.value),
            Json::BooleanLit(flag) => Value::Flag(flag.value),
            Json::Object(object) => Value::Table(self.table(object)),
            Json::Array(list) => {
                Value::List(list.elements.iter().filter_map(|item| self.node(item)).collect())
            }
            Json::NullKeyword(_) => return None,
        };
        Some(Node { value, span })
    }
}

/// A number as it is written.
pub(super) fn number_of(text: &str) -> Value {
    text.parse().map_or_else(|_| Value::Float(text.to_owned()), Value::Integer)
}
