//! Bytes of others, made harmless: what leaves this module holds no control character, no escape sequence and
//! nothing that reorders or hides text.
//!
//! Text of a host or a file is cleaned with [`line()`] or [`lines`] where it becomes part of a message. All that goes to a
//! terminal, or could, passes [`shown`] once more on its way out, and all JSON [`json`]: so what was forgotten there
//! acts on no terminal either.
//!
//! Works line by line, so that a sequence that never ends swallows the rest of its own line and no more.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::Chars;

use super::step_path;

/// How much of one line is kept. What follows is dropped until the next line begins.
const LINE_LIMIT: usize = 4096;

/// Columns to the next tab stop, as terminals have them.
const TAB: usize = 8;

/// One line from `bytes`, at most `width` columns wide. Line ends become blanks.
#[must_use]
pub fn line(bytes: &[u8], width: usize) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<String> = text.split(['\n', '\r']).map(str::trim_end).map(harmless).collect();
    truncate(lines.join(" ").trim(), width).into_owned()
}

/// The lines of `bytes`; progress that overwrites itself is reduced to its last state.
#[must_use]
pub fn lines(bytes: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut splitter = Lines::default();
    splitter.push(bytes, &mut |line| lines.push(line));
    lines.extend(splitter.finish());
    lines
}

/// Cut to `width` columns, with `…` where something is missing. `text` may be styled.
#[must_use]
pub fn truncate(text: &str, width: usize) -> Cow<'_, str> {
    console::truncate_str(text, width, if width == 0 { "" } else { "…" })
}

/// A text of ours that may go to a terminal: all but line ends, tabs and colours is made harmless. The last door, not a
/// substitute for [`line()`]: colours of a host would pass.
#[must_use]
pub fn shown(text: &str) -> Cow<'_, str> {
    let is_harmless = |c: char| matches!(c, '\n' | '\t') || !(c.is_control() || hides(c));
    if text.chars().all(is_harmless) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => match colour(characters.clone()) {
                Some(numbers) => {
                    characters.nth(numbers.len() + 1);
                    let _ = write!(out, "\u{1b}[{numbers}m");
                }
                None => skip_escape(&mut characters),
            },
            '\u{9b}' => skip_control_sequence(&mut characters),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => skip_string(&mut characters),
            _ => out.push(if is_harmless(character) { character } else { char::REPLACEMENT_CHARACTER }),
        }
    }
    Cow::Owned(out)
}

/// The numbers of the colour (SGR) that begins here, after ESC, as [`super::style`] and the diagnostics of the configuration
/// write it. Not the one that hides text.
fn colour(mut rest: Peekable<Chars<'_>>) -> Option<String> {
    rest.next_if_eq(&'[')?;
    let mut numbers = String::new();
    while let Some(digit) = rest.next_if(|c| c.is_ascii_digit() || *c == ';') {
        numbers.push(digit);
        if numbers.len() > 16 {
            return None;
        }
    }
    (rest.next() == Some('m') && numbers.trim_start_matches('0') != "8").then_some(numbers)
}

/// JSON that means the same and acts on no terminal: what serde leaves as it is between quotes, and [`line()`] would
/// remove, is escaped.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    let acts = |c: char| c != '\n' && (c.is_control() || hides(c));
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 64);
    for character in text.chars() {
        if acts(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// The line in parts of at most `width` columns.
#[must_use]
pub fn wrap(line: &str, width: usize) -> Vec<String> {
    let mut parts = Vec::new();
    let (mut part, mut left) = (String::new(), width);
    for character in line.chars() {
        let columns = console::measure_text_width(character.encode_utf8(&mut [0; 4]));
        if columns > left && !part.is_empty() {
            parts.push(std::mem::take(&mut part));
            left = width;
        }
        left = left.saturating_sub(columns);
        part.push(character);
    }
    parts.push(part);
    parts
}

/// Cuts a stream into clean lines, in bounded memory.
#[derive(Debug, Default)]
pub struct Lines {
    bytes: Vec<u8>,
    /// A carriage return came: unless a newline follows, what comes next overwrites the line.
    overwrites: bool,
    cut: bool,
}

impl Lines {
    /// Takes the next piece; hands each line that is complete to `emit`.
    pub fn push(&mut self, bytes: &[u8], emit: &mut dyn FnMut(String)) {
        for &byte in bytes {
            match byte {
                b'\n' => emit(self.take()),
                b'\r' => self.overwrites = true,
                _ => self.keep(byte),
            }
        }
    }

    /// The line that no newline ended, if there is one.
    pub fn finish(&mut self) -> Option<String> {
        (!self.bytes.is_empty()).then(|| self.take())
    }

    /// The line that has not ended yet, as it stands now: the state of a progress bar.
    #[must_use]
    pub fn pending(&self) -> Option<String> {
        (!self.bytes.is_empty()).then(|| self.render())
    }

    fn keep(&mut self, byte: u8) {
        if self.overwrites {
            self.bytes.clear();
            (self.overwrites, self.cut) = (false, false);
        }
        if self.bytes.len() < LINE_LIMIT {
            self.bytes.push(byte);
        } else {
            self.cut = true;
        }
    }

    fn take(&mut self) -> String {
        let line = self.render();
        self.bytes.clear();
        (self.overwrites, self.cut) = (false, false);
        line
    }

    fn render(&self) -> String {
        let line = harmless(&String::from_utf8_lossy(&self.bytes));
        let mut line = step_path::left_out(line.trim_end()).into_owned();
        if self.cut {
            line.push('…');
        }
        line
    }
}

/// `text` without anything that acts on a terminal.
fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    let mut column = 0;
    while let Some(character) = characters.next() {
        match character {
            '\t' => {
                let blanks = TAB - column % TAB;
                out.extend(std::iter::repeat_n(' ', blanks));
                column += blanks;
            }
            '\u{1b}' => skip_escape(&mut characters),
            '\u{9b}' => skip_control_sequence(&mut characters),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => skip_string(&mut characters),
            _ if character.is_control() || hides(character) => {}
            _ => {
                out.push(character);
                column += 1;
            }
        }
    }
    out
}

/// After ESC: a control sequence, a string with its payload, or a short sequence.
fn skip_escape(rest: &mut Peekable<Chars<'_>>) {
    match rest.peek() {
        Some('[') => {
            rest.next();
            skip_control_sequence(rest);
        }
        // OSC, DCS, SOS, PM, APC: titles, clipboard, hyperlinks, images.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            rest.next();
            skip_string(rest);
        }
        _ => {
            while rest.next_if(|c| (' '..='/').contains(c)).is_some() {}
            rest.next_if(|c| ('0'..='~').contains(c));
        }
    }
}

fn skip_control_sequence(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|c| (' '..='?').contains(c)).is_some() {}
    rest.next_if(|c| ('@'..='~').contains(c));
}

/// To BEL or ST (`ESC \`, U+009C). Another ESC begins a sequence of its own, as on a terminal.
fn skip_string(rest: &mut Peekable<Chars<'_>>) {
    while let Some(character) = rest.next_if(|c| *c != '\u{1b}') {
        if matches!(character, '\u{7}' | '\u{9c}') {
            return;
        }
    }
}

/// Characters without a place of their own that reorder, join or hide others.
fn hides(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escape_sequences_go_with_their_payload() {
        let table: &[(&[u8], &str)] = &[
            (b"plain", "plain"),
            (b"\x1b[31mred\x1b[0m", "red"),
            (b"\x1b[2J\x1b[1;1Hhome", "home"),
            (b"a\x1b]0;title\x07b", "ab"),
            (b"a\x1b]52;c;ZXZpbA==\x1b\\b", "ab"),
            (b"a\x1b]8;;http://example.com\x1b\\link\x1b]8;;\x1b\\", "alink"),
            (b"a\x1bP1;2qimage\x1b\\b", "ab"),
            (b"a\x1b(Bb\x1b7c", "abc"),
            (b"\x1b]0;never ends", ""),
            ("a\u{9b}31mb".as_bytes(), "ab"),
            ("a\u{9d}0;title\u{9c}b".as_bytes(), "ab"),
            (b"a\x9b31mb", "a\u{fffd}31mb"),
            (b"bell\x07 back\x08 del\x7f nul\0", "bell back del nul"),
            ("a\u{202e}b\u{2066}c\u{200b}d\u{feff}e".as_bytes(), "abcde"),
            (b"a\tb", "a       b"),
            (b"\xff\xfe", "\u{fffd}\u{fffd}"),
            ("späße 漢字".as_bytes(), "späße 漢字"),
        ];
        for (bytes, expected) in table {
            assert_eq!(lines(bytes).join("\n"), *expected, "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn progress_shows_its_last_state() {
        assert_eq!(
            lines(b"Receiving:  1%\rReceiving: 100%, done.\nnext\r\n"),
            ["Receiving: 100%, done.", "next"]
        );
        assert_eq!(lines(b"10%\r50%\r"), ["50%"]);
        assert_eq!(lines(b"a\n\nb"), ["a", "", "b"]);
    }

    #[test]
    fn a_line_without_end_takes_bounded_memory() {
        let mut lines = Lines::default();
        for _ in 0..1000 {
            lines.push(&[b'x'; 1000], &mut |_| panic!("no line has ended"));
        }
        assert!(lines.bytes.capacity() <= 2 * LINE_LIMIT);
        let line = lines.finish().unwrap();
        assert_eq!(line.chars().count(), LINE_LIMIT + 1);
        assert!(line.ends_with('…'));
    }

    #[test]
    fn a_line_is_wrapped_by_columns() {
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("abcd", 4), ["abcd"]);
        assert_eq!(wrap("abcde", 4), ["abcd", "e"]);
        assert_eq!(wrap("漢字漢", 5), ["漢字", "漢"]);
        assert_eq!(wrap("漢字", 1), ["漢", "字"]);
        assert_eq!(wrap("ab", 0).concat(), "ab");
    }

    #[test]
    fn one_line_is_cut_by_columns() {
        assert_eq!(line("漢字漢字".as_bytes(), 5), "漢字…");
        assert_eq!(line(b"two\nlines\r\n", 80), "two lines");
    }

    #[test]
    fn what_is_shown_keeps_its_colours_and_nothing_else() {
        let table = [
            ("plain\n\ttext ä", "plain\n\ttext ä"),
            ("\u{1b}[1m\u{1b}[38;5;9merror\u{1b}[0m: x", "\u{1b}[1m\u{1b}[38;5;9merror\u{1b}[0m: x"),
            ("a\u{1b}]0;title\u{7}b\u{1b}[2Jc", "abc"),
            ("\u{1b}[8mhidden", "hidden"),
            ("\u{1b}[31", ""),
            ("a\u{9b}31mb\u{9d}0;t\u{9c}c", "abc"),
            ("a\u{2028}b\u{202e}c\r", "a\u{fffd}b\u{fffd}c\u{fffd}"),
        ];
        for (text, expected) in table {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }

    #[test]
    fn json_means_the_same_and_acts_on_nothing() {
        let text = "a\u{9b}31m \u{2028}\u{202e}\u{7f}\u{e0001}\u{1b}[2J ä\n";
        let value = serde_json::Value::from(text).to_string();
        let escaped = json(&value);
        assert!(escaped.chars().all(|c| !c.is_control() && !hides(c)), "{escaped:?}");
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
    }

    proptest! {
        #[test]
        fn nothing_but_colours_is_shown(text in "[\u{1b}\u{9b}\u{9d}\\[\\]P0-9;mX\\\\\u{7}\r\n\t\u{202e}ä]{0,60}") {
            let shown = shown(&text);
            let plain = console::strip_ansi_codes(&shown);
            prop_assert!(!plain.chars().any(|c| c != '\n' && c != '\t' && (c.is_control() || hides(c))), "{shown:?}");
        }

        #[test]
        fn nothing_that_acts_on_a_terminal_is_left(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for line in lines(&bytes).into_iter().chain([line(&bytes, 40)]) {
                prop_assert!(!line.chars().any(|c| c.is_control() || hides(c)), "{line:?}");
            }
        }

        #[test]
        fn nor_of_text_made_of_what_sequences_are_made_of(text in "[\u{1b}\u{9b}\u{9d}\\[\\]P0-9;mX\\\\\u{7}\r\n\t\u{202e}ä]{0,60}") {
            for line in lines(text.as_bytes()) {
                prop_assert!(!line.chars().any(|c| c.is_control() || hides(c)), "{line:?}");
            }
        }

        #[test]
        fn pieces_make_no_difference(bytes in proptest::collection::vec(any::<u8>(), 0..200), size in 1usize..20) {
            let mut pieces = Vec::new();
            let mut splitter = Lines::default();
            for piece in bytes.chunks(size) {
                splitter.push(piece, &mut |line| pieces.push(line));
            }
            pieces.extend(splitter.finish());
            prop_assert_eq!(pieces, lines(&bytes));
        }
    }
}
