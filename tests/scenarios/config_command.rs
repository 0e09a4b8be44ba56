//! `{ command = "…" }`: hosts and values of `env` from commands of the operator's, and what becomes of odd answers.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::fs;

use crate::common::{Kind, World};
use secrecy::ExposeSecret;
use shipit::config::{self, Answers, Environment};

const BASE: &str = "[deploy.production]\nrepo = 'r:shop'\nref = 'main'\npath = '/srv/shop'\nuser = 'node'\n";

/// Resolved with this answer to the one command for hosts; or the mistakes.
fn answered(lines: &str, answer: Result<&str, &str>) -> Result<Environment, String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    fs::write(&file, format!("{BASE}{lines}\n")).unwrap();
    let document = config::read(&file, &[]).unwrap();
    let draft = document.draft("production").map_err(|error| error.to_string())?;
    let mut answers = Answers::default();
    for command in &draft.host_commands {
        assert_eq!(command.directory, directory.path());
        answers.insert(command, answer.map(Into::into).map_err(str::to_owned));
    }
    document.resolve("production", &answers).map_err(|error| error.to_string())
}

fn hosts(printed: &str) -> Vec<String> {
    let environment = answered("host = { command = 'list' }", Ok(printed))
        .unwrap_or_else(|error| panic!("{printed}: {error}"));
    environment
        .hosts
        .iter()
        .map(|host| format!("{}@{}", host.user.as_deref().unwrap_or_default(), host.address()))
        .collect()
}

#[test]
fn hosts_a_line_each_or_as_json() {
    let expected = ["node@web1", "ops@web2:2222", "node@::1"];
    assert_eq!(hosts("web1\nops@web2:2222\n[::1]\n"), expected);
    assert_eq!(hosts("[::1]\r\n\n  web1  \n"), ["node@::1", "node@web1"]);
    assert_eq!(hosts("web[1:2]"), ["node@web1", "node@web2"]);
    assert_eq!(
        hosts("[\"web1\", {\"host\": \"web2\", \"user\": \"ops\", \"port\": 2222}, \"[::1]\"]"),
        expected
    );
    assert_eq!(
        hosts("\"web1\"\n{\"host\":\"web2\",\"user\":\"ops\",\"port\":2222,\"key\":null}\n\"[::1]\"\n"),
        expected
    );
    assert_eq!(hosts(" [\n  \"web1\"\n]\n[\"web2\"]"), ["node@web1", "node@web2"]);
}

#[test]
fn a_command_stands_among_other_hosts_and_brings_settings() {
    let lines = "hosts = ['web1', { command = 'list', user = 'app', port = 2200, env = { A = 'x' } }]";
    let environment = answered(lines, Ok("web2\n{\"host\":\"web3\"}")).err().unwrap();
    assert!(environment.contains("output of `list`:2:"), "a line is no JSON there: {environment}");
    let environment =
        answered(lines, Ok("{\"host\":\"web2\",\"env\":{\"B\":\"${HOME}\"}}\n\"ops@web3:22\"")).unwrap();
    let seen: Vec<_> =
        environment.hosts.iter().map(|host| (host.user.clone().unwrap(), host.address())).collect();
    let expected = [("node", "web1"), ("app", "web2:2200"), ("ops", "web3:22")];
    assert_eq!(seen, expected.map(|(user, address)| (user.to_owned(), address.to_owned())));
    // what a command prints is not expanded: an inventory asks for no secret
    let entries = environment.evaluate_env(&environment.sites[1], &|_| Some("secret".to_owned())).unwrap();
    let pairs: Vec<_> = entries.iter().map(|e| (e.name.as_str(), e.value.expose_secret())).collect();
    assert_eq!(pairs, [("A", "x"), ("B", "${HOME}")]);
}

#[test]
fn answers_that_are_no_hosts_are_told_where_they_stand() {
    for (answer, place, message) in [
        (Err("failed: exit 3"), "shipit.toml:6:20", "this command failed: exit 3"),
        (Ok(""), "shipit.toml:6:20", "this command printed no host"),
        (Ok(" \n\n"), "shipit.toml:6:20", "this command printed no host"),
        (Ok("[]"), "shipit.toml:6:20", "this command printed no host"),
        (Ok("web1\n-oProxyCommand=id\n"), "output of `list`:2:1", "begins with `-`"),
        (Ok("web1\nweb 2\n"), "output of `list`:2:1", "blanks"),
        (Ok("web1\nweb1"), "shipit.toml:6:8", "named twice"),
        (Ok("{\"host\": }"), "output of `list`:1:", "this is not JSON"),
        (Ok("[\"a\", 5]"), "output of `list`:1:1", "expected a host"),
        (Ok("{\"host\":\"a\",\"usr\":\"x\"}"), "output of `list`:1:1", "did you mean `user`?"),
        (Ok("{\"user\":\"x\"}"), "output of `list`:1:1", "has no `host`"),
        (Ok("{\"command\":\"id\"}"), "output of `list`:1:1", "cannot name another command"),
        (
            Ok("{\"host\":\"a\",\"env\":{\"X\":{\"command\":\"id\"}}}"),
            "output of `list`:1:1",
            "another command",
        ),
        (Ok("[\"a\", null]"), "output of `list`:1:1", "null is not a value"),
        (Ok("\u{1b}[31mweb1"), "output of `list`:1:1", "control characters"),
    ] {
        let text = answered("host = { command = 'list' }", answer).err().unwrap();
        assert!(text.contains(place) && text.contains(message), "{answer:?}: {text}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
}

#[test]
fn what_is_wrong_with_the_file_is_told_before_any_command_is_asked() {
    for (lines, message) in [
        ("host = { command = 'list' }\nkeep-releases = 0", "at least 1"),
        ("host = { command = '' }", "must not be empty"),
        ("host = { command = 'list', host = 'a' }", "both `host` and `command`"),
        ("host = { command = ['list'] }", "expected a string"),
        ("host = 'a'\nenv.A = { command = 'x', other = 1 }", "unknown key `other` beside `command`"),
        ("host = 'a'\nenv.A = { command = ' ' }", "must not be empty"),
    ] {
        let text = answered(lines, Err("was asked")).err().unwrap();
        assert!(text.contains(message) && !text.contains("was asked"), "{lines}: {text}");
    }
}

#[test]
fn values_of_env_are_secrets_without_their_last_newline_and_count_for_the_digest() {
    let lines = "hosts = ['a', { host = 'b', env = { T = 'plain' } }]\nenv = { T = { command = 'pass' }, U = { command = 'pass' } }";
    let environment = answered(lines, Err("for hosts only")).unwrap();
    let commands = environment.env_commands();
    assert_eq!(commands.len(), 1, "the same command runs once");
    let with = |text: &str| {
        let (mut environment, mut answers) = (environment.clone(), Answers::default());
        answers.insert(&commands[0], Ok(text.into()));
        environment.answer(&answers).map(|()| environment).map_err(|error| error.to_string())
    };
    let read = |environment: &Environment, host: usize| {
        let site = &environment.sites[host];
        let entries = environment.evaluate_env(site, &|_| None).unwrap();
        assert!(!format!("{entries:?} {environment:?}").contains("s3cret"));
        let values: Vec<_> = entries.iter().map(|e| (e.value.expose_secret().to_owned(), e.secret)).collect();
        (values, environment.digest(site, &entries, &[]))
    };
    let one = with("s3cret ${X}\nline\n\n").unwrap();
    let (values, digest) = read(&one, 0);
    assert_eq!(values, [("s3cret ${X}\nline".to_owned(), true), ("s3cret ${X}\nline".to_owned(), true)]);
    assert_eq!(read(&one, 1).0[0], ("plain".to_owned(), false));
    assert_ne!(digest, read(&with("other").unwrap(), 0).1);
    assert_eq!(digest, read(&with("s3cret ${X}\nline").unwrap(), 0).1);
    for (text, message) in [("\n", "printed nothing"), ("a\0b", "printed a NUL")] {
        assert!(with(text).err().unwrap().contains(message), "{text:?}");
    }
    let unasked = environment.evaluate_env(&environment.sites[0], &|_| None).unwrap_err().to_string();
    assert!(unasked.contains("the command of `env.T` was not run"), "{unasked}");
}

/// `production` on the hosts that a script prints, with a secret from another; both write down that they ran.
fn asked(world: &World, hosts: &str, more: &str) {
    let repo = world.repo.url();
    world.tool("list", &format!("#!/bin/sh\necho \"list $SHIPIT_ENV in $PWD\" >>\"$HOME/ran\"\n{hosts}\n"));
    world
        .tool("pass", "#!/bin/sh\necho pass >>\"$HOME/ran\"\ncat; echo tell me >&2; echo 's3cret \"$(id)'\n");
    world.config(&format!(
        "[deploy.production]\nhosts = [{{ command = 'list' }}]\nrepo = {repo:?}\nref = 'main'\npath = 'app'\n\
         env.TOKEN = {{ command = 'pass' }}\n{more}\n"
    ));
}

fn ran(world: &World) -> Vec<String> {
    let text = fs::read_to_string(world.home().join("ran")).unwrap_or_default();
    let _ = fs::remove_file(world.home().join("ran"));
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_deploy_runs_each_command_once_and_a_question_asks_for_no_secret() {
    let world = World::new(Kind::InProcess, 2);
    asked(&world, "echo web1; echo web2", "build = 'printf %s \"$TOKEN\" >token'");
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    let list = format!("list production in {}", world.repo.work().canonicalize().unwrap().display());
    assert_eq!(ran(&world), [list.as_str(), "pass"]);
    let run = world.shipit(&["production"]).ends_with(0).does_not_say("s3cret").says("tell me");
    assert_eq!(run.stdout, "", "what a command says is no data: {run}");
    world.serve("one");
    assert_eq!(ran(&world), [list.as_str(), "pass"]);
    for host in ["web1", "web2"] {
        let token = world.ssh(host, "cat app/current/token").ends_with(0).stdout;
        assert_eq!(token, "s3cret \"$(id)");
    }
    world.shipit(&["production", "plan"]).ends_with(0).does_not_say("s3cret");
    assert_eq!(ran(&world), [list.as_str(), "pass"]);
    world.shipit(&["production", "status"]).ends_with(0);
    assert_eq!(ran(&world), [list.as_str()]);
    world.shipit(&["production", "config", "--origin"]).ends_with(0).does_not_say("s3cret");
    world.shipit(&["envs", "-v"]).ends_with(0);
    assert!(ran(&world).is_empty());
    world.shipit(&["production"]).ends_with(0).says("nothing to do");
}

#[test]
fn a_command_that_fails_ends_with_2_and_nobody_is_contacted() {
    let world = World::new(Kind::InProcess, 0);
    for (script, message) in [
        ("printf 'no \\033[31mvault\\n' >&2; exit 3", "this command failed: exit 3"),
        ("kill -9 $$", "this command failed: exit 137"),
        ("exec sleep 60", "this command took longer than 1 s (timeout.hook)"),
        ("printf '\\377'", "this command printed bytes that are not UTF-8 text"),
        ("yes", "this command printed more than 1048576 bytes"),
    ] {
        asked(&world, script, "timeout.hook = 1");
        let run = world.shipit(&["production", "setup"]).ends_with(2).says(message).says("shipit.toml:2:");
        assert!(!run.stderr.contains('\u{1b}'), "{run}");
        assert!(run.took < crate::common::PATIENCE, "{run}");
    }
    asked(&world, "echo web1", "env.X = '${NOT_SET_HERE}'");
    ran(&world);
    world.shipit(&["production", "setup"]).ends_with(2).says("NOT_SET_HERE");
    assert!(!ran(&world).contains(&"pass".to_owned()), "a secret is not asked for in vain");
}
