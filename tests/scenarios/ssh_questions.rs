//! What the system's `ssh` asks, and what becomes of its processes: asked on the terminal once for all hosts, refused where
//! nobody can be asked, gone with the run.

use std::process::Command;

use crate::common::{Kind, Signal, Terminal, World, eventually, within};

/// Two hosts, and a key that nothing but its passphrase opens.
fn locked_key() -> World {
    let world = World::new(Kind::ByOpenSsh, 2);
    world.production("");
    let key = world.home().join(".ssh/id_ed25519");
    let changed =
        Command::new("ssh-keygen").args(["-q", "-p", "-P", "", "-N", "right", "-f"]).arg(key).output();
    assert!(changed.unwrap().status.success());
    world
}

#[track_caller]
fn sees(terminal: &Terminal, text: &str, times: usize) {
    within(crate::common::PATIENCE, text, || terminal.shown().matches(text).count() == times);
}

#[test]
fn a_passphrase_is_asked_once_for_all_hosts_and_again_where_it_was_wrong() {
    let world = locked_key();
    let mut terminal = world.shipit_at_terminal(&["production", "status"]);
    sees(&terminal, "Enter passphrase for key", 1);
    assert!(!terminal.is_cooked(), "what is typed is not shown");
    terminal.types("wrong\r");
    sees(&terminal, "Enter passphrase for key", 2);
    terminal.types("right\r");
    assert_eq!(terminal.wait(), Some(0), "{}", terminal.shown());
    assert_eq!(terminal.shown().matches("Enter passphrase").count(), 2, "{}", terminal.shown());
    assert!(!terminal.shown().contains("right") && !terminal.shown().contains("wrong"));
    assert!(terminal.is_cooked());
}

#[test]
fn without_a_terminal_nothing_is_asked() {
    let world = locked_key();
    let run = world.shipit(&["production", "status"]);
    run.ends_with(4).says("permission denied").says("ssh-add");
}

#[test]
fn a_killed_run_leaves_no_ssh_behind() {
    let world = World::new(Kind::ByOpenSsh, 1);
    world.production("pre-setup = 'touch ~/started; sleep 600'");
    let run = world.shipit_spawn(&["production", "setup"]);
    eventually("a hook runs", || world.host("web1").path("started").exists());
    let ours = || {
        let listing = Command::new("ps").args(["-e", "-o", "args="]).output().unwrap().stdout;
        let socket = format!("{}/tmp/shipit-ssh-", world.home().display());
        String::from_utf8_lossy(&listing).lines().filter(|line| line.contains(&socket)).count()
    };
    let before = ours();
    run.kill(Signal::KILL);
    assert_eq!(run.wait().code, None);
    eventually("its ssh are gone", || ours() == 0);
    assert!(before > 0 || !world.home().join("tmp").exists(), "none was found while it ran");
    eventually("so is the hook", || world.host("web1").processes().is_empty());
}

#[test]
fn a_host_whose_configuration_needs_it_is_reached_by_it_which_is_said_once() {
    let world = World::new(Kind::ByOpenSsh, 2);
    world.production("");
    world.env("SHIPIT_SET", "ssh=auto");
    let file = world.home().join(".ssh/config");
    let config = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("CheckHostIP yes\n{config}")).unwrap();
    let said = "web1 and web2 are reached by the system's ssh: CheckHostIP is set for them in ";
    world.shipit(&["production", "setup"]).ends_with(0).says(said);
    world.env("SHIPIT_SET", "ssh=builtin");
    world.shipit(&["production", "status"]).ends_with(4).says("set ssh = \"openssh\"");
}
