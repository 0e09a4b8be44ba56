//! The few characters beyond ASCII that shipit itself shows, and what stands for them where the locale has none. Each has the
//! width of what it stands for, so that nothing moves. Text of users and hosts stays as it is.

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{self, Write};

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Symbols {
    /// All.
    #[default]
    Unicode,
    /// ASCII only.
    Ascii,
}

impl Symbols {
    /// By the locale's variables. Where none is set, as in many containers, terminals show UTF-8 all the same.
    pub(super) fn of(lookup: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let set = |name: &&str| lookup(name).filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set);
        let locale = locale.map(|locale| locale.to_string_lossy().to_lowercase());
        match locale {
            Some(locale) if !locale.contains("utf-8") && !locale.contains("utf8") => Symbols::Ascii,
            _ => Symbols::Unicode,
        }
    }

    /// A text as it can be shown.
    pub(super) fn shown(self, text: &str) -> Cow<'_, str> {
        if self == Symbols::Unicode || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        let mut shown = String::with_capacity(text.len());
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '→' | '▸' => shown.push('>'),
                '–' => shown.push('-'),
                '·' => shown.push('.'),
                '✓' => shown.push('+'),
                // indicatif's spinner.
                '\u{2800}'..='\u{28ff}' => shown.push(['|', '/', '-', '\\'][(c as usize) % 4]),
                '…' => {
                    // Right behind a word, at its end, it says that it was cut to its width; else that something is left out.
                    let cuts =
                        shown.chars().next_back().is_some_and(|c| !c.is_whitespace() && !",>=\"".contains(c));
                    let ends = rest.peek().is_none_or(|next| next.is_whitespace());
                    shown.push_str(if cuts && ends { "~" } else { "..." });
                }
                c => shown.push(c),
            }
        }
        Cow::Owned(shown)
    }
}

/// A stream of texts, each written as it can be shown.
#[derive(Debug)]
pub(super) struct Shown<W>(pub(super) W, pub(super) Symbols);

impl<W: Write> Write for Shown<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.0.write_all(self.1.shown(text).as_bytes())?,
            Err(_) => self.0.write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_says_what_can_be_shown() {
        for (variables, expected) in [
            (&[][..], Symbols::Unicode),
            (&[("LANG", "C")], Symbols::Ascii),
            (&[("LANG", "C.UTF-8")], Symbols::Unicode),
            (&[("LANG", "de_DE.utf8")], Symbols::Unicode),
            (&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "POSIX")], Symbols::Ascii),
            (&[("LANG", "C"), ("LC_ALL", ""), ("LC_CTYPE", "C.UTF-8")], Symbols::Unicode),
        ] {
            let lookup = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
            };
            assert_eq!(Symbols::of(&lookup), expected, "{variables:?}");
        }
    }

    #[test]
    fn what_we_show_has_a_stand_in_of_ascii() {
        let text = "▸ web1  ✓ ⠋ · a very lon…  – →\n  … and 3 more\n… 5 lines";
        let shown = Symbols::Ascii.shown(text);
        assert!(shown.is_ascii(), "{shown}");
        assert_eq!(shown.lines().nth(1), Some("  ... and 3 more"));
        assert!(shown.contains("a very lon~  - >"), "{shown}");
        assert_eq!(Symbols::Ascii.shown("<CMD>…  --hosts <PATTERN,…>"), "<CMD>...  --hosts <PATTERN,...>");
        assert_eq!(Symbols::Ascii.shown("déjà vu"), "déjà vu", "text of users");
        assert_eq!(Symbols::Unicode.shown(text), text);
    }
}
