//! `restart`: every host serves on what it serves, so there is nothing to roll back. What a reload was stopped in is done to
//! its end; a host where that fails may serve nothing, and is named.

use super::event::FailureKind;
use super::health;
use super::outcome::End;
use super::run::{Run, Stopped};
use super::sum::harmless;
use super::wanted::Decision;
use crate::plan::Phase;
use crate::remote::script::Script;

/// What is live on each host, told to it: each is restarted with what was stored for that.
pub(super) fn decide(run: &mut Run<'_>) -> Result<Decision, Stopped> {
    let bare: Vec<String> =
        run.fleet.hosts.iter().filter(|host| host.live().is_none()).map(|host| host.name.clone()).collect();
    if !bare.is_empty() {
        let message = format!("nothing that shipit deployed is live on {}", bare.join(", "));
        let hint = "`sync` brings hosts to what is live on the rest; --hosts leaves some out".to_owned();
        return Err(run.refuse(FailureKind::Step, "restart", message, Some(hint)));
    }
    for at in 0..run.fleet.hosts.len() {
        let host = &run.fleet.hosts[at];
        let Some(live) = host.live() else { continue };
        let reference = host.fact("live-reference").unwrap_or_default().to_owned();
        let (release, revision) = (live.release.as_str(), live.revision.as_str());
        let later = [
            ("from", release),
            ("from_revision", revision),
            ("reference", &reference),
            ("release", release),
            ("revision", revision),
        ];
        run.fleet.set(at, &later);
    }
    Ok(Decision::Go)
}

/// After a failure or an interrupt.
pub(super) async fn back(run: &mut Run<'_>) -> End {
    let begun = run.failed_in == Some(Phase::Activate);
    let (signal, cause) = (run.fleet.known.signal, run.cause());
    let failures: Vec<_> = run.fleet.hosts.iter_mut().map(|host| host.failure.take()).collect();
    // Who was asked from here and is not healthy stays out of service.
    let unwell = |at: usize| failures[at].as_ref().is_some_and(|failure| failure.step == health::STEP);
    if (0..failures.len()).any(unwell) {
        run.fleet.tell(Phase::Rollback, &Script::new().restart_unwell(), |at, _| unwell(at)).await;
    }
    let undo = run.request.plan.undo.clone();
    run.fleet.forget_questions();
    run.fleet.tell(Phase::Rollback, &undo, |_, _| true).await;
    let answer = |well: bool| {
        let script = Script::new();
        if well { script.restart_end() } else { script.restart_unwell() }.unlock()
    };
    run.ask_waiting("health", answer).await;
    let mut doubt = false;
    for (host, first) in run.fleet.hosts.iter_mut().zip(failures) {
        let stopped = first.as_ref().is_none_or(|failure| failure.kind == FailureKind::Interrupted);
        let told = host.running.is_none() && host.lost.is_none() && !host.in_doubt;
        let serves = stopped && host.failure.is_none() && told;
        if begun && !serves {
            // What it is to serve is known, whether it does is not.
            host.told_doubt = true;
            host.in_doubt = true;
            doubt = true;
        }
        host.failure =
            first.filter(|failure| failure.kind != FailureKind::Interrupted).or(host.failure.take());
    }
    if doubt { End::Split } else { harmless(signal, cause) }
}
