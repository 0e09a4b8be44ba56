//! What a plan needs besides the configuration.

use secrecy::SecretString;

use crate::config::{EnvEntry, FileEntry};

/// What the command line and the operator's surroundings add to the configuration.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `env` of each site, evaluated, in the order of the sites.
    pub env: Vec<Vec<EnvEntry>>,
    /// What `files` of each app names, read.
    pub files: Vec<Vec<FileEntry>>,
    /// `repo-token` of each app, evaluated.
    pub tokens: Vec<Option<SecretString>>,
    /// The operator's login name: `SHIPIT_USER`.
    pub user: String,
    /// Who holds the lock, for others to read: one line.
    pub who: String,
    /// When the run began: RFC 3339.
    pub when: String,
    /// The process of pm2 that started the run, which is reloaded last: its number, and PM2_HOME if that is set.
    pub caller: Option<String>,
    /// At most so many hosts are worked on at a time.
    pub concurrency: Option<usize>,
    /// An older commit may go out.
    pub allow_older: bool,
    /// The directory of a release that fails stays.
    pub keep_failed: bool,
}
