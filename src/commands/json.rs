//! Answers to questions as JSON, for `--output json`: an array with an object a host, or a deploy. Fields are an API as the
//! events are: they are added to, not changed. Text of hosts is in it as it came.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::chain::Chain;
use crate::executor::Looked;
use crate::executor::event::Failure;
use crate::remote::history::Deploy;
use crate::remote::hold;
use crate::remote::journal::State;
use crate::report::findings::{self, Finding, Group};

/// `status`: the hosts in the order of the file.
pub(super) fn status(looked: &[Looked]) -> Value {
    looked.iter().map(host).collect()
}

fn host(host: &Looked) -> Value {
    let live = host.live.as_ref();
    let made = live.and_then(|live| host.entries.iter().rev().find(|entry| entry.release == live.release));
    json!({
        "host": host.host,
        "live": live.map(|live| json!({ "release": live.release, "revision": live.revision })),
        "ref": made.map(|entry| &entry.reference),
        "when": made.map(|entry| &entry.when),
        "by": made.map(|entry| &entry.who),
        "foreign": host.foreign,
        "lock": host.holder.as_ref().map(|(who, dead)| json!({ "by": who, "dead": dead })),
        "hold": host.hold.as_ref().filter(|hold| hold.is_on(Timestamp::now())).map(|hold| json!({
            "by": hold.who,
            "since": hold.since,
            "until": hold.until.map(hold::stamp),
            "why": hold.why,
        })),
        "supervisor": host.supervisor,
        "drained": host.drained.is_some(),
        "state": state(host),
        "failure": host.failure.as_ref().map(Failure::to_json),
    })
}

fn state(host: &Looked) -> &'static str {
    let last = host.entries.last().map(|entry| entry.state);
    match last {
        _ if host.failure.is_some() => "not-asked",
        _ if host.holder.is_some() => "locked",
        _ if host.foreign.is_some() => "foreign",
        Some(State::Open | State::Healthy) => "cut-off",
        Some(State::Failed) => "failed",
        _ if host.live.is_none() => "nothing-deployed",
        _ if host.drained.is_some() => "drained",
        _ => "ok",
    }
}

/// `list`: the deploys that are known, newest first, `revert` being the number that `revert` counts by.
pub(super) fn list(deploys: &[Deploy<'_>], chain: &Chain<'_>) -> Value {
    let deploy = |deploy: &Deploy<'_>| {
        let entry = deploy.entry;
        let live = chain.live.unwrap_or_default();
        let good = entry.action == "deploy" && matches!(entry.state, State::Done | State::Healthy);
        let number = chain.numbers.get(entry.release.as_str());
        let app = |(name, revision): &(String, String)| json!({ "app": name, "revision": revision });
        json!({
            "apps": entry.apps.iter().map(app).collect::<Vec<_>>(),
            "release": entry.release,
            "revision": entry.revision,
            "ref": entry.reference,
            "action": entry.action,
            "when": entry.when,
            "by": entry.who,
            "state": word(entry.state),
            "live": good && entry.release == live,
            "revert": number.filter(|_| good && entry.release != live),
        })
    };
    deploys.iter().rev().map(deploy).collect()
}

pub(super) fn word(state: State) -> &'static str {
    match state {
        State::Open => "open",
        State::Healthy => "healthy",
        State::Done => "done",
        State::Back => "rolled-back",
        State::Failed => "failed",
    }
}

/// `check`: this machine, whose `host` is null, and the hosts in the order of the file.
pub(super) fn check(groups: &[Group]) -> Value {
    let finding = |finding: &Finding| {
        json!({
            "severity": finding.severity.name(),
            "text": finding.text,
            "advice": finding.advice,
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

/// `current` and `previous`: the revision of each host that answered, in full.
pub(super) fn revisions(answers: &[(&str, Option<String>)]) -> Value {
    answers.iter().map(|(host, revision)| json!({ "host": host, "revision": revision })).collect()
}
