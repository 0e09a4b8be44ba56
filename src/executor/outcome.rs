//! How a run ended: one value, from which the report, the exit code and the JSON for local hooks are made.

use std::time::Duration;

pub use super::end::End;
use super::event::{Action, Failure, FailureKind, Phase};
use super::fate::Fate;
use super::host::HostState;
use super::live::Live;
use super::role::Role;
use super::run_state::RunState;
use crate::plan::{OnFailure, Plan, Unreachable};
use crate::remote::damage::Serving;
use crate::remote::reason::Reason;
use crate::remote::version::Version;
use crate::transport::Exit;

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What kind of run it was.
    pub action: Action,
    /// Name of the environment.
    pub environment: String,
    /// The end in one word.
    pub end: End,
    /// The release this run was about, once known; none where its apps go to several.
    pub release: Option<String>,
    /// What that is made of; none where its apps have several.
    pub version: Option<Version>,
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

/// How a run ended on one host.
#[derive(Debug, Clone)]
pub struct HostOutcome {
    /// As in the file; `HOST/APP` where there are several apps.
    pub host: String,
    /// What was live before: a release, or nothing yet.
    pub from: Option<Live>,
    /// The release that is live now; `None` where none is, or where that is not known.
    pub to: Option<Live>,
    /// Whether it is known what is live now.
    pub known: bool,
    /// What `current` is, where the host said so after the run went wrong.
    pub serving: Option<Serving>,
    /// In one word.
    pub result: HostResult,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Told by the host itself, that not all worked on the way back: the last step that did not; empty where it named none.
    pub failed_recovery: Option<String>,
    /// How long this host was worked on.
    pub took: Duration,
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
    InDoubt,
}

impl Outcome {
    /// Of a run that ended so.
    pub(super) fn of(run: &mut RunState<'_>, end: End) -> Outcome {
        let plan = run.plan();
        let hosts = (0..run.fleet.hosts.len()).map(|at| HostOutcome::of(run, at, end)).collect();
        let apps = &plan.environment.apps;
        let goals = || run.fleet.goals.iter().flatten();
        let releases = goals().map(|goal| &goal.release).filter(|release| !release.is_empty());
        let versions = goals().filter_map(|goal| goal.version.as_ref());
        Outcome {
            action: plan.action,
            environment: plan.environment.name.clone(),
            end,
            release: the_only(releases),
            version: the_only(versions),
            apps: match apps.len() {
                1 => Vec::new(),
                _ => apps.iter().map(|app| app.name.clone()).zip(run.fleet.goals.iter().cloned()).collect(),
            },
            hosts,
            failure: run.failure.take(),
            failed_in: run.failed_in,
            took: run.since.elapsed(),
            migrated: run.migrated,
        }
    }

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
            let (release, revision) = goal.as_ref().map(|goal| (&goal.release, goal.revision())).unzip();
            serde_json::json!({ "app": name, "release": release, "revision": revision })
        };
        let apps: Vec<_> = self.apps.iter().map(app).collect();
        serde_json::json!({
            "version": 1,
            "action": self.action.name(),
            "environment": self.environment,
            "result": self.end.name(),
            "release": self.release,
            "revision": self.version,
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
    fn of(run: &mut RunState<'_>, at: usize, end: End) -> HostOutcome {
        let (plan, confirmed) = (run.plan(), run.confirmed);
        let goal = run.goal(at).cloned();
        let host = &mut run.fleet.hosts[at];
        let from = host.live();
        let was_skipped = host.skipped.is_some();
        // A host that the user allowed to be skipped has not failed.
        let may_skip = matches!(plan.policy.unreachable, Unreachable::SkipUpTo(_));
        let skipped = host.skipped.take().filter(|_| !may_skip);
        host.failure = host.failure.take().or(skipped).filter(|f| f.kind != FailureKind::Interrupted);
        let result = result(plan, host, Ended { end, confirmed, was_skipped });
        let failure = host.failure.take();
        // What was begun and not rolled back stays where it came to.
        let stays = plan.policy.on_failure == OnFailure::Continue
            && host.fate.was_switched()
            && host.lost.is_none()
            && failure.as_ref().is_some_and(Failure::is_of_a_step);
        let said_so = matches!(host.fate, Fate::RecoveryFailed { .. });
        let in_place = plan.policy.on_failure == OnFailure::FinishInPlace;
        let serving = host.facts.serving.take();
        let to = match (&serving, result) {
            (Some(Serving::Release(release)), _) => Some(live_of(release, [&from, &goal])),
            (Some(_), _) => None,
            (None, HostResult::Done) => goal.or_else(|| from.clone()),
            (None, HostResult::InDoubt) if stays => goal,
            // A restart does not change what is live.
            (None, HostResult::InDoubt) if !(said_so && in_place) => None,
            (None, _) => from.clone(),
        };
        let known = to.is_some() || serving.is_some() || result != HostResult::InDoubt && host.was_asked();
        let step = host.failed_recovery_step.take().map(|failed| failed.text());
        let failed_recovery = (result == HostResult::InDoubt && said_so).then(|| step.unwrap_or_default());
        let (host, took) = (host.name.clone(), host.took);
        HostOutcome { host, from, to, known, serving, result, failure, failed_recovery, took }
    }

    fn to_json(&self) -> serde_json::Value {
        let live = |live: &Option<Live>| {
            live.as_ref().map(|l| serde_json::json!({ "release": l.release, "revision": l.revision() }))
        };
        serde_json::json!({
            "host": self.host,
            "from": live(&self.from),
            "to": live(&self.to),
            "known": self.known,
            "result": self.result.name(),
            "failure": self.failure.as_ref().map(Failure::to_json),
            "seconds": self.took.as_secs_f64(),
        })
    }
}

// What all of them are.
fn the_only<'a, T: Clone + PartialEq + 'a>(mut all: impl Iterator<Item = &'a T>) -> Option<T> {
    let first = all.next()?;
    all.all(|other| other == first).then(|| first.clone())
}

// A release by its name, with the revision that is known of it.
fn live_of(release: &str, known: [&Option<Live>; 2]) -> Live {
    let known = known.into_iter().flatten().find(|live| live.release == release).cloned();
    known.unwrap_or_else(|| Live { release: release.to_owned(), version: None })
}

// How a run ended, as far as a host's result depends on it.
struct Ended {
    end: End,
    confirmed: bool,
    was_skipped: bool,
}

fn result(plan: &Plan, host: &HostState, Ended { end, confirmed, was_skipped }: Ended) -> HostResult {
    let failed = host.failure.is_some();
    let switched = host.fate.was_switched();
    let went_on = plan.policy.on_failure == OnFailure::Continue && switched;
    let done_in_place = plan.policy.on_failure == OnFailure::FinishInPlace && host.fate.was_touched();
    // What a host serves that was never asked is not known.
    let in_doubt = host.fate.is_in_doubt() || end == End::Split && !host.was_asked() && !was_skipped;
    match end {
        _ if in_doubt => HostResult::InDoubt,
        _ if was_skipped && !failed => HostResult::Skipped,
        _ if host.is_released() || host.role == Role::InSync && !failed => HostResult::Unchanged,
        End::NothingToDo => HostResult::Unchanged,
        _ if done_in_place && !failed => HostResult::Done,
        End::Done | End::Split if !failed && (end == End::Done || went_on || confirmed) => HostResult::Done,
        End::Split if confirmed || went_on => HostResult::InDoubt,
        _ if failed && !switched => HostResult::Failed,
        _ if switched => HostResult::RolledBack,
        _ => HostResult::Stopped,
    }
}

impl Failure {
    /// For machines. Text of hosts is in it as it came.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "kind": self.kind.name(),
            "step": self.step.name(),
            "exit": self.exit.as_ref().map(exit_to_json),
            "message": self.message,
            "reason": self.reason.as_ref().map(Reason::word),
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
            HostResult::InDoubt => "in-doubt",
        }
    }
}
