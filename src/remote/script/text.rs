//! A script: text, with all arguments quoted, and the steps that users know it by.

use std::fmt::Write as _;

use crate::remote::quote::quote;

/// A script as it is sent, and as the dry run shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    pub(super) text: String,
    steps: Vec<String>,
    takes: Vec<Takes>,
}

/// What takes time in a script besides the steps that users know by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// So many seconds at most.
    Seconds(u64),
    /// As long as a health check.
    Health,
    /// As long as a run takes to be ended: all the way back, or on.
    Recovery,
    /// As long as the user wants.
    Endless,
}

/// Where on a host a text of the user's runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The new release.
    Release,
    /// `current`.
    Current,
    /// `current` as it was, else the deploy path.
    Old,
    /// The login directory.
    Home,
    /// The deploy path.
    Root,
}

/// Which way a run goes on a host that lost its operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To the new release.
    Forward,
    /// To what it served before.
    Back,
}

impl Place {
    pub(super) fn word(self) -> &'static str {
        match self {
            Place::Release => r#""$rel""#,
            Place::Current => r#""$root/current""#,
            Place::Old => r#""$(old_code_dir)""#,
            Place::Home => r#""$HOME""#,
            Place::Root => r#""$root""#,
        }
    }
}

impl Script {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Script::default()
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it does nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// This script, then the other.
    #[must_use]
    pub fn then(mut self, other: &Script) -> Self {
        self.text.push_str(&other.text);
        other.steps.iter().for_each(|step| self.note(step));
        self.takes.extend(&other.takes);
        self
    }

    /// What takes time besides its steps.
    #[must_use]
    pub fn takes(&self) -> &[Takes] {
        &self.takes
    }

    pub(super) fn taking(mut self, time: Takes) -> Self {
        self.takes.push(time);
        self
    }

    /// The steps that it goes through, by the names that users know, in their order.
    #[must_use]
    pub fn steps(&self) -> &[String] {
        &self.steps
    }

    pub(super) fn note(&mut self, step: &str) {
        if !self.steps.iter().any(|known| known == step) {
            self.steps.push(step.to_owned());
        }
    }

    // A call that users know as these steps.
    pub(super) fn step(mut self, steps: &[&str], function: &str, arguments: &[&str]) -> Self {
        steps.iter().for_each(|step| self.note(step));
        self.call(function, arguments)
    }

    pub(super) fn call(mut self, function: &str, arguments: &[&str]) -> Self {
        self.text.push_str(function);
        for argument in arguments {
            let _ = write!(self.text, " {}", quote(argument));
        }
        self.text.push('\n');
        self
    }
}
