//! Keys of later versions are refused with "not yet": an ignored `rollout` would deploy blindly.
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
    for line in [
        "roles = ['web']",
        "deliver = 'push'",
        "deliver = 'artifact'",
        "rollout = { batch = 1 }",
        "forward-agent = true",
        "ssh-options = 'A=b'",
        "ignore-untracked = []",
        "drain = 'x'",
        "undrain = 'x'",
        "after = 'x'",
        "use = ['a']",
        "apps.api.repo = 'x'",
        "supervisor = 'pm2'",
        "supervisor = 'systemd'",
        "supervisor = [{ reload = 'x' }]",
        "supervisor = { kind = 'pm2' }",
    ] {
        let text = message(&format!("{BASE}host = 'web1'\n{line}\n"));
        assert!(text.contains("not yet"), "{line}: {text}");
        let text = message(&format!("[defaults]\n{line}\n{BASE}host = 'web1'\n"));
        assert!(text.contains("not yet"), "defaults, {line}: {text}");
    }
}

#[test]
fn keys_of_supervisor_hook_and_host_tables() {
    for line in [
        "supervisor = { reload = 'x', stable-for = '5s' }",
        "supervisor = { reload = 'x', wait-port = 1 }",
        "supervisor = { reload = 'x', sudo = true }",
        "supervisor = { reload = 'x', strategy = 'restart' }",
        "supervisor = { reload = 'x', roles = ['web'] }",
        "build = { run = 'x', roles = ['web'] }",
    ] {
        let text = message(&format!("{BASE}host = 'web1'\n{line}\n"));
        assert!(text.contains("not yet"), "{line}: {text}");
    }
    for hosts in ["{ host = 'a', roles = ['web'] }", "{ host = 'a', forward-agent = true }"] {
        let text = message(&format!("{BASE}hosts = [{hosts}]\n"));
        assert!(text.contains("not yet"), "{hosts}: {text}");
    }
}

#[test]
fn keys_of_the_file() {
    let text = message(&format!("apps.api.repo = 'x'\n{BASE}host = 'web1'\n"));
    assert!(text.contains("not yet"), "{text}");
}

#[test]
fn what_is_the_default_may_be_written_down() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    fs::write(&file, format!("{BASE}host = 'web1'\ndeliver = 'pull'\nfetch = 'full'\n")).unwrap();
    assert!(config::load(&file, "production").is_ok());
}
