//! Paths: on a host, inside a release, and of the operator's key files.
//!
//! What comes out has no `..`, no control character and no trailing slash, so scripts need not look again.

use std::fmt;
use std::path::{Path, PathBuf};

use super::file::Node;
use super::problem::{Fault, Problem, Span};
use super::values::{any_text, line};

/// A path on a host: not empty, no NUL, no newline, no `..` component, no trailing slash. Relative means to the login user's home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemotePath(pub(crate) String);

/// An entry of `shared`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedPath {
    /// Relative to `shared/` and to the release; no `..`, no leading or trailing slash.
    pub path: String,
    /// Written with a trailing slash: made when missing.
    pub directory: bool,
}

/// Why a text is no path on a host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum RemotePathError {
    #[error("the path is empty")]
    Empty,
    #[error("the root directory cannot be the deploy path")]
    Root,
    #[error("the home directory itself cannot be the deploy path; use a directory in it, like ~/app")]
    Home,
    #[error("`~{user}` is the home of another user: write the full path")]
    OtherHome { user: String },
    #[error("`..` is not possible in a path on a host")]
    Parent,
    #[error("control characters are not possible in a path on a host")]
    Control,
    #[error("a path on a host cannot begin with `-`")]
    Dash,
    #[error("`{variable}` is not replaced in a path{}", home_is(variable))]
    Variable { variable: String },
}

fn home_is(variable: &str) -> &'static str {
    match variable {
        "$HOME" | "${HOME}" => ": `~/` is the login user's home",
        _ => ": write the path itself",
    }
}

/// What a shell would replace in a path, and nothing here does.
fn variable(text: &str) -> Option<&str> {
    let is_variable = |part: &&str| {
        let name = part.strip_prefix('$').map(|rest| rest.strip_prefix('{').unwrap_or(rest));
        name.is_some_and(|name| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
    };
    text.split('/').find(is_variable)
}

/// The same, as a mistake in the file.
fn no_variable(node: &Node, text: &str) -> Result<(), Problem> {
    match variable(text) {
        Some(variable) => {
            let variable = variable.to_owned();
            Err(node.problem(RemotePathError::Variable { variable }.to_string()))
        }
        None => Ok(()),
    }
}

impl RemotePath {
    /// Takes `~/` off (a relative path means the home), and `.` and doubled slashes out.
    pub fn parse(text: &str) -> Result<Self, RemotePathError> {
        if text.is_empty() {
            return Err(RemotePathError::Empty);
        }
        if text.chars().any(char::is_control) {
            return Err(RemotePathError::Control);
        }
        if let Some(variable) = variable(text) {
            return Err(RemotePathError::Variable { variable: variable.to_owned() });
        }
        let rest = match text.strip_prefix('~') {
            None => text,
            Some("") => return Err(RemotePathError::Home),
            Some(home) => home.strip_prefix('/').ok_or_else(|| RemotePathError::OtherHome {
                user: home.split('/').next().unwrap_or(home).to_owned(),
            })?,
        };
        let absolute = rest == text && text.starts_with('/');
        let clean = clean_components(rest).ok_or(RemotePathError::Parent)?;
        match clean.as_str() {
            "" if absolute => Err(RemotePathError::Root),
            "" => Err(RemotePathError::Home),
            clean if absolute => Ok(Self(format!("/{clean}"))),
            clean if clean.starts_with('-') => Err(RemotePathError::Dash),
            _ => Ok(Self(clean)),
        }
    }

    /// Absolute, or relative to the remote home.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RemotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The components without empty ones and `.`; none where one is `..`.
fn clean_components(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    (!parts.contains(&"..")).then(|| parts.join("/"))
}

/// An item of `shared`, `carry` or `keep-assets`.
pub(super) fn in_release(node: &Node) -> Result<SharedPath, Problem> {
    let text = line(node)?;
    let refused = |reason: &str| Err(node.problem(format!("`{text}` {reason}")));
    if text.starts_with('/') || text.starts_with('~') {
        return refused("must be relative: it is a place in the release");
    }
    let Some(path) = clean_components(&text) else {
        return refused("points outside the release");
    };
    if path.is_empty() {
        return refused("is the release itself");
    }
    if path.starts_with('-') {
        return refused("cannot begin with `-`");
    }
    // Made by shipit or git in every release: a link there would change what a release is.
    if matches!(path.split('/').next(), Some(".git" | "REVISION")) {
        return refused("belongs to shipit");
    }
    Ok(SharedPath { path, directory: text.ends_with('/') })
}

/// An item of `ignore-untracked`: a path in a work tree, or a pattern for one.
pub(super) fn untracked(node: &Node) -> Result<String, Problem> {
    let text = line(node)?;
    if text.starts_with('/') || text.starts_with('~') {
        return Err(node.problem(format!("`{text}` must be relative: it is a place in the repository")));
    }
    match clean_components(&text) {
        Some(path) if !path.is_empty() => Ok(path),
        _ => Err(node.problem(format!("`{text}` is no place in the repository"))),
    }
}

/// Refuses paths that are equal or lie in one another; each with its place.
pub(super) fn disjoint(paths: &[(&str, Span)]) -> Result<(), Problem> {
    for (index, (path, span)) in paths.iter().enumerate() {
        for (other, first) in &paths[..index] {
            if overlap(path, other) {
                let message = match path == other {
                    true => format!("`{path}` is named twice"),
                    false => format!("`{path}` and `{other}` overlap"),
                };
                return Err(Problem::at(span.clone(), message).note(first.clone(), "first named here"));
            }
        }
    }
    Ok(())
}

/// Whether two paths are equal, or one lies in the other.
pub(super) fn overlap(one: &str, two: &str) -> bool {
    one == two || inside(one, two) || inside(two, one)
}

fn inside(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
}

/// An item of `prepend-path`.
pub(super) fn search_directory(node: &Node) -> Result<String, Problem> {
    let text = on_host(node)?;
    if text.contains(':') {
        return Err(node
            .problem("`:` separates directories of PATH and cannot be in one")
            .help("write a list: prepend-path = [\"/opt/node/bin\", \"~/bin\"]"));
    }
    Ok(text)
}

/// An item of `logs`: absolute, in the remote home, or below the deploy path; wildcards are the host's to expand.
pub(super) fn log_files(node: &Node) -> Result<String, Problem> {
    let text = line(node)?;
    no_variable(node, &text)?;
    if text.starts_with('-') || text.starts_with('~') && !text.starts_with("~/") {
        return Err(node
            .problem(format!("`{text}` is not a path on a host"))
            .help("start with `/` or `~/` (the remote user's home), or give a path below the deploy path: \"shared/logs/*.log\""));
    }
    if text.ends_with('/') {
        return Err(node.problem(format!("`{text}` is a directory")).help(format!("its files: \"{text}*\"")));
    }
    Ok(text)
}

/// An item of `profile`: absolute, or in the remote home.
pub(super) fn on_host(node: &Node) -> Result<String, Problem> {
    let text = line(node)?;
    no_variable(node, &text)?;
    if text.starts_with('/') || (text.starts_with("~/") && text.len() > 2) {
        return Ok(text);
    }
    Err(node.problem(format!("`{text}` must start with `/` or `~/`")).help("`~/` is the remote user's home"))
}

/// `key`: `~` is the operator's home, a relative path starts at the file's directory.
pub(super) fn key_file(node: &Node, root: &Path) -> Result<PathBuf, Problem> {
    let text = any_text(node)?;
    if text.starts_with('$') {
        no_variable(node, text)?;
    }
    let path = match text.strip_prefix('~') {
        None if text.is_empty() => Err(Fault::new("this must not be empty")),
        None => Ok(root.join(text)),
        Some(rest) => match (rest.strip_prefix('/'), std::env::home_dir()) {
            (None, _) => {
                Err(Fault::new(format!("`{text}` is in the home of another user: write the full path")))
            }
            (_, None) => Err(Fault::new(format!("`{text}` needs your home directory, and HOME is not set"))),
            (Some(rest), Some(home)) => Ok(home.join(rest)),
        },
    };
    path.map_err(|fault| fault.at(node.span.clone()))
}
