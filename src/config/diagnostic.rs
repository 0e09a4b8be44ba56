//! A mistake in the configuration and how it is shown: with line, column and a caret under the place.
//!
//! Knows no key. All mistakes are collected and shown together, each in the text it stands in.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::sources::Sources;

/// A place: bytes of all texts that were read, one after the other ([`Sources`]).
pub(super) type Span = Range<usize>;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    message: String,
    span: Span,
    label: Option<String>,
    notes: Vec<(Span, String)>,
    help: Vec<String>,
}

impl Problem {
    pub fn at(span: Span, message: impl Into<String>) -> Self {
        Self { message: message.into(), span, label: None, notes: Vec::new(), help: Vec::new() }
    }

    pub(super) fn start(&self) -> usize {
        self.span.start
    }

    /// What stands at the caret.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Another place that explains this one.
    pub fn note(mut self, span: Span, text: impl Into<String>) -> Self {
        self.notes.push((span, text.into()));
        self
    }

    /// What to do about it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    pub fn maybe_help(self, help: Option<impl Into<String>>) -> Self {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }
}

/// What is wrong with a value, before anybody knows where the value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub message: String,
    pub help: Option<String>,
}

impl Fault {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub fn at(self, span: Span) -> Problem {
        Problem::at(span, self.message).maybe_help(self.help)
    }
}

/// Collects mistakes; one that is met twice (a default read for each host) counts once.
#[derive(Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub fn push(&mut self, problem: Problem) {
        if !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }

    /// The value, or `None` and the mistake is kept.
    pub fn keep<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.push(problem)).ok()
    }

    pub fn into_vec(mut self) -> Vec<Problem> {
        self.0.sort_by_key(|problem| problem.span.start);
        self.0
    }
}

/// The mistakes of a configuration, with its texts.
#[derive(Clone)]
pub struct Mistakes {
    pub(super) sources: Arc<Sources>,
    pub(super) problems: Vec<Problem>,
}

impl Mistakes {
    pub(super) fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let shown: Vec<String> =
            self.problems.iter().map(|problem| renderer.render(&[self.group(problem)])).collect();
        shown.join("\n\n")
    }

    fn group<'a>(&'a self, problem: &'a Problem) -> Group<'a> {
        let home = self.sources.of(&problem.span);
        let primary = AnnotationKind::Primary.span(home.local(&problem.span)).label(problem.label.as_deref());
        let note = |(span, text): &'a (Span, String)| {
            AnnotationKind::Context.span(self.sources.of(span).local(span)).label(text.as_str())
        };
        let (near, far): (Vec<_>, Vec<_>) =
            problem.notes.iter().partition(|(span, _)| std::ptr::eq(self.sources.of(span), home));
        let snippet = Snippet::source(home.text.as_str()).path(home.name.as_str()).annotation(primary);
        let group = Level::ERROR
            .primary_title(problem.message.as_str())
            .element(snippet.annotations(near.into_iter().map(note)));
        let far = far.into_iter().map(|spanned| {
            let source = self.sources.of(&spanned.0);
            Snippet::source(source.text.as_str()).path(source.name.as_str()).annotation(note(spanned))
        });
        group.elements(far).elements(problem.help.iter().map(|help| Level::HELP.message(help.as_str())))
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

/// Without the texts, which may hold secrets.
impl fmt::Debug for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mistakes").field("problems", &self.problems).finish_non_exhaustive()
    }
}

/// The candidate that a typing mistake away from `word` would be.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase().replace('_', "-");
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| {
            let plain = candidate.to_lowercase().replace('_', "-");
            (strsim::osa_distance(&word, &plain), candidate)
        })
        .filter(|(distance, candidate)| *distance <= limit && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
