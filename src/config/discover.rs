//! Which file is read: `-c`, else `shipit.toml` here or above, no further than the top of the git work tree; else pm2's
//! file here.
//!
//! The top is found without git's help: a directory that holds `.git` (a file in linked work trees).

use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::pm2;

/// The name that is looked for.
pub const FILE_NAME: &str = "shipit.toml";

/// The file to read, `explicit` (`-c`) or the nearest one from `start` upwards.
pub fn find(explicit: Option<&Path>, start: &Path) -> Result<PathBuf, ConfigError> {
    if let Some(file) = explicit {
        return Ok(start.join(file));
    }
    // What is above `work/..` is not `work`.
    let start =
        &start.canonicalize().map_err(|source| ConfigError::Unreadable { file: start.to_owned(), source })?;
    let top = start.ancestors().find(|directory| directory.join(".git").exists());
    let last = top.unwrap_or(start.as_path());
    for directory in start.ancestors() {
        let file = directory.join(FILE_NAME);
        // A dangling link or a directory of that name is a mistake to report, not a reason to search further up.
        if file.symlink_metadata().is_ok() {
            return Ok(file);
        }
        if directory == last {
            break;
        }
    }
    if let Some(file) = pm2::ecosystem_in(start) {
        return Ok(file);
    }
    let top = top.filter(|top| *top != start.as_path()).map(Path::to_owned);
    Err(ConfigError::NotFound { start: start.to_owned(), top })
}
