//! A host that cannot reach its repository: each way to be kept out is made real, told apart, and what the report says
//! to paste is pasted, after which it works.
//!
//! The git server is a host of the world, a real sshd on loopback; the operator reaches it, so that what fails
//! is the host's own access.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use crate::common::{Kind, Run, World};
use crate::common_ssh::Agent;

/// `web1`, to be deployed to, and `web2`, which serves the repository over ssh. Both have an ssh of their own
/// home: OpenSSH's takes the account's, whatever HOME says.
fn world() -> World {
    let world = World::new(Kind::Sshd, 2);
    let ssh = "#!/bin/sh\nexec /usr/bin/ssh -F \"$HOME/.ssh/config\" \"$@\"\n";
    world.host("web1").tool("ssh", ssh);
    world.tool("ssh", ssh);
    world.tool("shipit", &format!("#!/bin/sh\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_shipit")));
    let home = world.host("web1").path("");
    world.host("web1").put(
        ".ssh/config",
        &format!(
            "Host *\n  UserKnownHostsFile {0}/.ssh/known_hosts\n  GlobalKnownHostsFile /dev/null\n  \
             IdentityFile {0}/.ssh/id_ed25519\n  IdentitiesOnly yes\n  IdentityAgent none\n",
            home.display()
        ),
    );
    fs::set_permissions(home.join(".ssh"), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    world.publish("one");
    serve_from(&world, &url(&world, &world.repo.url()));
    world
}

fn url(world: &World, path: &str) -> String {
    let user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
    format!("ssh://{}@127.0.0.1:{}{path}", user.trim(), world.host("web2").port())
}

fn serve_from(world: &World, repo: &str) {
    world.config(&format!(
        "[deploy.production]\nhost = \"web1\"\nrepo = {repo:?}\nref = \"main\"\npath = \"app\"\n"
    ));
}

/// The git server is known on web1.
fn introduce(world: &World) {
    let server = world.host("web2");
    let line = format!("[127.0.0.1]:{} {}\n", server.port(), server.public_key());
    world.host("web1").put(".ssh/known_hosts", &line);
}

/// web1 has a key that the git server takes.
fn let_in(world: &World) {
    let key = world.host("web1").path(".ssh/id_ed25519");
    fs::copy(world.home().join(".ssh/id_ed25519"), &key).unwrap();
}

/// Runs the lines of the remedy as the operator would; what they printed.
fn paste(world: &World, run: &Run) -> String {
    let lines = run.stderr.lines().map(|line| line.trim_start_matches([' ', '→']));
    let lines: Vec<&str> =
        lines.filter(|line| line.starts_with("ssh web1 ") || line.starts_with("shipit ")).collect();
    assert!(!lines.is_empty(), "nothing to paste in {run}");
    lines.iter().fold(String::new(), |said, line| {
        let out = world.command(Path::new("/bin/sh")).args(["-c", line]).output().unwrap();
        let (stdout, stderr) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert!(out.status.success(), "{line}\n{stdout}\n{stderr}");
        said + &stdout
    })
}

#[test]
fn an_unknown_host_key_of_the_git_server() {
    let world = world();
    let_in(&world);
    let run = world.shipit(&["production", "setup"]).ends_with(1);
    let port = world.host("web2").port();
    let said = format!("does not know the host key of the git server 127.0.0.1:{port}");
    let run = run.says("fetch failed on web1").says(&said);
    let shown = paste(&world, &run);
    assert!(shown.contains("SHA256:"), "{shown}");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    world.host("web1").serves("one");

    // Once something is live, exec says it to all hosts at once.
    fs::remove_file(world.host("web1").path(".ssh/known_hosts")).unwrap();
    world.publish("two");
    let run = world.shipit(&["production"]).ends_with(1).says(&said).says("shipit production exec ");
    paste(&world, &run);
    world.shipit(&["production"]).ends_with(0);
    world.host("web1").serves("two");
}

#[test]
fn a_changed_host_key_of_the_git_server() {
    let world = world();
    let_in(&world);
    let port = world.host("web2").port();
    let other = world.host("web1").public_key();
    world.host("web1").put(".ssh/known_hosts", &format!("[127.0.0.1]:{port} {other}\n"));
    let run = world.shipit(&["production", "setup"]).ends_with(1);
    let run =
        run.says("is not the one that this host knows").says("someone may be intercepting the connection");
    paste(&world, &run);
    world.shipit(&["production", "setup"]).ends_with(0);
}

#[test]
fn a_host_without_a_key_is_shown_how_to_make_one() {
    let world = world();
    introduce(&world);
    let run = world.shipit(&["production", "setup"]).ends_with(1).says("rejected every SSH key of this host");
    let shown = paste(&world, &run);
    assert!(shown.starts_with("ssh-ed25519 "), "{shown}");
    let mut taken =
        fs::OpenOptions::new().append(true).open(world.home().join(".ssh/id_ed25519.pub")).unwrap();
    taken.write_all(shown.as_bytes()).unwrap();
    world.shipit(&["production", "setup"]).ends_with(0);
}

#[test]
fn a_repository_that_is_not_there() {
    let world = world();
    introduce(&world);
    let_in(&world);
    serve_from(&world, &url(&world, "/nowhere/shop.git"));
    let run = world.shipit(&["production", "setup"]).ends_with(1);
    run.says("/nowhere/shop.git does not exist, or this host may not read it").says("check `repo`");
    serve_from(&world, "/nowhere/shop.git");
    let run = world.shipit(&["production", "setup"]).ends_with(1);
    run.says("/nowhere/shop.git does not exist").says("a path is one on the host itself");
}

#[test]
fn a_git_server_that_cannot_be_reached() {
    let world = world();
    introduce(&world);
    let_in(&world);
    world.host("web2").kill_sshd();
    let run = world.shipit(&["production", "setup"]).ends_with(1);
    run.says("refused the connection").says("check address and port");
    serve_from(&world, "ssh://git@git.invalid/shop.git");
    let run = world.shipit(&["production", "setup"]).ends_with(1);
    run.says("cannot resolve the name of the git server git.invalid").says("getent hosts git.invalid");
}

#[test]
fn a_repository_of_another_user() {
    let world = world();
    // What git itself has for tests of this: everything seems to be another's.
    world.host("web1").tool(
        "git",
        "#!/bin/sh\nGIT_TEST_ASSUME_DIFFERENT_OWNER=1\nexport GIT_TEST_ASSUME_DIFFERENT_OWNER\nexec /usr/bin/git \"$@\"\n",
    );
    for repo in [world.repo.url(), world.repo.work().display().to_string()] {
        serve_from(&world, &repo);
        let run = world.shipit(&["production", "setup"]).ends_with(1);
        let run = run.says("belongs to another user on this host").says("safe.directory");
        paste(&world, &run);
        world.shipit(&["production", "setup"]).ends_with(0);
    }
}

#[test]
fn a_ref_that_is_not_there_names_the_nearest() {
    let world = World::new(Kind::InProcess, 1);
    world.repo.branch("feature/basket");
    world.publish("one");
    world.production("");
    world.shipit(&["production", "setup"]).ends_with(0);
    let run = world.shipit(&["production", "ref", "feature/baskte"]).ends_with(1);
    run.says("no branch, tag or commit feature/baskte").says("did you mean `feature/basket`?");
    world.host("web1").is_at_rest();
}

#[test]
fn a_password_in_the_address_is_refused_and_not_shown() {
    let world = World::new(Kind::InProcess, 1);
    serve_from(&world, "http://me:s3cret@127.0.0.1:1/shop.git");
    for command in
        [&["production", "setup"][..], &["production", "config"], &["production", "config", "repo"]]
    {
        world.shipit(command).ends_with(2).says("repo-token").does_not_say("s3cret");
    }
    world.production("");
    let setting = "repo=https://me:s3cret@example.com/shop.git";
    world.shipit(&["production", "config", "--set", setting]).ends_with(2).does_not_say("s3cret");
}

/// How git reaches ssh is the login's own, where it says so; where it does not, hooks do not find ours.
#[test]
fn the_logins_own_way_to_ssh() {
    let world = world();
    introduce(&world);
    let key = world.host("web1").path("own key");
    fs::copy(world.home().join(".ssh/id_ed25519"), &key).unwrap();
    let url = url(&world, &world.repo.url());
    world.config(&format!(
        "[deploy.production]\nhost = \"web1\"\nrepo = {url:?}\nref = \"main\"\npath = \"app\"\n\
         pre-deploy = \"echo ${{GIT_SSH_COMMAND-nothing}} >$HOME/told\"\n"
    ));
    let config = format!("[core]\n\tsshCommand = ssh -i '{}'\n", key.display());
    world.host("web1").put(".gitconfig", &config);
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    world.host("web1").serves("one");
    assert_eq!(world.host("web1").read("told").unwrap(), "nothing\n");
    world.shipit(&["production", "check"]).ends_with(0);
    fs::remove_file(world.host("web1").path(".gitconfig")).unwrap();
    world.publish("two");
    world.shipit(&["production"]).ends_with(1).says("rejected every SSH key of this host");
}

#[test]
fn an_agent_that_is_lent_lets_git_in_and_hooks_see_none_of_it() {
    let world = world();
    introduce(&world);
    let web1 = world.host("web1");
    let home = web1.path("");
    web1.put(".ssh/config", &format!("Host *\n  UserKnownHostsFile {}/.ssh/known_hosts\n", home.display()));
    let agent = Agent::start(world.root());
    agent.add(&world.home().join(".ssh/id_ed25519"), "");
    world.env("SSH_AUTH_SOCK", &agent.socket.to_string_lossy());
    let deploy = |lends: &str| {
        serve_from(&world, &url(&world, &world.repo.url()));
        let file = world.repo.work().join("shipit.toml");
        let seen = r#"build = 'echo ${SSH_AUTH_SOCK:+an agent} >>"$HOME/seen"'"#;
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("{text}{seen}\nforward-agent = {lends}\n")).unwrap();
        world.shipit(&["production", "setup"]).ends_with(0);
        world.shipit(&["production", "-y"]).ends_with(0);
        let seen = web1.read("seen").unwrap();
        let seen = seen.lines().last().unwrap_or_default().to_owned();
        let exec =
            world.shipit(&["production", "exec", "echo \"[${SSH_AUTH_SOCK:+an agent}]\""]).ends_with(0);
        assert!(exec.stdout.contains(&format!("[{seen}]")), "{exec}");
        seen
    };
    assert_eq!(deploy("true"), "");
    world.publish("two");
    assert_eq!(deploy("\"all\""), "an agent");
    // Without it the host is kept out.
    world.publish("three");
    let alone = || {
        serve_from(&world, &url(&world, &world.repo.url()));
        world.shipit(&["production"]).ends_with(1).says("rejected every SSH key of this host");
    };
    alone();
    // It is the same over the system's ssh.
    world.reach_by_openssh();
    alone();
    assert_eq!(deploy("\"git\""), "");
    world.publish("four");
    assert_eq!(deploy("\"all\""), "an agent");
}
