//! The adapter of systemd on one that was really booted: units of the user's manager, and of the machine's with and without
//! sudo.

use std::fs;
use std::path::Path;

use shipit::config::Program;

use crate::adapter::{Host, a_port_is_waited_for, bad_releases_are_left_again, is_up, serves};
use crate::booted::{Booted, UID, give, impossible, unit};
use crate::supervised::{free_port, served};
use crate::{Sh, eventually, on_each_shell, process};

on_each_shell!(
    units_of_the_user,
    units_of_the_machine,
    bad_releases_are_left,
    a_manager_that_ends_in_the_middle
);

struct Ground {
    booted: Booted,
    host: Host,
    port: u16,
}

/// `web.service` of the user, with these units of the machine.
fn ground(sh: Sh, units: &[(&str, &str)], sudoers: &str) -> Option<Ground> {
    if let Some(why) = impossible() {
        eprintln!("not run: a systemd of its own cannot be booted here: {why}");
        return None;
    }
    let mut host = Host::new(sh, Program::Systemd);
    let (base, root) = (host.base.clone(), host.root());
    let port = free_port();
    let own = base.join("home/.config/systemd/user");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join("web.service"), unit(&root, &port.to_string(), "", "default.target")).unwrap();
    fs::create_dir(base.join("units")).unwrap();
    for (name, text) in units {
        let at = if name.contains('@') { own.clone() } else { base.join("units") };
        let text = text.replace("ROOT", root.to_str().unwrap());
        fs::write(at.join(name), text).unwrap();
    }
    fs::write(base.join("sudoers"), sudoers).unwrap();
    give(&base);
    let booted = Booted::start(&base);
    host.way_in = booted.as_user();
    host.owner = Some(UID);
    host.limit = 60;
    Some(Ground { booted, host, port })
}

fn units_of_the_user(sh: Sh) {
    let ports = [free_port(), free_port()];
    // A port for each instance: 1 and 2 are the last digits of none.
    let text = format!(
        "[Service]\nWorkingDirectory=ROOT/current\nExecStart=/bin/sh -c 'test %i = 1 && p={} || p={}; exec /bin/sh start $$p'\n\
         Restart=on-failure\nRestartSec=200ms\n[Install]\nWantedBy=default.target\n",
        ports[0], ports[1]
    );
    let Some(mut ground) = ground(sh, &[("in@.service", &text)], "") else { return };
    let params = ground.host.params.clone();
    ground.host.set("unit", "web");
    let host = &mut ground.host;
    host.release("one", "good");
    host.release("two", "busy");
    host.deploy("one").good();
    serves(ground.port, "one");
    let enabled = ground.booted.systemctl(&["is-enabled", "web"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&enabled.stdout).trim(), "enabled", "it comes up with the machine");
    let told = host.step("detect", "two", "deploy").good();
    assert_eq!(told.answers.len(), 0, "{told:#?}");
    host.deploy("two").good();
    serves(ground.port, "two");
    let told = host.step("status", "two", "status").good();
    is_up(&told.all("process")[0], "two", "web");
    let told = host.step("logs", "two", "status").good();
    assert_eq!(told.all("journal"), [["user", "web"]]);
    assert_eq!(host.step("check", "two", "check").good().answers.len(), 0, "it is enabled");
    process::succeed(&mut ground.booted.systemctl(&["disable", "web"]));
    let host = &mut ground.host;
    assert_eq!(
        host.step("check", "two", "check").good().all("warning"),
        [["unit-not-enabled", "user", "web"]]
    );

    // Instances, one after the other.
    host.params = format!("{params}unit\tin@*\n");
    host.release("one", "good");
    host.release("two", "good");
    host.stable = 5;
    host.release("bad", "dies 3");
    host.stable = 1;
    host.step("detect", "one", "deploy").fails(&["unknown-service"]);
    process::succeed(&mut ground.booted.systemctl(&["enable", "--now", "in@1", "in@2"]));
    host.deploy("one").good();
    ports.iter().for_each(|port| serves(*port, "one"));
    let told = host.deploy("bad").fails(&["crash-loop"]);
    assert_eq!(told.reason()[2], "in@1.service");
    assert!(told.output.contains("fatal: dies"), "{told:#?}");
    assert_eq!(served(ports[1]).as_deref(), Some("one"));
    host.back("one").good();
    ports.iter().for_each(|port| serves(*port, "one"));

    what_says_when_it_is_ready(&mut ground, &params);

    // What is pinned to a release is found before anything is changed.
    let host = &mut ground.host;
    let file = host.base.join("home/.config/systemd/user/web.service");
    let pinned = fs::read_to_string(&file).unwrap().replace("/current", "/releases/one");
    fs::write(&file, pinned).unwrap();
    process::succeed(&mut ground.booted.systemctl(&["daemon-reload"]));
    host.params = format!("{params}unit\tweb.service\n");
    host.release("two", "good");
    for step in ["check", "detect"] {
        host.step(step, "two", "deploy").fails(&["wrong-release"]);
    }
}

fn what_says_when_it_is_ready(ground: &mut Ground, params: &str) {
    let host = &mut ground.host;
    let file = host.base.join("home/.config/systemd/user/web.service");
    let text = fs::read_to_string(&file).unwrap();
    let notify =
        "[Service]\nType=notify\nNotifyAccess=all\nTimeoutStartSec=6\nExecReload=/bin/kill -HUP $MAINPID";
    fs::write(&file, text.replace("[Service]", notify)).unwrap();
    process::succeed(&mut ground.booted.systemctl(&["daemon-reload"]));
    host.params = format!("{params}unit\tweb\n");
    host.release("one", "good");
    host.release("mute", "mute");
    host.deploy("one").good();
    serves(ground.port, "one");
    let told = host.deploy("mute").fails(&["never-ready"]);
    assert_eq!(told.reason()[2], "web");
    host.back("one").good();
    serves(ground.port, "one");
    // It reloads itself, and stays the same process.
    let pid = |host: &Host| host.step("status", "one", "status").good().all("process")[0][1].to_owned();
    let before = pid(host);
    host.set("strategy", "reload");
    host.release("two", "good");
    host.deploy("two").good();
    serves(ground.port, "two");
    assert_eq!(pid(host), before);
    fs::write(&file, text).unwrap();
}

fn units_of_the_machine(sh: Sh) {
    let port = free_port();
    let more = format!("User={}\n", crate::booted::USER);
    let api = unit(Path::new("ROOT"), &port.to_string(), &more, "multi-user.target");
    let sudoers =
        format!("{} ALL=(root) NOPASSWD: /usr/bin/systemctl restart api.service\n", crate::booted::USER);
    let units = [("api.service", api.as_str()), ("other.service", api.as_str())];
    let Some(mut ground) = ground(sh, &units, &sudoers) else { return };
    let params = ground.host.params.clone();
    ground.host.params = format!("{params}unit\tapi.service\nsudo\tyes\n");
    let host = &mut ground.host;
    host.release("one", "good");
    host.release("bad", "boot");
    host.new_run();
    host.step("detect", "one", "deploy").good();
    host.deploy("one").good();
    serves(port, "one");
    host.deploy("bad").fails(&["crash-loop", "not-running"]);
    host.back("one").good();
    serves(port, "one");
    let told = host.step("logs", "one", "status").good();
    assert_eq!(told.all("journal"), [["system", "api.service"]]);
    // Neither with sudo nor without.
    for (unit, sudo) in [("other.service", "yes"), ("api.service", "no")] {
        host.params = format!("{params}unit\t{unit}\nsudo\t{sudo}\nscope\tsystem\n");
        host.release("two", "good");
        for step in ["check", "detect"] {
            let told = host.step(step, "two", "deploy").fails(&["not-permitted"]);
            assert_eq!(told.reason()[2], unit);
        }
    }
    serves(port, "one");
}

fn bad_releases_are_left(sh: Sh) {
    let Some(mut ground) = ground(sh, &[], "") else { return };
    ground.host.set("unit", "web");
    // systemd ends all that a unit started, where it is not told otherwise.
    let file = ground.host.base.join("home/.config/systemd/user/web.service");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("[Service]", "[Service]\nKillMode=process")).unwrap();
    process::succeed(&mut ground.booted.systemctl(&["daemon-reload"]));
    bad_releases_are_left_again(&mut ground.host, ground.port);
    a_port_is_waited_for(&mut ground.host, ground.port);
}

fn a_manager_that_ends_in_the_middle(sh: Sh) {
    let Some(mut ground) = ground(sh, &[], "") else { return };
    ground.host.set("unit", "web.service");
    let host = &mut ground.host;
    host.release("old", "slow 4");
    host.release("new", "good");
    host.deploy("old").good();
    serves(ground.port, "old");
    host.new_run();
    host.switch("new");
    give(&host.base.join("app"));
    let running = host.command("reload", "new", "deploy").spawn().unwrap();
    eventually("it has begun", || host.has_noted());
    std::thread::sleep(std::time::Duration::from_secs(1));
    let user = format!("user@{UID}.service");
    process::succeed(&mut ground.booted.command(&[
        "systemctl",
        "kill",
        "-s",
        "KILL",
        "--kill-who=all",
        &user,
    ]));
    host.told(running).fails(&["supervisor-down", "supervisor-failed"]);
    // Nobody's: a user without a session and without linger has none.
    process::succeed(&mut ground.booted.command(&["systemctl", "stop", &user]));
    let told = host.step("detect", "new", "deploy").fails(&["supervisor-down"]);
    assert!(told.reason()[2].contains("connect to bus"), "{told:#?}");
}
