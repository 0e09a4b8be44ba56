//! What one host tells can decide what others do: which commit they fetch, which directory goes live there, what is put into
//! their variables. So it counts only where it has the form that it has from us.

use super::journal::Entry;
use super::release;
use crate::git::Revision;

/// Whether that may be a fact. What is none counts as not told.
#[must_use]
pub fn is_fact(name: &str, value: &str) -> bool {
    match name {
        "live" | "newest" => release::is_name(value),
        "live-parent" => is_release(value),
        "known" => value.split_whitespace().all(release::is_name),
        "revision" => is_commit(value),
        "live-revision" => value.is_empty() || is_commit(value),
        "live-reference" => is_text(value),
        _ => true,
    }
}

/// Whether that may be an entry of a journal.
#[must_use]
pub fn is_entry(entry: &Entry) -> bool {
    release::is_name(&entry.release)
        && is_release(&entry.from)
        && is_commit(&entry.revision)
        && is_text(&entry.reference)
        && entry.apps.iter().all(|(_, revision)| is_commit(revision))
}

// Or none.
fn is_release(text: &str) -> bool {
    text.is_empty() || release::is_name(text)
}

fn is_commit(text: &str) -> bool {
    Revision::parse(text).is_some()
}

fn is_text(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELEASE: &str = "20261121T081502Z-1a2b3c4";
    const COMMIT: &str = "1a2b3c4d5e6f1a2b3c4d5e6f1a2b3c4d5e6f1a2b";

    #[test]
    fn what_others_would_act_on_has_our_form() {
        for (name, good, bad) in [
            ("live", RELEASE, "../../etc"),
            ("live", RELEASE, ""),
            ("newest", RELEASE, "20261121T081502Z-1a2b3c4/.."),
            ("live-parent", "", ".."),
            ("known", "20261121T081502Z-1a2b3c4 20261121T081503Z-1a2b3c4", "20261121T081502Z-1a2b3c4 .."),
            ("revision", COMMIT, "--upload-pack=touch /tmp/x"),
            ("revision", COMMIT, "äääääää"),
            ("live-revision", "", "main"),
            ("live-reference", "release/ä b", "main\nrm"),
            ("supervisor", "anything\n", ""),
        ] {
            assert!(is_fact(name, good), "{name} {good:?}");
            assert!(name == "supervisor" || !is_fact(name, bad), "{name} {bad:?}");
        }
    }

    #[test]
    fn an_entry_leads_nowhere_else() {
        let read = |name: &str, value: &str| {
            let pairs = [("release", RELEASE), ("revision", COMMIT), ("action", "deploy"), ("from", "")];
            let pair = |(key, text): &(&str, &str)| {
                ((*key).to_owned(), if *key == name { value } else { *text }.to_owned())
            };
            Entry::read("1", "done", &pairs.iter().map(pair).collect::<Vec<_>>()).unwrap()
        };
        assert!(is_entry(&read("from", RELEASE)));
        assert!(!is_entry(&read("from", "..")));
        assert!(!is_entry(&read("release", "..")));
        assert!(!is_entry(&read("revision", "--upload-pack=x")));
    }
}
