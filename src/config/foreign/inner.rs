//! Calls within a statement that is left out: what it would have set.

use std::ops::Range;

use super::token::{Kind, Statement, Token};

pub(super) struct Inner {
    pub name: String,
    /// Its first argument, where that is a plain text.
    pub key: Option<String>,
    /// To the end of its line.
    pub span: Range<usize>,
    /// It is not the statement itself.
    pub within: bool,
}

/// Tokens of a call, at most: only its first line is shown.
const LONGEST: usize = 100;

/// Calls of these names, wherever they stand.
pub(super) fn inner_calls(tokens: &[Token], names: &[&str]) -> Vec<Inner> {
    let mut calls = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let Some(name) = token.word().filter(|word| names.contains(word)) else { continue };
        let mut next = tokens[at + 1..].iter().filter(|token| !token.is("("));
        let key = next.next().and_then(Token::plain).map(str::to_owned);
        let line = tokens[at..].iter().take(LONGEST);
        let own = line.clone().position(|token| token.kind == Kind::End).unwrap_or(line.len());
        let span = Statement { tokens: &tokens[at..at + own] }.span();
        calls.push(Inner { name: name.to_owned(), key, span, within: at > 0 });
    }
    calls
}
