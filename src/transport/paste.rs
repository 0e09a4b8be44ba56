//! What a user is told to paste into a shell.

use std::path::Path;

use crate::remote::quote::quote;

/// A path to be pasted: quoted where a shell would take it apart. `~` stays as it is.
pub(super) fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-~+@%,:=".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text,
        false => quote(&text),
    }
}
