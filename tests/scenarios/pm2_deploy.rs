//! The same file and repository by the real `pm2 deploy` and by shipit: what is served, and where hooks run with what.

use std::fs;
use std::process::Output;

use crate::common::{Kind, World, pm2};

/// A world whose operator has pm2, and an `ssh` that reads the world's own configuration.
fn world() -> World {
    let world = World::new(Kind::Sshd, 1);
    let config = world.home().join(".ssh/config");
    world.tool("ssh", &format!("#!/bin/sh\nexec /usr/bin/ssh -F '{}' \"$@\"\n", config.display()));
    fs::write(world.repo.work().join(".git/info/exclude"), "/ecosystem.*\n/local\n").unwrap();
    world
}

fn pm2_deploy(world: &World, words: &[&str]) -> Output {
    let mut command = world.command(&pm2(7).join("pm2"));
    command
        .arg("deploy")
        .args(words)
        .env("PM2_HOME", world.home().join(".pm2"))
        .env("USER", world.root().file_name().unwrap());
    command.output().unwrap()
}

fn write(world: &World, path: &str, more: &str) {
    let repo = world.repo.url();
    let path = world.host("web1").path(path);
    let text = format!(
        "module.exports = {{ apps: [], deploy: {{ production: {{ host: ['web1'], ref: 'origin/main', repo: '{repo}', path: '{}', {more} }} }} }}",
        path.display()
    );
    world.repo.write("ecosystem.config.js", &text);
}

/// What a hook wrote on the host, with the deploy path taken out of it.
fn said(world: &World, file: &str, path: &str) -> String {
    let text = world.host("web1").read(file).unwrap_or_else(|| panic!("no {file}"));
    let _ = fs::remove_file(world.host("web1").path(file));
    let path =
        fs::canonicalize(world.host("web1").path(path)).unwrap_or_else(|_| world.host("web1").path(path));
    text.replace(&path.display().to_string(), "PATH")
}

#[test]
fn the_same_file_serves_the_same_and_runs_the_same_hooks() {
    let world = world();
    world.publish("one");
    let hooks = "env: { greeting: 'hello', Port: 8080 }, 'pre-setup': 'echo pre-setup >~/pre-setup', \
        'pre-deploy-local': 'echo here >>local', 'pre-deploy': 'echo \"$SHARED\" >~/pre-deploy', \
        'post-deploy': 'pwd >~/where; echo $GREETING $PORT >~/said'";
    // pm2 deploys first, and its hooks hold no quote, which it would cut.
    let plain = hooks.replace("echo \"$SHARED\"", "pwd");
    let mut seen = Vec::new();
    for path in ["by-pm2", "by-shipit"] {
        write(&world, path, &plain);
        if path == "by-pm2" {
            for words in [&["production", "setup"][..], &["production", "--force"]] {
                let output = pm2_deploy(&world, words);
                assert!(
                    output.status.success(),
                    "{}{}",
                    String::from_utf8_lossy(&output.stdout),
                    String::from_utf8_lossy(&output.stderr)
                );
            }
        } else {
            world.shipit(&["production", "setup"]).ends_with(0);
            world.shipit(&["production", "--force"]).ends_with(0);
        }
        let page = world.host("web1").read(&format!("{path}/current/page"));
        let local = fs::read_to_string(world.repo.work().join("local")).unwrap();
        fs::remove_file(world.repo.work().join("local")).unwrap();
        seen.push((page, local, said(&world, "pre-setup", path), said(&world, "said", path)));
        let directory = said(&world, "where", path);
        assert!(directory.starts_with("PATH/"), "post-deploy runs in the new code: {directory}");
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[1].3, "hello 8080\n");
}

#[test]
fn where_pm2_deploys_or_cuts_shipit_refuses_or_does_it_whole() {
    let world = world();
    world.publish("one");
    let both = |more: &str, words: &[&str]| {
        write(&world, "by-pm2", more);
        let output = pm2_deploy(&world, words);
        write(&world, "by-shipit", more);
        (output.status.code(), world.shipit(words))
    };
    let (code, run) = both("'post-deploy': 'true'", &["production", "setup"]);
    assert_eq!(code, Some(0));
    run.ends_with(0);
    // A mistyped command deploys.
    let (code, run) = both("'post-deploy': 'true'", &["production", "sertup", "--force"]);
    assert_eq!(code, Some(0), "pm2 deploys");
    run.ends_with(2).says("setup");
    assert!(world.host("web1").path("by-pm2/.deploys").exists() && world.host("web1").current().is_none());
    // A double quote cuts the hook.
    let (code, run) = both("'post-deploy': 'echo \"x\" >~/got && false'", &["production", "--force"]);
    assert_eq!(code, Some(0), "pm2 succeeds with a part of the hook");
    run.ends_with(5);
    // Nothing says which environment: help, and success.
    let (code, run) = both("'post-deploy': 'true'", &["ecosystem.config.js"]);
    assert_eq!(code, Some(0));
    run.ends_with(2);
    // A key of `env` overrides the path.
    let (code, run) = both("env: { path: '/nowhere' }, 'post-deploy': 'true'", &["production", "--force"]);
    assert_ne!(code, Some(0));
    run.ends_with(0);
    // A number as port is ignored by pm2, and reaches the host by ssh_config; shipit takes it at its word.
    let (code, run) = both("port: 1, 'post-deploy': 'true'", &["production", "--force"]);
    assert_eq!(code, Some(0));
    run.ends_with(4);
}
