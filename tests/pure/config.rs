//! Configuration: what a file means once it is read. Tables of input and expected value.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;
use shipit::config::{self, ConfigError, EnvValue, Environment, RemotePath, Shell};

/// The smallest useful file; `more` goes into its environment.
fn file(more: &str) -> String {
    let hosts = if more.contains("host =") || more.contains("hosts =") { "" } else { "host = 'web1'\n" };
    let path =
        if more.contains("\npath =") || more.starts_with("path =") { "" } else { "path = '/var/www/shop'\n" };
    format!("[deploy.production]\nrepo = 'git@github.com:acme/shop.git'\nref = 'main'\n{hosts}{path}{more}\n")
}

fn load_in(directory: &Path, text: &str) -> Result<Environment, ConfigError> {
    let file = directory.join("shipit.toml");
    fs::write(&file, text).unwrap();
    config::load(&file, "production")
}

fn load(text: &str) -> Result<Environment, ConfigError> {
    load_in(tempfile::tempdir().unwrap().path(), text)
}

/// Resolved, or the test fails with the message.
fn resolved(more: &str) -> Environment {
    load(&file(more)).unwrap_or_else(|error| panic!("{more}\n{error}"))
}

fn refused(more: &str) -> String {
    match load(&file(more)) {
        Ok(_) => panic!("accepted: {more}"),
        Err(error) => error.to_string(),
    }
}

fn no_variable(_: &str) -> Option<String> {
    None
}

fn env_of(environment: &Environment, host: usize) -> Vec<(String, String)> {
    let entries = environment.evaluate_env(&environment.sites[host], &no_variable).unwrap();
    entries.into_iter().map(|entry| (entry.name, entry.value.expose_secret().to_owned())).collect()
}

#[test]
fn the_smallest_file_has_the_documented_defaults() {
    let environment = resolved("");
    let app = &environment.apps[0];
    assert_eq!((app.name.as_str(), app.reference.as_str(), app.keep_releases), ("shop", "main", 5));
    assert_eq!(app.shell, Shell::BashOrSh);
    assert!(app.supervisors.is_empty() && app.shared.is_empty() && app.hooks.build.is_empty());
    let times = &environment.timeouts;
    assert_eq!([times.connect, times.reload, times.lost], [10, 120, 30].map(Duration::from_secs));
    assert_eq!([times.hook, times.fetch], [900, 900].map(Duration::from_secs));
    let host = &environment.hosts[0];
    let path = environment.sites[0].path.as_str();
    assert_eq!((host.name.as_str(), path, host.local), ("web1", "/var/www/shop", false));
    assert!(host.user.is_none() && host.port.is_none() && host.key.is_none() && host.jump.is_none());
}

#[test]
fn a_directory_of_the_file_is_the_root_and_both_are_absolute() {
    let directory = tempfile::tempdir().unwrap();
    let environment = load_in(directory.path(), &file("")).unwrap();
    assert_eq!(environment.root, directory.path());
    assert_eq!(environment.file, directory.path().join("shipit.toml"));
}

#[test]
fn the_app_is_named_after_the_repository() {
    for (repo, name) in [
        ("git@github.com:acme/shop.git", "shop"),
        ("https://example.com/acme/shop.git/", "shop"),
        ("/srv/git/my shop", "my-shop"),
        ("host:shop", "shop"),
        ("..", "app"),
    ] {
        let text = file("").replace("git@github.com:acme/shop.git", repo);
        assert_eq!(load(&text).unwrap().apps[0].name, name, "{repo}");
    }
}

#[test]
fn paths_on_a_host() {
    for (text, path) in [
        ("/var/www/shop", "/var/www/shop"),
        ("/var//www/./shop/", "/var/www/shop"),
        ("~/shop", "shop"),
        ("shop", "shop"),
        ("./apps/shop", "apps/shop"),
        ("/srv/a b's", "/srv/a b's"),
    ] {
        assert_eq!(RemotePath::parse(text).unwrap().as_str(), path, "{text}");
    }
    for text in ["", "/", "//", "~", "~/", ".", "~other/app", "/a/../b", "..", "a\nb", "a\0b", "-x", "/a\tb"]
    {
        assert!(RemotePath::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn placeholders_are_filled_in_paths_and_supervisor_commands() {
    let environment = resolved(
        "path = '~/{app}-{env}/{host}'\nhosts = ['web[1:2]', '[::1]:22']\n\
         supervisor = { reload = 'restart {app} {env} {host} ${env}', verify = '{ true; }' }",
    );
    let paths: Vec<&str> = environment.sites.iter().map(|site| site.path.as_str()).collect();
    assert_eq!(paths, ["shop-production/web1", "shop-production/web2", "shop-production/::1"]);
    let supervisor = environment.apps[0].supervisors_on(&environment.hosts[1]).remove(0);
    let steps: Vec<(&str, &str)> = supervisor.steps().map(|(step, text)| (step, text.as_str())).collect();
    assert_eq!(steps, [("reload", "restart shop production web2 ${env}"), ("verify", "{ true; }")]);
}

#[test]
fn hosts_as_strings_tables_and_ranges() {
    let environment = resolved(
        "user = 'node'\nport = 22\nhosts = [\n 'web1', 'ops@web2:2222', 'db[08:10].example.com',\n \
         { host = 'app[1:2]', user = 'app', port = 2200, path = '~/app', key = 'keys/id', jump = 'a,b@c:1' },\n \
         'localhost', { host = 'localhost', port = 2201 }, { host = ['x', 'y:5'] }]",
    );
    let seen: Vec<(String, Option<&str>, bool)> =
        environment.hosts.iter().map(|host| (host.address(), host.user.as_deref(), host.local)).collect();
    let expected = [
        ("web1:22", Some("node"), false),
        ("web2:2222", Some("ops"), false),
        ("db08.example.com:22", Some("node"), false),
        ("db09.example.com:22", Some("node"), false),
        ("db10.example.com:22", Some("node"), false),
        ("app1:2200", Some("app"), false),
        ("app2:2200", Some("app"), false),
        ("localhost", None, true),
        ("localhost:2201", Some("node"), false),
        ("x:22", Some("node"), false),
        ("y:5", Some("node"), false),
    ];
    assert_eq!(seen, expected.map(|(address, user, local)| (address.to_owned(), user, local)));
    let app = &environment.hosts[5];
    assert_eq!(environment.sites[5].path.as_str(), "app");
    assert_eq!(app.key.as_deref(), Some(environment.root.join("keys/id").as_path()));
    assert_eq!(app.jump.as_deref(), Some(["a".to_owned(), "b@c:1".to_owned()].as_slice()));
}

#[test]
fn every_host_may_bring_its_own_path() {
    let text =
        "[deploy.production]\nrepo = 'r:shop'\nref = 'main'\nhosts = [{ host = 'a', path = '/a' }, 'b']\n";
    assert!(load(text).unwrap_err().to_string().contains("`path` is missing from `deploy.production`"));
    let text = text.replace(", 'b'", "");
    assert_eq!(load(&text).unwrap().sites[0].path.as_str(), "/a");
}

#[test]
fn hosts_that_cannot_be_are_refused() {
    for (hosts, message) in [
        ("[]", "must name at least one host"),
        ("'web1 web2'", "blanks"),
        ("['web1', 'web1']", "named twice"),
        ("['web[1:3]', 'web2']", "`web2` is named twice"),
        ("'-oProxyCommand=id'", "begins with `-`"),
        ("'web[3:1]'", "range"),
        ("'web[0:99999]'", "more than 10000"),
        ("{ user = 'x' }", "no `host`"),
        ("{ host = 'a@b', user = 'c' }", "both give the user"),
        ("{ host = 'b:22', port = 22 }", "both give the port"),
        ("[22]", "expected a host"),
        ("'a:b:c'", "port"),
    ] {
        let text = refused(&format!("hosts = {hosts}"));
        assert!(text.contains(message), "{hosts}: {text}");
    }
}

#[test]
fn the_strongest_layer_decides_and_env_and_timeout_are_merged() {
    let text = format!(
        "[defaults]\nkeep-releases = 9\nbuild = 'make'\nmigrate = 'm'\nenv = {{ A = 1, B = 'd' }}\n\
         timeout = {{ hook = '1h', lost = 5 }}\n\n{}\n[deploy.staging]\nrolout = {{}}\n",
        file(
            "build = ''\nmigrate = ['x', { run = 'y', once = true }]\nenv.B = true\nenv.C = 1.50\n\
             timeout.hook = '500ms'\nhosts = ['a', { host = 'b', env = { C = 'own' } }]"
        )
    );
    let environment = load(&text).unwrap();
    let app = &environment.apps[0];
    assert_eq!((app.keep_releases, app.hooks.build.len(), app.hooks.migrate.len()), (9, 0, 2));
    assert!(app.hooks.migrate[1].once && app.hooks.migrate[1].text == "y");
    assert_eq!(environment.timeouts.hook, Duration::from_millis(500));
    assert_eq!(environment.timeouts.lost, Duration::from_secs(5));
    let pairs = |pairs: [(&str, &str); 3]| pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(env_of(&environment, 0), pairs([("A", "1"), ("B", "true"), ("C", "1.50")]));
    assert_eq!(env_of(&environment, 1), pairs([("A", "1"), ("B", "true"), ("C", "own")]));
}

#[test]
fn durations() {
    for (text, milliseconds) in [
        ("'500ms'", 500),
        ("'10s'", 10_000),
        ("'15m'", 900_000),
        ("'1h30m'", 5_400_000),
        ("7", 7_000),
        ("'7'", 7_000),
        ("'2d'", 172_800_000),
    ] {
        let environment = resolved(&format!("timeout.hook = {text}"));
        assert_eq!(environment.timeouts.hook, Duration::from_millis(milliseconds), "{text}");
    }
    for text in
        ["0", "-1", "'0s'", "''", "'s'", "'1x'", "'1.5s'", "'99999999999999999999h'", "'9999d'", "true"]
    {
        refused(&format!("timeout.hook = {text}"));
    }
}

#[test]
fn values_of_env_arrive_as_they_stand() {
    for (written, value) in [
        ("'a b'", "a b"),
        ("'$HOME `id` \"q\" \\n %s *'", "$HOME `id` \"q\" \\n %s *"),
        ("\"line\\nline\"", "line\nline"),
        ("'$${HOME}'", "${HOME}"),
        ("'$$'", "$$"),
        ("'a$'", "a$"),
        ("'$$$${x'", "$$${x"),
        ("3000", "3000"),
        ("0x10", "16"),
        ("-1.0", "-1.0"),
        ("false", "false"),
        ("''", ""),
    ] {
        let environment = resolved(&format!("env.V = {written}"));
        assert_eq!(env_of(&environment, 0), [("V".to_owned(), value.to_owned())], "{written}");
    }
    for bad in ["'${'", "'${}'", "'${1}'", "'${A:-b}'", "'${A'", "\"\\u0000\"", "[1]", "1979-05-27"] {
        refused(&format!("env.V = {bad}"));
    }
    for bad in ["SHIPIT_ENV", "SHARED", "'A B'", "1A", "'A=B'", "''", "'é'"] {
        refused(&format!("env.{bad} = 'x'"));
    }
}

#[test]
fn a_variable_of_the_operator_is_a_secret_of_any_bytes() {
    let environment = resolved("env = { URL = 'db://u:${DB_PASS}@h', PLAIN = 'x' }");
    let secret = "p\"w'\n$x\\";
    let lookup = |name: &str| (name == "DB_PASS").then(|| secret.to_owned());
    let entries = environment.evaluate_env(&environment.sites[0], &lookup).unwrap();
    assert_eq!(entries[1].value.expose_secret(), format!("db://u:{secret}@h"));
    assert!(entries[1].secret && !entries[0].secret);
    assert!(!format!("{entries:?}").contains(secret));
    assert!(matches!(environment.sites[0].env[1].value, EnvValue::Operator(_)));
}

#[test]
fn shared_and_carry_are_places_in_the_release() {
    let environment = resolved("shared = ['.env', './public//uploads/', 'log']\ncarry = ['node_modules/']");
    let shared: Vec<(&str, bool)> =
        environment.apps[0].shared.iter().map(|shared| (shared.path.as_str(), shared.directory)).collect();
    assert_eq!(shared, [(".env", false), ("public/uploads", true), ("log", false)]);
    assert_eq!(environment.apps[0].carry, ["node_modules"]);
    for bad in [
        "shared = ['/etc']",
        "shared = ['a/../b']",
        "shared = ['.']",
        "shared = ['']",
        "shared = ['~/x']",
        "shared = ['a', 'a/']",
        "shared = ['a', 'a/b']",
        "shared = ['a/b', 'a']",
        "shared = ['.git/hooks']",
        "carry = ['a', 'a']",
        "shared = ['a']\ncarry = ['a/b']",
        "carry = ['-r']",
        "shared = [1]",
    ] {
        refused(bad);
    }
    assert_eq!(resolved("shared = ['a', 'ab', 'a-b']").apps[0].shared.len(), 3);
}

#[test]
fn refs_that_git_would_refuse_are_refused() {
    for good in ["main", "origin/main", "v1.2.3", "refs/tags/v1", "feature/a-b_c", "1a2b3c4", "ünï"] {
        assert_eq!(config::reference_fault(good), None, "{good}");
    }
    for bad in [
        "", "-x", "a b", "a..b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "/a", "a/", "a//b", ".a",
        "a.lock", "a@{1}", "@", "a\n",
    ] {
        assert!(config::reference_fault(bad).is_some(), "{bad:?}");
    }
    assert!(load(&file("").replace("'main'", "'HEAD'")).is_err());
    assert!(load(&file("").replace("git@github.com:acme/shop.git", "--upload-pack=id")).is_err());
}

#[test]
fn hooks_as_text_list_table_and_script() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("build.sh"), "make\n").unwrap();
    let environment = load_in(
        directory.path(),
        &file(
            "pre-setup = \"\"\"\nset -x\necho $A\n\"\"\"\nbuild = [{ script = 'build.sh', timeout = '5m' }, 'b', '']\n\
             post-deploy = { run = 'here', local = true }\npost-deploy-local = 'tell'",
        ),
    )
    .unwrap();
    let hooks = &environment.apps[0].hooks;
    assert_eq!(hooks.pre_setup[0].text, "set -x\necho $A\n");
    assert_eq!(hooks.build.len(), 2);
    assert_eq!(hooks.build[0].text, "make\n");
    assert_eq!(hooks.build[0].timeout, Some(Duration::from_secs(300)));
    assert!(hooks.post_deploy[0].local && !hooks.build[0].local);
    assert_eq!(hooks.post_deploy_local[0].text, "tell");
    for (bad, message) in [
        ("build = { run = 'a', script = 'b' }", "both `run` and `script`"),
        ("build = { once = true }", "neither `run` nor `script`"),
        ("build = { script = 'none.sh' }", "none.sh"),
        ("build = \"a\\u0000\"", "NUL"),
        ("build = 1", "expected a script"),
        ("post-deploy-local = { run = 'a', local = true }", "already runs once"),
        ("build = { run = 'a', onse = true }", "did you mean `once`?"),
        ("build = { run = 'a', roles = ['x'] }", "no host of `production` has the role `x`"),
    ] {
        let text = refused(bad);
        assert!(text.contains(message), "{bad}: {text}");
    }
}

#[test]
fn other_values_that_cannot_be_meant() {
    for (bad, message) in [
        ("keep-releases = 0", "at least 1"),
        ("keep-releases = '5'", "expected an integer, found a string"),
        ("keep-releases = 99999999999999999999", "out of range"),
        ("port = 0", "between 1 and 65535"),
        ("user = '-l'", "not a valid login"),
        ("user = ''", "empty"),
        ("host-key = 'MD5:aa'", "fingerprint"),
        ("key = '~other/id'", "home of another user"),
        ("jump = 'a[1:2]'", "range"),
        ("shell = 'zsh'", "is not one of"),
        ("prepend-path = '/a:/b'", "separates"),
        ("prepend-path = 'bin'", "must start with"),
        ("profile = ['x']", "must start with"),
        ("path = '/srv/{apps}'", "did you mean `{app}`?"),
        ("path = '/srv/${app}'", "not expanded"),
        ("supervisor = { start = 'x' }", "neither `kind` nor `reload`"),
        ("supervisor = 'pm3'", "did you mean \"pm2\"?"),
        ("supervisor = { kind = 'sistemd' }", "did you mean \"systemd\"?"),
        ("supervisor = { kind = 'systemd', unit = 'a b' }", "blanks, quotes and signs of a shell"),
        ("supervisor = { kind = 'systemd', unit = '--now' }", "taken for an option"),
        ("supervisor = { kind = 'pm2', only = '-x' }", "taken for an option"),
        ("supervisor = { kind = 'runit', service = \"a'b\" }", "blanks, quotes and signs of a shell"),
        ("supervisor = { kind = 'systemd', only = 'x' }", "`only` is no key of a supervisor of the kind"),
        ("supervisor = { kind = 'pm2', reload = 'x' }", "leave `kind` out"),
        ("supervisor = { kind = 'pm2', name = 'a', only = 'b' }", "they mean the same here"),
        ("supervisor = { kind = 'pm2', file = '../x.json' }", "not a file of the release"),
        ("supervisor = { kind = 's6', strategy = 'recreate' }", "nothing to recreate"),
        ("supervisor = { reload = 'x', stable-for = '1s' }", "`stable-for` needs a `kind`"),
        ("supervisor = { reload = ' ' }", "must not be empty"),
        ("timeout = '5s'", "expected a table"),
        ("host = 'a'\nhosts = 'b'", "both `host` and `hosts`"),
    ] {
        let text = refused(bad);
        assert!(text.contains(message), "{bad}: {text}");
    }
    assert_eq!(resolved("shell = 'sh'").apps[0].shell, Shell::Sh);
    assert_eq!(
        resolved("prepend-path = '~/bin'\nprofile = ['~/.nvm/nvm.sh']").apps[0].prepend_path,
        ["~/bin"]
    );
}

#[test]
fn a_slip_in_another_environment_stops_nothing() {
    assert!(load(&format!("{}\n[deploy.staging]\nrolout = 1\n", file(""))).is_ok());
}

#[test]
fn an_environment_may_have_the_name_of_a_command() {
    let text = file("").replace("production", "status");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("shipit.toml");
    fs::write(&path, text).unwrap();
    assert_eq!(config::load(&path, "status").unwrap().name, "status");
    assert_eq!(config::environments(&path).unwrap(), ["status"]);
}

#[test]
fn logs_are_paths_with_wildcards() {
    let logs = |line: &str| resolved(line).apps[0].logs.clone();
    assert_eq!(logs(""), [""; 0]);
    assert_eq!(logs("logs = 'shared/log/*.log'"), ["shared/log/*.log"]);
    assert_eq!(logs("logs = ['/var/log/x', '~/y z']"), ["/var/log/x", "~/y z"]);
    for (line, expected) in [
        ("logs = 'log/'", "is a directory"),
        ("logs = '~other/x'", "is not a path on a host"),
        ("logs = '-n'", "is not a path on a host"),
        ("logs = ['']", "must not be empty"),
        ("logs = 3", "a string"),
    ] {
        let text = refused(line);
        assert!(text.contains(expected), "{line}: {text}");
    }
}
