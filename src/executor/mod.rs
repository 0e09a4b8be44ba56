//! Carrying out a plan: one resident shell per host, all hosts at once, a barrier after each stage.
//!
//! Knows no SSH and no terminal: hosts are reached through [`crate::transport`], what happens is told as
//! [`event::Event`]s, and how it ended is one [`outcome::Outcome`].

pub mod event;
pub mod outcome;

mod back;
mod check;
mod exec;
mod fleet;
mod health;
mod hooks;
mod host;
mod interrupt;
mod local;
mod local_steps;
mod lock;
mod look;
mod open;
mod restart;
mod revert;
mod rollout;
mod run;
mod settle;
mod shell_session;
mod sum;
mod sync;
mod terminal;
mod trouble;
mod wanted;

pub use check::{Checked, Checkup, Clock, check};
pub use exec::{Looked, exec, look};
pub use interrupt::Interrupt;
pub use look::{Looking, Piece};
pub use run::{Ask, Request, Wanted, run};
pub use terminal::{Ends, attach};
