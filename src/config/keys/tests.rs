//! What holds the rows together with the code that reads keys and with the page for users.

use std::fs;

use super::key::{Key, Kind, Scope, Unset};
use crate::config::{ConfigError, Environment, load};

fn loaded(text: &str) -> Result<Environment, ConfigError> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    fs::write(&file, text).unwrap();
    load(&file, "production")
}

/// Lines of an app, without that key: it is given elsewhere.
fn app_without(name: &str) -> String {
    let lines = ["repo = 'r:x'", "ref = 'main'", "path = '/srv/x'"];
    let kept = lines.iter().filter(|line| !line.starts_with(&format!("{name} ")));
    kept.map(|line| format!("{line}\n")).collect()
}

/// A file whose only unusual line gives the key that value.
fn file_with(scope: Scope, name: &str, value: &str) -> String {
    let line = format!("{name} = {value}");
    // What a table needs beside the key, unless the key replaces it.
    let beside = |usual: &str, instead: &[&str]| {
        if instead.contains(&name) { format!("{{ {line} }}") } else { format!("{{ {usual}, {line} }}") }
    };
    let own = match scope {
        Scope::File => {
            let environment = format!("[deploy.production]\nhost = 'a'\n{}", app_without(""));
            return format!("{line}\n{}", if name == "deploy" { "" } else { &environment });
        }
        Scope::App => {
            let app = app_without(name);
            return format!("[apps.a]\n{app}{line}\n[deploy.production]\nhost = 'a'\n");
        }
        Scope::Environment => {
            let host = if matches!(name, "host" | "hosts") { "" } else { "host = 'a'\n" };
            return format!("[deploy.production]\n{host}{}{line}\n", app_without(name));
        }
        Scope::Host => format!("hosts = [{}]", beside("host = 'a'", &["host", "command"])),
        Scope::Hook => format!("build = {}", beside("run = 'x'", &["run", "script"])),
        // A key of a supervisor that shipit knows, or of the user's own commands.
        Scope::Supervisor => {
            let kind = match name {
                "unit" | "scope" | "sudo" => "kind = 'systemd'",
                "service" => "kind = 'runit'",
                "start" | "stop" | "status" | "verify" => "reload = 'x'",
                _ => "kind = 'pm2'",
            };
            format!("supervisor = {}", beside(kind, &["reload", "kind"]))
        }
        Scope::Health => format!("health = {}", beside("http = 'http://a/'", &["http", "tcp", "command"])),
        Scope::Timeout => format!("timeout = {{ {line} }}"),
        Scope::Rollout => format!("rollout = {{ {line} }}"),
        Scope::SentFile => {
            format!("files.'shared/x' = {}", beside("command = 'x'", &["from", "command"]))
        }
    };
    let host = if scope == Scope::Host { "" } else { "host = 'a'\n" };
    format!("[deploy.production]\n{host}{}{own}\n", app_without(""))
}

#[test]
fn a_row_is_whole_and_unlike_any_other_of_its_table() {
    for scope in Scope::ALL {
        let names: Vec<&str> = scope.keys().map(|key| key.name).collect();
        for (at, key) in scope.keys().enumerate() {
            assert!(!names[..at].contains(&key.name), "{scope:?}: `{}` twice", key.name);
            assert!(key.meaning.ends_with(['.', '…']), "{scope:?}: {}", key.name);
        }
        assert!(!names.is_empty());
    }
}

/// No key takes a date: where one is not refused, no line reads the key.
#[test]
fn every_key_is_read() {
    for scope in Scope::ALL {
        for Key { name, .. } in scope.keys() {
            let error = loaded(&file_with(scope, name, "1979-05-27")).map(|_| ());
            let error = error.expect_err(&format!("{scope:?}: no line reads `{name}`")).to_string();
            assert!(!error.contains("unknown key"), "{scope:?}: {error}");
            assert!(error.contains("1979-05-27"), "{scope:?}, `{name}`: {error}");
        }
    }
}

/// With all that is resolved, but for places in the file.
fn resolved(environment: &Environment) -> String {
    let Environment { root, apps, hosts, rollout, timeouts, confirm, .. } = environment;
    let text = format!("{apps:?} {hosts:?} {rollout:?} {timeouts:?} {confirm}");
    let text = text.replace(&root.display().to_string(), "");
    let mut parts = text.split("span: ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.'))
}

#[test]
fn what_is_the_default_can_be_written_down_and_changes_nothing() {
    for scope in Scope::ALL.into_iter().filter(|scope| *scope != Scope::File) {
        for key in scope.keys() {
            let Some(default) = key.default() else { continue };
            let written = loaded(&file_with(scope, key.name, default));
            let written = written.unwrap_or_else(|error| panic!("{scope:?}: {}: {error}", key.name));
            let text = file_with(scope, key.name, default);
            let line = format!("{} = {default}", key.name);
            // With what divides it from the rest of its table.
            let without = [format!(", {line}"), format!("\n{line}\n"), line];
            let without = without.iter().fold(text.clone(), |text, line| {
                text.replace(line, if line.starts_with('\n') { "\n" } else { "" })
            });
            assert_ne!(text, without);
            let without = loaded(&without).unwrap_or_else(|error| panic!("{scope:?}: {error}"));
            assert_eq!(resolved(&written), resolved(&without), "{scope:?}: {}", key.name);
        }
    }
}

// ---- the page for users

fn page() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/shipit.toml.md")).unwrap()
}

/// The type, as the page names it.
fn type_of(kind: Kind) -> String {
    let words = |words: &[&str]| words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>();
    match kind {
        Kind::Text | Kind::Secret => "string".to_owned(),
        Kind::Texts => "string or list".to_owned(),
        Kind::Flag => "bool".to_owned(),
        Kind::FlagOr(known) => format!("bool, {}", words(known).join(", ")),
        Kind::Port => "port".to_owned(),
        Kind::Count(least) => format!("integer ≥ {least}"),
        Kind::Duration | Kind::DurationOrZero => "duration".to_owned(),
        Kind::Pause => "duration or `\"ask\"`".to_owned(),
        Kind::Word { words: known, .. } => words(known).join(", "),
        Kind::Share => "number or `\"N%\"`".to_owned(),
        Kind::Batch => "number, `\"N%\"` or `\"all\"`".to_owned(),
        Kind::Endpoint => "port or string".to_owned(),
        Kind::Status => "code, string or list".to_owned(),
        Kind::Hosts | Kind::Hooks | Kind::Supervisors => "string, table or list".to_owned(),
        Kind::Env | Kind::Files | Kind::Apps | Kind::Environments | Kind::Table(_) => "table".to_owned(),
    }
}

fn default_of(key: &Key) -> String {
    match key.unset {
        Unset::Nothing => String::new(),
        Unset::Required { .. } => "required".to_owned(),
        Unset::Value(toml) => format!("`{toml}`"),
        Unset::Instead(words) => words.to_owned(),
    }
}

/// The tables whose keys a table of the page lists, by what its head says.
fn listed_by(head: &str) -> &'static [Scope] {
    match head {
        "key" | "hook" => &[Scope::App, Scope::Environment],
        "in a host's table" => &[Scope::Host],
        "in an entry of `files`" => &[Scope::SentFile],
        "in a hook's table" => &[Scope::Hook],
        "in `supervisor`" => &[Scope::Supervisor],
        "in `health`" => &[Scope::Health],
        "in `rollout`" => &[Scope::Rollout],
        "in `timeout`" => &[Scope::Timeout],
        other => panic!("the page has a table of `{other}`"),
    }
}

/// The cells of a line of a table.
fn cells(line: &str) -> Vec<&str> {
    line.trim_matches('|').split('|').map(str::trim).collect()
}

#[test]
fn the_page_lists_every_key_with_its_type_and_default() {
    let page = page();
    let mut seen: Vec<(Scope, String)> = Vec::new();
    for table in page.split("\n\n").filter(|block| block.starts_with("| ") && !block.starts_with("| table")) {
        let mut lines = table.lines().map(cells);
        let head = lines.next().unwrap();
        for row in lines.skip(1) {
            for name in row[0].split('`').skip(1).step_by(2) {
                let mut rows = listed_by(head[0]).iter().filter_map(|scope| Some((*scope, scope.key(name)?)));
                let (scope, key) = rows.next().unwrap_or_else(|| panic!("{}: no key `{name}`", head[0]));
                seen.extend(listed_by(head[0]).iter().map(|scope| (*scope, name.to_owned())));
                // Of several keys in one row the page says what they have in common.
                let alone = !row[0].contains(',') || row[0].contains("`hosts`");
                if head[1] == "type" && alone {
                    assert_eq!(row[1..3], [type_of(key.kind), default_of(key)], "{scope:?}: `{name}`");
                }
                if key.since != "0.1.0" {
                    assert!(row[3].contains(&format!("since {}", key.since)), "{scope:?}: `{name}`");
                }
            }
        }
    }
    for scope in Scope::ALL.into_iter().filter(|scope| *scope != Scope::File) {
        for key in scope.keys() {
            let there = seen.iter().any(|(of, name)| *of == scope && name == key.name);
            assert!(there, "{scope:?}: `{}` is not on the page", key.name);
        }
    }
    for key in Scope::File.keys() {
        assert!(page.contains(key.name), "`{}` is not on the page", key.name);
    }
}
