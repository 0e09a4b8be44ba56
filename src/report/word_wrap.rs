//! Lines of ours that are wider than the terminal, which would break them anywhere, broken at words.

/// The line in parts of at most `width` columns, broken at blanks, each but the first further in. A command between backquotes
/// stays in one piece, and a word that is too long, too: both are there to be pasted. `line` may be styled.
#[must_use]
pub fn wrap_words(line: &str, width: usize) -> Vec<String> {
    if console::measure_text_width(line) <= width {
        return vec![line.to_owned()];
    }
    let text = line.trim_start();
    let blanks = line.len() - text.len();
    let further = " ".repeat((blanks + 2).min(width / 2));
    let mut parts = vec![line[..blanks].to_owned()];
    let mut is_empty = true;
    for word in words(text) {
        let last = parts.len() - 1;
        let columns = console::measure_text_width(&parts[last]) + 1 + console::measure_text_width(&word);
        if is_empty {
            parts[last].push_str(&word);
        } else if columns <= width {
            parts[last].extend([" ", &word]);
        } else {
            parts.push(format!("{further}{word}"));
        }
        is_empty = false;
    }
    parts
}

// Words with blanks between; what stands between backquotes is one.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut open = false;
    for word in text.split(' ') {
        match words.last_mut().filter(|_| open) {
            Some(last) => last.extend([" ", word]),
            None => words.push(word.to_owned()),
        }
        open ^= word.matches('`').count() % 2 == 1;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::wrap_words;

    #[test]
    fn lines_are_broken_between_words_and_commands_stay_whole() {
        for (line, width, expected) in [
            ("it fits", 7, &["it fits"][..]),
            ("both hosts were rolled back", 20, &["both hosts were", "  rolled back"]),
            (
                "  → see `shipit production logs`, or wait",
                24,
                &["  → see", "    `shipit production logs`,", "    or wait"],
            ),
            ("/a/word/that/is/too/long and on", 10, &["/a/word/that/is/too/long", "  and on"]),
            ("\u{1b}[31mred words\u{1b}[0m", 9, &["\u{1b}[31mred words\u{1b}[0m"]),
            ("", 3, &[""]),
        ] {
            assert_eq!(wrap_words(line, width), expected, "{line:?}");
        }
    }
}
