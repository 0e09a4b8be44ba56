//! Adapters: the programs that drive supervisors on a host, a text for each kind. One is sent to the hosts that use it, lies
//! there below `.shipit/adapters/`, and is run as a job by `scripts/adapter.sh`, which says how it is called and how it answers.

use std::sync::LazyLock;

use super::program::bare;
use crate::config::Program;

static SYSTEMD: LazyLock<String> = LazyLock::new(|| shell(include_str!("systemd.sh")));
static SUPERVISORD: LazyLock<String> = LazyLock::new(|| shell(include_str!("supervisord.sh")));
static RUNIT: LazyLock<String> = LazyLock::new(|| shell(include_str!("runit.sh")));
static S6: LazyLock<String> = LazyLock::new(|| shell(include_str!("s6.sh")));
const PM2: &str = include_str!("pm2.js");

/// The adapter of a supervisor: a program for `/bin/sh`, that of pm2 for `node`.
#[must_use]
pub fn adapter(program: Program) -> &'static str {
    match program {
        Program::Pm2 => PM2,
        Program::Systemd => &SYSTEMD,
        Program::Supervisord => &SUPERVISORD,
        Program::Runit => &RUNIT,
        Program::S6 => &S6,
    }
}

// What all have in common comes first, and the call last.
fn shell(own: &str) -> String {
    bare(include_str!("common.sh")) + &bare(own) + "main \"$@\"\n"
}
