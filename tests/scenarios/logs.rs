//! `logs`: the end of the app's log files on every host, and what comes next, whatever becomes of the files.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::process::Stdio;
use std::time::Duration;

use crate::common::{Host, Kind, Signal, World, eventually, within};

by_openssh!(what_is_written_is_followed_until_the_user_has_enough,);

on_each_kind!(what_is_written_is_followed_until_the_user_has_enough,);

on_sshd!(
    the_last_lines_of_all_files_of_all_hosts_are_shown,
    a_log_that_is_rotated_is_followed_and_loses_nothing,
);

fn append(host: &Host, path: &str, text: &str) {
    let file = OpenOptions::new().append(true).create(true).open(host.path(path));
    file.unwrap().write_all(text.as_bytes()).unwrap();
}

fn lines(range: std::ops::Range<u32>, prefix: &str) -> String {
    range.map(|n| format!("{prefix}{n}\n")).collect()
}

fn the_last_lines_of_all_files_of_all_hosts_are_shown(kind: Kind) {
    let world = World::deployed(
        kind,
        2,
        "shared = ['log/']\nlogs = ['shared/log/*.log', '~/its \"$HOME\"', 'current/page']",
    );
    for host in world.hosts() {
        host.put("app/shared/log/a.log", &lines(0..100, "a"));
        host.put("app/shared/log/b c.log", "no newline at the end");
        host.put("app/shared/log/other.txt", "not asked for\n");
    }
    world.host("web2").put("its \"$HOME\"", "odd\n");
    let run = world.shipit(&["production", "logs", "--lines", "2"]).ends_with(0);
    for host in ["web1", "web2"] {
        let of: String =
            run.stdout.lines().filter(|line| line.starts_with(host)).map(|l| format!("{l}\n")).collect();
        for text in ["a98\n", "a99\n", "no newline at the end\n", "one\n"] {
            assert!(of.contains(&format!("{host} | {text}")), "{text:?} in {run}");
        }
        assert!(!of.contains("a97") && !of.contains("not asked for"), "{run}");
    }
    assert!(run.stdout.contains("web2 | odd\n"), "{run}");
    assert_eq!(run.stderr, "");
    let run = world.shipit(&["production", "logs"]).ends_with(0);
    assert!(run.stdout.contains("web1 | a90\n") && !run.stdout.contains("web1 | a89\n"), "{run}");
    let run = world.shipit(&["production", "logs", "--lines", "0"]).ends_with(0);
    assert_eq!(run.stdout, "");
}

fn what_is_written_is_followed_until_the_user_has_enough(kind: Kind) {
    let world = World::deployed(kind, 2, "logs = 'log/*'");
    let (web1, web2) = (world.host("web1"), world.host("web2"));
    web1.put("app/log/a", "old\n");
    let logs = world.shipit_spawn(&["production", "logs", "-f"]);
    eventually("it shows what is there", || logs.stdout().contains("web1 | old\n"));
    eventually("it says where nothing is", || {
        logs.stderr().contains("web2: no readable file matches log/*; waiting")
    });
    append(web1, "app/log/a", "half a ");
    web2.put("app/log/new", "of a file that was not there\n");
    eventually("it finds new files", || logs.stdout().contains("web2 | of a file that was not there\n"));
    append(web1, "app/log/a", "line\nand more\n");
    eventually("it follows", || logs.stdout().contains("web1 | half a line\nweb1 | and more\n"));
    let many = lines(0..100_000, "line ");
    append(web1, "app/log/a", &many);
    eventually("it keeps up", || logs.stdout().contains("web1 | line 99999\n"));
    let text = logs.stdout();
    let got = text.lines().filter(|line| line.starts_with("web1 | line ")).count();
    assert_eq!(got, 100_000);
    logs.kill(Signal::INT);
    logs.wait().ends_with(130);
    for host in world.hosts() {
        eventually("nothing is left of it", || host.processes().is_empty());
    }
}

fn a_log_that_is_rotated_is_followed_and_loses_nothing(kind: Kind) {
    let world = World::deployed(kind, 1, "logs = 'log/app.log'");
    let host = world.host("web1");
    host.put("app/log/app.log", "0\n");
    let logs = world.shipit_spawn(&["production", "logs", "--follow"]);
    eventually("it follows", || logs.stdout() == "web1 | 0\n");
    let mut expected = "web1 | 0\n".to_owned();
    for n in 1..6 {
        // What was written last before the rotation is in the file that has another name then.
        append(host, "app/log/app.log", &format!("{n} before\n"));
        fs::rename(host.path("app/log/app.log"), host.path(&format!("app/log/app.log.{n}"))).unwrap();
        append(host, "app/log/app.log", &format!("{n} after\n"));
        expected += &format!("web1 | {n} before\nweb1 | {n} after\n");
        eventually("all of it is shown", || logs.stdout() == expected);
    }
    // copytruncate
    fs::write(host.path("app/log/app.log"), "a\n").unwrap();
    expected += "web1 | a\n";
    eventually("a truncated file is read from its start", || logs.stdout() == expected);
    fs::remove_file(host.path("app/log/app.log")).unwrap();
    std::thread::sleep(Duration::from_millis(700));
    append(host, "app/log/app.log", "new\n");
    expected += "web1 | new\n";
    eventually("a file that comes back is read", || logs.stdout() == expected);
    logs.kill(Signal::TERM);
    logs.wait().ends_with(143);
}

#[test]
fn without_the_key_it_says_what_to_set() {
    let world = World::deployed(Kind::InProcess, 1, "");
    let before = world.host("web1").logins();
    world
        .shipit(&["production", "logs"])
        .ends_with(2)
        .says("`logs` is not set")
        .says("logs = [\"shared/logs/*.log\"]")
        .says("of pm2, systemd and other supervisors");
    world.production("logs = 'log/*'");
    world.shipit(&["production", "logs", "--since", "soon"]).ends_with(2).says("such as 10m");
    assert_eq!(world.host("web1").logins(), before, "no host was contacted");
    world.shipit(&["production", "logs"]).ends_with(1).says("no readable file matches log/*");
}

#[test]
fn a_host_that_is_lost_is_told_and_the_others_go_on() {
    let world = World::deployed(Kind::InProcess, 2, "logs = 'log/*'");
    world.hosts().iter().for_each(|host| host.put("app/log/a", "old\n"));
    let logs = world.shipit_spawn(&["production", "logs", "-f"]);
    eventually("it shows what is there", || logs.stdout().lines().count() == 2);
    world.host("web1").kill_sshd();
    eventually("it says who is gone", || logs.stderr().contains("web1"));
    append(world.host("web2"), "app/log/a", "on\n");
    eventually("it follows the other", || logs.stdout().contains("web2 | on\n"));
    world.host("web2").kill_sshd();
    logs.wait().ends_with(4).says("web2");
}

#[test]
fn a_reader_that_pauses_or_leaves_is_no_harm() {
    let world = World::new(Kind::InProcess, 1);
    world.production("logs = 'log/*'\ntimeout = { lost = '5s' }");
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    let host = world.host("web1");
    host.put("app/log/a", "first\n");
    let mut command = world.command(std::path::Path::new(env!("CARGO_BIN_EXE_shipit")));
    let mut child = command
        .args(["production", "logs", "-f"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut text = vec![0; 13];
    stdout.read_exact(&mut text).unwrap();
    append(host, "app/log/a", &lines(0..300_000, "line "));
    // Longer than a silent line is borne: it must not be silent.
    std::thread::sleep(Duration::from_secs(9));
    let mut seen = Vec::new();
    while !seen.ends_with(b"line 299999\n") {
        let mut piece = vec![0; 1 << 16];
        let count = stdout.read(&mut piece).unwrap();
        assert!(count > 0, "it ended after {} bytes", seen.len());
        seen.extend_from_slice(&piece[..count]);
    }
    assert_eq!(seen.iter().filter(|byte| **byte == b'\n').count(), 300_000);
    drop(stdout);
    append(host, "app/log/a", "nobody reads\n");
    within(Duration::from_secs(60), "it ends", || child.try_wait().unwrap().is_some());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn every_userland_gives_the_same() {
    let world = World::deployed(Kind::Sshd, 1, "logs = ['log/*']");
    let host = world.host("web1");
    for sh in ["dash", "bash", "busybox"] {
        host.sh(sh);
        host.put("app/log/a b", &lines(0..20, "x"));
        let logs = world.shipit_spawn(&["production", "logs", "-f", "--lines", "1"]);
        eventually("it begins", || logs.stdout() == "web1 | x19\n");
        append(host, "app/log/a b", "more\n");
        eventually("it follows", || logs.stdout() == "web1 | x19\nweb1 | more\n");
        logs.kill(Signal::INT);
        logs.wait().ends_with(130);
        let since = world.shipit(&["production", "logs", "--since", "10m"]).ends_with(1);
        assert_eq!(since.stdout, "");
        since.says("log/a b do not say when they were written");
        let line = format!("{} it\n", jiff::Timestamp::now());
        host.put("app/log/a b", &format!("2001-01-01T00:00:00Z old\n{line}"));
        let since = world.shipit(&["production", "logs", "--since", "10m"]).ends_with(0);
        assert_eq!(since.stdout, format!("web1 | {line}"));
    }
}
