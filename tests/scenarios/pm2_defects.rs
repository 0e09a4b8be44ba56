//! Each defect of `pm2 deploy` that concerns what is built: a test of its own, or the name of the one that shows it.
//!
//! The numbers are those of the list in which they were found. In this order also read:
//! -  3: `deploy::one_login_per_host_and_run`
//! -  4: `failures::a_build_that_fails_on_one_of_four_changes_nothing`, `a_reload_that_fails_on_one_of_four_puts_all_back`
//! -  5: `failures::of_two_runs_at_once_at_least_one_wins`, `a_held_lock_is_named_and_can_be_waited_for`
//! - 18: `revert::a_second_revert_goes_further_back`
//! - 20: `revert::a_revert_needs_no_git_server`, `revert_makes_the_deploy_before_live_again`
//! - 23: `deploy::setup_twice_is_harmless`, `a_new_host_in_an_old_list_is_set_up_and_deployed`
//! - 24: `deploy::a_changed_repo_is_what_is_fetched_from`
//! - 25: `deploy::leftovers_of_the_release_before_are_never_carried`
//! - 38: every scenario here runs the scripts, on real sshds
//! - 36: `console::a_person_works_in_current_and_the_shells_code_comes_back`
//!
//! Not of this system: 35 (Windows). Beside the real `pm2 deploy`, what users see of them is played by `beside_pm2`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::common::{Kind, World, eventually};

#[test]
fn defect_01_code_is_not_changed_under_the_running_app() {
    let build = "[ ! -e ~/wait ] || { touch ~/building; while [ ! -e ~/go ]; do sleep 0.1; done; }; echo built >built";
    let world = World::deployed(Kind::Sshd, 1, &format!("build = {build:?}"));
    let host = world.host("web1");
    let running = fs::canonicalize(host.path("app/current")).unwrap();
    host.put("wait", "");
    world.publish("two");
    let run = world.shipit_spawn(&["production"]);
    eventually("it builds", || host.path("building").exists());
    assert_eq!(fs::read_to_string(running.join("page")).unwrap(), "one");
    assert_eq!(host.page().as_deref(), Some("one"));
    host.put("go", "");
    run.wait().ends_with(0);
    assert_eq!(fs::read_to_string(running.join("page")).unwrap(), "one", "what runs keeps its files");
    world.serve("two");
}

#[test]
fn defect_02_current_is_a_link_to_the_release_that_is_live() {
    let world = World::deployed(Kind::Sshd, 1, "");
    let one = world.host("web1").current();
    world.deploy("two");
    let two = world.host("web1").current();
    assert!(one != two && two.unwrap().starts_with("releases/"));
    world.shipit(&["production", "revert"]).ends_with(0);
    assert_eq!(world.host("web1").current(), one);
}

#[test]
fn defect_06_a_mistyped_command_does_not_deploy() {
    let world = World::deployed(Kind::InProcess, 1, "");
    world.publish("two");
    let logins = world.host("web1").logins();
    for (word, said) in [
        ("sertup", "setup"),
        ("updat", "update"),
        ("reverse", "revert"),
        ("xyzzy", "--help"),
        ("Update", "update"),
        ("", "--help"),
        ("update ", "update"),
        ("web1", "--help"),
    ] {
        world.shipit(&["production", word]).ends_with(2).says(said);
        world.shipit(&["production", word, "--force"]).ends_with(2);
    }
    world.shipit(&["production", "update", "now"]).ends_with(2);
    world.shipit(&["production", "setup", "update"]).ends_with(2);
    world.shipit(&[]).ends_with(2);
    world.shipit(&["update"]).ends_with(2);
    assert_eq!(world.host("web1").logins(), logins, "no host was contacted");
    world.serve("one");
}

#[test]
fn defect_07_a_double_quote_in_a_hook_cuts_nothing() {
    let world = World::deployed(Kind::Sshd, 1, "post-deploy = 'echo \"x\" && echo \"a  b\" >~/got'");
    assert_eq!(world.host("web1").read("got").as_deref(), Some("a  b\n"));
}

#[test]
fn defect_08_a_newline_in_a_hook_drops_nothing() {
    let world = World::deployed(
        Kind::Sshd,
        1,
        "shell = \"sh\"\npost-deploy = '''\necho 1 >~/got\n\n  echo 2 >>~/got\n'''",
    );
    assert_eq!(world.host("web1").read("got").as_deref(), Some("1\n2\n"));
}

#[test]
fn defect_09_a_single_quote_in_a_hook_leaks_nothing_to_the_operators_shell() {
    let world = World::deployed(
        Kind::Sshd,
        1,
        "post-deploy = \"bash -c 'pwd >~/a && pwd >~/b'; touch 'it'\\\"'\\\"'s'\"",
    );
    let host = world.host("web1");
    assert!(host.read("a").is_some() && host.read("b").is_some());
    assert!(host.path("app/current/it's").exists());
    assert!(!world.home().join("b").exists() && !world.home().join("a").exists());
}

#[test]
fn defect_10_globs_and_blanks_are_the_hosts() {
    let world = World::deployed(Kind::Sshd, 1, "post-deploy = \"echo *  '*   *' >~/hook\"");
    let host = world.host("web1");
    world.repo.write("only-here", "");
    assert_eq!(host.read("hook").as_deref(), Some("README REVISION page *   *\n"));
    world.shipit(&["production", "exec", "echo *  '*   *' >~/exec"]).ends_with(0);
    assert_eq!(host.read("exec").as_deref(), Some("README REVISION page *   *\n"));
}

#[test]
fn defect_11_variables_are_the_hosts() {
    let world = World::deployed(Kind::Sshd, 1, "");
    world.shipit(&["production", "exec", "echo $HOME >~/got"]).ends_with(0);
    let home = world.host("web1").path("");
    let home = home.to_str().unwrap().trim_end_matches('/');
    assert_eq!(world.host("web1").read("got"), Some(format!("{home}\n")));
}

#[test]
fn defect_12_keys_in_env_override_nothing() {
    let lines = "build = \"echo $path $user $ref $repo $host $PWD >~/got\"\n\
                 env = { path = \"/elsewhere\", user = \"nobody\", ref = \"x\", repo = \"y\", host = \"z\", build = \"false\" }";
    let world = World::deployed(Kind::Sshd, 1, lines);
    let current = fs::canonicalize(world.host("web1").path("app/current")).unwrap();
    let expected = format!("/elsewhere nobody x y z {}\n", current.display());
    assert_eq!(world.host("web1").read("got"), Some(expected));
    // nor do they reach what shipit itself does there
    let names = [
        "root", "rel", "release", "revision", "from", "S", "R", "M", "N", "TOKEN", "LOG", "mode", "code",
        "IFS_", "JOB", "SEQ", "who",
    ];
    let env: Vec<_> = names.iter().map(|name| format!("{name} = \"/nowhere\"")).collect();
    world.production(&format!("env = {{ {} }}\nsupervisor = {{ reload = \"true\" }}", env.join(", ")));
    world.deploy("two");
    world.shipit(&["production", "revert"]).ends_with(0);
    world.serve("one");
}

#[test]
fn defect_13_a_port_is_a_number_and_what_has_the_wrong_type_is_refused() {
    let world = World::new(Kind::Sshd, 1);
    let (port, repo) = (world.host("web1").port(), world.repo.url());
    // no alias, no port from ~/.ssh/config
    let config = |port: &str| {
        world.config(&format!(
            "[deploy.production]\nhost = \"127.0.0.1\"\nport = {port}\nrepo = {repo:?}\nref = \"main\"\npath = \"app\"\n"
        ));
    };
    config(&port.to_string());
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    world.serve("one");
    config("true");
    world.shipit(&["production"]).ends_with(2).says("port");
    config("70000");
    world.shipit(&["production"]).ends_with(2).says("port");
    config(&format!("{port}\ndeliver = \"push\""));
    world.shipit(&["production"]).ends_with(2).says("deliver");
}

#[test]
fn defect_14_an_environment_named_like_a_command_is_an_environment() {
    let world = World::new(Kind::Sshd, 1);
    let repo = world.repo.url();
    let one = |name: &str| {
        format!("[deploy.{name}]\nhost = \"web1\"\nrepo = {repo:?}\nref = \"main\"\npath = \"{name}\"\n")
    };
    world.config(&["list", "setup", "current"].map(one).concat());
    world.publish("one");
    for name in ["list", "setup", "current"] {
        world.shipit(&["-e", name, "setup"]).ends_with(0);
        world.shipit(&["-e", name]).ends_with(0);
        assert_eq!(world.host("web1").read(&format!("{name}/current/page")).as_deref(), Some("one"));
        // the word alone is told apart, not guessed
        world.shipit(&[name]).ends_with(2).says(&format!("-e {name}"));
    }
}

#[test]
fn defect_15_force_does_what_the_help_says() {
    let world = World::deployed(Kind::Sshd, 1, "");
    world.publish("two");
    world.repo.write("page", "local");
    for force in ["-f", "-F", "--force"] {
        world.shipit(&["production"]).ends_with(3);
        world.shipit(&["production", force]).ends_with(0);
    }
    world.serve("two");
}

#[test]
fn defect_16_a_revert_that_cannot_be_is_no_deploy() {
    let world = World::deployed(Kind::Sshd, 1, "post-deploy = \"echo x >>~/ran\"");
    world.publish("two");
    world.shipit(&["production", "revert"]).ends_with(1);
    world.shipit(&["production", "revert", "5"]).ends_with(1);
    world.serve("one");
    let journal = world.host("web1").path("app/.shipit/journal");
    fs::rename(&journal, journal.with_extension("gone")).unwrap();
    world.shipit(&["production", "revert"]).ends_with(1);
    world.serve("one");
    assert_eq!(world.host("web1").read("ran").as_deref(), Some("x\n"), "no hook ran");
}

#[test]
fn defect_17_a_tag_is_named_not_guessed() {
    let world = World::deployed(Kind::Sshd, 1, "");
    world.publish("tagged");
    world.repo.tag("v2");
    world.repo.push();
    world.publish("newer");
    // of several, and beside branches
    world.repo.tag("a1");
    world.repo.push();
    world.shipit(&["production", "ref", "v2"]).ends_with(0);
    world.serve("tagged");
}

#[test]
fn defect_19_a_revert_reaches_as_far_as_the_list_does() {
    let world = World::deployed(Kind::Sshd, 1, "keep-releases = 2");
    for page in ["2", "3", "4", "5", "6", "7", "8"] {
        world.deploy(page);
    }
    world.shipit(&["production", "revert", "7"]).ends_with(0);
    world.serve("one");
}

#[test]
fn defect_21_a_branch_is_the_repositorys_and_not_the_hosts_own() {
    let world = World::deployed(Kind::Sshd, 1, "");
    let source = world.host("web1").path("app/source");
    let one = world.repo.head();
    world.publish("two");
    // somebody worked there
    world.repo.git(&["--git-dir", source.to_str().unwrap(), "update-ref", "refs/heads/main", &one]);
    world.shipit(&["production"]).ends_with(0);
    world.serve("two");
    world.shipit(&["production", "ref", "origin/main"]).ends_with(0).says("nothing to do");
}

#[test]
fn defect_22_any_branch_tag_or_commit_can_be_the_first() {
    for reference in ["feature/deep/x", "tags/v1", "COMMIT"] {
        let world = World::new(Kind::Sshd, 1);
        world.repo.branch("feature/deep/x");
        let commit = world.publish("one");
        world.repo.tag("v1");
        world.repo.push();
        world.repo.git(&["switch", "-q", "main"]);
        let (repo, reference) = (world.repo.url(), reference.replace("COMMIT", &commit));
        world.config(&format!(
            "[deploy.production]\nhost = \"web1\"\nrepo = {repo:?}\nref = {reference:?}\npath = \"app\"\n"
        ));
        world.shipit(&["production", "setup"]).ends_with(0);
        world.shipit(&["production"]).ends_with(0);
        world.serve("one");
    }
}

#[test]
fn defect_26_a_hook_never_runs_where_it_does_not_belong() {
    let world = World::deployed(Kind::Sshd, 1, "post-deploy = \"touch here\"");
    let host = world.host("web1");
    // the release goes away under the run's feet
    world.production(
        "pre-activate = \"cd ~; rm -rf ~/app/releases/$SHIPIT_RELEASE\"\npost-deploy = \"touch here\"",
    );
    world.publish("two");
    world.shipit(&["production"]).ends_with(1);
    assert!(!host.path("here").exists(), "not in the login directory");
    assert!(!host.path("app/here").exists());
    assert_eq!(host.page().as_deref(), Some("one"));
    fs::remove_dir_all(fs::canonicalize(host.path("app/current")).unwrap()).unwrap();
    world.shipit(&["production", "exec", "touch", "here"]).ends_with(1);
    assert!(!host.path("here").exists() && !host.path("app/here").exists());
}

#[test]
fn defect_27_shared_holds_for_the_whole_hook_also_beside_env() {
    let hook = "true && test -n \\\"$SHARED\\\" && sh -c 'echo $SHARED $WORD' >~/got";
    let world =
        World::deployed(Kind::Sshd, 1, &format!("env = {{ WORD = \"word\" }}\npost-deploy = \"{hook}\""));
    let shared = world.host("web1").path("app/shared");
    assert_eq!(world.host("web1").read("got"), Some(format!("{} word\n", shared.display())));
}

#[test]
fn defect_28_a_plain_sh_is_enough() {
    let world = World::new(Kind::Sshd, 1);
    let host = world.host("web1");
    host.shell("dash");
    host.sh("busybox");
    world.production("shell = \"sh\"\nbuild = \"echo built >built\"");
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0).does_not_say("Bad substitution");
    world.shipit(&["production"]).ends_with(0).does_not_say("Bad substitution");
    world.serve("one");
    let odd: Vec<_> = fs::read_dir(host.path("app")).unwrap().flatten().map(|e| e.file_name()).collect();
    assert!(odd.iter().all(|name| !name.to_str().unwrap().contains('{')), "{odd:?}");
}

#[test]
fn defect_29_a_failure_in_a_hook_is_not_hidden() {
    let world = World::deployed(Kind::Sshd, 1, "");
    for hook in ["false ; true", "false | cat", "true\nfalse\ntrue", "cd /nowhere; touch x"] {
        world.production(&format!("build = {hook:?}"));
        world.publish(hook);
        world.shipit(&["production"]).ends_with(1);
        world.serve("one");
    }
}

#[test]
fn defect_30_env_is_data() {
    let value = "a & b; c (d) > e | $(touch owned) `touch owned` 'x' \\\"y\\\" # z  \\n end";
    let lines = format!("env = {{ WORD = \"{value}\" }}\npost-deploy = '''printf %s \"$WORD\" >~/got'''");
    let world = World::deployed(Kind::Sshd, 1, &lines);
    let expected = value.replace("\\\"", "\"").replace("\\n", "\n");
    assert_eq!(world.host("web1").read("got"), Some(expected));
    assert!(
        !world.host("web1").path("owned").exists() && !world.host("web1").path("app/current/owned").exists()
    );
}

// exec::env_is_there_and_secrets_are_seen_nowhere shows the same for processes and for all that lies on disk
#[test]
fn defect_31_secrets_are_in_no_output_and_in_no_log() {
    let world = World::new(Kind::Sshd, 1);
    world.env("SECRET", "hunter2-hunter2");
    world.production("env = { SECRET = \"${SECRET}\" }\nbuild = \"[ -n \\\"$SECRET\\\" ] && exit 1\"");
    world.publish("one");
    world.shipit(&["production", "setup", "-v"]).ends_with(0).does_not_say("hunter2");
    world.shipit(&["production", "-v"]).ends_with(1).does_not_say("hunter2");
    world.shipit(&["production", "plan", "-v"]).ends_with(0).does_not_say("hunter2");
    for log in fs::read_dir(world.host("web1").path("app/.shipit/logs")).unwrap().flatten() {
        assert!(!fs::read_to_string(log.path()).unwrap().contains("hunter2"));
    }
}

#[test]
fn defect_32_nothing_is_written_where_others_can_wait_for_it() {
    let world = World::deployed(Kind::Sshd, 1, "");
    let host = world.host("web1");
    for dir in ["app/.shipit/logs", "app/.shipit/journal", "app/.shipit/releases"] {
        let mode = fs::metadata(host.path(dir)).unwrap().permissions().mode() & 0o077;
        assert_eq!(mode, 0, "{dir} is for its owner only");
    }
    let left: Vec<_> = fs::read_dir(world.home().join("tmp")).unwrap().flatten().map(|e| e.path()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn defect_33_the_local_check_looks_where_the_file_is_and_only_when_it_matters() {
    let world = World::deployed(Kind::Sshd, 1, "");
    let config = world.repo.work().join("shipit.toml");
    world.publish("two");
    // outside of any work tree: nothing to check, no noise
    let outside = world.home().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::copy(&config, outside.join("shipit.toml")).unwrap();
    world.repo.write("page", "changed");
    let there = outside.to_str().unwrap();
    world.shipit(&["-C", there, "production"]).ends_with(0).does_not_say("fatal");
    world.serve("two");
    // another ref than the one that is checked out
    world.repo.git(&["push", "-q", "origin", "HEAD:refs/heads/other"]);
    world.shipit(&["production", "ref", "other", "--redeploy"]).ends_with(0).does_not_say("fatal");
    // from below, it is the same work tree
    fs::create_dir(world.repo.work().join("below")).unwrap();
    let below = world.repo.work().join("below");
    world.shipit(&["-C", below.to_str().unwrap(), "production"]).ends_with(3).says("page");
    // a detached HEAD that the remote has is fine
    world.repo.git(&["checkout", "-q", "--", "page"]);
    world.repo.git(&["checkout", "-q", "--detach"]);
    world.shipit(&["production"]).ends_with(0).does_not_say("fatal");
}

#[test]
fn defect_34_the_path_is_the_hosts() {
    let world = World::new(Kind::Sshd, 1);
    let repo = world.repo.url();
    for path in ["~/srv/app", "srv/app2", "./srv/app3"] {
        world.config(&format!(
            "[deploy.production]\nhost = \"web1\"\nrepo = {repo:?}\nref = \"main\"\npath = {path:?}\n"
        ));
        world.publish(path);
        world.shipit(&["production", "setup"]).ends_with(0);
        world.shipit(&["production"]).ends_with(0);
        let name = path.rsplit('/').next().unwrap();
        let page = world.host("web1").read(&format!("srv/{name}/current/page"));
        assert_eq!(page.as_deref(), Some(path));
    }
    assert!(!world.home().join("srv").exists() && !world.repo.work().join("srv").exists());
}

#[test]
fn defect_37_a_branch_of_shell_characters_is_a_branch() {
    let world = World::deployed(Kind::Sshd, 1, "");
    for branch in ["it's;touch$IFS'owned", "a&b|c", "$(touch${IFS}owned)", "\"quoted\"", "\u{fc}n\u{ef}"] {
        world.repo.git(&["switch", "-q", "main"]);
        world.repo.branch(branch);
        world.publish(branch);
        world.shipit(&["production", "ref", branch]).ends_with(0);
        world.serve(branch);
    }
    assert!(!world.host("web1").path("owned").exists() && !world.repo.work().join("owned").exists());
}
