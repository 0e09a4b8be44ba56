//! `exec`: what was typed arrives as it was typed, on every host at once, and the exit code comes back.

use std::fs;

use crate::common::{Kind, Signal, Terminal, World, eventually};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

by_openssh!(
    several_words_arrive_one_argument_each,
    one_word_is_a_script,
    who_was_stopped_before_its_turn_ran_nothing,
);

on_each_kind!(
    several_words_arrive_one_argument_each,
    one_word_is_a_script,
    who_was_stopped_before_its_turn_ran_nothing,
);

on_sshd!(
    every_login_shell_gives_the_same,
    env_is_there_and_secrets_are_seen_nowhere,
    all_hosts_run_it_even_if_one_fails,
    a_host_that_cannot_be_reached_is_told_and_the_others_run_it,
);

/// Words that a shell on the way would change.
const WORDS: [&str; 16] = [
    "a  b",
    "*",
    "?[a-z]*",
    "$HOME",
    "$(touch owned)",
    "`touch owned`",
    "it's",
    "\"double\"",
    "back\\slash",
    "line one\nline two\n",
    "tab\there",
    "a;b&&c|d>e",
    "{a,b}",
    "~",
    "!history",
    "\u{fc}n\u{ef}\u{1f600}\u{202e}",
];

fn several_words_arrive_one_argument_each(kind: Kind) {
    let world = World::deployed(kind, 1, "");
    let write = "for word; do printf '%s\\0' \"$word\"; done >~/got";
    let words = [&["production", "exec", "sh", "-c", write, "name"][..], &WORDS, &["", "-c", "--"]].concat();
    world.shipit(&words).ends_with(0);
    let got = world.host("web1").read("got").unwrap();
    let got: Vec<_> = got.split_terminator('\0').collect();
    assert_eq!(got, [&WORDS[..], &["", "-c", "--"]].concat());
}

fn one_word_is_a_script(kind: Kind) {
    let world = World::deployed(kind, 1, "");
    let script = "x='a  b'\ncat >~/got <<END\n$x $(cat page) \"quoted\" `echo *` $((1 + 1))\nEND\ncd /; pwd >>~/got | cat";
    world.shipit(&["production", "exec", script]).ends_with(0);
    let got = world.host("web1").read("got").unwrap();
    assert_eq!(got, "a  b one \"quoted\" README REVISION page 2\n/\n");
}

fn every_login_shell_gives_the_same(kind: Kind) {
    let world = World::deployed(kind, 1, "env = { WORD = \"it's $HOME \\\"x\\\"\" }");
    for shell in ["bash", "dash", "busybox ash", "zsh", "fish", "tcsh"] {
        let host = world.host("web1");
        host.shell(shell);
        world
            .shipit(&["production", "exec", "printf '%s|' \"$1\" \"$WORD\" $SHIPIT_HOST >~/got"])
            .ends_with(0);
        assert_eq!(host.read("got").as_deref(), Some("|it's $HOME \"x\"|web1|"), "{shell}");
        world
            .shipit(&[
                "production",
                "exec",
                "sh",
                "-c",
                "printf '%s|' \"$@\" >~/got; exit 4",
                "x",
                "a  b",
                "*",
            ])
            .ends_with(4);
        assert_eq!(host.read("got").as_deref(), Some("a  b|*|"), "{shell}");
        world.publish(shell);
        world.shipit(&["production"]).ends_with(0);
        world.serve(shell);
    }
}

#[test]
fn every_sh_of_a_host_gives_the_same() {
    let world = World::deployed(Kind::Sshd, 1, "shell = \"sh\"");
    for sh in ["dash", "bash", "busybox"] {
        let host = world.host("web1");
        host.sh(sh);
        world
            .shipit(&["production", "exec", "printf '%s|' \"$SHIPIT_HOST\" 'a  b' >~/got; exit 4"])
            .ends_with(4);
        assert_eq!(host.read("got").as_deref(), Some("web1|a  b|"), "{sh}");
        world.publish(sh);
        world.shipit(&["production"]).ends_with(0);
        world.serve(sh);
        world.shipit(&["production", "revert"]).ends_with(0);
    }
}

#[test]
fn it_runs_in_current_with_what_hooks_have() {
    let world = World::deployed(Kind::Sshd, 2, "env = { WORD = \"x\" }\nprepend-path = [\"~/tools\"]");
    for host in world.hosts() {
        host.put("tools/mine", "#!/bin/sh\necho mine\n");
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(host.path("tools/mine"), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let script =
        "echo $SHIPIT_HOST $SHIPIT_ENV $SHIPIT_REVISION $WORD $(cat page) $(mine) >~/got; ls $SHARED";
    world.shipit(&["production", "exec", script]).ends_with(0);
    let revision = world.repo.head();
    for host in world.hosts() {
        let expected = format!("{} production {revision} x one mine\n", host.name());
        assert_eq!(host.read("got"), Some(expected));
        host.is_at_rest();
    }
    // the other name, and a program of several words
    let run = world.shipit(&["production", "run", "mine"]).ends_with(0);
    assert_eq!(run.stdout.matches("mine").count(), 2, "{run}");
    world.shipit(&["production", "run", "test", "-f", "page"]).ends_with(0);
}

#[test]
fn standard_input_is_empty_and_there_is_no_terminal() {
    let world = World::deployed(Kind::Sshd, 1, "");
    let run =
        world.shipit(&["production", "exec", "cat; [ ! -t 0 ] && [ ! -t 1 ] && echo none"]).ends_with(0);
    assert!(run.stdout.contains("none"), "{run}");
}

#[test]
fn output_is_data_and_comes_whole() {
    let world = World::deployed(Kind::Sshd, 1, "");
    let run = world.shipit(&["production", "exec", "seq 200000; echo to stderr >&2"]).ends_with(0);
    assert!(run.stdout.contains("199999") && !run.stdout.contains("[connect]"));
    assert!(run.stdout.lines().filter(|line| line.ends_with("150000")).count() == 1);
    assert!(run.stdout.lines().count() >= 200_000, "{} lines", run.stdout.lines().count());
    assert!(run.stdout.contains("to stderr") || run.stderr.contains("to stderr"));
}

#[test]
fn options_after_the_first_word_are_the_commands() {
    let world = World::deployed(Kind::Sshd, 2, "");
    let args =
        ["production", "exec", "--hosts", "web1", "echo", "--hosts", "web2", "-q", "--", "-n", "--help"];
    let run = world.shipit(&args).ends_with(0);
    assert!(run.stdout.contains("--hosts web2 -q -- -n --help"), "{run}");
    assert!(!run.stdout.contains("web2 |"), "{run}");
    world.shipit(&["production", "exec", "--", "echo", "--version"]).ends_with(0).says("--version");
    world.shipit(&["production", "exec"]).ends_with(2);
}

fn all_hosts_run_it_even_if_one_fails(kind: Kind) {
    let world = World::deployed(kind, 3, "");
    let script = "touch ~/ran; [ $SHIPIT_HOST != web2 ] || exit 7";
    world.shipit(&["production", "exec", script]).ends_with(7).says("web2");
    assert!(world.hosts().iter().all(|host| host.path("ran").exists()));
    // where those that fail do not agree, it is 1
    world.shipit(&["production", "exec", "exit ${SHIPIT_HOST#web}"]).ends_with(1);
    world.shipit(&["production", "exec", "[ $SHIPIT_HOST = web3 ] || exit 42"]).ends_with(42);
    world.shipit(&["production", "exec", "sh", "-c", "exit 255"]).ends_with(255);
    world.shipit(&["production", "exec", "no-such-command"]).ends_with(127);
    world.shipit(&["production", "exec", "no-such-command", "x"]).ends_with(127);
    // as a shell tells it
    world.shipit(&["production", "exec", "kill -TERM $$"]).ends_with(143);
}

fn a_host_that_cannot_be_reached_is_told_and_the_others_run_it(kind: Kind) {
    let world = World::deployed(kind, 3, "");
    world.host("web2").kill_sshd();
    world.shipit(&["production", "exec", "touch ~/ran; exit 3"]).ends_with(4).says("web2");
    assert!(world.host("web1").path("ran").exists() && world.host("web3").path("ran").exists());
}

fn who_was_stopped_before_its_turn_ran_nothing(kind: Kind) {
    let world = World::deployed(kind, 2, "");
    let run = world.shipit_spawn(&["production", "--concurrency", "1", "exec", "touch ~/ran; sleep 1000"]);
    let ran = |name: &str| world.host(name).path("ran").exists();
    eventually("one of them runs it", || ran("web1") || ran("web2"));
    run.kill(Signal::INT);
    let run = run.wait().ends_with(130).says("stopped").does_not_say("exit 0");
    assert!(!ran("web1") || !ran("web2"), "{run}");
}

#[test]
fn where_nothing_is_deployed_nothing_runs() {
    let world = World::new(Kind::Sshd, 1);
    world.production("");
    world.shipit(&["production", "exec", "touch ~/ran"]).ends_with(1).says("nothing is deployed");
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production", "exec", "touch ~/ran"]).ends_with(1).says("nothing is deployed");
    assert!(!world.host("web1").path("ran").exists());
}

fn env_is_there_and_secrets_are_seen_nowhere(kind: Kind) {
    let world = World::new(kind, 1);
    world.env("TOKEN", "s3cr3t-of-the-operator");
    world.env("PART", "s3cr3t-part");
    let lines = "env = { TOKEN = \"${TOKEN}\", MADE = \"made of ${PART}\", OPEN = \"open\" }\n\
         build = \"touch ~/building; while [ ! -e ~/go ]; do sleep 0.1; done; echo ${#TOKEN} ${#MADE} $OPEN >lengths\"";
    world.production(lines);
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    let plan = world.shipit(&["production", "plan", "--scripts"]).ends_with(0);
    assert!(!plan.stdout.contains("s3cr3t") && plan.stdout.contains("open"), "{plan}");
    let host = world.host("web1");
    let seen = |when: &str| {
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let argv = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let argv = String::from_utf8_lossy(&argv).into_owned();
            assert!(!argv.contains("s3cr3t"), "{when}: {argv}");
        }
    };
    let running = world.shipit_spawn(&["production", "-v"]);
    eventually("it builds", || host.path("building").exists());
    seen("while building");
    host.put("go", "");
    running.wait().ends_with(0).does_not_say("s3cr3t");
    assert_eq!(host.read("app/current/lengths").as_deref(), Some("22 19 open\n"));
    let script =
        "touch ~/runs; while [ ! -e ~/end ]; do sleep 0.1; done; test $TOKEN = s3cr3t-of-the-operator";
    // the script itself holds it, so it may be seen there: another one
    let script = script.replace("test $TOKEN = s3cr3t-of-the-operator", "echo ${#TOKEN} >~/length");
    let running = world.shipit_spawn(&["production", "exec", &script]);
    eventually("it runs", || host.path("runs").exists());
    seen("while exec runs");
    host.put("end", "");
    running.wait().ends_with(0).does_not_say("s3cr3t");
    assert_eq!(host.read("length").as_deref(), Some("22\n"));
    // on disk: only where only the owner reads it
    use std::os::unix::fs::PermissionsExt;
    let mut found = 0;
    let mut dirs = vec![host.path("")];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                dirs.push(entry.path());
            } else if kind.is_file()
                && String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).contains("s3cr3t")
            {
                let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
                assert_eq!(mode, 0o600, "{}", entry.path().display());
                found += 1;
            }
        }
    }
    assert_eq!(found, 1, "kept with its release, and nowhere else");
}

/// Strings that a command line can hold.
fn word() -> impl Strategy<Value = String> {
    let odd = "[ '\"\\\\$`!*?#~&|;<>(){}\\[\\]\n\t%=^-]";
    proptest::string::string_regex(&format!("({odd}|[a-z]|[^\0]){{0,20}}")).unwrap()
}

#[test]
fn any_words_arrive_as_they_are() {
    let world = World::deployed(Kind::InProcess, 1, "");
    let mut runner = TestRunner::new(Config {
        cases: crate::common::generated(12),
        failure_persistence: None,
        ..Config::default()
    });
    let words = proptest::collection::vec(word(), 1..6);
    let ran = runner.run(&words, |words| {
        let write = "for word; do printf '%s\\0' \"$word\"; done >~/got";
        let mut args = vec!["production", "exec", "sh", "-c", write, "name"];
        args.extend(words.iter().map(String::as_str));
        world.shipit(&args).ends_with(0);
        let got = fs::read(world.host("web1").path("got")).unwrap();
        let expected: Vec<u8> = words.iter().flat_map(|word| [word.as_bytes(), b"\0"].concat()).collect();
        prop_assert_eq!(got, expected);
        Ok(())
    });
    ran.unwrap();
}

#[test]
fn any_script_arrives_as_it_is() {
    let world = World::deployed(Kind::InProcess, 1, "");
    let mut runner = TestRunner::new(Config {
        cases: crate::common::generated(12),
        failure_persistence: None,
        ..Config::default()
    });
    let ran = runner.run(&word(), |word| {
        // quoted for sh, so that the script as a whole holds the string and prints it
        let script = format!("printf %s '{}' >~/got", word.replace('\'', "'\\''"));
        world.shipit(&["production", "exec", &script]).ends_with(0);
        prop_assert_eq!(world.host("web1").read("got").unwrap(), word);
        Ok(())
    });
    ran.unwrap();
}

/// Live lines are drawn over what stands on the screen, and would take away what the other program wrote.
#[test]
fn what_a_program_behind_a_pipe_shows_on_the_same_screen_stays() {
    let world = World::deployed(Kind::InProcess, 1, "");
    let shipit = env!("CARGO_BIN_EXE_shipit");
    for output in ["auto", "pretty"] {
        let mut shell = world.command(std::path::Path::new("sh"));
        let line = format!("{shipit} --output {output} production exec 'seq 3; sleep 1; seq 4 6' | cat");
        shell.args(["-c", &line]);
        let mut terminal = Terminal::start(shell);
        assert_eq!(terminal.wait(), Some(0));
        let shown = terminal.shown();
        let lines: Vec<&str> = shown.lines().filter(|line| line.starts_with("web1 | ")).collect();
        assert_eq!(lines, (1..=6).map(|n| format!("web1 | {n}")).collect::<Vec<_>>(), "{shown:?}");
        assert!(!shown.contains("\u{1b}["), "{shown:?}");
    }
}

#[test]
fn what_is_interrupted_and_not_undone_is_not_told_as_undone() {
    let world = World::deployed(Kind::Sshd, 1, "");
    let running = world.shipit_spawn(&["production", "exec", "echo started; sleep 300"]);
    eventually("it runs", || running.stdout().contains("started"));
    running.kill(Signal::INT);
    running.wait().ends_with(130).says("Ctrl-C: stopping; press Ctrl-C again").does_not_say("undoing");
}

#[test]
fn once_is_on_the_first_host_that_was_chosen() {
    let world = World::deployed(Kind::Sshd, 3, "");
    let ran = || -> Vec<String> {
        let all = world.hosts().iter().filter(|host| host.read("got").is_some());
        let all = all.map(|host| {
            fs::remove_file(host.path("got")).unwrap();
            host.name().to_owned()
        });
        all.collect()
    };
    let write = ["exec", "--once", "touch ~/got; echo on $SHIPIT_HOST; exit 4"];
    let run = world.shipit(&[&["production"][..], &write].concat()).ends_with(4);
    assert_eq!((run.stdout.trim(), ran()), ("web1 | on web1", vec!["web1".to_owned()]), "{run}");
    let run =
        world.shipit(&[&["production", "--hosts", "web3,web2", "--output", "json"][..], &write].concat());
    let first: serde_json::Value = serde_json::from_str(run.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(first["hosts"], serde_json::json!(["web2"]), "{run}");
    assert_eq!(ran(), ["web2"], "as the file has them, not as they are typed");
    let run = world.shipit(&["production", "-n", "exec", "--once", "touch", "a b"]).ends_with(0);
    assert!(run.stdout.contains("on web1\n\nruns in `current`: touch 'a b'\n"), "{run}");
    world
        .shipit(&["production", "-n", "--scripts", "exec", "--once", "touch got"])
        .ends_with(0)
        .says("touch got");
    // What must not run twice does not move to another host.
    world.host("web1").kill_sshd();
    world.shipit(&[&["production"][..], &write].concat()).ends_with(4).says("web1");
    assert_eq!(ran(), [""; 0]);
}
