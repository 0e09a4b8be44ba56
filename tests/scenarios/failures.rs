//! What goes wrong in everyday life, and how a run ends then: the exit code, what every host serves, what is said.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::common::{Kind, Run, Running, World, eventually, require};

by_openssh!(
    a_host_that_cannot_be_reached_stops_all,
    an_unknown_host_key_stops_all,
    what_a_bashrc_prints_disturbs_nothing,
    an_account_that_runs_no_commands_is_named,
    a_daemon_that_holds_a_hooks_output_does_not_hang_the_run,
);

on_each_kind!(
    a_host_that_cannot_be_reached_stops_all,
    an_unknown_host_key_stops_all,
    what_a_bashrc_prints_disturbs_nothing,
    an_account_that_runs_no_commands_is_named,
    a_daemon_that_holds_a_hooks_output_does_not_hang_the_run,
);

on_sshd!(
    a_build_that_fails_on_one_of_four_changes_nothing,
    a_reload_that_fails_on_one_of_four_puts_all_back,
    a_first_deploy_that_fails_after_going_live_leaves_nothing_live,
    a_first_deploy_that_cannot_be_stopped_is_named,
    a_put_back_that_fails_is_named,
    two_sets_of_own_commands_are_one_reload,
    a_held_lock_is_named_and_can_be_waited_for,
    a_hook_that_prints_100_mb_is_kept_on_the_host_and_not_here,
    binary_bytes_and_escape_sequences_do_not_reach_the_operator,
    a_hook_that_takes_too_long_is_killed_with_all_that_it_started,
    of_two_runs_at_once_at_least_one_wins,
);

fn a_build_that_fails_on_one_of_four_changes_nothing(kind: Kind) {
    let build = "[ ! -e ~/broken ] || { echo the compiler says no; exit 7; }; [ ! -e slow ] || sleep 300";
    let world = World::deployed(kind, 4, &format!("build = {build:?}"));
    let releases = world.host("web1").releases();
    world.host("web3").put("broken", "");
    // the others need not build to the end: nothing of theirs will be live
    world.repo.publish(&[("page", "two"), ("slow", "")]);
    world
        .shipit(&["production"])
        .ends_with(1)
        .says("build failed on web3: exit 7")
        .says("the compiler says no")
        .says("nothing live was changed");
    world.serve("one");
    for host in world.hosts() {
        assert_eq!(host.releases(), releases);
        eventually("what built is ended", || host.processes().iter().all(|p| !p.command.contains("sleep")));
    }
    fs::remove_file(world.host("web3").path("broken")).unwrap();
    world.repo.git(&["rm", "-q", "slow"]);
    world.deploy("three");
}

fn a_reload_that_fails_on_one_of_four_puts_all_back(kind: Kind) {
    // like a real supervisor: what runs is what was there at the last reload that worked
    let log = "echo $0 $SHIPIT_ACTION $(cat page) $(cat ~/app/current/page) >>~/log";
    let lines = format!(
        "post-deploy = \"echo post-deploy $SHIPIT_ACTION $(cat page) >>~/log\"\n\
         supervisor = {{ reload = '''{}; grep -q two page && [ -e ~/broken ] && exit 3; cp page ~/running''' }}",
        log.replace("$0", "reload")
    );
    let world = World::deployed(kind, 4, &lines);
    let before = world.host("web1").current();
    world.hosts().iter().for_each(|host| fs::remove_file(host.path("log")).unwrap());
    world.host("web3").put("broken", "");
    world.publish("two");
    world.shipit(&["production"]).ends_with(5).says("reload failed on web3: exit 3").says("rolled back");
    world.serve("one");
    for host in world.hosts() {
        assert_eq!(host.current(), before);
        assert_eq!(host.read("running").as_deref(), Some("one"), "what runs on {}", host.name());
        assert_eq!(
            host.read("log").as_deref(),
            Some(
                "post-deploy deploy two\nreload deploy two two\n\
                 post-deploy rollback one\nreload rollback one one\n"
            )
        );
        assert_eq!(host.releases().len(), 1, "the release that failed is gone");
    }
    fs::remove_file(world.host("web3").path("broken")).unwrap();
    world.shipit(&["production"]).ends_with(0);
    world.serve("two");
}

fn a_first_deploy_that_fails_after_going_live_leaves_nothing_live(kind: Kind) {
    let world = World::new(kind, 3);
    world.production(
        "supervisor = { reload = \"exit 9\", start = \"cp page ~/running; [ ! -e ~/broken ]\", \
         stop = \"rm ~/running; cat page >~/stopped\" }",
    );
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.host("web2").put("broken", "");
    world.shipit(&["production"]).ends_with(5).says("start failed on web2");
    for host in world.hosts() {
        assert_eq!(host.current(), None, "{}", host.name());
        assert!(!host.path("running").exists(), "it was stopped on {}", host.name());
        assert_eq!(host.read("stopped").as_deref(), Some("one"), "while current led to it");
        assert_eq!(host.releases(), Vec::<String>::new());
        host.is_at_rest();
    }
    fs::remove_file(world.host("web2").path("broken")).unwrap();
    world.shipit(&["production"]).ends_with(0);
    world.serve("one");
}

fn a_first_deploy_that_cannot_be_stopped_is_named(kind: Kind) {
    let world = World::new(kind, 2);
    world.production(
        "supervisor = { reload = \"[ ! -e ~/broken ]\", stop = \"[ ! -e ~/broken ] || exit 7\" }",
    );
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.host("web2").put("broken", "");
    let run = world.shipit(&["production"]).ends_with(6);
    run.says("web2: serves nothing, as before, but a step failed (stop: exit 7)");
    fs::remove_file(world.host("web2").path("broken")).unwrap();
    world.shipit(&["production"]).ends_with(0);
}

// What a set of commands for that service does; each notes itself. It is up once it was started.
fn set_of(service: &str, bad: &str) -> String {
    let note = |step: &str, rest: &str| format!("{step} = 'echo {step} {service} $(cat page) >>~/log{rest}'");
    let sets = [
        note("reload", &format!("; [ $SHIPIT_ACTION != rollback ] || [ ! -e ~/stuck-{service} ]; {bad}")),
        note("start", &format!("; touch ~/{service}")),
        note("stop", ""),
        note("verify", "; ! grep -q bad page"),
        format!("status = '[ -e ~/{service} ]'"),
    ];
    format!("{{ roles = '{service}', {} }}", sets.join(", "))
}

fn two_sets_of_own_commands_are_one_reload(kind: Kind) {
    let both = format!("{}, {}", set_of("web", "true"), set_of("worker", "! grep -q crash page"));
    let world = World::new(kind, 1);
    let host = world.host("web1");
    let configure = |sets: &str| {
        world.config(&format!(
            "[deploy.production]\nhost = {{ host = 'web1', roles = ['web', 'worker', 'mail'] }}\nrepo = {:?}\n\
             ref = 'main'\npath = 'app'\nsupervisor = [{sets}]\n",
            world.repo.url()
        ));
    };
    let told = |page: &str, code: i32| {
        let _ = fs::remove_file(host.path("log"));
        world.publish(page);
        world.shipit(&["production"]).ends_with(code);
        host.read("log").unwrap().trim_end().replace('\n', ", ")
    };
    configure(&both);
    world.publish("zero");
    world.shipit(&["production", "setup"]).ends_with(0);
    // Nothing runs yet: each is started, also the second one.
    assert_eq!(told("one", 0), "start web one, start worker one, verify web one, verify worker one");
    assert_eq!(told("two", 0), "reload web two, reload worker two, verify web two, verify worker two");
    fs::remove_file(host.path("worker")).unwrap();
    assert_eq!(
        told("three", 0),
        "reload web three, start worker three, verify web three, verify worker three"
    );
    // The second one fails: both go back, and what only the failed release has is stopped.
    let back = "reload web three, reload worker three, verify web three, verify worker three";
    assert_eq!(told("crash", 5), format!("reload web crash, reload worker crash, {back}"));
    configure(&format!("{both}, {}", set_of("mail", "true")));
    let begun = "reload web bad, reload worker bad, start mail bad, verify web bad";
    assert_eq!(told("bad", 5), format!("{begun}, stop mail three, {back}"));
    world.serve("three");
    // A set that cannot go back holds up none of the others.
    configure(&both);
    host.put("stuck-web", "");
    let run = told("crash", 6);
    assert_eq!(run, format!("reload web crash, reload worker crash, {back}"));
}

fn a_put_back_that_fails_is_named(kind: Kind) {
    let world = World::deployed(kind, 3, "supervisor = { reload = \"[ ! -e ~/broken ]\" }");
    world.host("web2").put("broken", "");
    world.publish("two");
    let run = world.shipit(&["production"]).ends_with(6).says("not every host serves the same");
    let run = run.says("but a step failed (reload: exit 1)");
    assert!(run.stderr.lines().any(|line| line.trim_start().starts_with("web2: rolled back to")), "{run}");
    assert!(run.stderr.lines().any(|line| line.trim_start().starts_with("web1, web3: serve")), "{run}");
    // the links are where they were all the same
    world.serve("one");
    let status = world.shipit(&["production", "status"]);
    assert!(
        status.stdout.lines().any(|line| line.starts_with("web2") && line.contains("not rolled back")),
        "{status}"
    );
    fs::remove_file(world.host("web2").path("broken")).unwrap();
    world.shipit(&["production"]).ends_with(0);
    world.serve("two");
}

#[test]
fn on_the_way_back_a_hook_that_fails_does_not_stop_link_and_reload() {
    let lines = "post-deploy = \"[ $SHIPIT_ACTION != rollback ]\"\n\
                 supervisor = { reload = \"echo reload $(cat page) >>~/log; ! grep -q two page\" }";
    let world = World::deployed(Kind::Sshd, 2, lines);
    world.publish("two");
    world.shipit(&["production"]).ends_with(6);
    world.serve("one");
    for host in world.hosts() {
        assert!(host.read("log").unwrap().ends_with("reload one\n"));
    }
}

#[test]
fn a_verify_or_a_post_deploy_that_fails_puts_all_back() {
    for lines in [
        "post-deploy = \"! grep -q bad page || [ $SHIPIT_HOST = web1 ]\"",
        "supervisor = { reload = \"true\", verify = \"! grep -q bad page || [ $SHIPIT_HOST = web1 ]\" }",
    ] {
        let world = World::deployed(Kind::Sshd, 2, lines);
        world.publish("bad");
        world.shipit(&["production"]).ends_with(5).says("web2");
        world.serve("one");
    }
}

#[test]
fn a_supervisor_that_is_busy_is_asked_again() {
    let reload = "n=$(cat ~/n 2>/dev/null || echo 0); echo $((n + 1)) >~/n; [ $n -ge 2 ] || exit 75";
    let world = World::deployed(Kind::Sshd, 1, &format!("supervisor = {{ reload = {reload:?} }}"));
    assert_eq!(world.host("web1").read("n").as_deref(), Some("3\n"));
    // That a command ended well is not that the app serves.
    let told = "nothing checked whether the new release serves; set `health`, or `verify` in `supervisor`";
    world.publish("two");
    let run = world.shipit(&["production"]).ends_with(0).says(told);
    assert_eq!(run.stderr.matches("nothing checked").count(), 1, "{run}");
    world.production(&format!("supervisor = {{ reload = {reload:?}, verify = 'true' }}"));
    world.publish("three");
    world.shipit(&["production"]).ends_with(0).does_not_say("nothing checked");
}

#[test]
fn a_migration_that_did_not_run_is_not_spoken_of() {
    let world = World::deployed(Kind::InProcess, 1, "build = \"[ ! -e bad ]\"\nmigrate = \"true\"");
    world.repo.publish(&[("bad", "")]);
    world.shipit(&["production"]).ends_with(1).does_not_say("migrat");
}

#[test]
fn part_of_the_hosts_is_deployed_to_only_on_purpose() {
    let world = World::deployed(Kind::InProcess, 2, "");
    world.publish("two");
    world.shipit(&["production", "--hosts", "web1"]).ends_with(3).says("two releases").says("--split");
    world.serve("one");
    // On purpose; the way back is for those hosts only.
    let run = world.shipit(&["production", "--hosts", "web1", "--split"]).ends_with(0);
    assert!(run.stderr.contains("undo: shipit production revert --hosts web1\n"), "{run}");
    world.host("web1").serves("two");
    world.host("web2").serves("one");
    world.shipit(&["production", "revert", "--hosts", "web1"]).ends_with(0);
    world.serve("one");
}

#[test]
fn migrate_and_pre_activate_that_fail_change_nothing_live() {
    for hook in ["migrate", "pre-activate"] {
        let world = World::deployed(Kind::Sshd, 2, "");
        world.production(&format!("{hook} = \"exit 4\""));
        world.publish("two");
        world.shipit(&["production"]).ends_with(1).says(hook).says("nothing live was changed");
        world.serve("one");
        assert_eq!(world.host("web1").releases().len(), 1);
    }
}

#[test]
fn a_local_hook_that_fails_changes_nothing() {
    let world = World::deployed(Kind::Sshd, 2, "pre-deploy = \"touch ~/reached\"");
    fs::remove_file(world.host("web1").path("reached")).unwrap();
    world.production("pre-deploy = \"touch ~/reached\"\npre-deploy-local = \"echo no tests; exit 1\"");
    world.publish("two");
    world.shipit(&["production"]).ends_with(1).says("no tests").says("nothing live was changed");
    world.serve("one");
    assert!(!world.host("web1").path("reached").exists());
}

#[test]
fn a_failing_local_hook_at_the_end_is_told_and_undoes_nothing() {
    let world = World::deployed(Kind::Sshd, 1, "");
    world.production("post-deploy-local = \"exit 1\"");
    world.publish("two");
    world.shipit(&["production"]).ends_with(0).says("post-deploy-local failed");
    world.serve("two");
}

// ---- before anything is changed

#[test]
fn a_host_that_was_never_set_up_stops_all() {
    let world = World::deployed(Kind::Sshd, 1, "");
    let world2 = World::new(Kind::Sshd, 2);
    world2.production("");
    world2.publish("one");
    world2.shipit(&["production"]).ends_with(1).says("setup").says("nothing live was changed");
    assert!(!world2.host("web1").path("app").exists(), "nothing was made");
    drop(world);
    world2.production_on(&["web1"], "");
    world2.shipit(&["production", "setup"]).ends_with(0);
    world2.shipit(&["production"]).ends_with(0);
    world2.production("");
    world2.publish("two");
    world2.shipit(&["production"]).ends_with(1).says("web2").says("setup");
    world2.host("web1").serves("one");
}

#[test]
fn a_ref_that_does_not_exist_names_the_nearest() {
    let world = World::deployed(Kind::Sshd, 1, "");
    world.repo.branch("release");
    world.repo.push();
    // the operator's git says so where it can ask: here through the sshd of web1
    let ssh = format!("ssh -F {}", world.home().join(".ssh/config").display());
    world.env("GIT_SSH_COMMAND", &ssh);
    let config = |repo: &str| {
        world.config(&format!(
            "[deploy.production]\nhost = \"web1\"\nrepo = {repo:?}\nref = \"main\"\npath = \"app\"\n"
        ));
    };
    config(&format!("web1:{}", world.repo.url()));
    let run = world.shipit(&["production", "ref", "relaese"]).ends_with(1);
    run.says("relaese").says("`release`").says("nothing live was changed");
    world.serve("one");
    // which only the host can know
    config(&world.repo.url());
    world.shipit(&["production", "ref", "relaese"]).ends_with(1).says("relaese");
    world.shipit(&["production", "ref", "0123456789012345678901234567890123456789"]).ends_with(1);
    world.serve("one");
    world.shipit(&["production", "ref", "release"]).ends_with(0);
}

/// The first that fails is not the only one with that trouble: all are named, and all that is missing.
#[test]
fn all_hosts_that_have_the_same_trouble_are_named_at_once() {
    let world = World::deployed(Kind::InProcess, 3, "");
    world.host("web2").put("app/shared/.env", "");
    world.host("web2").put("app/shared/config/local.json", "");
    // It comes to its trouble when the first has failed.
    let git = format!("#!/bin/sh\nsleep 0.3\nexec {} \"$@\"\n", require("git").display());
    world.host("web3").tool("git", &git);
    world.production("shared = ['.env', 'config/local.json']\nbuild = 'sleep 300'");
    world.publish("two");
    world
        .shipit(&["production"])
        .ends_with(1)
        .says("linking shared files failed on web1 and web3")
        .says("shared file missing: shared/.env, shared/config/local.json");
    world.serve("one");
    world.production("");
    world.repo.take_origin_away();
    world.shipit(&["production", "setup"]).ends_with(1).says("failed on web1, web2 and web3");
    world.serve("one");
}

#[test]
fn a_repository_that_has_vanished_changes_nothing() {
    let world = World::deployed(Kind::Sshd, 2, "");
    world.publish("two");
    world.repo.take_origin_away();
    world.shipit(&["production"]).ends_with(1).says("origin.git");
    world.serve("one");
    world.shipit(&["production", "setup"]).ends_with(1);
    world.serve("one");
    world.repo.bring_origin_back();
    world.shipit(&["production"]).ends_with(0);
    world.serve("two");
}

fn a_host_that_cannot_be_reached_stops_all(kind: Kind) {
    let world = World::deployed(kind, 3, "");
    world.publish("two");
    world.host("web2").kill_sshd();
    world.shipit(&["production"]).ends_with(4).says("web2").says("nothing live was changed");
    world.shipit(&["production", "setup"]).ends_with(4).says("web2");
    world.host("web2").start();
    world.serve("one");
    world.shipit(&["production"]).ends_with(0);
    world.serve("two");
}

fn an_unknown_host_key_stops_all(kind: Kind) {
    let world = World::deployed(kind, 2, "");
    world.publish("two");
    let known = world.home().join(".ssh/known_hosts");
    let all = fs::read_to_string(&known).unwrap();
    let port = format!("[127.0.0.1]:{} ", world.host("web2").port());
    let others: String = all.lines().filter(|l| !l.starts_with(&port)).map(|l| format!("{l}\n")).collect();
    let logins = world.host("web2").logins();
    fs::write(&known, &others).unwrap();
    world.shipit(&["production"]).ends_with(4).says("web2").says("SHA256:");
    world.serve("one");
    // a key that changed is worse
    let wrong = format!("{others}{port}{}\n", world.host("web1").public_key());
    fs::write(&known, &wrong).unwrap();
    world.shipit(&["production"]).ends_with(4).says("web2");
    world.serve("one");
    assert_eq!(world.host("web2").logins(), logins);
    assert_eq!(fs::read_to_string(&known).unwrap(), wrong, "nothing was added by itself");
    fs::write(&known, all).unwrap();
    world.shipit(&["production"]).ends_with(0);
    world.serve("two");
}

#[test]
fn a_key_that_no_host_takes_stops_all() {
    let world = World::deployed(Kind::Sshd, 2, "");
    world.publish("two");
    let key = world.home().join("other");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
    assert!(made.unwrap().success());
    world.production(&format!("key = {:?}", key.to_str().unwrap()));
    let config = world.home().join(".ssh/config");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("id_ed25519", "../other")).unwrap();
    world.shipit(&["production"]).ends_with(4).says("web1").says("web2");
    world.serve("one");
}

fn a_held_lock_is_named_and_can_be_waited_for(kind: Kind) {
    let world = World::deployed(kind, 2, "");
    world.production("build = \"touch ~/building; while [ ! -e ~/go ]; do sleep 0.1; done\"");
    world.publish("two");
    let first = world.shipit_spawn(&["production"]);
    eventually("the first builds", || world.hosts().iter().all(|host| host.path("building").exists()));
    world.shipit(&["production", "--redeploy"]).ends_with(75).says("operator@").says("--lock-wait");
    world.shipit(&["production", "revert"]).ends_with(75);
    world.shipit(&["production", "status"]).says("operator@");
    assert_eq!(world.host("web1").page().as_deref(), Some("one"));
    let mut second = world.shipit_spawn(&["production", "--redeploy", "--lock-wait", "60s"]);
    eventually("it says for whom it waits", || second.stderr().contains("operator@"));
    assert!(!second.ended());
    world.hosts().iter().for_each(|host| host.put("go", ""));
    first.wait().ends_with(0);
    second.wait().ends_with(0);
    world.serve("two");
    assert_eq!(world.host("web1").releases().len(), 3);
}

#[test]
fn a_current_that_is_a_directory_is_not_touched() {
    let world = World::new(Kind::Sshd, 2);
    world.production("");
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.host("web2").put("app/current/precious", "precious");
    world.shipit(&["production"]).ends_with(1).says("current is not a link");
    world.shipit(&["production", "setup"]).ends_with(1).says("current is not a link");
    assert_eq!(world.host("web2").read("app/current/precious").as_deref(), Some("precious"));
    assert_eq!(world.host("web1").current(), None);
    world.hosts().iter().for_each(|host| host.is_at_rest());
}

#[test]
fn a_current_of_somebody_else_is_not_touched() {
    let world = World::new(Kind::Sshd, 1);
    world.production("");
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    let host = world.host("web1");
    host.put("elsewhere/page", "theirs");
    std::os::unix::fs::symlink("../elsewhere", host.path("app/current")).unwrap();
    world.shipit(&["production"]).ends_with(1).says("elsewhere");
    assert_eq!(host.current().as_deref(), Some("../elsewhere"));
}

#[test]
fn a_lock_that_is_no_link_is_named() {
    let world = World::deployed(Kind::Sshd, 2, "");
    world.host("web2").put("app/.shipit/lock/precious", "x");
    world.publish("two");
    world.shipit(&["production"]).ends_with(1).says("lock is not a link");
    assert_eq!(world.host("web1").page().as_deref(), Some("one"));
    world.host("web1").is_at_rest();
    fs::remove_dir_all(world.host("web2").path("app/.shipit/lock")).unwrap();
    world.shipit(&["production"]).ends_with(0);
    world.serve("two");
}

#[test]
fn a_path_that_is_a_file_or_cannot_be_made_is_named() {
    let world = World::new(Kind::Sshd, 1);
    let repo = world.repo.url();
    world.host("web1").put("app", "a file");
    for path in ["app", "app/below", "/proc/shipit", "/proc/self/mem"] {
        world.config(&format!(
            "[deploy.production]\nhost = \"web1\"\nrepo = {repo:?}\nref = \"main\"\npath = {path:?}\n"
        ));
        world.shipit(&["production", "setup"]).ends_with(1).says(path).says("web1");
        world.shipit(&["production"]).ends_with(1).says(path);
    }
    assert_eq!(world.host("web1").read("app").as_deref(), Some("a file"));
}

#[test]
fn a_host_without_git_is_told_apart() {
    let world = World::new(Kind::Sshd, 2);
    world.production("");
    world.host("web2").tool("git", "#!/bin/sh\necho git is broken here >&2\nexit 126\n");
    world.shipit(&["production", "setup"]).ends_with(1).says("web2");
}

#[test]
fn a_mistake_in_the_configuration_contacts_no_host() {
    let world = World::new(Kind::InProcess, 1);
    let repo = world.repo.url();
    let good =
        format!("[deploy.production]\nhost = \"web1\"\nrepo = {repo:?}\nref = \"main\"\npath = \"app\"\n");
    for (lines, said) in [
        ("biuld = \"x\"", "build"),
        ("keep-releases = 0", "keep-releases"),
        ("keep-releases = \"many\"", "keep-releases"),
        ("build = 7", "build"),
        ("shared = [\"../up\"]", "shared"),
        ("env = { \"A B\" = \"x\" }", "A B"),
        ("env = { A = \"${NOT_THERE_AT_ALL}\" }", "NOT_THERE_AT_ALL"),
        ("rollout = { batch = 0 }", "no host would ever go live"),
        ("deliver = \"push\"", "not yet"),
        ("[deploy", "shipit.toml"),
    ] {
        world.config(&format!("{good}{lines}\n"));
        world.shipit(&["production"]).ends_with(2).says(said).says("shipit.toml");
    }
    world.config(&good);
    world.shipit(&["staging"]).ends_with(2).says("staging");
    world.shipit(&["producton"]).ends_with(2).says("production");
    world.shipit(&["production", "--hosts", "nobody"]).ends_with(2).says("nobody");
    world.shipit(&["production", "-c", "nowhere.toml"]).ends_with(2).says("nowhere.toml");
    fs::remove_file(world.repo.work().join("shipit.toml")).unwrap();
    world.shipit(&["production"]).ends_with(2).says("shipit.toml");
    fs::create_dir(world.repo.work().join("shipit.toml")).unwrap();
    world.shipit(&["production"]).ends_with(2).says("shipit.toml");
    assert_eq!(world.host("web1").logins(), 0);
}

// ---- what hooks and hosts print

fn what_a_bashrc_prints_disturbs_nothing(kind: Kind) {
    let world = World::new(kind, 2);
    let noise = "printf 'Welcome!\\n\\033[31m\\377 done\\t0\\nno end of line'; echo to stderr >&2\n";
    world.hosts().iter().for_each(|host| host.put(".bashrc", noise));
    world.production("");
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    world.serve("one");
    let run = world.shipit(&["production", "exec", "echo word"]).ends_with(0);
    assert!(run.stdout.contains("word") && !run.stdout.contains("Welcome"), "{run}");
    let current = world.shipit(&["production", "current"]).ends_with(0);
    assert_eq!(current.stdout.trim().len(), 7, "{current}");
}

fn an_account_that_runs_no_commands_is_named(kind: Kind) {
    let world = World::deployed(kind, 2, "");
    let host = world.host("web2");
    for (shell, text, said) in [
        ("nologin", None, "This account is currently not available"),
        ("git-shell", None, "fatal: unrecognized command"),
        ("env sftp-only", Some("exec /usr/lib/openssh/sftp-server"), ""),
        ("env silent", Some("exit 3"), "the session ended with 3"),
    ] {
        if let Some(text) = text {
            host.tool(&shell["env ".len()..], &format!("#!/bin/sh\n{text}\n"));
        }
        host.shell(shell);
        world.publish(shell);
        world
            .shipit(&["production"])
            .ends_with(4)
            .says("this account runs no commands: the session ended with")
            .says("web2")
            .says(said)
            .says("an account whose login shell runs commands");
        assert_eq!(host.page().as_deref(), Some("one"), "{shell}");
    }
}

/// Waits for a run; the most memory it ever had, in kilobytes.
fn peak_of(mut run: Running) -> (Run, u64) {
    let mut peak = 0;
    while !run.ended() {
        let status = fs::read_to_string(format!("/proc/{}/status", run.pid())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok()).unwrap_or(0);
        peak = peak.max(now);
        std::thread::sleep(Duration::from_millis(5));
    }
    (run.wait(), peak)
}

fn a_hook_that_prints_100_mb_is_kept_on_the_host_and_not_here(kind: Kind) {
    let world = World::new(kind, 1);
    // lines, and one line that never ends
    world.production("build = \"seq 7000000; head -c 50000000 /dev/zero | tr '\\\\0' x; echo; echo the end; [ ! -e bad ]\"");
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    let logged = || -> u64 {
        let logs = fs::read_dir(world.host("web1").path("app/.shipit/logs")).unwrap().flatten();
        logs.map(|log| log.metadata().unwrap().len()).max().unwrap()
    };
    let (run, peak) = peak_of(world.shipit_spawn(&["production"]));
    run.ends_with(0);
    world.serve("one");
    assert!(logged() > 100_000_000, "{} bytes in the log", logged());
    assert!(peak > 0 && peak < 60_000, "{peak} kB");
    world.repo.publish(&[("bad", "")]);
    let (run, peak) = peak_of(world.shipit_spawn(&["production"]));
    let run = run.ends_with(1).says("the end").says("build failed");
    assert!(run.stderr.len() < 1_000_000, "{} bytes on stderr", run.stderr.len());
    assert!(peak < 60_000, "{peak} kB");
    world.serve("one");
}

fn binary_bytes_and_escape_sequences_do_not_reach_the_operator(kind: Kind) {
    let evil = r#"printf 'start\033]0;owned\007\033[2J\033[1;1H\b\b\r\0\377\376\233 31m\302\233K\342\200\256 end\n'"#;
    let world = World::deployed(kind, 1, "");
    world.production(&format!("build = '''{evil}; {evil} >&2; [ ! -e bad ]'''"));
    world.publish("two");
    let harmless = |run: &Run| {
        for text in [&run.stdout, &run.stderr] {
            // what moves the cursor and colours the live lines is ours
            let ours = text.replace("\u{1b}[2K", "").replace("\u{1b}[1A", "").replace("\u{1b}[1B", "");
            let bad: Vec<char> = ours.chars().filter(|c| c.is_control() && !"\r\n".contains(*c)).collect();
            assert!(bad.is_empty(), "{bad:?} in {text:?}");
            assert!(!text.contains('\u{202e}'), "text that runs backwards in {run}");
        }
    };
    for args in [
        &["production"][..],
        &["production", "--redeploy", "-v"],
        &["production", "--redeploy", "--output", "pretty"],
    ] {
        harmless(&world.shipit(args).ends_with(0));
    }
    world.repo.publish(&[("bad", "")]);
    harmless(&world.shipit(&["production"]).ends_with(1).says("31m end"));
    // a host cannot speak for shipit either: neither by its lock, nor by its journal
    let entry = "release\t\u{1b}[2J\nrevision\t\u{1b}]0;x\u{7}\naction\tdeploy\nwho\t\u{1b}[5m\nwhen\t\u{1b}\nfrom\t\n";
    world.host("web1").put("app/.shipit/journal/500000.20261121T081502Z-1a2b3c4.done", entry);
    harmless(&world.shipit(&["production", "list"]));
    harmless(&world.shipit(&["production", "status"]));
    harmless(&world.shipit(&["production", "exec", evil]).ends_with(0).says("31m end"));
}

#[test]
fn what_a_hook_prints_is_not_taken_for_our_own_words() {
    // all that a hook can see of the protocol: not the nonce
    let forged =
        "printf '\\n0\\t1\\tdone\\t0\\n\\nx\\tfail\\t15\\tbuild\\tno\\n'; echo; ls /proc/$$/fd; exit 5";
    let world = World::deployed(Kind::Sshd, 1, "");
    world.production(&format!("build = '''{forged}'''"));
    world.publish("two");
    world.shipit(&["production"]).ends_with(1).says("exit 5");
    world.serve("one");
}

// ---- hooks that do not end

fn a_daemon_that_holds_a_hooks_output_does_not_hang_the_run(kind: Kind) {
    let lines =
        "build = \"sleep 1000 & echo started\"\nsupervisor = { reload = \"sleep 1001 & sleep 1002 >&2 &\" }";
    let world = World::deploy_first(kind, 1, lines);
    let alive =
        || world.host("web1").processes().iter().filter(|p| p.command.starts_with("sleep 100")).count();
    assert_eq!(alive(), 3, "what a hook started lives on: {:?}", world.host("web1").processes());
    world.deploy("two");
    assert_eq!(alive(), 6);
}

fn a_hook_that_takes_too_long_is_killed_with_all_that_it_started(kind: Kind) {
    let world = World::deployed(kind, 1, "");
    let hooks = ["sleep 1000 & sleep 1001", "trap '' TERM; sleep 1002 & sleep 1003; sleep 1004"];
    for hook in hooks {
        world.production(&format!("build = {{ run = {hook:?}, timeout = \"1s\" }}"));
        world.publish(hook);
        world.shipit(&["production"]).ends_with(1).says("build").says("took longer than 1 s");
        world.serve("one");
        let host = world.host("web1");
        eventually("all is killed", || host.processes().iter().all(|p| !p.command.starts_with("sleep 100")));
    }
}

#[test]
fn a_reload_that_takes_too_long_is_put_back() {
    let lines =
        "timeout = { reload = \"1s\" }\nsupervisor = { reload = \"! grep -q two page || sleep 1000\" }";
    let world = World::deployed(Kind::Sshd, 2, lines);
    world.publish("two");
    world.shipit(&["production"]).ends_with(5).says("reload");
    world.serve("one");
}

// ---- several at once

fn of_two_runs_at_once_at_least_one_wins(kind: Kind) {
    let world = World::deployed(kind, 3, "build = \"sleep 0.3\"");
    collide(&world, 2, &[]);
}

#[test]
fn of_five_runs_at_once_at_least_one_wins() {
    let world = World::deployed(Kind::Sshd, 3, "");
    // longer than colliding runs try: the others must give up
    world.production("build = \"sleep 8\"");
    let codes = collide(&world, 5, &[]);
    assert!(codes.contains(&75), "{codes:?}");
}

#[test]
fn five_runs_that_wait_for_each_other_all_get_their_turn() {
    let world = World::deployed(Kind::InProcess, 3, "");
    let codes = collide(&world, 5, &["--lock-wait", "100s"]);
    assert_eq!(codes, [0; 5]);
}

#[test]
fn runs_on_overlapping_hosts_do_not_wait_for_each_other() {
    let world = World::deployed(Kind::InProcess, 3, "");
    let hosts = ["web1,web2", "web2,web3", "web3,web1"];
    let runs: Vec<_> =
        hosts.iter().map(|hosts| world.shipit_spawn(&["production", "setup", "--hosts", hosts])).collect();
    let codes: Vec<_> = runs.into_iter().map(|run| run.wait().code.unwrap()).collect();
    assert!(codes.contains(&0), "{codes:?}");
    assert!(codes.iter().all(|code| [0, 75].contains(code)), "{codes:?}");
    world.serve("one");
}

/// Deploys a branch each, all at once; holds the hosts to serving one of them, whole. The exit codes.
fn collide(world: &World, runs: usize, args: &[&str]) -> Vec<i32> {
    let branches: Vec<_> = (0..runs).map(|n| format!("branch{n}")).collect();
    for branch in &branches {
        world.repo.git(&["switch", "-q", "main"]);
        world.repo.branch(branch);
        world.publish(branch);
    }
    let all: Vec<_> = branches
        .iter()
        .map(|branch| world.shipit_spawn(&[&["production", "ref", branch, "-f"], args].concat()))
        .collect();
    let codes: Vec<_> = all
        .into_iter()
        .map(|run| {
            let run = run.wait();
            assert!(matches!(run.code, Some(0 | 75)), "{run}");
            run.code.unwrap()
        })
        .collect();
    let won: Vec<_> = branches.iter().zip(&codes).filter(|(_, code)| **code == 0).map(|(b, _)| b).collect();
    assert!(!won.is_empty(), "nobody won");
    let page = world.host("web1").page().unwrap();
    assert!(won.contains(&&page), "{page} is live, and those won: {won:?}");
    world.serve(&page);
    for host in world.hosts() {
        assert_eq!(host.current(), world.host("web1").current());
        let journal = Path::new(&host.path("app/.shipit/journal")).read_dir().unwrap().count();
        assert_eq!(journal, won.len() + 1, "an entry a deploy on {}", host.name());
    }
    codes
}

#[test]
fn an_unhealthy_release_is_told_once_for_all_hosts_with_advice_that_fits() {
    let sick = |more: &str| {
        format!(
            "supervisor = {{ reload = \"true\" }}\nhealth = {{ command = \"! grep -q sick page\", within = \"1s\" }}\n{more}"
        )
    };
    let world = World::deployed(Kind::Sshd, 4, &sick(""));
    world.publish("sick");
    let run = world.shipit(&["production"]).ends_with(5).does_not_say("production logs`, or");
    run.says("health check failed on web1, web2, web3 and web4").says("with `logs` set");
    world.production(&sick("logs = [\"app.log\"]"));
    for host in world.hosts() {
        let name = host.name();
        host.put("app/app.log", &format!("{name} at {}\ncannot listen\n", name.replace("web", "14:22:3")));
    }
    let run = world.shipit(&["production"]).ends_with(5).says("see `shipit production logs`");
    assert_eq!(run.stderr.matches("cannot listen").count(), 1, "one host's log will do: {run}");
    run.says("health check failed on web1, web2, web3 and web4").says("  on web1:\n");
}
