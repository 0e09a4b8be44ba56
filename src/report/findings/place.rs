//! What can be wrong with the place where the app is to lie. Pure.

use crate::remote::damage::Damage;

/// Where the app is to lie.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields say what their types and the variant say")]
pub enum Place {
    /// Something else is where a directory has to be.
    Blocked { path: String },
    /// Something that shipit did not make is where it would make a link or a clone. An empty target: it is no link.
    Foreign { path: String, target: String },
    /// What another tool's directory holds, and a new release would lack.
    Undecided { path: String, names: String },
    /// What is live is not whole.
    Damaged { release: String, damage: Damage },
    /// The clone has objects without content.
    DamagedSource { path: String },
    /// No place for temporary files.
    NoScratch { directory: String },
    /// The directory is the app's, or one above it; its mode would allow it.
    ReadOnly { directory: Directory },
    /// Its owner or mode does not allow it.
    Forbidden { directory: Directory, user: String, owner: String, mode: String },
    /// Another login deployed here.
    OtherLogin { path: String, owner: String },
    /// In kB.
    Space { free: u64, needed: u64 },
    /// Files that can still be made.
    Inodes { free: u64 },
}

/// A directory that cannot be written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// It.
    pub path: String,
    /// The directory of the app.
    pub root: String,
    /// It is that or below it.
    pub is_inside: bool,
}

impl Place {
    pub(super) fn text(&self) -> String {
        match self {
            Place::Blocked { path } => {
                format!("{path} is in the way: it is not a directory and does not lead to one")
            }
            Place::Foreign { path, target } if target.is_empty() && path.ends_with("/source") => {
                format!("{path} is a work tree whose repository is elsewhere: .git is no directory")
            }
            Place::Foreign { path, target } if target.is_empty() => {
                format!("{path} is not a link, so shipit does not touch it")
            }
            Place::Foreign { path, target } => {
                format!("{path} points to {target}, which shipit did not make")
            }
            Place::Undecided { path, names } => {
                format!("the new release would lack what lies in {path} and is in no commit: {names}")
            }
            Place::Damaged { release, damage } => {
                format!("the live release {release} is not whole: {damage}")
            }
            Place::DamagedSource { path } => {
                format!("{path} has damaged objects, as a crash or a power loss leaves them")
            }
            Place::NoScratch { directory } => format!(
                "neither /dev/shm nor {directory} can be written to; repository and tools were not checked"
            ),
            Place::ReadOnly { directory } => {
                format!("{}, though it is yours: is the file system read-only?", directory.text(""))
            }
            Place::Forbidden { directory, user, owner, mode } => {
                format!("{}: it belongs to {owner} ({mode})", directory.text(&format!(" by {user}")))
            }
            Place::OtherLogin { path, owner } => {
                format!("{path} belongs to the login {owner}, and a deploy path has one login")
            }
            Place::Space { free, needed: 0 } => format!("not enough space for a release: {free} kB are free"),
            Place::Space { free, needed } => format!(
                "not enough space for a release: {free} kB are free, and a release needs more than the {needed} kB that the live one takes"
            ),
            Place::Inodes { free } => format!("there is room for only {free} more files (inodes)"),
        }
    }

    pub(super) fn advice(&self) -> Option<&'static str> {
        match self {
            Place::Blocked { .. } => Some("to move it away:"),
            Place::Foreign { .. } => {
                Some("to move it away; what is served from there stops until the next deploy:")
            }
            Place::Undecided { .. } => Some(
                "a deploy is refused until each is named in `shared` (kept), `carry` (copied) or `ignore-untracked`; to see them:",
            ),
            Place::Damaged { .. } => Some("a new release on all hosts:"),
            Place::DamagedSource { .. } => Some("setup puts a fresh clone in its place:"),
            Place::Space { .. } => Some("what takes the space, in kB, largest last:"),
            Place::Inodes { .. } => Some("where the files are, most last:"),
            Place::NoScratch { .. }
            | Place::ReadOnly { .. }
            | Place::Forbidden { .. }
            | Place::OtherLogin { .. } => None,
        }
    }
}

impl Directory {
    fn text(&self, by: &str) -> String {
        let Directory { path, root, is_inside } = self;
        if *is_inside {
            format!("{path} cannot be written to{by}")
        } else {
            format!("{path} cannot be written to{by}, so {root} cannot be made")
        }
    }
}
