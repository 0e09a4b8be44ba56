//! What a terminal, and a person before it, can take.

use super::*;

#[test]
fn no_text_of_a_host_acts_on_the_terminal() {
    let nasty = "\x1b]0;title\x07\x1b[2J\u{202e}x\r\n\u{9b}".to_owned();
    for end in
        [End::Done, End::Failed, End::Refused, End::Unreachable, End::RolledBack, End::Split, End::Busy]
    {
        let mut outcome = outcome(end, hosts(2, OLD, HostResult::Failed));
        outcome.environment = nasty.clone();
        outcome.release = Some(nasty.clone());
        outcome.hosts[0].host = nasty.clone();
        outcome.hosts[0].to = Some(Live { release: nasty.clone(), version: None });
        outcome.hosts[0].failure = Some(Failure {
            kind: FailureKind::Step,
            step: Step::Build,
            exit: Some(Exit::Lost(nasty.clone())),
            message: nasty.clone(),
            reason: None,
            hint: Some(nasty.clone()),
            tail: nasty.clone().into_bytes(),
        });
        for action in [Action::Deploy, Action::Revert] {
            outcome.action = action;
            let text = text(&outcome);
            assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{text:?}");
        }
    }
}

#[test]
fn colour_changes_no_word() {
    let mut outcome = outcome(End::RolledBack, hosts(3, OLD, HostResult::RolledBack));
    outcome.hosts[2].failure = Some(failure(FailureKind::Step, "reload", Some(Exit::Code(1))));
    let colored = render(&outcome, 80, true, None);
    assert_ne!(colored, text(&outcome));
    assert_eq!(console::strip_ansi_codes(&colored), text(&outcome));
}

#[test]
fn of_many_different_failures_the_first_are_told_and_every_host_is_named() {
    let mut all = hosts(30, OLD, HostResult::Failed);
    for host in &mut all {
        let message = format!("cannot connect to {}", host.host);
        host.failure = Some(Failure { message, ..failure(FailureKind::Unreachable, "connect", None) });
    }
    let text = text(&outcome(End::Unreachable, all));
    assert_eq!(text.matches("cannot connect to").count(), 12, "{text}");
    assert!(
        text.contains("18 hosts failed in other ways:\n  web13, web14, ") && text.contains(", web30\n"),
        "{text}"
    );
}
