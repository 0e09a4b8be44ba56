//! The identity of what is deployed. Pure.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::git::Revision;

/// What a release was made of: a commit. Archives, which are to come, will be told apart by their SHA-256. What compares,
/// shows or stores what is live uses this type, so that it need not know which of the two it is.
///
/// It holds a full id and nothing else: hosts and journals are read into it once, and what does not fit is not known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version(Revision);

impl Version {
    /// `None` where the text is anything but a full id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Version> {
        Revision::parse(text).map(Version)
    }

    /// The whole id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// As people read it: the first seven digits.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.short()
    }

    /// Whether it begins with what a user typed.
    #[must_use]
    pub fn starts_with(&self, text: &str) -> bool {
        self.as_str().starts_with(text)
    }
}

impl From<Revision> for Version {
    fn from(commit: Revision) -> Version {
        Version(commit)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_id_is_one() {
        for digits in [40, 64] {
            let id = "1A2b3c4d".repeat(8)[..digits].to_owned();
            let version = Version::parse(&id).unwrap();
            assert_eq!((version.as_str(), version.short()), (id.to_lowercase().as_str(), "1a2b3c4"));
        }
        for other in ["", "main", "1a2b3c4", &"1a2b3c4d".repeat(6), &"g".repeat(40), &" ".repeat(40)] {
            assert_eq!(Version::parse(other), None, "{other}");
        }
    }
}
