//! Several apps in one file: which table counts, in what order they go live, where they go, and what is wrong with them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::fs;
use std::path::PathBuf;

use secrecy::ExposeSecret;
use shipit::config::{self, Answers, ConfigError, Environment, LocalCommand, Setting};

const APPS: &str = "[defaults]\nref = 'main'\nrepo = 'r:mono'\npath = '/srv/{app}'\n\
                    [apps.web]\nafter = 'api'\n[apps.api]\nsubdir = 'api'\n";

const ENVIRONMENT: &str = "[deploy.production]\nhosts = ['web1', { host = 'db1', roles = ['db', 'jobs'] }]\n";

/// A file of its own directory.
struct File(tempfile::TempDir);

impl File {
    fn new(text: &str) -> Self {
        let file = File(tempfile::tempdir().unwrap());
        fs::write(file.path(), text).unwrap();
        file
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("shipit.toml")
    }

    fn resolve(&self, settings: &[&str]) -> Result<Environment, ConfigError> {
        let setting = |text: &&str| Setting { text: (*text).to_owned(), origin: "--set" };
        let settings: Vec<Setting> = settings.iter().map(setting).collect();
        config::read(&self.path(), &settings)?.resolve("production", &Answers::default())
    }

    fn mistakes(&self) -> String {
        let error = self.resolve(&[]).map(|_| panic!("accepted")).unwrap_err();
        error.to_string().replace(&self.0.path().display().to_string(), "[DIR]")
    }
}

fn load(text: &str) -> Environment {
    File::new(text).resolve(&[]).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

fn names(environment: &Environment) -> Vec<&str> {
    environment.apps.iter().map(|app| app.name.as_str()).collect()
}

/// Each site as `app@host path`.
fn sites(environment: &Environment) -> Vec<String> {
    let shown = |site: &config::Site| {
        let (app, host) = (&environment.apps[site.app].name, &environment.hosts[site.host].name);
        format!("{app}@{host} {}", site.path)
    };
    environment.sites.iter().map(shown).collect()
}

fn env_of(environment: &Environment, site: usize) -> Vec<String> {
    let env = environment.evaluate_env(&environment.sites[site], &|_| None).unwrap();
    env.iter().map(|entry| format!("{}={}", entry.name, entry.value.expose_secret())).collect()
}

#[test]
fn all_apps_of_the_file_go_to_all_hosts_in_order_of_after() {
    let environment = load(&format!("{APPS}{ENVIRONMENT}"));
    assert_eq!(names(&environment), ["api", "web"]);
    assert_eq!(
        sites(&environment),
        ["api@web1 /srv/api", "web@web1 /srv/web", "api@db1 /srv/api", "web@db1 /srv/web"]
    );
    let [api, web] = &environment.apps[..] else { panic!() };
    assert_eq!((api.subdir.as_deref(), web.subdir.as_deref()), (Some("api"), None));
    assert_eq!((api.repo.as_str(), api.reference.as_str()), ("r:mono", "main"));
    // without any, the environment is an app by itself
    let one = load(
        "[deploy.production]\nhost = 'a'\nrepo = 'git@h:acme/shop.git'\nref = 'x'\npath = '/srv/{app}'\n",
    );
    assert_eq!(sites(&one), ["shop@a /srv/shop"]);
}

#[test]
fn each_layer_is_over_the_one_before() {
    let layers = [
        ("fleet", "[defaults]\nref = 'fleet defaults'\nshell = 'sh'\nenv.A = 1\nenv.FLEET = 1\n"),
        ("fleet app", "[apps.api]\nref = 'fleet app'\nenv.A = 2\nkeep-releases = 2\n"),
        ("defaults", "[defaults]\nref = 'defaults'\nenv.A = 3\n"),
        ("app", "[apps.api]\nref = 'app'\nenv.A = 4\n"),
        ("environment", "[deploy.production]\nref = 'environment'\nenv.A = 5\n"),
        ("environment's app", "[deploy.production.apps.api]\nref = 'environments-app'\nenv.A = 6\n"),
    ];
    let base = "[deploy.base]\n";
    for strongest in 1..=layers.len() {
        let directory = tempfile::tempdir().unwrap();
        let texts = |of: &[(&str, &str)]| {
            of.iter().map(|(_, text)| *text).collect::<String>().replace(' ', "-").replace("-=-", " = ")
        };
        let (fleet, own) = layers[..strongest].split_at(strongest.min(2));
        fs::write(directory.path().join("fleet.toml"), texts(fleet)).unwrap();
        let app = if strongest > 3 { "" } else { "[apps.api]\n" };
        let environment = if strongest > 4 { "" } else { "[deploy.production]\n" };
        let file = directory.path().join("shipit.toml");
        let text = format!("extends = 'fleet.toml'\n{base}{}{app}{environment}", texts(own));
        fs::write(&file, text).unwrap();
        let settings = ["host=web1", "repo=r:x", "path=/srv/api"];
        let setting = |text: &&str| Setting { text: (*text).to_owned(), origin: "--set" };
        let document = config::read(&file, &settings.iter().map(setting).collect::<Vec<_>>()).unwrap();
        let environment = document.resolve("production", &Answers::default()).unwrap();
        let (name, _) = layers[strongest - 1];
        let expected = match name {
            "environment's app" => "environments-app".to_owned(),
            "fleet" => "fleet-defaults".to_owned(),
            name => name.replace(' ', "-"),
        };
        assert_eq!(environment.apps[0].reference, expected, "{name}");
        assert_eq!(env_of(&environment, 0), [format!("A={strongest}"), "FLEET=1".to_owned()], "{name}");
        assert_eq!(environment.apps[0].keep_releases, if strongest > 1 { 2 } else { 5 });
    }
}

#[test]
fn a_host_and_what_is_set_are_over_all_tables() {
    let text = "[apps.api]\nrepo = 'r:api'\nref = 'main'\nenv = { A = 'app', B = 'app', C = 'app' }\nroles = 'web'\n\
                [apps.api.supervisor]\nreload = 'reload'\nverify = 'verify'\n\
                [apps.job]\nrepo = 'r:job'\nref = 'main'\npath = '/srv/job'\nroles = 'jobs'\n\
                [deploy.production]\nhosts = [{ host = 'a', roles = ['web'], path = '/own/{app}', env.A = 'host' },\n\
                { host = 'b', roles = ['jobs', 'web'] }]\nenv.B = 'environment'\n\
                [deploy.production.apps.api]\npath = '/srv/{env}/{app}/{host}'\n";
    let file = File::new(text);
    let environment = file.resolve(&[]).unwrap();
    assert_eq!(sites(&environment), ["api@a /own/api", "api@b /srv/production/api/b", "job@b /srv/job"]);
    assert_eq!(env_of(&environment, 0), ["A=host", "B=environment", "C=app"]);
    assert_eq!(env_of(&environment, 1), ["A=app", "B=environment", "C=app"]);
    assert_eq!(env_of(&environment, 2), ["B=environment"]);
    let set = file
        .resolve(&[
            "apps.api.ref=1234567",
            "env.A=all",
            "apps.api.env.C=typed",
            "apps.api.supervisor.reload=again",
        ])
        .unwrap();
    assert_eq!((set.apps[0].reference.as_str(), set.apps[1].reference.as_str()), ("1234567", "main"));
    assert_eq!(env_of(&set, 0), ["A=all", "B=environment", "C=typed"]);
    assert_eq!(env_of(&set, 2), ["A=all", "B=environment"]);
    // a part of a table leaves the rest of it
    let steps = |app: &shipit::config::App| {
        let steps = app.supervisors[0].steps();
        steps.map(|(step, text)| format!("{step}={text}")).collect::<Vec<_>>()
    };
    assert_eq!(steps(&set.apps[0]), ["reload=again", "verify=verify"]);
    let set = file.resolve(&["ref=v9", "supervisor.reload=all"]).unwrap();
    assert_eq!((set.apps[0].reference.as_str(), set.apps[1].reference.as_str()), ("v9", "v9"));
    assert_eq!(steps(&set.apps[0]), ["reload=all", "verify=verify"]);
    assert_eq!(steps(&set.apps[1]), ["reload=all"]);
}

#[test]
fn an_environment_takes_what_it_uses() {
    for (used, expected) in
        [("['web', 'api']", vec!["api", "web"]), ("'web'", vec!["web"]), ("['api']", vec!["api"])]
    {
        let environment = load(&format!("{APPS}{ENVIRONMENT}use = {used}\n"));
        assert_eq!(names(&environment), expected, "{used}");
        assert_eq!(environment.sites.len(), 2 * expected.len());
    }
    // what is not taken may lack what it needs
    let environment = load(&format!(
        "[apps.draft]\nref = 'x'\nsupervisor = {{ reload = 'x' }}\n{APPS}{ENVIRONMENT}use = 'api'\n"
    ));
    assert_eq!(names(&environment), ["api"]);
    // the slip of another environment stops nothing here
    let text =
        format!("{APPS}{ENVIRONMENT}[deploy.staging]\nuse = 'wbe'\n[deploy.staging.apps.nope]\nref = 1\n");
    assert_eq!(names(&load(&text)), ["api", "web"]);
}

#[test]
fn the_order_is_that_of_the_file_but_for_after() {
    let app = |name: &str, after: &str| format!("[apps.{name}]\nafter = {after}\n");
    let order = |apps: &[(&str, &str)], used: &str| {
        let apps: String = apps.iter().map(|(name, after)| app(name, after)).collect();
        let text =
            format!("[defaults]\nref = 'm'\nrepo = 'r'\npath = '{{app}}'\n{apps}{ENVIRONMENT}{used}\n");
        names(&load(&text)).join(" ")
    };
    assert_eq!(order(&[("c", "[]"), ("b", "[]"), ("a", "[]")], ""), "c b a");
    assert_eq!(order(&[("c", "['a', 'b']"), ("b", "'a'"), ("a", "[]")], ""), "a b c");
    assert_eq!(order(&[("c", "'a'"), ("b", "[]"), ("a", "[]")], ""), "b a c");
    // what is not taken is not waited for
    assert_eq!(order(&[("c", "'b'"), ("b", "'a'"), ("a", "[]")], "use = ['c', 'a']"), "c a");
    assert_eq!(order(&[("c", "'a'"), ("a", "'c'")], "[deploy.production.apps.a]\nafter = []\n"), "a c");
}

macro_rules! mistake {
    ($name:ident, $text:expr) => {
        #[test]
        fn $name() {
            insta::assert_snapshot!(File::new(&String::from($text)).mistakes());
        }
    };
}

mistake!(
    an_app_that_is_not_there_is_named_with_the_nearest,
    format!("{APPS}{ENVIRONMENT}use = ['wbe', 'api', 'queue', 'api']\n[deploy.production.apps.apo]\n")
);
mistake!(what_comes_after_itself_or_nobody, format!("{APPS}[apps.a]\nafter = ['a', 'wbe']\n{ENVIRONMENT}"));
mistake!(
    who_waits_in_a_circle,
    format!(
        "{APPS}[apps.first]\nafter = 'a'\n[apps.a]\nafter = 'c'\n[apps.b]\nafter = ['a']\n[apps.c]\nafter = ['b']\n{ENVIRONMENT}"
    )
);
mistake!(
    apps_that_share_a_path,
    format!("[defaults]\nref = 'm'\nrepo = 'r'\npath = '/srv/shop'\n[apps.a]\n[apps.b]\n{ENVIRONMENT}")
);
mistake!(
    apps_whose_paths_lie_in_one_another,
    format!(
        "[defaults]\nref = 'm'\nrepo = 'r'\n[apps.a]\npath = 'shop'\n[apps.b]\npath = '~/shop/shared/b'\n{ENVIRONMENT}"
    )
);
mistake!(
    one_machine_with_two_logins,
    "[deploy.production]\nhost = ['ops@web1', 'root@web1']\nref = 'm'\nrepo = 'r'\npath = '/srv/shop'\n"
        .to_owned()
);
mistake!(
    a_home_that_is_known,
    "[defaults]\nref = 'm'\nrepo = 'r'\n[apps.a]\npath = '/root/shop'\n[apps.b]\npath = 'shop/current/x'\n\
     [deploy.production]\nhost = 'root@web1'\n"
        .to_owned()
);
mistake!(a_host_that_no_app_is_for, format!("{APPS}roles = 'jobs'\n{ENVIRONMENT}use = 'api'\n"));
mistake!(
    a_role_that_no_host_has,
    format!("{APPS}roles = 'job'\nbuild = {{ run = 'x', roles = ['wob'] }}\n{ENVIRONMENT}")
);
mistake!(
    keys_at_the_wrong_place,
    format!("{APPS}host = 'x'\nrols = 'x'\n{ENVIRONMENT}roles = ['web']\nafter = 'x'\n")
);
mistake!(what_an_app_lacks, format!("[apps.api]\nref = 'x'\n[apps.'b/c']\n{ENVIRONMENT}"));
mistake!(an_environment_that_takes_none, format!("{APPS}{ENVIRONMENT}use = []\n"));

#[test]
fn a_role_counts_where_it_is_not_overridden() {
    let text = format!("{APPS}roles = 'nowhere'\n{ENVIRONMENT}[deploy.production.apps.api]\nroles = 'db'\n");
    assert_eq!(sites(&load(&text))[1], "api@db1 /srv/api");
    let text = format!("{APPS}roles = 'nowhere'\n{ENVIRONMENT}[deploy.production.apps.api]\nroles = []\n");
    assert_eq!(sites(&load(&text)).len(), 4);
    // a variable of that name is none
    let text = format!("{APPS}env = {{ roles = 'nowhere' }}\n{ENVIRONMENT}");
    assert_eq!(env_of(&load(&text), 0), ["roles=nowhere"]);
    let text = format!("{APPS}build = {{ run = 'x', roles = 'db' }}\n{ENVIRONMENT}");
    assert_eq!(load(&text).apps[0].hooks.build[0].roles, ["db"]);
}

#[test]
fn roles_of_hosts_that_a_command_prints_are_known_when_it_has_run() {
    let text =
        format!("{APPS}roles = 'jobs'\n[deploy.production]\nhosts = ['web1', {{ command = 'list' }}]\n");
    let file = File::new(&text);
    let document = config::read(&file.path(), &[]).unwrap();
    let draft = document.draft("production").unwrap();
    let answer = |printed: &str| {
        let mut answers = Answers::default();
        let command: &LocalCommand = &draft.host_commands[0];
        answers.insert(command, Ok(printed.into()));
        document.resolve("production", &answers)
    };
    let environment = answer("{\"host\": \"job1\", \"roles\": [\"jobs\"]}\n").unwrap();
    assert_eq!(sites(&environment), ["web@web1 /srv/web", "api@job1 /srv/api", "web@job1 /srv/web"]);
    let error = answer("job1\n").unwrap_err().to_string();
    assert!(error.contains("no host of `production` has the role `jobs`"), "{error}");
}

#[test]
fn an_environment_whose_name_ends_like_an_apps_table_is_one() {
    let text = APPS.to_owned() + "[deploy.'apps.api']\nhost = 'a'\nuser = 'x'\n";
    let file = File::new(&text);
    let environment = config::load(&file.path(), "apps.api").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(names(&environment), ["api", "web"]);
}

#[test]
fn config_shows_apps_as_toml_that_means_the_same() {
    let text = format!(
        "{APPS}env = {{ A = 1 }}\nhealth = {{ tcp = 3000 }}\nbuild = {{ run = 'make {{app}}', roles = 'db' }}\n\
         [apps.'my.app']\nroles = 'jobs'\nafter = ['web', 'old']\n[apps.old]\n\
         {ENVIRONMENT}use = ['web', 'api', 'my.app']\nrollout = {{ batch = '50%', pause = 'ask' }}\n\
         env = {{ B = 2 }}\n[deploy.production.apps.web]\nref = 'v2'\n"
    );
    let file = File::new(&text);
    let show = |key: Option<&str>, origin| {
        let document = config::read(&file.path(), &[]).unwrap();
        document.show("production", key, origin).unwrap().unwrap_or_else(|| "(not set)".to_owned())
    };
    let all = show(None, false);
    let again = File::new(&all);
    let meaning = |environment: Environment| {
        let site = |site: &config::Site| {
            let env = environment.evaluate_env(site, &|_| None).unwrap();
            environment.digest(site, &env, &[])
        };
        let digests: Vec<String> = environment.sites.iter().map(site).collect();
        let apps: Vec<_> = environment
            .apps
            .iter()
            .map(|app| (app.name.clone(), app.reference.clone(), app.roles.clone()))
            .collect();
        (sites(&environment), digests, apps, environment.rollout)
    };
    assert_eq!(meaning(again.resolve(&[]).unwrap()), meaning(file.resolve(&[]).unwrap()), "{all}");
    assert_eq!(meaning(again.resolve(&[]).unwrap()).2.len(), 3);
    assert_eq!(show(Some("apps.web.ref"), false), "apps.web.ref = \"v2\"\n");
    assert_eq!(show(Some("apps.web.ref"), true), "apps.web.ref = \"v2\"  # shipit.toml:22\n");
    // of a key that each app has, those of all
    assert_eq!(
        show(Some("ref"), false),
        "apps.api.ref = \"main\"\napps.web.ref = \"v2\"\napps.\"my.app\".ref = \"main\"\n"
    );
    assert_eq!(show(Some("env.A"), false), "apps.api.env.A = 1\n");
    assert_eq!(show(Some("rollout.batch"), false), "rollout.batch = \"50%\"\n");
    assert_eq!(show(Some("apps.old"), false), "(not set)");
    assert_eq!(show(Some("migrate"), false), "(not set)");
}
