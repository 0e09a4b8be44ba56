//! Adapters: the programs that drive supervisors on a host, a text for each kind. One is sent to the hosts that use it, lies
//! there below `.shipit/adapters/`, and is run as a job by `scripts/adapter.sh`, which says how it is called and how it answers.

use std::sync::LazyLock;

use super::program::bare;
use crate::config::Program;

static SYSTEMD: LazyLock<String> = LazyLock::new(|| shell(include_str!("systemd.sh")));
static SUPERVISORD: LazyLock<String> = LazyLock::new(|| shell(include_str!("supervisord.sh")));
static RUNIT: LazyLock<String> = LazyLock::new(|| shell(include_str!("runit.sh")));
static S6: LazyLock<String> = LazyLock::new(|| shell(include_str!("s6.sh")));
static PM2: LazyLock<String> = LazyLock::new(|| script(PM2_PARTS));

// In their order: one program.
const PM2_PARTS: &str = concat!(
    include_str!("pm2/10-ground.js"),
    include_str!("pm2/20-daemon.js"),
    include_str!("pm2/30-file.js"),
    include_str!("pm2/40-apps.js"),
    include_str!("pm2/50-process.js"),
    include_str!("pm2/55-lock.js"),
    include_str!("pm2/60-reload.js"),
    include_str!("pm2/65-start.js"),
    include_str!("pm2/70-steps.js"),
);

/// The adapter of a supervisor: a program for `/bin/sh`, that of pm2 for `node`.
#[must_use]
pub fn adapter(program: Program) -> &'static str {
    match program {
        Program::Pm2 => &PM2,
        Program::Systemd => &SYSTEMD,
        Program::Supervisord => &SUPERVISORD,
        Program::Runit => &RUNIT,
        Program::S6 => &S6,
    }
}

// What all have in common comes first, and the call last.
fn shell(own: &str) -> String {
    let shared = [include_str!("common.sh"), include_str!("process.sh"), include_str!("steps.sh")];
    shared.map(bare).concat() + &bare(own) + "main \"$@\"\n"
}

// JavaScript without comments and indentation: no text between quotes in these files goes over more than one line.
fn script(text: &str) -> String {
    let said = text.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with("//"));
    said.fold(String::with_capacity(text.len()), |script, line| script + line + "\n")
}
