//! What a statement that is left out would have set, and what it changes.

use std::collections::BTreeSet;
use std::ops::Range;

use super::token::{Kind, Statement, Token};

pub(super) struct Inner {
    pub name: String,
    /// Its first argument, where that is a plain text.
    pub key: Option<String>,
    /// Its first argument has to be worked out.
    pub computed: bool,
    /// To the end of its line.
    pub span: Range<usize>,
    /// It is not the statement itself.
    pub within: bool,
}

/// Tokens that are looked at for one name, at most.
const LONGEST: usize = 100;

/// Calls of these names, wherever they stand.
pub(super) fn inner_calls(tokens: &[Token], names: &[&str]) -> Vec<Inner> {
    let mut calls = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let Some(name) = token.word().filter(|word| names.contains(word)) else { continue };
        let mut next = tokens[at + 1..].iter().filter(|token| !token.is("("));
        let first = next.next().filter(|token| token.kind != Kind::End);
        let key = first.and_then(Token::plain).map(str::to_owned);
        let of_another = at.checked_sub(1).is_some_and(|before| tokens[before].is("."));
        let computed = first.is_some() && key.is_none() && !of_another;
        let line = tokens[at..].iter().take(LONGEST);
        let own = line.clone().position(|token| token.kind == Kind::End).unwrap_or(line.len());
        let span = Statement { tokens: &tokens[at..at + own] }.span();
        calls.push(Inner { name: name.to_owned(), key, computed, span, within: at > 0 });
    }
    calls
}

/// What a statement changes, beside the settings that it makes.
#[derive(Default)]
pub(super) struct Changes {
    pub variables: BTreeSet<String>,
    /// `fetch(:name) << 'x'`
    pub settings: BTreeSet<String>,
    /// `extract`, and its like, may change any variable.
    pub all: bool,
}

const ASSIGNS: [&str; 11] = ["=", "||=", "&&=", "**=", "??=", "+=", "-=", ".=", "<<", "++", "--"];

/// Methods of Ruby that change what they are called on, beside those that end in `!`.
const MUTATORS: [&str; 22] = [
    "append",
    "clear",
    "concat",
    "delete",
    "delete_at",
    "delete_if",
    "each",
    "fill",
    "insert",
    "keep_if",
    "map",
    "pop",
    "prepend",
    "push",
    "replace",
    "send",
    "shift",
    "store",
    "tap",
    "then",
    "unshift",
    "update",
];

/// Functions of PHP that change their arguments, and words that make a variable another one.
const BY_REFERENCE: [&str; 26] = [
    "sort",
    "rsort",
    "usort",
    "uasort",
    "uksort",
    "ksort",
    "krsort",
    "asort",
    "arsort",
    "shuffle",
    "natsort",
    "natcasesort",
    "array_push",
    "array_pop",
    "array_shift",
    "array_unshift",
    "array_splice",
    "array_walk",
    "array_multisort",
    "preg_match",
    "preg_match_all",
    "settype",
    "exec",
    "unset",
    "global",
    "static",
];

/// The variables and settings that a statement may change, wherever it does so.
pub(super) fn changes(tokens: &[Token]) -> Changes {
    let mut changes = Changes::default();
    let any =
        |names: &[&str]| tokens.iter().any(|token| token.word().is_some_and(|word| names.contains(&word)));
    let (by_reference, each) = (any(&BY_REFERENCE), any(&["as"]));
    changes.all = any(&["eval", "extract", "parse_str"]);
    // `for a, b in list`
    let mut head = false;
    for (at, token) in tokens.iter().enumerate() {
        let before = |steps: usize| at.checked_sub(steps).map(|at| &tokens[at]);
        let is_before =
            |signs: &[&str]| before(1).is_some_and(|token| signs.iter().any(|sign| token.is(sign)));
        let Some(word) = token.word().filter(|_| !is_before(&[".", "&.", "->", "?->", "::"])) else {
            head &= !token.opens();
            continue;
        };
        head = word == "for" || (head && word != "in");
        let after = &tokens[at + 1..];
        if word == "fetch" || word == "get" {
            let key = after.get(1).and_then(Token::plain).filter(|_| after[0].is("("));
            if let Some(key) = key.filter(|_| changed_by(&after[bracket(after)..])) {
                changes.settings.insert(key.to_owned());
            }
            continue;
        }
        let taken = is_before(&["++", "--"])
            || (is_before(&["=>"]) && each)
            || before(1).is_some_and(|token| token.word() == Some("as"))
            // `&$name`
            || (is_before(&["other"]) && word.starts_with('$') && !before(2).is_some_and(ends_operand));
        if by_reference || head || taken || changed_by(after) || is_among_assigned(after) {
            changes.variables.insert(word.to_owned());
        }
    }
    changes
}

fn ends_operand(token: &Token) -> bool {
    token.ends_value() && token.word() != Some("as")
}

/// How many tokens there are up to the end of the bracket that begins here.
fn bracket(tokens: &[Token]) -> usize {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().take(LONGEST).enumerate() {
        depth += usize::from(token.opens());
        depth = depth.saturating_sub(usize::from(token.closes()));
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// Whether what follows a value changes it: an assignment, or a method, also of a part of it.
fn changed_by(tokens: &[Token]) -> bool {
    let mut at = 0;
    while let Some(token) = tokens.get(at).filter(|_| at < LONGEST) {
        let next = tokens.get(at + 1);
        match token.kind {
            Kind::Sign(sign) if ASSIGNS.contains(&sign) => return true,
            // `*=`, `|=`
            Kind::Sign("other" | "|") => return next.is_some_and(|next| next.is("=")),
            Kind::Sign("[") => at += bracket(&tokens[at..]),
            Kind::Sign("." | "&.") => {
                let Some(name) = next.and_then(Token::word) else { return false };
                if name.ends_with('!') || MUTATORS.contains(&name) {
                    return true;
                }
                at += 2;
                if tokens.get(at).is_some_and(|token| token.is("(")) {
                    at += bracket(&tokens[at..]);
                }
            }
            _ => return false,
        }
    }
    false
}

/// `a, b = …`, `[$a, $b] = …`, after `a`.
fn is_among_assigned(tokens: &[Token]) -> bool {
    if !tokens.first().is_some_and(|token| token.is(",") || token.closes()) {
        return false;
    }
    for token in tokens.iter().take(LONGEST) {
        match token.kind {
            Kind::Sign("=") => return true,
            Kind::Word(_) | Kind::Text(_) | Kind::Sign("," | "(" | ")" | "[" | "]" | "=>" | "other") => {}
            _ => return false,
        }
    }
    false
}
