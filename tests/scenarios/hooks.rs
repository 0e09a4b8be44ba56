//! Hooks: where each runs, in which order, with what around it, and that any text survives the way there.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::common::{Host, Kind, Signal, World, signal};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

on_each_kind!(nothing_that_a_hook_starts_ignores_a_signal,);

on_sshd!(
    every_hook_runs_in_its_directory_in_order,
    a_put_back_and_a_revert_run_the_hooks_of_what_they_activate,
    hooks_find_what_they_need_in_their_environment,
    any_string_survives_to_hooks_and_env,
);

/// Every hook, writing down where it is and what `current` serves.
fn telling(more: &str) -> String {
    let tell = |name: &str| format!("{name} = \"echo {name} $(pwd -P) $(cat page 2>/dev/null) >>~/log\"\n");
    let hooks = ["pre-setup", "post-setup", "pre-deploy", "build", "migrate", "pre-activate", "post-deploy"];
    let hooks: String = hooks.iter().map(|name| tell(name)).collect();
    let local: String = ["pre-deploy-local", "post-deploy-local", "on-failure-local"]
        .iter()
        .map(|name| format!("{name} = \"echo {name} $PWD >>$HOME/log\"\n"))
        .collect();
    let reload = "echo reload $(pwd -P) $(cat page) >>~/log; ! grep -q bad page";
    format!(
        "{hooks}{local}supervisor = {{ reload = '''{reload}''', verify = \"echo verify >>~/log\" }}\n{more}"
    )
}

/// What was written down since the last time, the home and releases by what they serve.
fn log(host: &Host) -> Vec<String> {
    let text = host.read("log").unwrap_or_default();
    let _ = fs::remove_file(host.path("log"));
    let home = fs::canonicalize(host.path("")).unwrap();
    let current = host.current().unwrap_or_else(|| "none".into());
    text.lines()
        .map(|line| {
            let line = line.replace(home.to_str().unwrap(), "~").replace(&current, "CURRENT");
            line.trim_end().to_string()
        })
        .collect()
}

fn every_hook_runs_in_its_directory_in_order(kind: Kind) {
    let world = World::new(kind, 2);
    world.production(&telling(""));
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    for host in world.hosts() {
        assert_eq!(log(host), ["pre-setup ~", "post-setup ~/app"]);
    }
    world.shipit(&["production"]).ends_with(0);
    for host in world.hosts() {
        let mut expected = vec![
            "pre-deploy ~/app",
            "build ~/app/CURRENT one",
            "migrate ~/app/CURRENT one",
            "pre-activate ~/app/CURRENT one",
            "post-deploy ~/app/CURRENT one",
            "reload ~/app/CURRENT one",
            "verify",
        ];
        if host.name() == "web2" {
            expected.retain(|line| !line.starts_with("migrate"));
        }
        assert_eq!(log(host), expected, "{}", host.name());
    }
    let work = fs::canonicalize(world.repo.work()).unwrap();
    let local = fs::read_to_string(world.home().join("log")).unwrap();
    let here = work.display();
    assert_eq!(local, format!("pre-deploy-local {here}\npost-deploy-local {here}\n"));
    // the old code before, the new code after
    let before = world.host("web1").current().unwrap();
    world.publish("two");
    world.shipit(&["production"]).ends_with(0);
    let lines = log(world.host("web1"));
    assert_eq!(lines[0], format!("pre-deploy ~/app/{before} one"));
    assert_eq!(lines[4], "post-deploy ~/app/CURRENT two");
}

fn a_put_back_and_a_revert_run_the_hooks_of_what_they_activate(kind: Kind) {
    let world = World::deployed(kind, 2, &telling(""));
    world.hosts().iter().for_each(|host| drop(log(host)));
    world.publish("bad");
    world.shipit(&["production"]).ends_with(5);
    for host in world.hosts() {
        let lines = log(host);
        let back = lines.iter().rposition(|line| line.starts_with("post-deploy")).unwrap();
        let expected = ["post-deploy ~/app/CURRENT one", "reload ~/app/CURRENT one", "verify"];
        assert_eq!(lines[back..], expected, "{lines:?}");
    }
    let local = fs::read_to_string(world.home().join("log")).unwrap();
    assert!(local.lines().next_back().unwrap().starts_with("on-failure-local"), "{local}");
    world.deploy("two");
    world.hosts().iter().for_each(|host| drop(log(host)));
    world.shipit(&["production", "revert"]).ends_with(0);
    for host in world.hosts() {
        let expected = ["post-deploy ~/app/CURRENT one", "reload ~/app/CURRENT one", "verify"];
        assert_eq!(log(host), expected, "no build, no migrate");
    }
}

fn hooks_find_what_they_need_in_their_environment(kind: Kind) {
    let world = World::new(kind, 2);
    let names = "SHIPIT_ENV SHIPIT_APP SHIPIT_HOST SHIPIT_ROLES SHIPIT_ACTION SHIPIT_RELEASE SHIPIT_RELEASE_PATH \
        SHIPIT_REVISION SHIPIT_PREVIOUS_REVISION SHIPIT_REF SHIPIT_USER SHARED MINE";
    let tell = |step: &str| {
        format!("for n in {names}; do eval \"echo {step} $n=\\\\${{$n-unset}}\"; done >>~/env")
            .replace('"', "\\\"")
    };
    let lines = |word: &str| {
        format!(
            "env = {{ MINE = \"{word}\" }}\nbuild = \"{}\"\nsupervisor = {{ reload = \"{}; ! grep -q bad page\" }}",
            tell("build"),
            tell("reload")
        )
        .replace("\\\\\\\\", "\\\\")
    };
    world.production(&lines("word"));
    let first = world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    world.hosts().iter().for_each(|host| fs::remove_file(host.path("env")).unwrap());
    let check = |step: &str, revision: &str, previous: &str, action: &str, release: &str| {
        for host in world.hosts() {
            let text = host.read("env").unwrap();
            let root = host.path("app").to_str().unwrap().to_string();
            let expected = [
                "SHIPIT_ENV=production".to_string(),
                format!("SHIPIT_HOST={}", host.name()),
                "SHIPIT_ROLES=".to_string(),
                format!("SHIPIT_ACTION={action}"),
                format!("SHIPIT_RELEASE={release}"),
                format!("SHIPIT_RELEASE_PATH={root}/releases/{release}"),
                format!("SHIPIT_REVISION={revision}"),
                format!("SHIPIT_PREVIOUS_REVISION={previous}"),
                "SHIPIT_REF=main".to_string(),
                "SHIPIT_USER=operator".to_string(),
                format!("SHARED={root}/shared"),
                "MINE=word".to_string(),
            ];
            for line in expected {
                let line = format!("{step} {line}");
                assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
            }
            assert!(!text.contains("=unset"), "{text}");
        }
    };
    let one = world.host("web1").current().unwrap();
    let second = world.deploy("two");
    let two = world.host("web1").current().unwrap();
    let name = |current: &str| current.strip_prefix("releases/").unwrap().to_string();
    check("build", &second, &first, "deploy", &name(&two));
    check("reload", &second, &first, "deploy", &name(&two));
    world.hosts().iter().for_each(|host| fs::remove_file(host.path("env")).unwrap());
    let bad = world.publish("bad");
    world.shipit(&["production"]).ends_with(5);
    check("reload", &second, &bad, "rollback", &name(&two));
    world.hosts().iter().for_each(|host| fs::remove_file(host.path("env")).unwrap());
    world.shipit(&["production", "revert"]).ends_with(0);
    check("reload", &first, &second, "revert", &name(&one));
}

#[test]
fn a_local_hook_has_the_same_names_and_the_operators_own_environment() {
    let world = World::deployed(Kind::Sshd, 2, "");
    world.env("MINE", "the operator's");
    let tell = "echo $SHIPIT_ENV $SHIPIT_ACTION $SHIPIT_REVISION $SHIPIT_USER $MINE >>$HOME/env";
    world.production(&format!("pre-deploy-local = {tell:?}"));
    let revision = world.publish("two");
    world.shipit(&["production"]).ends_with(0);
    let env = fs::read_to_string(world.home().join("env")).unwrap();
    assert_eq!(env, format!("production deploy {revision} operator the operator's\n"));
}

#[test]
fn a_command_that_fails_ends_the_hook() {
    let world = World::deployed(Kind::Sshd, 1, "");
    for hook in ["false; touch ~/reached", "false | true; touch ~/reached", "(exit 3); touch ~/reached"] {
        world.production(&format!("build = {hook:?}"));
        world.publish(hook);
        world.shipit(&["production"]).ends_with(1);
        assert!(!world.host("web1").path("reached").exists(), "{hook}");
    }
    world.production("shell = \"sh\"\nbuild = \"false; touch ~/reached\"");
    world.shipit(&["production"]).ends_with(1);
    assert!(!world.host("web1").path("reached").exists());
    world.serve("one");
}

#[test]
fn a_list_is_several_hooks_each_in_a_fresh_shell() {
    let world = World::deployed(Kind::Sshd, 1, "");
    let lines = "build = [\"cd /; x=1; echo first >>~/log\", \"echo second ${x-none} $(cat page) >>~/log\", \"exit 3\", \
                 \"echo never >>~/log\"]";
    world.production(lines);
    world.publish("two");
    world.shipit(&["production"]).ends_with(1).says("exit 3");
    assert_eq!(world.host("web1").read("log").as_deref(), Some("first\nsecond none two\n"));
    world.serve("one");
}

#[test]
fn once_is_on_the_first_host() {
    let world = World::deployed(Kind::Sshd, 3, "");
    world.production("build = [{ run = \"touch ~/once\", once = true }, \"touch ~/all\"]");
    world.publish("two");
    world.shipit(&["production"]).ends_with(0);
    let there: Vec<_> =
        world.hosts().iter().map(|h| (h.path("once").exists(), h.path("all").exists())).collect();
    assert_eq!(there, [(true, true), (false, true), (false, true)]);
}

#[test]
fn local_is_here_once_a_host_and_keeps_its_place_in_the_order() {
    let world = World::deployed(Kind::Sshd, 2, "");
    let log = world.home().join("log");
    let to = |text: &str| format!("echo {text} >>{}", log.display());
    world.production(&format!(
        "build = [{:?}, {{ run = {:?}, local = true }}, {:?}]",
        to("before"),
        to("here $SHIPIT_HOST in $(basename $PWD)"),
        to("after")
    ));
    world.publish("two");
    world.shipit(&["production"]).ends_with(0);
    let text = fs::read_to_string(&log).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let expected = ["before", "before", "here web1 in work", "here web2 in work", "after", "after"];
    assert_eq!(lines, expected);
}

#[test]
fn a_script_file_runs_there_as_it_is() {
    let world = World::deployed(Kind::Sshd, 1, "");
    let text = "#!/bin/sh\n# it's a \"comment\"\ncat <<'END' >~/got\n$HOME `x` \\\nEND\n";
    world.repo.write("deploy/build.sh", text);
    world.production("build = { script = \"deploy/build.sh\" }");
    world.publish("two");
    world.shipit(&["production"]).ends_with(0);
    assert_eq!(world.host("web1").read("got").as_deref(), Some("$HOME `x` \\\n"));
}

#[test]
fn shells_are_what_was_asked_for() {
    let world = World::deployed(Kind::Sshd, 1, "");
    let host = world.host("web1");
    host.shell("zsh");
    let which = |shell: &str| {
        world.production(&format!("{shell}\nbuild = \"readlink /proc/$$/exe >~/exe; :\""));
        world.shipit(&["production", "--redeploy"]).ends_with(0);
        let exe = host.read("exe").unwrap();
        exe.trim().rsplit('/').next().unwrap().to_string()
    };
    assert_eq!(which(""), "bash");
    assert_eq!(which("shell = \"bash\""), "bash");
    assert!(["dash", "bash"].contains(&which("shell = \"sh\"").as_str()));
    assert!(which("shell = \"login\"").starts_with("zsh"));
    host.shell("fish");
    world.production("shell = \"login\"\nbuild = \"true\"");
    world.shipit(&["production", "--redeploy"]).ends_with(1).says("fish");
}

#[test]
fn profile_and_prepend_path_hold_for_hooks_and_exec() {
    let lines = "profile = [\"~/.nvm/nvm.sh\", \"/dev/null\"]\nprepend-path = [\"~/a b/bin\", \"/opt/x\"]\n\
         build = \"tool >>~/log; echo $FROM_PROFILE >>~/log; echo $PATH >~/path\"\nsupervisor = { reload = \"tool >>~/log\" }";
    let world = World::new(Kind::Sshd, 1);
    world.production(lines);
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    let host = world.host("web1");
    world.shipit(&["production"]).ends_with(1).says("nvm.sh");
    host.put(
        ".nvm/nvm.sh",
        "echo from a profile\nFROM_PROFILE=set\nexport FROM_PROFILE\n[ -s /nowhere ] && . /nowhere\n",
    );
    host.put("a b/bin/tool", "#!/bin/sh\necho tool\n");
    fs::set_permissions(host.path("a b/bin/tool"), fs::Permissions::from_mode(0o755)).unwrap();
    world.shipit(&["production"]).ends_with(0);
    assert_eq!(host.read("log").as_deref(), Some("tool\nset\ntool\n"));
    let path = format!("{}:/opt/x:", host.path("a b/bin").display());
    assert!(host.read("path").unwrap().starts_with(&path), "{:?}", host.read("path"));
    world.shipit(&["production", "exec", "tool; echo $FROM_PROFILE"]).ends_with(0).says("tool").says("set");
}

#[test]
fn hooks_have_no_input_and_no_terminal() {
    let world = World::deployed(
        Kind::Sshd,
        1,
        "build = \"cat >~/input; [ ! -t 0 ] && [ ! -t 1 ] && [ ! -t 2 ]; touch ~/none\"",
    );
    assert_eq!(world.host("web1").read("input").as_deref(), Some(""));
    assert!(world.host("web1").path("none").exists());
}

#[test]
fn a_daemon_of_a_local_hook_keeps_nobody_however_much_it_prints() {
    for noise in ["yes", "while :; do echo .; sleep 0.01; done", "sleep 1000"] {
        let line = format!("{noise} & echo $! >$HOME/daemon; echo last words");
        let world = World::new(Kind::Sshd, 1);
        world.production(&format!("pre-deploy-local = {line:?}"));
        world.publish("one");
        world.shipit(&["production", "setup"]).ends_with(0);
        let run = world.shipit(&["production"]).ends_with(0);
        // Of so many lines as `yes` prints not all are shown.
        assert!(noise == "yes" || run.stderr.contains("last words"), "{run}");
        world.serve("one");
        let daemon: u32 = fs::read_to_string(world.home().join("daemon")).unwrap().trim().parse().unwrap();
        signal(daemon, Signal::KILL);
    }
}

#[test]
fn the_outcome_is_json_on_the_input_of_the_last_local_hooks() {
    let lines = "migrate = \"true\"\npost-deploy-local = \"cat >$HOME/outcome\"\non-failure-local = \"cat >$HOME/failure\"\n\
                 build = \"echo 'it is \\\"broken\\\"'; [ ! -e bad ]\"";
    let world = World::deployed(Kind::Sshd, 2, lines);
    let json = |file: &str| -> serde_json::Value {
        let text = fs::read_to_string(world.home().join(file)).unwrap();
        assert_eq!(text.trim().lines().count(), 1, "{text}");
        serde_json::from_str(&text).unwrap()
    };
    let outcome = json("outcome");
    let current = world.host("web1").current().unwrap();
    assert_eq!(outcome["result"], "done");
    assert_eq!((&outcome["action"], &outcome["migrated"]), (&"deploy".into(), &true.into()));
    assert_eq!(outcome["environment"], "production");
    assert_eq!(outcome["revision"], world.repo.head());
    assert_eq!(format!("releases/{}", outcome["release"].as_str().unwrap()), current);
    assert_eq!(outcome["hosts"][1]["host"], "web2");
    assert_eq!(outcome["hosts"][1]["to"]["revision"], world.repo.head());
    world.repo.publish(&[("bad", "")]);
    world.shipit(&["production"]).ends_with(1);
    let failure = json("failure");
    assert_eq!(failure["result"], "failed");
    assert_eq!(failure["failed_in"], "prepare");
    let hosts = failure["hosts"].as_array().unwrap();
    let broken: Vec<_> = hosts.iter().filter(|host| !host["failure"].is_null()).collect();
    assert!(!broken.is_empty());
    assert_eq!(broken[0]["failure"]["step"], "build");
    assert!(broken[0]["failure"]["output"].as_str().unwrap().contains("it is \"broken\""));
    // a hook that reads nothing hangs nobody
    world.production("post-deploy-local = \"true\"");
    world.repo.git(&["rm", "-q", "bad"]);
    world.deploy("three");
    world.production("post-deploy-local = \"cat >$HOME/outcome\"");
    world.shipit(&["production", "revert"]).ends_with(0);
    assert_eq!(json("outcome")["action"], "revert");
}

fn nothing_that_a_hook_starts_ignores_a_signal(kind: Kind) {
    let tell = |step: &str| format!("echo {step} $(grep SigIgn /proc/self/status) >>~/signals");
    let lines = format!(
        "build = {:?}\npost-deploy = {:?}\nsupervisor = {{ reload = {:?}, stop = {:?} }}",
        tell("build"),
        tell("post-deploy-$SHIPIT_ACTION"),
        tell("reload-$SHIPIT_ACTION") + "; ! grep -q bad page",
        tell("stop"),
    );
    for sh in ["dash", "bash", "busybox"] {
        let world = World::new(kind, 1);
        let host = world.host("web1");
        host.sh(sh);
        world.production(&lines);
        world.publish("bad");
        world.shipit(&["production", "setup"]).ends_with(0);
        // rolled back to nothing: stop
        world.shipit(&["production"]).ends_with(5);
        world.deploy("one");
        world.publish("bad");
        world.shipit(&["production"]).ends_with(5);
        world.deploy("two");
        world.shipit(&["production", "revert"]).ends_with(0);
        world.shipit(&["production", "exec", &tell("exec")]).ends_with(0);
        let text = host.read("signals").unwrap();
        let seen: Vec<_> = text.lines().map(|line| line.split(' ').next().unwrap()).collect();
        for step in ["build", "stop", "post-deploy-rollback", "reload-rollback", "reload-revert", "exec"] {
            assert!(seen.contains(&step), "{step} is not in {seen:?}");
        }
        for line in text.lines() {
            let mask = u64::from_str_radix(line.rsplit([' ', '\t']).next().unwrap(), 16).unwrap();
            assert_eq!(mask & 0x7fff_ffff, 0, "{sh}: {line}");
        }
    }
}

fn any_string_survives_to_hooks_and_env(kind: Kind) {
    let world = World::new(kind, 1);
    let mut runner = TestRunner::new(Config {
        cases: crate::common::generated(8),
        failure_persistence: None,
        ..Config::default()
    });
    let odd = "[ '\"\\\\$`!*?#~&|;<>(){}\\[\\]\n\t%=^-]";
    let any = || proptest::string::string_regex(&format!("({odd}|[a-z]|[^\0\r]){{0,30}}")).unwrap();
    let first = std::cell::Cell::new(true);
    let ran = runner.run(&(any(), any()), |(text, value)| {
        let quoted =
            format!("printf %s '{}' >~/text; printf %s \"$WORD\" >~/word", text.replace('\'', "'\\''"));
        // `${` would be the operator's variable
        let value_in_file = value.replace("${", "$${");
        world.production(&format!(
            "build = {}\nenv = {{ WORD = {} }}",
            toml_string(&quoted),
            toml_string(&value_in_file)
        ));
        if first.replace(false) {
            world.publish("one");
            world.shipit(&["production", "setup"]).ends_with(0);
        }
        world.shipit(&["production", "--redeploy"]).ends_with(0);
        prop_assert_eq!(world.host("web1").read("text").unwrap(), text);
        prop_assert_eq!(world.host("web1").read("word").unwrap(), value);
        Ok(())
    });
    ran.unwrap();
}

/// A TOML string of any characters.
fn toml_string(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '"' => "\\\"".to_string(),
        '\\' => "\\\\".to_string(),
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}
