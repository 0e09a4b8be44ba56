//! The commands that GitHub's runner finds in a log, and how to be sure that it finds none.
//!
//! It takes a line that begins with `::`, blanks before it or not, and the older `##[…]` anywhere in a line.

use std::borrow::Cow;
use std::io::{self, Write};

/// The text of a command: what its reader turns back.
pub(in crate::report) fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property, which also ends at `:` and `,`.
pub(in crate::report) fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// `text` with no command in it.
pub(in crate::report) fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains("::") && !text.contains("##[") {
        return Cow::Borrowed(text);
    }
    let lines = text.split_inclusive(['\n', '\r']).map(|line| {
        let line = line.replace("##[", "## [");
        let blanks = line.len() - line.trim_start().len();
        match line[blanks..].starts_with("::") {
            true => format!("{}| {}", &line[..blanks], &line[blanks..]),
            false => line,
        }
    });
    Cow::Owned(lines.collect())
}

/// A line of JSON with no command in it, which means the same.
pub(in crate::report) fn harmless_json(line: &str) -> String {
    line.replace("##[", "#\\u0023[")
}

/// A stream that is given JSON, whole lines at a time.
pub(in crate::report) struct JsonLines<W>(pub W);

impl<W: Write> Write for JsonLines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let lines = harmless_json(&String::from_utf8_lossy(bytes));
        self.0.write_all(lines.as_bytes()).map(|()| bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_command_or_a_property_is_told_otherwise() {
        assert_eq!(data("50%\r\nnext: a,b"), "50%25%0D%0Anext: a,b");
        assert_eq!(property("build failed: web1, web2\n::x"), "build failed%3A web1%2C web2%0A%3A%3Ax");
    }

    #[test]
    fn no_line_is_a_command() {
        for (text, expected) in [
            ("web1 | ::error::x\n", "web1 | ::error::x\n"),
            ("::error::x\n", "| ::error::x\n"),
            ("a\n \t::add-mask::x", "a\n \t| ::add-mask::x"),
            ("a\r::stop-commands::x", "a\r| ::stop-commands::x"),
            ("web1 | ##[error]x ##[##[y]", "web1 | ## [error]x ## [## [y]"),
            ("\u{a0}::x", "\u{a0}| ::x"),
            ("fine: a::b", "fine: a::b"),
        ] {
            assert_eq!(harmless(text), expected, "{text:?}");
        }
        assert_eq!(harmless_json("{\"text\":\"##[error]\"}"), "{\"text\":\"#\\u0023[error]\"}");
    }
}
