//! What is known of a run as a whole: its hosts, its request, and how far it is.

use std::time::Instant;

use super::decide::{Contact, Decision, HostView, Situation};
use super::event::{Failure, FailureKind};
use super::fleet::Fleet;
use super::host::HostState;
use super::live::Live;
use super::notice::Notice;
use super::request::Request;
use crate::plan::{OnFailure, Phase, Plan};
use crate::remote::reason::with_commands;

/// A run: its hosts, and how far it is.
pub(super) struct RunState<'a> {
    pub(super) fleet: Fleet<'a>,
    pub(super) request: &'a Request<'a>,
    pub(super) since: Instant,
    /// What was decided, once it was.
    pub(super) decision: Option<Decision>,
    /// Of each app how many commits go out, where that is known.
    pub(super) commits: Vec<Option<usize>>,
    /// A failure that is no host's.
    pub(super) failure: Option<Failure>,
    pub(super) failed_in: Option<Phase>,
    pub(super) migrated: bool,
    /// All hosts know that all are healthy.
    pub(super) confirmed: bool,
    /// Until when hosts in doubt are called again.
    pub(super) resolve_until: Option<tokio::time::Instant>,
}

/// The run stops here; why is written down.
pub(super) struct Stopped;

impl<'a> RunState<'a> {
    pub(super) fn new(fleet: Fleet<'a>, request: &'a Request<'a>) -> RunState<'a> {
        RunState {
            fleet,
            request,
            since: Instant::now(),
            decision: None,
            commits: vec![None; request.plan.environment.apps.len()],
            failure: None,
            failed_in: None,
            migrated: false,
            confirmed: false,
            resolve_until: None,
        }
    }

    pub(super) fn plan(&self) -> &'a Plan {
        self.request.plan
    }

    pub(super) fn on_failure(&self) -> OnFailure {
        self.plan().policy.on_failure
    }

    /// What the hosts said, for a decision.
    pub(super) fn situation<'s>(&'s self) -> Situation<'s> {
        let contact = |host: &HostState| match (&host.skipped, &host.failure) {
            (Some(_), _) => Contact::Skipped,
            (None, Some(_)) => Contact::Failed,
            (None, None) => Contact::Answered,
        };
        let view = |(host, target): (&'s HostState, &'s crate::plan::Target)| HostView {
            name: &host.name,
            app: host.app,
            contact: contact(host),
            facts: &host.facts,
            entries: &host.entries,
            digest: target.digest(),
        };
        Situation {
            environment: &self.plan().environment,
            hosts: self.fleet.hosts.iter().zip(&self.plan().targets).map(view).collect(),
            now: jiff::Timestamp::now(),
        }
    }

    pub(super) fn notice(&mut self, notice: &Notice) {
        notice.tell(self.fleet.observer);
    }

    /// What goes live on a target.
    pub(super) fn goal(&self, at: usize) -> Option<&Live> {
        self.fleet.goals[self.plan().targets[at].app].as_ref()
    }

    /// Whether an app has anything to do in the run.
    pub(super) fn concerns(&self, app: usize) -> bool {
        self.fleet.of_app(app).any(|(_, host)| !host.is_released())
    }

    /// An app's name, where there are several apps.
    pub(super) fn app_name(&self, app: usize) -> Option<&'a str> {
        let apps = &self.plan().environment.apps;
        (apps.len() > 1).then(|| apps[app].name.as_str())
    }

    /// Indices of the hosts that failed.
    pub(super) fn failed(&self) -> Vec<usize> {
        (0..self.fleet.hosts.len()).filter(|at| self.fleet.hosts[*at].failure.is_some()).collect()
    }

    /// Takes the failures away, so that what follows can fail anew.
    pub(super) fn take_failures(&mut self) -> Vec<Option<Failure>> {
        self.fleet.hosts.iter_mut().map(|host| host.failure.take()).collect()
    }

    /// The cause that counts for the exit code: the gravest that is not a consequence of another or of the user's wish.
    pub(super) fn cause(&self) -> Option<FailureKind> {
        let own = self.failure.iter().map(|f| f.kind);
        let kinds: Vec<FailureKind> =
            own.chain(self.fleet.hosts.iter().flat_map(|h| &h.failure).map(|f| f.kind)).collect();
        let order = [
            FailureKind::Unreachable,
            FailureKind::Busy,
            FailureKind::Refused,
            FailureKind::Step,
            FailureKind::Lost,
        ];
        order.into_iter().find(|kind| kinds.contains(kind))
    }

    /// Stops the run in a phase, for a reason that is no host's.
    pub(super) fn stop(&mut self, phase: Phase, failure: Failure) -> Stopped {
        let hint = failure.hint.map(|hint| with_commands(&hint, &self.plan().environment.name));
        self.failure = Some(Failure { hint, ..failure });
        self.failed_in = Some(phase);
        Stopped
    }

    /// Stops the run unless enough hosts are well: all, or, where a failed host stops no other, one.
    pub(super) fn barrier(&mut self, phase: Phase, tolerant: bool) -> Result<(), Stopped> {
        let concerned = || self.fleet.hosts.iter().filter(|host| !host.is_released());
        let failed = concerned().filter(|host| host.failure.is_some()).count();
        let interrupted = self.fleet.known.signal != 0;
        if (failed == 0 || tolerant && failed < concerned().count()) && !interrupted {
            return Ok(());
        }
        self.failed_in.get_or_insert(phase);
        Err(Stopped)
    }
}
