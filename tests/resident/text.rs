//! The program's text.

use std::io::Write;
use std::process::{Command, Stdio};

use shipit::remote::program::SOURCE;

use crate::process::require;

fn code() -> impl Iterator<Item = &'static str> {
    SOURCE.lines().filter(|line| !line.trim_start().starts_with('#'))
}

#[test]
fn shellcheck_finds_nothing_in_the_whole() {
    for dialect in ["sh", "dash"] {
        let mut check = Command::new(require("shellcheck"));
        check.args(["-s", dialect, "-e", "SC2015", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut check = check.spawn().unwrap();
        check.stdin.take().unwrap().write_all(SOURCE.as_bytes()).unwrap();
        let found = check.wait_with_output().unwrap();
        assert!(found.status.success(), "{dialect}: {}", String::from_utf8_lossy(&found.stdout));
    }
}

/// What is started in the background ignores SIGINT and SIGQUIT, and so does all that it starts.
#[test]
fn nothing_runs_in_the_background_and_no_signal_is_ignored() {
    for line in code() {
        let bare = line.replace("&&", "").replace(">&", "").replace("<&", "");
        assert!(!bare.contains('&'), "{line}");
        assert!(!line.contains("trap ''") && !line.contains("trap \"\""), "{line}");
    }
}

/// A shell dies when the redirection of a special builtin fails: on a full disk, say.
#[test]
fn no_file_is_made_with_a_special_builtin() {
    for line in code() {
        assert!(!line.contains(": >"), "{line}");
    }
}
