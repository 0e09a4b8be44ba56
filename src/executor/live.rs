//! A release that is live.

use crate::remote::facts::Facts;

/// A release that is live.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Live {
    /// Its name.
    pub release: String,
    /// The full commit id; empty: not known.
    pub revision: String,
}

impl Live {
    /// What a host says that it serves.
    #[must_use]
    pub fn of(facts: &Facts) -> Option<Live> {
        let revision = facts.live_revision.as_ref();
        let revision = revision.map(|revision| revision.as_str().to_owned()).unwrap_or_default();
        Some(Live { release: facts.live.clone()?, revision })
    }
}
