//! The one place that quotes for a shell. Everything the operator wrote reaches a host through here, and is
//! expanded nowhere.

/// `text` as one word of a POSIX shell that stands for exactly these characters.
///
/// Words of harmless characters stay as they are, so that scripts read well; all else goes between single quotes,
/// where only the single quote itself means anything. Text must not hold NUL, which no shell can carry;
/// the configuration refuses it.
#[must_use]
pub fn quote(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+,".contains(c);
    if !text.is_empty() && text.chars().all(harmless) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::quote;

    #[test]
    fn plain_words_stay_readable() {
        for (text, quoted) in [
            ("npm", "npm"),
            ("", "''"),
            ("it's", r"'it'\''s'"),
            ("a b", "'a b'"),
            ("$HOME", "'$HOME'"),
            ("~", "'~'"),
            ("a=b", "'a=b'"),
        ] {
            assert_eq!(quote(text), quoted);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn any_text_comes_back_from_every_shell(text in "[^\0]*") {
            for shell in [&["dash"][..], &["bash"], &["busybox", "sh"]] {
                let script = format!("printf %s {}", quote(&text));
                let said = Command::new(shell[0]).args(&shell[1..]).arg("-c").arg(script).output().unwrap();
                prop_assert_eq!(String::from_utf8_lossy(&said.stdout), text.as_str());
            }
        }
    }
}
