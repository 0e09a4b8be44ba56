//! `console`: a terminal in `current` of one host, with what hooks have, and this terminal as it was afterwards.

use std::fs;

use crate::common::{Kind, Signal, Terminal, World, eventually};
use crate::common_ssh::Agent;

by_openssh!(
    an_agent_that_is_for_git_alone_is_not_in_a_terminal,
    a_person_works_in_current_and_the_shells_code_comes_back,
    secrets_are_in_no_process_list_and_nothing_is_left,
    ctrl_c_and_the_size_of_the_window_get_through,
    programs_that_use_the_whole_screen_follow_its_size,
    the_keys_of_a_terminal_are_the_users_own_there_too,
    the_terminal_is_given_back_however_it_ends,
);

on_each_kind!(
    a_person_works_in_current_and_the_shells_code_comes_back,
    secrets_are_in_no_process_list_and_nothing_is_left,
    ctrl_c_and_the_size_of_the_window_get_through,
    the_keys_of_a_terminal_are_the_users_own_there_too,
    the_terminal_is_given_back_however_it_ends,
);

on_sshd!(
    an_agent_that_is_for_git_alone_is_not_in_a_terminal,
    programs_that_use_the_whole_screen_follow_its_size,
);

/// Waits for it, with what was shown.
#[track_caller]
fn sees(terminal: &Terminal, text: &str) {
    let start = std::time::Instant::now();
    while !terminal.shown().contains(text) {
        assert!(start.elapsed() < crate::common::PATIENCE, "{text:?} is not shown: {:?}", terminal.shown());
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// A console that is ready to be typed at: its shell has answered.
fn console(world: &World, args: &[&str]) -> Terminal {
    let terminal = world.shipit_at_terminal(&[&["production", "console"], args].concat());
    eventually("keys are passed on", || !terminal.is_cooked());
    terminal.types("echo re''ady\r");
    sees(&terminal, "ready\r\n");
    terminal
}

fn a_person_works_in_current_and_the_shells_code_comes_back(kind: Kind) {
    let lines = "env = { WORD = \"it's $HOME\" }\nprepend-path = ['~/tools']\nprofile = ['~/profile']";
    let world = World::new(kind, 2);
    for host in world.hosts() {
        host.put("profile", "greet() { echo hello from a profile; }\n");
        host.put("tools/mine", "#!/bin/sh\necho my tool\n");
        let mine = host.path("tools/mine");
        fs::set_permissions(mine, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    world.production(lines);
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    let mut terminal = console(&world, &[]);
    sees(&terminal, "opening web1, the first of 2 hosts; for another: shipit production console HOST");
    terminal.types(
        "echo \"[$WORD|$SHIPIT_HOST|$SHIPIT_ACTION|$SHIPIT_ENV]\"; cat page; greet; mine; tty; echo $TERM\r",
    );
    sees(&terminal, "[it's $HOME|web1|console|production]\r\n");
    sees(&terminal, "one");
    sees(&terminal, "hello from a profile\r\nmy tool\r\n/dev/pts/");
    sees(&terminal, "\r\nxterm\r\n");
    terminal.types("pwd | grep -q /app/current && exit 37\r");
    assert_eq!(terminal.wait(), Some(37), "{}", terminal.shown());
    assert!(terminal.is_cooked());
    let mut other = console(&world, &["web2"]);
    other.types("echo at $SHIPIT_HOST; kill -TERM $$; kill -KILL $$\r");
    sees(&other, "at web2\r\n");
    // The system's `ssh` does not tell by which signal.
    let code = if kind == Kind::ByOpenSsh { 1 } else { 137 };
    assert_eq!(other.wait(), Some(code), "{}", other.shown());
    for host in world.hosts() {
        eventually("nothing is left of it", || host.processes().is_empty());
    }
}

fn secrets_are_in_no_process_list_and_nothing_is_left(kind: Kind) {
    let world = World::new(kind, 1);
    // As long as any number of a process, and no other run's.
    let secret = format!("s3cr3t-{:011}", std::process::id());
    world.env("SHOP_TOKEN", &secret);
    world.production("env = { TOKEN = \"${SHOP_TOKEN}\" }");
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    let mut terminal = console(&world, &[]);
    terminal.types("printf '%s\\n' ${#TOKEN} \"$0\"; echo ${shipit_meta-gone}\r");
    sees(&terminal, "18\r\n");
    sees(&terminal, "gone\r\n");
    let host = world.host("web1");
    for process in host.processes() {
        assert!(!process.command.contains(&secret), "{process:?}");
    }
    terminal.types("exit\r");
    assert_eq!(terminal.wait(), Some(0), "{}", terminal.shown());
    eventually("nothing is left of it", || host.processes().is_empty());
    let left = fs::read_dir("/dev/shm").unwrap().flatten();
    for file in left.map(|entry| entry.path().join("meta/env")) {
        assert!(!fs::read_to_string(&file).unwrap_or_default().contains(&secret), "{file:?}");
    }
}

fn an_agent_that_is_for_git_alone_is_not_in_a_terminal(kind: Kind) {
    let world = World::deployed(kind, 1, "");
    let agent = Agent::start(world.root());
    world.env("SSH_AUTH_SOCK", &agent.socket.to_string_lossy());
    for (lends, seen) in [("true", "[]\r\n"), ("all", "[an agent]\r\n"), ("false", "[]\r\n")] {
        let mut terminal = console(&world, &["--set", &format!("forward-agent={lends}")]);
        terminal.types("echo \"[${SSH_AUTH_SOCK:+an agent}]\"; exit 5\r");
        sees(&terminal, seen);
        assert_eq!(terminal.wait(), Some(5), "{}", terminal.shown());
    }
}

fn ctrl_c_and_the_size_of_the_window_get_through(kind: Kind) {
    let world = World::deployed(kind, 1, "shell = 'sh'");
    let mut terminal = console(&world, &[]);
    terminal.types("stty size\r");
    sees(&terminal, "30 100\r\n");
    terminal.resize(77, 21);
    terminal.types("sleep 600\r");
    sees(&terminal, "sleep 600");
    std::thread::sleep(std::time::Duration::from_millis(300));
    terminal.types("\u{3}");
    terminal.types("stty size\r");
    sees(&terminal, "21 77\r\n");
    terminal.types("yes | head -c 3000000; echo do''ne\r");
    sees(&terminal, "done\r\n");
    assert!(terminal.shown().matches("y\r\n").count() >= 1_400_000);
    terminal.types("\u{4}");
    assert_eq!(terminal.wait(), Some(0), "{}", terminal.shown());
}

/// An editor and a monitor: keys come one by one, the last line is where it is, and the shell behind them is as before.
fn programs_that_use_the_whole_screen_follow_its_size(kind: Kind) {
    let world = World::deployed(kind, 1, "shell = 'sh'");
    let host = world.host("web1");
    host.put("note", "");
    let mut terminal = console(&world, &[]);
    terminal.types("busybox vi ~/note\r");
    sees(&terminal, "\u{1b}[30;1H\u{1b}[K- ");
    terminal.types("ihello\u{1b}");
    sees(&terminal, "note [Modified] 1/1");
    terminal.resize(77, 21);
    sees(&terminal, "\u{1b}[21;1H\u{1b}[K- ");
    terminal.types(":wq\r");
    sees(&terminal, "\u{1b}[?1049l");
    terminal.types("top\r");
    sees(&terminal, "load average");
    assert_eq!(host.read("note").as_deref(), Some("hello\n"));
    assert!(!terminal.is_cooked());
    terminal.resize(60, 12);
    // The heading ends where the screen does.
    sees(&terminal, "  %MEM \u{1b}");
    terminal.types("q");
    // The line behind the last one of the screen, and then the shell.
    sees(&terminal, "\u{1b}[13;1H");
    let prompts = |shown: String| shown.ends_with("# ") || shown.ends_with("$ ");
    eventually("it prompts", || prompts(terminal.shown()));
    terminal.types("stty size; exit 9\r");
    sees(&terminal, "12 60\r\n");
    assert_eq!(terminal.wait(), Some(9), "{}", terminal.shown());
    assert!(terminal.is_cooked());
}

const OWN_KEYS: &str = "stty intr ^G erase ^H kill ^K stop undef -ixon -echoctl tostop";

/// What `stty` sets here is set there, and does what it does here.
#[track_caller]
fn has_own_keys(world: &World) {
    let mut terminal = world.shipit_after(OWN_KEYS, &["production", "console"]);
    eventually("keys are passed on", || !terminal.is_cooked());
    terminal.types("stty -a; echo do''ne\r");
    sees(&terminal, "done\r\n");
    for mode in
        ["intr = ^G;", "erase = ^H;", "kill = ^K;", "stop = <undef>;", "-ixon ", "-echoctl", " tostop"]
    {
        sees(&terminal, mode);
    }
    terminal.types("sleep 600\r");
    sees(&terminal, "sleep 600\r\n");
    std::thread::sleep(std::time::Duration::from_millis(300));
    terminal.types("\u{7}exit 5\r");
    assert_eq!(terminal.wait(), Some(5), "{}", terminal.shown());
}

fn the_keys_of_a_terminal_are_the_users_own_there_too(kind: Kind) {
    has_own_keys(&World::deployed(kind, 1, "shell = 'sh'"));
}

fn the_terminal_is_given_back_however_it_ends(kind: Kind) {
    let world = World::deployed(kind, 1, "");
    let host = world.host("web1");
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::QUIT, 131), (Signal::INT, 130)] {
        let mut terminal = console(&world, &[]);
        terminal.kill(signal);
        assert_eq!(terminal.wait(), Some(code), "{}", terminal.shown());
        assert!(terminal.is_cooked(), "{signal:?}");
    }
    let mut terminal = console(&world, &[]);
    host.kill_session();
    assert_eq!(terminal.wait(), Some(4), "{}", terminal.shown());
    assert!(terminal.is_cooked());
    assert!(terminal.shown().contains("web1: connection lost"), "{}", terminal.shown());
    eventually("nothing is left of it", || host.processes().is_empty());
    // What is there is not lent at all where the host cannot be had.
    host.kill_sshd();
    let mut terminal = world.shipit_at_terminal(&["production", "console"]);
    assert_eq!(terminal.wait(), Some(4), "{}", terminal.shown());
    assert!(terminal.is_cooked());
}

#[test]
fn without_a_terminal_exec_is_named() {
    let world = World::deployed(Kind::InProcess, 1, "");
    let before = world.host("web1").logins();
    world
        .shipit(&["production", "console"])
        .ends_with(2)
        .says("console needs a terminal for input and output: `shipit production exec CMD…`");
    assert_eq!(world.host("web1").logins(), before, "no host was contacted");
}

#[test]
fn a_host_is_one_host() {
    let world = World::deployed(Kind::InProcess, 2, "");
    let ends = |args: &[&str]| {
        let mut terminal = world.shipit_at_terminal(&[&["production", "console"], args].concat());
        (terminal.wait(), terminal.shown())
    };
    let (code, shown) = ends(&["web*"]);
    assert!(code == Some(2) && shown.contains("web* matches web1, web2"), "{code:?} {shown}");
    let (code, shown) = ends(&["wbe1"]);
    assert!(code == Some(2) && shown.contains("web1"), "{code:?} {shown}");
}

#[test]
fn nothing_deployed_is_told() {
    let world = World::new(Kind::Sshd, 1);
    world.production("");
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    let mut terminal = world.shipit_at_terminal(&["production", "console"]);
    assert_eq!(terminal.wait(), Some(1), "{}", terminal.shown());
    assert!(terminal.shown().contains("nothing is deployed here"), "{}", terminal.shown());
}

#[test]
fn every_login_shell_gives_the_same() {
    let world = World::deployed(Kind::Sshd, 1, "env = { WORD = \"it's\" }");
    for shell in ["dash", "busybox ash", "zsh", "fish", "tcsh"] {
        world.host("web1").shell(shell);
        let mut terminal = console(&world, &[]);
        terminal.types("echo $WORD $SHIPIT_HOST; exit 5\r");
        sees(&terminal, "it's web1\r\n");
        assert_eq!(terminal.wait(), Some(5), "{shell}: {}", terminal.shown());
    }
}

#[test]
fn every_kind_of_shell_starts() {
    let world = World::deployed(Kind::Sshd, 1, "env = { WORD = \"it's\" }");
    let host = world.host("web1");
    host.put("profile", "greet() { echo hello; }\n");
    for shell in ["sh", "bash", "login"] {
        world.production(&format!("shell = '{shell}'\nenv = {{ WORD = \"it's\" }}\nprofile = ['~/profile']"));
        for sh in ["dash", "bash", "busybox"] {
            host.sh(sh);
            let mut terminal = console(&world, &[]);
            terminal.types("echo $WORD $SHIPIT_HOST; pwd | grep -c /app/current; exit 5\r");
            sees(&terminal, "it's web1\r\n");
            assert_eq!(terminal.wait(), Some(5), "{shell} {sh}: {}", terminal.shown());
            assert!(terminal.shown().contains("\n1\r\n"), "{shell} {sh}: {}", terminal.shown());
        }
    }
}

#[test]
fn localhost_has_a_terminal_without_ssh() {
    let world = World::new(Kind::InProcess, 0);
    let path = world.home().join("deployed");
    let repo = world.repo.url();
    world.config(&format!(
        "[deploy.production]\nhost = 'localhost'\nrepo = {repo:?}\nref = 'main'\npath = {path:?}\nenv = {{ WORD = 'here' }}\n"
    ));
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    let mut terminal = console(&world, &["localhost"]);
    terminal.types("echo $WORD $(cat page); stty size\r");
    sees(&terminal, "\nhere one\r\n30 100\r\n");
    terminal.resize(66, 22);
    std::thread::sleep(std::time::Duration::from_millis(300));
    terminal.types("stty size; sleep 600\r");
    sees(&terminal, "\n22 66\r\n");
    std::thread::sleep(std::time::Duration::from_millis(300));
    terminal.types("\u{3}yes | head -c 3000000; echo do''ne; exit 6\r");
    sees(&terminal, "done\r\n");
    assert_eq!(terminal.wait(), Some(6));
    assert!(terminal.is_cooked());
    has_own_keys(&world);
    let mut terminal = console(&world, &[]);
    terminal.kill(Signal::TERM);
    assert_eq!(terminal.wait(), Some(143), "{}", terminal.shown());
}
