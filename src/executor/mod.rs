//! Carrying out a plan: one resident shell per host, all hosts at once, a barrier after each stage.
//!
//! Knows no SSH and no terminal: hosts are reached through [`crate::transport`], what happens is reported as
//! [`event::Event`]s, and how it ended is one [`outcome::Outcome`].
//!
//! From the bottom up, each file using only those below it:
//!
//! - **State** of a host holds what is known of it, and decides nothing: `live`, `role`, `fate`, `end`, `stopping`, `host`, and `hear`, how it
//!   grows.
//! - **Decisions** ([`decide`]) are pure: what hosts said and what is wanted go in, a value comes out.
//! - **The fleet** connects hosts, sends scripts and waits: `shell_session`, `fleet`, `stop`, `connect`, `check_health`, `local_steps`.
//! - **Parts of a run**, which share its state (`run_state`): `lock`, `adopt`, `resolve_refs`, `apply_decision`, `pause`, `local_hooks`,
//!   `end_of_logs`, `resolve_in_doubt`, `rollback`.
//! - **The conductor** (`run`) is on top, and nothing imports it.

pub mod decide;
pub mod event;
pub mod outcome;

mod adopt;
mod apply_decision;
mod bounds;
mod check;
mod check_health;
mod clock;
mod connect;
mod deadline;
mod end;
mod end_of_logs;
mod exec;
mod fate;
mod fleet;
mod hear;
mod host;
mod interrupt;
mod live;
mod local_hooks;
mod local_process;
mod local_steps;
mod lock;
mod look;
mod message;
mod notice;
mod pause;
mod question;
mod random;
mod request;
mod resolve_in_doubt;
mod resolve_refs;
mod role;
mod rollback;
mod run;
mod run_state;
mod shell_session;
mod stop;
mod stopping;
mod terminal;
mod trouble;

pub use check::{Checked, Checkup, Clock, check};
pub use exec::{exec, look};
pub use interrupt::Interrupt;
pub use live::Live;
pub use look::{Looked, Looking, Piece};
pub use notice::Notice;
pub use question::{Going, Question};
pub use request::{Ask, Request};
pub use run::run;
pub use terminal::{Ends, attach};
