//! Calls of `scripts/adopt.sh`: what another tool deployed becomes releases of ours.

use super::text::{Script, Takes};
use crate::remote::program;

/// What becomes of files in another tool's work tree that a new release would not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unshared {
    /// What belongs into `shared/` is moved there.
    Move,
    /// They are a reason to refuse.
    Refuse,
}

impl Script {
    /// Tells whether another tool made what is live.
    #[must_use]
    pub fn adoptable(self) -> Self {
        self.call("tell_adoptable", &[])
    }

    /// Begins an adoption: what is stored next goes to the record of every release that is adopted.
    #[must_use]
    pub fn adopt_begin(mut self) -> Self {
        self.text.push_str(&program::ADOPT);
        self.call("adopt_begin", &[])
    }

    /// For `check`: tells what a new release would lack. After [`Script::check_begin`].
    #[must_use]
    pub fn check_adopt(mut self, entries: &[String]) -> Self {
        self.text.push_str(&program::ADOPT);
        self.call("check_adopt", &entries.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Adopts what another tool deployed. `entries`: `d:PATH` a shared directory, `f:PATH` a shared file, `c:PATH` carried,
    /// `i:PATTERN` ignored. `seconds`: how long it may take to list what is there.
    #[must_use]
    pub fn adopt(self, unshared: Unshared, entries: &[String], seconds: u64) -> Self {
        let mode = match unshared {
            Unshared::Move => "move",
            Unshared::Refuse => "check",
        };
        let entries = entries.iter().map(String::as_str);
        let arguments: Vec<&str> = std::iter::once(mode).chain(entries).collect();
        self.call("adopt", &arguments).taking(Takes::Seconds(seconds))
    }
}
