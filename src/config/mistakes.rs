//! How mistakes in the configuration are shown: all together, each with line, column and a caret under its place.

use std::borrow::Cow;
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
        let snippet = Snippet::source(masked(&home.text)).path(home.name.as_str()).annotation(primary);
        let group = Level::ERROR
            .primary_title(problem.message.as_str())
            .element(snippet.annotations(near.into_iter().map(note)));
        let far = far.into_iter().map(|spanned| {
            let source = self.sources.of(&spanned.0);
            Snippet::source(masked(&source.text)).path(source.name.as_str()).annotation(note(spanned))
        });
        group.elements(far).elements(problem.help.iter().map(|help| Level::HELP.message(help.as_str())))
    }
}

/// The text with stars in place of the login of each address, as many as it has bytes, so that places stay what they are.
/// What is shown lands in the logs of CI jobs.
fn masked(text: &str) -> Cow<'_, str> {
    let ends = |c: char| c.is_whitespace() || "/?#\"'`,".contains(c);
    let logins = text.match_indices("://").filter_map(|(at, mark)| {
        let start = at + mark.len();
        let authority = text[start..].split(ends).next()?;
        let login = authority.rfind('@')?;
        let is_ssh = text[..at].ends_with("ssh");
        // The name of a variable is no secret, nor is the user of ssh.
        if authority[..login].contains("${") {
            return None;
        }
        let hidden = if is_ssh { authority[..login].find(':')? + 1 } else { 0 };
        Some(start + hidden..start + login)
    });
    let logins: Vec<Span> = logins.filter(|login| !login.is_empty()).collect();
    let mut masked = Cow::Borrowed(text);
    for login in logins {
        masked.to_mut().replace_range(login.clone(), &"*".repeat(login.len()));
    }
    masked
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
