//! `shipit init`: a first configuration, filled from the work tree, that never costs anybody a file.

use std::fs;
use std::os::unix::fs::symlink;

use crate::common::{Kind, Terminal, World, eventually};
use shipit::config;

fn world() -> World {
    World::new(Kind::InProcess, 0)
}

#[test]
fn the_file_says_what_the_work_tree_says() {
    let world = world();
    world.repo.git(&["remote", "set-url", "origin", "git@example.com:acme/shop.git"]);
    world.repo.branch("release/2");
    let run = world.shipit(&["init"]).ends_with(0);
    run.says("git@example.com:acme/shop.git").says("release/2").says("shipit production check");
    let file = world.repo.work().join("shipit.toml");
    let production = config::load(&file, "production").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(production.apps[0].repo, "git@example.com:acme/shop.git");
    assert_eq!(production.apps[0].reference, "release/2");
    assert_eq!(production.sites[0].path.as_str(), "work", "in the home, as the directory is called");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("# what the hosts fetch from"), "comments stay: {text}");
    world.shipit(&["production", "setup", "-n"]).ends_with(0);
}

#[test]
fn what_nobody_knows_is_left_to_the_user() {
    let world = world();
    world.shipit(&["init"]).ends_with(0);
    let file = world.repo.work().join("shipit.toml");
    let production = config::load(&file, "production").unwrap_or_else(|error| panic!("{error}"));
    assert!(production.apps[0].supervisors.is_empty(), "no such service exists yet");
    assert!(production.apps[0].hooks.build.is_empty(), "this is no project of node's");
    assert_eq!(production.hosts[0].user, None, "~/.ssh/config may know");
    let text = fs::read_to_string(&file).unwrap();
    for line in ["# user = ", "# build = ", "# supervisor = "] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[test]
fn a_project_of_node_is_built_with_npm() {
    let world = world();
    world.repo.write("package.json", "{}");
    world.repo.write("package-lock.json", "{}");
    world.shipit(&["init"]).ends_with(0);
    let file = world.repo.work().join("shipit.toml");
    let production = config::load(&file, "production").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(production.apps[0].hooks.build[0].text, "npm ci --omit=dev");
}

#[test]
fn a_project_with_a_file_for_pm2_runs_by_it() {
    let world = world();
    world.repo.write("package.json", "{}");
    world.repo.write("ecosystem.config.js", "module.exports = {}");
    world.shipit(&["init"]).ends_with(0).says("runs   by pm2");
    let file = world.repo.work().join("shipit.toml");
    let production = config::load(&file, "production").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(production.apps[0].supervisors[0].known().unwrap().program, config::Program::Pm2);
}

/// Answers each question, once it is asked.
#[track_caller]
fn answers(world: &World, dialogue: &[(&str, &str)]) -> Terminal {
    let mut terminal = world.shipit_at_terminal(&["init"]);
    for (question, answer) in dialogue {
        eventually(question, || terminal.shown().trim_end().ends_with(question));
        terminal.types(&format!("{answer}\r"));
    }
    assert_eq!(terminal.wait(), Some(0), "{}", terminal.shown());
    terminal
}

#[test]
fn what_only_the_user_knows_is_asked_and_enter_takes_what_was_found() {
    let world = world();
    world.repo.write("package.json", r#"{ "scripts": { "build": "vite build" } }"#);
    world.repo.write("package-lock.json", "{}");
    let hosts = "web[1:3].example.com):";
    let terminal = answers(
        &world,
        &[
            (hosts, "web1 -x"),
            (hosts, "web1, ops@web2:2222"),
            ("ssh/config says]:", "deploy"),
            ("directory there [~/work]:", "/srv/shop"),
            ("[npm ci --include=dev && npm run build]:", ""),
            ("or a command [none yet]:", "systemctl --user restart shop"),
        ],
    );
    let shown = terminal.shown();
    assert!(shown.contains("`-x` is not a host"), "{shown}");
    assert!(shown.contains("next:\r\n  shipit production check"), "{shown}");
    let production = config::load(&world.repo.work().join("shipit.toml"), "production")
        .unwrap_or_else(|error| panic!("{error}"));
    let hosts: Vec<&str> = production.hosts.iter().map(|host| host.name.as_str()).collect();
    assert_eq!(hosts, ["web1", "web2"]);
    assert_eq!(production.hosts[0].user.as_deref(), Some("deploy"));
    assert_eq!(production.sites[0].path.as_str(), "/srv/shop");
    let app = &production.apps[0];
    assert_eq!(app.hooks.build[0].text, "npm ci --include=dev && npm run build");
    assert!(!app.supervisors.is_empty());
}

#[test]
fn where_nothing_is_recognised_an_example_is_offered() {
    let world = world();
    let question = "several-repositories [none]:";
    let terminal = answers(
        &world,
        &[
            (question, "nodejs"),
            (question, "static"),
            ("web[1:3].example.com):", "web1"),
            ("ssh/config says]:", ""),
        ],
    );
    let shown = terminal.shown();
    assert!(shown.contains("no example is called `nodejs`"), "{shown}");
    let file = world.repo.work().join("shipit.toml");
    let production = config::load(&file, "production").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(production.hosts[0].name, "web1");
    assert!(shown.contains("as in the example"), "{shown}");
}

#[test]
fn options_answer_as_well() {
    let world = world();
    let options =
        "init --hosts web1,web[2:3] --user deploy --path /srv/shop --build make --supervisor ./reload";
    world.shipit(&options.split(' ').collect::<Vec<_>>()).ends_with(0);
    let file = world.repo.work().join("shipit.toml");
    let production = config::load(&file, "production").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((production.hosts.len(), production.apps[0].hooks.build[0].text.as_str()), (3, "make"));
    fs::remove_file(&file).unwrap();
    world.shipit(&["init", "--path", "/"]).ends_with(2).says("--path: the root directory cannot be");
    world.shipit(&["init", "--hosts", "-x"]).ends_with(2);
    world.shipit(&["production", "--user", "deploy"]).ends_with(2);
    assert!(!file.exists());
}

#[test]
fn a_file_that_is_there_is_never_touched() {
    let world = world();
    let file = world.repo.work().join("shipit.toml");
    fs::write(&file, "mine").unwrap();
    world.shipit(&["init"]).ends_with(3).says("already exists");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    fs::remove_file(&file).unwrap();
    symlink(world.root().join("elsewhere"), &file).unwrap();
    world.shipit(&["init"]).ends_with(3).says("already exists");
    assert!(!world.root().join("elsewhere").exists(), "a link that leads nowhere is not followed");
}

#[test]
fn no_login_of_the_remote_gets_into_the_file() {
    let world = world();
    world.repo.git(&["remote", "set-url", "origin", "https://me:s3cret@example.com/acme/shop.git"]);
    let run = world.shipit(&["init"]).ends_with(0).says("held a login, which was left out");
    let text = fs::read_to_string(world.repo.work().join("shipit.toml")).unwrap();
    assert!(text.contains("\"https://example.com/acme/shop.git\""), "{text}");
    assert!(!text.contains("s3cret") && !run.stdout.contains("s3cret"), "{run}");
}

#[test]
fn without_a_work_tree_the_examples_stay_and_it_says_so() {
    let world = world();
    let plain = world.root().join("plain");
    fs::create_dir(&plain).unwrap();
    let run = world.shipit(&["-C", plain.to_str().unwrap(), "init"]).ends_with(0);
    run.says("repo   placeholder; no git remote found here")
        .says("ref    placeholder; no branch is checked out here");
    config::load(&plain.join("shipit.toml"), "production").unwrap_or_else(|error| panic!("{error}"));
    world.shipit(&["-C", "/nowhere", "init"]).ends_with(2).says("is not a directory");
}

#[test]
fn a_detached_head_and_a_file_above_are_told() {
    let world = world();
    world.repo.git(&["checkout", "-q", "--detach"]);
    world.production("");
    let below = world.repo.work().join("services/api v2");
    fs::create_dir_all(&below).unwrap();
    let run = world.shipit(&["-C", "services/api v2", "init"]).ends_with(0);
    run.says("ref    placeholder; no branch is checked out here")
        .says("commands that are run here no longer use ");
    let production = config::load(&below.join("shipit.toml"), "production").unwrap();
    assert_eq!(production.sites[0].path.as_str(), "api-v2");
}

#[test]
fn addresses_that_are_not_plain_are_written_and_shown_safely() {
    let world = world();
    world.repo.git(&["config", "remote.origin.url", "/srv/it's \"here\" \\ 100%.git"]);
    world.shipit(&["init"]).ends_with(0).says("the repo is a path");
    let file = world.repo.work().join("shipit.toml");
    assert_eq!(config::load(&file, "production").unwrap().apps[0].repo, "/srv/it's \"here\" \\ 100%.git");
    fs::remove_file(&file).unwrap();
    world.repo.git(&["config", "remote.origin.url", "git@example.com:a\u{1b}[2Jb.git"]);
    let run = world.shipit(&["init"]).ends_with(0).says("repo   placeholder; no git remote found here");
    assert!(!run.stdout.contains('\u{1b}'), "{run}");
}

#[test]
fn a_directory_that_cannot_be_written_to_is_told() {
    let world = world();
    fs::write(world.root().join("file"), "").unwrap();
    let gone = world.root().join("proc");
    symlink("/proc/self", &gone).unwrap();
    let run = world.shipit(&["-C", gone.to_str().unwrap(), "init"]).ends_with(1);
    run.says("cannot write ").says("shipit.toml");
}

#[test]
fn every_template_is_an_example_filled_from_the_work_tree() {
    let world = world();
    world.repo.git(&["remote", "set-url", "origin", "git@example.com:acme/mine.git"]);
    world.repo.branch("release/2");
    world.repo.write("package.json", "{}");
    let file = world.repo.work().join("shipit.toml");
    let templates = [
        "node-pm2",
        "node-systemd",
        "python-supervisord",
        "static",
        "binary-systemd",
        "several-repositories",
    ];
    for template in templates {
        let run = world
            .shipit(&["init", "--template", template, "--hosts", "web[1:3]", "--user", "ann"])
            .ends_with(0);
        run.says("as in the example");
        let production =
            config::load(&file, "production").unwrap_or_else(|error| panic!("{template}: {error}"));
        let app = &production.apps[0];
        assert_eq!(
            (app.repo.as_str(), app.reference.as_str()),
            ("git@example.com:acme/mine.git", "release/2")
        );
        assert_eq!(
            (production.hosts.len(), production.hosts[0].user.as_deref()),
            (3, Some("ann")),
            "{template}"
        );
        assert_ne!(app.hooks.build[0].text, "npm install", "the example's own");
        fs::remove_file(&file).unwrap();
    }
    world.shipit(&["init", "--template", "static", "--build", "make site"]).ends_with(0);
    assert_eq!(config::load(&file, "production").unwrap().apps[0].hooks.build[0].text, "make site");
    fs::remove_file(&file).unwrap();
    world.shipit(&["init", "--template", "node"]).ends_with(2).says("node-systemd");
    world.shipit(&["production", "--template", "static"]).ends_with(2);
}
