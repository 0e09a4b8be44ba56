//! The deploys that `list` showed last, kept for the completion of `revert` and `show`: asking hosts would take too long.
//!
//! Only a convenience: where it cannot be written or read there is none, without a message. What is in it came from
//! hosts, so only names of releases get in, and a meaning that is clean.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::surroundings::Surroundings;
use crate::remote::history::Deploy;
use crate::remote::release;
use crate::report::{clean, human};

/// A longer list helps no user to choose.
const MOST: usize = 50;

/// A deploy that was written down.
pub(super) struct Remembered {
    pub(super) release: String,
    /// For people.
    pub(super) meaning: String,
    /// It was live and good, and is not live now.
    pub(super) revertable: bool,
}

/// Ends the lines of those.
const REVERTABLE: &str = "\trevert";

/// Writes down what an environment of a file had. `live`: the release that is live.
pub(super) fn remember(
    surroundings: &Surroundings,
    (file, environment): (&Path, &str),
    all: &[Deploy<'_>],
    live: &str,
) {
    let is_deploy = |deploy: &&Deploy<'_>| deploy.entry.action == "deploy" && is_plain(&deploy.entry.release);
    let line = |deploy: &Deploy<'_>| {
        let entry = deploy.entry;
        let meaning = format!("{}, {}", entry.reference, human::when(&entry.when));
        let again = if deploy.was_good() && entry.release != live { REVERTABLE } else { "" };
        format!("{}\t{}{again}\n", entry.release, clean::line(meaning.as_bytes(), 60))
    };
    let deploys = all.iter().rev().filter(is_deploy);
    let text: String = deploys.take(MOST).map(line).collect();
    let _ = write(&place(surroundings, file, environment), &text);
}

/// What was written down, newest first.
pub(super) fn remembered(surroundings: &Surroundings, file: &Path, environment: &str) -> Vec<Remembered> {
    let text = fs::read_to_string(place(surroundings, file, environment)).unwrap_or_default();
    let read = |line: &str| {
        let (release, rest) = line.split_once('\t')?;
        let meaning = rest.strip_suffix(REVERTABLE);
        let (meaning, revertable) = (meaning.unwrap_or(rest).to_owned(), meaning.is_some());
        Some(Remembered { release: release.to_owned(), meaning, revertable })
    };
    text.lines().filter_map(read).collect()
}

fn is_plain(name: &str) -> bool {
    release::when(name).is_some() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// One file for each environment of each configuration, whatever their names hold.
fn place(surroundings: &Surroundings, file: &Path, environment: &str) -> PathBuf {
    let mut digest = Sha256::new();
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    digest.update(file.as_os_str().as_encoded_bytes());
    digest.update([0]);
    digest.update(environment);
    let name: String = digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    surroundings.cache().join("deploys").join(name)
}

fn write(place: &Path, text: &str) -> std::io::Result<()> {
    if let Some(directory) = place.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    // By rename: another process that reads meanwhile sees the old or the new file, whole.
    let new = place.with_extension(std::process::id().to_string());
    let written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new);
    let renamed =
        written.and_then(|mut file| file.write_all(text.as_bytes())).and_then(|()| fs::rename(&new, place));
    if renamed.is_err() {
        let _ = fs::remove_file(&new);
    }
    renamed
}
