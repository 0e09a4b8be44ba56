//! The same trouble on several hosts, as one item that names them all: what is read, and pasted, once.

use super::finding::{Finding, Group};
use super::severity::Severity;
use crate::remote::quote::quote;
use crate::report::{clean, human};

/// Something that is wrong on some hosts, as text.
#[derive(Debug, PartialEq)]
pub(super) struct Item {
    /// None: they were not reached.
    pub(super) severity: Option<Severity>,
    pub(super) text: String,
    pub(super) advice: Vec<String>,
    pub(super) remedy: Vec<String>,
}

/// Hosts, by their numbers among the groups, and all that is wrong on just these.
pub(super) type Trouble = (Vec<usize>, Vec<Item>);

/// All that is wrong, in the order of the hosts.
pub(super) fn troubles(groups: &[Group]) -> Vec<Trouble> {
    let mut found: Vec<(Vec<usize>, Vec<Item>)> = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        let unreached = group.unreached.as_ref().map(|failure| Item {
            severity: None,
            text: anywhere(&human::failure(failure), group),
            advice: clean::lines(failure.hint.as_deref().unwrap_or_default().as_bytes())
                .iter()
                .map(|line| anywhere(line, group))
                .collect(),
            remedy: Vec::new(),
        });
        for item in unreached.into_iter().chain(group.findings.iter().map(item)) {
            let is_same = |one: &&mut (Vec<usize>, Vec<Item>)| {
                !one.0.contains(&at)
                    && one.1[0].severity == item.severity
                    && one.1[0].text == item.text
                    && one.1[0].advice == item.advice
            };
            match found.iter_mut().find(is_same) {
                Some((hosts, items)) => {
                    hosts.push(at);
                    items.push(item);
                }
                None => found.push((vec![at], vec![item])),
            }
        }
    }
    let mut troubles: Vec<Trouble> = Vec::new();
    for (hosts, items) in found {
        let item = together(groups, &hosts, items);
        match troubles.iter_mut().find(|(known, _)| *known == hosts) {
            Some((_, items)) => items.push(item),
            None => troubles.push((hosts, vec![item])),
        }
    }
    troubles
}

fn item(finding: &Finding) -> Item {
    Item {
        severity: Some(finding.severity()),
        text: finding.text(),
        advice: finding.advice().into_iter().collect(),
        remedy: finding.remedy.clone(),
    }
}

/// What differs between hosts only by where it is.
const HOST: char = '\u{0}';

/// A message without the name and the address of its host.
fn anywhere(text: &str, group: &Group) -> String {
    let mut left = text;
    let mut said = String::new();
    // A name may be part of a longer word: of another host, or of a path.
    let is_part = |c: char| c.is_alphanumeric() || "._-@[]".contains(c);
    while let Some(at) = left.find(&group.name).filter(|_| !group.name.is_empty()) {
        let (before, after) = (&left[..at], &left[at + group.name.len()..]);
        said.push_str(before);
        left = after;
        if before.ends_with(is_part) || after.starts_with(is_part) {
            said.push_str(&group.name);
            continue;
        }
        said.push(HOST);
        if let Some((_, rest)) = after.strip_prefix(" (").and_then(|inner| inner.split_once(')')) {
            left = rest;
        }
    }
    said + left
}

/// One item of those of several hosts.
fn together(groups: &[Group], hosts: &[usize], mut items: Vec<Item>) -> Item {
    if let [only] = hosts {
        let mut item = items.remove(0);
        if let Some(failure) = groups[*only].unreached.as_ref().filter(|_| item.severity.is_none()) {
            item.text = human::failure(failure);
            item.advice = clean::lines(failure.hint.as_deref().unwrap_or_default().as_bytes());
        }
        return item;
    }
    let remedy = remedy(groups, hosts, &items);
    let item = items.remove(0);
    let every = |text: &str| text.replace(HOST, "each host");
    Item {
        text: every(&item.text),
        advice: item.advice.iter().map(|line| every(line)).collect(),
        remedy,
        ..item
    }
}

/// Where the lines of hosts differ in nothing else: a loop over the hosts, or one line for all that shipit is told. Else all
/// lines.
fn remedy(groups: &[Group], hosts: &[usize], items: &[Item]) -> Vec<String> {
    let of_host = |at: &usize, line: &str| {
        let own = format!(" --hosts {} ", quote(&groups[*at].name));
        if line.starts_with("shipit ") && line.contains(&own) {
            return Some(line.replacen(&own, &format!(" --hosts {HOST} "), 1));
        }
        let target = groups[*at].target.as_deref()?;
        let general = line.replacen(&format!(" {target} "), " \"$host\" ", 1);
        (line.starts_with("ssh ") && general != line).then_some(general)
    };
    let general = |(at, item): (&usize, &Item)| -> Option<Vec<String>> {
        item.remedy.iter().map(|line| of_host(at, line)).collect()
    };
    let mut all = hosts.iter().zip(items).map(general);
    let first = all.next().flatten().filter(|lines| !lines.is_empty());
    if let Some(lines) = first.filter(|first| all.all(|other| other.as_ref() == Some(first))) {
        let targets: Vec<&str> = hosts.iter().filter_map(|at| groups[*at].target.as_deref()).collect();
        let targets = targets.join(" ");
        let names: Vec<&str> = hosts.iter().map(|at| groups[*at].name.as_str()).collect();
        let for_all = |line: &String| match line.starts_with("shipit ") {
            true => line.replacen(HOST, &quote(&names.join(",")), 1),
            false => format!("for host in {targets}; do {line}; done"),
        };
        return lines.iter().map(for_all).collect();
    }
    let mut lines: Vec<String> = Vec::new();
    for line in items.iter().flat_map(|item| &item.remedy) {
        if !lines.contains(line) {
            lines.push(line.clone());
        }
    }
    lines
}
