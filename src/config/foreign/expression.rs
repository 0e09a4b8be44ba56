//! What the tokens of a statement say, of Ruby and of PHP: calls, and literals as their arguments. Whatever is more than that is
//! [`Form::Opaque`].

use std::ops::Range;
use std::rc::Rc;

use super::token::{Kind, Piece, Token};
use super::{php, ruby};

/// Brackets deeper in one another are no setting, and would need as much stack.
const DEEPEST: usize = 48;
/// Operators and calls one after the other lie in one another, too.
const LONGEST_CHAIN: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Ruby,
    Php,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expression {
    pub form: Form,
    pub span: Range<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    Text(Vec<Piece>),
    Number(i64),
    Words(Vec<String>),
    List(Vec<Expression>),
    /// `key: value`, `"key" => value`
    Pair(String, Box<Expression>),
    Name(String),
    Call(String, Vec<Expression>),
    /// A call on a value; the name of an index is `[]`.
    Method(Box<Expression>, String, Vec<Expression>),
    Joined(Box<Expression>, Box<Expression>),
    /// The first one that is there.
    Or(Box<Expression>, Box<Expression>),
    /// `-> { … }`: worked out when it is asked for.
    Lazy(Rc<Expression>),
    Opaque,
}

struct Parser<'a> {
    tokens: Vec<&'a Token>,
    at: usize,
    depth: usize,
    language: Language,
}

/// A statement: `name = value` has the form of a call of `=`.
pub(super) fn statement(tokens: &[Token], language: Language) -> Expression {
    let mut parser = Parser::new(tokens, language);
    let span =
        tokens.first().map_or(0, |token| token.span.start)..tokens.last().map_or(0, |token| token.span.end);
    if language == Language::Ruby && is_conditional(tokens) {
        return Expression { form: Form::Opaque, span };
    }
    let form = parser.assignment().or_else(|| parser.command()).or_else(|| {
        parser.at = 0;
        let expression = parser.expression();
        parser.peek().is_none().then_some(expression.form)
    });
    Expression { form: form.unwrap_or(Form::Opaque), span }
}

/// `… if condition`, and its like: the whole statement may not be.
fn is_conditional(tokens: &[Token]) -> bool {
    const MODIFIERS: [&str; 7] = ["if", "unless", "while", "until", "rescue", "and", "or"];
    let (mut depth, mut before) = (0usize, None::<&Token>);
    for token in tokens {
        let method = before.is_some_and(|before| before.is(".") || before.is("&."));
        if depth == 0 && !method && token.word().is_some_and(|word| MODIFIERS.contains(&word)) {
            return true;
        }
        match token {
            token if token.opens() => depth += 1,
            token if token.closes() => depth = depth.saturating_sub(1),
            _ => {}
        }
        before = Some(token);
    }
    false
}

/// What a piece of code in a text says.
pub(super) fn code(text: &str, language: Language) -> Option<Expression> {
    let tokens = match language {
        Language::Ruby => ruby::tokens(text),
        Language::Php => php::inner_tokens(text),
    };
    let tokens = tokens.ok()?;
    let end = tokens.iter().position(|token| token.kind == Kind::End).unwrap_or(tokens.len());
    Some(statement(&tokens[..end], language))
}

impl<'a> Parser<'a> {
    fn new(tokens: &'a [Token], language: Language) -> Self {
        let tokens = tokens.iter().filter(|token| token.kind != Kind::End).collect();
        Self { tokens, at: 0, depth: 0, language }
    }

    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at).copied()
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.is(sign));
        self.at += usize::from(found);
        found
    }

    fn word(&mut self) -> Option<&'a str> {
        let word = self.peek()?.word()?;
        self.at += 1;
        Some(word)
    }

    /// Whether the next token follows the one before without a blank.
    fn adjacent(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        before.zip(self.peek()).is_some_and(|(before, next)| before.span.end == next.span.start)
    }

    fn assignment(&mut self) -> Option<Form> {
        let name = self.word().filter(|_| self.take("="));
        let Some(name) = name else {
            self.at = 0;
            return None;
        };
        let value = self.expression();
        let pieces = vec![Piece::Plain(name.to_owned())];
        let name = Expression { form: Form::Text(pieces), span: self.tokens[0].span.clone() };
        (self.peek().is_none()).then(|| Form::Call("=".to_owned(), vec![name, value]))
    }

    /// `name argument, argument` of Ruby, and `require 'file'` of PHP.
    fn command(&mut self) -> Option<Form> {
        self.at = 0;
        let name = self.word()?;
        let next = self.peek()?;
        let value =
            !matches!(next.kind, Kind::Sign(_)) || (next.opens() && !self.adjacent() && !next.is("{"));
        if !value
            || (self.language == Language::Php
                && !name.starts_with("require")
                && !name.starts_with("include"))
        {
            return None;
        }
        let mut items = Vec::new();
        while self.peek().is_some() {
            items.push(self.item());
            if !self.take(",") && self.peek().is_some() {
                return None;
            }
        }
        Some(Form::Call(name.to_owned(), items))
    }

    /// Up to `end`; none: something else follows.
    fn list(&mut self, end: &str) -> Option<Vec<Expression>> {
        let mut items = Vec::new();
        loop {
            if self.take(end) {
                return Some(items);
            }
            let before = self.at;
            items.push(self.item());
            if self.take(end) {
                return Some(items);
            }
            if !self.take(",") || self.at == before {
                return None;
            }
        }
    }

    fn item(&mut self) -> Expression {
        let start = self.peek().map_or(0, |token| token.span.start);
        if let Some(Kind::Label(key)) = self.peek().map(|token| &token.kind) {
            self.at += 1;
            return self.pair(key.clone(), start);
        }
        let expression = self.expression();
        if !self.take("=>") {
            return expression;
        }
        match &expression.form {
            Form::Text(pieces) => match pieces.as_slice() {
                [Piece::Plain(key)] => self.pair(key.clone(), start),
                _ => self.pair(String::new(), start),
            },
            _ => self.pair(String::new(), start),
        }
    }

    fn pair(&mut self, key: String, start: usize) -> Expression {
        let value = self.expression();
        let span = start..value.span.end;
        Expression { form: Form::Pair(key, Box::new(value)), span }
    }

    /// Up to a comma, a bracket, or the end.
    fn expression(&mut self) -> Expression {
        let from = self.at;
        let start = self.peek().map_or(0, |token| token.span.start);
        self.depth += 1;
        let form = if self.depth > DEEPEST { None } else { self.operators() };
        self.depth -= 1;
        let ends = |token: &Token| token.closes() || token.is(",") || token.is("=>");
        let form = form.filter(|_| self.peek().is_none_or(ends)).unwrap_or_else(|| {
            self.at = from;
            self.skip();
            Form::Opaque
        });
        let end = self.at.checked_sub(1).map_or(start, |at| self.tokens[at].span.end);
        Expression { form, span: start..end.max(start) }
    }

    fn skip(&mut self) {
        let mut depth = 0usize;
        while let Some(token) = self.peek() {
            match token {
                token if depth == 0 && (token.closes() || token.is(",")) => return,
                token if token.opens() => depth += 1,
                token if token.closes() => depth -= 1,
                _ => {}
            }
            self.at += 1;
        }
    }

    fn operators(&mut self) -> Option<Form> {
        let start = self.peek()?.span.start;
        let (join, or): (&str, [&str; 2]) = match self.language {
            Language::Ruby => ("+", ["||", "or"]),
            Language::Php => (".", ["?:", "??"]),
        };
        let mut form = self.postfix()?;
        let mut chosen = false;
        for _ in 0..LONGEST_CHAIN {
            let joins = self.take(join);
            if !joins && !self.take(or[0]) && !self.take(or[1]) {
                return Some(form);
            }
            // A join binds tighter than what chooses before it, which is not worked out here.
            if joins && chosen {
                return None;
            }
            chosen |= !joins;
            let middle = self.peek()?.span.start;
            let left = Box::new(Expression { form, span: start..middle });
            let right = Box::new(Expression { form: self.postfix()?, span: middle..middle });
            form = if joins { Form::Joined(left, right) } else { Form::Or(left, right) };
        }
        None
    }

    fn postfix(&mut self) -> Option<Form> {
        let start = self.peek()?.span.start;
        let calls: [&str; 2] = match self.language {
            Language::Ruby => [".", "&."],
            Language::Php => ["->", "?->"],
        };
        let mut form = self.primary()?;
        for _ in 0..LONGEST_CHAIN {
            let end = self.tokens[self.at - 1].span.end;
            let on = |form| Box::new(Expression { form, span: start..end });
            if self.adjacent() && self.peek().is_some_and(|token| token.is("[")) {
                self.at += 1;
                form = Form::Method(on(form), "[]".to_owned(), self.list("]")?);
            } else if self.take(calls[0]) || self.take(calls[1]) {
                let name = self.word()?.to_owned();
                let arguments = if self.take("(") { self.list(")")? } else { Vec::new() };
                form = Form::Method(on(form), name, arguments);
            } else {
                return Some(form);
            }
        }
        None
    }

    fn primary(&mut self) -> Option<Form> {
        let token = self.peek()?;
        self.at += 1;
        let ruby = self.language == Language::Ruby;
        match &token.kind {
            Kind::Text(pieces) => Some(Form::Text(pieces.clone())),
            Kind::Number(number) => Some(Form::Number(*number)),
            Kind::Words(words) => Some(Form::Words(words.clone())),
            Kind::Sign("[") => self.list("]").map(Form::List),
            Kind::Sign("{") if ruby => self.list("}").map(Form::List),
            Kind::Sign("(") => {
                let inside = self.expression();
                self.take(")").then_some(inside.form)
            }
            Kind::Sign("->") if ruby => {
                let _ = self.take("(") && self.take(")");
                self.block()
            }
            Kind::Word(word) if ruby && ["proc", "lambda"].contains(&word.as_str()) => self.block(),
            Kind::Word(word) if !ruby && word == "array" && self.take("(") => self.list(")").map(Form::List),
            Kind::Word(word) => self.named(word),
            _ => None,
        }
    }

    fn block(&mut self) -> Option<Form> {
        let end = if self.take("{") { "}" } else { return None };
        let inside = self.expression();
        self.take(end).then(|| Form::Lazy(Rc::new(inside)))
    }

    fn named(&mut self, word: &str) -> Option<Form> {
        let called = self.peek().is_some_and(|token| token.is("("))
            && (self.adjacent() || self.language == Language::Php);
        if called {
            self.at += 1;
            return Some(Form::Call(word.to_owned(), self.list(")")?));
        }
        // `fetch :name` as a value has no brackets, and takes all that follows.
        let bare = word == "fetch" && self.peek().is_some_and(|token| matches!(token.kind, Kind::Text(_)));
        if !bare {
            return Some(Form::Name(word.to_owned()));
        }
        let mut items = vec![self.item()];
        while self.depth < 3 && self.take(",") {
            items.push(self.item());
        }
        Some(Form::Call(word.to_owned(), items))
    }
}
