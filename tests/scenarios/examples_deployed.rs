//! The examples are whole projects: each is deployed as it lies there, with names and ports of this machine.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::common::booted::{self, Booted};
use crate::common::supervised::{Program, Supervisor, free_port, served};
use crate::common::{Kind, World, eventually};
use crate::examples::root;

/// Puts the files of an example into the work tree, with other texts in places of its own, and publishes them.
fn publish(world: &World, example: &str, places: &[(&str, String)]) -> String {
    let mut files = Vec::new();
    let top = root(&format!("examples/{example}"));
    let mut open = vec![top.clone()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).unwrap().flatten() {
            if entry.path().is_dir() {
                open.push(entry.path());
                continue;
            }
            let name = entry.path().strip_prefix(&top).unwrap().to_str().unwrap().to_owned();
            files.push((name, filled(&fs::read_to_string(entry.path()).unwrap(), places)));
        }
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    world.repo.publish(&files)
}

fn filled(text: &str, places: &[(&str, String)]) -> String {
    places.iter().fold(text.to_owned(), |text, (place, with)| text.replace(place, with))
}

/// What every example says of its host, login and repository.
fn places(world: &World, path: &str) -> Vec<(&'static str, String)> {
    let hosts = world.hosts().iter().map(|host| format!("{:?}", host.name())).collect::<Vec<_>>().join(", ");
    vec![
        ("\"web1.example.com\", \"web2.example.com\"", hosts),
        ("\"web1.example.com\"", "\"web1\"".into()),
        ("user = \"node\"\n", String::new()),
        ("user = \"shop\"\n", String::new()),
        ("user = \"www\"\n", String::new()),
        ("git@github.com:acme/shop.git", world.repo.url()),
        ("https://git.example.com/acme/site.git", world.repo.url()),
        ("/var/www/site", path.to_owned()),
    ]
}

fn deploy(world: &World) {
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production", "--force"]).ends_with(0);
}

fn serves(port: u16, text: &str) {
    eventually(&format!("{text} on {port}"), || served(port).is_some_and(|answer| answer.contains(text)));
}

#[test]
fn a_static_site_and_several_repositories() {
    let world = World::new(Kind::Sshd, 1);
    let host = world.host("web1");
    publish(&world, "one-server", &places(&world, "site"));
    deploy(&world);
    assert!(host.read("site/current/public/index.html").unwrap().contains("Our site"));
    assert!(host.path("site/current/public/index.html.gz").exists());

    let text = fs::read_to_string(root("examples/several-repositories/shipit.toml")).unwrap();
    let mut all = places(&world, "");
    for app in ["api", "web"] {
        let bare = world.root().join(format!("{app}.git"));
        let work = world.root().join(format!("{app}-work"));
        world.repo.git(&["init", "-q", "--bare", "-b", "main", bare.to_str().unwrap()]);
        world.repo.git(&["clone", "-q", bare.to_str().unwrap(), work.to_str().unwrap()]);
        for entry in fs::read_dir(root(&format!("examples/several-repositories/{app}"))).unwrap().flatten() {
            fs::copy(entry.path(), work.join(entry.file_name())).unwrap();
        }
        let in_work =
            |arguments: &[&str]| world.repo.git(&[&["-C", work.to_str().unwrap()], arguments].concat());
        in_work(&["add", "-A"]);
        in_work(&["commit", "-q", "-m", app]);
        in_work(&["push", "-q", "origin", "HEAD:main"]);
        all.push(if app == "api" {
            ("git@github.com:acme/api.git", bare.to_str().unwrap().to_owned())
        } else {
            ("git@github.com:acme/web.git", bare.to_str().unwrap().to_owned())
        });
    }
    all.insert(0, ("\"web1.example.com\", \"web2.example.com\"", "\"web1\"".into()));
    world.repo.write("shipit.toml", &filled(&text, &all));
    deploy(&world);
    assert_eq!(host.read("api/current/answer.txt").as_deref(), Some("42\n"));
    assert!(host.read("web/current/index.html").unwrap().contains("shop"));
}

#[test]
fn node_under_pm2() {
    let bin = crate::common::pm2(7);
    let world = World::new(Kind::Sshd, 1);
    let port = free_port();
    let mut places = places(&world, "");
    places.push(("3000", port.to_string()));
    places.push(("supervisor = \"pm2\"", format!("prepend-path = [{bin:?}]\nsupervisor = \"pm2\"")));
    let revision = publish(&world, "node-pm2", &places);
    deploy(&world);
    serves(port, &revision);
}

#[test]
fn python_under_supervisord() {
    let world = World::new(Kind::Sshd, 1);
    let (host, port) = (world.host("web1"), free_port());
    let mut daemon = Supervisor::set_up(Program::Supervisord, &host.path(""), &host.path("shop"), &[port]);
    let mut places = places(&world, "");
    places.push(("8000", port.to_string()));
    places.push(("/home/shop/", format!("{}/", host.path("").display().to_string().trim_end_matches('/'))));
    let bin = daemon.path().split(':').next().unwrap().to_owned();
    places.push(("supervisor = {", format!("prepend-path = [{bin:?}]\nsupervisor = {{")));
    // Includes what the example has for supervisord's own file.
    let own = host.read("supervisord.conf").unwrap();
    let program = fs::read_to_string(root("examples/python-supervisord/deploy/supervisord.conf")).unwrap();
    let (own, _) = own.split_once("[program:").unwrap();
    let program = filled(&program, &places).replace("autorestart=true", "autorestart=true\nautostart=false");
    host.put("supervisord.conf", &format!("{own}{program}"));
    fs::create_dir_all(host.path("shop/shared/log")).unwrap();
    daemon.start();
    eventually("the daemon answers", || daemon.is_up());
    let revision = publish(&world, "python-supervisord", &places);
    deploy(&world);
    serves(port, &revision);
    daemon.kill();
}

/// Both on one machine that was booted: that takes most of the time.
#[test]
fn node_and_a_binary_under_systemd() {
    if let Some(why) = booted::impossible() {
        eprintln!("not run: a systemd of its own cannot be booted here: {why}");
        return;
    }
    let world = World::new(Kind::Sshd, 1);
    let base = world.root().canonicalize().unwrap();
    for directory in ["units", "home"] {
        fs::create_dir_all(base.join(directory)).unwrap();
    }
    let host = world.host("web1");
    let examples = [("node-systemd", "3000", "node"), ("binary-systemd", "7000", "shop")];
    let ready: Vec<_> = examples
        .iter()
        .map(|(example, port_there, login)| {
            let (port, path) = (free_port(), host.path(example));
            let mut places = places(&world, "");
            places.push((port_there, port.to_string()));
            places.push(("/srv/shop", path.to_str().unwrap().to_owned()));
            places.push(("unit = \"shop\"", format!("unit = \"{example}\"")));
            // Root needs no sudo.
            places.push((", sudo = true", String::new()));
            let unit = fs::read_to_string(root(&format!("examples/{example}/deploy/shop.service"))).unwrap();
            let unit = filled(&unit, &places).replace(&format!("User={login}\n"), "");
            fs::write(base.join(format!("units/{example}.service")), unit).unwrap();
            (*example, port, places)
        })
        .collect();
    let booted = Booted::start(&base);
    let login = base.join(host.name()).join("login");
    let inside = login.with_extension("inside");
    fs::rename(&login, &inside).unwrap();
    fs::write(&login, format!("#!/bin/sh\nexec {} {}\n", booted.way_in().join(" "), inside.display()))
        .unwrap();
    fs::set_permissions(&login, fs::Permissions::from_mode(0o755)).unwrap();
    for (example, port, places) in ready {
        let revision = publish(&world, example, &places);
        deploy(&world);
        serves(port, &revision);
    }
}
