//! What a host holds, and what can be run there: the resident shell's program, the lines it speaks, the scripts it is
//! told, its journal. Pure: nothing here opens a connection.
//!
//! What a run is on a host, from state to state, is drawn in [the map of the code](crate#a-run-on-a-host).

pub mod access;
pub mod adapters;
pub mod app_today;
pub mod attempt;
pub mod by;
pub mod damage;
pub mod facts;
pub mod history;
pub mod hold;
pub mod journal;
pub mod lineage;
pub mod process;
pub mod program;
pub mod quote;
pub mod reason;
mod reason_hints;
pub mod release;
pub mod said;
pub mod script;
pub mod since;
pub mod step;
pub mod supervisor_warning;
pub mod version;
pub mod warning;
pub mod wire;
