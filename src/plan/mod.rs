//! What will be done, as data: built purely from a resolved configuration, read by the executor and by the dry run, so
//! that what is shown is what runs. Knows no connection and no clock.

use std::time::Duration;

use secrecy::SecretString;

use crate::config::{Environment, Host, Pause, RemotePath};
use crate::remote::script::Script;
use crate::remote::wire::Mode;

mod build;
mod check;
mod look;
mod phase;
mod show;
mod stages;
mod store;
mod sync;
mod target;
mod upkeep;

pub use build::{Options, deploy, exec, look, revert, setup, unlock};
pub use check::check;
pub use look::{console, logs, output, status};
pub use phase::Phase;
pub use show::{alike, show, show_with};
pub use sync::sync;
pub use upkeep::{hold, prune, restart, resume};

/// Everything a run will do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What kind of run.
    pub action: Action,
    /// On what.
    pub environment: Environment,
    /// What differs from site to site, in the order of the environment's sites.
    pub targets: Vec<Target>,
    /// Targets where something is done for all: nothing goes on without them.
    pub needed: Vec<usize>,
    /// At most so many targets are worked on at a time; none: all.
    pub concurrency: Option<usize>,
    /// Whether the run keeps its things with the lock.
    pub mode: Mode,
    /// What is sent with the connection itself, in the order of the targets.
    pub opening: Vec<Script>,
    /// The phase that the opening belongs to.
    pub opening_phase: Phase,
    /// For each app: tells the commit of its ref by its first host's own access, where the operator's git cannot.
    pub find: Vec<Script>,
    /// Lets go where there is nothing to do, and between tries for a lock that others hold.
    pub leave: Script,
    /// What follows, a barrier after each.
    pub stages: Vec<Stage>,
    /// What takes a host back to before the run, and lets go.
    pub undo: Script,
    /// Steps that hosts may ask for while they go live or back: `drain` and `undrain` that run on the operator's machine.
    pub here: Vec<LocalHook>,
    /// Local hooks after success, and after failure.
    pub after: Vec<LocalHook>,
    /// See [`Plan::after`].
    pub after_failure: Vec<LocalHook>,
}

impl Plan {
    /// The first target of an app.
    #[must_use]
    pub fn first_of(&self, app: usize) -> Option<usize> {
        self.targets.iter().position(|target| target.app == app)
    }
}

/// What kind of run: the word that hooks see and the journal holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A new release.
    Deploy,
    /// An earlier one, again.
    Revert,
    /// Directories and the repository.
    Setup,
    /// A command of the user's.
    Exec,
    /// Only questions.
    Look,
    /// The doctor's questions.
    Check,
    /// Ending another run.
    Unlock,
    /// The release that is live on the rest, on hosts that differ.
    Sync,
    /// Reload and verify, in place.
    Restart,
    /// No deploys, until somebody says so.
    Hold,
    /// The end of that.
    Resume,
    /// Removing what is not kept.
    Prune,
}

impl Action {
    /// As in `SHIPIT_ACTION`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Action::Deploy => "deploy",
            Action::Revert => "revert",
            Action::Setup => "setup",
            Action::Exec => "exec",
            Action::Look => "look",
            Action::Check => "check",
            Action::Unlock => "unlock",
            Action::Sync => "sync",
            Action::Restart => "restart",
            Action::Hold => "hold",
            Action::Resume => "resume",
            Action::Prune => "prune",
        }
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
    /// `env`, as `export` lines. Travels apart from the scripts.
    pub exports: SecretString,
    /// What else travels apart from the scripts: name and text. Files, a token.
    pub data: Vec<(String, SecretString)>,
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
    pub who: Who,
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
pub enum Who {
    /// All.
    All,
    /// Those where nothing was set up.
    Bare,
    /// Those that differ and do not have the release.
    Lacking,
    /// Those that differ and have it from earlier.
    Having,
    /// Both.
    Differing,
    /// Those that do not differ.
    Rest,
    /// Those whose release says that its health is asked for from here.
    Asking,
}

impl Who {
    /// As the dry run says it, after `on all hosts`.
    #[must_use]
    pub fn condition(self) -> &'static str {
        match self {
            Who::All => "",
            Who::Bare => " where nothing was set up",
            Who::Lacking => " that differ and do not have the release",
            Who::Having => " that differ and have the release",
            Who::Differing => " that differ",
            Who::Rest => " that do not differ",
            Who::Asking => " once healthy, as asked from here",
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
    /// These targets are asked whether what they serve is well, from here, through their connections.
    Health(Vec<usize>),
    /// Nothing, for a while.
    Pause(Pause),
}

/// A text of the user's that runs on the operator's machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalHook {
    /// The hook's name.
    pub step: String,
    /// The script.
    pub text: String,
    /// How long it may take.
    pub limit: Duration,
    /// The app's index.
    pub app: usize,
    /// Index of the target that `SHIPIT_HOST` names, for hooks that run once per host.
    pub target: Option<usize>,
}
