//! The command line, in two steps: what was typed (`split`, `arguments`), then what it means (`words`).
//!
//! Contacts nothing and reads no file. Clap knows only the options: an environment's name is free and what
//! follows `exec` is not ours, so words are taken out of the argument list before clap sees it.
//! Nothing that is not spelled out in [`Command`] ever deploys: whatever is not understood ends with exit code 2.

mod arguments;
mod completion;
mod error;
mod grammar;
mod help;
mod invocation;
mod parse;
mod split;
mod tools;
mod words;

pub use completion::{Candidate, Cursor, Wanted, at_cursor};
pub use error::CliError;
pub use invocation::{AppReference, Command, Invocation, RevertTo, Shell, Show, Tool};
pub use parse::Cli;
