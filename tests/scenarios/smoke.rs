//! Proves the environment the other scenarios stand on, with OpenSSH's client in the place of shipit.
//!
//! When these fail, nothing the others say can be trusted.

use std::thread::sleep;
use std::time::Duration;

use crate::common::{ABSENT, Kind, Signal, World, eventually};

on_each_kind!(
    a_command_runs_in_a_home_of_its_own,
    logins_are_counted,
    every_login_shell_runs_the_command,
    sh_is_what_the_host_says,
    what_a_bashrc_prints_is_printed,
    output_arrives_whole,
    input_arrives_whole,
    a_killed_command_ends_by_signal,
    what_ignores_its_death_outlives_the_connection,
    input_ends_when_the_connection_dies,
    input_ends_when_the_client_is_killed,
    a_host_without_its_server_cannot_be_reached,
    a_frozen_line_is_silent_and_thaws,
    nothing_ignores_a_signal,
);

fn a_command_runs_in_a_home_of_its_own(kind: Kind) {
    let world = World::new(kind, 2);
    for host in world.hosts() {
        let run = world.ssh(host.name(), "pwd; echo $HOME; echo word >app; exit 7").ends_with(7);
        let home = host.path("").to_str().unwrap().trim_end_matches('/').to_string();
        assert_eq!(run.stdout, format!("{home}\n{home}\n"), "{run}");
        assert_eq!(host.read("app").as_deref(), Some("word\n"));
    }
    assert_ne!(world.host("web1").path("app"), world.host("web2").path("app"));
}

fn logins_are_counted(kind: Kind) {
    let world = World::new(kind, 2);
    world.ssh("web1", "true").ends_with(0);
    world.ssh("web1", "true").ends_with(0);
    assert_eq!(world.host("web1").logins(), 2);
    assert_eq!(world.host("web2").logins(), 0);
}

fn every_login_shell_runs_the_command(kind: Kind) {
    let world = World::new(kind, 1);
    for shell in ["bash", "dash", "busybox ash", "zsh", "fish", "tcsh"] {
        world.host("web1").shell(shell);
        let run = world.ssh("web1", "exec /bin/sh -c 'echo \"$1\"; exit 3' x 'a  b'").ends_with(3);
        assert_eq!(run.stdout, "a  b\n", "{shell}");
    }
    world.host("web1").shell("tcsh");
    world.ssh("web1", "echo $tcsh").ends_with(0).says("6.");
}

fn sh_is_what_the_host_says(kind: Kind) {
    let world = World::new(kind, 1);
    for (sh, exe) in [("dash", "dash"), ("bash", "bash"), ("busybox", "busybox")] {
        world.host("web1").sh(sh);
        // "; :" keeps bash from running readlink in its own place
        let exe_of = r#"exec /bin/sh -c 'readlink /proc/$$/exe; sh -c "readlink /proc/\$\$/exe; :"'"#;
        let run = world.ssh("web1", exe_of).ends_with(0);
        let lines: Vec<_> = run.stdout.lines().map(|line| line.ends_with(exe)).collect();
        assert_eq!(lines, [true, true], "{sh}: {run}");
    }
}

fn what_a_bashrc_prints_is_printed(kind: Kind) {
    let world = World::new(kind, 1);
    world.host("web1").put(".bashrc", "echo hello from bashrc\n");
    let run = world.ssh("web1", "echo done").ends_with(0);
    assert_eq!(run.stdout, "hello from bashrc\ndone\n", "once, as under sshd");
}

fn output_arrives_whole(kind: Kind) {
    let world = World::new(kind, 1);
    let run = world.ssh("web1", "head -c 5000000 /dev/zero | tr '\\0' x; echo end >&2").ends_with(0);
    assert_eq!(run.stdout.len(), 5_000_000);
    assert_eq!(run.stderr, "end\n");
}

fn input_arrives_whole(kind: Kind) {
    let world = World::new(kind, 1);
    let big = "0123456789".repeat(300_000);
    world.repo.write("big", &big);
    world.tool("feed", "#!/bin/sh\nexec ssh -F \"$HOME/.ssh/config\" web1 cat '>' got <big\n");
    let status = world.command(&world.home().join("bin/feed")).status().unwrap();
    assert!(status.success());
    assert_eq!(world.host("web1").read("got").as_ref(), Some(&big));
    if kind == Kind::InProcess {
        assert_eq!(world.host("web1").recorded(), [big.into_bytes()]);
        assert_eq!(world.host("web1").commands(), ["cat > got"]);
    }
}

fn a_killed_command_ends_by_signal(kind: Kind) {
    let world = World::new(kind, 1);
    world.ssh("web1", "exec /bin/sh -c 'kill -KILL $$'").ends_with(255);
}

fn what_ignores_its_death_outlives_the_connection(kind: Kind) {
    let world = World::new(kind, 1);
    let host = world.host("web1");
    let running = world.ssh_spawn("web1", "exec sleep 60");
    eventually("the command runs", || host.processes().iter().any(|p| p.command == "sleep 60"));
    host.kill_session();
    running.wait().ends_with(255);
    sleep(Duration::from_millis(300));
    assert_eq!(host.processes().len(), 1, "nobody kills it: {:?}", host.processes());
}

fn input_ends_when_the_connection_dies(kind: Kind) {
    let world = World::new(kind, 1);
    let host = world.host("web1");
    let running = spawn_reader(&world);
    host.kill_session();
    running.wait().ends_with(255);
    eventually("the end of input is noticed", || host.read("ended").is_some());
}

fn input_ends_when_the_client_is_killed(kind: Kind) {
    let world = World::new(kind, 1);
    let running = spawn_reader(&world);
    running.kill(Signal::KILL);
    assert_eq!(running.wait().code, None);
    eventually("the end of input is noticed", || world.host("web1").read("ended").is_some());
}

/// A client with open input whose command notes the end of input.
fn spawn_reader(world: &World) -> crate::common::Running {
    world.tool(
        "hold",
        "#!/bin/sh\nmkfifo fifo\nexec ssh -F \"$HOME/.ssh/config\" web1 \
         'echo >started; cat; echo >ended' <>fifo\n",
    );
    let command = world.command(&world.home().join("bin/hold"));
    let running = crate::common::Running::start(command, "hold".into());
    eventually("the command runs", || world.host("web1").read("started").is_some());
    running
}

fn a_host_without_its_server_cannot_be_reached(kind: Kind) {
    let world = World::new(kind, 2);
    let host = world.host("web1");
    let running = world.ssh_spawn("web1", "exec sleep 60");
    eventually("the command runs", || !host.processes().is_empty());
    host.kill_sshd();
    running.wait().ends_with(255);
    world.ssh("web1", "true").ends_with(255);
    world.ssh("web2", "true").ends_with(0);
    host.start();
    world.ssh("web1", "true").ends_with(0);
}

fn a_frozen_line_is_silent_and_thaws(kind: Kind) {
    let world = World::new(kind, 1);
    let host = world.host("web1");
    let mut running = world.ssh_spawn("web1", "echo >started; sleep 0.5; echo word");
    eventually("the command runs", || host.read("started").is_some());
    host.freeze(true);
    eventually("the command ends", || host.processes().is_empty());
    sleep(Duration::from_millis(200));
    assert!(!running.ended() && running.stdout().is_empty());
    host.freeze(false);
    assert_eq!(running.wait().ends_with(0).stdout, "word\n");
}

fn nothing_ignores_a_signal(kind: Kind) {
    let world = World::new(kind, 1);
    let run = world.ssh("web1", "exec /bin/sh -c 'grep SigIgn /proc/self/status'").ends_with(0);
    let ignored = u64::from_str_radix(run.stdout.split_whitespace().nth(1).unwrap(), 16).unwrap();
    assert_eq!(ignored & 0x7fff_ffff, 0, "the standard signals, 1 to 31: {run}");
}

#[test]
fn a_hosts_processes_end_with_the_world() {
    let world = World::new(Kind::Sshd, 1);
    let (root, listener) = (world.root().to_path_buf(), world.host("web1").sshd_pid());
    world.ssh("web1", "setsid sleep 60 >/dev/null 2>&1 </dev/null &").ends_with(0);
    eventually("it runs", || !world.host("web1").processes().is_empty());
    drop(world);
    assert!(!root.exists());
    assert!(!std::path::Path::new(&format!("/proc/{listener}")).exists());
}

#[test]
fn the_repository_is_published_commit_by_commit() {
    let world = World::new(Kind::InProcess, 0);
    let first = world.repo.head();
    let second = world.repo.publish(&[("app.js", "one\n"), ("lib/x.js", "two\n")]);
    world.repo.tag("v1");
    world.repo.branch("next");
    world.repo.push();
    let remote = world.repo.git(&["ls-remote", "origin"]);
    assert!(remote.contains("refs/tags/v1") && remote.contains("refs/heads/next"), "{remote}");
    assert!(remote.contains(&second) && !remote.contains(&first), "{remote}");
    world.repo.take_origin_away();
    assert!(!std::path::Path::new(&world.repo.url()).exists());
    world.repo.bring_origin_back();
    world.production("");
    assert_eq!(world.repo.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_watch_sees_what_was_there_for_a_moment() {
    let world = World::new(Kind::InProcess, 1);
    let host = world.host("web1");
    host.put("page", "one");
    let watch = host.watch("page");
    sleep(Duration::from_millis(50));
    host.put("page", "two");
    sleep(Duration::from_millis(50));
    std::fs::remove_file(host.path("page")).unwrap();
    sleep(Duration::from_millis(50));
    let seen = watch.end();
    assert_eq!(seen.keys().collect::<Vec<_>>(), [ABSENT, "one", "two"]);
}
