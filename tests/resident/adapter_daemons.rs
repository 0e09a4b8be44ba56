//! The adapters of supervisord, runit and s6 on the real daemons: what they start, find out, and leave again.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use shipit::config;

use crate::adapter::{
    Host, Told, a_port_is_waited_for, bad_releases_are_left_again, is_up, names_a_file, serves,
};
use crate::supervised::{Program, Supervisor, free_port, served};
use crate::{Sh, eventually, on_each_shell};

/// A host, its daemon (not yet started) and the ports of its service.
struct Ground {
    daemon: Supervisor,
    host: Host,
    ports: Vec<u16>,
}

impl Ground {
    fn new(sh: Sh, program: Program, count: usize) -> Ground {
        let mut host = Host::new(sh, kind(program));
        let ports: Vec<u16> = (0..count).map(|_| free_port()).collect();
        let dir = host.base.join("home");
        let daemon = Supervisor::set_up(program, &dir, &host.root(), &ports);
        host.path = daemon.path();
        host.set("service", "web");
        if program == Program::Supervisord {
            host.set("file", dir.join("supervisord.conf").to_str().unwrap());
        }
        Ground { daemon, host, ports }
    }

    fn started(sh: Sh, program: Program, count: usize) -> Ground {
        let mut ground = Ground::new(sh, program, count);
        ground.start();
        ground
    }

    fn start(&mut self) {
        self.daemon.start();
        eventually("the daemon answers", || self.daemon.is_up());
    }
}

fn kind(program: Program) -> config::Program {
    match program {
        Program::Supervisord => config::Program::Supervisord,
        Program::Runit => config::Program::Runit,
        Program::S6 => config::Program::S6,
    }
}

fn it_is_started_then_updated_then_restarted(sh: Sh, program: Program) {
    let mut ground = Ground::new(sh, program, 1);
    let port = ground.ports[0];
    ground.host.release("one", "good");
    ground.host.release("two", "busy");
    ground.host.new_run();
    for step in ["check", "detect"] {
        ground.host.step(step, "one", "deploy").fails(&["supervisor-down"]);
    }
    ground.start();
    let host = &ground.host;
    host.step("check", "one", "check").good();
    host.step("detect", "one", "deploy").good();
    assert_eq!(served(port), None, "it only looks");
    let told = host.step("status", "one", "status");
    assert_eq!((told.code, &told.all("process")[0][..1]), (1, &["down"][..]), "{told:#?}");
    assert_eq!(told.all("process")[0][5..], ["web", "-", "-"], "{told:#?}");
    host.deploy("one").good();
    serves(port, "one");
    stays_down_at_boot(&host.step("check", "one", "check").good());
    host.deploy("two").good();
    serves(port, "two");
    let told = host.step("status", "two", "status").good();
    is_up(&told.all("process")[0], "two", "web");
    host.new_run();
    host.make_run("two", "restart").good();
    let again = host.step("status", "two", "status").good();
    assert_ne!(again.all("process")[0][1], told.all("process")[0][1], "another process");
    names_a_file(&host.step("logs", "two", "status").good());
    host.step("save", "two", "deploy").good();
    // It reloads itself, and stays the same process.
    ground.host.set("strategy", "reload");
    let host = &ground.host;
    host.release("three", "good");
    host.deploy("three").good();
    serves(port, "three");
    let reloaded = host.step("status", "three", "status").good();
    assert_eq!(reloaded.all("process")[0][1], again.all("process")[0][1], "the same process");
    assert_eq!(reloaded.all("process")[0][4], "three");
}

// In these worlds nothing comes up by itself.
fn stays_down_at_boot(told: &Told) {
    let warned = told.all("warning");
    let file = warned[0].last().unwrap();
    match warned[0][0] {
        "no-autostart" => assert_eq!(warned, [["no-autostart", "web"]]),
        _ => assert_eq!(
            (warned.len(), &warned[0][..2], file.ends_with("web/down")),
            (1, &["down-file", "web"][..], true)
        ),
    }
}

fn bad_releases_are_left(sh: Sh, program: Program) {
    let mut ground = Ground::started(sh, program, 1);
    bad_releases_are_left_again(&mut ground.host, ground.ports[0]);
}

fn a_held_port(sh: Sh, program: Program) {
    let mut ground = Ground::started(sh, program, 1);
    a_port_is_waited_for(&mut ground.host, ground.ports[0]);
}

fn what_cannot_be_done_is_said_before_anything_is_changed(sh: Sh, program: Program) {
    let mut ground = Ground::started(sh, program, 1);
    ground.host.release("one", "good");
    ground.host.deploy("one").good();
    let params = ground.host.params.clone();
    ground.host.params = params.replace("service\tweb", "service\tweb\nservice\tnope");
    ground.host.release("two", "good");
    for step in ["check", "detect"] {
        let told = ground.host.step(step, "two", "deploy").fails(&["unknown-service"]);
        assert_eq!(told.reason()[2], "nope");
    }
    let told = ground.host.step("status", "two", "status");
    assert_eq!((told.code, told.all("process").len()), (1, 2), "{told:#?}");
    ground.host.params = params;
    ground.host.release("two", "good");
    let path = std::mem::replace(&mut ground.host.path, "/nowhere:/bin".into());
    if program == Program::S6 {
        // Debian has them beside all other tools.
        ground.host.path.clone_from(&path);
    } else {
        let told = ground.host.step("detect", "two", "deploy").fails(&["no-supervisor"]);
        assert_eq!(told.reason()[3], "/nowhere:/bin");
    }
    ground.host.path = path;
    serves(ground.ports[0], "one");
    as_another_user(&mut ground);
}

// Another user may not control it. (Root may all: where tests run as somebody else, there is no other user.)
fn as_another_user(ground: &mut Ground) {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let host = &mut ground.host;
    fs::set_permissions(&host.base, fs::Permissions::from_mode(0o755)).unwrap();
    host.owner = Some(22900);
    host.way_in =
        ["setpriv", "--reuid", "22900", "--regid", "22900", "--clear-groups"].map(String::from).to_vec();
    for step in ["check", "detect"] {
        let told = host.step(step, "two", "deploy").fails(&["not-permitted"]);
        assert_eq!(told.reason()[2], "web", "{told:#?}");
    }
    host.switch("two");
    host.step("reload", "two", "deploy").fails(&["not-permitted"]);
    serves(ground.ports[0], "one");
}

fn a_daemon_that_is_killed_in_the_middle(sh: Sh, program: Program) {
    let mut ground = Ground::started(sh, program, 1);
    let host = &mut ground.host;
    host.limit = 30;
    host.release("old", "slow 4");
    host.release("new", "good");
    host.deploy("old").good();
    serves(ground.ports[0], "old");
    host.new_run();
    host.switch("new");
    let running = host.command("reload", "new", "deploy").spawn().unwrap();
    eventually("it has begun", || host.has_noted());
    std::thread::sleep(std::time::Duration::from_secs(1));
    ground.daemon.kill();
    let told = ground.host.told(running);
    told.fails(&["supervisor-down", "supervisor-failed"]);
    ground.host.switch("old");
    ground.host.step("reload", "old", "rollback").fails(&["supervisor-down"]);
}

fn a_first_release_that_fails_is_stopped(sh: Sh, program: Program) {
    let mut ground = Ground::started(sh, program, 1);
    ground.host.stable = 5;
    ground.host.release("bad", "dies 3");
    ground.host.stable = 1;
    let host = &ground.host;
    host.deploy("bad").fails(&["crash-loop", "not-running"]);
    host.step("stop", "bad", "rollback").good();
    let told = host.step("status", "bad", "status");
    assert_eq!((told.code, told.all("process")[0][0]), (1, "down"), "{told:#?}");
    // What ran before is not stopped.
    host.release("good", "good");
    host.deploy("good").good();
    host.new_run();
    host.make_run("good", "restart").good();
    host.step("stop", "good", "rollback").good();
    serves(ground.ports[0], "good");
}

// Each scenario on each daemon, and each of both under each shell: most of these wait for what an app does for seconds.
macro_rules! on_each_daemon {
    ($($scenario:ident: $supervisord:ident $runit:ident $s6:ident),+ $(,)?) => {
        mod supervisord { $(#[test] fn $scenario() { super::$scenario(crate::Sh::$supervisord, super::Program::Supervisord) })+ }
        mod runit { $(#[test] fn $scenario() { super::$scenario(crate::Sh::$runit, super::Program::Runit) })+ }
        mod s6 { $(#[test] fn $scenario() { super::$scenario(crate::Sh::$s6, super::Program::S6) })+ }
    };
}

on_each_daemon!(
    it_is_started_then_updated_then_restarted: Dash Bash Busybox,
    bad_releases_are_left: Bash Busybox Dash,
    a_held_port: Busybox Dash Bash,
    what_cannot_be_done_is_said_before_anything_is_changed: Dash Bash Busybox,
    a_daemon_that_is_killed_in_the_middle: Bash Busybox Dash,
    a_first_release_that_fails_is_stopped: Busybox Dash Bash,
);

on_each_shell!(a_program_that_is_new_is_added, a_stop_between_two_processes);

#[test]
fn the_processes_of_a_group_follow_the_first() {
    let mut ground = Ground::started(Sh::Dash, Program::Supervisord, 2);
    ground.host.release("old", "good");
    ground.host.stable = 5;
    ground.host.release("bad", "dies 3");
    let host = &ground.host;
    host.deploy("old").good();
    ground.ports.iter().for_each(|port| serves(*port, "old"));
    let told = host.deploy("bad").fails(&["crash-loop", "not-running"]);
    assert_eq!(told.reason()[2], "web:web0");
    // The other was left alone.
    serves(ground.ports[1], "old");
    let told = host.step("status", "old", "status");
    let second = told.all("process")[1][1].to_owned();
    host.back("old").good();
    ground.ports.iter().for_each(|port| serves(*port, "old"));
    let told = host.step("status", "old", "status").good();
    assert_eq!(told.all("process")[1][1], second, "the way back left it alone, too");
}

fn a_program_that_is_new_is_added(sh: Sh) {
    let mut ground = Ground::started(sh, Program::Supervisord, 1);
    let port = free_port();
    let file = ground.daemon.dir().join("supervisord.conf");
    let text = fs::read_to_string(&file).unwrap();
    let (_, web) = text.split_once("[program:web]").unwrap();
    let more = web.replace(&ground.ports[0].to_string(), &port.to_string()).replace("/log/web", "/log/more");
    fs::write(&file, format!("{text}[program:more]{}", more.replace("autostart=false", "autostart=true")))
        .unwrap();
    ground.host.params = ground.host.params.replace("service\tweb", "service\tweb\nservice\tmore");
    ground.host.release("one", "good");
    ground.host.new_run();
    ground.host.step("detect", "one", "deploy").good();
    assert_eq!(served(port), None, "it only looks");
    ground.host.deploy("one").good();
    serves(ground.ports[0], "one");
    serves(port, "one");
}

fn a_stop_between_two_processes(sh: Sh) {
    let ground = Ground::started(sh, Program::Supervisord, 2);
    let host = &ground.host;
    host.release("old", "good");
    host.release("new", "good");
    host.deploy("old").good();
    host.new_run();
    host.switch("new");
    let running = host.command("reload", "new", "deploy").spawn().unwrap();
    eventually("the first is moved", || served(ground.ports[0]).as_deref() == Some("new"));
    fs::write(host.stop_file(), "").unwrap();
    host.told(running).fails(&["stopped"]);
    assert_eq!(served(ground.ports[1]).as_deref(), Some("old"));
    // It does not hold up the way back.
    host.back("old").good();
    ground.ports.iter().for_each(|port| serves(*port, "old"));
}
