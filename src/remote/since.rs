//! A time from which on logs are wanted.

use std::time::Duration;

/// From when on: a host filters its logs by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// So long before now, by the clock of the host.
    Ago(Duration),
    /// Seconds since 1970.
    At(i64),
}

impl Since {
    /// The word that `since_begin` of `since.sh` reads.
    #[must_use]
    pub fn word(self) -> String {
        match self {
            Since::Ago(duration) => format!("-{}", duration.as_secs()),
            Since::At(seconds) => seconds.max(0).to_string(),
        }
    }
}
