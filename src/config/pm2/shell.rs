//! A hook's text as a list of simple commands, where it is one: `a && b && c`. Nothing is expanded, and what is not
//! certainly understood is not taken apart.

/// A command between two `&&`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// As it is written.
    pub text: String,
    /// Its words without their quotes; none: there is more in it than words.
    pub words: Option<Vec<String>>,
}

/// The commands of a text; `also`: a `;` separates, too. None: quotes do not end, or something else joins commands.
pub(super) fn parts(text: &str, also: bool) -> Option<Vec<Part>> {
    let mut pieces = vec![String::new()];
    let mut quote: Option<char> = None;
    let mut chars = text.trim().chars().peekable();
    while let Some(c) = chars.next() {
        let last = pieces.last_mut()?;
        match (quote, c) {
            (Some(open), c) => {
                last.push(c);
                if c == open {
                    quote = None;
                } else if c == '\\' && open == '"' {
                    last.extend(chars.next());
                }
            }
            (None, '\\') => {
                last.push(c);
                last.extend(chars.next());
            }
            (None, '\'' | '"') => {
                quote = Some(c);
                last.push(c);
            }
            (None, '&') if chars.next_if_eq(&'&').is_some() => pieces.push(String::new()),
            (None, ';') if also => pieces.push(String::new()),
            (None, ';' | '&' | '|' | '\n') => return None,
            (None, c) => last.push(c),
        }
    }
    let pieces = pieces.into_iter().map(|piece| piece.trim().to_owned());
    let mut parts: Vec<Part> = pieces.map(|text| Part { words: words(&text), text }).collect();
    // A `;` at the end separates it from nothing.
    if also && parts.len() > 1 && parts.last().is_some_and(|part| part.text.is_empty()) {
        parts.pop();
    }
    (quote.is_none() && parts.iter().all(|part| !part.text.is_empty())).then_some(parts)
}

/// The words of a command; none where the shell would make something else of them. `~` and `$HOME` at the beginning of
/// a word are left to the caller.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('"'), '`' | '\\')
            | (None, '`' | '\\' | '<' | '>' | '(' | ')' | '{' | '}' | '*' | '?' | '#' | '!') => {
                return None;
            }
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words).filter(|words| !words.is_empty())
}

/// A path below the login's home as shipit writes it, or an absolute one; none: it depends on something else.
pub(super) fn home_path(word: &str) -> Option<String> {
    let home =
        ["~/", "$HOME/"].iter().find_map(|start| word.strip_prefix(start)).map(|rest| format!("~/{rest}"));
    let nvm = word.strip_prefix("$NVM_DIR/").map(|rest| format!("~/.nvm/{rest}"));
    let absolute = word.starts_with('/').then(|| word.to_owned());
    home.or(nvm).or(absolute).filter(|path| !path.contains('$'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_list_of_commands_is_taken_apart() {
        let texts = |text: &str, also| {
            parts(text, also)
                .map(|parts| parts.into_iter().map(|part| part.text).collect::<Vec<_>>().join("|"))
        };
        for (text, also, expected) in [
            ("npm ci && pm2 reload all", false, Some("npm ci|pm2 reload all")),
            ("echo 'a && b' && c", false, Some("echo 'a && b'|c")),
            ("a; b", false, None),
            ("a; b;", true, Some("a|b")),
            ("a || b", false, None),
            ("a & b", false, None),
            ("a | b", true, None),
            ("a &&", false, None),
            ("a \\&& b", false, None),
            ("a 'b", false, None),
            ("a\nb", false, None),
        ] {
            assert_eq!(texts(text, also).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn words_are_known_or_there_are_none() {
        let words = |text: &str| words(text).map(|words| words.join("|"));
        assert_eq!(words("npm  run 'a b' \"c\"").as_deref(), Some("npm|run|a b|c"));
        for text in ["a >b", "a $(b)", "a `b`", "", "a {b,c}", "rm *", "a \"`b`\""] {
            assert_eq!(words(text), None, "{text}");
        }
    }
}
