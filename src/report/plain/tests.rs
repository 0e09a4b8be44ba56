//! What a log shows, as a reader of logs sees it.

use super::super::background::tests::Kept;
use super::*;
use crate::executor::event::FailureKind;
use crate::plan::Action;
use crate::remote::step::Step;

fn told(verbosity: Verbosity, tell: impl FnOnce(&mut Plain)) -> String {
    let kept = Kept::default();
    let mut plain = Plain::new(Background::new(kept.clone(), kept.clone()), false, verbosity);
    tell(&mut plain);
    drop(plain);
    kept.text()
}

fn build(plain: &mut Plain) {
    let hosts = ["web1".to_owned(), "web10".to_owned()];
    let exit = Exit::Code(1);
    let failure = Failure {
        kind: FailureKind::Step,
        step: Step::Build,
        exit: Some(exit.clone()),
        message: "npm is\x1b[2J not there".to_owned(),
        reason: None,
        hint: None,
        tail: Vec::new(),
    };
    let took = Duration::from_millis(1200);
    plain.event(&Event::Started { action: Action::Deploy, environment: "production", hosts: &hosts });
    plain.event(&Event::PhaseStarted { phase: Phase::Prepare, part: None });
    plain.event(&Event::StepStarted { host: "web1", step: "build" });
    plain.event(&Event::Output { host: "web1", step: "build", bytes: b"one\n\x1b]0;own" });
    plain.event(&Event::Output { host: "web1", step: "build", bytes: b"ed\x07two\nthr" });
    plain.event(&Event::Output { host: "web10", step: "build", bytes: b"10%\r20%\r\n" });
    plain.event(&Event::StepEnded { host: "web1", step: "build", exit: &exit, took });
    plain.event(&Event::HostFailed { host: "web1", phase: Phase::Prepare, failure: &failure });
    plain.event(&Event::PhaseEnded { phase: Phase::Prepare, took, failed: 1 });
}

#[test]
fn an_event_is_a_line() {
    insta::assert_snapshot!(told(Verbosity::Normal, build), @r#"
    deploy production: 2 hosts
    [prepare]
    web1  | > build
    web1  | one
    web1  | two
    web10 | 20%
    web1  | thr
    web1  | < build: exit 1 after 1.2s
    web1  | failed: build: npm is not there
    [prepare] 1.2s, 1 failed
    "#);
}

#[test]
fn quiet_shows_failures() {
    insta::assert_snapshot!(told(Verbosity::Quiet, build), @"web1  | failed: build: npm is not there");
}

#[test]
fn what_exec_prints_is_data_and_never_cut() {
    let (progress, data) = (Kept::default(), Kept::default());
    let out = Background::new(progress.clone(), data.clone());
    let mut plain = Plain::new(out, false, Verbosity::Quiet);
    plain.event(&Event::PhaseStarted { phase: Phase::Exec, part: None });
    plain.event(&Event::StepStarted { host: "web1", step: "exec" });
    for _ in 0..1000 {
        plain.event(&Event::Output { host: "web1", step: "exec", bytes: b"line\nli" });
        plain.event(&Event::Output { host: "web1", step: "exec", bytes: b"ne\n" });
    }
    plain.event(&Event::Output { host: "web1", step: "exec", bytes: b"the end" });
    let (exit, took) = (Exit::Code(0), Duration::ZERO);
    plain.event(&Event::StepEnded { host: "web1", step: "exec", exit: &exit, took });
    drop(plain);
    assert_eq!(data.text(), "web1 | line\n".repeat(2000) + "web1 | the end\n");
    assert_eq!(progress.text(), "");
}

#[test]
fn a_step_that_prints_much_is_cut() {
    let much = |plain: &mut Plain| {
        plain.event(&Event::StepStarted { host: "web1", step: "build" });
        for _ in 0..1000 {
            plain.event(&Event::Output { host: "web1", step: "build", bytes: b"line\n" });
        }
        let (exit, took) = (Exit::Code(0), Duration::ZERO);
        plain.event(&Event::StepEnded { host: "web1", step: "build", exit: &exit, took });
    };
    let text = told(Verbosity::Normal, much);
    assert_eq!(text.matches("| line").count(), LINES_PER_STEP);
    assert!(text.contains("… 800 more lines"));
    assert_eq!(told(Verbosity::Verbose, much).matches("| line").count(), 1000);
}

#[test]
fn silence_is_broken_every_thirty_seconds() {
    let text = told(Verbosity::Normal, |plain| {
        let began = Instant::now();
        plain.event(&Event::PhaseStarted { phase: Phase::Prepare, part: None });
        plain.event(&Event::StepStarted { host: "web1", step: "build" });
        (1..=70).for_each(|second| plain.tick_at(began + Duration::from_secs(second)));
    });
    assert_eq!(text.matches("still in prepare after").count(), 2, "{text}");
}
