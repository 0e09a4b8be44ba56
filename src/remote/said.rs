//! Fields of a reason that are shown shorter than they are sent.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// What a tool on the host said when it failed: a line, bounded, perhaps none. Shown behind the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said(String);

impl Said {
    /// Without what joins it to the message.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl FromStr for Said {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Said, Infallible> {
        const LONGEST: usize = 300;
        let text = text.trim();
        let skip = text.chars().count().saturating_sub(LONGEST);
        // The end says why.
        Ok(Said(text.chars().skip(skip).collect()))
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ": {}", self.0) }
    }
}

/// A commit, shown by its first seven digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortCommit(String);

impl FromStr for ShortCommit {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<ShortCommit, Infallible> {
        Ok(ShortCommit(text.chars().take(7).collect()))
    }
}

impl fmt::Display for ShortCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
