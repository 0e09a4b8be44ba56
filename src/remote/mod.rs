//! What a host holds, and what can be run there: the resident shell's program, the lines it speaks, the scripts it is
//! told, its journal. Pure: nothing here opens a connection.
//!
//! # A run on a host
//!
//! ```text
//!               lock                    begin                     intent                switch
//!   (nothing) ───────▶ locked ───────▶ preparing ───────▶ ready ───────▶ live
//!                        │                 │                │              │ healthy (all hosts are)
//!                        │                 │                │              ▼
//!                        │                 │                │          confirmed ──finish──▶ done ──unlock──▶ (nothing)
//!                        ▼                 ▼                ▼              │
//!      operator gone:  unlock     remove the half     drop the entry,     waits `timeout.lost` for him,
//!                                 release, unlock     remove, unlock      then goes on to done by itself
//!
//!      operator gone while live: put back (link, post-deploy, reload, verify), remove, unlock
//! ```
//!
//! Whatever ends a run in its operator's place - the host itself when the line ends or goes silent, the next run when
//! the host died too, `unlock` - does it by one function (`recover` in `scripts/recover.sh`), from what is on disk. Who
//! may do it is settled by a token, a directory that names its owner and is passed on by rename. What must work on a full
//! disk is done by renaming what was made while there was space.

pub mod journal;
pub mod program;
pub mod quote;
pub mod release;
pub mod script;
pub mod wire;
