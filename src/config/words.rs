//! Keys that take one of a few words: what the words mean.

use super::file::Node;
use super::problem::Problem;
use super::values;

/// How code gets to the hosts: `deliver`.
pub(super) const DELIVER: [&str; 1] = ["pull"];
pub(super) const DELIVER_LATER: [&str; 2] = ["push", "artifact"];

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

/// `ssh`: which client reaches a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SshClient {
    /// The one in this program, and the system's for a host whose configuration needs what that lacks.
    #[default]
    Auto,
    /// The one in this program.
    Builtin,
    /// The system's `ssh`.
    OpenSsh,
}

const fn words<T: Copy, const N: usize>(all: &[(&'static str, T); N]) -> [&'static str; N] {
    let mut words = [""; N];
    let mut at = 0;
    while at < N {
        words[at] = all[at].0;
        at += 1;
    }
    words
}

/// `deliver`: nothing but `pull` can be chosen yet.
pub(super) fn deliver(node: &Node) -> Result<(), Problem> {
    let all = DELIVER.iter().map(|word| (*word, true)).chain(DELIVER_LATER.iter().map(|word| (*word, false)));
    match values::choice(node, &all.collect::<Vec<_>>())? {
        true => Ok(()),
        false => Err(node
            .problem(format!("`{}` is not yet supported", values::any_text(node)?))
            .label("comes with a later version")
            .help(format!("for now, only \"{}\" is possible, which is the default", DELIVER[0]))),
    }
}

impl Fetch {
    const ALL: [(&'static str, Fetch); 3] =
        [("full", Fetch::Full), ("fast", Fetch::Fast), ("blobless", Fetch::Blobless)];
    pub(super) const WORDS: [&'static str; 3] = words(&Self::ALL);

    pub(super) fn read(node: &Node) -> Result<Self, Problem> {
        values::choice(node, &Self::ALL)
    }
}

impl SshClient {
    const ALL: [(&'static str, SshClient); 3] =
        [("auto", SshClient::Auto), ("builtin", SshClient::Builtin), ("openssh", SshClient::OpenSsh)];
    pub(super) const WORDS: [&'static str; 3] = words(&Self::ALL);

    pub(super) fn read(node: &Node) -> Result<Self, Problem> {
        values::choice(node, &Self::ALL)
    }
}

impl Shell {
    const ALL: [(&'static str, Shell); 3] =
        [("sh", Shell::Sh), ("bash", Shell::Bash), ("login", Shell::Login)];
    pub(super) const WORDS: [&'static str; 3] = words(&Self::ALL);

    pub(super) fn read(node: &Node) -> Result<Self, Problem> {
        values::choice(node, &Self::ALL)
    }
}
