//! `status`, `current` and `previous` as JSON.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::by::by;
use crate::executor::event::Failure;
use crate::executor::{Live, Looked};
use crate::remote::hold;
use crate::remote::journal::State;
use crate::remote::process::{Origin, Process};

/// `status`: the hosts in the order of the file.
#[must_use]
pub fn status(looked: &[Looked]) -> Value {
    looked.iter().map(host).collect()
}

fn host(host: &Looked) -> Value {
    let live = host.live.as_ref();
    let made = live.and_then(|live| host.entries.iter().rev().find(|entry| entry.release == live.release));
    json!({
        "host": host.host,
        "live": live.map(|live| json!({ "release": live.release, "revision": live.revision() })),
        "ref": made.map(|entry| &entry.reference),
        "when": made.map(|entry| &entry.when),
        "by": made.map(|entry| by(&entry.who)),
        "foreign": host.foreign,
        "damaged": host.facts.damaged.as_ref().map(|damage| {
            let (what, path) = damage.parts();
            json!({ "what": what, "path": path })
        }),
        "lock": host.holder.as_ref().map(|(who, dead)| json!({ "by": by(who), "dead": dead })),
        "hold": host.hold.as_ref().filter(|hold| hold.is_on(Timestamp::now())).map(|hold| json!({
            "by": by(&hold.who),
            "since": hold.since,
            "until": hold.until.map(hold::stamp),
            "why": hold.why,
        })),
        "supervisor": host.supervisor,
        "processes": host.processes.iter().map(process).collect::<Vec<_>>(),
        "drained": host.drained.is_some(),
        "state": state(host),
        "failure": host.failure.as_ref().map(Failure::to_json),
    })
}

fn process(process: &Process) -> Value {
    json!({
        "name": process.name,
        "state": process.state.name(),
        "pid": process.pid,
        "since": process.since,
        "restarts": process.restarts,
        "cpu_percent": process.cpu,
        "memory_bytes": process.memory,
        "release": match &process.origin {
            Origin::Release(release) => Some(release),
            Origin::Elsewhere | Origin::Unknown => None,
        },
    })
}

fn state(host: &Looked) -> &'static str {
    let last = host.entries.last().map(|entry| entry.state);
    match last {
        _ if host.failure.is_some() => "not-asked",
        _ if host.holder.is_some() => "locked",
        _ if host.foreign.is_some() => "foreign",
        Some(State::Open | State::Healthy) => "cut-off",
        _ if host.facts.damaged.is_some() => "damaged",
        Some(State::Failed) => "failed",
        _ if host.live.is_none() => "nothing-deployed",
        _ if host.drained.is_some() => "drained",
        _ => "ok",
    }
}

/// `current` and `previous`: the revision of each host that answered, in full.
#[must_use]
pub fn revisions(answers: &[(&str, Option<Live>)]) -> Value {
    let answer = |(host, live): &(&str, Option<Live>)| json!({ "host": host, "revision": live.as_ref().map(Live::revision) });
    answers.iter().map(answer).collect()
}
