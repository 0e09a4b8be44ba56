//! Values as far as they are plain: literals, and what other settings of the same file say. Nothing is run.
//!
//! What a file can make of a few lines is bounded: texts, lists, and the steps of working out a value.

use std::cell::Cell;
use std::ops::Range;

use super::expression::{Expression, Form, Language, code};
use super::token::Piece;
use crate::config::file::{Node, Value};

/// Longer texts and lists are no setting.
const LONGEST: usize = 4096;
/// Steps for the values of one file.
const STEPS: usize = 200_000;
const DEEPEST: usize = 16;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Plain {
    Text(String),
    Number(i64),
    Flag(bool),
    List(Vec<Plain>),
    Pair(String, Box<Plain>),
    /// A variable of the operator that is taken as not set, and `nil`.
    Unset,
    Lazy(Box<Expression>),
}

/// What names stand for.
pub(super) trait Scope {
    /// A setting: `fetch(:name)`.
    fn setting(&self, name: &str) -> Option<Plain>;
    /// A variable of the file.
    fn variable(&self, name: &str) -> Option<Plain>;
}

pub(super) struct Reader<'a> {
    pub language: Language,
    pub scope: &'a dyn Scope,
    steps: Cell<usize>,
    depth: Cell<usize>,
    /// A variable of the operator was taken as not set.
    pub asked: Cell<bool>,
}

impl<'a> Reader<'a> {
    pub fn new(language: Language, scope: &'a dyn Scope) -> Self {
        Self { language, scope, steps: Cell::new(STEPS), depth: Cell::new(0), asked: Cell::new(false) }
    }

    /// None: it is no plain value.
    pub fn value(&self, expression: &Expression) -> Option<Plain> {
        self.steps.set(self.steps.get().checked_sub(1)?);
        if self.depth.get() >= DEEPEST * 4 {
            return None;
        }
        self.depth.set(self.depth.get() + 1);
        let value = self.read(expression);
        self.depth.set(self.depth.get() - 1);
        value
    }

    /// With what is worked out late.
    pub fn settled(&self, value: Plain) -> Option<Plain> {
        match value {
            Plain::Lazy(expression) => {
                self.value(&expression).filter(|value| !matches!(value, Plain::Lazy(_)))
            }
            other => Some(other),
        }
    }

    fn read(&self, expression: &Expression) -> Option<Plain> {
        match &expression.form {
            Form::Text(pieces) => self.text(pieces).map(Plain::Text),
            Form::Number(number) => Some(Plain::Number(*number)),
            Form::Words(words) => Some(Plain::List(words.iter().cloned().map(Plain::Text).collect())),
            Form::List(items) => {
                items.iter().map(|item| self.value(item)).collect::<Option<Vec<_>>>().map(Plain::List)
            }
            Form::Pair(key, value) => Some(Plain::Pair(key.clone(), Box::new(self.value(value)?))),
            Form::Name(name) => match name.as_str() {
                "true" => Some(Plain::Flag(true)),
                "false" => Some(Plain::Flag(false)),
                "nil" | "null" => Some(Plain::Unset),
                name => self.settled(self.scope.variable(name)?),
            },
            Form::Call(name, arguments) => self.call(name, arguments),
            Form::Method(on, name, arguments) => self.method(on, name, arguments),
            Form::Joined(left, right) => join(self.value(left)?, self.value(right)?),
            Form::Or(left, right) => match self.value(left)? {
                Plain::Unset | Plain::Flag(false) => self.value(right),
                value => Some(value),
            },
            Form::Lazy(inside) => Some(Plain::Lazy(inside.clone())),
            Form::Opaque => None,
        }
    }

    fn text(&self, pieces: &[Piece]) -> Option<String> {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Plain(plain) => text.push_str(plain),
                Piece::Code(inside) => match self.value(&code(inside, self.language)?)? {
                    Plain::Text(inside) => text.push_str(&inside),
                    Plain::Number(number) => text.push_str(&number.to_string()),
                    _ => return None,
                },
            }
            if text.len() > LONGEST {
                return None;
            }
        }
        Some(text)
    }

    fn call(&self, name: &str, arguments: &[Expression]) -> Option<Plain> {
        let key = |at: usize| match self.value(arguments.get(at)?)? {
            Plain::Text(text) => Some(text),
            _ => None,
        };
        match (name, arguments) {
            ("fetch" | "get", [_]) => self.settled(self.scope.setting(&key(0)?)?),
            ("fetch" | "get", [_, default]) => match self.scope.setting(&key(0)?) {
                Some(value) => self.settled(value),
                None => self.value(default),
            },
            ("getenv", [_]) => self.unset(),
            _ => None,
        }
    }

    fn unset(&self) -> Option<Plain> {
        self.asked.set(true);
        Some(Plain::Unset)
    }

    fn method(&self, on: &Expression, name: &str, arguments: &[Expression]) -> Option<Plain> {
        let environment =
            matches!(&on.form, Form::Name(name) if name == "ENV" || name == "$_ENV" || name == "$_SERVER");
        match (name, arguments) {
            ("[]", [_]) if environment => self.unset(),
            ("fetch", [_]) if environment => self.unset(),
            ("fetch", [_, default]) if environment => {
                self.asked.set(true);
                self.value(default)
            }
            ("freeze" | "dup" | "to_s" | "to_sym", []) => self.value(on),
            ("push" | "append", added) => {
                let added = added.iter().map(|item| self.value(item)).collect::<Option<Vec<_>>>()?;
                join(self.value(on)?, Plain::List(added))
            }
            ("concat", [added]) => join(self.value(on)?, self.value(added)?),
            _ => None,
        }
    }
}

fn join(left: Plain, right: Plain) -> Option<Plain> {
    match (left, right) {
        (Plain::Text(left), Plain::Text(right)) if left.len() + right.len() <= LONGEST => {
            Some(Plain::Text(left + &right))
        }
        (Plain::List(mut left), Plain::List(right)) if left.len() + right.len() <= LONGEST => {
            left.extend(right);
            Some(Plain::List(left))
        }
        _ => None,
    }
}

impl Plain {
    pub fn text(&self) -> Option<&str> {
        match self {
            Plain::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The texts in it, of lists in lists too; none: there is something else.
    pub fn texts(&self) -> Option<Vec<String>> {
        match self {
            Plain::Text(text) => Some(vec![text.clone()]),
            Plain::List(items) => {
                let texts: Option<Vec<Vec<String>>> = items.iter().map(Plain::texts).collect();
                Some(texts?.concat())
            }
            Plain::Number(_) | Plain::Flag(_) | Plain::Pair(..) | Plain::Unset | Plain::Lazy(_) => None,
        }
    }

    /// As a value of a `shipit.toml`.
    pub fn node(&self, span: &Range<usize>) -> Option<Node> {
        let value = match self {
            Plain::Text(text) => Value::Text(text.clone()),
            Plain::Number(number) => Value::Integer(*number),
            Plain::Flag(flag) => Value::Flag(*flag),
            Plain::List(items) => {
                Value::List(items.iter().map(|item| item.node(span)).collect::<Option<_>>()?)
            }
            Plain::Pair(..) | Plain::Unset | Plain::Lazy(_) => return None,
        };
        Some(Node { value, span: span.clone() })
    }
}
