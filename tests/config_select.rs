//! `--hosts`, and the digest that decides whether there is anything to do.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::fs;

use shipit::config::{self, ConfigError, Environment};

const BASE: &str = "repo = 'r:shop'\nref = 'main'\npath = '/srv/shop'\n";

fn load(more: &str) -> Environment {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    fs::write(&file, format!("[deploy.production]\n{BASE}{more}\n")).unwrap();
    config::load(&file, "production").unwrap()
}

fn fleet() -> Environment {
    load("hosts = ['web[1:4]', 'db1.example.com', 'ops@127.0.0.1:2201', '127.0.0.1:2202', '[::1]:22']")
}

fn chosen(patterns: &[&str]) -> Result<Vec<String>, ConfigError> {
    let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
    config::select(fleet(), &patterns).map(|fleet| fleet.hosts.iter().map(config::Host::address).collect())
}

#[test]
fn patterns_choose_hosts_in_the_order_of_the_file() {
    for (patterns, hosts) in [
        (&["web2"][..], &["web2"][..]),
        (&["web3,web1"], &["web1", "web3"]),
        (&["web3", "web1"], &["web1", "web3"]),
        (&["web[2:3]"], &["web2", "web3"]),
        (&["web[4:9]"], &["web4"]),
        (&["*.example.com"], &["db1.example.com"]),
        (&["web?", "!web2", "!web[3:4]"], &["web1"]),
        (&["!web*", "!127*"], &["db1.example.com", "[::1]:22"]),
        (&["127.0.0.1:2202"], &["127.0.0.1:2202"]),
        (&["127.0.0.1"], &["127.0.0.1:2201", "127.0.0.1:2202"]),
        (&["::1"], &["[::1]:22"]),
        (&["[::1]:22"], &["[::1]:22"]),
    ] {
        assert_eq!(chosen(patterns).unwrap(), hosts, "{patterns:?}");
    }
    assert_eq!(chosen(&[]).unwrap().len(), 8);
}

#[test]
fn a_pattern_that_matches_nothing_is_an_error() {
    for (patterns, message) in [
        (&["wbe1"][..], "did you mean `web1`?"),
        (&["web1", "mail*"], "matches `mail*`"),
        (&["!mail"], "matches `mail`"),
        (&[""], "is empty"),
        (&["web1,"], "is empty"),
        (&["!"], "is empty"),
        (&["web[2:1]"], "range"),
        (&["web1", "!web1"], "leaves no host"),
    ] {
        let error = chosen(patterns).unwrap_err().to_string();
        assert!(error.contains(message), "{patterns:?}: {error}");
    }
}

fn digest(more: &str) -> String {
    let hosts = if more.contains("host") { "" } else { "host = 'web1'\n" };
    let environment = load(&format!("{hosts}{more}"));
    let env = environment.evaluate_env(&environment.hosts[0], &|_| Some("value".to_owned())).unwrap();
    environment.digest(&environment.hosts[0], &env, &[])
}

#[test]
fn what_decides_a_release_changes_the_digest() {
    let all = [
        "",
        "build = 'a'",
        "build = 'b'",
        "build = ['a', 'b']",
        "build = ['ab']",
        "migrate = 'a'",
        "build = { run = 'a', once = true }",
        "build = { run = 'a', local = true }",
        "post-deploy = 'a'",
        "shared = ['a']",
        "shared = ['a/']",
        "carry = ['a']",
        "shell = 'sh'",
        "prepend-path = '/a'",
        "profile = '/a'",
        "env.A = 'a'",
        "env.A = 'b'",
        "env = { A = 'a', B = 'b' }",
        "env.A = '${X}'",
        "supervisor.reload = 'a'",
        "supervisor = { reload = 'a', start = 'b' }",
        "supervisor = { reload = 'a', stop = 'b' }",
    ];
    let digests: std::collections::BTreeSet<String> = all.iter().map(|more| digest(more)).collect();
    assert_eq!(digests.len(), all.len());
    assert!(digests.iter().all(|digest| digest.len() == 64));
}

#[test]
fn what_does_not_decide_it_leaves_the_digest() {
    for more in [
        "host = ['web2', 'web1']",
        "host = 'ops@web1:22'",
        "keep-releases = 9",
        "timeout.hook = 1",
        "on-failure-local = 'x'",
        "post-deploy-local = 'x'",
        "pre-setup = 'x'",
        "build = ''",
    ] {
        assert_eq!(digest(more), digest(""), "{more}");
    }
    let timed = digest("build = { run = 'a', timeout = 5 }");
    assert_eq!(timed, digest("build = 'a'"));
}
