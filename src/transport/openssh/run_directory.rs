//! The directory of a run: sockets, logs, host keys that were seen. Nobody else can look into it, and it goes with the run.
//!
//! Its name is short, because the path of a socket has 107 bytes, of which `ssh` needs some itself. A run that was killed
//! leaves it behind; the next run removes it, which it knows by a lock that nobody holds any more.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::options::ASKPASS;

/// How its name begins.
const PREFIX: &str = "shipit-ssh-";
/// Bytes of its path, at most: `ssh` adds 17 to the name of a socket while it makes it, and a socket has up to 8.
const LONGEST: usize = 107 - 17 - 9;
/// The file that its owner holds locked.
const LOCK: &str = "lock";
/// The script that `ssh` asks for known keys (`KnownHostsCommand`).
const KEYS: &str = "keys";

/// With the arguments FILE PIN and, of the key that a host shows, why it is asked, name, type, key and fingerprint: keeps
/// the key in FILE as a line for known_hosts, and knows it only where PIN is its fingerprint.
const KNOWN_KEYS: &str = "[ \"$3\" = HOSTNAME ] || exit 0\n\
    printf '%s %s %s\\n' \"$4\" \"$5\" \"$6\" >\"$1\"\n\
    [ \"$2\" != \"$7\" ] || printf '%s %s %s\\n' \"$4\" \"$5\" \"$6\"\n";

/// Removed when dropped.
#[derive(Debug)]
pub(super) struct RunDirectory {
    path: PathBuf,
    _lock: File,
}

impl RunDirectory {
    /// Makes one in the first of these that takes it.
    pub(super) fn make(bases: &[PathBuf], program: &Path) -> io::Result<Self> {
        let mut failed = io::Error::other("no directory for sockets");
        for base in bases {
            clear(base);
            let name = format!("{PREFIX}{:08x}", getrandom::u32().map_err(io::Error::other)?);
            let path = base.join(name);
            if path.as_os_str().as_bytes().len() > LONGEST {
                failed = io::Error::other(format!("{} is too long for a socket", path.display()));
                continue;
            }
            match Self::at(path, program) {
                Ok(made) => return Ok(made),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    fn at(path: PathBuf, program: &Path) -> io::Result<Self> {
        DirBuilder::new().mode(0o700).create(&path)?;
        let new =
            |name: &str| OpenOptions::new().write(true).create_new(true).mode(0o600).open(path.join(name));
        let lock = new(LOCK)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        let made = Self { path: path.clone(), _lock: lock };
        io::Write::write_all(&mut new(KEYS)?, KNOWN_KEYS.as_bytes())?;
        symlink(program, made.file(ASKPASS))?;
        Ok(made)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The script behind `KnownHostsCommand`.
    pub(super) fn keys(&self) -> PathBuf {
        self.file(KEYS)
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        // What is left is removed by the next run.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes what runs left behind that were killed.
fn clear(base: &Path) {
    let Ok(entries) = fs::read_dir(base) else { return };
    let me = rustix::process::getuid().as_raw();
    for path in entries
        .flatten()
        .filter(|entry| entry.file_name().as_bytes().starts_with(PREFIX.as_bytes()))
        .map(|e| e.path())
    {
        let own = fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir() && found.uid() == me);
        if own
            && let Ok(lock) = File::open(path.join(LOCK))
            && flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok()
        {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn it_is_private_goes_with_its_owner_and_what_was_left_is_removed() {
        let base = tempfile::Builder::new().prefix("s").tempdir_in("/tmp").unwrap();
        let bases = [base.path().join("x".repeat(90)), base.path().to_owned()];
        let made = RunDirectory::make(&bases, Path::new("/bin/true")).unwrap();
        assert_eq!(made.path().parent(), Some(base.path()), "the other is too long, and is not there");
        assert_eq!(fs::metadata(made.path()).unwrap().permissions().mode() & 0o777, 0o700);
        let dead = base.path().join("shipit-ssh-dead");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join(LOCK), "").unwrap();
        let other = RunDirectory::make(&bases, Path::new("/bin/true")).unwrap();
        assert!(!dead.exists() && made.path().exists(), "only the dead one's goes");
        drop(other);
        drop(made);
        assert_eq!(fs::read_dir(base.path()).unwrap().count(), 0);
    }
}
