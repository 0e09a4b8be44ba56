//! Hosts in doubt: their connection was lost when they may already have been live. Each is called again, over a connection of
//! its own: it learns which way the run goes, and says what it serves. It is tried for `timeout.lost` in all: so long a host
//! that was confirmed waits before it goes on by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::decide::Answer;
use super::event::{Event, Observer};
use super::fleet::Fleet;
use super::host::HostState;
use super::notice::Notice;
use super::run_state::RunState;
use crate::plan::{Phase, Plan, Target};
use crate::remote::journal::State;
use crate::remote::script::{Direction, Script};
use crate::remote::wire::Mode;

/// Between two calls.
const BETWEEN: Duration = Duration::from_secs(1);

/// Calls these hosts again, all at once, and tells them which way the run goes. A host that is missing in the answer could
/// not be asked.
pub(super) async fn resolve(
    run: &mut RunState<'_>,
    hosts: &[usize],
    direction: Direction,
) -> BTreeMap<usize, Answer> {
    for at in hosts {
        let host = run.fleet.hosts[*at].name.clone();
        run.notice(&Notice::CallingAgain { host });
    }
    let answer = |_: &RunState<'_>, host: &HostState| {
        let state = host.facts.settled;
        // A host that was drained from this machine was not taken in again.
        let unfinished = matches!(state, Some(State::Failed | State::Open)) || host.facts.drained.is_some();
        Answer {
            live: host.live(),
            serving: host.facts.serving.clone(),
            was_live: state.is_some(),
            unfinished,
        }
    };
    let in_doubt = &run.plan().recovery.in_doubt;
    let script = match direction {
        Direction::Forward => &in_doubt.forward,
        Direction::Back => &in_doubt.back,
    };
    call(run, hosts, (script, run.plan().mode), answer).await
}

/// Asks these hosts whether they heard that all are healthy, and tells them nothing. A host that is missing could not be
/// asked.
pub(super) async fn ask_whether_confirmed(run: &mut RunState<'_>, hosts: &[usize]) -> BTreeMap<usize, bool> {
    let heard = |run: &RunState<'_>, host: &HostState| {
        let ours = host.entries.iter().find(|entry| entry.run == run.fleet.run);
        ours.is_some_and(|entry| matches!(entry.state, State::Healthy | State::Done))
    };
    call(run, hosts, (&run.plan().recovery.in_doubt.ask, Mode::Free), heard).await
}

// Again and again those that have not answered yet, until the time is over that they share. Each is called once at least.
async fn call<T>(
    run: &mut RunState<'_>,
    hosts: &[usize],
    (script, mode): (&Script, Mode),
    answer: impl Fn(&RunState<'_>, &HostState) -> T,
) -> BTreeMap<usize, T> {
    let plan = run.plan();
    let until = *run.resolve_until.get_or_insert(Instant::now() + plan.environment.timeouts.lost);
    let mut answers = BTreeMap::new();
    let mut left = hosts.to_vec();
    while !left.is_empty() {
        let some = Plan {
            targets: left.iter().map(|at| target(run, *at)).collect(),
            mode,
            opening: vec![script.clone(); left.len()],
            opening_phase: Phase::Rollback,
            local_steps: Vec::new(),
            ..plan.clone()
        };
        let mut quiet = Quiet;
        let mut fleet = Fleet::new(&some, run.fleet.transport, &mut quiet, run.fleet.interrupt.clone());
        fleet.open().await;
        let answered = left.iter().zip(&fleet.hosts).filter(|(_, host)| host.failure.is_none());
        answers.extend(answered.map(|(at, host)| (*at, answer(run, host))));
        fleet.close().await;
        left.retain(|at| !answers.contains_key(at));
        if left.is_empty() || Instant::now() >= until || run.fleet.interrupt.asked() != run.fleet.known {
            break;
        }
        run.fleet.observer.tick();
        tokio::time::sleep(BETWEEN).await;
    }
    answers
}

// The target, with the variables that say which run was lost, and to which release it went.
fn target(run: &RunState<'_>, at: usize) -> Target {
    let mut target = run.plan().targets[at].clone();
    let release = run.goal(at).map(|goal| goal.release.clone()).unwrap_or_default();
    target.variables.extend([("lost_run", run.fleet.run.clone()), ("lost_release", release)]);
    target
}

// Its progress would say "connect" once more for a host that the user sees elsewhere.
struct Quiet;

impl Observer for Quiet {
    fn event(&mut self, _: &Event<'_>) {}
    fn tick(&mut self) {}
}
