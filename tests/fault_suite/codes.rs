//! Which exit codes a run may have: section "exit codes" of the contract, for what happened and when.

use crate::case::{Action, Case, Kind, Moment};
use crate::strike::Struck;

const CONNECT: usize = 0;
const LOCK: usize = 1;
const READY: usize = 4;
const ACTIVATE: usize = 5;
const CONFIRM: usize = 6;

/// Hooks that run when something is live: the app with `drain` comes last.
const LIVE: [&str; 7] = ["drain", "post-deploy", "reload", "verify", "health", "pulse", "undrain"];

/// The codes that are right. None: the client was killed and has none.
pub fn allowed(case: &Case, struck: &Struck) -> Vec<i32> {
    let Some(first) = struck.fired else { return vec![0] };
    let last = struck.events.phase();
    let mut codes = Vec::new();
    for phase in first..=last.max(first) {
        match case.action {
            Action::Deploy | Action::First => codes.extend(deploy(case, phase)),
            Action::Revert => codes.extend(revert(case, phase)),
        }
    }
    // SIGTERM leaves after five seconds.
    if case.kind == Kind::ClientTerm && struck.lingered.as_secs_f64() > 4.5 {
        codes.push(6);
    }
    codes
}

#[allow(clippy::too_many_lines, reason = "a table")]
fn deploy(case: &Case, phase: usize) -> &'static [i32] {
    let gone = matches!(case.kind, Kind::CutRst | Kind::CutFin | Kind::KillSession);
    match case.kind {
        // It can be called again, and says how it stands.
        _ if gone => match phase {
            CONNECT => &[1, 4],
            LOCK..=READY => &[1],
            ACTIVATE => &[5],
            CONFIRM => &[0, 5],
            _ => &[0],
        },
        kind if kind.out_of_reach() => match phase {
            CONNECT => &[1, 4],
            LOCK..=READY => &[1],
            ACTIVATE => &[6],
            CONFIRM => &[0, 6],
            _ => &[0],
        },
        Kind::ClientInt => {
            if phase < CONFIRM {
                &[130]
            } else {
                &[0, 130]
            }
        }
        Kind::ClientTerm => {
            if phase < CONFIRM {
                &[143]
            } else {
                &[0, 143]
            }
        }
        Kind::ClientIntTwice => {
            if phase < CONFIRM {
                &[130, 6]
            } else {
                &[0, 130, 6]
            }
        }
        // The hosts gave it up.
        Kind::ClientFreeze => match phase {
            CONNECT => &[1, 4],
            LOCK..=READY => &[1],
            ACTIVATE => &[5, 6],
            CONFIRM => &[0, 5, 6],
            _ => &[0],
        },
        // What it would go back to, or what is live after the switch: nobody looks while it goes on.
        Kind::LiveHalved => &[0, 5],
        // Seen before the switch, when others may be live or not.
        Kind::GoalEmptied | Kind::GoalRemoved => &[0, 1, 5],
        Kind::ReadOnly => match phase {
            CONNECT..READY => &[1],
            READY => &[1, 6],
            ACTIVATE => &[5, 6],
            CONFIRM => &[0, 5, 6],
            _ => &[0, 6],
        },
        Kind::DiskFull | Kind::NoInodes => {
            if phase <= READY {
                &[0, 1]
            } else {
                &[0, 5]
            }
        }
        Kind::HookFails => match &case.moment {
            Moment::Step(step) if step == "post-deploy-local" => &[0],
            Moment::Step(step) if LIVE.contains(&step.as_str()) => &[5],
            _ => &[1],
        },
        Kind::BothWays => &[6],
        Kind::HeldLock => &[75],
        _ => &[0],
    }
}

fn revert(case: &Case, phase: usize) -> &'static [i32] {
    let gone = matches!(case.kind, Kind::CutRst | Kind::CutFin | Kind::KillSession);
    match case.kind {
        // It goes on with the others, and never returns.
        kind if gone || kind.out_of_reach() => {
            if phase < ACTIVATE {
                &[6]
            } else {
                &[0, 6]
            }
        }
        // Where it was begun it is gone on with to its end.
        Kind::ClientInt => {
            if phase < ACTIVATE {
                &[130]
            } else {
                &[0, 130, 6]
            }
        }
        Kind::ClientTerm => {
            if phase < ACTIVATE {
                &[143]
            } else {
                &[0, 143, 6]
            }
        }
        Kind::ClientIntTwice => &[130, 6, 0],
        Kind::ClientFreeze => {
            if phase < ACTIVATE {
                &[1, 4, 6]
            } else {
                &[0, 6]
            }
        }
        Kind::DiskFull | Kind::GoalEmptied | Kind::GoalRemoved | Kind::LiveHalved => &[0, 6],
        Kind::ReadOnly | Kind::NoInodes => &[0, 1, 6],
        Kind::HookFails => match &case.moment {
            Moment::Step(step) if LIVE.contains(&step.as_str()) => &[6],
            _ => &[0],
        },
        Kind::HeldLock => &[75],
        _ => &[0],
    }
}
