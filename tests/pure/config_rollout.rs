//! `rollout`: its values, which table counts, and what is wrong with it. How hosts are cut into batches is held in
//! `src/config/rollout.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::fs;
use std::time::Duration;

use shipit::config::{self, BatchSize, Pause, Rollout, Share};

const BASE: &str = "host = 'web1'\nrepo = 'r:shop'\nref = 'main'\npath = '/srv/shop'\n";

fn load(text: &str) -> Result<Rollout, String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    fs::write(&file, text).unwrap();
    let loaded = config::load(&file, "production");
    let hidden = |error: config::ConfigError| {
        error.to_string().replace(&directory.path().display().to_string(), "[DIR]")
    };
    loaded.map(|environment| environment.rollout).map_err(hidden)
}

fn rollout(table: &str) -> Rollout {
    load(&format!("[deploy.production]\n{BASE}rollout = {{ {table} }}\n"))
        .unwrap_or_else(|error| panic!("{error}"))
}

fn refused(table: &str) -> String {
    load(&format!("[deploy.production]\n{BASE}rollout = {{ {table} }}\n")).expect_err(table)
}

#[test]
fn without_it_all_go_at_once_and_none_may_be_missing() {
    let none = load(&format!("[deploy.production]\n{BASE}")).unwrap();
    assert_eq!(none, Rollout::default());
    assert_eq!((none.batch, none.canary, none.pause), (None, 0, Pause::None));
    assert_eq!(none.max_unreachable, Share::Count(0));
    assert_eq!(rollout(""), none);
}

#[test]
fn values() {
    let part = |share| Some(BatchSize::Part(share));
    for (text, batch) in [
        ("2", part(Share::Count(2))),
        ("'2'", part(Share::Count(2))),
        ("'25%'", part(Share::Percent(25))),
        ("'100 %'", part(Share::Percent(100))),
        ("'all'", Some(BatchSize::All)),
    ] {
        assert_eq!(rollout(&format!("batch = {text}")).batch, batch, "{text}");
    }
    for (text, pause) in [
        ("'ask'", Pause::Ask),
        ("'30s'", Pause::Lasting(Duration::from_secs(30))),
        ("90", Pause::Lasting(Duration::from_secs(90))),
        ("'500ms'", Pause::Lasting(Duration::from_millis(500))),
        ("0", Pause::None),
        ("'0s'", Pause::None),
    ] {
        assert_eq!(rollout(&format!("pause = {text}")).pause, pause, "{text}");
    }
    for (text, share) in [("0", Share::Count(0)), ("3", Share::Count(3)), ("'10%'", Share::Percent(10))] {
        assert_eq!(rollout(&format!("max-unreachable = {text}")).max_unreachable, share, "{text}");
    }
    assert_eq!(rollout("canary = 1").canary, 1);
}

#[test]
fn tables_are_merged_key_by_key() {
    let text = format!(
        "[defaults]\nrollout = {{ batch = 1, canary = 2, pause = '1m' }}\n[deploy.production]\n{BASE}rollout.batch = 'all'\nrollout.pause = 0\n"
    );
    let merged = load(&text).unwrap();
    assert_eq!((merged.batch, merged.canary, merged.pause), (Some(BatchSize::All), 2, Pause::None));
    // a mistake in what is overridden is one
    let text = text.replace("batch = 1", "batch = 0");
    assert!(load(&text).unwrap_err().contains("no host would ever go live"));
}

#[test]
fn what_cannot_be_meant() {
    for (table, message) in [
        ("batch = 0", "`0`: no host would ever go live"),
        ("batch = '0%'", "`0%`: no host would ever go live"),
        ("batch = -1", "`-1`: expected a number of hosts or a percentage such as 25%, or all"),
        ("batch = 'half'", "`half`: expected a number of hosts"),
        ("batch = '101%'", "expected a number of hosts"),
        ("batch = 1.5", "expected a number, or a string like \"25%\", found a float"),
        ("batch = [1, 2]", "found a list"),
        ("canary = -1", "cannot be less than 0"),
        ("canary = '1'", "expected a number of hosts, found a string"),
        ("pause = 'aks'", "this is not a pause"),
        ("pause = -1", "this is not a pause"),
        ("pause = true", "expected a duration like \"30s\", or \"ask\""),
        ("max-unreachable = 'all'", "`all`: expected a number of hosts or a percentage such as 25%"),
        ("max-unreachable = '-1'", "expected a number of hosts"),
        ("bacth = 1", "did you mean `batch`?"),
        ("max-unreachabel = 1", "did you mean `max-unreachable`?"),
    ] {
        let text = refused(table);
        assert!(text.contains(message), "{table}: {text}");
    }
    let text = load(&format!("[deploy.production]\n{BASE}rollout = 2\n")).unwrap_err();
    assert!(text.contains("expected a table"), "{text}");
    let app = format!("[apps.api]\nrollout = {{ batch = 1 }}\n[deploy.production]\n{BASE}");
    assert!(
        load(&app).unwrap_err().contains("`rollout` is a key of the environment"),
        "it is of a run, not of an app"
    );
}

#[test]
fn mistakes_are_shown_in_their_places() {
    let text = format!(
        "[deploy.production]\n{BASE}\n[deploy.production.rollout]\nbatch = '0%'\ncanary = '1'\npause = 'aks'\nmax-unreachable = 'all'\nbuild = 'make'\n"
    );
    insta::assert_snapshot!(load(&text).unwrap_err());
}
