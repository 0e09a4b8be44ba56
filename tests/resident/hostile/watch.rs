//! Everything around the release, before and after: what a repository may not change.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::ground::Ground;

/// What was there: kind, size, inode and content of each path.
pub struct Watch {
    before: BTreeMap<PathBuf, String>,
}

/// Where a deploy writes by its nature, below the directory of everything. The last is where the program is kept.
const OWN: [&str; 7] =
    ["app/.shipit", "app/source", "app/releases", "app/current", "origin.git", "count", "home/.cache"];

impl Watch {
    /// Puts down what may not change, and what must not be followed.
    pub fn new(ground: &Ground) -> Watch {
        let outside = ground.base().join("outside");
        fs::create_dir_all(outside.join("dir")).unwrap();
        fs::write(outside.join("file"), "precious").unwrap();
        fs::write(outside.join("dir/file"), "precious").unwrap();
        for dir in ["log", "var/log/app"] {
            fs::create_dir_all(ground.root().join("shared").join(dir)).unwrap();
        }
        fs::create_dir_all(ground.root().join("shared/config")).unwrap();
        fs::write(ground.root().join("shared/config/local.yml"), "secret").unwrap();
        Watch { before: Watch::look(ground) }
    }

    /// Fails if anything changed.
    pub fn sees_nothing(&self, ground: &Ground, what: &str) {
        let now = Watch::look(ground);
        for (path, state) in &now {
            assert_eq!(self.before.get(path), Some(state), "{what}: {} is new or changed", path.display());
        }
        for path in self.before.keys() {
            assert!(now.contains_key(path), "{what}: {} is gone", path.display());
        }
        let given = ground.given();
        let old = |name: &String| given.contains(name) || name.starts_with("20261121T");
        assert!(ground.names("releases").iter().all(old), "{what}: {:?}", ground.names("releases"));
        let hooks = ground.names("source/hooks");
        assert!(hooks.iter().all(|name| name.ends_with(".sample")), "{what}: {hooks:?}");
    }

    fn look(ground: &Ground) -> BTreeMap<PathBuf, String> {
        let mut seen = BTreeMap::new();
        walk(ground.base(), ground.base(), &mut seen);
        seen
    }
}

fn walk(base: &Path, dir: &Path, seen: &mut BTreeMap<PathBuf, String>) {
    for item in fs::read_dir(dir).unwrap().flatten() {
        let path = item.path();
        let name = path.strip_prefix(base).unwrap().to_path_buf();
        if OWN.iter().any(|own| name == Path::new(own)) {
            continue;
        }
        let meta = fs::symlink_metadata(&path).unwrap();
        let kind = if meta.is_symlink() {
            format!("link {:?}", fs::read_link(&path).unwrap())
        } else if meta.is_dir() {
            walk(base, &path, seen);
            "directory".to_owned()
        } else {
            format!("{:o} {} {:?}", meta.mode(), meta.ino(), fs::read(&path).unwrap_or_default())
        };
        seen.insert(name, kind);
    }
}
