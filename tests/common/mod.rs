//! The closed environment in which scenarios run: an operator, a git repository and machines of their own.
//!
//! A scenario says what happens in sentences and runs on both kinds of host; nothing here knows what shipit does
//! inside, only its command line and what lies on disk. Nothing of the real user's home or git configuration is
//! seen, sockets are on loopback, and whatever was started is ended by pid when its [`World`] is dropped. What a
//! scenario needs and the machine lacks fails it: nothing is ever skipped.

// Each test file compiles this module anew and uses its own part of it; a panic is how a test fails.
#![allow(dead_code, unused_imports, unused_macros, clippy::unwrap_used, clippy::expect_used)]

pub mod adversary;
pub mod booted;
mod host;
mod login;
mod process;
mod pty;
mod pulse;
mod repo;
mod run;
mod server;
mod shared;
mod sshd;
pub mod supervised;
mod watch;
mod world;

use std::time::{Duration, Instant};

pub use host::{Host, Kind};
pub use process::{Process, Signal, pm2, require, signal};
pub use pty::Terminal;
pub use pulse::{Beat, Pulse};
pub use repo::Repo;
pub use run::{Run, Running};
pub use watch::{ABSENT, Watch};
pub use world::World;

/// How long a scenario waits for something that must come by itself.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Runs each named scenario, a `fn(Kind)`, on real sshds and on the in-process server, as tests of their own: what the
/// connection itself does, how it is lost, signals, terminals and streams of output.
macro_rules! on_each_kind {
    ($($scenario:ident),+ $(,)?) => {
        $(mod $scenario {
            #[test]
            fn on_sshd() {
                super::$scenario($crate::common::Kind::Sshd);
            }
            #[test]
            fn in_process() {
                super::$scenario($crate::common::Kind::InProcess);
            }
        })+
    };
}

/// Runs each named scenario, a `fn(Kind)`, on real sshds that the system's `ssh` reaches: what the other client's connections
/// meet as well.
macro_rules! by_openssh {
    ($($scenario:ident),+ $(,)?) => {
        mod by_openssh {
            $(#[test]
            fn $scenario() {
                super::$scenario($crate::common::Kind::ByOpenSsh);
            })+
        }
    };
}

/// Runs each named scenario, a `fn(Kind)`, on real sshds: what happens on a host, in git, in the configuration or in a report
/// does not depend on the server.
macro_rules! on_sshd {
    ($($scenario:ident),+ $(,)?) => {
        $(mod $scenario {
            #[test]
            fn on_sshd() {
                super::$scenario($crate::common::Kind::Sshd);
            }
        })+
    };
}

/// Runs each named scenario, a `fn(Kind)`, on the in-process server: what another suite does on real sshds.
macro_rules! in_process {
    ($($scenario:ident),+ $(,)?) => {
        $(mod $scenario {
            #[test]
            fn in_process() {
                super::$scenario($crate::common::Kind::InProcess);
            }
        })+
    };
}

/// How many cases a generator makes for a scenario: `tests/run long` asks for more.
pub fn generated(cases: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|asked| asked.parse().ok()).unwrap_or(cases)
}

/// Waits until `holds` is true and says how long that took.
///
/// # Panics
/// When it is not true within [`PATIENCE`].
pub fn eventually(what: &str, holds: impl FnMut() -> bool) -> Duration {
    within(PATIENCE, what, holds)
}

/// As [`eventually`], with a deadline of the scenario's own.
///
/// # Panics
/// When it is not true by then.
pub fn within(deadline: Duration, what: &str, mut holds: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < deadline, "not within {deadline:?}: {what}");
        // What takes long is looked at less often: looking costs more than waiting.
        std::thread::sleep((start.elapsed() / 20).clamp(Duration::from_millis(5), Duration::from_millis(40)));
    }
    start.elapsed()
}
