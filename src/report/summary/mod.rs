//! The end of a run in words: what failed and why, once; a table; one verdict; how to undo.
//!
//! Pure: an [`Outcome`] in, text out. Knows no terminal and asks nothing; every text of a host is made harmless here.

use super::style::Paint;
use crate::executor::outcome::{End, Outcome};
use crate::plan::Action;

mod failures;
mod next;
mod served;
mod table;
mod verdict;

#[cfg(test)]
mod tests;

/// The report of a run, for standard error. `undo` is the command that undoes a deploy, where there is one.
#[must_use]
pub fn render(outcome: &Outcome, width: usize, color: bool, undo: Option<&str>) -> String {
    let paint = Paint(color);
    let mut parts = Vec::new();
    // What refused a run is the verdict; as a failure it would be shown twice.
    if !matches!(outcome.end, End::Busy | End::Refused) {
        parts.extend(failures::render(outcome, width, paint));
        parts.extend(failures::full_output(outcome));
    }
    parts.extend(table::render(outcome, width, paint));
    let mut end = verdict::render(outcome, paint);
    if outcome.migrated && !matches!(outcome.end, End::Done | End::NothingToDo) {
        end.push_str("\nnote: a migration ran; what it did to a database is not undone");
    }
    // Of a first deploy there is nothing to go back to.
    let had_one = outcome.hosts.iter().any(|host| host.from.is_some());
    if let Some(undo) =
        undo.filter(|_| outcome.end == End::Done && outcome.action == Action::Deploy && had_one)
    {
        end.push_str(&format!("\n{} {undo}", paint.dim("undo:")));
    }
    parts.push(end);
    parts.join("\n\n") + "\n"
}

/// The verdict alone, without colours.
pub(super) fn verdict(outcome: &Outcome) -> String {
    verdict::render(outcome, Paint(false))
}

/// All failures, as the report tells them.
pub(super) fn failures(outcome: &Outcome, width: usize, paint: Paint) -> Vec<String> {
    failures::render(outcome, width, paint)
}

// Without the frame that sets it off on a terminal.
fn bare(text: &str) -> String {
    let line = |line: &str| {
        let line = line.trim_start();
        line.strip_prefix("| ").unwrap_or(if line == "|" { "" } else { line }).to_owned()
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Each failure's heading and what is said of it; where nothing failed by itself, the verdict.
pub(super) fn headings(outcome: &Outcome) -> Vec<(String, String)> {
    let each: Vec<(String, String)> = failures::render(outcome, usize::MAX, Paint(false))
        .iter()
        .map(|text| text.split_once('\n').unwrap_or((text, "")))
        .map(|(heading, rest)| {
            (heading.to_owned(), if rest.is_empty() { heading.to_owned() } else { bare(rest) })
        })
        .collect();
    if each.is_empty() { vec![("shipit".to_owned(), verdict(outcome))] } else { each }
}
