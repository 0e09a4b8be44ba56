//! `shipit import`: from pm2's file to a `shipit.toml` that means the same, with what only the hosts know.

use std::fs;
use std::process::Command;

use crate::common::{Kind, World};

fn ecosystem(world: &World) {
    let hosts: Vec<String> = world.hosts().iter().map(|host| format!("'{}'", host.name())).collect();
    let repo = world.repo.url();
    let text = format!(
        "module.exports = {{\n  apps: [{{ name: 'web', script: 'a.js', instances: 4 }}, {{ name: 'mail', script: 'm.js' }}],\n  deploy: {{\n    production: {{\n      host: [{}], ref: 'origin/main', repo: '{repo}', path: 'app', copy: true,\n      env: {{ TOKEN: process.env.TOKEN, API_KEY: 'in-the-file', MODE: 'production' }},\n      'post-deploy': 'touch built && cat .env >~/said',\n    }},\n  }},\n}};\n",
        hosts.join(", ")
    );
    world.repo.write("ecosystem.config.js", &text);
    fs::write(world.repo.work().join(".git/info/exclude"), "/ecosystem.*\n/shipit.toml\n").unwrap();
    world.env("TOKEN", "s3cret-of-ann");
}

/// What `pm2 deploy` leaves on a host.
fn adopt(world: &World, host: &str, files: &[&str]) {
    let host = world.host(host);
    let root = host.path("app");
    fs::create_dir_all(root.join("shared/logs")).unwrap();
    let cloned = Command::new("git")
        .args(["clone", "-q", &world.repo.url()])
        .arg(root.join("source"))
        .output()
        .unwrap();
    assert!(cloned.status.success(), "{cloned:?}");
    std::os::unix::fs::symlink(root.join("source"), root.join("current")).unwrap();
    fs::write(root.join(".deploys"), "abc\n").unwrap();
    for file in files {
        let file = root.join("source").join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "x").unwrap();
    }
}

#[test]
fn an_import_writes_what_the_hosts_hold_and_changes_nothing_there() {
    let world = World::new(Kind::Sshd, 2);
    ecosystem(&world);
    world.publish("one");
    adopt(&world, "web1", &[".env", "uploads/a.png", "node_modules/x/y", "a\nb", "old.tar.gz", "with space"]);
    adopt(&world, "web2", &[".env", "page"]);
    let listing = |name: &str| {
        let path = world.host(name).path("app");
        let listed = Command::new("find").arg(&path).args(["-printf", "%p %s %T@ %m\n"]).output().unwrap();
        String::from_utf8(listed.stdout).unwrap()
    };
    let before = ["web1", "web2"].map(listing);
    let run = world.shipit(&["import"]).ends_with(0);
    assert_eq!(["web1", "web2"].map(listing), before, "hosts are only read");
    for said in [
        "web (cluster x4): today unknown",
        "mail (fork): today unknown",
        "web1 and web2: how apps run: pm2 is not on the PATH of a plain session",
        "kept, in `shared`: .env uploads/",
        "built again: node_modules/",
        "to decide: ",
        "web2: files of the repository were changed",
        "unknown key `copy`",
        "shipit production check",
        "variables TOKEN",
        "API_KEY: a secret in plain text?",
    ] {
        assert!(run.stdout.contains(said), "{said}: {run}");
    }
    assert!(
        run.stdout.lines().count() <= 24 && run.stdout.lines().all(|line| line.chars().count() < 80),
        "{run}"
    );
    let text = fs::read_to_string(world.repo.work().join("shipit.toml")).unwrap();
    assert!(text.contains("shared = [\".env\", \"uploads/\", \"with space\"]"), "{text}");
    assert!(text.contains("TOKEN = \"${TOKEN}\"") && !text.contains("s3cret"), "{text}");
    assert!(
        text.contains("# in plain text; \"${API_KEY}\" would take it from your variable\nAPI_KEY ="),
        "{text}"
    );
    world.shipit(&["import"]).ends_with(3).says("already exists");
    assert_eq!(fs::read_to_string(world.repo.work().join("shipit.toml")).unwrap(), text);
}

#[test]
fn what_is_imported_deploys_as_the_file_itself_does() {
    let world = World::new(Kind::Sshd, 1);
    ecosystem(&world);
    world.publish("one");
    world.shipit(&["ecosystem.config.js", "production", "setup"]).ends_with(0);
    world.host("web1").put("app/shared/.env", "A=b\n");
    world.shipit(&["production", "--set", "shared=[\".env\"]"]).ends_with(0);
    world.serve("one");
    world.shipit(&["ecosystem.config.js", "import", "--no-hosts"]).ends_with(0).says("could not ask");
    let file = world.repo.work().join("shipit.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("path = \"app\"", "path = \"app\"\nshared = [\".env\"]")).unwrap();
    world.shipit(&["production"]).ends_with(0).says("nothing to do");
    world.deploy("two");
    assert_eq!(world.host("web1").read("said").as_deref(), Some("A=b\n"));
}

#[test]
fn hosts_that_cannot_be_asked_are_named_and_stop_nothing() {
    let world = World::new(Kind::Sshd, 1);
    ecosystem(&world);
    world.publish("one");
    world.host("web1").kill_sshd();
    let run = world.shipit(&["import"]).ends_with(0).says("could not ask");
    assert!(run.stdout.contains("web1"), "{run}");
    assert!(world.repo.work().join("shipit.toml").exists());
    world.shipit(&["-c", "shipit.toml", "import"]).ends_with(2).says("import reads those of other tools");
    fs::remove_file(world.repo.work().join("shipit.toml")).unwrap();
    fs::remove_file(world.repo.work().join("ecosystem.config.js")).unwrap();
    world.shipit(&["import"]).ends_with(2).says("nothing to import");
}

/// Files of other tools for the host of this world, each with something that must not run here.
fn of_other_tools(world: &World) -> [(&'static str, String); 3] {
    let (host, repo) = (world.hosts()[0].name().to_owned(), world.repo.url());
    [
        (
            "config/deploy.rb",
            format!(
                "set :repo_url, '{repo}'\nset :branch, 'main'\nset :deploy_to, 'app'\nsystem('touch ran')\nset :x, `touch ran`\nserver '{host}', roles: %w[web]\n"
            ),
        ),
        (
            "deploy.php",
            format!(
                "<?php\nset('repository', '{repo}');\nset('branch', 'main');\nshell_exec('touch ran');\nhost('{host}')->set('deploy_path', 'app');\n"
            ),
        ),
        (
            "shipitfile.js",
            format!(
                "// Deploys\nmodule.exports = shipit => {{\n  require('shipit-deploy')(shipit);\n  shipit.local('touch ran');\n  shipit.initConfig({{\n    default: {{ repositoryUrl: '{repo}', branch: 'main', deployTo: 'app' }},\n    production: {{ servers: ['{host}'] }},\n  }});\n}};\n"
            ),
        ),
    ]
}

#[test]
fn files_of_other_tools_are_imported_planned_and_deployed_and_nothing_of_them_runs() {
    let world = World::new(Kind::Sshd, 1);
    fs::write(
        world.repo.work().join(".git/info/exclude"),
        "/config/\n/deploy.php\n/shipitfile.js\n/shipit.toml\n",
    )
    .unwrap();
    world.publish("one");
    let written = world.repo.work().join("shipit.toml");
    for (name, text) in of_other_tools(&world) {
        world.repo.write(name, &text);
        let run = world.shipit(&["-c", name, "import"]).ends_with(0);
        assert!(run.stdout.contains("not taken over") && run.stdout.contains(":4: "), "{run}");
        world.shipit(&["production", "config"]).ends_with(0);
        world.shipit(&["production", "setup"]).ends_with(0);
        world.shipit(&["production", "plan"]).ends_with(0);
        world.shipit(&["production"]).ends_with(0);
        assert!(!world.repo.work().join("ran").exists(), "{name}");
        fs::remove_file(&written).unwrap();
        fs::remove_file(world.repo.work().join(name)).unwrap();
    }
}
