//! Mistakes as they are shown: file, line, column, caret, nearest key. Snapshots with the directory replaced.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::fs;

use shipit::config;

const BASE: &str = "repo = \"git@github.com:acme/shop.git\"\nref = \"main\"\npath = \"/var/www/shop\"\n";

fn shown(text: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    fs::write(&file, text).unwrap();
    let error = match config::load(&file, "production") {
        Err(error) => error,
        Ok(environment) => {
            environment.evaluate_env(&environment.sites[0], &|_| None).expect_err("a file with a mistake")
        }
    };
    error.to_string().replace(&directory.path().display().to_string(), "[DIR]")
}

macro_rules! mistake {
    ($name:ident, $text:expr) => {
        #[test]
        fn $name() {
            insta::assert_snapshot!(shown(&String::from($text)));
        }
    };
}

mistake!(unknown_key, format!("[deploy.production]\nhosst = \"web1\"\nhost = \"web1\"\n{BASE}"));
mistake!(
    key_outside_of_any_table,
    format!("user = \"node\"\n\n[deploy.production]\nhost = \"web1\"\n{BASE}")
);
mistake!(
    key_that_slid_into_a_table,
    format!("[deploy.production]\nhost = \"web1\"\n[deploy.production.timeout]\nhook = \"5m\"\n\n{BASE}")
);
mistake!(
    key_that_slid_into_env,
    format!(
        "[deploy.production]\nhost = \"web1\"\n{BASE}\n[deploy.production.env]\nPORT = 3000\nbuild = \"make\"\n"
    )
);
mistake!(
    key_that_slid_into_a_host,
    format!("[deploy.production]\n{BASE}\n[[deploy.production.hosts]]\nhost = \"web1\"\nbuild = \"make\"\n")
);
mistake!(
    drain_that_runs_in_two_places,
    format!("[deploy.production]\nhost = \"web1\"\ndrain = [\"a\", {{ run = \"b\", local = true }}]\n{BASE}")
);
mistake!(missing_keys, "[deploy.production]\nhost = \"web1\"\n");
mistake!(wrong_type, format!("[deploy.production]\nhost = \"web1\"\nkeep-releases = \"five\"\n{BASE}"));
mistake!(
    several_mistakes,
    format!(
        "[deploy.production]\nhost = [\"web1\", \"web 2\"]\ntimeout = {{ hoook = \"5m\" }}\nshell = \"zsh\"\n{BASE}"
    )
);
mistake!(not_toml, "[deploy.production\nhost = \"web1\"\nuser = node\n");
mistake!(key_given_twice, "[deploy.production]\nhost = \"web1\"\nhost = \"web2\"\n");
mistake!(not_yet, format!("[deploy.production]\nhost = \"web1\"\n{BASE}deliver = \"push\"\n"));
mistake!(
    a_supervisor_that_does_not_exist,
    format!("[deploy.production]\nhost = \"web1\"\n{BASE}supervisor = \"pm3\"\n")
);
mistake!(
    host_named_twice,
    format!("[deploy.production]\nhosts = [\n  \"web[1:3]\",\n  \"web2\",\n]\n{BASE}")
);
mistake!(
    missing_operator_variable,
    format!(
        "[deploy.production]\nhost = \"web1\"\n{BASE}env = {{ DB = \"db://${{DB_PASS}}@h\", T = \"${{TOKEN}}\" }}\n"
    )
);
mistake!(
    escape_sequences_do_not_reach_the_terminal,
    format!("[deploy.production]\nhost = \"web1\"\n{BASE}\"\\u001b[31m\" = 1\n")
);

mistake!(token_in_the_address, token("https://x-access-token:ghp_S3CRET@github.com/acme/shop.git"));
mistake!(token_instead_of_a_user, token("https://ghp_S3CRET@github.com/acme/shop.git"));
mistake!(password_for_ssh, token("ssh://git:S3CRET@github.com/acme/shop.git"));
mistake!(
    variable_in_the_path,
    format!("[deploy.production]\nhost = \"web1\"\n{BASE}").replace("/var/www", "$HOME")
);
mistake!(
    variables_in_other_paths,
    format!(
        "[deploy.production]\nhost = \"web1\"\n{BASE}key = \"$HOME/.ssh/id\"\nprofile = \"$NVM_DIR/nvm.sh\"\n\
         repo-key = \"${{HOME}}/.ssh/id\"\nlogs = \"$HOME/log\"\n"
    )
);

fn token(repo: &str) -> String {
    let text = format!("[deploy.production]\nhost = \"web1\"\n{BASE}");
    let text = text.replace("git@github.com:acme/shop.git", repo);
    assert!(text.contains("S3CRET") && !shown(&text).contains("S3CRET"), "{}", shown(&text));
    text
}

mistake!(health_that_asks_twice, health("tcp = 3000, http = \"http://a/\""));
mistake!(health_that_asks_nothing, health("within = \"5s\""));
mistake!(health_at_no_url, health("http = \"127.0.0.1:3000/healthz\""));
mistake!(health_with_an_unknown_word_in_braces, health("http = \"http://{hots}:3000/\""));
mistake!(health_with_a_login, health("http = \"http://me:secret@127.0.0.1/\""));
mistake!(health_of_a_port_with_a_status, health("tcp = 3000, status = 200, body = \"x\""));
mistake!(health_of_no_port, health("tcp = \"db\""));
mistake!(health_with_codes_that_are_none, health("http = \"http://a/\", status = \"200,399-300\""));
mistake!(
    health_with_more_time_for_one_answer_than_for_all,
    health("tcp = 1, within = \"5s\", timeout = \"1m\"")
);

fn health(table: &str) -> String {
    format!("[deploy.production]\nhost = \"web1\"\n{BASE}health = {{ {table} }}\n")
}

#[test]
fn unknown_environment() {
    let text = |name: &str| format!("[deploy.{name}]\n{BASE}");
    for (file, message) in [
        (text("prodution"), "did you mean `prodution`?"),
        (text("staging"), "it has staging"),
        (String::new(), "it has none"),
    ] {
        assert!(shown(&file).contains(message), "{}", shown(&file));
    }
}

#[test]
fn colour_only_where_wanted() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    fs::write(&file, "[deploy.production]\nx = 1\n").unwrap();
    let error = config::load(&file, "production").unwrap_err();
    assert!(error.render(true).contains('\x1b'));
    assert!(!error.render(false).contains('\x1b'));
}

#[test]
fn a_debug_print_shows_nothing_of_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    fs::write(&file, "[deploy.production]\nx = 'hidden value'\n").unwrap();
    let error = config::load(&file, "production").unwrap_err();
    assert!(!format!("{error:?}").contains("hidden value"));
}

#[test]
fn files_that_windows_wrote() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    let text = format!(
        "extends = \"base.toml\"\n[deploy.production]\nhost = \"web1\"\nbuild = \"\"\"\nset -e\nmake\n\"\"\"\n{BASE}"
    );
    fs::write(&file, text.replace('\n', "\r\n")).unwrap();
    let base = "[defaults]\nmigrate = \"\"\"\na\nb\"\"\"\npost-deploy = \"kept\\r\\n\"\n";
    fs::write(directory.path().join("base.toml"), base.replace('\n', "\r\n")).unwrap();
    let hooks = &config::load(&file, "production").unwrap().apps[0].hooks;
    assert_eq!((hooks.build[0].text.as_str(), hooks.migrate[0].text.as_str()), ("set -e\nmake\n", "a\nb"));
    assert_eq!(hooks.post_deploy[0].text, "kept\r\n", "what was meant stays");

    fs::write(directory.path().join("build.sh"), "set -e\r\nmake\r\n").unwrap();
    let script = format!("[deploy.production]\nhost = \"web1\"\nbuild = {{ script = \"build.sh\" }}\n{BASE}");
    fs::write(&file, script).unwrap();
    let error = config::load(&file, "production").unwrap_err().to_string();
    assert!(error.contains("build.sh has lines that end with CRLF") && error.contains("eol=lf"), "{error}");
}

#[test]
fn logins_that_are_no_secrets_may_stay() {
    for repo in
        ["https://ann@example.com/shop.git", "ssh://deploy@example.com/shop.git", "work:a@b:c/shop.git"]
    {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("shipit.toml");
        let text = format!("[deploy.production]\nhost = \"web1\"\n{BASE}");
        fs::write(&file, text.replace("git@github.com:acme/shop.git", repo)).unwrap();
        assert_eq!(config::load(&file, "production").unwrap().apps[0].repo, repo);
    }
}
