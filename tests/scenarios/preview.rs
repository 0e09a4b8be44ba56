//! `plan` of a deploy: above the scripts what it would bring, as far as hosts and repository can be asked, which changes nothing.

use crate::common::{Kind, Run, World};
use serde_json::{Value, json};

on_sshd!(
    the_commits_that_would_go_out_stand_above_the_scripts,
    hosts_that_serve_different_releases_are_told_apart,
);

const REPO: &str = "git@git.example.com:acme/shop.git";

/// `production` on these hosts, of a repository that the operator's git reaches by an address, as hosts do.
fn production_on(world: &World, hosts: &[&str], lines: &str) {
    let rewritten = format!("[url \"{}\"]\n insteadOf = {REPO}\n", world.repo.url());
    world.repo.git(&["config", "--global", &format!("url.{}.insteadOf", world.repo.url()), REPO]);
    world.hosts().iter().for_each(|host| host.put(".gitconfig", &rewritten));
    world.config(&format!(
        "[deploy.production]\nhost = {hosts:?}\nrepo = {REPO:?}\nref = \"main\"\npath = \"app\"\n{lines}\n"
    ));
}

fn production(world: &World, lines: &str) {
    let names: Vec<_> = world.hosts().iter().map(|host| host.name()).collect();
    production_on(world, &names, lines);
}

/// What stands above the scripts, without the lines that every plan has.
fn news(run: &Run) -> Vec<&str> {
    run.stdout.lines().skip(3).take_while(|line| !line.is_empty()).collect()
}

fn document(run: &Run) -> Value {
    assert_eq!(run.stdout.lines().count(), 1, "{run}");
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"))
}

fn the_commits_that_would_go_out_stand_above_the_scripts(kind: Kind) {
    let world = World::new(kind, 2);
    production(&world, "");
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    let one = world.repo.head();
    let run = world.shipit(&["production", "plan"]).ends_with(0);
    assert_eq!(news(&run), [format!("nothing is live yet; {} goes out", &one[..7])], "{run}");
    world.shipit(&["production"]).ends_with(0);
    let nothing = format!("nothing to do: {} is live on all hosts, with this configuration", &one[..7]);
    for options in [&["plan"][..], &["--dry-run"]] {
        let run = world.shipit(&[&["production"], options].concat()).ends_with(0);
        assert_eq!(news(&run), [nothing.as_str()], "{run}");
        assert_eq!(run.stderr, "", "{run}");
    }
    for options in [&["plan", "--scripts"][..], &["-n", "-v"]] {
        let run = world.shipit(&[&["production"], options].concat()).ends_with(0);
        run.says(&format!("# {nothing}\n"))
            .says("## prepare, on all hosts\n")
            .says("## if it fails, on each host\nundo\n");
    }
    let run = world.shipit(&["production", "plan", "--redeploy"]).ends_with(0);
    assert_eq!(news(&run), [format!("{} is live; no commit goes out", &one[..7])]);
    production(&world, "build = 'true'");
    let run = world.shipit(&["production", "plan"]).ends_with(0);
    assert_eq!(news(&run), [format!("{} is live; no commit goes out", &one[..7])]);
    world.repo.git(&["commit", "-q", "--allow-empty", "-m", "mend \u{1b}]0;owned\u{7}it ##[error]"]);
    world.repo.push();
    let two = world.repo.head();
    let written = |host: &crate::common::Host| {
        let stat = |path: &str| std::fs::metadata(host.path(path)).unwrap().modified().unwrap();
        ["app", "app/.shipit", "app/.shipit/logs", "app/source"].map(stat)
    };
    let before: Vec<_> = world.hosts().iter().map(written).collect();
    let run = world.shipit(&["production", "plan"]).ends_with(0);
    assert_eq!(
        news(&run),
        [
            format!("1 commit goes out ({}..{}):", &one[..7], &two[..7]),
            format!("  {} mend it ##[error]", &two[..7])
        ]
    );
    for (host, before) in world.hosts().iter().zip(before) {
        host.is_at_rest();
        host.serves("one");
        assert_eq!(written(host), before, "nothing is written, not even a lock");
    }
    let json = document(&world.shipit(&["production", "plan", "--output", "json"]).ends_with(0));
    let app = &json["apps"][0];
    assert_eq!(app["commits"][0]["commits"][0]["revision"], two.as_str());
    assert_eq!((&app["nothing_to_do"], &app["revision"]), (&false.into(), &two.as_str().into()));
    world.shipit(&["production"]).ends_with(0);
    let run = world.shipit(&["production", "ref", &one, "-n"]).ends_with(0);
    let older = format!(
        "note: {} is older than {}, which is live; a deploy needs --allow-older",
        &one[..7],
        &two[..7]
    );
    run.says(&older).says("this drops 1 live commit:");
}

fn hosts_that_serve_different_releases_are_told_apart(kind: Kind) {
    let world = World::new(kind, 3);
    production_on(&world, &["web1", "web2"], "");
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    let one = world.repo.head();
    world.publish("two");
    world.shipit(&["production", "--hosts", "web2", "--split"]).ends_with(0);
    let two = world.repo.head();
    production(&world, "");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production", "hold", "-m", "freeze"]).ends_with(0);
    let run = world.shipit(&["production", "plan"]).ends_with(0).says("production is held by ");
    let lines = news(&run);
    assert_eq!(lines[0], "on web1:");
    assert_eq!(lines[1], format!("1 commit goes out ({}..{}):", &one[..7], &two[..7]));
    assert_eq!(lines[3..5], ["on web2:", &format!("{} is live; no commit goes out", &two[..7])]);
    assert_eq!(lines[5..], ["on web3:", &format!("nothing is live yet; {} goes out", &two[..7])]);
}

#[test]
fn what_cannot_be_asked_is_named_once_and_the_scripts_are_there() {
    let world = World::new(Kind::Sshd, 2);
    production(&world, "");
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    let one = world.repo.head();
    world.publish("two");
    world.host("web1").kill_sshd();
    let run = world.shipit(&["production", "plan"]).ends_with(0).says("\nprepare ");
    assert_eq!(run.stderr.lines().count(), 2, "{run}");
    assert!(
        run.stderr.ends_with("note: web1 did not answer, and this needs all hosts: it would fail\n"),
        "{run}"
    );
    assert!(run.stderr.starts_with("note: could not ask web1 what is live: cannot connect to web1"), "{run}");
    assert_eq!(news(&run)[0], "on web2:");
    let json = document(&world.shipit(&["production", "plan", "--output=json", "-q"]).ends_with(0));
    assert_eq!(
        (&json["hosts"][0]["failure"]["kind"], &json["hosts"][0]["live"]),
        (&"unreachable".into(), &Value::Null)
    );
    assert_eq!(json["hosts"][1]["live"]["revision"], one.as_str());
    world.host("web1").start();

    // Somebody else pushed what this work tree has not fetched.
    let other = world.root().join("other");
    let there = other.to_str().unwrap();
    world.repo.git(&["clone", "-q", &world.repo.url(), there]);
    world.repo.git(&["-C", there, "commit", "-q", "--allow-empty", "-m", "theirs"]);
    world.repo.git(&["-C", there, "push", "-q", "origin", "HEAD:main"]);
    let theirs = world.repo.git(&["-C", there, "rev-parse", "HEAD"]);
    let run = world.shipit(&["production", "plan"]).ends_with(0).says("\nprepare ");
    assert_eq!(run.stderr.lines().count(), 1, "{run}");
    assert!(run.stderr.contains(": git -C ") && run.stderr.ends_with(" fetch\n"), "{run}");
    assert_eq!(news(&run), [format!("{}..{} goes out", &one[..7], &theirs.trim()[..7])]);

    world.repo.take_origin_away();
    let run = world.shipit(&["production", "plan"]).ends_with(0).says("\nprepare ");
    assert_eq!(run.stderr.lines().count(), 1, "{run}");
    assert!(run.stderr.starts_with("note: could not resolve main here: "), "{run}");
    assert!(run.stderr.contains("a deploy asks web1"), "{run}");
    world.repo.bring_origin_back();
    world
        .shipit(&["production", "ref", "mian", "-n"])
        .ends_with(0)
        .says("did you mean `main`?; a deploy would fail")
        .says("\nprepare ");
}

#[test]
fn an_unknown_host_key_is_asked_and_learned_nothing() {
    let world = World::deployed(Kind::Sshd, 1, "");
    let known = world.home().join(".ssh/known_hosts");
    std::fs::write(&known, "").unwrap();
    let mut terminal = world.shipit_at_terminal(&["production", "plan"]);
    assert_eq!(terminal.wait(), Some(0), "{}", terminal.shown());
    assert!(
        terminal.shown().contains("could not ask web1 what is live: unknown host key of web1"),
        "{}",
        terminal.shown()
    );
    assert_eq!(std::fs::read_to_string(&known).unwrap(), "");
}

#[test]
fn a_plan_as_json_holds_what_the_text_holds() {
    let world = World::new(Kind::InProcess, 2);
    world.env("TOKEN", "correct horse");
    production(
        &world,
        "env = { TOKEN = \"${TOKEN}\", PORT = 3000 }\nbuild = [\"make 'it'\", { run = 'echo here', local = true }]\n\
         drain = { run = 'lb out', local = true }\nmigrate = 'echo migrate'\npost-deploy-local = 'echo over'\n",
    );
    world.publish("one");
    let dry = [
        (&["production", "plan"][..], 0),
        (&["production", "setup", "-n"], 0),
        (&["production", "revert", "-n"], 1),
    ];
    for (args, code) in dry {
        let text = world.shipit(&[args, &["-v"]].concat()).ends_with(code);
        let run = world.shipit(&[args, &["--output", "json"]].concat()).ends_with(code);
        let run = run.does_not_say("correct horse");
        let json = document(&run);
        let (mut scripts, mut hooks, mut asked) = (0, 0, 0);
        for stage in json["stages"].as_array().unwrap() {
            for script in stage["scripts"].as_array().into_iter().flatten() {
                scripts += 1;
                assert!(text.stdout.contains(script["script"].as_str().unwrap()), "{script} in {text}");
            }
            asked += usize::from(stage["health"].is_array());
            hooks += stage["hooks"].as_array().map_or(0, Vec::len);
        }
        let titles = text.stdout.lines().filter(|line| line.starts_with("## ")).count();
        assert_eq!(
            scripts + hooks + asked + 3,
            titles,
            "all but the start, the program and the variables: {text}"
        );
        let hosts: Vec<_> = json["hosts"].as_array().unwrap().iter().map(|host| &host["host"]).collect();
        assert_eq!(hosts, ["web1", "web2"]);
    }
    let json = document(&world.shipit(&["production", "plan", "--output", "json"]).ends_with(0));
    assert_eq!(json["hosts"][0]["env"], json!({ "TOKEN": null, "PORT": "3000" }));
    assert_eq!(
        (&json["action"], &json["environment"], &json["apps"][0]["ref"], &json["apps"][0]["app"]),
        (&"deploy".into(), &"production".into(), &"main".into(), &"shop".into())
    );
    let stages = json["stages"].as_array().unwrap();
    let phases: Vec<_> =
        stages.iter().map(|stage| (stage["when"].as_str().unwrap(), &stage["phase"])).collect();
    assert_eq!(phases[0], ("always", &"lock".into()));
    assert!(phases.contains(&("always", &"activate".into())) && phases.contains(&("failure", &Value::Null)));
    let ready = stages.iter().find(|stage| stage["phase"] == "ready").unwrap();
    assert_eq!(ready["scripts"][0]["hosts"], json!(["web1"]), "migrate is on one host");
}
