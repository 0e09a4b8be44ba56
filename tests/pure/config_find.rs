//! Which file is read, and which is refused before a line of it is.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use shipit::config::{self, ConfigError};

fn tree(files: &[&str]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for file in files {
        let path = directory.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    directory
}

#[test]
fn the_nearest_file_up_to_the_top_of_the_work_tree_is_taken() {
    let directory = tree(&["shipit.toml", "work/.git/HEAD", "work/a/b/x", "work/a/shipit.toml"]);
    let root = directory.path();
    let found = |start: &str| config::find(None, &root.join(start));
    assert_eq!(found("work/a/b").unwrap(), root.join("work/a/shipit.toml"));
    assert_eq!(found("work/a").unwrap(), root.join("work/a/shipit.toml"));
    assert_eq!(found(".").unwrap(), root.join("shipit.toml"));
    let error = found("work").unwrap_err();
    assert!(matches!(error, ConfigError::NotFound { top: None, .. }), "{error}");
}

#[test]
fn the_search_ends_at_the_top_of_the_work_tree_and_says_so() {
    // A linked work tree has a file `.git`.
    let directory = tree(&["shipit.toml", "work/.git", "work/a/x"]);
    let error = config::find(None, &directory.path().join("work/a")).unwrap_err().to_string();
    assert!(error.contains("the top of the git work tree"), "{error}");
}

#[test]
fn outside_of_a_work_tree_only_this_directory_counts() {
    let directory = tree(&["shipit.toml", "a/x"]);
    assert!(config::find(None, &directory.path().join("a")).is_err());
    assert!(config::find(None, directory.path()).is_ok());
}

#[test]
fn a_named_file_is_taken_as_named() {
    let directory = tree(&["other.toml", "shipit.toml"]);
    let found = config::find(Some(Path::new("other.toml")), directory.path()).unwrap();
    assert_eq!(found, directory.path().join("other.toml"));
    let missing = config::find(Some(Path::new("none.toml")), directory.path()).unwrap();
    assert!(matches!(config::load(&missing, "x"), Err(ConfigError::Unreadable { .. })));
}

#[test]
fn what_is_no_readable_text_is_refused() {
    let directory = tree(&["big.toml", "latin1.toml"]);
    let root = directory.path();
    fs::write(root.join("big.toml"), "#".repeat((1 << 20) + 1)).unwrap();
    fs::write(root.join("latin1.toml"), b"a = 1\n# \xe9\n").unwrap();
    symlink("nowhere", root.join("dangling.toml")).unwrap();
    let error = |file: &str| config::load(&root.join(file), "x").unwrap_err();
    assert!(matches!(error("."), ConfigError::NotAFile { .. }));
    assert!(matches!(config::load(Path::new("/dev/zero"), "x"), Err(ConfigError::NotAFile { .. })));
    assert!(matches!(error("big.toml"), ConfigError::TooLarge { .. }));
    assert!(matches!(error("latin1.toml"), ConfigError::NotText { line: 2, .. }));
    assert!(matches!(error("dangling.toml"), ConfigError::Unreadable { .. }));
}
