//! What a dry run says is what the run then does: states of real hosts, one after the other; each command is run dry first.

use std::fs;
use std::os::unix::fs::symlink;

use crate::common::{Kind, World};
use serde_json::Value;

fn json(text: &str) -> Value {
    let last = text.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Runs a command dry and in earnest; what was said of each host must be what became of it.
#[track_caller]
fn does_what_it_says(world: &World, args: &[&str], code: i32) -> Value {
    let logins = || world.hosts().iter().map(|host| host.page()).collect::<Vec<_>>();
    let before = logins();
    let dry = world.shipit(&[args, &["-n", "--output", "json", "-q"]].concat());
    assert_eq!(before, logins(), "a dry run changes nothing");
    let said = json(&dry.stdout);
    let run = world.shipit(&[args, &["--output", "json", "-q"]].concat()).ends_with(code);
    let outcome = json(&run.stdout)["outcome"].clone();
    if said["refused"].is_object() {
        assert_eq!(dry.code, Some(code), "{dry}\n{run}");
        assert_eq!(outcome["failure"]["message"], said["refused"]["message"], "{run}");
        return said;
    }
    let app = &said["apps"][0];
    if code == 4 {
        // A host could not be asked, and cannot be skipped.
        world.shipit(&[args, &["-n"]].concat()).ends_with(0).says("and this needs all hosts: it would fail");
        return said;
    }
    if app["change"] == "in-place" {
        // Whether anything is there to be removed or reloaded is found by doing it.
        return said;
    }
    let nothing = app["nothing_to_do"] == true;
    assert_eq!(outcome["result"] == "nothing-to-do", nothing, "{dry}\n{run}");
    let hosts = said["hosts"].as_array().unwrap().iter().zip(outcome["hosts"].as_array().unwrap());
    for (said, became) in hosts {
        let changes = !nothing && said["role"] != "in-sync" && said["role"] != "released";
        let wanted = if !said["failure"].is_null() && became["result"] != "failed" {
            vec!["skipped", "unchanged"]
        } else if changes {
            vec!["done"]
        } else {
            vec!["unchanged"]
        };
        let result = became["result"].as_str().unwrap();
        assert!(wanted.contains(&result) || became["result"] == "failed" && code == 4, "{said}\n{run}");
        if result == "done" && app["revision"].is_string() {
            assert_eq!(became["to"]["revision"], app["revision"], "{run}");
        }
    }
    said
}

#[test]
fn each_state_of_real_hosts_is_told_as_it_is_acted_upon() {
    let world = World::new(Kind::Sshd, 3);
    world.production("supervisor = { reload = \"true\" }\nkeep-releases = 5");
    let url = world.repo.url();
    // By an address that the operator's git reaches as the hosts do, so that the commit is known before the run.
    let address = "git@git.example.com:acme/shop.git";
    world.repo.git(&["config", "--global", &format!("url.{url}.insteadOf"), address]);
    for host in world.hosts() {
        host.put(".gitconfig", &format!("[url \"{url}\"]\n insteadOf = {address}\n"));
    }
    let toml = fs::read_to_string(world.repo.work().join("shipit.toml")).unwrap();
    world.config(&toml.replace(&url, address));
    world.publish("one");
    let run = world.shipit(&["production", "revert", "-n"]).ends_with(1);
    run.says("not set up yet: web1, web2 and web3; run `shipit production setup` first");
    does_what_it_says(&world, &["production", "sync"], 1);
    world.shipit(&["production", "setup"]).ends_with(0);
    does_what_it_says(&world, &["production", "restart"], 1);
    assert_eq!(does_what_it_says(&world, &["production"], 0)["apps"][0]["change"], "new-release");
    assert_eq!(does_what_it_says(&world, &["production"], 0)["apps"][0]["change"], "unchanged");
    // The same commit as two releases: a deploy makes them one.
    world.shipit(&["production", "--redeploy", "--hosts", "web2", "--split"]).ends_with(0);
    assert_eq!(does_what_it_says(&world, &["production"], 0)["apps"][0]["change"], "new-release");
    world.deploy("two");
    does_what_it_says(&world, &["production", "revert"], 0);
    world.serve("one");
    does_what_it_says(&world, &["production"], 0);
    world.serve("two");
    does_what_it_says(&world, &["production", "sync"], 0);
    does_what_it_says(&world, &["production", "revert", "99"], 1);
    // One host was changed by hand.
    let current = world.host("web3").path("app/current");
    let older = format!("releases/{}", world.host("web3").releases()[0]);
    fs::remove_file(&current).unwrap();
    symlink(&older, &current).unwrap();
    let said = does_what_it_says(&world, &["production", "sync"], 0);
    assert_eq!(said["hosts"][2]["role"], "has-release");
    world.serve("two");
    // `current` is not shipit's.
    fs::remove_file(&current).unwrap();
    symlink("/", &current).unwrap();
    assert_eq!(does_what_it_says(&world, &["production", "prune"], 0)["apps"][0]["change"], "in-place");
    does_what_it_says(&world, &["production", "restart"], 1);
    fs::remove_file(&current).unwrap();
    symlink(format!("releases/{}", world.host("web3").releases().last().unwrap()), &current).unwrap();
    does_what_it_says(&world, &["production", "restart"], 0);
    // A host is dead: a deploy fails, or skips it where that is allowed; sync goes on without it.
    world.host("web1").kill_sshd();
    world.publish("three");
    does_what_it_says(&world, &["production"], 4);
    does_what_it_says(&world, &["production", "--max-unreachable", "1"], 0);
    world.host("web2").serves("three");
    world.host("web1").start();
    does_what_it_says(&world, &["production", "sync"], 0);
    world.serve("three");
}

#[test]
fn the_command_that_shows_the_scripts_shows_those_of_this_run() {
    let world = World::deployed(Kind::InProcess, 2, "");
    for page in ["two", "three"] {
        world.deploy(page);
    }
    for args in [
        &["production", "revert", "2", "-n"][..],
        &["production", "restart", "--dry-run", "--hosts", "web2"],
        &["-n", "production", "prune", "--set", "keep-releases=1"],
        &["production", "plan", "--redeploy"],
    ] {
        let run = world.shipit(args).ends_with(0);
        let command = run.stdout.lines().find_map(|line| line.strip_prefix("the scripts: shipit ")).unwrap();
        assert_eq!(command, format!("{} --scripts", args.join(" ")), "{run}");
        let words: Vec<&str> = command.split(' ').collect();
        world.shipit(&words).ends_with(0).says("## ");
    }
}

#[test]
fn a_prune_says_what_would_go() {
    let world = World::deployed(Kind::Sshd, 2, "keep-releases = 9");
    for page in ["two", "three", "four"] {
        world.deploy(page);
    }
    world.shipit(&["production", "revert", "3"]).ends_with(0);
    let releases = world.host("web1").releases();
    let args = |n: bool| {
        let more = if n { &["-n"][..] } else { &[] };
        [&["production", "prune", "--set", "keep-releases=2"], more].concat()
    };
    let gone = format!("web1 and web2: removes {}", releases[1..3].join(", "));
    world.shipit(&args(true)).ends_with(0).says(&gone);
    assert_eq!(world.host("web1").releases(), releases);
    world.shipit(&args(false)).ends_with(0);
    let kept = [releases[0].clone(), releases[3].clone()];
    assert_eq!(world.host("web1").releases(), kept, "the live one is one of the two");
    world.shipit(&args(true)).ends_with(0).says("web1 and web2: nothing to remove");
}
