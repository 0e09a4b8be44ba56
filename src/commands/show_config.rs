//! `shipit ENV config [KEY] [--origin]`: the resolved configuration, as TOML. Contacts no host and runs nothing.

use crate::cli::Invocation;
use crate::config::Document;
use crate::error::{Error, exit};
use crate::report::{Note, Printer};

/// What is shown.
pub(super) struct Selection<'a> {
    /// One key only.
    pub(super) key: Option<&'a str>,
    /// With the place that each value comes from.
    pub(super) origin: bool,
}

pub(super) fn run(
    document: &Document,
    invocation: &Invocation,
    shown: &Selection<'_>,
    printer: &Printer,
) -> Result<u8, Error> {
    match document.show(&invocation.environment, shown.key, shown.origin)? {
        Some(text) => {
            printer.data(&text);
            Ok(exit::OK)
        }
        None => {
            let (key, environment) = (shown.key.unwrap_or_default(), invocation.environment.as_str());
            printer.note(Note::NotSet { key, environment });
            Ok(exit::FAILED)
        }
    }
}
