//! What is done after a failure, as data: the scripts of a rollback, and the order of the hosts in it.

use super::model::{InDoubt, Recovery, Verdict};
use crate::config::{Environment, Rollout, Site};
use crate::remote::script::{Direction, Script};

/// Lines of each log file that are shown where an app did not come up.
const LOG_LINES: u32 = 10;

fn logs(environment: &Environment) -> Vec<Script> {
    let of_site = |site: &Site| match &environment.apps[site.app].logs[..] {
        // A supervisor's adapter shows the end of its own logs.
        [] => Script::new(),
        logs => Script::new().tails(Some(LOG_LINES), logs),
    };
    environment.sites.iter().map(of_site).collect()
}

/// All hosts return to what they served before: deploy, sync.
pub(super) fn roll_back(environment: &Environment) -> Recovery {
    Recovery {
        script: Script::new().undo(),
        batches: batches(environment),
        withdraw: Script::new().going_back(),
        unhealthy: Script::new(),
        logs: logs(environment),
        verdict: Verdict { healthy: Script::new().undo_end(true), unhealthy: Script::new().undo_end(false) },
        in_doubt: in_doubt(),
    }
}

/// Hosts that have begun go on to the end: revert. It never returns to the release that it leaves.
pub(super) fn go_on(environment: &Environment) -> Recovery {
    Recovery {
        script: Script::new().abandon().unlock(),
        batches: batches(environment),
        unhealthy: Script::new().unwell(),
        logs: logs(environment),
        in_doubt: in_doubt(),
        ..Recovery::default()
    }
}

/// What was begun is done to its end, in place: restart.
pub(super) fn finish_in_place(environment: &Environment) -> Recovery {
    Recovery {
        logs: logs(environment),
        script: Script::new().restart_again().unlock(),
        unhealthy: Script::new().restart_unwell(),
        verdict: Verdict {
            healthy: Script::new().restart_end().unlock(),
            unhealthy: Script::new().restart_unwell().unlock(),
        },
        ..Recovery::default()
    }
}

fn in_doubt() -> InDoubt {
    InDoubt {
        ask: Script::new().journal(),
        forward: Script::new().settle(Direction::Forward),
        back: Script::new().settle(Direction::Back),
    }
}

// As many hosts at a time as on the way there, the app that went live last first. No canary: how the release before
// behaves is known.
fn batches(environment: &Environment) -> Vec<Vec<usize>> {
    let mut batches = Vec::new();
    for (at, app) in environment.apps.iter().enumerate().rev() {
        let members = environment.sites_of(at);
        let rollout = Rollout { canary: 0, ..environment.rollout };
        let sizes = rollout.batches(members.len(), app.interrupts());
        let size = sizes.iter().copied().max().unwrap_or(1).max(1);
        batches.extend(members.chunks(size).map(<[usize]>::to_vec));
    }
    batches
}
