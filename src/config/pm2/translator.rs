//! What the translation of one environment collects: the table that `shipit.toml` would hold, mistakes, and remarks.
//!
//! Every entry keeps the place of what it was made from, so that later mistakes are shown in the user's own file.

use std::path::Path;

use super::placeholder;
use super::raw::Raw;
use super::remark::{Remark, RemarkKind};
use crate::config::file::{Entry, Node, Table, Value};
use crate::config::problem::{Problem, Problems, Span};
use crate::config::sources::Text;

/// One environment on its way.
pub(super) struct Translator<'a> {
    pub raw: &'a Raw,
    pub text: &'a Text,
    pub name: &'a str,
    /// As it is written.
    pub table: &'a Table,
    /// The file as a host would find it in a release.
    pub file_in_release: String,
    pub made: Vec<Entry>,
    pub problems: Problems,
    pub remarks: Vec<Remark>,
}

impl<'a> Translator<'a> {
    /// The entry of a key, unless it says nothing: pm2 takes an empty text for none.
    pub fn entry(&self, key: &str) -> Option<&'a Entry> {
        let entry = self.table.get(key)?;
        let empty = matches!(&entry.node.value, Value::Text(text) if text.trim().is_empty());
        (!empty).then_some(entry)
    }

    /// A text of a key; what is no text is a mistake.
    pub fn text_of(&mut self, key: &str) -> Option<(&'a str, &'a Entry)> {
        let entry = self.entry(key)?;
        match &entry.node.value {
            Value::Text(text) => Some((text.as_str(), entry)),
            _ => {
                self.problems.push(entry.node.expected("a string"));
                None
            }
        }
    }

    pub fn make(&mut self, key: &str, value: Value, of: &Entry) {
        let node = Node { value, span: of.node.span.clone() };
        self.made.push(Entry { key: key.to_owned(), key_span: of.key_span.clone(), node });
    }

    pub fn make_text(&mut self, key: &str, text: impl Into<String>, of: &Entry) {
        self.make(key, Value::Text(text.into()), of);
    }

    pub fn make_list(&mut self, key: &str, texts: Vec<String>, of: &Entry) {
        let node = |text| Node { value: Value::Text(text), span: of.node.span.clone() };
        self.make(key, Value::List(texts.into_iter().map(node).collect()), of);
    }

    pub fn remark(&mut self, span: &Span, kind: RemarkKind) {
        let name = self.text.file.as_deref().and_then(Path::file_name).unwrap_or_default();
        let place = format!("{}:{}", name.to_string_lossy(), self.text.line(span));
        self.remarks.push(Remark { place, kind });
    }

    /// Keeps a value of the template from being taken for a host or a repository.
    pub fn refuse_placeholder(&mut self, key: &str, node: &Node) -> bool {
        let found = node.items().iter().find(|item| match &item.value {
            Value::Text(text) => placeholder::is_left(text),
            _ => false,
        });
        if let Some(item) = found {
            let problem = item.problem(format!("`{key}` was never filled in"));
            self.problems.push(problem.label("this is from pm2's template").help(placeholder::help(key)));
        }
        found.is_some()
    }

    /// A key that has to be there.
    pub fn require(&mut self, key: &str, example: &str) -> Option<&'a Entry> {
        let entry = self.entry(key);
        if entry.is_none() {
            let place = self.table.get(key).map_or(&self.table.span, |entry| &entry.key_span);
            let problem =
                Problem::at(place.clone(), format!("`{key}` is missing from `deploy.{}`", self.name));
            self.problems.push(problem.help(format!("for example: {key}: {example}")));
        }
        entry
    }
}

/// A table as a value is made of.
pub(super) fn table(pairs: Vec<(&str, Value)>, span: &Span) -> Value {
    let entry = |(key, value): (&str, Value)| Entry {
        key: key.to_owned(),
        key_span: span.clone(),
        node: Node { value, span: span.clone() },
    };
    Value::Table(Table { entries: pairs.into_iter().map(entry).collect(), span: span.clone(), header: false })
}
