//! The doctor and a git server behind ssh: a second host of the world, which lets in whom it knows.

use std::fs;
use std::io::Write;

use crate::common::{Host, Kind, World};
use crate::doctor::{cured, paste, remedies, said};

/// `web1` is deployed to and fetches from `web2`, with a key of its own.
fn served() -> World {
    let world = crate::doctor::desk(Kind::Sshd, 2);
    let (host, server) = (world.host("web1"), world.host("web2"));
    let ssh = host.path(".ssh").display().to_string();
    // OpenSSH reads the account's own configuration, whatever HOME says.
    let program = crate::common::require("ssh");
    host.tool("ssh", &format!("#!/bin/sh\nexec {} -F {ssh}/config \"$@\"\n", program.display()));
    host.put(
        ".ssh/config",
        &format!(
            "Host *\n  User {}\n  IdentityFile {ssh}/id_ed25519\n  UserKnownHostsFile {ssh}/known_hosts\n",
            said("id", "-un")
        ),
    );
    host.put(".ssh/known_hosts", &known(server));
    crate::doctor::keygen(&host.path(".ssh/id_ed25519"));
    let key = host.read(".ssh/id_ed25519.pub").unwrap();
    authorize(&world, &key);
    let repo = format!("ssh://127.0.0.1:{}{}", server.port(), world.repo.url());
    world.repo.git(&["remote", "set-url", "origin", &repo]);
    world.repo.git(&["remote", "set-url", "--push", "origin", &world.repo.url()]);
    world.config(&format!(
        "[deploy.production]\nhost = \"web1\"\nrepo = {repo:?}\nref = \"main\"\npath = \"app\"\n"
    ));
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production", "check"]).ends_with(0);
    world
}

fn known(server: &Host) -> String {
    format!("[127.0.0.1]:{} {}\n", server.port(), server.public_key())
}

fn authorize(world: &World, key: &str) {
    let file = world.home().join(".ssh/id_ed25519.pub");
    fs::File::options().append(true).open(file).unwrap().write_all(key.as_bytes()).unwrap();
}

#[test]
fn a_git_server_whose_key_is_not_known() {
    let world = served();
    let (host, server) = (world.host("web1"), world.host("web2"));
    fs::remove_file(host.path(".ssh/known_hosts")).unwrap();
    let print = said("ssh-keygen", &format!("-lf {}", server.path("../server/key.pub").display()));
    let print = print.split(' ').nth(1).unwrap();
    world
        .shipit(&["production", "check"])
        .ends_with(1)
        .says("broken: unknown host key of the git server")
        .says(&format!("only if {print} is the fingerprint"));
    cured(&world);
    assert_eq!(host.read(".ssh/known_hosts"), Some(known(server)));
}

#[test]
fn a_git_server_that_shows_another_key() {
    let world = served();
    let key = world.host("web1").public_key();
    world
        .host("web1")
        .put(".ssh/known_hosts", &known(world.host("web2")).replace(&world.host("web2").public_key(), &key));
    world
        .shipit(&["production", "check"])
        .ends_with(1)
        .says("is not the one that this host knows")
        .does_not_say("echo ");
}

#[test]
fn a_git_server_that_cannot_be_scanned() {
    let world = served();
    fs::remove_file(world.host("web1").path(".ssh/known_hosts")).unwrap();
    world.host("web1").tool("ssh-keyscan", "#!/bin/sh\nexit 1\n");
    world.shipit(&["production", "check"]).ends_with(1).says("ssh shows the fingerprint and asks");
}

#[test]
fn no_access_to_the_repository() {
    let world = served();
    let host = world.host("web1");
    crate::doctor::keygen(&host.path(".ssh/id_ed25519"));
    let run = world
        .shipit(&["production", "check"])
        .ends_with(1)
        .says("the git server rejected every key of this host");
    authorize(&world, &paste(&world, &remedies(&run)[0]).ends_with(0).stdout);
    world.shipit(&["production", "check"]).ends_with(0);

    fs::remove_dir_all(host.path(".ssh")).unwrap();
    host.put(".ssh-config", "");
    let ssh = host.path(".ssh").display().to_string();
    let config = format!(
        "Host *\n  User {}\n  IdentityFile {ssh}/id_ed25519\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n",
        said("id", "-un")
    );
    host.put("ssh-config", &config);
    let program = crate::common::require("ssh");
    host.tool(
        "ssh",
        &format!("#!/bin/sh\nexec {} -F {}/ssh-config \"$@\"\n", program.display(), host.path("").display()),
    );
    let run = world.shipit(&["production", "check"]).ends_with(1).says("rejected every key of this host");
    authorize(&world, &paste(&world, &remedies(&run)[0]).ends_with(0).stdout);
    world.shipit(&["production", "check"]).ends_with(0);
}

#[test]
fn a_git_server_that_is_not_there() {
    let world = served();
    world.host("web2").kill_sshd();
    let run = world
        .shipit(&["production", "check"])
        .ends_with(1)
        .says("the git server cannot be reached from here");
    let run = run.says("this machine\n  warning: git here cannot resolve the ref");
    remedies(&run).iter().for_each(|line| assert_ne!(paste(&world, line).code, Some(0)));
    world.host("web2").start();
    remedies(&run).iter().for_each(|line| drop(paste(&world, line).ends_with(0)));
    world.shipit(&["production", "check"]).ends_with(0);
}

#[test]
fn a_repository_and_a_branch_that_are_not_there() {
    let world = served();
    world.repo.take_origin_away();
    world.shipit(&["production", "check"]).ends_with(1).says("there is no repository ssh://");
    world.repo.bring_origin_back();
    let toml = fs::read_to_string(world.repo.work().join("shipit.toml")).unwrap();
    world.config(&toml.replace("ref = \"main\"", "ref = \"maim\""));
    let run =
        world.shipit(&["production", "check"]).ends_with(1).says("this machine\n  broken: ").says("maim");
    paste(&world, &remedies(&run)[0]).ends_with(0).says("refs/heads/main");
}

#[test]
fn what_is_not_pushed_only_warns() {
    let world = served();
    world.repo.commit(&[("page", "two")]);
    world
        .shipit(&["production", "check"])
        .ends_with(0)
        .says("warning: 1 commit is not pushed and would not be deployed");
    cured(&world);
    world.repo.write("page", "three");
    world
        .shipit(&["production", "check"])
        .ends_with(0)
        .says("warning: page has uncommitted changes that would not be deployed");
    // Another address, perhaps of the same repository.
    world.repo.git(&["remote", "set-url", "origin", "work:acme/origin.git"]);
    let run = world.shipit(&["production", "check"]).ends_with(0);
    run.says("the remote of this work tree is work:acme/origin.git").says("remote set-url origin ");
}

#[test]
fn an_agent_that_is_gone() {
    let world = served();
    world.env("SSH_AUTH_SOCK", "/nowhere/agent");
    world.shipit(&["production", "check"]).ends_with(0).says("and no agent answers there");
}
