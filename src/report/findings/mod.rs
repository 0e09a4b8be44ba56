//! What `check` found, as a user reads it: findings, each with its remedy to paste, grouped by host.
//!
//! Answers of hosts become problems in `host` (the repository's in `repository`), what was seen on this machine in `here`;
//! `problem` words them. Text of hosts may be in all of it: it is made harmless when it is rendered, and quoted where it is to
//! be pasted.

use std::fmt::Write as _;

use super::style::Paint;
use super::word_wrap::wrap_words;
use super::{clean, human};

mod access;
mod answers;
mod finding;
pub mod here;
mod host;
mod place;
mod problem;
mod remedy;
mod repository;
mod severity;
mod shared;
mod system;
mod upkeep;

#[cfg(test)]
mod tests;

pub use access::Access;
pub use finding::{Finding, Group};
pub use host::examine;
pub use place::{Directory, Place};
pub use problem::{Local, Problem, Tool};
pub use severity::Severity;
pub use system::System;

/// The name of the operator's machine among the hosts.
pub const HERE: &str = "this machine";

/// Columns of a message or a remedy, at most: no host makes an endless line of one.
const WIDEST: usize = 4000;

/// All of it as text, in so many columns but for what is to be pasted: a line per finding, its remedy indented below it, below the names of the hosts that have it; hosts without
/// findings are named together at the end.
#[must_use]
pub fn render(groups: &[Group], color: bool, width: usize) -> String {
    let paint = Paint(color);
    let mut text = String::new();
    let line = |text: &str| clean::line(text.as_bytes(), WIDEST);
    for (hosts, items) in shared::troubles(groups) {
        let names: Vec<String> = hosts.iter().map(|at| line(&groups[*at].name)).collect();
        let _ = writeln!(text, "{}", paint.bold(&names.join(", ")));
        for item in items {
            let severity = match item.severity {
                None => paint.bad("not reached"),
                Some(Severity::Broken) => paint.bad(Severity::Broken.name()),
                Some(Severity::Warning) => paint.odd(Severity::Warning.name()),
            };
            let finding = format!("  {severity}: {}", line(&item.text));
            let _ = writeln!(text, "{}", wrap_words(&finding, width).join("\n"));
            // Lines of a hint are indented where they are to be pasted.
            for advice in item.advice.iter().flat_map(|advice| clean::lines(advice.as_bytes())) {
                let advice = format!("    {}", clean::truncate(&advice, WIDEST));
                let _ = writeln!(text, "{}", wrap_words(&advice, width).join("\n"));
            }
            for remedy in &item.remedy {
                let _ = writeln!(text, "      {}", line(remedy));
            }
        }
    }
    let well = groups.iter().filter(|group| group.findings.is_empty() && group.unreached.is_none());
    let well: Vec<String> = well.map(|group| line(&group.name)).collect();
    if !well.is_empty() {
        let names: Vec<&str> = well.iter().map(String::as_str).collect();
        let _ = writeln!(text, "{}: {}", human::names(&names), paint.good("ok"));
    }
    text
}
