//! What happens during a run, as it happens. Plain, live and machine-readable output are readers of these; the
//! executor knows none of them.

use std::time::Duration;

use crate::git::Pending;
use crate::remote::reason::Reason;
use crate::remote::step::Step;
use crate::remote::version::Version;
use crate::transport::Exit;

/// Receives events. Called on the thread that drives all hosts: it must not block.
pub trait Observer {
    /// One thing that happened.
    fn event(&mut self, event: &Event<'_>);

    /// Called about once a second.
    fn tick(&mut self);
}

pub use crate::plan::{Action, Phase};

/// One thing that happened. Hosts are named as in the file.
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields say what their types and the variant say")]
pub enum Event<'a> {
    /// The run begins: what is done, to which environment, on which hosts.
    Started { action: Action, environment: &'a str, hosts: &'a [String] },
    /// What will go out, once it is known: `main (1a2b3c4)`; of which app, where there are several.
    Resolved { app: Option<&'a str>, reference: &'a str, revision: &'a str, release: &'a str },
    /// What that brings, beside what is live, as the operator's work tree knows it; of which app, where there are several.
    Commits { app: Option<&'a str>, from: &'a Version, to: &'a Version, pending: &'a Pending },
    /// Hosts enter a phase: all, or a part of them, of one app, whose name this is.
    PhaseStarted { phase: Phase, part: Option<&'a str> },
    /// All hosts left a phase; so many failed, not counting those that were only stopped.
    PhaseEnded { phase: Phase, took: Duration, failed: usize },
    /// A host is connected and authenticated.
    Connected { host: &'a str },
    /// A step begins on a host: `fetch`, `build`, `reload` …
    StepStarted { host: &'a str, step: &'a str },
    /// What a step prints, as it came: any bytes, in pieces of any size.
    Output { host: &'a str, step: &'a str, bytes: &'a [u8] },
    /// What `exec`'s command prints on its standard error; [`Event::Output`] is its standard output.
    ErrorOutput { host: &'a str, bytes: &'a [u8] },
    /// A step ended.
    StepEnded { host: &'a str, step: &'a str, exit: &'a Exit, took: Duration },
    /// A host has done its part of the phase.
    HostDone { host: &'a str, phase: Phase },
    /// A host failed; the details are in the outcome.
    HostFailed { host: &'a str, phase: Phase, failure: &'a Failure },
    /// Another run holds the lock and this one waits for it, so long at most.
    Waiting { host: &'a str, holder: &'a str, patience: Duration },
    /// Something the user should know, that is not a failure.
    Notice { host: Option<&'a str>, text: &'a str },
    /// The operator is asked something, on the terminal; nothing else is to be shown there until the next event.
    Asking { question: &'a str },
    /// The user asked to stop, and what was begun is `undone`, `finished` or `kept` as it is; again: shipit leaves now, and `alone` is what
    /// the hosts do by themselves.
    Interrupted { signal: &'a str, begun: &'a str, alone: Option<&'a str> },
}

/// Why a host failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What it means for the exit code.
    pub kind: FailureKind,
    /// The step it was in.
    pub step: Step,
    /// How the step's command ended, where a command did.
    pub exit: Option<Exit>,
    /// What was tried on what, and what happened; lower case, no full stop; empty where [`Failure::exit`] says it all.
    /// May hold text of the host: to be made harmless before it is shown.
    pub message: String,
    /// Why, as the host said it, where a script of ours failed.
    pub reason: Option<Reason>,
    /// What to do next, where we know.
    pub hint: Option<String>,
    /// The last bytes the step printed, bounded.
    pub tail: Vec<u8>,
}

impl Failure {
    /// Whether a step failed, as the host itself said or as it was asked: not a lost connection or an interrupt.
    #[must_use]
    pub fn is_of_a_step(&self) -> bool {
        self.kind == FailureKind::Step
    }
}

/// The causes that exit codes tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// A step failed, a tool is missing, a ref does not exist.
    Step,
    /// Not connected, not authenticated, not trusted.
    Unreachable,
    /// The connection was lost.
    Lost,
    /// Held by another run.
    Busy,
    /// Refused by a rule: held, older than what is live.
    Refused,
    /// Stopped because the user asked to.
    Interrupted,
}
