//! What a log says of a run, where a person reads it later.

use crate::common::{Kind, World};

#[test]
fn hosts_that_were_only_stopped_are_not_counted_as_failed() {
    let world = World::deployed(Kind::InProcess, 3, "");
    world.production("build = 'test $SHIPIT_HOST != web2 || exit 3; sleep 60'");
    world.publish("two");
    let run = world.shipit(&["production"]).ends_with(1);
    let line = run.stderr.lines().find(|line| line.starts_with("[prepare] ")).unwrap();
    assert!(line.ends_with(", 1 failed"), "{line}: {run}");
}

#[test]
fn a_banner_of_sshd_is_noise_and_acts_on_no_terminal() {
    let world = World::deployed(Kind::Sshd, 2, "");
    for host in world.hosts() {
        host.put("../server/banner", "Authorised use only\n\u{1b}[2J00\t1\tdone\t0\n\u{1b}]0;owned\u{7}");
    }
    let ssh = world.ssh("web1", "echo x");
    assert!(ssh.stderr.contains("Authorised use only"), "there is a banner: {ssh}");
    world.publish("two");
    let run = world.shipit(&["production", "-v"]).ends_with(0).does_not_say("Authorised");
    assert!(!run.stderr.contains('\u{1b}'), "{run}");
    world.serve("two");
    let run = world.shipit(&["production", "exec", "echo x"]).ends_with(0);
    let mut lines: Vec<&str> = run.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["web1 | x", "web2 | x"], "{run}");
    assert!(!run.stderr.contains("Authorised"), "{run}");
    let mut terminal = world.shipit_at_terminal(&["production", "status"]);
    assert_eq!(terminal.wait(), Some(0));
    assert!(!terminal.shown().contains("Authorised") && !terminal.shown().contains("\u{1b}[2J"));
}

#[test]
fn what_a_local_hook_prints_is_whole_and_its_end_is_told() {
    let world = World::deployed(Kind::InProcess, 1, "");
    world.production("pre-deploy-local = 'printf \"no newline\"'");
    world.publish("two");
    let run = world.shipit(&["production"]).ends_with(0);
    assert!(run.stderr.contains("here | no newline\nhere | < pre-deploy-local: "), "{run}");
    world.production("pre-deploy-local = 'exit 9'");
    world.publish("three");
    world.shipit(&["production"]).ends_with(1).says("here | < pre-deploy-local: exit 9 after");
}
