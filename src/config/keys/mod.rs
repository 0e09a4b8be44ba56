//! The keys of shipit.toml. A key is one row in `table.rs` or `inner.rs`: its name, where it is allowed, its type, its
//! default, its meaning and the version it came with.
//!
//! The reader, the JSON schema, `config`, `--set`, completion and "did you mean" take what they know of a key from its row, and
//! tests hold `docs/shipit.toml.md` to it. A new key is a row, a field of the struct that it sets, and the line that reads it
//! (`tests.rs` says which of them is missing).

mod check;
mod complete;
mod inner;
mod key;
mod lookup;
mod table;

#[cfg(test)]
mod tests;

pub(super) use check::{Place, check, only, slid};
pub use complete::{key_names, key_values};
pub(super) use key::{Key, Kind, Scope, Unset};
pub(super) use lookup::{at, default, nested};
