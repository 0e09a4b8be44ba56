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
    config::select(fleet(), config::Choice { hosts: &patterns, ..config::Choice::default() })
        .map(|fleet| fleet.hosts.iter().map(config::Host::address).collect())
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
        (&["db1"], &["db1.example.com"]),
        (&["!db1", "!web*", "!127*"], &["[::1]:22"]),
    ] {
        assert_eq!(chosen(patterns).unwrap(), hosts, "{patterns:?}");
    }
    assert_eq!(chosen(&[]).unwrap().len(), 8);
}

#[test]
fn the_first_host_is_that_of_the_file_among_those_of_a_role() {
    let fleet = load(
        "hosts = ['web1', { host = 'job2', roles = ['worker'] }, { host = 'job1', roles = ['worker', 'cron'] }]",
    );
    for (roles, hosts, first) in [
        (&[][..], &[][..], "web1"),
        (&["worker"], &[], "job2"),
        (&["cron"], &[], "job1"),
        (&["worker"], &["job1"], "job1"),
    ] {
        let [roles, hosts] = [roles, hosts]
            .map(|words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        let choice = config::Choice { hosts: &hosts, roles: &roles, ..config::Choice::default() };
        let alone = config::first_host(config::select(fleet.clone(), choice).unwrap());
        let names: Vec<&str> = alone.hosts.iter().map(|host| host.name.as_str()).collect();
        assert_eq!((names, alone.sites.len()), (vec![first], 1), "{roles:?} {hosts:?}");
    }
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
        // Neither a part of a name up to something else, nor of an address.
        (&["db1.example.co"], "matches"),
        (&["127"], "matches"),
    ] {
        let error = chosen(patterns).unwrap_err().to_string();
        assert!(error.contains(message), "{patterns:?}: {error}");
    }
}

#[test]
fn a_beginning_chooses_a_host_if_it_is_of_one_alone() {
    let hosts =
        "hosts = ['web1.example.com', 'web1.example.org', 'web2.example.com:22', 'web2.example.com:23']";
    let chosen = |pattern: &str| {
        let patterns = [pattern.to_owned()];
        config::select(load(hosts), config::Choice { hosts: &patterns, ..config::Choice::default() })
            .map(|fleet| fleet.hosts.into_iter().map(|host| host.name).collect::<Vec<_>>())
    };
    assert_eq!(
        chosen("web1.example").unwrap_err().to_string(),
        chosen("web1").unwrap_err().to_string().replace("web1`", "web1.example`")
    );
    let error = chosen("web1").unwrap_err().to_string();
    assert!(error.contains("the beginning of web1.example.com, web1.example.org"), "{error}");
    assert_eq!(chosen("web2").unwrap(), ["web2.example.com:22", "web2.example.com:23"]);
}

#[test]
fn hosts_of_one_name_are_told_apart() {
    let names = |hosts: &str| load(hosts).hosts.into_iter().map(|host| host.name).collect::<Vec<_>>();
    assert_eq!(names("hosts = ['ops@web1', 'web2']"), ["web1", "web2"]);
    assert_eq!(names("hosts = ['web1', 'web1:2222', 'web2:22']"), ["web1", "web1:2222", "web2"]);
    let more = "hosts = { host = ['a@web1:22', 'b@web1:22', 'web1:23', '[::1]:22', '[::1]:23'], path = '/srv/{host}' }";
    assert_eq!(names(more), ["a@web1:22", "b@web1:22", "web1:23", "[::1]:22", "[::1]:23"]);
    let sites = load(more).sites;
    let paths: Vec<&str> = sites.iter().map(|site| site.path.as_str()).collect();
    assert_eq!(paths, ["/srv/a@web1-22", "/srv/b@web1-22", "/srv/web1-23", "/srv/--1-22", "/srv/--1-23"]);
}

const APPS: &str = "[defaults]\nrepo = 'r:mono'\nref = 'main'\npath = '{app}'\n\
                    [apps.api]\nroles = ['api']\n[apps.web]\nroles = ['web']\n[apps.log]\n\
                    [deploy.production]\nhosts = ['log1', { host = 'web[1:2]', roles = ['web', 'front'] }, { host = 'api1', roles = ['api', 'db'] },\n\
                    { host = 'both', roles = ['api', 'web'] }]\n";

/// The sites that are left, and the apps.
fn left(hosts: &[&str], roles: &[&str], apps: &[&str]) -> Result<(String, String), ConfigError> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    fs::write(&file, APPS).unwrap();
    let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let (hosts, roles, apps) = (own(hosts), own(roles), own(apps));
    let choice = config::Choice { hosts: &hosts, roles: &roles, apps: &apps };
    let left = config::select(config::load(&file, "production").unwrap(), choice)?;
    let sites =
        left.sites.iter().map(|site| format!("{}@{}", left.apps[site.app].name, left.hosts[site.host].name));
    let apps = left.apps.iter().map(|app| app.name.as_str());
    Ok((sites.collect::<Vec<_>>().join(" "), apps.collect::<Vec<_>>().join(" ")))
}

#[test]
fn roles_and_apps_choose_sites() {
    let all = "log@log1 web@web1 log@web1 web@web2 log@web2 api@api1 log@api1 api@both web@both log@both";
    for (hosts, roles, apps, sites, left_apps) in [
        (&[][..], &[][..], &[][..], all, "api web log"),
        (&[], &["db"], &[], "api@api1 log@api1", "api log"),
        (&[], &["db,front"], &["log"], "log@web1 log@web2 log@api1", "log"),
        (&[], &["db", "front"], &["api"], "api@api1", "api"),
        (&[], &[], &["web"], "web@web1 web@web2 web@both", "web"),
        (&[], &[], &["web,api"], "web@web1 web@web2 api@api1 api@both web@both", "api web"),
        (&["web*", "both"], &["web"], &["web"], "web@web1 web@web2 web@both", "web"),
        (&["!web*"], &["web"], &[], "api@both web@both log@both", "api web log"),
        (&["log1"], &[], &[], "log@log1", "log"),
    ] {
        let found = left(hosts, roles, apps).unwrap();
        assert_eq!((found.0.as_str(), found.1.as_str()), (sites, left_apps), "{hosts:?} {roles:?} {apps:?}");
    }
}

#[test]
fn a_role_an_app_or_a_choice_that_means_nothing_is_an_error() {
    for (hosts, roles, apps, message) in [
        (&[][..], &["fornt"][..], &[][..], "`production` has no role `fornt`; did you mean `front`?"),
        (&[], &["db", ""], &[], "`production` has no role ``"),
        (&[], &[], &["wbe"], "`production` has no app `wbe`; did you mean `web`?"),
        (&[], &[], &["api", "queue"], "`production` has no app `queue`"),
        (&["web1"], &[], &["api"], "no host of `production` matches --hosts, --roles and --apps together"),
        (&[], &["front"], &["api"], "matches --hosts, --roles and --apps together"),
        (&["log1"], &["web"], &[], "matches --hosts, --roles and --apps together"),
    ] {
        let error = left(hosts, roles, apps).unwrap_err().to_string();
        assert!(error.contains(message), "{hosts:?} {roles:?} {apps:?}: {error}");
    }
}

fn digest(more: &str) -> String {
    let hosts = if more.contains("host") { "" } else { "host = 'web1'\n" };
    let environment = load(&format!("{hosts}{more}"));
    let env = environment.evaluate_env(&environment.sites[0], &|_| Some("value".to_owned())).unwrap();
    environment.digest(&environment.sites[0], &env, &[])
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
        "submodules = true",
        "subdir = 'a'",
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
        "fetch = 'fast'",
        "repo-key = '~/.ssh/a'",
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
