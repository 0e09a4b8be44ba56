//! The resident shell itself, without SSH: its program runs as a local process under dash, bash and busybox ash, is spoken
//! to in the wire protocol, and is hurt in every state it can be in.
//!
//! Every scenario runs on all three shells, as tests of their own; those of many states or of several daemons share them out.
//! Which of these tests `tests/run` leaves to `tests/run long` is in `.config/nextest.toml`.
//! What a host holds and serves is looked at on disk.
#![allow(clippy::print_stderr, clippy::unwrap_used, clippy::expect_used)]

#[path = "../common/booted.rs"]
mod booted;
// What generators share.
#[path = "../common/adversary.rs"]
mod adversary;
// The harness's own modules for processes and the repository; each file uses its part of them.
#[allow(dead_code)]
#[path = "../common/process.rs"]
mod process;
#[allow(dead_code)]
#[path = "../common/repo.rs"]
mod repo;
#[allow(dead_code)]
#[path = "../common/shared.rs"]
mod shared;
#[allow(dead_code)]
#[path = "../common/supervised.rs"]
mod supervised;

mod adapter;
mod answer;
mod driver;
mod ends;
mod full;
mod ground;
mod look;
mod states;

mod adapter_daemons;
mod adapter_systemd;
mod adopt;
mod ask;
mod cache;
mod check;
mod confirm;
mod health;
mod hostile;
mod jobs;
mod limits;
mod lock;
mod loss;
mod names;
mod onward;
mod owner;
mod prune;
mod repository;
mod sent;
mod setup;
mod since;
mod steps;
mod text;
mod theirs;
mod traffic;
mod upkeep;
mod whole;
mod why;

/// A shell that hosts have as `/bin/sh`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sh {
    /// Debian, Ubuntu.
    Dash,
    /// Red Hat, Arch.
    Bash,
    /// Alpine.
    Busybox,
}

impl Sh {
    /// Under which shells the scenario number `turn` plays its case number `at`: one in turn, so that each case meets each
    /// scenario, each scenario each shell, and each shell each case. `tests/run long` plays all of them.
    pub fn in_turn(turn: usize, at: usize) -> &'static [Sh] {
        static ALL: [Sh; 3] = [Sh::Dash, Sh::Bash, Sh::Busybox];
        match std::env::var_os("SHIPIT_EVERY_SHELL") {
            Some(_) => &ALL,
            None => std::slice::from_ref(&ALL[(turn + at) % ALL.len()]),
        }
    }
}

/// Runs each named scenario, a `fn(Sh)`, under each shell, as tests of their own.
#[macro_export]
macro_rules! on_each_shell {
    ($($scenario:ident),+ $(,)?) => {
        $(mod $scenario {
            #[test]
            fn dash() {
                super::$scenario($crate::Sh::Dash);
            }
            #[test]
            fn bash() {
                super::$scenario($crate::Sh::Bash);
            }
            #[test]
            fn busybox() {
                super::$scenario($crate::Sh::Busybox);
            }
        })+
    };
}

/// Waits until `holds` is true; fails with what it was about when it is not within the deadline.
pub fn eventually(what: &str, holds: impl FnMut() -> bool) {
    let mut holds = holds;
    let start = std::time::Instant::now();
    while !holds() {
        assert!(start.elapsed() < driver::PATIENCE, "never came: {what}");
        // What takes long is looked at less often: looking costs more than waiting.
        let [shortest, longest] = [10, 50].map(std::time::Duration::from_millis);
        std::thread::sleep((start.elapsed() / 20).clamp(shortest, longest));
    }
}
