//! What shells read before they run a text: the resident shell's variables, and for the user's texts `PATH`, `profile`, `env`.

use std::fmt::Write as _;

use crate::remote::quote::quote;

/// Assignments to the resident shell's variables, sorted by name.
#[must_use]
pub fn assignments<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::new();
    for (name, value) in variables {
        let _ = writeln!(text, "{name}={}", quote(value));
    }
    text
}

/// What every shell reads before a text of the user's: `profile`, then `PATH`. `~/` is the remote home.
#[must_use]
pub fn enter(profile: &[String], prepend_path: &[String]) -> String {
    let mut text = String::new();
    for file in profile {
        let word = at_home(file);
        let _ = writeln!(
            text,
            "[ -r {word} ] || {{ echo {}; exit 14; }} >&2",
            quote(&format!("profile: {file} cannot be read"))
        );
        let _ = writeln!(text, ". {word}");
    }
    for directory in prepend_path.iter().rev() {
        let _ = writeln!(text, "PATH={}:$PATH", at_home(directory));
    }
    if !prepend_path.is_empty() {
        text.push_str("export PATH\n");
    }
    text
}

/// What git on the host runs for ssh, with a key file of the host; `~/` is the remote home. A shell reads it there.
#[must_use]
pub fn ssh_with(key: &str) -> String {
    format!("ssh -o BatchMode=yes -o IdentitiesOnly=yes -i {}", at_home(key))
}

fn at_home(path: &str) -> String {
    match path.strip_prefix("~/") {
        Some(rest) => format!("\"$HOME\"/{}", quote(rest)),
        None if path.starts_with('/') => quote(path),
        None => format!("\"$HOME\"/{}", quote(path)),
    }
}

/// `export` lines for `env`.
#[must_use]
pub fn exports<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::new();
    for (name, value) in variables {
        let _ = writeln!(text, "export {name}={}", quote(value));
    }
    text
}
