//! The wildcards of OpenSSH: `*`, `?`, and `!` before a pattern, as in ssh_config and known_hosts.
//!
//! Pure text; case is the caller's business.

pub(super) use crate::config::glob_matches as matches;

/// Whether one of `patterns` matches and none of the negated ones does: a negated match wins over all others.
pub(super) fn any_matches<'a>(patterns: impl IntoIterator<Item = &'a str>, text: &str) -> bool {
    let mut found = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(negated) if matches(negated, text) => return false,
            Some(_) => {}
            None => found |= matches(pattern, text),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{any_matches, matches};

    #[test]
    fn stars_and_question_marks() {
        let table = [
            ("web1", "web1", true),
            ("web?", "web12", false),
            ("web?", "web", false),
            ("*", "", true),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("a*b*c", "axxbyybzzc", true),
            ("a*b*c", "axxbyybzz", false),
            ("", "x", false),
            ("**x", "yx", true),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn a_negated_match_wins() {
        assert!(any_matches(["*", "!db*"], "web1"));
        assert!(!any_matches(["*", "!db*"], "db1"));
        assert!(!any_matches(["!db*"], "web1"), "a negation alone matches nothing");
    }
}
