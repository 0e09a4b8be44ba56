//! Keys of later versions are refused with "not yet": an ignored `deliver` would fail where nobody looks.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::fs;

use shipit::config;

const BASE: &str = "[deploy.production]\nrepo = 'r:shop'\nref = 'main'\npath = '/srv/shop'\n";

fn message(text: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    fs::write(&file, text).unwrap();
    match config::load(&file, "production") {
        Ok(_) => panic!("accepted: {text}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn keys_of_an_environment() {
    for line in ["deliver = 'push'", "deliver = 'artifact'"] {
        let text = message(&format!("{BASE}host = 'web1'\n{line}\n"));
        assert!(text.contains("not yet"), "{line}: {text}");
        let text = message(&format!("[defaults]\n{line}\n{BASE}host = 'web1'\n"));
        assert!(text.contains("not yet"), "defaults, {line}: {text}");
    }
}

#[test]
fn keys_of_apps() {
    for line in ["deliver = 'push'", "deliver = 'artifact'"] {
        let text = message(&format!("[apps.api]\n{line}\n{BASE}host = 'web1'\n"));
        assert!(text.contains("not yet"), "{line}: {text}");
    }
}

#[test]
fn what_is_the_default_may_be_written_down() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    fs::write(&file, format!("{BASE}host = 'web1'\ndeliver = 'pull'\nfetch = 'full'\n")).unwrap();
    assert!(config::load(&file, "production").is_ok());
}
