//! The texts that a configuration was read from: files, `--set`, what commands printed. Their places are counted
//! from one text to the next, so that a span alone identifies its text.
//!
//! Knows no key. A relative path starts at the directory of the text that contains it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::problem::Span;

/// One of the texts.
pub(super) struct Text {
    /// As mistakes call it: a path, `--set`, a command.
    pub name: String,
    pub text: String,
    /// Where relative paths in it start.
    pub directory: PathBuf,
    /// A file: then places in it have a line.
    pub file: Option<PathBuf>,
    base: usize,
}

/// All of them, in the order they were read.
#[derive(Clone, Default)]
pub(super) struct Sources(Vec<Arc<Text>>);

impl Text {
    pub fn of_file(file: &Path, text: String) -> Self {
        let directory = file.parent().unwrap_or(Path::new("/")).to_owned();
        let name = file.display().to_string();
        Self { name, text, directory, file: Some(file.to_owned()), base: 0 }
    }

    pub fn other(name: impl Into<String>, text: String, directory: &Path) -> Self {
        Self { name: name.into(), text, directory: directory.to_owned(), file: None, base: 0 }
    }

    pub fn base(&self) -> usize {
        self.base
    }

    /// The place as this text counts.
    pub fn local(&self, span: &Span) -> Span {
        let at = |place: usize| place.saturating_sub(self.base).min(self.text.len());
        at(span.start)..at(span.end)
    }

    /// Counted from 1.
    pub fn line(&self, span: &Span) -> usize {
        self.text.as_bytes()[..self.local(span).start].iter().filter(|byte| **byte == b'\n').count() + 1
    }
}

impl Sources {
    pub fn add(&mut self, mut text: Text) -> Arc<Text> {
        // One more than its length: a place at the very end of a text is still its own.
        text.base = self.0.last().map_or(0, |last| last.base + last.text.len() + 1);
        let text = Arc::new(text);
        self.0.push(Arc::clone(&text));
        text
    }

    /// The files among them.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().filter_map(|text| text.file.as_deref())
    }

    /// The text that contains a place.
    ///
    /// # Panics
    /// Without any text: there is no place then.
    pub fn of(&self, span: &Span) -> &Text {
        let next = self.0.partition_point(|text| text.base <= span.start);
        &self.0[next.saturating_sub(1)]
    }
}

/// Without the texts, which may hold secrets.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|text| &text.name)).finish()
    }
}
