//! A release that is live.

use crate::remote::facts::Facts;
use crate::remote::version::Version;

/// A release that is live.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Live {
    /// Its name.
    pub release: String,
    /// What it was made of; none: not known.
    pub version: Option<Version>,
}

impl Live {
    /// What a host says that it serves.
    #[must_use]
    pub fn of(facts: &Facts) -> Option<Live> {
        Some(Live { release: facts.live.clone()?, version: facts.live_version.clone() })
    }

    /// Its full commit id, for hosts and machines; empty: not known.
    #[must_use]
    pub fn revision(&self) -> &str {
        self.version.as_ref().map_or("", Version::as_str)
    }
}
