//! `shipit ENV config [KEY] [--origin]`: the resolved configuration, as TOML. Contacts no host and runs nothing.

use crate::cli::Invocation;
use crate::config::Document;
use crate::error::{Error, exit};
use crate::report::{Note, Printer};

pub(super) fn run(
    document: &Document,
    invocation: &Invocation,
    (key, origin): (Option<&str>, bool),
    printer: &Printer,
) -> Result<u8, Error> {
    match document.show(&invocation.environment, key, origin)? {
        Some(text) => {
            printer.data(&text);
            Ok(exit::OK)
        }
        None => {
            let (key, environment) = (key.unwrap_or_default(), invocation.environment.as_str());
            printer.note(Note::NotSet { key, environment });
            Ok(exit::FAILED)
        }
    }
}
