//! Where keys and values of a JavaScript text stand, as far as that can be seen without running it: for messages only.
//!
//! Knows strings, comments and brackets, no more of the language. What it does not find has the place of what is around it.

use std::ops::Range;

/// A key of an object, and where its value begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct Place {
    /// The keys of the objects around it, and its own.
    pub path: Vec<String>,
    pub key: Range<usize>,
    /// The first word, text or bracket of the value, to its end.
    pub value: Range<usize>,
}

/// All keys of all objects in a text.
pub(in crate::config) fn places(text: &str) -> Vec<Place> {
    let tokens = tokens(text);
    let mut frames: Vec<Option<String>> = Vec::new();
    let mut places = Vec::new();
    let mut waiting: Option<String> = None;
    for (at, token) in tokens.iter().enumerate() {
        match &text[token.clone()] {
            "{" | "[" | "(" => frames.push(waiting.take()),
            "}" | "]" | ")" => {
                frames.pop();
                waiting = None;
            }
            "," | ";" => waiting = None,
            // `production = {`, `exports.production = {`
            "=" => waiting = at.checked_sub(1).map(|before| word(&text[tokens[before].clone()]).to_owned()),
            _ => {
                let colon = tokens.get(at + 1).is_some_and(|next| &text[next.clone()] == ":");
                let Some(value) = tokens.get(at + 2).filter(|_| colon && waiting.is_none()) else { continue };
                let name = word(&text[token.clone()]).to_owned();
                let path = frames.iter().flatten().cloned().chain([name.clone()]).collect();
                let value = value.start..closing(text, &tokens[at + 2..]);
                places.push(Place { path, key: token.clone(), value });
                waiting = Some(name);
            }
        }
    }
    places
}

/// The place of the key whose path ends so: the last one, which is the one that counts.
pub(in crate::config) fn find<'a>(places: &'a [Place], path: &[&str]) -> Option<&'a Place> {
    (0..path.len()).find_map(|skipped| {
        // A part of the file may be made elsewhere: `deploy: { production }`.
        let end = &path[skipped..];
        let ends = |place: &&Place| {
            place.path.len() >= end.len() && place.path[place.path.len() - end.len()..] == *end
        };
        places.iter().rev().find(ends)
    })
}

/// Where the value that begins with the first of these ends.
fn closing(text: &str, tokens: &[Range<usize>]) -> usize {
    let mut depth = 0usize;
    for token in tokens {
        match &text[token.clone()] {
            "{" | "[" | "(" => depth += 1,
            "}" | "]" | ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return token.end;
        }
    }
    tokens.first().map_or(0, |token| token.end)
}

fn word(token: &str) -> &str {
    token.trim_matches(['"', '\'', '`'])
}

/// Words, texts and signs; no comments, no blanks.
fn tokens(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text[at..];
        let length = match bytes[at] {
            b'/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            b'/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            quote @ (b'"' | b'\'' | b'`') => string(rest, quote),
            byte if is_word(byte) => rest.bytes().take_while(|byte| is_word(*byte)).count(),
            _ => 1,
        };
        let comment = rest.starts_with("//") || rest.starts_with("/*");
        if !comment && !bytes[at].is_ascii_whitespace() {
            tokens.push(at..at + length);
        }
        at += length;
    }
    tokens
}

// Characters beyond ASCII are parts of words, so that no range ends within one.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.' | b'-') || byte >= 0x80
}

fn string(rest: &str, quote: u8) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    // Within the text, and not within a character.
    let end = (at + 1).min(bytes.len());
    (end..=bytes.len()).find(|end| rest.is_char_boundary(*end)).unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_objects_are_found_where_they_stand() {
        let text = "// deploy: { production: {\nmodule.exports = {\n apps: [{ name: 'a', env: {} }],\n deploy: {\n  'production': {\n   \"user\": 'node',\n   host: ['a:b', 'c'], /* ref: 1 */\n   ref: `x${y ? 'a' : 'b'}`,\n  },\n },\n}\n";
        let places = places(text);
        let at = |path: &[&str]| {
            find(&places, path).map(|place| (&text[place.key.clone()], &text[place.value.clone()]))
        };
        assert_eq!(at(&["deploy", "production", "user"]), Some(("\"user\"", "'node'")));
        assert_eq!(at(&["deploy", "production", "host"]), Some(("host", "['a:b', 'c']")));
        assert_eq!(at(&["deploy", "production", "ref"]).unwrap().0, "ref");
        assert_eq!(at(&["deploy", "production", "path"]), None);
        assert_eq!(at(&["apps", "name"]), Some(("name", "'a'")));
    }

    #[test]
    fn nothing_that_is_no_javascript_is_too_much() {
        for text in ["", "'", "'\\", "{{{[", "}}}", "a:", "é: 'ü", "`\\é", "= {", ":::", "a:b:c:{"] {
            let _ = places(text);
        }
    }
}
