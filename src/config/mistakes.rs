//! How mistakes in the configuration are shown: all together, each with line, column and a caret under its place.

use std::fmt;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::problem::{Problem, Span};
use super::sources::Sources;

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
