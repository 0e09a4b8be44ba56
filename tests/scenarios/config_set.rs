//! `--set KEY.PATH=VALUE`: over everything, reaching everything, and shown as what was typed where it is wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::fs;
use std::time::Duration;

use crate::common::{Kind, World};
use secrecy::ExposeSecret;
use shipit::config::{self, Answers, ConfigError, Environment, Setting};

const FILE: &str = "[defaults]\nbuild = 'make'\n[deploy.production]\nrepo = 'r:shop'\nref = 'main'\npath = '/srv/shop'\n\
                    user = 'node'\nhosts = ['web1', 'ops@web2:2222', { host = 'web3', user = 'own', env = { A = 'host' } }]\n\
                    env = { A = 'file', B = 'file' }\ntimeout = { lost = 7 }\n\
                    [deploy.production.supervisor]\nreload = 'reload'\nverify = 'verify'\n";

fn set_in(text: &str, settings: &[&str]) -> Result<Environment, ConfigError> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    fs::write(&file, text).unwrap();
    let settings: Vec<Setting> =
        settings.iter().map(|text| Setting { text: (*text).to_owned(), origin: "--set" }).collect();
    config::read(&file, &settings)?.resolve("production", &Answers::default())
}

fn set(settings: &[&str]) -> Environment {
    set_in(FILE, settings).unwrap_or_else(|error| panic!("{settings:?}: {error}"))
}

fn env_of(environment: &Environment, host: usize) -> Vec<String> {
    let entries = environment.evaluate_env(&environment.sites[host], &|_| Some("var".to_owned())).unwrap();
    entries.iter().map(|entry| format!("{}={}", entry.name, entry.value.expose_secret())).collect()
}

fn steps(supervisor: &shipit::config::Supervisor) -> Vec<String> {
    supervisor.steps().map(|(step, text)| format!("{step}={text}")).collect()
}

#[test]
fn a_value_is_toml_where_it_can_be_read_so_and_else_a_string() {
    for (setting, reference) in [
        ("ref=v2", "v2"),
        ("ref='v2'", "v2"),
        ("ref = \"v2\"", "v2"),
        ("ref = v2", "v2"),
        ("ref=feature/x", "feature/x"),
        ("ref=1234567", "1234567"),
        ("ref=true", "true"),
        ("ref=1979-05-27", "1979-05-27"),
        ("\"ref\"=v2", "v2"),
    ] {
        assert_eq!(set(&[setting]).apps[0].reference, reference, "{setting}");
    }
    assert_eq!(set(&["keep-releases=9"]).apps[0].keep_releases, 9);
    assert!(set(&["confirm=true"]).confirm);
    assert_eq!(set(&["shared=['a','b/']"]).apps[0].shared.len(), 2);
    assert_eq!(set(&["build=make x=1 # all"]).apps[0].hooks.build[0].text, "make x=1 # all");
    assert_eq!(set(&["build={ run = 'b', once = true }"]).apps[0].hooks.build[0].text, "b");
    assert_eq!(set(&["build=line\nref = 'evil'"]).apps[0].hooks.build[0].text, "line\nref = 'evil'");
    assert!(set(&["build="]).apps[0].hooks.build.is_empty());
}

#[test]
fn env_is_set_key_by_key_over_every_host() {
    let environment = set(&["env.A=x", "env.C=a=b", "env.N=5", "env.S=5 # five", "env.V=${V}", "env.W= w"]);
    let expected = ["A=x", "B=file", "C=a=b", "N=5", "S=5 # five", "V=var", "W= w"];
    assert_eq!(env_of(&environment, 0), expected);
    assert_eq!(env_of(&environment, 2), expected);
    // what is not set stays as it is on a host of its own
    assert_eq!(env_of(&set(&["env.B=x"]), 2), ["A=host", "B=x"]);
    assert_eq!(env_of(&set(&["env={ A = 'x' }"]), 2), ["A=x", "B=file"]);
}

#[test]
fn what_is_nested_is_reached_and_leaves_the_rest_of_its_table() {
    let environment = set(&["timeout.hook=1m", "supervisor.reload=again"]);
    assert_eq!(environment.timeouts.hook, Duration::from_secs(60));
    assert_eq!(environment.timeouts.lost, Duration::from_secs(7));
    let supervisor = environment.apps[0].supervisors[0].clone();
    assert_eq!(steps(&supervisor), ["reload=again", "verify=verify"]);
    let supervisor =
        set(&["supervisor={ reload = 'x' }", "supervisor.start=y"]).apps[0].supervisors[0].clone();
    assert_eq!(steps(&supervisor), ["reload=x", "start=y"]);
    assert_eq!(set(&["timeout.hook=1m", "timeout.hook=2m"]).timeouts.hook, Duration::from_secs(120));
}

#[test]
fn it_is_over_the_table_and_the_text_of_a_host() {
    let environment = set(&["user=root", "port=22"]);
    for host in &environment.hosts {
        assert_eq!((host.user.as_deref(), host.port), (Some("root"), Some(22)), "{}", host.name);
    }
    let environment = set(&["host=web9"]);
    assert_eq!(environment.hosts.len(), 1);
    assert_eq!(set(&["hosts=['a', 'b[1:2]']"]).hosts.len(), 3);
}

#[test]
fn it_completes_a_file_that_lacks_a_key() {
    let text = FILE.replace("ref = 'main'\n", "");
    assert!(set_in(&text, &[]).is_err());
    assert_eq!(set_in(&text, &["ref=v1"]).unwrap().apps[0].reference, "v1");
}

#[test]
fn a_mistake_is_shown_in_what_was_typed() {
    for (setting, message) in [
        ("timeout.hoook=1m", "did you mean `hook`?"),
        ("usr=x", "did you mean `user`?"),
        ("port=abc", "expected an integer, found a string"),
        ("keep-releases=0", "at least 1"),
        ("timeout.hook=soon", "not a valid duration"),
        ("supervisor.verify.x=1", "`supervisor.verify` is a string"),
        ("build.timeout=5m", "`build` is a string"),
        ("env.SHIPIT_X=1", "is set by shipit itself"),
        ("rollout.batch=0", "no host would ever go live"),
        ("deliver=push", "`push` is not yet supported"),
        ("ref", "this is not a setting"),
        ("=x", "this is not a setting"),
        ("", "this is not a setting"),
        ("[x]=1", "this is not a setting"),
        ("a b=1", "this is not a setting"),
        ("ref=a b", "not a ref"),
        ("extends=fleet.toml", "`extends` is a key of the file"),
    ] {
        let text = set_in(FILE, &["keep-releases=3", setting]).unwrap_err().to_string();
        assert!(text.contains(message) && text.contains("--> --set:1:"), "{setting}: {text}");
        assert!(!text.contains("shipit.toml:") || text.contains("given here"), "{setting}: {text}");
    }
}

#[test]
fn the_command_line_and_the_variable_add_up_and_what_is_typed_counts_more() {
    let world = World::new(Kind::InProcess, 0);
    world.production_on(&["web1"], "");
    let key = |key: &str| {
        let args = ["production", "config", key, "--origin", "--set", "keep-releases=3", "--set=env.A=x y"];
        let run = world.shipit(&args).ends_with(0);
        run.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    world.env("SHIPIT_SET", "keep-releases=9\n\n  timeout.hook = 1m\nenv.B=b\n");
    assert_eq!(key("keep-releases"), "keep-releases = 3 # --set");
    assert_eq!(key("timeout.hook"), "timeout.hook = \"1m\" # SHIPIT_SET");
    assert_eq!(key("env"), "env.B = \"b\" # SHIPIT_SET env.A = \"x y\" # --set");
    world.env("SHIPIT_SET", "tmeout.hook=1m");
    world.shipit(&["production", "plan"]).ends_with(2).says("--> SHIPIT_SET:1:1").says("`timeout`");
}

#[test]
fn what_is_set_is_what_runs() {
    let world = World::new(Kind::InProcess, 1);
    world.production("build = 'false'");
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(1);
    let set = ["production", "--set", "build=echo $A >made", "--set", "env.A=it's"];
    world.shipit(&set).ends_with(0);
    world.serve("one");
    let made = world.ssh("web1", "cat app/current/made").ends_with(0).stdout;
    assert_eq!(made, "it's\n");
    // it is part of what a release is
    world.shipit(&set).ends_with(0).says("nothing to do");
}
