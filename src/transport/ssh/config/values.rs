//! What the files said of a host so far: of most keywords the first value, of some all of them. Pure.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::kind::{Kind, seconds};
use super::place::Place;
use super::tokens::Tokens;
use crate::transport::ConnectError;

/// A value and where it stands, so that a mistake found late still has its line.
#[derive(Clone)]
pub(super) struct Said {
    pub(super) arguments: Vec<String>,
    pub(super) place: Place,
}

/// By keyword, as the table writes it.
#[derive(Clone, Default)]
pub(in crate::transport) struct Values(BTreeMap<&'static str, Vec<Said>>);

impl Values {
    /// Keeps a value, if it is the first one or if this keyword adds up.
    pub(super) fn keep(&mut self, keyword: &'static str, kind: Kind, arguments: &[String], place: &Place) {
        // Of these two, whichever comes first counts; only `ProxyJump none` leaves the command to be said.
        let second = match keyword {
            "ProxyJump" => self.0.contains_key("ProxyCommand"),
            "ProxyCommand" => self.text("ProxyJump").is_some(),
            _ => false,
        };
        if second {
            return;
        }
        let said = self.0.entry(keyword).or_default();
        // A file named twice counts once; a name that is sent may have been taken back in between.
        let again = kind == Kind::File && said.iter().any(|said| said.arguments == arguments);
        if said.is_empty() || kind.adds_up() && !again {
            said.push(Said { arguments: arguments.to_vec(), place: place.clone() });
        }
    }

    /// The value that counts.
    pub(super) fn said(&self, keyword: &str) -> Option<&Said> {
        self.0.get(keyword)?.first()
    }

    /// All values of a keyword that adds up.
    pub(super) fn every(&self, keyword: &str) -> &[Said] {
        self.0.get(keyword).map_or(&[], Vec::as_slice)
    }

    /// The first argument of the value that counts.
    pub(super) fn first(&self, keyword: &str) -> Option<&str> {
        self.said(keyword)?.arguments.first().map(String::as_str)
    }

    /// All arguments of all values.
    pub(super) fn all(&self, keyword: &str) -> impl Iterator<Item = &str> {
        self.every(keyword).iter().flat_map(|said| said.arguments.iter().map(String::as_str))
    }

    /// `yes`; not said is not yes.
    pub(super) fn yes(&self, keyword: &str) -> bool {
        self.flag(keyword, false)
    }

    /// `yes` or `no`; not said is `default`.
    pub(super) fn flag(&self, keyword: &str, default: bool) -> bool {
        let is_yes = |value: &str| value.eq_ignore_ascii_case("yes") || value.eq_ignore_ascii_case("true");
        self.first(keyword).map_or(default, is_yes)
    }

    /// A number; one below 0 counts as 0.
    pub(super) fn number(&self, keyword: &str, default: u32) -> u32 {
        let number = |value: &str| value.parse::<i64>().ok().map(|value| value.max(0));
        self.first(keyword).and_then(number).map_or(default, |value| u32::try_from(value).unwrap_or(u32::MAX))
    }

    /// A time; `none` is none.
    pub(super) fn time(&self, keyword: &str) -> Option<Duration> {
        self.first(keyword).and_then(seconds).map(Duration::from_secs)
    }

    /// One word, unless it is `none`.
    pub(super) fn text(&self, keyword: &str) -> Option<String> {
        self.first(keyword).filter(|value| !value.eq_ignore_ascii_case("none")).map(str::to_owned)
    }

    /// A list with commas, in lower case.
    pub(super) fn list(&self, keyword: &str) -> Option<Vec<String>> {
        Some(self.first(keyword)?.split(',').map(str::to_ascii_lowercase).collect())
    }

    /// The files of a keyword that adds up, each once; `none` is none.
    pub(super) fn files(&self, keyword: &str, tokens: &Tokens<'_>) -> Result<Vec<PathBuf>, ConnectError> {
        let mut files = Vec::new();
        for said in self.every(keyword) {
            for text in said.arguments.iter().filter(|text| !text.eq_ignore_ascii_case("none")) {
                let path = tokens.path(text).map_err(|reason| said.place.error(reason))?;
                if !files.contains(&path) {
                    files.push(path);
                }
            }
        }
        Ok(files)
    }

    /// Known hosts: `None` where nothing is said, no files where `none` is.
    pub(super) fn known_hosts(
        &self,
        keyword: &str,
        expand: impl Fn(&str) -> Result<PathBuf, String>,
    ) -> Result<Option<Vec<PathBuf>>, ConnectError> {
        let Some(said) = self.said(keyword) else { return Ok(None) };
        let files = said.arguments.iter().filter(|text| !text.eq_ignore_ascii_case("none"));
        let files = files.map(|text| expand(text).map_err(|reason| said.place.error(reason)));
        files.collect::<Result<_, _>>().map(Some)
    }
}
