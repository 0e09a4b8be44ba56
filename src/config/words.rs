//! Keys that take one of a few words: what the words mean.

/// `fetch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fetch {
    /// All of it.
    #[default]
    Full,
    /// The last five commits.
    Fast,
    /// All commits; files only of those that are checked out.
    Blobless,
}

/// `shell`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shell {
    /// bash where the host has it, else sh.
    #[default]
    BashOrSh,
    /// `/bin/sh`.
    Sh,
    /// `bash`; a host without it fails.
    Bash,
    /// The login shell, as a login shell.
    Login,
}
