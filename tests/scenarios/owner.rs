//! One directory, one owner: what a user reads whose hosts, environments or steps get into each other's way.

use std::fmt::Write as _;
use std::fs;

use crate::common::{Kind, World};

#[test]
fn one_machine_under_two_names_is_refused() {
    let world = World::deployed(Kind::Sshd, 1, "");
    world.deploy("two");
    let ssh = world.home().join(".ssh/config");
    let mut config = format!("Host other\n  HostName 127.0.0.1\n  Port {}\n", world.host("web1").port());
    write!(config, "{}", fs::read_to_string(&ssh).unwrap()).unwrap();
    fs::write(&ssh, config).unwrap();
    world.production_on(&["web1", "other"], "supervisor = { reload = 'date >>~/reloads' }");
    for command in [
        &["production"][..],
        &["production", "setup"],
        &["production", "revert", "--yes"],
        &["production", "restart"],
    ] {
        let run = world.shipit(command).ends_with(3).says("is the same directory as that of");
        run.says("web1").says("other").says("one machine under two names");
    }
    assert!(!world.host("web1").path("reloads").exists(), "nothing was reloaded");
    assert!(!world.host("web1").path("app/.shipit/lock").exists());
    world.production_on(&["web1"], "");
    world.deploy("three");
}

#[test]
fn another_environment_is_said_and_what_fails_is_said_whole() {
    let world = World::deployed(Kind::Sshd, 1, "");
    let repo = world.repo.url();
    world.config(&format!(
        "[deploy.staging]\nhost = 'web1'\nrepo = {repo:?}\nref = 'main'\npath = 'app'\nbuild = 'npmmm ci --{}'\n",
        "long".repeat(30)
    ));
    let run = world.shipit(&["staging"]).ends_with(1);
    let run = run.says("last deployed for the environment `production`").says("npmmm: command not found");
    run.does_not_say("/steps/build");
}
