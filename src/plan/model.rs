//! A plan: what will be done, as data. Knows how it is neither made nor carried out.

use std::time::Duration;

use secrecy::SecretString;

use super::action::Action;
use super::limits::ScriptLimits;
use super::phase::Phase;
use crate::config::{Environment, Host, Pause, RemotePath};
use crate::remote::script::Script;
use crate::remote::step::Step;
use crate::remote::wire::Mode;

/// Everything a run will do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What kind of run it is.
    pub action: Action,
    /// The environment it works on.
    pub environment: Environment,
    /// What differs from target to target, in the order of the environment's sites.
    pub targets: Vec<Target>,
    /// What follows a failure, and which hosts the run may do without.
    pub policy: Policy,
    /// Apps that the run makes run, while nothing asks whether they serve.
    pub unchecked: Vec<usize>,
    /// Targets where something is done for all hosts: they cannot be skipped.
    pub needed: Vec<usize>,
    /// At most so many targets work at the same time; none: all.
    pub concurrency: Option<usize>,
    /// Whether the run keeps its files with the lock.
    pub mode: Mode,
    /// What is sent with the connection itself, in the order of the targets.
    pub opening: Vec<Script>,
    /// The phase that the opening belongs to.
    pub opening_phase: Phase,
    /// For each app: a script that resolves its ref by its first host's own access, where the operator's git cannot.
    pub find_ref: Vec<Script>,
    /// Adopts what another tool deployed, on hosts that say that it did; by target.
    pub adopt: Vec<Script>,
    /// Releases the lock where there is nothing to do, and between attempts while another run holds it.
    pub release_lock: Script,
    /// What follows, with a barrier after each.
    pub stages: Vec<Stage>,
    /// Checks health on the host itself, where its sshd forbids forwarding. What is checked is sent as variables.
    pub check_health: Script,
    /// What is done after a failure.
    pub recovery: Recovery,
    /// `drain` and `undrain` steps that run on the operator's machine: a host asks for them when it needs them.
    pub local_steps: Vec<LocalHook>,
    /// Local hooks after success.
    pub after_success: Vec<LocalHook>,
    /// Local hooks after a failure.
    pub after_failure: Vec<LocalHook>,
}

/// What differs between kinds of runs besides their stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// What follows the failure of a host.
    pub on_failure: OnFailure,
    /// What the other hosts do, where one fails before anything is live.
    pub others: Others,
    /// Hosts that cannot be reached.
    pub unreachable: Unreachable,
    /// It is refused while the environment is held.
    pub respects_hold: bool,
    /// Its prepare phase asks the git server, which only so many hosts do at the same time.
    pub fetches: bool,
}

/// What the other hosts do, where one fails before anything is live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// They stop: what they build will not go live.
    Stop,
    /// They go on to the end: what they do is good by itself.
    GoOn,
}

/// What follows the failure of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// All hosts are rolled back to what they served before.
    RollBack,
    /// The other hosts go on; where it was begun it is done to its end.
    Continue,
    /// No other host begins; where it was begun it is done to its end, in place.
    FinishInPlace,
}

impl OnFailure {
    /// Whether a host that has begun goes on to its end, whatever becomes of the others.
    #[must_use]
    pub fn finishes(self) -> bool {
        self != OnFailure::RollBack
    }
}

/// Hosts that cannot be reached, authenticated or trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreachable {
    /// They fail the run.
    Fail,
    /// So many machines may be skipped.
    SkipUpTo(usize),
    /// All of them are skipped, as long as one host can be reached.
    Skip,
}

/// What is done after a failure. All of it is known before the run, so that the dry run shows it.
#[derive(Debug, Clone, Default)]
pub struct Recovery {
    /// What ends the run on a host: back to before the run, or on to its end, and the lock released.
    pub script: Script,
    /// The order in which hosts that serve the new release are rolled back, by target: the app that went live last comes
    /// first. Hosts that do not serve go before all of them.
    pub batches: Vec<Vec<usize>>,
    /// Sent to all hosts first where some may know already that all are healthy: from then on a host that loses its
    /// operator goes back, and no longer forward.
    pub withdraw: Script,
    /// Sent to hosts whose health check from this machine failed, before [`Recovery::script`].
    pub unhealthy: Script,
    /// Sent to hosts where the app did not come up, before anything else: the end of its log files, which the way back would
    /// move on. By target.
    pub logs: Vec<Script>,
    /// What is sent to a host that [`Recovery::script`] brought back, after its health was checked from this machine.
    pub verdict: Verdict,
    /// For hosts whose connection was lost.
    pub in_doubt: InDoubt,
}

impl Recovery {
    /// Its scripts in their order: a word for machines, when each is sent, the script.
    #[must_use]
    pub fn parts(&self) -> Vec<(&'static str, &'static str, &Script)> {
        let Recovery { script, withdraw, unhealthy, logs, verdict, in_doubt, .. } = self;
        let mut of_apps: Vec<&Script> = logs.iter().collect();
        of_apps.dedup();
        let logs = of_apps
            .into_iter()
            .map(|logs| ("failure-logs", ": on hosts where the app did not come up", logs));
        let rest = [
            ("failure-while-confirming", " while hosts confirm: first, on all hosts", withdraw),
            ("failure-unhealthy", ": first, on hosts whose health check from this machine failed", unhealthy),
            ("failure", ", on each host", script),
            ("recovered-healthy", ", and the health check of what is live then passed", &verdict.healthy),
            ("recovered-unhealthy", ", and the health check of what is live then failed", &verdict.unhealthy),
            (
                "lost-while-confirming",
                ": a host was lost while hosts confirm, and is connected again",
                &in_doubt.ask,
            ),
            (
                "lost-forward",
                ": a host was lost and is connected again, and the run goes forward",
                &in_doubt.forward,
            ),
            ("lost-back", ": a host was lost and is connected again, and the run goes back", &in_doubt.back),
        ];
        logs.chain(rest).collect()
    }
}

/// What is sent to a host after its health was checked from the operator's machine.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// It is healthy.
    pub healthy: Script,
    /// It is not.
    pub unhealthy: Script,
}

/// What is sent, over a connection of its own, to a host whose connection was lost when it may have been live.
#[derive(Debug, Clone, Default)]
pub struct InDoubt {
    /// Asks whether the host heard that all are healthy.
    pub ask: Script,
    /// Tells it that the run goes forward, and asks what it serves.
    pub forward: Script,
    /// Tells it that the run goes back, and asks what it serves.
    pub back: Script,
}

impl Plan {
    /// The first target of an app.
    #[must_use]
    pub fn first_of(&self, app: usize) -> Option<usize> {
        self.targets.iter().position(|target| target.app == app)
    }
}

/// An app on a host: what one resident shell works on.
#[derive(Debug, Clone)]
pub struct Target {
    /// As reports call it: the host, and the app where there are several.
    pub name: String,
    /// Where. Targets of one host share its connection.
    pub host: Host,
    /// That host's index in the environment.
    pub machine: usize,
    /// The app's index in the environment.
    pub app: usize,
    /// Deploy path there.
    pub path: RemotePath,
    /// The resident shell's variables, as far as they are known before the run: name and value, in order.
    pub variables: Vec<(&'static str, String)>,
    /// What every shell reads before a text of the user's.
    pub enter: String,
    /// How long a script may take there.
    pub limits: ScriptLimits,
    /// `env`, as `export` lines. Travels apart from the scripts.
    pub exports: SecretString,
    /// What else travels apart from the scripts: name and text. A token.
    pub data: Vec<(String, SecretString)>,
    /// The same, of any size: files, adapters. The opening needs none of it, so it follows when the shell there has started.
    pub bulk: Vec<(String, SecretString)>,
    /// The files among it: path and mode.
    pub files: Vec<(String, u32)>,
    /// Names of `env`, and values where they are no secret: for the dry run.
    pub shown_env: Vec<(String, Option<String>)>,
}

/// What happens between two barriers.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Which part of the run it is.
    pub phase: Phase,
    /// Which hosts take part.
    pub participants: Participants,
    /// Of going live: which app, and which part of its hosts.
    pub batch: Option<Batch>,
    /// What is done.
    pub work: Work,
}

/// A part of an app's hosts, which go live together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// The app's index.
    pub app: usize,
    /// Counted from 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

/// Which hosts take part in a stage, where only their answers can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Participants {
    /// All.
    All,
    /// Those where `setup` never ran.
    NotSetUp,
    /// Those that differ and do not have the release.
    MissingRelease,
    /// Those that differ and have the release from earlier.
    HasRelease,
    /// Those that differ.
    Differing,
    /// Those that do not differ.
    InSync,
    /// Those whose release has a health check from the operator's machine.
    HealthChecked,
}

impl Participants {
    /// As the dry run says it, after `on all hosts`.
    #[must_use]
    pub fn condition(self) -> &'static str {
        match self {
            Participants::All => "",
            Participants::NotSetUp => " where setup never ran",
            Participants::MissingRelease => " that differ and do not have the release",
            Participants::HasRelease => " that differ and have the release",
            Participants::Differing => " that differ",
            Participants::InSync => " that do not differ",
            Participants::HealthChecked => " once the health check from this machine passed",
        }
    }

    /// A word for machines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Participants::All => "all",
            Participants::NotSetUp => "not-set-up",
            Participants::MissingRelease => "missing-release",
            Participants::HasRelease => "has-release",
            Participants::Differing => "differing",
            Participants::InSync => "in-sync",
            Participants::HealthChecked => "health-checked",
        }
    }
}

/// Scripts for hosts, or hooks on the operator's machine.
#[derive(Debug, Clone)]
pub enum Work {
    /// One script a host, in the order of the targets; an empty one: nothing to do there.
    Remote(Vec<Script>),
    /// One after the other.
    Local(Vec<LocalHook>),
    /// The health of these targets is checked from this machine, through their connections.
    Health(Vec<usize>),
    /// Nothing, for a while.
    Pause(Pause),
}

/// A text of the user's that runs on the operator's machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalHook {
    /// The hook.
    pub step: Step,
    /// The script.
    pub text: String,
    /// How long it may take.
    pub limit: Duration,
    /// The app's index.
    pub app: usize,
    /// Index of the target that `SHIPIT_HOST` names, for hooks that run once per host.
    pub target: Option<usize>,
}
