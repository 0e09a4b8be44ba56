//! Statements of Capistrano's files that are left out: they are named, and what they may change is no longer known.

use super::expression::{Form, Language, statement};
use super::inner::{changes, inner_calls};
use super::model::{MOST_LEFT_OUT, left_out};
use super::stage::{LISTS, Stage, TAKEN_OVER};
use super::token::Statement;
use crate::config::problem::Span;
use crate::config::sources::Text;

/// What begins a task: it runs on hosts, and sets nothing that is asked here.
const TASKS: [&str; 7] = ["namespace", "task", "desc", "before", "after", "on", "Rake"];

impl Stage {
    /// What is left out: its first line, and what stands in it that would have been taken over.
    pub fn leave(&mut self, one: &Statement<'_>, text: &Text) {
        let at = |span: Span| text.base() + span.start..text.base() + span.end;
        self.remarks.push(left_out(text, &at(one.span())));
        let first = one.tokens.first().and_then(|token| token.word()).unwrap_or_default();
        if TASKS.contains(&first) {
            return;
        }
        let changes = changes(one.tokens);
        self.variables.retain(|name, _| !changes.all && !changes.variables.contains(name));
        let whole = at(one.span());
        for key in changes.settings {
            self.forget(&key, &whole);
        }
        let names = ["set", "append", "remove", "ask", "server", "role", "set_if_empty"];
        for call in inner_calls(one.tokens, &names) {
            let host = call.name == "server" || call.name == "role";
            let own = if call.within { None } else { self.own_key(one) };
            let key = call.key.as_deref().or(own.as_deref()).filter(|_| !host);
            // More or fewer paths than the list has: it stays.
            let list = ["append", "remove"].contains(&call.name.as_str());
            if let Some(key) = key.filter(|key| !(list && LISTS.contains(key))) {
                self.forget_unless_set(key, &at(call.span.clone()), &whole);
            }
            if call.computed && key.is_none() && !host && !list {
                TAKEN_OVER.iter().for_each(|key| self.forget_unless_set(key, &at(call.span.clone()), &whole));
            }
            let known = key.is_some_and(|key| TAKEN_OVER.contains(&key));
            if call.within && (host || known) && self.remarks.len() <= MOST_LEFT_OUT {
                self.remarks.push(left_out(text, &at(call.span)));
            }
        }
    }

    /// The setting that a statement names, where that is made of what is known.
    fn own_key(&self, one: &Statement<'_>) -> Option<String> {
        match statement(one.tokens, Language::Ruby).form {
            Form::Call(_, arguments) => self.key(arguments.first()?),
            _ => None,
        }
    }

    /// Unless this statement has set it to a plain value, though it is not taken over.
    fn forget_unless_set(&mut self, key: &str, span: &Span, statement: &Span) {
        let set = self.settings.get(key).is_some_and(|(_, own)| own == statement);
        if !set {
            self.forget(key, span);
        }
    }

    fn forget(&mut self, key: &str, span: &Span) {
        self.unread.insert(key.to_owned(), span.clone());
        self.settings.remove(key);
    }
}
