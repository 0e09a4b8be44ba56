//! How a run ended: one value, from which the report, the exit code and the JSON for local hooks are made.

use std::time::Duration;

use super::event::{Failure, FailureKind, Phase};
use crate::transport::Exit;

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// `deploy`, `revert`, `setup` …
    pub action: String,
    /// Name of the environment.
    pub environment: String,
    /// The end in one word.
    pub end: End,
    /// The release this run was about, once known; none where its apps go to several.
    pub release: Option<String>,
    /// Its revision (full commit id); none where its apps have several.
    pub revision: Option<String>,
    /// The apps, where there are several: their names, and what this run was to make of them, once known.
    pub apps: Vec<(String, Option<Live>)>,
    /// Every host of the run, in order.
    pub hosts: Vec<HostOutcome>,
    /// A failure that belongs to no host: a ref that does not exist, a local hook.
    pub failure: Option<Failure>,
    /// The phase in which it failed.
    pub failed_in: Option<Phase>,
    /// From the first connection to the end.
    pub took: Duration,
    /// A `migrate` hook ran: what it did to a database is not undone.
    pub migrated: bool,
}

/// How a run ended, as the exit codes tell it. Ordered by nothing: see `error::exit_code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// All done.
    Done,
    /// All hosts had it already.
    NothingToDo,
    /// Nothing live was changed.
    Failed,
    /// A rule forbade it.
    Refused,
    /// A host was not reached, authenticated or trusted; nothing live was changed.
    Unreachable,
    /// It was live on some and every host was rolled back.
    RolledBack,
    /// Not every host serves the same.
    Split,
    /// Another run holds the lock.
    Busy,
    /// The user stopped it; nothing live was changed, or all were rolled back. The signal's number.
    Interrupted(i32),
}

/// How a run ended on one host.
#[derive(Debug, Clone)]
pub struct HostOutcome {
    /// As in the file; `HOST/APP` where there are several apps.
    pub host: String,
    /// What was live before: a release, or nothing yet.
    pub from: Option<Live>,
    /// What is live now; `None` where nothing is or nobody knows.
    pub to: Option<Live>,
    /// In one word.
    pub result: HostResult,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Told by the host itself, that not all worked on the way back: the last step that did not; empty where it named none.
    pub amiss: Option<String>,
    /// How long this host was worked on.
    pub took: Duration,
}

/// A release that is live.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Live {
    /// Its name.
    pub release: String,
    /// The full commit id.
    pub revision: String,
}

/// What became of one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostResult {
    /// Done what the run wanted.
    Done,
    /// Had nothing to do.
    Unchanged,
    /// Could not be reached, and was allowed to be left out.
    Skipped,
    /// This host failed and serves what it served before.
    Failed,
    /// Not this host's fault: it stopped because another failed, and serves what it served before.
    Stopped,
    /// It was live and was rolled back.
    RolledBack,
    /// Should have been rolled back and was not, or cannot be asked.
    Doubt,
}

impl Outcome {
    /// For `post-deploy-local` and `on-failure-local`: one JSON object. Text of hosts is in it as it came.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.to_value().to_string()
    }

    /// The same, to be made part of something.
    #[must_use]
    pub fn to_value(&self) -> serde_json::Value {
        let hosts: Vec<_> = self.hosts.iter().map(HostOutcome::to_json).collect();
        let app = |(name, goal): &(String, Option<Live>)| {
            let (release, revision) = goal.as_ref().map(|goal| (&goal.release, &goal.revision)).unzip();
            serde_json::json!({ "app": name, "release": release, "revision": revision })
        };
        let apps: Vec<_> = self.apps.iter().map(app).collect();
        serde_json::json!({
            "version": 1,
            "action": self.action,
            "environment": self.environment,
            "result": self.end.name(),
            "release": self.release,
            "revision": self.revision,
            "apps": apps,
            "seconds": self.took.as_secs_f64(),
            "migrated": self.migrated,
            "failure": self.failure.as_ref().map(Failure::to_json),
            "failed_in": self.failed_in.map(Phase::name),
            "hosts": hosts,
        })
    }
}

impl HostOutcome {
    fn to_json(&self) -> serde_json::Value {
        let live = |live: &Option<Live>| {
            live.as_ref().map(|l| serde_json::json!({ "release": l.release, "revision": l.revision }))
        };
        serde_json::json!({
            "host": self.host,
            "from": live(&self.from),
            "to": live(&self.to),
            "result": self.result.name(),
            "failure": self.failure.as_ref().map(Failure::to_json),
            "seconds": self.took.as_secs_f64(),
        })
    }
}

impl Failure {
    /// For machines. Text of hosts is in it as it came.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "kind": self.kind.name(),
            "step": self.step,
            "exit": self.exit.as_ref().map(exit_to_json),
            "message": self.message,
            "hint": self.hint,
            "output": String::from_utf8_lossy(&self.tail),
        })
    }
}

impl FailureKind {
    /// A word for machines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            FailureKind::Step => "step",
            FailureKind::Unreachable => "unreachable",
            FailureKind::Lost => "lost",
            FailureKind::Busy => "busy",
            FailureKind::Refused => "refused",
            FailureKind::Interrupted => "interrupted",
        }
    }
}

/// `{"code": 1}`, `{"signal": "TERM"}` or `{"lost": "…"}`, for machines.
#[must_use]
pub fn exit_to_json(exit: &Exit) -> serde_json::Value {
    match exit {
        Exit::Code(code) => serde_json::json!({ "code": code }),
        Exit::Signal(signal) => serde_json::json!({ "signal": signal }),
        Exit::Lost(known) => serde_json::json!({ "lost": known }),
    }
}

impl End {
    /// A word for machines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            End::Done => "done",
            End::NothingToDo => "nothing-to-do",
            End::Failed => "failed",
            End::Refused => "refused",
            End::Unreachable => "unreachable",
            End::RolledBack => "rolled-back",
            End::Split => "split",
            End::Busy => "busy",
            End::Interrupted(_) => "interrupted",
        }
    }
}

impl HostResult {
    /// A word for machines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            HostResult::Done => "done",
            HostResult::Unchanged => "unchanged",
            HostResult::Skipped => "skipped",
            HostResult::Failed => "failed",
            HostResult::Stopped => "stopped",
            HostResult::RolledBack => "rolled-back",
            HostResult::Doubt => "doubt",
        }
    }
}
