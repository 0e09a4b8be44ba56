//! Going back: along the chain of what was live, by what was stored with each release, needing nobody.

use std::fs;

use crate::common::{Kind, World};

on_sshd!(
    a_second_revert_goes_further_back,
    revert_deploy_revert_returns_to_what_was_live_before_the_deploy,
    a_host_that_cannot_be_reached_is_named_and_the_others_are_reverted,
    a_reload_that_fails_leaves_it_reverted,
    what_was_stored_with_the_release_counts_and_not_todays_file,
);

fn a_second_revert_goes_further_back(kind: Kind) {
    let world = World::deployed(kind, 2, "");
    let one = world.host("web1").current();
    world.deploy("two");
    world.deploy("three");
    world.shipit(&["production", "revert"]).ends_with(0);
    world.serve("two");
    world.shipit(&["production", "revert", "1"]).ends_with(0);
    world.serve("one");
    assert_eq!(world.host("web1").current(), one, "the very release that was live");
    world.shipit(&["production", "revert"]).ends_with(1).says("no earlier deploy");
    world.serve("one");
}

fn revert_deploy_revert_returns_to_what_was_live_before_the_deploy(kind: Kind) {
    let world = World::deployed(kind, 2, "");
    world.deploy("broken");
    world.shipit(&["production", "revert"]).ends_with(0);
    world.deploy("three");
    world.shipit(&["production", "revert"]).ends_with(0);
    world.serve("one");
}

fn a_host_that_cannot_be_reached_is_named_and_the_others_are_reverted(kind: Kind) {
    // also where the first of all, whose word counts otherwise, is the one
    for dead in ["web2", "web1"] {
        let world = World::deployed(kind, 3, "");
        world.deploy("two");
        world.host(dead).kill_sshd();
        let run = world.shipit(&["production", "revert"]).ends_with(6).says("not every host serves the same");
        assert!(run.stderr.contains(&format!("connect failed on {dead}")), "{run}");
        for host in world.hosts() {
            assert_eq!(host.page().as_deref(), Some(if host.name() == dead { "two" } else { "one" }));
            host.is_at_rest();
        }
        world.host(dead).start();
        world.shipit(&["production"]).ends_with(0);
        world.serve("two");
    }
}

fn a_reload_that_fails_leaves_it_reverted(kind: Kind) {
    let world = World::deployed(kind, 3, "supervisor = { reload = \"[ ! -e ~/broken ]\" }");
    world.deploy("two");
    world.host("web2").put("broken", "");
    world.shipit(&["production", "revert"]).ends_with(6).says("web2").says("reload");
    // never to the release it leaves
    world.serve("one");
}

fn what_was_stored_with_the_release_counts_and_not_todays_file(kind: Kind) {
    let lines = |n: u32| {
        format!(
            "env = {{ WORD = \"stored {n}\" }}\npost-deploy = \"echo post {n} $WORD $SHIPIT_ACTION >>~/log\"\n\
             supervisor = {{ reload = \"echo reload {n} $WORD $SHIPIT_ACTION >>~/log\" }}"
        )
    };
    let world = World::deployed(kind, 2, &lines(1));
    world.production(&lines(2));
    world.deploy("two");
    // a variable that the operator does not have: asking for it would fail
    world
        .production("env = { WORD = \"${NOT_THERE_AT_ALL}\" }\nbuild = \"exit 1\"\npost-deploy = \"exit 1\"");
    for host in world.hosts() {
        fs::remove_file(host.path("log")).unwrap();
    }
    world.shipit(&["production", "revert"]).ends_with(0);
    world.serve("one");
    for host in world.hosts() {
        assert_eq!(host.read("log").as_deref(), Some("post 1 stored 1 revert\nreload 1 stored 1 revert\n"));
    }
}

#[test]
fn revert_makes_the_deploy_before_live_again() {
    let world = World::deployed(Kind::Sshd, 2, "build = \"echo x >>../../built\"");
    let one = world.host("web1").current();
    world.deploy("two");
    let run = world.shipit(&["production", "revert"]).ends_with(0);
    assert_eq!(run.stdout, "");
    world.serve("one");
    assert_eq!(world.host("web2").current(), one);
    assert_eq!(world.host("web1").read("app/built").as_deref(), Some("x\nx\n"), "nothing is built");
    let short = &world.host("web1").read("app/current/REVISION").unwrap()[..7];
    let current = world.shipit(&["production", "current"]).ends_with(0);
    assert!(current.stdout.starts_with(short), "{current}");
}

#[test]
fn revert_goes_so_many_back_as_asked() {
    let world = World::deployed(Kind::Sshd, 2, "");
    for page in ["two", "three", "four"] {
        world.deploy(page);
    }
    world.shipit(&["production", "revert", "2"]).ends_with(0);
    world.serve("two");
    world.shipit(&["production", "revert", "2"]).ends_with(1).says("only 1 earlier deploy");
    world.serve("two");
    world.shipit(&["production", "revert", "1"]).ends_with(0);
    world.serve("one");
    for odd in ["0", "-1", ""] {
        world.shipit(&["production", "revert", odd]).ends_with(2);
    }
    world.serve("one");
}

#[test]
fn the_numbers_that_list_shows_are_the_numbers_that_revert_takes() {
    let world = World::deployed(Kind::Sshd, 1, "");
    for page in ["two", "three"] {
        world.deploy(page);
    }
    world.shipit(&["production", "revert"]).ends_with(0);
    world.deploy("four");
    for _ in 0..2 {
        let list = world.shipit(&["production", "list"]).ends_with(0);
        let row = list.stdout.lines().find(|line| line.trim_start().starts_with("1 ")).unwrap();
        let release = row.split_whitespace().nth(1).unwrap().to_string();
        world.shipit(&["production", "revert", "1"]).ends_with(0);
        assert_eq!(world.host("web1").current(), Some(format!("releases/{release}")), "{list}");
    }
}

#[test]
fn previous_is_where_revert_goes() {
    let world = World::deployed(Kind::Sshd, 2, "");
    world.shipit(&["production", "previous"]).ends_with(1);
    world.deploy("two");
    world.deploy("three");
    for _ in 0..2 {
        let previous = world.shipit(&["production", "previous"]).ends_with(0).stdout;
        world.shipit(&["production", "revert"]).ends_with(0);
        let current = world.shipit(&["production", "current"]).ends_with(0).stdout;
        assert_eq!(previous, current);
    }
}

#[test]
fn revert_takes_a_release_or_a_revision() {
    let world = World::deployed(Kind::Sshd, 2, "");
    let one = world.host("web1").current().unwrap();
    let two = world.deploy("two");
    world.deploy("three");
    world.shipit(&["production", "revert", one.strip_prefix("releases/").unwrap()]).ends_with(0);
    world.serve("one");
    world.shipit(&["production", "revert", &two[..9]]).ends_with(0);
    world.serve("two");
    world.shipit(&["production", "revert"]).ends_with(0);
    world.serve("one");
    world.shipit(&["production", "revert", "no-such-release"]).ends_with(1);
    world.shipit(&["production", "revert", "0000000aaaa"]).ends_with(1);
    world.serve("one");
}

#[test]
fn the_live_release_by_its_name_is_nothing_to_do() {
    let world = World::deployed(Kind::Sshd, 1, "");
    world.deploy("two");
    let live = world.host("web1").current().unwrap();
    world
        .shipit(&["production", "revert", live.strip_prefix("releases/").unwrap()])
        .ends_with(0)
        .says("nothing to do");
    world.serve("two");
}

#[test]
fn a_revert_needs_no_git_server() {
    let world = World::deployed(Kind::Sshd, 2, "");
    world.deploy("two");
    world.repo.take_origin_away();
    world.shipit(&["production", "revert"]).ends_with(0);
    world.serve("one");
    world.repo.bring_origin_back();
}

#[test]
fn a_revert_minds_no_local_changes() {
    let world = World::deployed(Kind::Sshd, 1, "");
    world.deploy("two");
    world.repo.write("page", "changed");
    world.repo.commit(&[("other", "not pushed")]);
    world.shipit(&["production", "revert"]).ends_with(0);
    world.serve("one");
}

#[test]
fn a_release_that_was_pruned_is_made_again_as_it_was_made_then() {
    let lines = "keep-releases = 1\nshared = [\"logs/\"]\nenv = { WORD = \"then\" }\nbuild = \"echo built $WORD >built\"";
    let world = World::deployed(Kind::Sshd, 2, lines);
    let one = world.host("web1").current().unwrap();
    world.production("keep-releases = 1\nenv = { WORD = \"now\" }\nbuild = \"echo other >built\"");
    for page in ["two", "three", "four"] {
        world.deploy(page);
    }
    assert!(!world.host("web1").path(&format!("app/{one}")).exists());
    // neither then is a git server needed
    world.repo.take_origin_away();
    let release = one.rsplit('/').next().unwrap();
    let told = format!("{release} was removed or is not whole on web1, web2: it is built again there first");
    world.shipit(&["production", "revert", "3", "--dry-run"]).ends_with(0).says(&told);
    world.shipit(&["production", "revert", "3"]).ends_with(0).says(&told);
    world.serve("one");
    for host in world.hosts() {
        assert_eq!(host.current().unwrap(), one);
        assert_eq!(host.read("app/current/built").as_deref(), Some("built then\n"));
        assert!(host.path("app/current/logs").is_symlink());
    }
    world.shipit(&["production", "revert"]).ends_with(1);
    world.repo.bring_origin_back();
    world.deploy("five");
    world.shipit(&["production", "revert"]).ends_with(0);
    world.serve("one");
}

#[test]
fn a_pruned_release_that_cannot_be_built_again_changes_nothing() {
    let world = World::deployed(Kind::Sshd, 2, "keep-releases = 1\nbuild = \"[ ! -e ~/offline ]\"");
    for page in ["two", "three"] {
        world.deploy(page);
    }
    let releases = world.host("web1").releases();
    world.hosts().iter().for_each(|host| host.put("offline", ""));
    world.shipit(&["production", "revert", "2"]).ends_with(1).says("build");
    world.serve("three");
    assert_eq!(world.host("web1").releases(), releases);
    world.hosts().iter().for_each(|host| fs::remove_file(host.path("offline")).unwrap());
    world.shipit(&["production", "revert", "2"]).ends_with(0);
    world.serve("one");
}

#[test]
fn nothing_to_revert_to_is_an_error() {
    let world = World::new(Kind::Sshd, 2);
    world.production("");
    world.publish("one");
    world.shipit(&["production", "revert"]).ends_with(1).says("setup");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production", "revert"]).ends_with(1);
    world.shipit(&["production"]).ends_with(0);
    world.shipit(&["production", "revert"]).ends_with(1);
    world.serve("one");
}

#[test]
fn a_deploy_that_was_put_back_is_not_in_the_chain() {
    let world = World::deployed(Kind::Sshd, 2, "supervisor = { reload = \"! grep -q bad page\" }");
    world.deploy("two");
    world.publish("bad");
    world.shipit(&["production"]).ends_with(5);
    world.serve("two");
    world.deploy("three");
    world.shipit(&["production", "revert"]).ends_with(0);
    world.serve("two");
    world.shipit(&["production", "revert"]).ends_with(0);
    world.serve("one");
}

#[test]
fn after_a_revert_the_same_commit_can_be_deployed_again() {
    let world = World::deployed(Kind::Sshd, 2, "");
    world.deploy("two");
    world.shipit(&["production", "revert"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    world.serve("two");
    world.shipit(&["production", "revert"]).ends_with(0);
    world.serve("one");
}

#[test]
fn hosts_that_cannot_be_reached_at_all_are_no_revert() {
    let world = World::deployed(Kind::Sshd, 2, "");
    world.deploy("two");
    world.hosts().iter().for_each(|host| host.kill_sshd());
    world.shipit(&["production", "revert"]).ends_with(4);
    world.hosts().iter().for_each(|host| host.start());
    world.serve("two");
}

#[test]
fn a_deploy_that_cannot_be_reverted_to_is_told_by_its_name() {
    let world = World::deployed(Kind::Sshd, 1, "supervisor = { reload = \"! grep -q bad page\" }");
    world.publish("bad");
    world.shipit(&["production"]).ends_with(5);
    let bad = world.repo.head();
    world.deploy("two");
    for args in [&["production", "revert", &bad[..8]][..], &["production", "revert", &bad[..8], "-n"]] {
        world
            .shipit(args)
            .ends_with(1)
            .says(&format!("{} did not stay live: that deploy was rolled back", &bad[..8]));
    }
    world
        .shipit(&["production", "revert", "abcdef0"])
        .ends_with(1)
        .says("no deploy matches abcdef0")
        .says("list");
    world.shipit(&["production", "revert"]).ends_with(0);
    world.shipit(&["production", "previous"]).ends_with(1).says("there is no earlier deploy to production");
    world.serve("one");
}

#[test]
fn values_that_come_back_are_named_and_not_shown() {
    let world = World::new(Kind::Sshd, 2);
    let lines = |key: &str, mail: &str| {
        std::fs::write(world.root().join("mail"), mail).unwrap();
        let file = world.root().join("mail").display().to_string();
        world.production(&format!(
            "env = {{ API_KEY = \"${{API_KEY}}\", WORD = \"same\" }}\nfiles = {{ \"shared/.env\" = {{ from = {file:?} }} }}"
        ));
        world.env("API_KEY", key);
    };
    lines("old-key-111", "old-mail");
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0).does_not_say("what changed");
    lines("new-key-222", "new-mail");
    let run = world.shipit(&["production"]).ends_with(0);
    let changed = "no new commit; what changed since the live release: env.API_KEY, shared/.env";
    let run = run.says(changed).does_not_say("key-").does_not_say("WORD");
    assert_eq!(run.stderr.matches(changed).count(), 1, "once: {run}");
    let back = "the values that this release was deployed with come back: env.API_KEY, shared/.env";
    world.shipit(&["production", "revert", "-n"]).ends_with(0).says(back).does_not_say("key-");
    world.shipit(&["production", "revert"]).ends_with(0).says(back).does_not_say("key-");
    world.shipit(&["production", "--set", "build=true"]).ends_with(0).says("build, env.API_KEY, shared/.env");
    world
        .shipit(&["production", "--set", "build=true", "--redeploy"])
        .ends_with(0)
        .does_not_say("what changed");
}
