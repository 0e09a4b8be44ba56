//! Text that a shell is to read: what a user is told to type, and commands.

use std::path::Path;

/// A path to be pasted: quoted where a shell would take it apart.
pub(super) fn shown(path: &Path) -> String {
    plain_or_quoted(&path.display().to_string(), "/._-~+@%,:=")
}

/// A word of a command.
pub(super) fn word(text: &str) -> String {
    plain_or_quoted(text, "/._-+@%,:=")
}

/// As it is where it holds only letters, digits and these.
fn plain_or_quoted(text: &str, marks: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || marks.contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}
