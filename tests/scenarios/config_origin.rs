//! `config` and `envs`: what is resolved, as TOML, and where each value comes from. Nothing is run or contacted for it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::fs;
use std::path::PathBuf;

use crate::common::{Kind, World};
use shipit::config::{self, Answers, Environment, Setting};

const FLEET: &str = "[defaults]\nuser = 'node'\nkey = '~/.ssh/fleet'\nenv = { A = 'fleet', TOKEN = { command = 'pass token' } }\n\
                     timeout = { hook = '10m', lost = 5 }\n[defaults.supervisor]\nreload = 'reload'\nverify = '''\nis \"it\"\n  up\\\n'''\n";

const OWN: &str = "extends = '../fleet.toml'\n\n[deploy.production]\nhosts = ['web[1:2]', { host = 'db', port = 2222, env = { S = '${SECRET}' } }]\n\
                   repo = \"/srv/it's\"\nref = 'main'\npath = '~/{app}'\nenv.DB = 'x${DB_PASS}y'\nenv.LITERAL = '$${X}'\nenv.N = 1.50\n\
                   build = [{ run = \"a\\nb\", once = true }, 'c']\nshared = []\n\n[deploy.lab]\nhosts = [{ command = 'list' }, 'lab1']\n\
                   repo = 'r'\nref = 'x'\npath = 'x'\n\n[deploy.broken]\nrolout = 1\n";

fn tree() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("app")).unwrap();
    fs::write(directory.path().join("fleet.toml"), FLEET).unwrap();
    let file = directory.path().join("app/shipit.toml");
    fs::write(&file, OWN).unwrap();
    (directory, file)
}

fn shown(key: Option<&str>, origin: bool, settings: &[&str]) -> String {
    let (_directory, file) = tree();
    let setting = |text: &&str| Setting { text: (*text).to_owned(), origin: "--set" };
    let settings: Vec<Setting> = settings.iter().map(setting).collect();
    let document = config::read(&file, &settings).unwrap();
    document.show("production", key, origin).unwrap().unwrap_or_else(|| "(not set)".to_owned())
}

#[test]
fn every_value_tells_where_it_comes_from() {
    insta::assert_snapshot!(shown(
        None,
        true,
        &["timeout.hook=1m", "supervisor.reload=again", "keep-releases=7"]
    ));
}

#[test]
fn a_key_is_chosen_with_what_is_below_it() {
    for (key, expected) in [
        ("ref", "ref = \"main\"\n"),
        ("timeout.lost", "timeout.lost = 5\n"),
        ("timeout.connect", "timeout.connect = \"10s\"\n"),
        ("supervisor.reload", "supervisor.reload = \"reload\"\n"),
        ("env.N", "env.N = 1.50\n"),
        ("env.LITERAL", "env.LITERAL = \"$${X}\"\n"),
        ("keep-releases", "keep-releases = 5\n"),
        ("shared", "shared = []\n"),
        ("migrate", "(not set)"),
        ("supervisor.start", "(not set)"),
        ("env.NONE", "(not set)"),
    ] {
        assert_eq!(shown(Some(key), false, &[]), expected, "{key}");
    }
    assert_eq!(shown(Some("timeout"), false, &[]).lines().count(), 5);
    assert_eq!(shown(Some("host"), false, &[]), shown(Some("hosts"), false, &[]));
    let (_directory, file) = tree();
    let error =
        |key| config::read(&file, &[]).unwrap().show("production", Some(key), false).unwrap_err().to_string();
    assert!(error("supervisor.verfy").contains("did you mean `supervisor.verify`?"));
    assert!(error("timeot").contains("did you mean `timeout`?"));
    assert!(error("rolout").contains("did you mean `rollout`?"));
    assert!(error("rollout.bacth").contains("did you mean `rollout.batch`?"));
}

#[test]
fn what_is_shown_is_toml_that_means_the_same() {
    let (directory, file) = tree();
    let again = directory.path().join("app/again.toml");
    // secrets are dotted: without them
    let own =
        OWN.replace("'x${DB_PASS}y'", "'x'").replace("env = { S = '${SECRET}' }", "env = { S = '$${Y}' }");
    fs::write(
        directory.path().join("fleet.toml"),
        FLEET.replace("{ command = 'pass token' }", r#""\u001b[1m\\""#),
    )
    .unwrap();
    fs::write(&file, own).unwrap();
    fs::write(&again, config::read(&file, &[]).unwrap().show("production", None, true).unwrap().unwrap())
        .unwrap();
    let meaning = |environment: Environment| {
        let digests = environment.sites.iter().map(|site| {
            let host = &environment.hosts[site.host];
            let env = environment.evaluate_env(site, &|_| None).unwrap();
            (
                environment.digest(site, &env, &[]),
                host.address(),
                host.user.clone(),
                host.key.clone(),
                site.path.clone(),
            )
        });
        let digests: Vec<_> = digests.collect();
        (digests, environment.timeouts.clone(), environment.apps[0].keep_releases, environment.confirm)
    };
    let load = |file| meaning(config::load(file, "production").unwrap());
    assert_eq!(load(&file), load(&again));
}

#[test]
fn the_defaults_that_are_shown_are_those_that_hold() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    let least = "[deploy.production]\nhost = 'a'\nrepo = 'r:x'\nref = 'main'\npath = 'p'\n";
    fs::write(&file, least).unwrap();
    let least = config::load(&file, "production").unwrap();
    fs::write(&file, config::read(&file, &[]).unwrap().show("production", None, false).unwrap().unwrap())
        .unwrap();
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("keep-releases = 5\n") && text.contains("confirm = false\n"), "{text}");
    let shown = config::load(&file, "production").unwrap();
    assert_eq!((least.timeouts.clone(), least.confirm), (shown.timeouts.clone(), shown.confirm));
    assert_eq!(least.apps[0].keep_releases, shown.apps[0].keep_releases);
    assert_eq!(least.digest(&least.sites[0], &[], &[]), shown.digest(&shown.sites[0], &[], &[]));
    assert!(config::read(&file, &[]).unwrap().resolve("production", &Answers::default()).is_ok());
}

#[test]
fn files_of_all_tables_are_shown_and_a_token_is_dotted() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    let text = "[defaults]\nfiles = { 'shared/a' = { command = 'x' } }\n[deploy.production]\nhost = 'a'\nrepo = 'https://x/r'\n\
                ref = 'main'\npath = 'p'\nfiles = { 'shared/b' = { command = 'y' } }\nrepo-token = '${T}'\n";
    fs::write(&file, text).unwrap();
    let document = config::read(&file, &[]).unwrap();
    let shown = |key| document.show("production", Some(key), false).unwrap().unwrap();
    let expected = "files.\"shared/a\".command = \"x\"\nfiles.\"shared/b\".command = \"y\"\n";
    assert_eq!(shown("files"), expected);
    assert_eq!(shown("repo-token"), "repo-token = \"••••••\"\n");
}

/// A work tree with that configuration, whose commands must not be run.
fn desk() -> World {
    let world = World::new(Kind::InProcess, 0);
    fs::write(world.root().join("fleet.toml"), FLEET).unwrap();
    world.config(OWN);
    world.tool("pass", "#!/bin/sh\necho ran >>\"$HOME/ran\"\n");
    world.tool("list", "#!/bin/sh\necho ran >>\"$HOME/ran\"\n");
    world.env("DB_PASS", "s3cret");
    world.env("SECRET", "s3cret");
    world
}

#[test]
fn config_contacts_nobody_runs_nothing_and_shows_no_secret() {
    let world = desk();
    let run =
        world.shipit(&["production", "config"]).ends_with(0).does_not_say("s3cret").does_not_say("DB_PASS");
    assert_eq!(run.stderr, "");
    assert!(run.stdout.contains("env.DB = \"••••••\"\n"), "{run}");
    assert!(run.stdout.contains("env = { S = \"••••••\" }"), "{run}");
    let run = world.shipit(&["lab", "config", "--origin"]).ends_with(0);
    assert!(run.stdout.contains("# on lab1, and those that a command prints\n"), "{run}");
    world
        .shipit(&["production", "config", "migrate"])
        .ends_with(1)
        .says("`migrate` is not set in production");
    world.shipit(&["production", "config", "migrat"]).ends_with(2).says("did you mean `migrate`?");
    world.shipit(&["broken", "config"]).ends_with(2).says("did you mean `rollout`?");
    world.shipit(&["none", "config"]).ends_with(2).says("it has production, lab, broken");
    assert!(!world.home().join("ran").exists());
}

#[test]
fn envs_lists_the_environments_for_scripts_and_for_people() {
    let world = desk();
    let run = world.shipit(&["envs"]).ends_with(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("production\t3\nlab\t?\nbroken\t?\n", ""));
    let run = world.shipit(&["envs", "-v"]).ends_with(0).does_not_say("s3cret");
    insta::assert_snapshot!(run.stdout, @r"
    environment  hosts  ref   repo       names
    production   3      main  /srv/it's  web1, web2, db
    lab          ?      x     r          lab1, from a command
    broken       ?                       has mistakes: shipit -e broken config tells them
    ");
    assert!(!world.home().join("ran").exists());
    world.config("[defaults]\n");
    world.shipit(&["envs"]).ends_with(0).says("no environment is defined");
    world.config("[deploy\n");
    world.shipit(&["envs"]).ends_with(2).says("shipit.toml:1:");
}
