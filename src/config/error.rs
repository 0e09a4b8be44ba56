//! What can go wrong between the command line and a resolved configuration. All of it is exit code 2: no host
//! was contacted.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::mistakes::Mistakes;
use super::pm2::error::EcosystemError;
use super::problem::Problem;
use super::sources::Sources;

/// Why there is no configuration to work with.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Nothing was named and nothing found.
    #[error(
        "no shipit.toml in {}{}, and no file of pm2 with a `deploy` section here; `shipit init` writes one, \
         `-c FILE` names another", start.display(), above(top.as_ref())
    )]
    NotFound {
        /// Where the search began.
        start: PathBuf,
        /// Where it ended: the top of the git work tree, if that is another directory.
        top: Option<PathBuf>,
    },
    /// The file, or a script that it names, cannot be read.
    #[error("cannot read {}", file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A directory, a pipe, a device.
    #[error("{} is not a regular file", file.display())]
    NotAFile {
        /// Which.
        file: PathBuf,
    },
    /// Far from what a configuration needs.
    #[error("{} is larger than {limit} bytes: this is not a configuration file", file.display())]
    TooLarge {
        /// Which.
        file: PathBuf,
        /// What is accepted.
        limit: u64,
    },
    /// Bytes that are not UTF-8.
    #[error("{}:{line}: not UTF-8 text; save the file as UTF-8", file.display())]
    NotText {
        /// Which file.
        file: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// Somebody else could decide what runs on the hosts.
    #[error(
        "{} belongs to another user (uid {owner}), who could decide what runs on your hosts; \
         if you trust it, make it yours with chown", file.display()
    )]
    Foreign {
        /// Which file.
        file: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// The file says something that cannot be meant.
    #[error("{0}")]
    Mistakes(Mistakes),
    /// A file of pm2's.
    #[error(transparent)]
    Ecosystem(EcosystemError),
    /// No `[deploy.NAME]` of that name.
    #[error("no environment `{name}` in {}: {}", file.display(), known_environments(nearest.as_deref(), known))]
    UnknownEnvironment {
        /// Which file.
        file: PathBuf,
        /// What was asked for.
        name: String,
        /// Probably meant.
        nearest: Option<String>,
        /// What there is.
        known: Vec<String>,
    },
    /// A key that no environment has.
    #[error("there is no key `{key}`{}", did_you_mean(nearest.as_deref()))]
    NoSuchKey {
        /// What was asked for.
        key: String,
        /// Probably meant.
        nearest: Option<String>,
    },
    /// A pattern of `--hosts` that nothing matches.
    #[error("no host of `{environment}` matches `{pattern}`{}", did_you_mean(nearest.as_deref()))]
    NoSuchHost {
        /// Where it was looked for.
        environment: String,
        /// What was asked for.
        pattern: String,
        /// Probably meant.
        nearest: Option<String>,
    },
    /// A word of `--roles` or `--apps` that means nothing here.
    #[error("`{environment}` has no {what} `{word}`{}", did_you_mean(nearest.as_deref()))]
    NoSuch {
        /// A role, or an app.
        what: &'static str,
        /// Where it was looked for.
        environment: String,
        /// What was asked for.
        word: String,
        /// Probably meant.
        nearest: Option<String>,
    },
    /// Each of `--hosts`, `--roles` and `--apps` means something, all together nothing.
    #[error("no host of `{environment}` matches --hosts, --roles and --apps together")]
    NothingLeft {
        /// Where.
        environment: String,
    },
    /// A pattern of `--hosts` that cannot be read.
    #[error("`{pattern}` is not a valid host pattern: {reason}")]
    BadPattern {
        /// What was given.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Patterns of `--hosts` that take away all they name.
    #[error(
        "--hosts `{patterns}` leaves no host of `{environment}`: every host that it names is excluded by a !pattern"
    )]
    NoHostLeft {
        /// Where.
        environment: String,
        /// What was given.
        patterns: String,
    },
}

impl ConfigError {
    /// The message, with its mistakes in colour where wanted.
    pub fn render(&self, color: bool) -> String {
        match self {
            Self::Mistakes(mistakes) => mistakes.render(color),
            other => other.to_string(),
        }
    }
}

impl Sources {
    /// The error that shows these mistakes in their texts.
    pub(super) fn mistakes(&self, mut problems: Vec<Problem>) -> ConfigError {
        problems.sort_by_key(Problem::start);
        ConfigError::Mistakes(Mistakes { sources: Arc::new(self.clone()), problems })
    }
}

fn above(top: Option<&PathBuf>) -> String {
    match top {
        Some(top) => format!(" or above it up to {}, the top of the git work tree", top.display()),
        None => String::new(),
    }
}

fn known_environments(nearest: Option<&str>, known: &[String]) -> String {
    match nearest {
        _ if known.is_empty() => "it has none; `[deploy.NAME]` starts one".to_owned(),
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("it has {}", known.join(", ")),
    }
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default()
}
