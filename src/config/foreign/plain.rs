//! Values as far as they are plain: literals, and what other settings of the same file say. Nothing is run.
//!
//! What a file can make of a few lines is bounded: texts, lists, and the steps of working out a value.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

use super::expression::{Expression, Form, Language, code};
use super::token::Piece;
use crate::config::file::{Node, Value};

/// Longer texts and lists are no setting.
const LONGEST: usize = 4096;
/// A larger value, with all that is in it, is no setting.
const LARGEST: usize = 1 << 16;
/// What a value in a list counts beside its text.
const EACH: usize = 16;
/// Steps for all values of a configuration.
const STEPS: usize = 1_000_000;
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
    Lazy(Rc<Expression>),
}

/// A plain value, and whether a variable of the operator was taken as not set for it.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub value: Plain,
    pub asked: bool,
}

/// What a setting is.
pub(super) enum Setting {
    Absent,
    /// It is set to something that is no plain value.
    Unread,
    Is(Known),
}

/// What names stand for.
pub(super) trait Scope {
    /// A setting: `fetch(:name)`.
    fn setting(&self, name: &str) -> Setting;
    /// A variable of the file.
    fn variable(&self, name: &str) -> Option<Known>;
}

/// The steps that are left for all values of a configuration.
#[derive(Clone)]
pub(super) struct Steps(Rc<Cell<usize>>);

/// Remembers what a variable is, or that nobody knows. Whether it is known.
pub(super) fn assign(variables: &mut BTreeMap<String, Known>, name: String, value: Option<Known>) -> bool {
    let is_known = value.is_some();
    match value {
        Some(known) => variables.insert(name, known),
        None => variables.remove(&name),
    };
    is_known
}

impl Default for Steps {
    fn default() -> Self {
        Self(Rc::new(Cell::new(STEPS)))
    }
}

impl Steps {
    /// None: there are no more.
    fn take(&self, size: usize) -> Option<()> {
        let left = self.0.get().checked_sub(1 + size / EACH);
        self.0.set(left.unwrap_or(0));
        left.map(|_| ())
    }
}

pub(super) struct Reader<'a> {
    pub language: Language,
    pub scope: &'a dyn Scope,
    steps: &'a Steps,
    depth: Cell<usize>,
    /// A variable of the operator was taken as not set.
    pub asked: Cell<bool>,
}

impl<'a> Reader<'a> {
    pub fn new(language: Language, scope: &'a dyn Scope, steps: &'a Steps) -> Self {
        Self { language, scope, steps, depth: Cell::new(0), asked: Cell::new(false) }
    }

    /// None: it is no plain value.
    pub fn value(&self, expression: &Expression) -> Option<Plain> {
        self.steps.take(0)?;
        if self.depth.get() >= DEEPEST * 4 {
            return None;
        }
        self.depth.set(self.depth.get() + 1);
        let value = self.read(expression);
        self.depth.set(self.depth.get() - 1);
        value
    }

    fn known(&self, known: Known) -> Option<Plain> {
        self.asked.set(self.asked.get() || known.asked);
        self.settled(known.value)
    }

    /// With what is worked out late.
    pub fn settled(&self, value: Plain) -> Option<Plain> {
        self.steps.take(value.size())?;
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
            Form::Words(words) => {
                self.steps.take(words.len() * EACH)?;
                self.steps.take(words.iter().map(String::len).sum())?;
                Plain::List(words.iter().cloned().map(Plain::Text).collect()).bounded()
            }
            Form::List(items) => self.list(items).map(Plain::List),
            Form::Pair(key, value) => {
                self.steps.take(key.len())?;
                Some(Plain::Pair(key.clone(), Box::new(self.value(value)?)))
            }
            Form::Name(name) => match name.as_str() {
                "true" => Some(Plain::Flag(true)),
                "false" => Some(Plain::Flag(false)),
                "nil" | "null" => Some(Plain::Unset),
                name => self.known(self.scope.variable(name)?),
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

    /// No more values at any time than one may hold.
    fn list(&self, items: &[Expression]) -> Option<Vec<Plain>> {
        let (mut list, mut left) = (Vec::new(), LARGEST);
        for item in items {
            let value = self.value(item)?;
            left = left.checked_sub(value.size())?;
            list.push(value);
        }
        Some(list)
    }

    fn text(&self, pieces: &[Piece]) -> Option<String> {
        let mut text = String::new();
        for piece in pieces {
            let part = match piece {
                Piece::Plain(plain) if plain.len() > LONGEST => return None,
                Piece::Plain(plain) => plain.clone(),
                Piece::Code(inside) => {
                    self.steps.take(inside.len() * EACH)?;
                    match self.value(&code(inside, self.language)?)? {
                        Plain::Text(inside) => inside,
                        Plain::Number(number) => number.to_string(),
                        _ => return None,
                    }
                }
            };
            text.push_str(&part);
            if text.len() > LONGEST {
                return None;
            }
        }
        self.steps.take(text.len())?;
        Some(text)
    }

    fn call(&self, name: &str, arguments: &[Expression]) -> Option<Plain> {
        let key = |at: usize| match self.value(arguments.get(at)?)? {
            Plain::Text(text) => Some(text),
            _ => None,
        };
        match (name, arguments) {
            ("fetch" | "get", [_, default @ ..]) if default.len() < 2 => match self.scope.setting(&key(0)?) {
                Setting::Is(known) => self.known(known),
                Setting::Absent => self.value(default.first()?),
                Setting::Unread => None,
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
                let added = self.list(added)?;
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
        (Plain::List(mut left), Plain::List(right)) => {
            left.extend(right);
            Plain::List(left).bounded()
        }
        _ => None,
    }
}

impl Plain {
    /// How much it holds, with all that is in it.
    fn size(&self) -> usize {
        EACH + match self {
            Plain::Text(text) => text.len(),
            Plain::List(items) => items.iter().map(Plain::size).sum(),
            Plain::Pair(key, value) => key.len() + value.size(),
            Plain::Number(_) | Plain::Flag(_) | Plain::Unset | Plain::Lazy(_) => 0,
        }
    }

    /// None: it is too large for a setting.
    pub fn bounded(self) -> Option<Self> {
        (self.size() <= LARGEST).then_some(self)
    }

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
