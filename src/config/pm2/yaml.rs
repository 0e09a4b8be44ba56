//! The only door to the YAML parser: events in, a tree out whose keys and values know their place.
//!
//! Anchors are copied and `<<` is merged here, within a bound: a file of a few lines can ask for more than any memory holds.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, StrInput};

use super::json::number_of;
use super::raw::Raw;
use crate::config::file::{Entry, Node, Table, Value};
use crate::config::problem::{Problem, Span};

/// Values of a file, those that anchors copy counted too.
const MOST: usize = 20_000;
const DEEPEST: usize = 64;

/// The tree of a text whose places are counted from `base`.
pub(super) fn parse(text: &str, base: usize) -> Result<Raw, Problem> {
    parse_as(text, base, false)
}

/// The same, where `null` is an empty table, so that no key is lost.
pub(super) fn parse_with_nulls(text: &str, base: usize) -> Result<Raw, Problem> {
    parse_as(text, base, true)
}

fn parse_as(text: &str, base: usize, nulls: bool) -> Result<Raw, Problem> {
    // The parser counts characters.
    let mut offsets: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    offsets.push(text.len());
    let events = Parser::new_from_str(text);
    let mut reader =
        Reader { events, base, offsets, anchors: HashMap::new(), count: 0, twice: Vec::new(), nulls };
    let root = loop {
        match reader.next()? {
            (Event::StreamEnd, span) => return Err(Problem::at(span, "this file is empty")),
            (Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _) => {}
            (event, span) => break reader.node(event, span, 0)?,
        }
    };
    match root {
        Some(Node { value: Value::Table(table), .. }) => Ok(Raw { twice: reader.twice, ..Raw::of(table) }),
        _ => Err(Problem::at(base..base, "this file holds no table")),
    }
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    base: usize,
    /// Where the characters begin, in bytes.
    offsets: Vec<usize>,
    anchors: HashMap<usize, Option<Node>>,
    count: usize,
    twice: Vec<(String, Span)>,
    nulls: bool,
}

impl<'a> Reader<'a> {
    fn at(&self, marker: Marker) -> usize {
        self.base + self.offsets[marker.index().min(self.offsets.len() - 1)]
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Problem> {
        match self.events.next() {
            Some(Ok((event, span))) => Ok((event, self.at(span.start)..self.at(span.end))),
            Some(Err(error)) => Err(self.not_yaml(&error)),
            None => Ok((Event::StreamEnd, self.base..self.base)),
        }
    }

    fn not_yaml(&self, error: &ScanError) -> Problem {
        let at = self.at(*error.marker());
        Problem::at(at..at, format!("not YAML: {}", error.info()))
    }

    /// A value that begins with this event; none: `null`, which is as if the key were not there.
    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Option<Node>, Problem> {
        self.count += 1;
        if self.count > MOST || depth > DEEPEST {
            return Err(Problem::at(span, "this file holds more values than a configuration does"));
        }
        let (anchor, node) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                // `!!str 8080` is a text.
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let empty = || Value::Table(Table { entries: Vec::new(), span: span.clone(), header: false });
                let value = scalar(&text, plain).or_else(|| self.nulls.then(empty));
                (anchor, value.map(|value| Node { value, span }))
            }
            Event::SequenceStart(anchor, _) => (anchor, Some(self.list(span, depth)?)),
            Event::MappingStart(anchor, _) => (anchor, Some(self.mapping(span, depth)?)),
            Event::Alias(anchor) => return self.copy(anchor, span),
            _ => return Err(Problem::at(span, "not YAML: a value is expected here")),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn copy(&mut self, anchor: usize, span: Span) -> Result<Option<Node>, Problem> {
        let node = self.anchors.get(&anchor).cloned();
        let node = node.ok_or_else(|| Problem::at(span.clone(), "this anchor is not known here"))?;
        self.count += node.as_ref().map_or(1, size);
        if self.count > MOST {
            return Err(Problem::at(span, "anchors make more values here than a configuration has"));
        }
        Ok(node)
    }

    fn list(&mut self, start: Span, depth: usize) -> Result<Node, Problem> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, end) => {
                    let span = around(&start, items.last().map(|item: &Node| &item.span), &end);
                    return Ok(Node { value: Value::List(items), span });
                }
                (event, span) => items.extend(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, start: Span, depth: usize) -> Result<Node, Problem> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged: Vec<Entry> = Vec::new();
        let end = loop {
            let (event, key_span) = match self.next()? {
                (Event::MappingEnd, end) => break end,
                key => key,
            };
            let key = match self.node(event, key_span.clone(), depth + 1)? {
                Some(node) => key_text(node)?,
                None => "null".to_owned(),
            };
            let (event, span) = self.next()?;
            let Some(node) = self.node(event, span, depth + 1)? else { continue };
            if key == "<<" {
                merged.extend(merge(node)?);
                continue;
            }
            if let Some(at) = entries.iter().position(|entry| entry.key == key) {
                self.twice.push((key.clone(), entries.remove(at).key_span));
            }
            entries.push(Entry { key, key_span, node });
        };
        let span = around(&start, entries.last().map(|entry| &entry.node.span), &end);
        for entry in merged {
            if !entries.iter().any(|own| own.key == entry.key) {
                entries.push(entry);
            }
        }
        let table = Table { entries, span: span.clone(), header: false };
        Ok(Node { value: Value::Table(table), span })
    }
}

/// From the first to the last of it: the end of a block is where the next one begins.
fn around(start: &Span, last: Option<&Span>, end: &Span) -> Span {
    let end = last.map_or(end.end, |last| last.end);
    start.start..end.max(start.start)
}

fn size(node: &Node) -> usize {
    match &node.value {
        Value::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Table(table) => 1 + table.entries.iter().map(|entry| size(&entry.node)).sum::<usize>(),
        _ => 1,
    }
}

fn key_text(node: Node) -> Result<String, Problem> {
    match node.value {
        Value::Text(text) | Value::Float(text) => Ok(text),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Flag(flag) => Ok(flag.to_string()),
        _ => Err(Problem::at(node.span, "a key must be a text")),
    }
}

/// What `<<` brings: of several tables the first one that has a key counts.
fn merge(node: Node) -> Result<Vec<Entry>, Problem> {
    let mut all: Vec<Entry> = Vec::new();
    for item in node.items() {
        let table = item.as_table().map_err(|problem| problem.help("`<<` merges a table: <<: *NAME"))?;
        for entry in &table.entries {
            if !all.iter().any(|known| known.key == entry.key) {
                all.push(entry.clone());
            }
        }
    }
    Ok(all)
}

/// A scalar by the core schema of YAML 1.2, as pm2's own parser reads it.
fn scalar(text: &str, plain: bool) -> Option<Value> {
    let number = |text: &str| {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
            && digits.contains(|c: char| c.is_ascii_digit())
            && text.parse::<f64>().is_ok()
    };
    match text {
        _ if !plain => Some(Value::Text(text.to_owned())),
        "" | "~" | "null" | "Null" | "NULL" => None,
        "true" | "True" | "TRUE" => Some(Value::Flag(true)),
        "false" | "False" | "FALSE" => Some(Value::Flag(false)),
        _ if number(text) => Some(number_of(text)),
        _ => Some(Value::Text(text.to_owned())),
    }
}
