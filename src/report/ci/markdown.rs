//! The end of a run as a page of Markdown: what a CI system shows beside the log.
//!
//! Names and messages come from files and hosts, so all that means something in Markdown or HTML is written as a number.

use std::fmt::Write as _;

use super::super::style::Paint;
use super::super::{human, summary as report};
use crate::executor::Live;
use crate::executor::outcome::{HostOutcome, Outcome};

/// More hosts than these are counted: the page has a limit.
const MOST_ROWS: usize = 500;

/// Lines of failures.
const MOST_LINES: usize = 300;

/// The page; `commits` are lines on what went out.
pub(in crate::report) fn summary(outcome: &Outcome, commits: &[String]) -> String {
    let mut page =
        format!("### shipit: {} {}\n\n", escaped(outcome.action.name()), escaped(&outcome.environment));
    for line in report::verdict(outcome).lines() {
        let _ = writeln!(page, "{}  ", escaped(line));
    }
    page.push_str("\n| host | from | to | time | result |\n| --- | --- | --- | ---: | --- |\n");
    outcome.hosts.iter().take(MOST_ROWS).for_each(|host| row(&mut page, host));
    if outcome.hosts.len() > MOST_ROWS {
        let _ = writeln!(page, "\n… and {} more", human::hosts(outcome.hosts.len() - MOST_ROWS));
    }
    block(&mut page, "failures", &report::failures(outcome, usize::MAX, Paint(false)).join("\n\n"));
    block(&mut page, "commits", &commits.join("\n"));
    page.push('\n');
    page
}

fn row(page: &mut String, host: &HostOutcome) {
    let live = |live: &Option<Live>| human::live(live.as_ref()).unwrap_or_else(|| "–".to_owned());
    let cells = [
        host.host.clone(),
        live(&host.from),
        if host.known { live(&host.to) } else { "?".to_owned() },
        human::duration(host.took),
        host.result.name().replace('-', " "),
    ];
    let cells = cells.map(|cell| escaped(&super::super::clean::line(cell.as_bytes(), 200)));
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}

// A `<pre>` block ends with its end tag and nothing else, which escaped text cannot hold.
fn block(page: &mut String, title: &str, text: &str) {
    if text.is_empty() {
        return;
    }
    let lines: Vec<&str> = text.lines().take(MOST_LINES).collect();
    let text = lines.join("\n").replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ =
        write!(page, "\n<details open><summary>{title}</summary>\n\n<pre>\n{text}\n</pre>\n\n</details>\n");
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        match c {
            '&' | '<' | '>' | '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '#' | '@' | ':' | '$'
            | '!' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
        out
    })
}
