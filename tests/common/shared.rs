//! What many worlds begin with is made once per run of the tests, and copied: keys, repositories, hosts that were set up.
//!
//! nextest runs each test in a process of its own, so the originals lie on disk, under the name of the run. A copy is as
//! if it had been made where it lies: every mention of the original's path is replaced by the path of the copy.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

/// What earlier runs left is removed when it is as old.
const STALE: Duration = Duration::from_secs(2 * 60 * 60);
const PREFIX: &str = "shipit-shared-";

/// Copies the original of that name to `root`, a directory that exists. The first test that asks for it makes it: `make`
/// returns the directory in which it did, which is moved away from there. Returns where the original is.
pub fn copy(name: &str, root: &Path, make: impl FnOnce() -> PathBuf) -> PathBuf {
    let original = original(name, make);
    let made_at = fs::read_to_string(original.with_extension("made-at")).unwrap();
    // Some formats count bytes.
    assert_eq!(made_at.len(), root.to_str().unwrap().len(), "{made_at} and {}", root.display());
    let renaming = Renaming { from: &made_at, to: root.to_str().unwrap() };
    renaming.copy_directory(&original, root);
    original
}

/// The original itself, to be read.
pub fn original(name: &str, make: impl FnOnce() -> PathBuf) -> PathBuf {
    let original = directory().join(name);
    if original.exists() {
        return original;
    }
    let lock = File::create(original.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    if !original.exists() {
        let made = make();
        fs::write(original.with_extension("made-at"), made.to_str().unwrap()).unwrap();
        fs::rename(made, &original).unwrap();
    }
    original
}

fn directory() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let run = std::env::var("NEXTEST_RUN_ID").unwrap_or_else(|_| format!("pid-{}", std::process::id()));
        let parent = std::env::temp_dir().canonicalize().unwrap();
        let directory = parent.join(format!("{PREFIX}{run}"));
        if fs::create_dir(&directory).is_ok() {
            remove_stale(&parent);
        }
        directory
    })
}

fn remove_stale(parent: &Path) {
    let stale = |entry: &fs::DirEntry| {
        let age = entry
            .metadata()
            .ok()
            .and_then(|data| SystemTime::now().duration_since(data.modified().ok()?).ok());
        entry.file_name().to_string_lossy().starts_with(PREFIX) && age.is_some_and(|age| age > STALE)
    };
    let entries = fs::read_dir(parent).unwrap().flatten();
    entries.filter(stale).for_each(|entry| drop(fs::remove_dir_all(entry.path())));
}

struct Renaming<'a> {
    from: &'a str,
    to: &'a str,
}

impl Renaming<'_> {
    fn copy_directory(&self, from: &Path, to: &Path) {
        match fs::create_dir(to) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => panic!("{}: {error}", to.display()),
            _ => fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap(),
        }
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let (from, to) = (entry.path(), to.join(entry.file_name()));
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                self.copy_directory(&from, &to);
            } else if kind.is_symlink() {
                let target = fs::read_link(&from).unwrap();
                symlink(target.to_str().unwrap().replace(self.from, self.to), &to).unwrap();
            } else {
                self.copy_file(&from, &to);
            }
        }
    }

    fn copy_file(&self, from: &Path, to: &Path) {
        let bytes = fs::read(from).unwrap();
        // What is not text (git's objects and index) names no path.
        match str::from_utf8(&bytes) {
            Ok(text) if text.contains(self.from) => fs::write(to, text.replace(self.from, self.to)).unwrap(),
            _ => fs::write(to, &bytes).unwrap(),
        }
        let data = fs::metadata(from).unwrap();
        fs::set_permissions(to, data.permissions()).unwrap();
        let times = fs::FileTimes::new().set_modified(data.modified().unwrap());
        let file = File::open(to).unwrap();
        file.set_times(times).unwrap();
    }
}
