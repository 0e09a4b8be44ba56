//! What the doctor's scenarios share: a desk at which remedies can be pasted, and machines that lack something.

// Each test file compiles this module anew and uses its own part of it.
#![allow(dead_code)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::common::{Host, Kind, Run, Running, World, require};

/// An operator whose shell finds shipit, and whose ssh knows the hosts of this world.
pub fn desk(kind: Kind, hosts: usize) -> World {
    let world = World::new(kind, hosts);
    let ssh = require("ssh");
    // OpenSSH reads the account's own configuration, whatever HOME says.
    world.tool("ssh", &format!("#!/bin/sh\nexec {} -F \"$HOME/.ssh/config\" \"$@\"\n", ssh.display()));
    world.tool("shipit", &format!("#!/bin/sh\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_shipit")));
    world
}

/// The same, deployed to.
pub fn ready(kind: Kind, hosts: usize, lines: &str) -> World {
    let world = desk(kind, hosts);
    world.production(lines);
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    world
}

/// The lines to paste, in order.
pub fn remedies(run: &Run) -> Vec<String> {
    run.stdout.lines().filter_map(|line| line.strip_prefix("      ")).map(str::to_owned).collect()
}

/// Pastes a line into the operator's shell.
///
/// # Panics
/// When the line would change the machine that runs the tests: see [`paste_on_own_etc`].
pub fn paste(world: &World, line: &str) -> Run {
    assert!(!line.contains("/etc/"), "not on this machine: {line}");
    paste_on_own_etc(world, line)
}

/// The same, where the host has an /etc of its own.
pub fn paste_on_own_etc(world: &World, line: &str) -> Run {
    let mut command = world.command(&require("sh"));
    command.args(["-c", line]);
    Running::start(command, line.to_owned()).wait()
}

/// Pastes every remedy of a check; then the next is well.
#[track_caller]
pub fn cured(world: &World) {
    cured_by(world, paste);
}

/// The same, pasting in another way.
#[track_caller]
pub fn cured_by(world: &World, paste: fn(&World, &str) -> Run) {
    let run = world.shipit(&["production", "check"]);
    let lines = remedies(&run);
    assert!(!lines.is_empty(), "no remedy in {run}");
    for line in lines {
        paste(world, &line).ends_with(0);
    }
    let run = world.shipit(&["production", "check"]).ends_with(0);
    assert!(run.stdout.ends_with(": ok\n") && run.stdout.lines().count() == 1, "{run}");
}

/// Takes programs away from a machine: its PATH is then a directory of links to all others.
pub fn without(host: &Host, tools: &[&str]) {
    let all = host.path("../all");
    if !all.exists() {
        fs::create_dir(&all).unwrap();
        for dir in ["/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"] {
            for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
                // The first of a name counts, as on a PATH.
                let _ = symlink(entry.path(), all.join(entry.file_name()));
            }
        }
    }
    for tool in tools {
        let _ = fs::remove_file(all.join(tool));
    }
    paths(host);
}

/// Makes busybox a machine's tools; besides, it has git, setsid of its own and ssh.
pub fn busybox(host: &Host) {
    let all = host.path("../all");
    fs::create_dir(&all).unwrap();
    let busybox = require("busybox");
    let applets = std::process::Command::new(&busybox).arg("--list").output().unwrap();
    for applet in String::from_utf8(applets.stdout).unwrap().lines() {
        symlink(&busybox, all.join(applet)).unwrap();
    }
    for tool in ["busybox", "git", "ssh", "ssh-keyscan", "ssh-keygen"] {
        let _ = fs::remove_file(all.join(tool));
        symlink(require(tool), all.join(tool)).unwrap();
    }
    paths(host);
}

fn paths(host: &Host) {
    edit(&host.path("../login"), |login| {
        let path = login.lines().find(|line| line.starts_with("PATH=")).unwrap().to_owned();
        login.replace(&path, "PATH=$root/bin:$root/sh:$root/all")
    });
}

/// A sudo that asks nobody and is nobody else.
pub fn sudo(host: &Host) {
    host.tool("sudo", "#!/bin/sh\nexec \"$@\"\n");
}

/// Rewrites a file.
pub fn edit(file: &Path, change: impl FnOnce(String) -> String) {
    let text = change(fs::read_to_string(file).unwrap());
    fs::write(file, text).unwrap();
}

/// Writes a program with the directories it lies in.
pub fn program(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What a program prints.
pub fn said(program: &str, arguments: &str) -> String {
    let output = std::process::Command::new(program).args(arguments.split(' ')).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// A new key, in place of one that may be there.
pub fn keygen(file: &Path) {
    let _ = fs::remove_file(file);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(file)
        .output();
    assert!(made.unwrap().status.success());
}
