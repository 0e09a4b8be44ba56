//! Hosts in doubt: their line ended when they may already have been live. Each is called again, with a connection of its
//! own, told which way the run goes, and asked what it serves. It is tried for `timeout.lost` in all: so long a host
//! that was confirmed waits before it goes on by itself.

use std::time::Duration;

use tokio::time::Instant;

use super::event::{Event, Observer};
use super::fleet::Fleet;
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
    /// Not all could be put back, or it is still at it.
    pub(super) unfinished: bool,
}

/// Calls host number `at` again. `None`: it could not be asked.
pub(super) async fn settle(run: &mut Run<'_>, at: usize, forward: bool) -> Option<Answer> {
    let name = run.fleet.hosts[at].name.clone();
    let text = "the line ended; calling again to settle what it serves";
    run.fleet.observer.event(&Event::Notice { host: Some(&name), text });
    let plan = run.request.plan;
    let release = run.goal(at).map(|goal| goal.release.clone()).unwrap_or_default();
    let one = Plan {
        targets: vec![plan.targets[at].clone()],
        opening: vec![Script::new().settle(&run.fleet.run, forward, &release)],
        opening_phase: Phase::PutBack,
        here: Vec::new(),
        ..plan.clone()
    };
    // All hosts in doubt share the time: a fleet that is cut off is not waited for host by host.
    let until = *run.settle_until.get_or_insert(Instant::now() + plan.environment.timeouts.lost);
    loop {
        let answer = call(run, &one).await;
        if answer.is_some() || Instant::now() >= until || run.fleet.interrupt.asked() != run.fleet.known {
            return answer;
        }
        run.fleet.observer.tick();
        tokio::time::sleep(BETWEEN).await;
    }
}

/// Asks host number `at` whether it heard that all are healthy, and tells it nothing. `None`: it could not be asked.
pub(super) async fn ask(run: &mut Run<'_>, at: usize) -> Option<bool> {
    let plan = run.request.plan;
    let one = Plan {
        targets: vec![plan.targets[at].clone()],
        mode: Mode::Free,
        opening: vec![Script::new().journal()],
        opening_phase: Phase::PutBack,
        here: Vec::new(),
        ..plan.clone()
    };
    let until = *run.settle_until.get_or_insert(Instant::now() + plan.environment.timeouts.lost);
    loop {
        let mut quiet = Quiet;
        let mut fleet = Fleet::new(&one, run.fleet.transport, &mut quiet, run.fleet.interrupt.clone());
        fleet.open().await;
        let host = &fleet.hosts[0];
        let ours = host.entries.iter().find(|entry| entry.run == run.fleet.run);
        let heard = ours.is_some_and(|entry| matches!(entry.state, State::Healthy | State::Done));
        let answer = host.failure.is_none().then_some(heard);
        fleet.close().await;
        if answer.is_some() || Instant::now() >= until || run.fleet.interrupt.asked() != run.fleet.known {
            return answer;
        }
        run.fleet.observer.tick();
        tokio::time::sleep(BETWEEN).await;
    }
}

async fn call(run: &mut Run<'_>, plan: &Plan) -> Option<Answer> {
    let mut quiet = Quiet;
    let mut fleet = Fleet::new(plan, run.fleet.transport, &mut quiet, run.fleet.interrupt.clone());
    fleet.open().await;
    let host = &fleet.hosts[0];
    let state = host.fact("settled");
    // What was drained from here nobody took in again.
    let unfinished = matches!(state, Some("failed" | "open")) || host.fact("drained").is_some();
    let answer = Answer { live: host.live(), was_live: state.is_some(), unfinished };
    let answer = host.failure.is_none().then_some(answer);
    fleet.close().await;
    answer
}

// Its progress would say "connect" once more for a host that the user sees elsewhere.
struct Quiet;

impl Observer for Quiet {
    fn event(&mut self, _: &Event<'_>) {}
    fn tick(&mut self) {}
}
