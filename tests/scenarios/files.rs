//! `files` and `env-file`: what the operator puts into `shared/` goes live with its release, and comes back with it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::common::{Kind, Signal, World, eventually};

const FILES: &str = "shared = [\".env\"]\n\
    timeout = { reload = \"10s\" }\n\
    build = \"cp .env built; [ ! -e ../../fail-build ]\"\n\
    supervisor = { reload = \"cat .env >>../../served; [ $SHIPIT_ACTION != deploy ] || [ ! -e ../../hang ] || sleep 1000; [ $SHIPIT_ACTION != deploy ] || [ ! -e ../../fail ]\" }\n\
    files = { \"shared/.env\" = { from = \"deploy/prod.env\", mode = \"0640\" } }\n";

fn world(kind: Kind, hosts: usize) -> World {
    let world = World::new(kind, hosts);
    world.production(FILES);
    fs::write(world.repo.work().join(".git/info/exclude"), "/shipit.toml\n/deploy\n").unwrap();
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world
}

fn says(world: &World, text: &str) {
    world.repo.write("deploy/prod.env", text);
}

/// Every host has this file, and nothing of ours waits beside it.
#[track_caller]
fn hold(world: &World, text: Option<&str>) {
    for host in world.hosts() {
        assert_eq!(host.read("app/shared/.env").as_deref(), text, "{}", host.name());
        let left = fs::read_dir(host.path("app/shared")).unwrap().flatten();
        let left: Vec<_> = left.filter(|e| e.file_name().to_string_lossy().starts_with(".shipit")).collect();
        assert!(left.is_empty(), "{left:?}");
        host.is_at_rest();
    }
}

#[test]
fn a_file_goes_live_with_its_release_and_comes_back_with_it() {
    let world = world(Kind::InProcess, 2);
    let host = world.host("web1");
    says(&world, "first");
    world.shipit(&["production"]).ends_with(0);
    hold(&world, Some("first"));
    let mode = fs::metadata(host.path("app/shared/.env")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    assert_eq!(host.read("app/current/.env").as_deref(), Some("first"));
    world.shipit(&["production"]).ends_with(0).says("nothing to do");

    // The same commit, another file: another release. What is built sees what will be live.
    says(&world, "second");
    world.shipit(&["production"]).ends_with(0);
    hold(&world, Some("second"));
    assert_eq!(host.read("app/current/built").as_deref(), Some("second"));
    let link = fs::read_link(host.path("app/current/.env")).unwrap();
    assert_eq!(link, Path::new("../../shared/.env"));

    world.shipit(&["production", "revert"]).ends_with(0);
    hold(&world, Some("first"));
    assert_eq!(host.read("app/served").as_deref(), Some("firstsecondfirst"));
}

#[test]
fn what_fails_leaves_the_old_file() {
    let world = world(Kind::InProcess, 2);
    // A first deploy that fails, before and after going live: there was none.
    says(&world, "first");
    world.host("web2").put("app/fail-build", "");
    world.shipit(&["production"]).ends_with(1);
    hold(&world, None);
    fs::remove_file(world.host("web2").path("app/fail-build")).unwrap();
    world.host("web2").put("app/fail", "");
    world.shipit(&["production"]).ends_with(5);
    hold(&world, None);
    fs::remove_file(world.host("web2").path("app/fail")).unwrap();
    world.shipit(&["production"]).ends_with(0);

    says(&world, "second");
    world.host("web2").put("app/fail-build", "");
    world.shipit(&["production"]).ends_with(1);
    hold(&world, Some("first"));
    fs::remove_file(world.host("web2").path("app/fail-build")).unwrap();
    world.host("web2").put("app/fail", "");
    world.shipit(&["production"]).ends_with(5);
    hold(&world, Some("first"));
    assert!(world.host("web1").read("app/served").unwrap().ends_with("secondfirst"), "old file, then reload");
}

#[test]
fn a_host_whose_operator_died_puts_the_file_back_by_itself() {
    let world = world(Kind::Sshd, 1);
    says(&world, "first");
    world.shipit(&["production"]).ends_with(0);
    says(&world, "second");
    world.host("web1").put("app/hang", "");
    let run = world.shipit_spawn(&["production"]);
    let served = || world.host("web1").read("app/served").unwrap_or_default();
    eventually("it is live", || served().ends_with("second"));
    hold_only(&world, "second");
    run.kill(Signal::KILL);
    eventually("it is rolled back", || {
        served().ends_with("secondfirst") && !world.host("web1").path("app/.shipit/lock").exists()
    });
    eventually("at rest", || world.host("web1").processes().is_empty());
    hold(&world, Some("first"));
}

fn hold_only(world: &World, text: &str) {
    assert_eq!(world.host("web1").read("app/shared/.env").as_deref(), Some(text));
}

#[test]
fn a_command_prints_what_is_sent() {
    let world = World::new(Kind::InProcess, 1);
    let with = |command: &str| {
        world.production(&format!("files = {{ \"shared/x\" = {{ command = {command:?} }} }}"))
    };
    with("printf 'a\\0b'; pwd -P >where");
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    // A dry run starts nothing.
    world.shipit(&["production", "plan", "--scripts"]).ends_with(0).says("# file shared/x 0600 ••••••");
    assert!(!world.repo.work().join("where").exists());
    world.shipit(&["production", "--force"]).ends_with(0);
    assert_eq!(fs::read(world.host("web1").path("app/shared/x")).unwrap(), b"a\0b");
    let logins = world.host("web1").logins();
    with("echo half; exit 3");
    world.shipit(&["production", "--force"]).ends_with(2).says("files.\"shared/x\"").says("exit 3");
    with("head -c 300000 /dev/zero");
    world.shipit(&["production", "--force"]).ends_with(2).says("is larger than 262144 bytes");
    with("exec cat /dev/zero");
    world.shipit(&["production", "--force"]).ends_with(2).says("printed more than 1048576 bytes");
    assert_eq!(world.host("web1").logins(), logins, "no host was contacted");
}

#[test]
fn what_cannot_be_sent_is_told_before_any_host_is_contacted() {
    let world = World::new(Kind::InProcess, 1);
    for (lines, said) in [
        ("files = { \"shared/x\" = { from = \"nowhere\" } }", "cannot read "),
        ("files = { \"shared/x\" = { from = \".\" } }", "is not a file"),
        ("files = { \".env\" = { from = \"README\" } }", "is not in `shared/`"),
        ("files = { \"shared/../x\" = { from = \"README\" } }", "is not the path of a file in `shared/`"),
        ("files = { \"shared/x\" = { from = \"README\", mode = 600 } }", "three octal digits in quotes"),
        ("files = { \"shared/x\" = { from = \"README\", mode = \"4755\" } }", "three octal digits in quotes"),
        ("files = { \"shared/x\" = { from = \"README\", command = \"date\" } }", "both `from` and `command`"),
        ("files = { \"shared/x\" = { } }", "neither `from` nor `command`"),
        ("files = { \"shared/x\" = { form = \"README\" } }", "did you mean `from`?"),
        ("env-file = \"x\"\nfiles = { \"shared/x\" = { from = \"README\" } }", "`x` is named twice"),
        ("env-file = \"../x\"", "is not the path of a file in `shared/`"),
    ] {
        world.production(lines);
        world.shipit(&["production"]).ends_with(2).says(said);
    }
    world.production("files = { \"shared/x\" = { from = \"big\" } }");
    fs::write(world.repo.work().join("big"), vec![0; 300_000]).unwrap();
    world.shipit(&["production"]).ends_with(2).says("is larger than 262144 bytes");
    assert_eq!(world.host("web1").logins(), 0);
}

#[test]
fn a_directory_in_the_way_is_a_failure_that_changes_nothing() {
    let world = World::deployed(Kind::InProcess, 1, "");
    fs::create_dir_all(world.host("web1").path("app/shared/x")).unwrap();
    world.production("files = { \"shared/x\" = { from = \"README\" } }");
    world.shipit(&["production"]).ends_with(1).says("shared/x: it is a directory");
    world.host("web1").serves("one");
}

#[test]
fn env_is_written_for_who_reads_such_a_file() {
    let world = World::new(Kind::InProcess, 1);
    let nasty = "a\"b'c\\d$HOME`id`\nnext line # no comment\\";
    world.env("SECRET", nasty);
    world.production("env-file = \"shared/app.env\"\nenv = { PLAIN = \"1\", SECRET = \"${SECRET}\" }");
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    let plan = world.shipit(&["production", "plan", "--scripts"]).ends_with(0);
    plan.says("# file shared/app.env 0600 ••••••").does_not_say("no comment");
    world.shipit(&["production"]).ends_with(0);
    let file = world.host("web1").path("app/shared/app.env");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let script = format!(". {}; printf '%s|%s' \"$PLAIN\" \"$SECRET\"", file.display());
    for shell in ["dash", "bash"] {
        let out = Command::new(shell).args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&out.stdout), format!("1|{nasty}"), "{shell}");
    }
    // Another value is another file, and a revert brings the old one.
    world.env("SECRET", "other");
    world.shipit(&["production"]).ends_with(0);
    assert!(fs::read_to_string(&file).unwrap().contains("SECRET=\"other\"\n"));
    world.shipit(&["production", "revert"]).ends_with(0);
    assert!(fs::read_to_string(&file).unwrap().contains("no comment"));
}
