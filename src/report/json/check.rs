//! `check` as JSON.

use serde_json::{Value, json};

use crate::executor::event::Failure;
use crate::report::findings::{self, Finding, Group};

/// `check`: this machine, whose `host` is null, and the hosts in the order of the file.
#[must_use]
pub fn check(groups: &[Group]) -> Value {
    let finding = |finding: &Finding| {
        json!({
            "severity": finding.severity().name(),
            "text": finding.text(),
            "advice": finding.advice(),
            "remedy": finding.remedy,
        })
    };
    let group = |group: &Group| {
        json!({
            "host": Some(&group.name).filter(|name| *name != findings::HERE),
            "findings": group.findings.iter().map(finding).collect::<Vec<_>>(),
            "failure": group.unreached.as_ref().map(Failure::to_json),
        })
    };
    groups.iter().map(group).collect()
}
