//! Asking for help.

use super::*;

#[test]
fn help_and_version_are_asked_for() {
    let starts = |line: &str| {
        let error = parsed(&words(line)).unwrap_err();
        assert_eq!(error.exit, 0, "{line}: {}", error.text);
        error.text.lines().find(|line| line.starts_with("Usage: ")).unwrap_or_default().to_owned()
    };
    for line in ["-h", "--help", "production -h", "help", "help help", "production help", "-e help help"] {
        assert_eq!(starts(line), "Usage: shipit [OPTIONS] <ENV> [COMMAND]", "{line}");
    }
    for (line, usage) in [
        ("production check --help", "<ENV> check"),
        ("check -h", "<ENV> check"),
        ("a.toml production check -h", "<ENV> check"),
        ("production exec --help", "<ENV> exec [--once] <CMD>…"),
        ("help revert", "<ENV> revert [N | DEPLOY]"),
        ("help production revert", "<ENV> revert [N | DEPLOY]"),
        ("production help revert", "<ENV> revert [N | DEPLOY]"),
        ("help rollback", "<ENV> revert [N | DEPLOY]"),
        ("production help deploy", "<ENV> [update]"),
        ("production help curr", "<ENV> current"),
    ] {
        assert_eq!(starts(line), format!("Usage: shipit [OPTIONS] {usage}"), "{line}");
    }
    assert_eq!(starts("help init"), "Usage: shipit init [OPTIONS]");
    assert_eq!(starts("init --help"), "Usage: shipit init [OPTIONS]");
    // After `exec` all words are the user's.
    assert!(parsed(&words("production exec help")).is_ok());
    assert_eq!(parsed(&["-V"]).unwrap_err().text, concat!("shipit ", env!("CARGO_PKG_VERSION")));
}

/// Its text is a snapshot in `tests/scenarios/cli.rs`.
#[test]
fn help_fits_eighty_columns() {
    let help = parsed(&["--help"]).unwrap_err().text;
    for line in help.lines() {
        assert!(line.chars().count() < 80, "{line}");
    }
}
