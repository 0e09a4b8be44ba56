//! One fault: what is done, what goes wrong, where and when. As a line of words it can be repeated.

use std::fmt;
use std::str::FromStr;

/// What the operator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    Deploy,
    /// A deploy where nothing was live before.
    First,
    Revert,
}

const ACTIONS: [(Action, &str); 3] =
    [(Action::Deploy, "deploy"), (Action::First, "first"), (Action::Revert, "revert")];

/// A direction on the line: towards the host, or from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Up,
    Down,
}

/// How a line is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    Rst,
    Fin,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A host's line ends with a reset, or in order.
    CutRst,
    CutFin,
    /// A host's sshd for this connection dies.
    KillSession,
    /// A host dies with all that runs, and is back when the client has ended.
    KillMachine,
    /// All of a host stands still until the client has ended.
    Freeze,
    /// All of a host stands still for a second.
    Hiccup,
    /// A line stays open and passes nothing: at all, towards the host, from it.
    Silent,
    SilentUp,
    SilentDown,
    /// Signals to the client; the last: it stands still for longer than hosts wait.
    ClientKill,
    ClientTerm,
    ClientInt,
    ClientIntTwice,
    ClientFreeze,
    /// A file of the release that goes live is emptied on a host, or all of the release is removed, once it is marked as whole.
    GoalEmptied,
    GoalRemoved,
    /// A part of what is live at that moment is removed.
    LiveHalved,
    /// A host's disk can only be read, until the client has ended.
    ReadOnly,
    /// A host's disk has no inodes left.
    NoInodes,
    /// A host's disk is full.
    DiskFull,
    /// A hook fails on a host on the way there.
    HookFails,
    /// A reload fails on a host on the way there and on the way back.
    BothWays,
    /// Another run holds a host.
    HeldLock,
    /// The client's clock is hours off.
    ClockAhead,
    ClockBehind,
    /// A host's releases are on another disk, behind a link.
    OtherDisk,
}

/// When.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// So many milliseconds after an event (see `events::key`).
    Event(String, u64),
    /// When so many bytes have passed on the line.
    Bytes(Way, u64),
    /// In that hook.
    Step(String),
    /// From the beginning.
    Always,
}

/// A fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    pub action: Action,
    pub kind: Kind,
    /// Which host, from 0.
    pub host: usize,
    pub moment: Moment,
}

/// All kinds and their names.
pub const KINDS: [(Kind, &str); 26] = [
    (Kind::CutRst, "cut-rst"),
    (Kind::CutFin, "cut-fin"),
    (Kind::KillSession, "kill-session"),
    (Kind::KillMachine, "kill-machine"),
    (Kind::Freeze, "freeze"),
    (Kind::Hiccup, "hiccup"),
    (Kind::Silent, "silent"),
    (Kind::SilentUp, "silent-up"),
    (Kind::SilentDown, "silent-down"),
    (Kind::ClientKill, "client-kill"),
    (Kind::ClientTerm, "client-term"),
    (Kind::ClientInt, "client-int"),
    (Kind::ClientIntTwice, "client-int-twice"),
    (Kind::ClientFreeze, "client-freeze"),
    (Kind::GoalEmptied, "goal-emptied"),
    (Kind::GoalRemoved, "goal-removed"),
    (Kind::LiveHalved, "live-halved"),
    (Kind::ReadOnly, "read-only"),
    (Kind::NoInodes, "no-inodes"),
    (Kind::DiskFull, "disk-full"),
    (Kind::HookFails, "hook-fails"),
    (Kind::BothWays, "fails-both-ways"),
    (Kind::HeldLock, "held-lock"),
    (Kind::ClockAhead, "clock-ahead"),
    (Kind::ClockBehind, "clock-behind"),
    (Kind::OtherDisk, "other-disk"),
];

impl Kind {
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).unwrap().1
    }

    /// It strikes at an event of the run.
    pub fn at_an_event(self) -> bool {
        self <= Kind::DiskFull
    }

    /// It is about the client, on whichever host's event it strikes.
    pub fn of_the_client(self) -> bool {
        (Kind::ClientKill..=Kind::ClientFreeze).contains(&self)
    }

    /// It damages a release: a host may come to serve what is not whole, and `status` has to say so.
    pub fn damages(self) -> bool {
        (Kind::GoalEmptied..=Kind::LiveHalved).contains(&self)
    }

    /// The host cannot be asked until the client has ended.
    pub fn out_of_reach(self) -> bool {
        use Kind::{Freeze, KillMachine, Silent, SilentDown, SilentUp};
        matches!(self, KillMachine | Freeze | Silent | SilentUp | SilentDown)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = ACTIONS.iter().find(|(action, _)| *action == self.action).unwrap().1;
        write!(f, "{action} {} web{}", self.kind.name(), self.host + 1)?;
        match &self.moment {
            Moment::Event(key, delay) => write!(f, " at {key} +{delay}"),
            Moment::Bytes(Way::Up, bytes) => write!(f, " up {bytes}"),
            Moment::Bytes(Way::Down, bytes) => write!(f, " down {bytes}"),
            Moment::Step(step) => write!(f, " in {step}"),
            Moment::Always => Ok(()),
        }
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Case, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let fault = || {
            format!(
                "{text:?} is no case: deploy|first|revert KIND webN [at EVENT +MS | up N | down N | in HOOK]"
            )
        };
        let number = |word: &str| word.trim_start_matches('+').parse::<u64>().map_err(|_| fault());
        let [action, kind, host, moment @ ..] = &words[..] else { return Err(fault()) };
        let action = ACTIONS.iter().find(|(_, name)| name == action).ok_or_else(fault)?.0;
        let kind = KINDS.iter().find(|(_, name)| name == kind).ok_or_else(fault)?.0;
        let host = host.strip_prefix("web").and_then(|n| n.parse::<usize>().ok()?.checked_sub(1));
        let moment = match moment {
            ["at", key, delay] => Moment::Event((*key).into(), number(delay)?),
            ["up", bytes] => Moment::Bytes(Way::Up, number(bytes)?),
            ["down", bytes] => Moment::Bytes(Way::Down, number(bytes)?),
            ["in", step] => Moment::Step((*step).into()),
            [] => Moment::Always,
            _ => return Err(fault()),
        };
        Ok(Case { action, kind, host: host.ok_or_else(fault)?, moment })
    }
}
