//! Carrying out a plan: one resident shell per host, all hosts at once, a barrier after each stage.
//!
//! Knows no SSH and no terminal: hosts are reached through [`crate::transport`], what happens is told as
//! [`event::Event`]s, and how it ended is one [`outcome::Outcome`].

pub mod event;
pub mod outcome;

mod back;
mod exec;
mod fleet;
mod host;
mod interrupt;
mod line;
mod local;
mod lock;
mod restart;
mod run;
mod settle;
mod sync;
mod trouble;
mod wanted;

pub use exec::{Looked, exec, look};
pub use interrupt::Interrupt;
pub use run::{Request, Wanted, run};
