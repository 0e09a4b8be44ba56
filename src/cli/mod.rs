//! The command line, in two steps: what was typed (`split`, `arguments`), then what it means (`words`).
//!
//! Contacts nothing and reads no file. Clap knows only the options: the name of an environment can be any word and what
//! follows `exec` belongs to the user, so words are taken out of the argument list before clap sees it.
//! Only what is spelled out in [`Command`] ever deploys: anything else ends with exit code 2.

mod ancestor;
mod arguments;
mod completion;
mod error;
mod grammar;
mod help;
mod invocation;
mod manual;
mod parse;
mod since;
mod split;
mod tools;
mod words;

pub use ancestor::pm2_number;
pub use completion::{Candidate, Cursor, Wanted, at_cursor};
pub use error::CliError;
pub use invocation::{AppReference, Command, Init, Invocation, RevertTo, Shell, Show, Tool};
pub use parse::Cli;
