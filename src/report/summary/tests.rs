//! The report of every end, as a user reads it.

use std::time::Duration;

use super::*;
use crate::executor::Live;
use crate::executor::event::{Failure, FailureKind, Phase};
use crate::executor::outcome::{HostOutcome, HostResult};
use crate::plan::Action;
use crate::remote::step::Step;
use crate::remote::version::Version;
use crate::transport::Exit;

#[path = "shown_tests.rs"]
mod shown;

const OLD: &str = "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334";
const NEW: &str = "d4e5f6a7b8c9d0e1f2031425364758697a8b9cad";

fn live(revision: &str) -> Option<Live> {
    Some(Live {
        release: format!("20261121T081502Z-{}", &revision[..7]),
        version: Some(Version::parse(revision).unwrap()),
    })
}

fn host(number: usize, to: &str, result: HostResult) -> HostOutcome {
    let took = Duration::from_millis(1000 + 10 * number as u64);
    HostOutcome {
        host: format!("web{number}"),
        from: live(OLD),
        to: live(to),
        known: true,
        serving: None,
        result,
        failure: None,
        failed_recovery: None,
        took,
    }
}

fn hosts(count: usize, to: &str, result: HostResult) -> Vec<HostOutcome> {
    (1..=count).map(|number| host(number, to, result)).collect()
}

fn outcome(end: End, hosts: Vec<HostOutcome>) -> Outcome {
    Outcome {
        apps: Vec::new(),
        action: Action::Deploy,
        environment: "production".to_owned(),
        end,
        release: live(NEW).map(|live| live.release),
        version: Version::parse(NEW),
        hosts,
        failure: None,
        failed_in: None,
        took: Duration::from_millis(12_345),
        migrated: false,
    }
}

fn failure(kind: FailureKind, step: &str, exit: Option<Exit>) -> Failure {
    Failure {
        kind,
        step: Step::parse(step).unwrap(),
        exit,
        message: String::new(),
        reason: None,
        hint: None,
        tail: Vec::new(),
    }
}

fn text(outcome: &Outcome) -> String {
    render(outcome, 80, false, Some("shipit production revert"))
}

#[test]
fn done() {
    insta::assert_snapshot!(text(&outcome(End::Done, hosts(3, NEW, HostResult::Done))), @r#"
    host  from     to       time  result
    web1  a1b2c3d  d4e5f6a  1.0s  done
    web2  a1b2c3d  d4e5f6a  1.0s  done
    web3  a1b2c3d  d4e5f6a  1.0s  done

    deployed d4e5f6a to 3 hosts in 12.3s
    undo: shipit production revert
    "#);
}

#[test]
fn of_a_first_deploy_there_is_nothing_to_go_back_to() {
    let mut hosts = hosts(2, NEW, HostResult::Done);
    hosts.iter_mut().for_each(|host| host.from = None);
    assert!(!text(&outcome(End::Done, hosts)).contains("undo"));
}

#[test]
fn done_on_many_hosts_is_one_line() {
    insta::assert_snapshot!(text(&outcome(End::Done, hosts(50, NEW, HostResult::Done))), @r#"
    50 hosts: a1b2c3d → d4e5f6a

    deployed d4e5f6a to 50 hosts in 12.3s
    undo: shipit production revert
    "#);
}

#[test]
fn nothing_to_do() {
    insta::assert_snapshot!(text(&outcome(End::NothingToDo, hosts(3, OLD, HostResult::Unchanged))), @"nothing to do: 3 hosts serve a1b2c3d already");
}

#[test]
fn setup_and_exec_serve_nothing() {
    let mut outcome = outcome(End::Done, hosts(2, NEW, HostResult::Done));
    outcome.hosts.iter_mut().for_each(|host| (host.from, host.to) = (None, None));
    outcome.action = Action::Setup;
    insta::assert_snapshot!(text(&outcome), @r#"
    host  time  result
    web1  1.0s  done
    web2  1.0s  done

    set up 2 hosts in 12.3s
    "#);
    outcome.action = Action::Exec;
    outcome.end = End::Failed;
    outcome.hosts[1].result = HostResult::Failed;
    outcome.hosts[1].failure = Some(failure(FailureKind::Step, "exec", Some(Exit::Code(3))));
    insta::assert_snapshot!(text(&outcome), @r#"
    host  time  result
    web1  1.0s  exit 0
    web2  1.0s  exit 3

    failed on 1 of 2 hosts: web2
    "#);
    outcome.hosts[0] = HostOutcome { host: "web1".to_owned(), ..outcome.hosts[1].clone() };
    assert_eq!(text(&outcome), "exit 3 on both hosts\n");
}

#[test]
fn a_build_that_fails() {
    let mut outcome = outcome(End::Failed, hosts(3, OLD, HostResult::Stopped));
    let tail = (1..=30).map(|line| format!("\x1b[31mline {line}\x1b[0m\n")).collect::<String>();
    let failure = Failure {
        message: "build ended with 1".to_owned(),
        hint: Some("run it by hand:\nshipit production exec 'npm ci'".to_owned()),
        tail: tail.into_bytes(),
        ..failure(FailureKind::Step, "build", Some(Exit::Code(1)))
    };
    outcome.failed_in = Some(Phase::Prepare);
    outcome.migrated = true;
    for host in &mut outcome.hosts[1..] {
        host.result = HostResult::Failed;
        host.failure = Some(failure.clone());
    }
    insta::assert_snapshot!(text(&outcome), @r#"
    build failed on web2 and web3: exit 1
      build ended with 1
      | line 11
      | line 12
      | line 13
      | line 14
      | line 15
      | line 16
      | line 17
      | line 18
      | line 19
      | line 20
      | line 21
      | line 22
      | line 23
      | line 24
      | line 25
      | line 26
      | line 27
      | line 28
      | line 29
      | line 30
      → run it by hand:
        shipit production exec 'npm ci'

    full output: shipit production show 20261121T081502Z-d4e5f6a

    host  from     to       time  result
    web1  a1b2c3d  a1b2c3d  1.0s  stopped
    web2  a1b2c3d  a1b2c3d  1.0s  failed
    web3  a1b2c3d  a1b2c3d  1.0s  failed

    failed while building on web2 and web3; nothing live was changed
    note: a migration ran; what it did to a database is not undone
    "#);
}

#[test]
fn different_failures_share_the_phase() {
    let mut outcome = outcome(End::Failed, hosts(2, OLD, HostResult::Failed));
    outcome.failed_in = Some(Phase::Prepare);
    outcome.hosts[0].failure = Some(failure(FailureKind::Step, "fetch", Some(Exit::Signal("KILL".into()))));
    outcome.hosts[1].failure =
        Some(failure(FailureKind::Lost, "build", Some(Exit::Lost("silent for 30s".into()))));
    insta::assert_snapshot!(text(&outcome), @r#"
    fetch failed on web1: killed by SIGKILL

    build failed on web2: connection lost: silent for 30s

    host  from     to       time  result
    web1  a1b2c3d  a1b2c3d  1.0s  failed
    web2  a1b2c3d  a1b2c3d  1.0s  failed

    failed while preparing the release on web1 and web2; nothing live was changed
    "#);
}

#[test]
fn a_failure_of_the_run_itself() {
    let mut outcome = outcome(End::Failed, Vec::new());
    let message = "no branch, tag or commit `mian` in git@example.com:acme/shop.git".to_owned();
    outcome.failure = Some(Failure { message, ..failure(FailureKind::Step, "resolve", None) });
    insta::assert_snapshot!(text(&outcome), @r#"
    resolving the ref failed
      no branch, tag or commit `mian` in git@example.com:acme/shop.git

    failed while resolving the ref; nothing live was changed
    "#);
}

#[test]
fn refused() {
    let mut outcome = outcome(End::Refused, hosts(2, OLD, HostResult::Unchanged));
    outcome.failure = Some(Failure {
        message: "2 files have local changes".to_owned(),
        hint: Some("commit them, or deploy what is pushed with --force".to_owned()),
        ..failure(FailureKind::Refused, "check", None)
    });
    insta::assert_snapshot!(text(&outcome), @r#"
    refused: 2 files have local changes
    commit them, or deploy what is pushed with --force
    "#);
}

#[test]
fn unreachable() {
    let mut outcome = outcome(End::Unreachable, hosts(2, OLD, HostResult::Stopped));
    let message = "connection to web2.example.com:22 refused".to_owned();
    outcome.hosts[1].failure =
        Some(Failure { message, ..failure(FailureKind::Unreachable, "connect", None) });
    outcome.hosts[1].result = HostResult::Failed;
    outcome.hosts[1].to = None;
    outcome.hosts[1].from = None;
    insta::assert_snapshot!(text(&outcome), @r#"
    connect failed on web2
      connection to web2.example.com:22 refused

    host  from     to       time  result
    web1  a1b2c3d  a1b2c3d  1.0s  stopped
    web2  –        –        1.0s  failed

    could not connect to web2; nothing live was changed
    "#);
}

#[test]
fn put_back() {
    let mut outcome = outcome(End::RolledBack, hosts(3, OLD, HostResult::RolledBack));
    outcome.hosts[2].failure = Some(failure(FailureKind::Step, "reload", Some(Exit::Code(1))));
    insta::assert_snapshot!(text(&outcome), @r#"
    reload failed on web3: exit 1

    host  from     to       time  result
    web1  a1b2c3d  a1b2c3d  1.0s  rolled back
    web2  a1b2c3d  a1b2c3d  1.0s  rolled back
    web3  a1b2c3d  a1b2c3d  1.0s  rolled back

    failed while reloading on web3; all 3 hosts were rolled back and serve a1b2c3d
    "#);
    outcome.hosts.iter_mut().for_each(|host| (host.from, host.to) = (None, None));
    assert!(text(&outcome).contains("all 3 hosts were rolled back and serve nothing, as before"));
}

#[test]
fn only_what_was_live_is_counted_as_rolled_back() {
    for (results, expected) in [
        (
            &[HostResult::RolledBack, HostResult::RolledBack, HostResult::RolledBack, HostResult::Stopped][..],
            "the 3 hosts that went live were rolled back, and all 4 hosts serve a1b2c3d\n",
        ),
        (
            &[HostResult::RolledBack, HostResult::Stopped],
            "the host that went live was rolled back, and both hosts serve a1b2c3d\n",
        ),
        (
            &[HostResult::RolledBack, HostResult::Failed, HostResult::Skipped],
            "the host that went live was rolled back, and all hosts that were reached serve a1b2c3d\n",
        ),
    ] {
        let hosts = results.iter().enumerate().map(|(at, result)| host(at, OLD, *result)).collect();
        let text = text(&outcome(End::RolledBack, hosts));
        assert!(text.ends_with(expected), "{text}");
    }
}

#[test]
fn split() {
    let mut outcome = outcome(End::Split, hosts(4, OLD, HostResult::RolledBack));
    outcome.hosts[0].to = live(NEW);
    outcome.hosts[0].result = HostResult::Failed;
    outcome.hosts[3].to = None;
    outcome.hosts[3].result = HostResult::InDoubt;
    outcome.hosts[3].failure = Some(failure(FailureKind::Lost, "reload", Some(Exit::Lost(String::new()))));
    outcome.migrated = true;
    insta::assert_snapshot!(text(&outcome), @r#"
    reload failed on web4: connection lost

    host  from     to       time  result
    web1  a1b2c3d  d4e5f6a  1.0s  failed
    web2  a1b2c3d  a1b2c3d  1.0s  rolled back
    web3  a1b2c3d  a1b2c3d  1.0s  rolled back
    web4  a1b2c3d  –        1.0s  in doubt

    failed while reloading on web4; not every host serves the same:
      web1: serves d4e5f6a
      web2, web3: serve a1b2c3d
      web4: in doubt: the connection was lost, and it could not be asked
    next:
      shipit production status      show what each host serves
      shipit production --redeploy  deploy a new release to all hosts
      shipit production sync        bring all hosts to what most of them serve
    note: a migration ran; what it did to a database is not undone
    "#);
    outcome.action = Action::Revert;
    let revert = text(&outcome);
    assert!(revert.contains("shipit production revert 20261121T081502Z-d4e5f6a  try again"), "{revert}");
}

#[test]
fn busy() {
    let mut outcome = outcome(End::Busy, hosts(2, OLD, HostResult::Unchanged));
    for host in &mut outcome.hosts {
        let message = "deploy in progress: ann@laptop, started 26 s ago (pid 7)".to_owned();
        host.failure = Some(Failure { message, ..failure(FailureKind::Busy, "lock", None) });
    }
    insta::assert_snapshot!(text(&outcome), @r#"
    deploy in progress: ann@laptop, started 26 s ago (pid 7)
    try again, or wait for it with --lock-wait 10m
    "#);
}

#[test]
fn interrupted() {
    let mut outcome = outcome(End::Interrupted(2), hosts(2, OLD, HostResult::Stopped));
    insta::assert_snapshot!(text(&outcome), @r#"
    host  from     to       time  result
    web1  a1b2c3d  a1b2c3d  1.0s  stopped
    web2  a1b2c3d  a1b2c3d  1.0s  stopped

    interrupted by SIGINT; nothing live was changed
    "#);
    outcome.hosts[0].result = HostResult::RolledBack;
    let verdict =
        "interrupted by SIGINT; the host that went live was rolled back, and both hosts serve a1b2c3d\n";
    assert!(text(&outcome).ends_with(verdict));
}
