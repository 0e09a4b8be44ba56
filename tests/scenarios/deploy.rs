//! The everyday life of a deploy: setup, the first one, the next ones, and what a release consists of.

use std::fs;

use crate::common::{Kind, World};

on_each_kind!(the_first_deploy_makes_it_live_everywhere, one_login_per_host_and_run,);

on_sshd!(
    setup_twice_is_harmless,
    a_new_host_in_an_old_list_is_set_up_and_deployed,
    an_update_replaces_it_everywhere,
    current_is_a_whole_release_at_every_moment,
    a_host_of_this_machine_takes_part,
);

fn setup_twice_is_harmless(kind: Kind) {
    let world = World::new(kind, 2);
    world.production("shared = [\"logs/\"]");
    world.shipit(&["production", "setup"]).ends_with(0);
    for host in world.hosts() {
        assert!(host.path("app/shared/logs").is_dir() && host.current().is_none());
        host.put("app/shared/logs/kept", "kept");
    }
    world.shipit(&["production", "setup"]).ends_with(0);
    world.deploy("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.serve("one");
    for host in world.hosts() {
        assert_eq!(host.read("app/shared/logs/kept").as_deref(), Some("kept"));
        assert_eq!(host.read("app/current/logs/kept").as_deref(), Some("kept"));
    }
}

fn a_new_host_in_an_old_list_is_set_up_and_deployed(kind: Kind) {
    let world = World::new(kind, 2);
    world.production_on(&["web1"], "");
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    world.production("");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.host("web1").serves("one");
    assert_eq!(world.host("web2").current(), None);
    world.shipit(&["production"]).ends_with(0);
    world.serve("one");
    assert_eq!(world.host("web1").current(), world.host("web2").current());
}

fn the_first_deploy_makes_it_live_everywhere(kind: Kind) {
    let world = World::new(kind, 2);
    world.production("");
    let revision = world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    let run = world.shipit(&["production"]).ends_with(0);
    world.serve("one");
    assert_eq!(run.stdout, "", "progress is no data");
    for host in world.hosts() {
        assert_eq!(host.read("app/current/REVISION"), Some(format!("{revision}\n")));
        let current = host.current().unwrap();
        assert!(current.starts_with("releases/"), "relative: {current}");
        assert!(current.ends_with(&format!("-{}", &revision[..7])), "{current}");
        assert_eq!(host.releases().len(), 1);
        assert!(!host.path("app/current/.git").exists());
    }
    assert_eq!(world.host("web1").current(), world.host("web2").current(), "the same on every host");
}

fn an_update_replaces_it_everywhere(kind: Kind) {
    let world = World::deployed(kind, 2, "");
    let before = world.host("web1").current().unwrap();
    world.deploy("two");
    for host in world.hosts() {
        assert_ne!(host.current().unwrap(), before);
        assert_eq!(host.read(&format!("app/{before}/page")).as_deref(), Some("one"), "the old one stays");
    }
    // the other words for the same
    for (page, word) in [("three", "update"), ("four", "deploy")] {
        world.publish(page);
        world.shipit(&["production", word]).ends_with(0);
        world.serve(page);
    }
}

fn one_login_per_host_and_run(kind: Kind) {
    let world = World::new(kind, 2);
    world.production("build = \"[ ! -e fail ]\"\nmigrate = \"true\"\nsupervisor = { reload = \"true\" }");
    let mut runs = 0;
    let mut run = |args: &[&str], code| {
        world.shipit(args).ends_with(code);
        runs += 1;
        for host in world.hosts() {
            assert_eq!(host.logins(), runs, "{args:?} on {}", host.name());
        }
    };
    world.publish("one");
    run(&["production", "setup"], 0);
    run(&["production"], 0);
    run(&["production"], 0);
    world.publish("two");
    run(&["production"], 0);
    run(&["production", "revert"], 0);
    run(&["production", "exec", "true"], 0);
    run(&["production", "exec", "exit 3"], 3);
    run(&["production", "status"], 0);
    run(&["production", "list"], 0);
    world.repo.publish(&[("fail", "")]);
    run(&["production"], 1);
}

fn current_is_a_whole_release_at_every_moment(kind: Kind) {
    let page = |n: usize| format!("{n} ").repeat(20_000);
    let world = World::deployed(kind, 1, "keep-releases = 1");
    world.deploy(&page(0));
    let host = world.host("web1");
    let (page_seen, revision_seen) = (host.watch("app/current/page"), host.watch("app/current/REVISION"));
    let mut pages = vec![page(0)];
    for n in 1..=10 {
        pages.push(page(n));
        world.deploy(&pages[n]);
        if n % 2 == 0 {
            world.shipit(&["production", "revert"]).ends_with(0);
            world.serve(&pages[n - 1]);
            // forward again, to what was left
            world.shipit(&["production", "--redeploy"]).ends_with(0);
        }
    }
    let seen = page_seen.end();
    for text in seen.keys() {
        assert!(pages.contains(text), "neither of the releases: {:?}", &text[..text.len().min(40)]);
    }
    assert!(seen.len() > 5, "only {} releases were seen", seen.len());
    let revisions = revision_seen.end();
    assert!(revisions.keys().all(|revision| revision.len() == 41), "{:?}", revisions.keys());
}

fn a_host_of_this_machine_takes_part(kind: Kind) {
    let world = World::new(kind, 1);
    world.production_on(&["web1", "localhost"], "build = \"echo $SHIPIT_HOST >where\"");
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    world.host("web1").serves("one");
    let here = |path: &str| fs::read_to_string(world.home().join("app/current").join(path)).unwrap();
    assert_eq!((here("page"), here("where")), ("one".into(), "localhost\n".into()));
    world.publish("two");
    world.shipit(&["production"]).ends_with(0);
    assert_eq!(here("page"), "two");
    world.shipit(&["production", "revert"]).ends_with(0);
    assert_eq!(here("page"), "one");
    world.host("web1").serves("one");
    assert!(!world.home().join("app/.shipit/lock").exists());
}

// ---- which commit: the same whatever stands before the host

#[test]
fn a_tag_is_deployed() {
    let world = World::deployed(Kind::Sshd, 1, "");
    let revision = world.publish("tagged");
    world.repo.tag("v1.0");
    world.repo.push();
    world.publish("after");
    world.shipit(&["production", "ref", "v1.0"]).ends_with(0);
    world.serve("tagged");
    // the commit, not the tag object
    assert_eq!(world.host("web1").read("app/current/REVISION"), Some(format!("{revision}\n")));
    world.shipit(&["production", "ref", "tags/v1.0"]).ends_with(0).says("nothing to do");
}

#[test]
fn a_branch_with_slashes_is_deployed() {
    let world = World::deployed(Kind::Sshd, 1, "");
    world.repo.branch("feature/login/x");
    world.publish("feature");
    world.repo.git(&["switch", "-q", "main"]);
    world.shipit(&["production", "ref", "feature/login/x"]).ends_with(0);
    world.serve("feature");
    world.repo.branch("feature/login/y");
    world.publish("other");
    world.shipit(&["production", "--ref", "origin/feature/login/y"]).ends_with(0);
    world.serve("other");
}

#[test]
fn a_commit_is_deployed_by_its_id_or_the_beginning_of_it() {
    let world = World::deployed(Kind::Sshd, 1, "");
    let two = world.publish("two");
    let three = world.publish("three");
    world.publish("four");
    world.shipit(&["production", "ref", &two[..8]]).ends_with(0);
    world.serve("two");
    world.shipit(&["production", "ref", &three]).ends_with(0);
    world.serve("three");
}

#[test]
fn a_commit_is_deployed_by_the_beginning_of_its_id_from_a_server() {
    let world = World::deployed(Kind::InProcess, 1, "");
    let repo = world.repo.url();
    world.config(&format!(
        "[deploy.production]\nhost = \"web1\"\nrepo = \"file://{repo}\"\nref = \"main\"\npath = \"app\"\n"
    ));
    let two = world.publish("two");
    world.publish("three");
    world.shipit(&["production", "ref", &two[..8]]).ends_with(0);
    world.serve("two");
    world.shipit(&["production"]).ends_with(0);
    world.serve("three");
}

#[test]
fn ref_head_deploys_the_commit_of_the_work_tree() {
    let world = World::deployed(Kind::Sshd, 1, "");
    world.repo.branch("topic");
    let revision = world.publish("of the work tree");
    world.shipit(&["production", "--ref", "HEAD"]).ends_with(0);
    world.serve("of the work tree");
    assert_eq!(world.host("web1").read("app/current/REVISION"), Some(format!("{revision}\n")));
    // as a CI job has it
    world.publish("later");
    world.repo.git(&["checkout", "-q", "--detach"]);
    world.shipit(&["production", "ref", "HEAD"]).ends_with(0);
    world.serve("later");
}

#[test]
fn a_branch_that_was_pushed_over_is_deployed_as_it_is_now() {
    let world = World::deployed(Kind::Sshd, 2, "");
    world.deploy("two");
    world.repo.write("page", "rewritten");
    world.repo.git(&["commit", "-q", "-a", "--amend", "-m", "rewritten"]);
    world.repo.git(&["push", "-q", "-f", "origin", "main"]);
    world.shipit(&["production"]).ends_with(0);
    world.serve("rewritten");
    world.shipit(&["production", "revert"]).ends_with(0);
    world.serve("two");
}

#[test]
fn a_branch_that_went_away_and_left_its_name_to_a_directory_of_branches_is_no_obstacle() {
    let world = World::deployed(Kind::Sshd, 1, "");
    world.repo.git(&["push", "-q", "origin", "HEAD:refs/heads/x"]);
    world.shipit(&["production", "ref", "x"]).ends_with(0);
    world.repo.git(&["push", "-q", "origin", ":refs/heads/x", "HEAD:refs/heads/x/y"]);
    world.deploy("two");
}

#[test]
fn a_changed_repo_is_what_is_fetched_from() {
    let world = World::deployed(Kind::Sshd, 1, "");
    let other = world.root().join("other.git");
    let other = other.to_str().unwrap();
    world.repo.git(&["init", "-q", "--bare", other]);
    world.repo.commit(&[("page", "of the other")]);
    world.repo.git(&["push", "-q", other, "HEAD:main"]);
    world.config(&format!(
        "[deploy.production]\nhost = \"web1\"\nrepo = {other:?}\nref = \"main\"\npath = \"app\"\n"
    ));
    world.shipit(&["production"]).ends_with(0);
    world.serve("of the other");
    world.shipit(&["production", "revert"]).ends_with(0);
    world.serve("one");
}

// ---- whether there is anything to do

#[test]
fn the_same_again_is_nothing_to_do() {
    let world = World::deployed(Kind::Sshd, 2, "build = \"echo built >>../../built\"");
    let before = world.host("web1").current();
    world.shipit(&["production"]).ends_with(0).says("nothing to do");
    assert_eq!(world.host("web1").current(), before);
    assert_eq!(world.host("web1").releases().len(), 1);
    assert_eq!(world.host("web1").read("app/built").as_deref(), Some("built\n"));
    world.serve("one");
}

#[test]
fn a_changed_configuration_alone_is_deployed() {
    let world = World::deployed(Kind::Sshd, 1, "build = \"echo 1 >built\"");
    world.production("build = \"echo 2 >built\"");
    world.shipit(&["production"]).ends_with(0).does_not_say("nothing to do");
    assert_eq!(world.host("web1").read("app/current/built").as_deref(), Some("2\n"));
    world.production("build = \"echo 2 >built\"\nenv = { A = \"1\" }");
    world.shipit(&["production"]).ends_with(0).does_not_say("nothing to do");
    world.shipit(&["production"]).ends_with(0).says("nothing to do");
    assert_eq!(world.host("web1").releases().len(), 3);
}

#[test]
fn redeploy_makes_a_new_release_of_the_same() {
    let world = World::deployed(Kind::Sshd, 2, "");
    let before = world.host("web1").current();
    world.shipit(&["production", "--redeploy"]).ends_with(0);
    assert_ne!(world.host("web1").current(), before);
    assert_eq!(world.host("web1").current(), world.host("web2").current());
    world.serve("one");
}

#[test]
fn one_host_that_lacks_it_makes_a_deploy() {
    let world = World::deployed(Kind::Sshd, 2, "");
    world.publish("two");
    fs::remove_file(world.host("web2").path("app/current")).unwrap();
    world.shipit(&["production"]).ends_with(0);
    world.serve("two");
}

#[test]
fn an_older_commit_is_refused_unless_it_is_wanted() {
    let world = World::deployed(Kind::Sshd, 2, "");
    let one = world.repo.head();
    world.deploy("two");
    let before = world.host("web1").releases();
    world.shipit(&["production", "ref", &one]).ends_with(3).says("older").says("--allow-older");
    world.serve("two");
    assert_eq!(world.host("web1").releases(), before);
    world.shipit(&["production", "ref", &one, "--allow-older"]).ends_with(0);
    world.serve("one");
}

#[test]
fn force_does_not_make_an_older_commit_newer() {
    let world = World::deployed(Kind::Sshd, 1, "");
    let one = world.repo.head();
    world.deploy("two");
    world.shipit(&["production", "ref", &one, "--force"]).ends_with(3);
    world.serve("two");
}

#[test]
fn only_commits_are_deployed() {
    let world = World::deployed(Kind::Sshd, 1, "");
    let work = |args: &[&str]| world.repo.git(args).trim().to_owned();
    let commit = world.publish("two");
    for (tag, what) in [("v1", "HEAD"), ("of-tree", "HEAD^{tree}")] {
        work(&["tag", "-a", "-m", tag, tag, what]);
    }
    work(&["push", "-q", "origin", "v1", "of-tree"]);
    let (tag, tree, blob) =
        (work(&["rev-parse", "v1"]), work(&["rev-parse", "HEAD^{tree}"]), work(&["rev-parse", "HEAD:page"]));
    // Known here.
    for id in [&tree, &blob, &work(&["rev-parse", "of-tree"])] {
        world.shipit(&["production", "ref", id]).ends_with(1).says("not a commit");
    }
    // Known to the host alone: it has all objects of the repository, and the operator has no work tree.
    let elsewhere = world.root().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::copy(world.repo.work().join("shipit.toml"), elsewhere.join("shipit.toml")).unwrap();
    let away = |args: &[&str]| world.shipit(&[&["-C", elsewhere.to_str().unwrap()], args].concat());
    away(&["production", "setup"]).ends_with(0);
    for (id, kind) in [(&tag, "a tag"), (&tree, "a tree"), (&blob, "a blob")] {
        let run = away(&["production", "ref", id, "--allow-older"]).ends_with(1);
        run.says(&format!("is {kind}, not a commit"));
    }
    let run = away(&["production", "ref", "of-tree"]).ends_with(1);
    run.says("not a commit");
    world.serve("one");
    world.shipit(&["production", "ref", &tag]).ends_with(0);
    world.serve("two");
    assert_eq!(world.host("web1").read("app/current/REVISION").unwrap().trim(), commit);
    world.shipit(&["production", "ref", "v1"]).ends_with(0).says("nothing to do");
    // What the ref in the file says is looked at in the same way.
    world.config(
        &fs::read_to_string(elsewhere.join("shipit.toml")).unwrap().replace("\"main\"", &format!("{tree:?}")),
    );
    world.shipit(&["production"]).ends_with(1).says("is a tree, not a commit");
}

#[test]
fn local_changes_and_unpushed_commits_are_refused_unless_forced() {
    let world = World::deployed(Kind::Sshd, 1, "");
    let logins = world.host("web1").logins();
    world.publish("two");
    world.repo.write("page", "changed");
    world.shipit(&["production"]).ends_with(3).says("page").says("--force");
    world.repo.commit(&[("page", "committed")]);
    world.shipit(&["production"]).ends_with(3).says("not pushed");
    world.shipit(&["production", "ref", "HEAD"]).ends_with(3).says("1 commit is not pushed");
    world.repo.git(&["add", "-f", "shipit.toml"]);
    let run = world.shipit(&["production"]).ends_with(3);
    run.says("shipit.toml has uncommitted changes that this run would use")
        .says("commit them, or use --force");
    world.repo.git(&["rm", "-q", "--cached", "shipit.toml"]);
    world.env("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1");
    let run = world.shipit(&["production"]).ends_with(1);
    run.says("belongs to another user").says("git config --global --add safe.directory ");
    world.env("GIT_TEST_ASSUME_DIFFERENT_OWNER", "0");
    assert_eq!(world.host("web1").logins(), logins, "no host was contacted");
    world.serve("one");
    world.shipit(&["production", "--force"]).ends_with(0);
    world.serve("two");
    world.repo.push();
    world.repo.write("untracked", "is no change");
    world.shipit(&["production"]).ends_with(0);
    world.serve("committed");
    world.repo.git(&["remote", "set-url", "origin", "work:acme/origin.git"]);
    world.repo.commit(&[("page", "not pushed")]);
    let run = world.shipit(&["production"]).ends_with(0).says("nothing to do");
    run.says("did not look for uncommitted changes and unpushed commits: the remote of this work tree is work:acme/");
}

// ---- what a release consists of

#[test]
fn leftovers_of_the_release_before_are_never_carried() {
    let world = World::deployed(Kind::Sshd, 1, "build = \"date >built-$SHIPIT_REVISION\"");
    let host = world.host("web1");
    let built = format!("built-{}", world.repo.head());
    assert!(host.path("app/current").join(&built).exists());
    host.put("app/current/by-hand", "x");
    world.deploy("two");
    assert!(!host.path("app/current").join(&built).exists());
    assert!(!host.path("app/current/by-hand").exists());
}

#[test]
fn a_file_that_was_removed_from_the_repository_is_gone() {
    let world = World::deployed(Kind::Sshd, 1, "");
    world.repo.publish(&[("dir/old", "x")]);
    world.shipit(&["production"]).ends_with(0);
    assert!(world.host("web1").path("app/current/dir/old").exists());
    world.repo.git(&["rm", "-q", "dir/old"]);
    world.deploy("two");
    assert!(!world.host("web1").path("app/current/dir").exists());
}

#[test]
fn odd_names_links_and_modes_arrive_as_committed() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let world = World::deployed(Kind::Sshd, 1, "");
    world.repo.write("bin/run", "#!/bin/sh\n");
    let run = world.repo.work().join("bin/run");
    fs::set_permissions(run, fs::Permissions::from_mode(0o755)).unwrap();
    symlink("bin/run", world.repo.work().join("a link")).unwrap();
    let odd = "-n \"quoted\" $x `y` \u{e4}\u{1f600}";
    world.repo.write(odd, "odd");
    world.repo.git(&["add", "--all"]);
    world.deploy("two");
    let host = world.host("web1");
    assert_eq!(fs::metadata(host.path("app/current/bin/run")).unwrap().permissions().mode() & 0o111, 0o111);
    assert_eq!(fs::read_link(host.path("app/current/a link")).unwrap().to_str(), Some("bin/run"));
    assert_eq!(host.read(&format!("app/current/{odd}")).as_deref(), Some("odd"));
}

#[test]
fn shared_files_and_directories_are_linked_into_every_release() {
    let world = World::new(Kind::Sshd, 2);
    world.production("shared = [\".env\", \"config/deep/secret\", \"uploads/\", \"var/log/\"]");
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    for host in world.hosts() {
        host.put("app/shared/.env", host.name());
        host.put("app/shared/config/deep/secret", "secret");
    }
    for page in ["two", "three"] {
        world.deploy(page);
        for host in world.hosts() {
            assert_eq!(host.read("app/current/.env").as_deref(), Some(host.name()));
            assert_eq!(host.read("app/current/config/deep/secret").as_deref(), Some("secret"));
            let link = fs::read_link(host.path("app/current/var/log")).unwrap();
            assert!(link.is_relative(), "{}", link.display());
            host.put(&format!("app/current/uploads/{page}"), "x");
            host.put("app/current/var/log/log", page);
        }
    }
    for host in world.hosts() {
        assert!(
            host.path("app/current/uploads/two").exists() && host.path("app/shared/uploads/three").exists()
        );
        assert_eq!(host.read("app/shared/var/log/log").as_deref(), Some("three"));
    }
}

#[test]
fn a_missing_shared_file_stops_the_deploy_before_anything_is_live() {
    let world = World::deployed(Kind::Sshd, 2, "");
    world.production("shared = [\".env\"]");
    world.publish("two");
    world.host("web1").put("app/shared/.env", "x");
    world.shipit(&["production"]).ends_with(1).says("shared/.env").says("web2");
    world.serve("one");
    assert_eq!(world.host("web1").releases().len(), 1);
    world.host("web2").put("app/shared/.env", "x");
    world.shipit(&["production"]).ends_with(0);
    world.serve("two");
}

#[test]
fn a_tracked_file_that_is_shared_is_refused_and_not_lost() {
    let world = World::deployed(Kind::Sshd, 1, "");
    world.repo.publish(&[("settings", "tracked"), ("uploads/kept.png", "tracked")]);
    world.host("web1").put("app/shared/settings", "shared");
    world.production("shared = [\"settings\"]");
    world.shipit(&["production"]).ends_with(1).says("settings");
    world.production("shared = [\"uploads/\"]");
    world.shipit(&["production"]).ends_with(1).says("kept.png");
    world.serve("one");
    assert_eq!(world.host("web1").read("app/shared/settings").as_deref(), Some("shared"));
}

#[test]
fn a_directory_that_holds_only_a_placeholder_is_replaced() {
    let world = World::deployed(Kind::Sshd, 1, "shared = [\"uploads/\", \"tmp/\"]");
    world.host("web1").put("app/shared/uploads/a", "a");
    world.repo.publish(&[("uploads/.gitkeep", ""), ("tmp/.gitignore", "*\n")]);
    world.deploy("two");
    assert!(fs::symlink_metadata(world.host("web1").path("app/current/uploads")).unwrap().is_symlink());
    assert!(fs::symlink_metadata(world.host("web1").path("app/current/tmp")).unwrap().is_symlink());
    assert_eq!(world.host("web1").read("app/current/uploads/a").as_deref(), Some("a"));
}

#[test]
fn what_is_carried_is_copied_from_the_release_before() {
    let build =
        "[ ! -e node_modules/x ] || cp node_modules/x was; mkdir -p node_modules; cat page >node_modules/x";
    let world =
        World::deployed(Kind::Sshd, 1, &format!("carry = [\"node_modules\", \"a/b\"]\nbuild = {build:?}"));
    let host = world.host("web1");
    assert!(!host.path("app/current/was").exists());
    let before = host.current().unwrap();
    host.put("app/current/a/b/c", "deep");
    world.deploy("two");
    assert_eq!(host.read("app/current/was").as_deref(), Some("one"));
    assert_eq!(host.read("app/current/node_modules/x").as_deref(), Some("two"));
    assert_eq!(host.read("app/current/a/b/c").as_deref(), Some("deep"));
    assert_eq!(host.read(&format!("app/{before}/node_modules/x")).as_deref(), Some("one"), "a copy");
}

#[test]
fn old_releases_are_removed_but_never_the_live_one_nor_the_one_before() {
    let world = World::deployed(Kind::Sshd, 1, "keep-releases = 3");
    let host = world.host("web1");
    for page in ["two", "three", "four", "five"] {
        world.deploy(page);
    }
    assert_eq!(host.releases().len(), 3);
    world.production("keep-releases = 1");
    world.deploy("six");
    assert_eq!(host.releases().len(), 2, "{:?}", host.releases());
    world.shipit(&["production", "revert"]).ends_with(0);
    world.serve("five");
    // the one before the live one may be older than others
    world.deploy("seven");
    let pages: Vec<_> =
        host.releases().iter().filter_map(|r| host.read(&format!("app/releases/{r}/page"))).collect();
    assert!(pages.contains(&"seven".into()) && pages.contains(&"five".into()), "{pages:?}");
    let foreign = host.path("app/releases/19990101-by-hand");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("REVISION"), "").unwrap();
    world.deploy("eight");
    assert!(foreign.exists(), "what shipit did not make is left alone");
    let pins = world.repo.git(&[
        "--git-dir",
        host.path("app/source").to_str().unwrap(),
        "for-each-ref",
        "refs/shipit",
    ]);
    assert_eq!(pins.lines().count(), host.releases().len() - 1, "{pins}");
}

#[test]
fn the_hosts_name_can_be_part_of_the_path() {
    let world = World::new(Kind::Sshd, 2);
    let repo = world.repo.url();
    world.config(&format!(
        "[deploy.production]\nhost = [\"web1\", \"web2\"]\nrepo = {repo:?}\nref = \"main\"\npath = \"srv/{{env}}/{{host}}\"\n"
    ));
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    for host in world.hosts() {
        let page = format!("srv/production/{}/current/page", host.name());
        assert_eq!(host.read(&page).as_deref(), Some("one"));
    }
}

#[test]
fn a_path_of_blanks_and_quotes_is_a_path() {
    let world = World::new(Kind::Sshd, 1);
    let repo = world.repo.url();
    let path = "~/it's \"a\" $HOME `path` *";
    world.config(&format!(
        "[deploy.production]\nhost = \"web1\"\nrepo = {repo:?}\nref = \"main\"\npath = {path:?}\nshared = [\"l o g/\"]\n\
         build = \"pwd >where\"\n"
    ));
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    for page in ["two", "three"] {
        world.publish(page);
        world.shipit(&["production"]).ends_with(0);
        assert_eq!(world.host("web1").read(&format!("{}/current/page", &path[2..])).as_deref(), Some(page));
    }
    world.shipit(&["production", "revert"]).ends_with(0);
    let read = |name: &str| world.host("web1").read(&format!("{}/current/{name}", &path[2..])).unwrap();
    assert_eq!(read("page"), "two");
    assert!(read("where").contains(&path[2..]));
}

#[test]
fn a_dry_run_changes_nothing() {
    let world = World::deployed(Kind::InProcess, 1, "");
    world.publish("two");
    for (args, code) in [
        (&["production", "plan"][..], 0),
        (&["production", "--dry-run"], 0),
        (&["production", "restart", "-n"], 0),
        (&["production", "revert", "-n"], 1),
    ] {
        let run = world.shipit(args).ends_with(code);
        assert!(run.stdout.contains("on web1"), "{run}");
    }
    world.serve("one");
}
