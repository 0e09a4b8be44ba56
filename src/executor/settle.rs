//! Hosts in doubt: their line ended when they may already have been live. Each is called again, with a connection of its
//! own, told which way the run goes, and asked what it serves. It is tried for `timeout.lost` in all: so long a host
//! that was confirmed waits before it goes on by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::event::{Event, Observer};
use super::fleet::Fleet;
use super::host::HostState;
use super::outcome::Live;
use super::run::Run;
use crate::plan::{Phase, Plan};
use crate::remote::journal::State;
use crate::remote::script::Script;
use crate::remote::wire::Mode;

/// Between two calls.
const BETWEEN: Duration = Duration::from_secs(1);

/// What a host in doubt answered.
pub(super) struct Answer {
    /// What it serves.
    pub(super) live: Option<Live>,
    /// It was live with this run's release, however it stands now.
    pub(super) was_live: bool,
    /// Not all could be rolled back, or it is still at it.
    pub(super) unfinished: bool,
}

/// Calls these hosts again, all at once. Whoever is missing in the answer could not be asked.
pub(super) async fn settle(run: &mut Run<'_>, hosts: &[usize], forward: bool) -> BTreeMap<usize, Answer> {
    for at in hosts {
        let name = run.fleet.hosts[*at].name.clone();
        let text = "the line ended; calling again to settle what it serves";
        run.fleet.observer.event(&Event::Notice { host: Some(&name), text });
    }
    let script = |run: &Run<'_>, at: usize| {
        let release = run.goal(at).map(|goal| goal.release.as_str()).unwrap_or_default();
        Script::new().settle(&run.fleet.run, forward, release)
    };
    let answer = |_: &Run<'_>, host: &HostState| {
        let state = host.fact("settled");
        // What was drained from here nobody took in again.
        let unfinished = matches!(state, Some("failed" | "open")) || host.fact("drained").is_some();
        Answer { live: host.live(), was_live: state.is_some(), unfinished }
    };
    call(run, hosts, run.request.plan.mode, script, answer).await
}

/// Asks these hosts whether they heard that all are healthy, and tells them nothing. Whoever is missing could not be asked.
pub(super) async fn ask(run: &mut Run<'_>, hosts: &[usize]) -> BTreeMap<usize, bool> {
    let heard = |run: &Run<'_>, host: &HostState| {
        let ours = host.entries.iter().find(|entry| entry.run == run.fleet.run);
        ours.is_some_and(|entry| matches!(entry.state, State::Healthy | State::Done))
    };
    call(run, hosts, Mode::Free, |_, _| Script::new().journal(), heard).await
}

// Again and again, who has not answered yet, until the time is over that they share. Each is called once at least.
async fn call<T>(
    run: &mut Run<'_>,
    hosts: &[usize],
    mode: Mode,
    script: impl Fn(&Run<'_>, usize) -> Script,
    answer: impl Fn(&Run<'_>, &HostState) -> T,
) -> BTreeMap<usize, T> {
    let plan = run.request.plan;
    let until = *run.settle_until.get_or_insert(Instant::now() + plan.environment.timeouts.lost);
    let mut answers = BTreeMap::new();
    let mut left = hosts.to_vec();
    while !left.is_empty() {
        let some = Plan {
            targets: left.iter().map(|at| plan.targets[*at].clone()).collect(),
            mode,
            opening: left.iter().map(|at| script(run, *at)).collect(),
            opening_phase: Phase::Rollback,
            here: Vec::new(),
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

// Its progress would say "connect" once more for a host that the user sees elsewhere.
struct Quiet;

impl Observer for Quiet {
    fn event(&mut self, _: &Event<'_>) {}
    fn tick(&mut self) {}
}
