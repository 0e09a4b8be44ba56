//! `health`: what is read from it, what is filled in, which table wins, and what makes a new release.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::fs;
use std::time::Duration;

use shipit::config::{self, Answers, Environment, Health, HealthCheck, HttpCheck, Setting};

const OWN: &str =
    "[deploy.production]\nhosts = ['web1', 'fd00::2']\nrepo = 'r:shop'\nref = 'main'\npath = '/srv/shop'\n";

fn environment(text: &str, settings: &[&str]) -> Environment {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    fs::write(&file, text).unwrap();
    let setting = |text: &&str| Setting { text: (*text).to_owned(), origin: "--set" };
    let settings: Vec<Setting> = settings.iter().map(setting).collect();
    config::read(&file, &settings)
        .unwrap()
        .resolve("production", &Answers::default())
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Of the first host.
fn health(table: &str) -> Health {
    let environment = environment(&format!("{OWN}health = {{ {table} }}\n"), &[]);
    environment.apps[0].health_on(&environment.hosts[0]).unwrap()
}

fn http(table: &str) -> HttpCheck {
    match health(table).check {
        HealthCheck::Http(http) => http,
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_it_nothing_is_asked() {
    let environment = environment(OWN, &[]);
    assert_eq!(environment.apps[0].health_on(&environment.hosts[0]), None);
}

#[test]
fn what_is_not_said_has_its_default() {
    let asked = health("http = 'http://127.0.0.1:3000/healthz'");
    let seconds = Duration::from_secs;
    assert_eq!((asked.within, asked.interval, asked.timeout), (seconds(60), seconds(1), seconds(5)));
    assert_eq!(asked.stable_for, Duration::ZERO);
    let http = http("http = 'http://127.0.0.1:3000/healthz'");
    assert_eq!((http.status_text().as_str(), http.body, http.release), ("200-399", None, false));
    assert_eq!(http.url.to_string(), "http://127.0.0.1:3000/healthz");
}

#[test]
fn all_that_can_be_said() {
    let asked = health("tcp = 3000, within = '2m', interval = '500ms', timeout = 3, stable-for = '10s'");
    let milliseconds = Duration::from_millis;
    assert_eq!(asked.check, HealthCheck::Tcp { host: "127.0.0.1".to_owned(), port: 3000 });
    assert_eq!((asked.within, asked.interval), (milliseconds(120_000), milliseconds(500)));
    assert_eq!((asked.timeout, asked.stable_for), (milliseconds(3000), milliseconds(10_000)));
    assert_eq!(health("tcp = 1, stable-for = '0s'").stable_for, Duration::ZERO);
    assert_eq!(health("tcp = '[::1]:5432'").check, HealthCheck::Tcp { host: "::1".to_owned(), port: 5432 });
    assert_eq!(health("command = 'a; b'").check, HealthCheck::Command("a; b".to_owned()));
    let http = http("http = 'http://a/', body = '{\"ok\":true}', release = true");
    assert_eq!((http.body.as_deref(), http.release), (Some("{\"ok\":true}"), true));
}

#[test]
fn codes_are_numbers_ranges_and_lists_of_both() {
    for (written, text, well, ill) in [
        ("200", "200", 200, 201),
        ("'200'", "200", 200, 199),
        ("'200-399'", "200-399", 399, 400),
        ("'200, 204, 300-399'", "200,204,300-399", 204, 203),
        ("[200, '500-503']", "200,500-503", 503, 504),
    ] {
        let http = http(&format!("http = 'http://a/', status = {written}"));
        assert_eq!(http.status_text(), text);
        assert!(http.accepts(well) && !http.accepts(ill), "{written}");
    }
}

#[test]
fn environment_app_and_host_are_filled_in() {
    let text = |table: &str| format!("{OWN}health = {{ {table} }}\n");
    let on = |table: &str, host: usize| {
        let environment = environment(&text(table), &[]);
        environment.apps[0].health_on(&environment.hosts[host]).unwrap().check
    };
    let url = |check: HealthCheck| match check {
        HealthCheck::Http(http) => (http.url.to_string(), http.body.unwrap_or_default()),
        other => panic!("{other:?}"),
    };
    let asked = "http = 'http://{host}:3000/{app}?{env}', body = '{app} on {host} {x}'";
    let (found, body) = url(on(asked, 0));
    assert_eq!((found.as_str(), body.as_str()), ("http://web1:3000/shop?production", "shop on web1 {x}"));
    assert_eq!(url(on(asked, 1)).0, "http://[fd00::2]:3000/shop?production");
    let tcp = HealthCheck::Tcp { host: "fd00::2".to_owned(), port: 1 };
    assert_eq!(on("tcp = '{host}:1'", 1), tcp);
    let command = "command = 'ask {app} {host} ${env} { x; }'";
    assert_eq!(on(command, 0), HealthCheck::Command("ask shop web1 ${env} { x; }".to_owned()));
}

#[test]
fn the_strongest_table_counts_whole() {
    let defaults = "[defaults]\nhealth = { http = 'http://a/', status = 204, interval = '3s' }\n";
    let read = |own: &str, settings: &[&str]| {
        environment(&format!("{defaults}{OWN}{own}\n"), settings).apps[0].health.clone().unwrap()
    };
    assert_eq!(read("", &[]).interval, Duration::from_secs(3));
    let own = read("health = { tcp = 3000 }", &[]);
    assert_eq!(own.interval, Duration::from_secs(1));
    // What is set inside of a table leaves the rest of that table as it is.
    let set = read("", &["health.interval=2s", "health.body=1234"]);
    assert_eq!(set.interval, Duration::from_secs(2));
    let HealthCheck::Http(http) = set.check else { panic!("{set:?}") };
    assert_eq!((http.status_text().as_str(), http.body.as_deref()), ("204", Some("1234")));
    let port = read("health = { tcp = 3000 }", &["health.tcp=4000"]);
    assert_eq!(port.check, HealthCheck::Tcp { host: "127.0.0.1".to_owned(), port: 4000 });
}

#[test]
fn another_question_makes_a_new_release_and_another_time_does_not() {
    let digest = |table: &str| {
        let line = if table.is_empty() { String::new() } else { format!("health = {{ {table} }}\n") };
        let environment = environment(&format!("{OWN}{line}"), &[]);
        environment.digest(&environment.sites[0], &[], &[])
    };
    let asked = [
        "",
        "http = 'http://a/'",
        "http = 'http://a/b'",
        "http = 'http://a/', status = 200",
        "http = 'http://a/', body = 'x'",
        "http = 'http://a/', release = true",
        "tcp = 80",
        "tcp = 81",
        "command = 'x'",
        "command = 'y'",
    ];
    let digests: std::collections::BTreeSet<String> = asked.iter().map(|table| digest(table)).collect();
    assert_eq!(digests.len(), asked.len());
    let timed = "tcp = 80, within = '5m', interval = 2, timeout = 7, stable-for = 3";
    assert_eq!(digest(timed), digest("tcp = 80"));
}

#[test]
fn it_is_shown_with_its_parts() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    fs::write(&file, format!("{OWN}health = {{ http = 'http://{{host}}/', status = [200, '300-399'] }}\n"))
        .unwrap();
    let document = config::read(&file, &[]).unwrap();
    let shown = |key| document.show("production", Some(key), false).unwrap();
    let whole = "health.http = \"http://{host}/\"\nhealth.status = [200, \"300-399\"]\n";
    assert_eq!(shown("health").as_deref(), Some(whole));
    assert_eq!(shown("health.within"), None);
    let error = document.show("production", Some("health.withn"), false).unwrap_err().to_string();
    assert!(error.contains("did you mean `health.within`?"), "{error}");
}

#[test]
fn values_that_cannot_be_are_refused() {
    for (table, message) in [
        ("command = ' '", "must not be empty"),
        ("http = 'http://a/', body = ''", "must not be empty"),
        ("http = 'http://a/', status = []", "at least one code"),
        ("http = 'http://a/', status = 99", "not an HTTP status code"),
        ("http = 'http://a/', status = '200-'", "not an HTTP status code"),
        ("http = 'http://a/', status = '2xx'", "not an HTTP status code"),
        ("http = 'http://a/', status = true", "expected HTTP status codes"),
        ("http = 'http://a/', release = 'yes'", "expected true or false"),
        ("http = 'http://${PORT}/'", "variables are not expanded in a URL"),
        ("http = 3000", "expected a string"),
        ("tcp = 0", "between 1 and 65535"),
        ("tcp = true", "expected a port"),
        ("tcp = '::1:80'", "goes into brackets"),
        ("tcp = 80, within = 0", "not a valid duration"),
        ("tcp = 80, stable-for = ''", "not a valid duration"),
        ("tcp = 80, within = 5, interval = 6", "`interval` is longer than `within`"),
        ("tcp = 80, release = true", "`release` only applies to `http`"),
        ("command = 'x', body = 'y'", "`body` only applies to `http`"),
        ("http = 'http://a/', tcp = 1, command = 'x'", "both `http` and `tcp`"),
        ("tcp = 80, stable_for = 5", "did you mean `stable-for`?"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("shipit.toml");
        fs::write(&file, format!("{OWN}health = {{ {table} }}\n")).unwrap();
        match config::load(&file, "production") {
            Ok(_) => panic!("accepted: {table}"),
            Err(error) => assert!(error.to_string().contains(message), "{table}: {error}"),
        }
    }
}
