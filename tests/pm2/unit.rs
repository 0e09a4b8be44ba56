//! The unit of systemd that `pm2 startup` makes, on a systemd that was really booted: it is what starts a daemon that is down.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::booted::{Booted, USER, give, impossible};
use crate::lab::Lab;
use crate::process;

const UNIT: &str = "pm2-shipit-deploy.service";

struct Machine {
    booted: Booted,
    lab: Lab,
}

impl Machine {
    /// Boots it; `None` where that cannot be.
    fn new() -> Option<Machine> {
        if let Some(why) = impossible() {
            eprintln!("not run: a systemd of its own cannot be booted here: {why}");
            return None;
        }
        let mut lab = Lab::new(7);
        lab.bin = lab.base.join("tools/pm2-7/node_modules/.bin");
        give(&lab.base);
        let booted = Booted::start(&lab.base);
        lab.way_in = booted.as_user();
        Some(Machine { booted, lab })
    }

    fn root(&self, script: &str) -> String {
        process::succeed(&mut self.booted.command(&["sh", "-c", script]))
    }

    /// `pm2 startup`, as pm2 tells a user to have root type it.
    fn has_unit(&self) {
        let (bin, home) = (self.lab.bin.display(), self.lab.home.display());
        self.root(&format!(
            "PATH=$PATH:/usr/bin:{bin} NO_COLOR=1 {bin}/pm2 startup systemd -u {USER} --hp {home}"
        ));
    }

    /// The unit's state, and whether the one daemon there is belongs to it.
    fn unit(&self) -> (String, bool) {
        let show = |key: &str| self.root(&format!("systemctl show --value -p {key} {UNIT}"));
        let daemons = self.root("pgrep -c -f '[G]od Daemon' || true");
        (show("ActiveState"), show("MainPID") == self.lab.daemon().to_string() && daemons == "1")
    }

    fn release(&self, release: &str) {
        self.lab.release(release, &self.lab.cluster().replace("instances: 2", "instances: 1"), "");
    }

    fn deploys(&self, release: &str) {
        self.release(release);
        let ended = self.lab.deploy(release);
        assert_eq!(ended.code, 0, "{}", ended.reason());
        self.serves(release);
    }

    /// It is served by the one process that there is.
    fn serves(&self, release: &str) {
        assert_eq!((self.lab.releases(), self.lab.named("web").len()), (vec![release.to_string()], 1));
    }

    /// What `check` says.
    fn warned(&self, release: &str) -> Vec<String> {
        let step = self.lab.step("check", release, "check");
        step.all("warning").concat()
    }
}

#[test]
fn a_daemon_that_is_down_is_started_by_its_unit() {
    let Some(mut machine) = Machine::new() else { return };
    machine.deploys("r1");
    assert_eq!(machine.warned("r1")[..2], ["no-boot-unit", "no-dump"], "neither is done by a deploy");
    machine.has_unit();
    machine.lab.pm2(&["save"]);
    a_login_that_may_not_start_it(&machine);
    let line = format!("{USER} ALL=(root) NOPASSWD: /usr/bin/systemctl start {UNIT}");
    machine.root(&format!("echo '{line}' >/etc/sudoers.d/pm2 && chmod 440 /etc/sudoers.d/pm2"));
    one_that_may(&machine);
    what_the_machine_does_by_itself(&machine);
    a_unit_that_cannot_start(&machine);
    machine = rebooted(machine);
    crate::eventually("the unit is up", || machine.unit() == ("active".to_string(), true));
    machine.serves("r5");
    let status = machine.lab.step("status", "r5", "status");
    assert!(
        status.code == 0 && status.all("process").iter().all(|one| one[4] == "r5"),
        "{:?}",
        status.answers
    );
}

fn a_login_that_may_not_start_it(machine: &Machine) {
    machine.lab.pm2(&["kill"]);
    let told = ["unit-not-permitted", UNIT, USER, "/usr/bin/systemctl"];
    assert_eq!(machine.warned("r1"), told);
    let mut warned = Vec::new();
    machine.release("r2");
    machine.lab.new_run();
    machine.lab.switch("r2");
    for step in ["reload", "verify"] {
        let ended = machine.lab.step(step, "r2", "deploy");
        assert_eq!(ended.code, 0, "{step}: {}", ended.reason());
        warned.extend(ended.all("warning").concat());
    }
    assert_eq!(warned, told, "it serves, and says that it is not the unit's");
    assert_eq!(machine.lab.releases(), ["r2"]);
    assert_eq!(machine.unit().0, "inactive");
}

fn one_that_may(machine: &Machine) {
    machine.lab.pm2(&["kill"]);
    let home = machine.lab.home.join(".pm2");
    assert_eq!(machine.warned("r2"), ["unit-down", UNIT, home.to_str().unwrap()]);
    machine.deploys("r3");
    assert_eq!(machine.unit(), ("active".to_string(), true));
    // systemd starts it again by itself, and what was saved: nothing is there twice.
    process::succeed(&mut machine.booted.command(&["kill", "-9", &machine.lab.daemon().to_string()]));
    machine.deploys("r4");
    assert_eq!(machine.unit(), ("active".to_string(), true));
}

/// At boot, and with logs.
fn what_the_machine_does_by_itself(machine: &Machine) {
    let log = machine.lab.home.join(".pm2/logs/web-out.log").display().to_string();
    let rule = "/etc/logrotate.d/shop";
    let write =
        |text: &str| machine.root(&format!("mkdir -p /etc/logrotate.d && printf '%s' '{text}' >{rule}"));
    let logs = machine.lab.home.join(".pm2/logs");
    let head = format!("# of {{the}} shop\nweekly\n\"{}/*.log\" /elsewhere {{\n  weekly\n", logs.display());
    assert_eq!(machine.warned("r4")[0], "log-not-rotated");
    write(&format!("{head}}}\n"));
    let moved = machine.warned("r4");
    assert_eq!((moved[0].as_str(), moved[2].as_str()), ("log-moved", rule), "not {log}");
    write(&format!("{head}  postrotate\n if true; then {{ pm2 reloadLogs; }}; fi\n  endscript\n}}\n"));
    assert_eq!(machine.warned("r4"), [""; 0], "pm2 is told");
    write(&format!("{head}  copytruncate\n}}\n"));
    assert_eq!(machine.warned("r4"), [""; 0]);
    machine.root(&format!("systemctl disable {UNIT}"));
    assert_eq!(machine.warned("r4"), ["unit-disabled", UNIT]);
    machine.root(&format!("systemctl enable {UNIT}"));
    // A version manager has removed the node on the unit's PATH.
    let dir = format!("/run/systemd/system/{UNIT}.d");
    machine.root(&format!(
        "mkdir -p {dir} && printf '[Service]\nEnvironment=PATH=/nowhere/bin\n' >{dir}/path.conf && systemctl daemon-reload"
    ));
    assert_eq!(machine.warned("r4"), ["unit-broken", UNIT, "/nowhere/bin/node"]);
    machine.root(&format!("rm {dir}/path.conf && systemctl daemon-reload"));
}

fn a_unit_that_cannot_start(machine: &Machine) {
    let dir = format!("/run/systemd/system/{UNIT}.d");
    // A version manager has removed the node that it names.
    machine.root(&format!(
        "systemctl stop {UNIT} && mkdir -p {dir} && \
         printf '[Service]\\nExecStart=\\nExecStart=/nowhere resurrect\\n' >{dir}/broken.conf && systemctl daemon-reload"
    ));
    machine.release("r5");
    machine.lab.new_run();
    machine.lab.switch("r5");
    let ended = machine.lab.step("reload", "r5", "deploy");
    assert_eq!(
        (ended.code, &ended.all("warning").concat()[..2]),
        (0, &["unit-failed".to_string(), UNIT.into()][..])
    );
    assert_eq!(machine.lab.releases(), ["r5"]);
    machine.lab.pm2(&["save"]);
}

/// The machine is switched off and on again. What is in its own files is lost with it, so the unit is laid there anew.
fn rebooted(machine: Machine) -> Machine {
    let Machine { booted, mut lab } = machine;
    let unit = process::succeed(&mut booted.command(&["cat", &format!("/etc/systemd/system/{UNIT}")]));
    let wants = lab.base.join("units/shipit-test.target.wants");
    fs::create_dir_all(&wants).unwrap();
    fs::write(lab.base.join("units").join(UNIT), unit).unwrap();
    symlink(Path::new("..").join(UNIT), wants.join(UNIT)).unwrap();
    drop(booted);
    let booted = Booted::start(&lab.base);
    lab.way_in = booted.as_user();
    Machine { booted, lab }
}
