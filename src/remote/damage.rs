//! What is wrong with a release that is not whole, and what `current` is, as a host says them (`scripts/whole.sh`,
//! `tell_serving`).

use std::fmt;
use std::str::FromStr;

use super::release;

/// Why a release is not whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// Its directory is missing, or `current` leads nowhere.
    Gone,
    /// shipit has no record of it.
    Unrecorded,
    /// It was never made to its end.
    Unfinished,
    /// A tracked path is missing.
    Missing(String),
    /// A tracked path is of another kind: a directory where a file was.
    Changed(String),
    /// A tracked file was emptied.
    Emptied(String),
}

/// What `current` is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Serving {
    /// It leads to this release.
    Release(String),
    /// It names this release, which is gone.
    Broken(String),
    /// It leads to something else; empty: it is no link.
    Foreign(String),
    /// There is none.
    Nothing,
}

impl FromStr for Damage {
    type Err = ();

    fn from_str(text: &str) -> Result<Damage, ()> {
        let (word, path) = text.split_once(' ').ok_or(())?;
        let path = path.to_owned();
        Ok(match word {
            "gone" => Damage::Gone,
            "unrecorded" => Damage::Unrecorded,
            "unfinished" => Damage::Unfinished,
            "missing" => Damage::Missing(path),
            "changed" => Damage::Changed(path),
            "emptied" => Damage::Emptied(path),
            _ => return Err(()),
        })
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Damage::Gone => f.write_str("its directory is missing"),
            Damage::Unrecorded => f.write_str("its record in .shipit/releases is missing"),
            Damage::Unfinished => f.write_str("it was not made to its end"),
            Damage::Missing(path) => write!(f, "{path} is missing"),
            Damage::Changed(path) => {
                write!(f, "{path} is no longer what it was: a file, a link or a directory")
            }
            Damage::Emptied(path) => write!(f, "{path} was emptied"),
        }
    }
}

impl Damage {
    /// A word for machines, and the path.
    #[must_use]
    pub fn parts(&self) -> (&'static str, Option<&str>) {
        match self {
            Damage::Gone => ("gone", None),
            Damage::Unrecorded => ("unrecorded", None),
            Damage::Unfinished => ("unfinished", None),
            Damage::Missing(path) => ("missing", Some(path)),
            Damage::Changed(path) => ("changed", Some(path)),
            Damage::Emptied(path) => ("emptied", Some(path)),
        }
    }
}

impl Serving {
    /// As the host says it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Serving> {
        let (word, rest) = text.split_once(' ')?;
        let name = || release::is_name(rest).then(|| rest.to_owned());
        Some(match word {
            "release" => Serving::Release(name()?),
            "broken" => Serving::Broken(name()?),
            "foreign" => Serving::Foreign(rest.to_owned()),
            "nothing" => Serving::Nothing,
            _ => return None,
        })
    }
}
