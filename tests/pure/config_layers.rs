//! `extends`: which of several files counts, what relative paths in them mean, and where a mistake is shown.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;
use shipit::config::{self, Environment};

/// A directory with these files.
fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    directory
}

fn loaded(directory: &tempfile::TempDir, file: &str) -> Environment {
    config::load(&directory.path().join(file), "production").unwrap_or_else(|error| panic!("{error}"))
}

/// The mistakes, with the directory left out of the names of files.
fn refused(directory: &tempfile::TempDir, file: &str) -> String {
    let error = config::load(&directory.path().join(file), "production").unwrap_err();
    let root = directory.path().canonicalize().unwrap();
    error.to_string().replace(&root.display().to_string(), "[DIR]")
}

const OWN: &str = "[deploy.production]\nhost = 'web1'\nrepo = 'r:shop'\nref = 'main'\npath = '/srv/shop'\n";

fn env_of(environment: &Environment) -> Vec<(String, String)> {
    let entries = environment.evaluate_env(&environment.sites[0], &|_| None).unwrap();
    entries.into_iter().map(|entry| (entry.name, entry.value.expose_secret().to_owned())).collect()
}

#[test]
fn an_extended_file_is_weaker_than_all_of_this_one() {
    let directory = tree(&[
        (
            "fleet.toml",
            "[defaults]\nuser = 'node'\nkeep-releases = 2\nbuild = 'fleet'\nenv = { A = 'fd', B = 'fd', C = 'fd' }\n\
             timeout = { hook = '1h', lost = 7 }\n\
             [deploy.production]\nkeep-releases = 3\nport = 2222\nenv = { B = 'fe' }\nref = 'fleet'\n",
        ),
        (
            "app/shipit.toml",
            &format!(
                "extends = '../fleet.toml'\n[defaults]\nkeep-releases = 4\nenv.C = 'od'\ntimeout.hook = '2h'\n{OWN}build = 'own'\n"
            ),
        ),
    ]);
    let environment = loaded(&directory, "app/shipit.toml");
    let host = &environment.hosts[0];
    assert_eq!((host.user.as_deref(), host.port), (Some("node"), Some(2222)));
    // this file's defaults are over the environment of the other
    assert_eq!(environment.apps[0].keep_releases, 4);
    assert_eq!(environment.apps[0].reference, "main");
    assert_eq!(environment.apps[0].hooks.build[0].text, "own");
    let pairs = [("A", "fd"), ("B", "fe"), ("C", "od")].map(|(n, v)| (n.to_owned(), v.to_owned()));
    assert_eq!(env_of(&environment), pairs);
    assert_eq!(environment.timeouts.hook, Duration::from_secs(7200));
    assert_eq!(environment.timeouts.lost, Duration::from_secs(7));
    assert_eq!(environment.root, directory.path().join("app"));
}

#[test]
fn a_chain_is_followed_to_its_end_and_its_environments_are_all_there() {
    let directory = tree(&[
        ("a/base.toml", &format!("[deploy.staging]\nuser = 'x'\n{OWN}keep-releases = 7\n")),
        ("b/fleet.toml", "extends = '../a/base.toml'\n[defaults]\nuser = 'fleet'\n"),
        ("c/shipit.toml", "extends = '../b/fleet.toml'\n[deploy.production]\nref = 'v2'\n[deploy.qa]\n"),
    ]);
    let environment = loaded(&directory, "c/shipit.toml");
    assert_eq!((environment.apps[0].reference.as_str(), environment.apps[0].keep_releases), ("v2", 7));
    assert_eq!(environment.hosts[0].user.as_deref(), Some("fleet"));
    let names = config::environments(&directory.path().join("c/shipit.toml")).unwrap();
    assert_eq!(names, ["staging", "production", "qa"]);
    // an environment that only an extended file has is one, too
    let file = directory.path().join("d.toml");
    fs::write(&file, "extends = 'c/shipit.toml'\n").unwrap();
    assert_eq!(config::load(&file, "production").unwrap().apps[0].reference, "v2");
}

#[test]
fn relative_paths_begin_at_the_file_they_stand_in() {
    let directory = tree(&[
        ("fleet/build.sh", "make fleet\n"),
        (
            "fleet/fleet.toml",
            "[defaults]\nkey = 'keys/id'\nbuild = { script = 'build.sh' }\nenv.T = { command = 'cat token' }\n",
        ),
        ("app/shipit.toml", &format!("extends = '../fleet/fleet.toml'\n{OWN}")),
    ]);
    let environment = loaded(&directory, "app/shipit.toml");
    let fleet = directory.path().canonicalize().unwrap().join("fleet");
    assert_eq!(environment.apps[0].hooks.build[0].text, "make fleet\n");
    assert_eq!(environment.hosts[0].key, Some(fleet.join("keys/id")));
    assert_eq!(environment.env_commands()[0].directory, fleet);
}

#[test]
fn a_mistake_is_shown_in_the_file_it_is_in() {
    let directory = tree(&[
        ("fleet.toml", "# the fleet\n[defaults]\nusr = 'node'\nshared = ['log/']\n"),
        (
            "shipit.toml",
            &format!("extends = 'fleet.toml'\n{OWN}keep-relases = 3\ncarry = ['log/old']\nport = 'x'\n"),
        ),
    ]);
    insta::assert_snapshot!(refused(&directory, "shipit.toml"), @"
    error: unknown key `keep-relases` in `deploy.production`
     --> [DIR]/shipit.toml:7:1
      |
    7 | keep-relases = 3
      | ^^^^^^^^^^^^
      |
      = help: did you mean `keep-releases`?

    error: `log/old` and `log` overlap
     --> [DIR]/shipit.toml:8:10
      |
    8 | carry = ['log/old']
      |          ^^^^^^^^^
      |
     ::: [DIR]/fleet.toml:4:11
      |
    4 | shared = ['log/']
      |           ------ first named here

    error: expected an integer, found a string
     --> [DIR]/shipit.toml:9:8
      |
    9 | port = 'x'
      |        ^^^

    error: unknown key `usr` in `defaults`
     --> [DIR]/fleet.toml:3:1
      |
    3 | usr = 'node'
      | ^^^
      |
      = help: did you mean `user`?
    ");
}

#[test]
fn a_missing_variable_is_shown_in_the_file_that_wants_it() {
    let directory = tree(&[
        ("fleet.toml", "[defaults]\nenv.TOKEN = '${FLEET_TOKEN}'\n"),
        ("shipit.toml", &format!("extends = 'fleet.toml'\n{OWN}")),
    ]);
    let environment = loaded(&directory, "shipit.toml");
    let error = environment.evaluate_env(&environment.sites[0], &|_| None).unwrap_err().to_string();
    assert!(error.contains("fleet.toml:2:13") && error.contains("export FLEET_TOKEN=…"), "{error}");
}

#[test]
fn what_cannot_be_extended_is_told_in_its_place() {
    let own = |line: &str| format!("{line}\n{OWN}");
    for (line, message) in [
        ("extends = 'shipit.toml'", "`shipit.toml` is this file itself"),
        ("extends = './x/../shipit.toml'", "is this file itself"),
        ("extends = 'circle.toml'", "`shipit.toml` is a file that extends this one"),
        ("extends = 'none.toml'", "none.toml: No such file"),
        ("extends = 'x'", "x is not a regular file"),
        ("extends = ''", "must not be empty"),
        ("extends = ['a.toml']", "expected a string, found a list"),
        ("extends = 'broken.toml'", "broken.toml:1:"),
        ("extends = 'nested.toml'", "move it above the first header"),
        ("extends = 'apps.toml'", "unknown key `host` in `apps.a`"),
        ("extends = 'odd.toml'", "expected a table, found an integer"),
    ] {
        let directory = tree(&[
            ("shipit.toml", &own(line)),
            ("circle.toml", "extends = 'shipit.toml'\n"),
            ("broken.toml", "[defaults\n"),
            ("nested.toml", "[defaults]\nextends = 'shipit.toml'\n"),
            ("apps.toml", "[apps.a]\nhost = 'web1'\n"),
            ("odd.toml", "defaults = 1\n"),
            ("x/y", ""),
        ]);
        let text = refused(&directory, "shipit.toml");
        assert!(text.contains(message), "{line}: {text}");
        assert!(text.contains(".toml:"), "with its place: {line}: {text}");
    }
}

#[test]
fn a_circle_of_links_is_one() {
    let directory = tree(&[("shipit.toml", &format!("extends = 'link.toml'\n{OWN}"))]);
    std::os::unix::fs::symlink("shipit.toml", directory.path().join("link.toml")).unwrap();
    assert!(refused(&directory, "shipit.toml").contains("is this file itself"));
}

#[test]
fn a_file_of_somebody_else_is_not_extended() {
    let directory = tree(&[("fleet.toml", ""), ("shipit.toml", &format!("extends = 'fleet.toml'\n{OWN}"))]);
    // Only root can give a file away; for others the rule is held where it is written.
    if std::os::unix::fs::chown(directory.path().join("fleet.toml"), Some(12_345), None).is_ok() {
        let text = refused(&directory, "shipit.toml");
        assert!(
            text.contains("belongs to another user (uid 12345") && text.contains("shipit.toml:1:11"),
            "{text}"
        );
    }
}

#[test]
fn an_environment_that_no_file_has_is_named_with_the_nearest() {
    let directory = tree(&[
        ("fleet.toml", "[deploy.produktion]\n"),
        ("shipit.toml", "extends = 'fleet.toml'\n[deploy.staging]\n"),
    ]);
    let text = refused(&directory, "shipit.toml");
    assert!(text.contains("did you mean `produktion`?"), "{text}");
    assert!(config::read(Path::new("/nowhere/shipit.toml"), &[]).is_err());
}

#[test]
fn completion_knows_the_environments_and_hosts_of_all_files() {
    let directory = tree(&[
        (
            "fleet.toml",
            "[defaults]\nhost = 'fallback'\n[deploy.staging]\nhosts = ['s[1:2]', { command = 'list' }]\n",
        ),
        ("shipit.toml", &format!("extends = 'fleet.toml'\n{OWN}[deploy.qa]\n")),
    ]);
    let outline = config::Outline::read(&directory.path().join("shipit.toml")).unwrap();
    let hosts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let expected =
        [("staging", hosts(&["s1", "s2"])), ("production", hosts(&["web1"])), ("qa", hosts(&["fallback"]))];
    assert_eq!(outline.environments, expected.map(|(name, hosts)| (name.to_owned(), hosts)));
}
