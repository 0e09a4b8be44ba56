//! What goes wrong: crashes, ports that are held, a daemon that dies or that is down, versions that differ.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::lab::Lab;
use crate::{on_each_pm2, process};

on_each_pm2! {
    a_release_that_dies_after_a_while_is_rolled_back,
    a_fork_app_that_crashes_is_rolled_back,
    a_port_that_somebody_holds_is_named,
    a_helper_that_lingers_is_waited_for,
    a_daemon_that_is_down_is_started_with_what_was_saved,
    a_daemon_that_is_killed_in_the_middle_is_noticed,
    a_process_that_outlived_its_daemon_is_replaced,
    a_link_that_leads_nowhere_touches_nothing,
}

fn a_release_that_dies_after_a_while_is_rolled_back(version: u32) {
    let mut lab = Lab::new(version);
    lab.parameters[0] = "stable-for\t5".into();
    lab.release("r1", &lab.cluster(), "");
    lab.release("r2", &lab.cluster(), ",\"crash\":1000");
    lab.release("r3", &lab.cluster(), ",\"crash\":3000");
    lab.deployed("r1");
    for release in ["r2", "r3"] {
        let client = Client::start(lab.port);
        let failed = lab.deploy(release);
        assert_eq!(failed.code, 10);
        assert!(failed.reason().starts_with("crash-loop pm2 web"), "{}", failed.reason());
        assert!(failed.log.contains("this release crashes late"), "{}", failed.log);
        lab.roll_back("r1");
        let (asked, lost) = client.end();
        eprintln!("pm2 {version}, {release}: {asked} asked, {lost} lost");
        assert_eq!(lab.releases(), ["r1"]);
        // pm2 starts it again at once, a moment before or after it is told otherwise.
        assert_eq!(lab.ran_it(release).len(), 1, "only the canary ran it");
        assert!(lab.runs(release) <= 2, "{}", lab.runs(release));
    }
}

fn a_fork_app_that_crashes_is_rolled_back(version: u32) {
    let mut lab = Lab::new(version);
    lab.parameters[0] = "stable-for\t5".into();
    lab.release("r1", &lab.fork(), "");
    lab.release("r2", &lab.fork(), ",\"crash\":0");
    lab.deployed("r1");
    let failed = lab.deploy("r2");
    assert_eq!(failed.code, 10);
    assert!(failed.reason().starts_with("crash-loop pm2 web"), "{}", failed.reason());
    // It is errored by now.
    sleep(Duration::from_secs(4));
    lab.roll_back("r1");
    assert_eq!(lab.releases(), ["r1"]);
    let status = lab.step("status", "r1", "status");
    assert_eq!((status.code, status.all("process")[0][4].as_str()), (0, "r1"));
}

fn a_port_that_somebody_holds_is_named(version: u32) {
    let mut lab = Lab::new(version);
    lab.parameters[0] = "stable-for\t5".into();
    lab.release("r1", &lab.fork(), "");
    let holder = TcpListener::bind(("127.0.0.1", lab.port)).unwrap();
    lab.new_run();
    assert_eq!(lab.step("detect", "r1", "deploy").code, 0);
    lab.switch("r1");
    let failed = lab.step("reload", "r1", "deploy");
    assert_eq!(failed.code, 10);
    let me = format!("(process {})", std::process::id());
    assert!(failed.reason().starts_with(&format!("port-held {} ", lab.port)), "{}", failed.reason());
    assert!(failed.reason().ends_with(&me), "{}", failed.reason());
    assert_eq!(lab.step("stop", "r1", "deploy").code, 0);
    assert!(lab.list().is_empty(), "what the run started is gone");
    drop(holder);
    lab.deployed("r1");
    assert_eq!(lab.releases(), ["r1"]);
}

fn a_helper_that_lingers_is_waited_for(version: u32) {
    let mut lab = Lab::new(version);
    lab.parameters[0] = "stable-for\t5".into();
    let app = format!(
        "{{ name: 'web', script: 'app.js', exec_mode: 'fork', treekill: false, env: {{ PORT: {} }} }}",
        lab.port
    );
    lab.release("r1", &app, ",\"hold\":6000");
    lab.release("r2", &app, ",\"hold\":6000");
    lab.deployed("r1");
    assert_eq!(lab.releases(), ["r1"]);
    lab.deployed("r2");
    assert_eq!(lab.releases(), ["r2"]);
    assert!(lab.runs("r2") <= 12, "it was not started again and again");
}

fn a_daemon_that_is_down_is_started_with_what_was_saved(version: u32) {
    let lab = Lab::new(version);
    lab.release("r1", &lab.cluster(), "");
    lab.release("r2", &lab.cluster(), "");
    lab.deployed("r1");
    fs::write(lab.home.join("neighbour.js"), "setInterval(() => {}, 1000)").unwrap();
    lab.pm2(&["start", "neighbour.js", "--name", "neighbour"]);
    lab.pm2(&["save"]);
    lab.pm2(&["kill"]);
    lab.new_run();
    for step in ["check", "detect", "status", "logs"] {
        lab.step(step, "r2", "deploy");
        assert!(!lab.home.join(".pm2/rpc.sock").exists(), "{step} starts no daemon");
    }
    let home = lab.home.join(".pm2").display().to_string();
    assert_eq!(lab.step("check", "r2", "check").all("warning"), [["no-daemon".to_string(), home]]);
    lab.deployed("r2");
    assert_eq!(lab.releases(), ["r2"]);
    assert_eq!(lab.named("web").len(), 2);
    assert_eq!(lab.named("neighbour")[0]["pm2_env"]["status"], "online");
}

fn a_daemon_that_is_killed_in_the_middle_is_noticed(version: u32) {
    let lab = Lab::new(version);
    lab.release("r1", &lab.cluster(), "");
    lab.release("r2", &lab.cluster(), ",\"boot\":3000");
    lab.deployed("r1");
    lab.new_run();
    assert_eq!(lab.step("detect", "r2", "deploy").code, 0);
    lab.switch("r2");
    let mut reload = lab.start_step("reload", "r2", "deploy").spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while lab.runs("r2") == 0 && Instant::now() < until {
        sleep(Duration::from_millis(20));
    }
    process::signal(lab.daemon(), process::Signal::KILL);
    let code = reload.wait().unwrap().code().unwrap();
    let failed = lab.ended(code);
    assert_eq!((code, failed.all("reason")[0][0].as_str()), (10, "supervisor-down"), "{}", failed.reason());
    lab.roll_back("r1");
    assert_eq!((lab.releases(), lab.named("web").len()), (vec!["r1".to_string()], 2));
}

fn a_process_that_outlived_its_daemon_is_replaced(version: u32) {
    let lab = Lab::new(version);
    lab.release("r1", &lab.fork(), "");
    lab.deployed("r1");
    process::signal(lab.daemon(), process::Signal::KILL);
    // With pm2 7 it goes on, and holds the port.
    sleep(Duration::from_millis(500));
    lab.release("r2", &lab.fork(), "");
    lab.deployed("r2");
    assert_eq!((lab.releases(), lab.named("web").len()), (vec!["r2".to_string()], 1));
}

fn a_link_that_leads_nowhere_touches_nothing(version: u32) {
    let lab = Lab::new(version);
    lab.release("r1", &lab.cluster(), "");
    lab.deployed("r1");
    lab.new_run();
    fs::remove_file(lab.root.join("current")).unwrap();
    symlink("releases/nowhere", lab.root.join("current")).unwrap();
    let failed = lab.step("reload", "r1", "deploy");
    assert_eq!(failed.code, 10, "{}", failed.reason());
    assert_eq!(lab.releases(), ["r1"]);
    assert_eq!(lab.runs("r1"), 2);
}

#[test]
fn a_daemon_of_another_version_is_told_and_left_alone() {
    let mut lab = Lab::new(5);
    lab.release("r1", &lab.cluster(), "");
    lab.deployed("r1");
    let daemon = lab.daemon();
    lab.install(7);
    lab.release("r2", &lab.cluster(), "");
    let detected = lab.step("detect", "r2", "deploy");
    assert!(
        detected
            .all("warning")
            .iter()
            .any(|fields| fields[0] == "version-skew" && fields[1].starts_with("7."))
    );
    let checked = lab.step("check", "r2", "check");
    assert_eq!((checked.code, checked.all("warning")[0][0].as_str()), (0, "version-skew"));
    lab.deployed("r2");
    assert_eq!((lab.releases(), lab.daemon()), (vec!["r2".to_string()], daemon));
}

#[test]
fn a_daemon_whose_node_was_removed_is_told() {
    let lab = Lab::new(7);
    lab.release("r1", &lab.cluster(), "");
    // As a version manager installs a node, and removes it later.
    let node = lab.base.join("node");
    fs::copy(fs::canonicalize(process::require("node")).unwrap(), &node).unwrap();
    process::succeed(lab.command(node.to_str().unwrap()).args([&lab.program("pm2"), "ping"]));
    assert_eq!(lab.step("check", "r1", "check").code, 0);
    fs::remove_file(&node).unwrap();
    for step in ["check", "detect"] {
        let failed = lab.step(step, "r1", step);
        assert_eq!(failed.code, 10, "{step}: {:?}", failed.answers);
        assert_eq!(failed.reason(), format!("pm2-node-gone {}", node.display()), "{step}");
    }
}

/// A native module of the release would not load in the workers, which run the daemon's node.
#[test]
fn a_daemon_whose_node_is_another_one_is_told_where_modules_are_native() {
    let mut lab = Lab::new(7);
    lab.release("r1", &lab.cluster(), "");
    lab.deployed("r1");
    // The node of the login says that its modules are of another version.
    let other = lab.base.join("other");
    fs::create_dir(&other).unwrap();
    let says = "Object.defineProperty(process, 'versions', { value: Object.assign({}, process.versions, { modules: '1' }) })";
    fs::write(other.join("says.js"), says).unwrap();
    let node = process::require("node");
    let text = format!("#!/bin/sh\nexec {} -r {}/says.js \"$@\"\n", node.display(), other.display());
    fs::write(other.join("node"), text).unwrap();
    fs::set_permissions(other.join("node"), fs::Permissions::from_mode(0o755)).unwrap();
    let pm2 = process::pm2(7);
    lab.env.push(("PATH".into(), format!("{}:{}:/usr/bin:/bin", other.display(), pm2.display())));
    lab.release("r2", &lab.cluster(), "");
    assert_eq!(lab.step("detect", "r2", "deploy").code, 0, "no module is native");
    let built = lab.root.join("releases/r2/node_modules/sharp/build/Release");
    fs::create_dir_all(&built).unwrap();
    fs::write(built.join("sharp.node"), "").unwrap();
    let refused = lab.step("detect", "r2", "deploy");
    assert_eq!(refused.code, 10, "{:?}", refused.answers);
    assert!(refused.reason().starts_with("pm2-node-differs v"), "{}", refused.reason());
    assert!(
        refused.reason().ends_with("node_modules/sharp/build/Release/sharp.node"),
        "{}",
        refused.reason()
    );
    // One that no file names keeps the node that it was started with.
    fs::remove_file(lab.root.join("releases/r2/ecosystem.config.js")).unwrap();
    lab.pm2_in(
        "current",
        "",
        &["start", "app.js", "--name", "alone", "--interpreter", node.to_str().unwrap()],
    );
    lab.pm2(&["delete", "web"]);
    let refused = lab.step("detect", "r2", "deploy");
    assert!(refused.reason().starts_with("pm2-app-node-differs alone v"), "{}", refused.reason());
    lab.pm2(&["delete", "alone"]);
    // In fork mode each process of the file has the node of the release.
    lab.release("r2", &lab.fork(), "");
    assert_eq!(lab.step("detect", "r2", "deploy").code, 0);
}

/// Root may do all: where tests run as somebody else, there is no other user.
#[test]
fn a_daemon_of_another_user_is_told_and_left_alone() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let lab = Lab::new(7);
    lab.release("r1", &lab.cluster(), "");
    lab.deployed("r1");
    lab.release("r2", &lab.cluster(), "");
    lab.new_run();
    fs::set_permissions(&lab.base, fs::Permissions::from_mode(0o755)).unwrap();
    let user = ["--reuid", "22900", "--regid", "22900", "--clear-groups"];
    process::succeed(std::process::Command::new("chown").args(["-R", "22900"]).arg(&lab.root));
    for step in ["check", "detect"] {
        let plain = lab.start_step(step, "r2", "deploy");
        let mut command = process::command("setpriv");
        command.args(user).arg(plain.get_program()).args(plain.get_args());
        let code = command.stdin(std::process::Stdio::null()).status().unwrap().code().unwrap();
        let failed = lab.ended(code);
        assert_eq!(
            (code, failed.reason().split(' ').next()),
            (10, Some("not-permitted")),
            "{step}: {:?}",
            failed.answers
        );
    }
    assert_eq!(lab.releases(), ["r1"]);
}

#[test]
fn a_reload_by_somebody_else_is_waited_for() {
    let lab = Lab::new(7);
    lab.release("r1", &lab.cluster(), "");
    lab.release("r2", &lab.cluster(), "");
    lab.deployed("r1");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let lock = lab.home.join(".pm2/reload.lock");
    // A command that was killed 26 s ago.
    fs::write(&lock, (now.as_millis() - 26_000).to_string()).unwrap();
    let began = Instant::now();
    lab.deployed("r2");
    assert!(began.elapsed() > Duration::from_secs(3));
    assert_eq!((lab.releases(), fs::read_to_string(lock).unwrap()), (vec!["r2".to_string()], String::new()));
    // The lock of a run that was killed.
    fs::write(lab.home.join(".pm2/shipit.lock"), "1 12345\n").unwrap();
    lab.release("r3", &lab.cluster(), "");
    lab.deployed("r3");
    assert_eq!(lab.releases(), ["r3"]);
}

#[test]
fn a_run_that_is_to_stop_ends_between_two_processes() {
    let lab = Lab::new(7);
    lab.release("r1", &lab.cluster(), "");
    lab.release("r2", &lab.cluster(), "");
    lab.deployed("r1");
    lab.new_run();
    assert_eq!(lab.step("detect", "r2", "deploy").code, 0);
    lab.switch("r2");
    fs::write(lab.run().join("stop"), "").unwrap();
    let failed = lab.step("reload", "r2", "deploy");
    assert_eq!((failed.code, failed.reason().as_str()), (10, "stopped"));
    fs::remove_file(lab.run().join("stop")).unwrap();
    lab.roll_back("r1");
    assert_eq!((lab.releases(), lab.runs("r2")), (vec!["r1".to_string()], 0));
}
