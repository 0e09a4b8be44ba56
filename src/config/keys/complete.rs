//! Keys and values as words to complete: of `config KEY` and `--set KEY=VALUE`.

use super::key::Kind;
use super::lookup::{at, nested};

/// All keys of an environment with their dotted paths, each with its meaning; of an app's keys those that only an app has
/// are left out.
#[must_use]
pub fn key_names() -> Vec<(String, &'static str)> {
    nested().map(|(path, key)| (path, key.meaning)).collect()
}

/// The values of the key at a dotted path, where it takes one of a few words.
#[must_use]
pub fn key_values(path: &str) -> Vec<&'static str> {
    let path: Vec<&str> = path.split('.').collect();
    match at(&path).map(|key| key.kind) {
        Some(Kind::Word { words, .. }) => words.to_vec(),
        Some(Kind::Flag) => vec!["true", "false"],
        Some(Kind::FlagOr(words)) => ["true", "false"].iter().chain(words).copied().collect(),
        _ => Vec::new(),
    }
}
