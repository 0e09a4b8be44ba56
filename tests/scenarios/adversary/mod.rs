//! Hostile hosts and hostile logins, by a seed: whatever web1 does, shipit ends in bounded time and memory with one of its
//! exit codes, nothing of the host acts on the terminal, the operator's files stay as they are, and web2 is all or nothing.
//!
//! `SHIPIT_ADVERSARY_SECONDS` and `SHIPIT_ADVERSARY_SEED` say for how long, and from where (`tests/run adversary host`).

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::common::adversary::{Random, Seeds};
use crate::common::{Kind, Run, Running, Signal, World, eventually};

const LIAR: &str = include_str!("liar.py");
/// The exit codes of the documentation, but for 70, a bug.
const CODES: [i32; 10] = [0, 1, 2, 3, 4, 5, 6, 75, 130, 143];
/// kB of memory that a run may take, whatever the host says.
const MEMORY: u64 = 250_000;
/// With the limits of `LINES`, a run needs no more time; longer ones are interrupted, and then have `LAST`.
const PATIENCE: Duration = Duration::from_secs(25);
const LAST: Duration = Duration::from_secs(100);
const LINES: &str = "timeout = { lost = '3s', connect = '4s', hook = '5s', fetch = '20s', reload = '5s' }\n\
    build = 'echo built'\nlogs = ['log/*']\nsupervisor = { reload = 'true' }";

const COMMANDS: [&[&str]; 9] = [
    &["production"],
    &["production", "--redeploy"],
    &["production", "--redeploy", "--output", "json"],
    &["production", "status"],
    &["production", "status", "--output", "json"],
    &["production", "show"],
    &["production", "list"],
    &["production", "check"],
    &["production", "revert"],
];

/// What a login may do before our shell begins.
const LOGINS: [&str; 22] = [
    "echo welcome; printf '\\033]0;owned\\007\\033[2J' >&2",
    "sleep 1",
    "IFS=/; export IFS",
    "PATH=/nowhere:$PATH; export PATH",
    "ENV=$HOME/env BASH_ENV=$HOME/env; export ENV BASH_ENV; echo 'echo from env; cd /' >\"$HOME/env\"",
    "TMPDIR=/nonexistent XDG_RUNTIME_DIR=/nonexistent; export TMPDIR XDG_RUNTIME_DIR",
    "trap '' INT QUIT HUP",
    "umask 777",
    "umask 0",
    "exec 2>/dev/null",
    "exec 4>/dev/null 5>/dev/null 6</dev/null",
    "ulimit -n 32",
    "ulimit -f 200",
    "cd /; set -f",
    "root=/x S=/y R=/z release=a state=b; export root S R release state",
    "LC_ALL=tr_TR.UTF-8 LANG=C POSIXLY_CORRECT=1 TIME_STYLE=+%s QUOTING_STYLE=c; export LC_ALL LANG POSIXLY_CORRECT TIME_STYLE QUOTING_STYLE",
    "GIT_DIR=/nowhere GIT_TRACE=1 GIT_WORK_TREE=/; export GIT_DIR GIT_TRACE GIT_WORK_TREE",
    "CDPATH=/:/tmp GREP_OPTIONS=-v LS_COLORS=x TAR_OPTIONS=-x; export CDPATH GREP_OPTIONS LS_COLORS TAR_OPTIONS",
    "while :; do echo for ever; sleep 0.2; done",
    "exec cat",
    "exit 3",
    "yes",
];

/// Each file of the operator that shipit has no business to change.
fn operators_files(world: &World) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for dir in [world.home().to_path_buf(), world.home().join(".ssh"), world.repo.work().to_path_buf()] {
        for entry in fs::read_dir(dir).unwrap().flatten().filter(|entry| entry.path().is_file()) {
            all.insert(entry.path().display().to_string(), fs::read(entry.path()).unwrap());
        }
    }
    all
}

/// Runs it to its end; interrupts it when it takes long, as a person would. Its memory at most, in kB.
fn run(world: &World, words: &[&str]) -> (Run, u64) {
    let mut running = world.shipit_spawn(words);
    let since = Instant::now();
    let mut memory = 0;
    let mut interrupted = false;
    while !running.ended() {
        memory = memory.max(peak(&running).unwrap_or(0));
        if since.elapsed() > PATIENCE && !interrupted {
            interrupted = true;
            running.kill(Signal::INT);
        }
        assert!(since.elapsed() < PATIENCE + LAST, "{words:?} does not end: {}", running.stderr());
        std::thread::sleep(Duration::from_millis(20));
    }
    (running.wait(), memory)
}

fn peak(running: &Running) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", running.pid())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

fn judge(what: &str, words: &[&str], run: &Run, memory: u64) {
    assert!(run.code.is_some_and(|code| CODES.contains(&code)), "{what}, {words:?}: {run}");
    assert!(memory < MEMORY, "{what}, {words:?}: {memory} kB: {run}");
    let acts = |c: char| c != '\n' && c != '\t' && (c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c));
    for text in [&run.stdout, &run.stderr] {
        assert!(!text.contains(acts), "{what}, {words:?}: {text:?}");
    }
    assert!(!run.stderr.contains("panicked"), "{what}, {words:?}: {run}");
}

// web2 serves one whole page, as the run said, and holds nothing.
fn web2_is_whole(world: &World, what: &str, before: &str, new: &str, run: &Run) {
    let web2 = world.host("web2");
    eventually("web2 is unlocked", || fs::symlink_metadata(web2.path("app/.shipit/lock")).is_err());
    let page = web2.read("app/current/page").unwrap_or_default();
    assert!(page.trim() == before || page.trim() == new, "{what}: web2 serves {page:?}: {run}");
    if matches!(run.code, Some(1..=5)) {
        assert_eq!(page.trim(), before, "{what}: the run says that nothing changed: {run}");
    }
}

fn spoiled(world: &World, text: &str) {
    let login = world.root().canonicalize().unwrap().join("web1/login");
    let _ = fs::remove_file(&login);
    fs::write(&login, text).unwrap();
    fs::set_permissions(&login, fs::Permissions::from_mode(0o755)).unwrap();
}

fn true_login(world: &World) -> String {
    fs::read_to_string(world.root().join("web1/login")).unwrap()
}

fn play(world: &World, what: &str, words: &[&str], number: u64) {
    let before = world.host("web2").read("app/current/page").unwrap();
    let new = format!("page-{number}");
    if words.len() == 1 || words.contains(&"--redeploy") {
        world.publish(&new);
    }
    let files = operators_files(world);
    let (run, memory) = run(world, words);
    judge(what, words, &run, memory);
    // A revert goes to a page of before.
    if !words.contains(&"revert") {
        web2_is_whole(world, what, before.trim(), &new, &run);
    }
    assert_eq!(operators_files(world), files, "{what}, {words:?}: the operator's files");
    assert!(!Path::new("canary").exists() && !world.repo.work().join("canary").exists(), "{what}");
}

#[test]
fn adversary_host() {
    let world = World::deployed(Kind::InProcess, 2, LINES);
    let real = true_login(&world);
    let root = world.root().canonicalize().unwrap();
    let (python, liar, login) =
        (crate::common::require("python3"), root.join("liar.py"), root.join("web1/true-login"));
    fs::write(&liar, LIAR).unwrap();
    fs::write(&login, &real).unwrap();
    fs::set_permissions(&login, fs::Permissions::from_mode(0o755)).unwrap();
    let mut seeds = Seeds::new("host");
    while let Some(seed) = seeds.next_seed() {
        let mut random = Random::new(seed);
        let words = *random.pick(&COMMANDS);
        let lie =
            format!("#!/bin/sh\nexec {} {} {seed} {}\n", python.display(), liar.display(), login.display());
        spoiled(&world, &lie);
        play(&world, &format!("seed {seed}"), words, seed);
        heal(&world, &real, seed);
    }
}

// An honest web1 again: the next run puts right what the last one left.
fn heal(world: &World, real: &str, seed: u64) {
    spoiled(world, real);
    let page = format!("whole-{seed}");
    world.publish(&page);
    world.shipit(&["production", "unlock", "--yes"]);
    world.shipit(&["production", "--allow-older", "--redeploy"]).ends_with(0);
    world.serve(&page);
}

#[test]
fn adversary_login() {
    let world = World::deployed(Kind::InProcess, 2, LINES);
    let real = true_login(&world);
    let mark = "# shellcheck disable=SC2086";
    assert!(real.contains(mark), "{real}");
    let mut seeds = Seeds::new("login");
    while let Some(seed) = seeds.next_seed() {
        let mut random = Random::new(seed);
        let count = 1 + random.below(3);
        let lines: Vec<&str> = (0..count).map(|_| *random.pick(&LOGINS)).collect();
        let words = *random.pick(&COMMANDS);
        spoiled(&world, &real.replace(mark, &format!("{}\n{mark}", lines.join("\n"))));
        play(&world, &format!("seed {seed}, {lines:?}"), words, seed);
        // What a mask or a limit of the login left cannot be read by a login without them.
        let _ = std::process::Command::new("chmod")
            .args(["-R", "u+rwX"])
            .arg(world.root().join("web1/home"))
            .status();
        heal(&world, &real, seed);
    }
}
