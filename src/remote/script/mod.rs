//! Scripts: what the worker of a resident shell runs, as text. One typed function per function of `scripts/*.sh`;
//! all arguments are quoted here. Variables (`$rel`, `$root`) are the resident shell's own.

mod deploy;
mod health;
mod look;
mod text;
mod upkeep;
mod variables;

pub use health::{HealthKind, Tries, health_variables};
pub use text::{Direction, Place, Script};
pub use variables::{assignments, enter, exports, ssh_with};
