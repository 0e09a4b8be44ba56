//! Hosts that cannot be reached: whether a run does without them.

use crate::config::Environment;
use crate::executor::notice::Notice;
use crate::plan::{Plan, Unreachable};

/// What becomes of hosts that cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skip {
    /// They are skipped.
    Skip,
    /// They fail the run.
    Fail,
    /// They fail the run, and the user is to know why they could not be skipped.
    FailFor(Notice),
}

/// Whether these targets, all that cannot be reached, may be skipped.
#[must_use]
pub fn may_skip(plan: &Plan, unreachable: &[usize]) -> Skip {
    if unreachable.is_empty() {
        return Skip::Fail;
    }
    let allowed = match plan.policy.unreachable {
        Unreachable::Fail => return Skip::Fail,
        Unreachable::Skip if unreachable.len() < plan.targets.len() => return Skip::Skip,
        Unreachable::Skip => return Skip::Fail,
        Unreachable::SkipUpTo(allowed) => allowed,
    };
    if machines(plan, unreachable).len() > allowed {
        return Skip::Fail;
    }
    match app_without_hosts(&plan.environment, unreachable) {
        Some(app) => Skip::FailFor(Notice::NoHostOfApp { app: app.to_owned() }),
        None => Skip::Skip,
    }
}

/// Skipped targets that the run cannot do without, now that it is known which apps change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MayNotSkip {
    /// Their hosts.
    pub hosts: Vec<String>,
}

/// What a run misses that goes on without these targets.
///
/// # Errors
/// Where one of them is needed.
pub fn missing_from(
    plan: &Plan,
    skipped: &[usize],
    changes: impl Fn(usize) -> bool,
) -> Result<Option<Notice>, MayNotSkip> {
    let needed = |at: &&usize| plan.needed.contains(*at) && changes(plan.targets[**at].app);
    let needed: Vec<usize> = skipped.iter().filter(needed).copied().collect();
    if !needed.is_empty() {
        return Err(MayNotSkip { hosts: names(plan, &needed) });
    }
    let hosts = names(plan, skipped);
    let environment = plan.environment.name.clone();
    Ok((!hosts.is_empty() && matches!(plan.policy.unreachable, Unreachable::SkipUpTo(_)))
        .then_some(Notice::Skipped { hosts, environment }))
}

fn machines(plan: &Plan, targets: &[usize]) -> Vec<usize> {
    let mut machines: Vec<usize> = targets.iter().map(|at| plan.targets[*at].machine).collect();
    machines.sort_unstable();
    machines.dedup();
    machines
}

fn names(plan: &Plan, targets: &[usize]) -> Vec<String> {
    machines(plan, targets).into_iter().map(|at| plan.environment.hosts[at].name.clone()).collect()
}

// An app that would be deployed nowhere.
fn app_without_hosts<'a>(environment: &'a Environment, unreachable: &[usize]) -> Option<&'a str> {
    let all_gone = |app: &usize| environment.sites_of(*app).iter().all(|site| unreachable.contains(site));
    (0..environment.apps.len()).find(all_gone).map(|app| environment.apps[app].name.as_str())
}
