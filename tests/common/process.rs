//! Processes as the scenarios see them: found in /proc, ended by pid, started with default signals.
//!
//! Never by name: other tests, and the machine's own servers, run programs of the same names.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::DirEntryExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};

/// A process that was running a moment ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its argv, joined by blanks.
    pub command: String,
}

/// A command that starts with every signal at its default: a test runner started in the background of a script
/// has SIGINT ignored, and what is ignored is inherited.
pub fn command(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new("env");
    command.arg("--default-signal=HUP,INT,QUIT,TERM,PIPE,CHLD").arg(program.as_ref());
    command
}

/// Where `tool` is.
///
/// # Panics
/// When it is not installed: a scenario that cannot run has failed.
pub fn require(tool: &str) -> PathBuf {
    let path = std::env::var("PATH").unwrap_or_default();
    path.split(':')
        .chain(["/usr/sbin", "/usr/local/sbin", "/sbin"])
        .map(|dir| Path::new(dir).join(tool))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("this test needs {tool}, which is not installed: tests/run installs it"))
}

/// Where `tests/run` puts tools that are no packages of the machine.
pub fn tools() -> PathBuf {
    let tools = std::env::var_os("SHIPIT_TEST_TOOLS").map(PathBuf::from);
    Path::new(env!("CARGO_MANIFEST_DIR")).join(tools.unwrap_or_else(|| "target/test-tools".into()))
}

/// Where the commands of pm2 of this major version are.
///
/// # Panics
/// When it is not installed.
pub fn pm2(version: u32) -> PathBuf {
    let bin = tools().join(format!("pm2-{version}/node_modules/.bin"));
    assert!(bin.is_dir(), "pm2 {version} is missing: tests/run installs it");
    bin
}

/// Sends a signal; a process that is gone already is no mistake.
pub fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// Runs a command to its end, quietly.
///
/// # Panics
/// When it cannot be started or fails.
pub fn succeed(command: &mut Command) -> String {
    let out = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let stdout = String::from_utf8_lossy(&out.stdout).trim_end().to_string();
    assert!(
        out.status.success(),
        "{command:?}: {}\n{stdout}\n{}",
        out.status,
        String::from_utf8_lossy(&out.stderr)
    );
    stdout
}

/// Processes older than the first world of this test process: none of them can belong to a world. Reading the
/// environment of every process of the machine, again and again, was a third of the work of some tests.
static OLDER: OnceLock<HashSet<u64>> = OnceLock::new();

/// Remembers the processes that exist now. Called before the first process of a world starts.
pub fn remember_older() {
    OLDER.get_or_init(|| entries().into_iter().map(|(_, inode)| inode).collect());
}

/// The processes whose environment or working directory lies in `root`. One that has ended and only waits for its
/// parent has neither.
pub fn inside(root: &Path) -> Vec<Process> {
    let needle = root.to_str().unwrap();
    let older = |inode: &u64| OLDER.get().is_some_and(|older| older.contains(inode));
    let belongs = |pid: u32| {
        let proc = PathBuf::from(format!("/proc/{pid}"));
        let environ = fs::read(proc.join("environ")).unwrap_or_default();
        // As text: the library's search is quick in builds that are not optimised, too.
        String::from_utf8_lossy(&environ).contains(needle)
            || fs::read_link(proc.join("cwd")).is_ok_and(|cwd| cwd.starts_with(root))
    };
    let newer = entries().into_iter().filter(|(_, inode)| !older(inode)).map(|(pid, _)| pid);
    let pids = newer.filter(|pid| *pid != std::process::id() && belongs(*pid));
    pids.map(|pid| Process { pid, command: argv(pid) }).collect()
}

/// The children of `pid`, their children, and so on.
pub fn descendants(pid: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = pids().into_iter().filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(at) = found.get(next).copied() {
        found.extend(parents.iter().filter(|(_, parent)| *parent == at).map(|(pid, _)| *pid));
        next += 1;
    }
    found.split_off(1)
}

/// The name of a process's program, as the kernel knows it.
pub fn name(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim_end().to_string()
}

/// Ends everything that still lives in `root`, also what is started meanwhile.
pub fn end_all_inside(root: &Path) {
    for _ in 0..50 {
        let left = inside(root);
        if left.is_empty() {
            return;
        }
        left.iter().for_each(|process| signal(process.pid, Signal::KILL));
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn pids() -> Vec<u32> {
    entries().into_iter().map(|(pid, _)| pid).collect()
}

/// The processes of the machine, with the inodes of their directories: a pid is used again, such an inode is not.
fn entries() -> Vec<(u32, u64)> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let process = |entry: fs::DirEntry| Some((entry.file_name().to_str()?.parse().ok()?, entry.ino()));
    entries.flatten().filter_map(process).collect()
}

pub fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // the program's name stands in parentheses and may hold anything, also blanks and parentheses
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn argv(pid: u32) -> String {
    let raw = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&raw).trim_end_matches('\0').replace('\0', " ")
}
