//! `shipit demo`: the whole of it, on a machine with nothing but `sh` and `git`, and what it leaves behind.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::common::{Kind, Running, Signal, World, within};

/// The demonstration does nine runs, on a machine that may be busy with other tests.
const PATIENCE: Duration = Duration::from_secs(120);

/// `shipit demo` with its own directory for temporary files, and next to nothing in its environment.
struct Demo {
    world: World,
    temporary: PathBuf,
}

impl Demo {
    fn new() -> Self {
        let world = World::new(Kind::InProcess, 0);
        let temporary = world.root().join("with a blank");
        fs::create_dir(&temporary).unwrap();
        Self { world, temporary: temporary.canonicalize().unwrap() }
    }

    fn start(&self, arguments: &[&str], path: &str) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shipit"));
        command.arg("demo").args(arguments).env_clear().env("PATH", path).env("TMPDIR", &self.temporary);
        command.current_dir("/");
        Running::start(command, "shipit demo".into())
    }

    fn run(&self, arguments: &[&str]) -> crate::common::Run {
        self.start(arguments, &path()).wait()
    }

    /// The directory that it made, while it is there.
    fn directory(&self) -> Option<PathBuf> {
        fs::read_dir(&self.temporary).unwrap().flatten().map(|entry| entry.path()).next()
    }

    /// What still runs in it.
    fn processes(&self) -> usize {
        let here = self.temporary.to_str().unwrap();
        let environment = |pid: &Path| fs::read(pid.join("environ")).unwrap_or_default();
        let lives = |pid: &Path| {
            environment(pid).windows(here.len()).any(|part| part == here.as_bytes())
                && !fs::read_to_string(pid.join("comm")).unwrap_or_default().is_empty()
        };
        fs::read_dir("/proc").unwrap().flatten().filter(|entry| lives(&entry.path())).count()
    }

    fn is_gone(&self) {
        assert_eq!(self.directory(), None, "nothing is left");
        assert_eq!(self.processes(), 0, "nothing runs any more");
    }
}

fn path() -> String {
    std::env::var("PATH").unwrap()
}

#[test]
fn it_sets_up_deploys_puts_back_and_reverts_and_leaves_nothing() {
    let demo = Demo::new();
    let run = demo.run(&[]).ends_with(0);
    let mut rest = run.stdout.as_str();
    for expected in [
        "$ shipit production setup",
        "set up 3 hosts",
        "$ shipit production\n",
        "to 3 hosts in",
        "web1 | the shop, second edition",
        "port 9090 is taken by a metrics exporter",
        "failed while reloading on web2; all 3 hosts were rolled back",
        "[exit code 5]",
        "web2 | the shop, second edition",
        "6. A release that starts, and then dies",
        "still unhealthy after 4 s",
        "all 3 hosts were rolled back",
        "$ shipit production revert",
        "reverted 3 hosts",
        "$ shipit production list",
        "rolled back",
        "web1:shop\n",
        "current -> releases/",
        "9 runs, 27 logins",
    ] {
        let at = rest.find(expected).unwrap_or_else(|| panic!("{expected} does not come in its turn: {run}"));
        rest = &rest[at + expected.len()..];
    }
    assert_eq!(run.stderr, "", "one stream, so that all stands in its order");
    assert!(!run.stdout.contains('\u{1b}'), "no colours where nobody looks: {run}");
    demo.is_gone();
}

#[test]
fn what_it_says_itself_fits_eighty_columns() {
    let demo = Demo::new();
    let run = demo.run(&["--output", "pretty", "--color", "never"]).ends_with(0);
    let here = demo.temporary.to_str().unwrap();
    let told = run.stdout.lines().filter(|line| !line.contains(here) && !line.contains("you@"));
    // Live lines and data are two streams, and come together here as they do on no terminal.
    let told = told.filter(|line| !line.contains('\u{1b}') && !line.starts_with('✓'));
    // The table of `list` and the last sentence fit the terminal, and a pipe has no width.
    for line in told.filter(|line| {
        !line.starts_with("revert  ") && !line.starts_with("failed while") && !line.starts_with("  →")
    }) {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn nothing_of_the_user_is_asked_or_changed() {
    let demo = Demo::new();
    let home = demo.world.root().join("user");
    fs::create_dir_all(home.join(".ssh")).unwrap();
    fs::write(home.join(".ssh/config"), "Host *\n  ProxyJump bastion.example.com\n").unwrap();
    fs::write(home.join(".gitconfig"), "[core]\n\thooksPath = /nowhere\n[commit]\n\tgpgsign = true\n")
        .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_shipit"));
    command.arg("demo").env_clear().env("PATH", path()).env("TMPDIR", &demo.temporary).env("HOME", &home);
    command.env("SSH_AUTH_SOCK", "/nowhere").env("GIT_DIR", "/nowhere").env("SHIPIT_CONFIG", "/nowhere");
    command.env("SHIPIT_HOSTS", "other").current_dir(&home);
    Running::start(command, "shipit demo".into()).wait().ends_with(0).says("9 runs, 27 logins");
    let mut left: Vec<_> = fs::read_dir(&home).unwrap().flatten().map(|entry| entry.file_name()).collect();
    left.sort();
    assert_eq!(left, [".gitconfig", ".ssh"]);
    assert_eq!(fs::read_dir(home.join(".ssh")).unwrap().count(), 1);
    demo.is_gone();
}

#[test]
fn kept_hosts_are_reached_by_hand_by_nobody_else_and_until_ctrl_c() {
    let demo = Demo::new();
    let mut running = demo.start(&["--keep"], &path());
    within(PATIENCE, "it says how to go on", || {
        assert!(!running.ended(), "it ended before it was asked to");
        running.stdout().contains("The hosts stay until Ctrl-C")
    });
    let root = demo.directory().unwrap();
    let shipit = |arguments: &[&str]| {
        let mut command = Command::new(root.join("bin/shipit"));
        command.args(arguments).env_clear().env("PATH", path()).current_dir(root.join("shop"));
        Running::start(command, "by hand".into()).wait()
    };
    let names = shipit(&["production", "exec", "hostname"]).ends_with(0);
    for name in ["web1", "web2", "web3"] {
        assert!(names.stdout.contains(&format!("{name} | {name}\n")), "{names}");
    }
    shipit(&["production"]).ends_with(5).says("still unhealthy");
    let mut git = Command::new("sh");
    git.args(["-c", "echo 'the fourth' >page && git commit -qam 'Fourth edition' && git push -q"]);
    git.env_clear().env("PATH", path()).current_dir(root.join("shop"));
    Running::start(git, "git, by hand".into()).wait().ends_with(0);
    shipit(&["production"]).ends_with(0);
    // By OpenSSH's own client, and not with another key.
    let ssh = |key: &Path| {
        let mut command = Command::new("ssh");
        command.arg("-F").arg(root.join("home/.ssh/config")).arg("-o").arg("BatchMode=yes");
        command.arg("-o").arg(format!("IdentityFile=\"{}\"", key.display())).args(["web1", "hostname"]);
        Running::start(command, "ssh".into()).wait()
    };
    assert_eq!(ssh(&root.join("home/.ssh/id_ed25519")).ends_with(0).stdout, "web1\n");
    fs::rename(root.join("home/.ssh/id_ed25519"), root.join("home/.ssh/away")).unwrap();
    ssh(&demo.world.home().join(".ssh/id_ed25519")).ends_with(255);
    running.kill(Signal::INT);
    running.wait().ends_with(0).says("files kept; remove them with: rm -r ");
    assert!(root.join("web1/shop/current").exists(), "what was kept stays");
    let held = shipit(&["production", "status"]);
    assert_eq!(held.code, Some(4), "the hosts end with the process: {held}");
}

#[test]
fn a_signal_ends_it_at_any_time_without_a_trace() {
    for (signal, code, when) in [
        (Signal::INT, 130, "2. Setup"),
        (Signal::TERM, 143, "$ shipit production\n"),
        (Signal::INT, 130, "5. A"),
    ] {
        let demo = Demo::new();
        let running = demo.start(&[], &path());
        within(PATIENCE, when, || running.stdout().contains(when));
        running.kill(signal);
        running.wait().ends_with(code);
        demo.is_gone();
    }
}

/// A server of tmux's on a socket of its own, which ends with the test, however that ends.
struct Tmux {
    socket: PathBuf,
}

impl Tmux {
    /// One window of that size, with a shell's line running in it.
    fn start(socket: PathBuf, (columns, rows): (&str, &str), line: &str) -> Self {
        let tmux = Self { socket };
        tmux.says(&["new-session", "-d", "-x", columns, "-y", rows, line]);
        tmux
    }

    fn command(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(&self.socket).args(["-f", "/dev/null"]).args(arguments).env_remove("TMUX");
        command.output().unwrap()
    }

    fn says(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn shows(&self, text: &str) -> bool {
        self.says(&["capture-pane", "-p"]).contains(text)
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        // The server may have ended with its last window.
        self.command(&["kill-server"]);
    }
}

#[test]
fn ctrl_c_on_a_terminal_ends_it_without_a_trace() {
    let demo = Demo::new();
    let here = demo.temporary.to_str().unwrap();
    let line = format!(
        "TMPDIR='{here}' '{}' demo; echo \"ended with $?\"; unset TMPDIR; cat",
        env!("CARGO_BIN_EXE_shipit")
    );
    let tmux = Tmux::start(demo.world.root().join("tmux"), ("80", "60"), &line);
    within(PATIENCE, "it deploys", || tmux.shows("$ shipit production"));
    tmux.says(&["send-keys", "C-c"]);
    within(PATIENCE, "it ends", || tmux.shows("ended with 130"));
    assert_eq!(demo.directory(), None, "nothing is left");
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_without_a_trace() {
    let demo = Demo::new();
    let mut command = Command::new("sh");
    command.args(["-c", "{ \"$0\" demo; echo $? >&2; } | head -n 1", env!("CARGO_BIN_EXE_shipit")]);
    command.env_clear().env("PATH", path()).env("TMPDIR", &demo.temporary);
    let run = Running::start(command, "shipit demo | head".into()).wait().ends_with(0);
    assert_eq!((run.stdout.lines().count(), run.stderr.as_str()), (1, "141\n"), "{run}");
    demo.is_gone();
}

#[test]
fn a_machine_without_git_says_so() {
    let demo = Demo::new();
    let bin = demo.world.root().join("few");
    fs::create_dir(&bin).unwrap();
    symlink("/bin/sh", bin.join("sh")).unwrap();
    demo.start(&[], bin.to_str().unwrap()).wait().ends_with(1).says("cannot start git");
    demo.is_gone();
}

#[test]
fn it_is_for_people() {
    let demo = Demo::new();
    demo.run(&["--output", "json"]).ends_with(2).says("for people");
    demo.is_gone();
}

#[test]
fn a_place_that_cannot_hold_it_is_told() {
    let demo = Demo::new();
    for (directory, says) in
        [("no such", "cannot make a directory in"), ("it's", "set TMPDIR to another directory")]
    {
        let place = demo.world.root().join(directory);
        if directory == "it's" {
            fs::create_dir(&place).unwrap();
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_shipit"));
        command.arg("demo").env_clear().env("PATH", path()).env("TMPDIR", place);
        Running::start(command, "shipit demo".into()).wait().ends_with(1).says(says);
    }
}
