//! What is known of one host during a run. It decides nothing.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::bounds::Bounds;
use super::event::{Failure, FailureKind};
use super::fate::Fate;
use super::live::Live;
use super::role::Role;
use super::shell_session::ShellSession;
use crate::plan::{Participants, Phase};
use crate::remote::attempt::Attempt;
use crate::remote::facts::Facts;
use crate::remote::journal::Entry;
use crate::remote::step::Step;
use crate::transport::Connection;

pub(super) struct HostState {
    pub(super) name: String,
    /// The app's index.
    pub(super) app: usize,

    // ---- the way to it
    /// Shared by the targets of a host; the last that drops it ends it.
    pub(super) connection: Option<Rc<dyn Connection>>,
    pub(super) session: Option<ShellSession>,

    // ---- what it said
    pub(super) facts: Facts,
    pub(super) entries: Vec<Entry>,
    /// Answers for `check`: words and their values, in order.
    pub(super) found: Vec<(String, Vec<String>)>,
    pub(super) attempts: Vec<Attempt>,
    /// Of logs, as they were asked for: which, where, what.
    pub(super) pieces: Vec<(String, u64, Bytes)>,
    /// How much it said.
    pub(super) bounds: Bounds,
    /// Exit code of `exec`'s command.
    pub(super) code: Option<u32>,
    /// A `migrate` hook ran here.
    pub(super) migrated: bool,

    // ---- its part in the run
    pub(super) role: Role,
    /// Why it could not be asked, where the run does without it.
    pub(super) skipped: Option<Failure>,
    pub(super) fate: Fate,
    pub(super) failure: Option<Failure>,
    /// The observer heard of the failure.
    pub(super) failure_reported: bool,
    /// The connection was lost in that phase, while something could still be undone there.
    pub(super) lost: Option<Phase>,
    /// The last step that failed in the recovery, and its exit code.
    pub(super) failed_recovery_step: Option<FailedStep>,
    /// Variables that it was sent after the run began.
    pub(super) later: BTreeMap<String, String>,
    /// How many of the texts that the opening does not need it was sent.
    pub(super) bulk_sent: usize,
    /// The number of the script that runs there.
    pub(super) running: Option<u32>,
    /// Until when that script has to end.
    pub(super) deadline: Option<tokio::time::Instant>,
    /// It was told to stop that script.
    pub(super) stopped: bool,
    /// It may be asking the git server.
    pub(super) fetching: bool,
    /// What this machine does for it.
    pub(super) local_step: Option<RunningLocalStep>,
    pub(super) started: Instant,
    pub(super) took: Duration,

    // ---- what it prints
    pub(super) shell: Shell,
    pub(super) output: Output,
}

/// How far its resident shell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Shell {
    /// Nothing was heard of it.
    #[default]
    Absent,
    /// It said hello.
    Started,
    /// It came to the end of a script.
    Answered,
}

/// Of what steps print: the running step, and how much of it was shown.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) step: Option<(String, Instant)>,
    /// How much of the log was shown, in bytes.
    pub(super) shown: u64,
    /// The last bytes that a step printed.
    pub(super) tail: Vec<u8>,
    /// What was heard that is no message of ours.
    pub(super) noise: Vec<u8>,
    /// All that `exec`'s command prints on its standard error was heard.
    pub(super) stderr_ended: bool,
    /// A script that ended before that: its number and code.
    pub(super) ended: Option<(u32, u32)>,
}

/// A step that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedStep {
    /// Which.
    pub step: Step,
    /// Its exit code.
    pub code: u32,
    /// It was not even started.
    pub not_started: bool,
}

impl FailedStep {
    /// In a few words.
    pub(super) fn text(&self) -> String {
        let FailedStep { step, code, not_started } = self;
        if *not_started { format!("{step} could not be started") } else { format!("{step}: exit {code}") }
    }
}

/// A step that this machine does for the host: the last that it asked for.
#[derive(Debug)]
pub(super) struct RunningLocalStep {
    /// The script that asked for it.
    pub(super) number: u32,
    /// What that script asked for so far.
    pub(super) steps: Vec<Step>,
    pub(super) stop: CancellationToken,
    pub(super) task: JoinHandle<()>,
}

impl HostState {
    pub(super) fn new(name: &str, app: usize) -> Self {
        HostState {
            name: name.to_owned(),
            app,
            connection: None,
            session: None,
            facts: Facts::default(),
            entries: Vec::new(),
            found: Vec::new(),
            attempts: Vec::new(),
            pieces: Vec::new(),
            bounds: Bounds::default(),
            code: None,
            migrated: false,
            role: Role::default(),
            skipped: None,
            fate: Fate::default(),
            failure: None,
            failure_reported: false,
            lost: None,
            failed_recovery_step: None,
            later: BTreeMap::new(),
            bulk_sent: 0,
            running: None,
            deadline: None,
            stopped: false,
            fetching: false,
            local_step: None,
            started: Instant::now(),
            took: Duration::ZERO,
            shell: Shell::default(),
            output: Output::default(),
        }
    }

    /// Whether what it serves is known: it said so, or had nothing to say.
    pub(super) fn was_asked(&self) -> bool {
        self.shell == Shell::Answered || !self.facts.is_empty()
    }

    /// What was live when the host was asked.
    pub(super) fn live(&self) -> Option<Live> {
        Live::of(&self.facts)
    }

    /// Whether the run has nothing to do there, and released its lock.
    pub(super) fn is_released(&self) -> bool {
        self.role == Role::Released
    }

    /// Whether a stage is for it.
    pub(super) fn takes_part(&self, participants: Participants) -> bool {
        let has_check = participants != Participants::HealthChecked || self.facts.health.is_some();
        self.skipped.is_none() && self.role.takes_part(participants) && has_check
    }

    /// Whether it could not be reached, authenticated or trusted.
    pub(super) fn is_unreachable(&self) -> bool {
        self.failure.as_ref().is_some_and(|failure| failure.kind == FailureKind::Unreachable)
    }

    /// Whether a resident shell listens there.
    pub(super) fn is_connected(&self) -> bool {
        self.session.is_some()
    }

    /// Whether nothing changes there and only its connection was lost: that is no failure of the run.
    pub(super) fn is_lost_unchanged(&self) -> bool {
        let lost = self.failure.as_ref().is_some_and(|failure| failure.kind == FailureKind::Lost);
        lost && self.role == Role::InSync
    }
}
