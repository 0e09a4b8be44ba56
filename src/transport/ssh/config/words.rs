//! A line of ssh_config in words, as OpenSSH's `strdelim` and `argv_split` take it apart. Pure text.

/// The keyword as written, and what stands behind the blanks or the one `=` after it. `None`: a comment, or nothing.
pub(super) fn split_keyword(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_matches(|c: char| c.is_ascii_whitespace());
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (keyword, rest) = match line.strip_prefix('"').and_then(|quoted| quoted.split_once('"')) {
        Some(parts) => parts,
        None => line.split_at(line.find(|c: char| c.is_ascii_whitespace() || c == '=').unwrap_or(line.len())),
    };
    let rest = rest.trim_start();
    Some((keyword, rest.strip_prefix('=').unwrap_or(rest).trim_start()))
}

/// Words: quotes of both kinds, `\` before a quote, a blank or itself, `#` before a word ends the line. `None`: a quote is not closed.
pub(super) fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(char::is_ascii_whitespace).is_some() {}
        match chars.peek() {
            None | Some('#') => return Some(words),
            Some(_) => {}
        }
        let mut word = String::new();
        let mut quote = None;
        while let Some(c) = chars.next_if(|c| quote.is_some() || !c.is_ascii_whitespace()) {
            match c {
                '\\' if chars.peek().is_some_and(|next| escapable(*next, quote)) => word.extend(chars.next()),
                '"' | '\'' if quote.is_none() => quote = Some(c),
                _ if quote == Some(c) => quote = None,
                _ => word.push(c),
            }
        }
        if quote.is_some() {
            return None;
        }
        words.push(word);
    }
}

fn escapable(next: char, quote: Option<char>) -> bool {
    matches!(next, '"' | '\'' | '\\') || (quote.is_none() && next == ' ')
}

#[cfg(test)]
mod tests {
    use super::{split_keyword, words};

    #[test]
    fn lines_are_split_as_openssh_does() {
        let table: [(&str, &str, &[&str]); 9] = [
            ("HostName web1", "HostName", &["web1"]),
            ("\tPort=2222", "Port", &["2222"]),
            ("Port = 2222 # note", "Port", &["2222"]),
            ("Host  a\tb", "Host", &["a", "b"]),
            ("IdentityFile \"~/my key\"", "IdentityFile", &["~/my key"]),
            ("IdentityFile ~/my\\ key", "IdentityFile", &["~/my key"]),
            ("User 'x y'z", "User", &["x yz"]),
            ("User a#b", "User", &["a#b"]),
            ("User a\\b \\\"q", "User", &["a\\b", "\"q"]),
        ];
        for (line, keyword, arguments) in table {
            let (found, rest) = split_keyword(line).unwrap();
            assert_eq!(
                (found, words(rest).unwrap()),
                (keyword, arguments.iter().map(|a| (*a).to_owned()).collect()),
                "{line}"
            );
        }
        assert_eq!(split_keyword("  # Host x"), None);
        assert_eq!(words("\"open"), None);
    }
}
