//! Why a host cannot read the repository: one variant for each reason, worded here. Pure.

/// Why a host cannot read the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields say what their types and the variant say")]
pub enum Access {
    /// The server's key, where the host could ask for it.
    UnknownKey { fingerprint: Option<String> },
    /// Somebody else answers, or the server was set up anew.
    ChangedKey,
    /// No key is accepted.
    Denied,
    /// A name and a password are asked for.
    Password,
    /// No connection.
    Unreachable,
    /// A connection, and no answer.
    TimedOut,
    /// It is not there, or hidden.
    Missing { repo: String },
    /// The ref does not exist there.
    NoReference { repo: String, reference: String },
    /// Its object ids are not those that shipit knows.
    Format,
    /// Only git's own words say more.
    Other,
}

impl Access {
    pub(super) fn text(&self) -> String {
        let text = match self {
            Access::UnknownKey { .. } => "unknown host key of the git server",
            Access::ChangedKey => "the host key of the git server is not the one that this host knows",
            Access::Denied => "the git server rejected every key of this host",
            Access::Password => "the git server asks for a password, and there is no terminal to type it on",
            Access::Unreachable => "the git server cannot be reached from here",
            Access::TimedOut => "the git server did not answer in time",
            Access::Missing { repo } => {
                return format!("there is no repository {repo}, or this host may not read it");
            }
            Access::NoReference { repo, reference } => {
                return format!("{repo} has no branch, tag or commit {reference}");
            }
            Access::Format => "the repository has SHA-256 object ids, which are not supported yet",
            Access::Other => "git cannot read the repository from here",
        };
        text.to_owned()
    }

    pub(super) fn advice(&self) -> String {
        let text = match self {
            Access::UnknownKey { fingerprint: Some(fingerprint) } => {
                return format!(
                    "only if {fingerprint} is the fingerprint that the owner of the server publishes:"
                );
            }
            Access::UnknownKey { fingerprint: None } => {
                "ssh shows the fingerprint and asks; compare it with what the owner of the server publishes:"
            }
            Access::ChangedKey => {
                "someone may be intercepting the connection; only if the server was reinstalled: remove the line that ssh names, then check again"
            }
            Access::Denied => "add the key that this prints to the repository as a read-only deploy key:",
            Access::Password => {
                "this asks once and keeps the answer on the host, in ~/.git-credentials; best is a read-only token:"
            }
            Access::Unreachable => "is the name right, and may this host connect there? to try it again:",
            Access::TimedOut | Access::Other => "to try it by hand:",
            Access::Format => "deploy a repository with SHA-1 ids, git's default; to see its ids:",
            Access::NoReference { .. } => "push it, or correct `ref` in shipit.toml; to list what there is:",
            Access::Missing { .. } => "check `repo` in shipit.toml; to try it by hand:",
        };
        text.to_owned()
    }
}
