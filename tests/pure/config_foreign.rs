//! Files of Capistrano, Deployer and shipit-js: what is plain in them becomes a `shipit.toml`, what is not is named.
//!
//! `foreign/TOOL/` holds whole projects; what is written of each is a snapshot, and is read back.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::prelude::*;
use shipit::config::{self, ConfigError, Document};

/// The file of a project, as `import` reads it.
pub(super) fn read(file: &Path) -> Result<Document, ConfigError> {
    if !file.extension().is_some_and(|end| end.to_string_lossy().ends_with("js")) {
        return config::read_foreign(file, None);
    }
    let mut node = Command::new("sh");
    node.args(["-c", "exec node -e \"$1\" -- \"$2\" 3>&1 1>&2", "sh", config::EVALUATE_SHIPIT_JS]).arg(file);
    config::read_foreign(file, Some(&node.output().unwrap().stdout))
}

/// What is written of a document, whose environments are whole when it is read again.
#[track_caller]
pub(super) fn written(document: &Document) -> String {
    let text = document.written(&BTreeMap::new(), &[]);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    fs::write(&file, &text).unwrap();
    let again = config::read(&file, &[]).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(again.environments(), document.environments());
    for name in again.environments() {
        let draft = again.draft(&name).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let direct = document.draft(&name).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(format!("{:?}", draft.environment.hosts), format!("{:?}", direct.environment.hosts));
    }
    text
}

/// The files of a project, of which the first is read.
pub(super) fn project(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = directory.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let file = directory.path().join(files[0].0);
    (directory, file)
}

#[track_caller]
pub(super) fn refused(files: &[(&str, &str)], expected: &[&str]) {
    let (_directory, file) = project(files);
    let error = read(&file).and_then(|document| {
        document.environments().iter().try_for_each(|name| document.draft(name).map(|_| ()))
    });
    let error = error.expect_err("it is refused").to_string();
    for expected in expected {
        assert!(error.contains(expected), "{expected}\nis missing from\n{error}");
    }
}

#[track_caller]
fn fixture(tool: &str, name: &str) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pure/foreign").join(tool).join(name);
    let file = config::foreign_in(&directory).expect("a file of the tool");
    let text = read(&file).map(|document| written(&document));
    let text = text.unwrap_or_else(|error| panic!("{error}"));
    insta::assert_snapshot!(format!("{tool}__{name}"), text);
}

#[test]
fn projects_of_capistrano() {
    for name in ["rails", "two-stages", "static-site", "odd-values", "computed"] {
        fixture("capistrano", name);
    }
}

#[test]
fn projects_of_deployer() {
    for name in ["laravel-php", "symfony-php", "yaml", "old-php", "many-yaml"] {
        fixture("deployer", name);
    }
}

#[test]
fn projects_of_shipit_js() {
    for name in ["node-app", "theme", "commonjs", "computed", "es-module"] {
        fixture("shipit-js", name);
    }
}

#[test]
fn what_is_needed_and_is_no_plain_value_is_refused_at_its_line() {
    let host = ("config/deploy/production.rb", "server 'h'\n");
    let capistrano = |text: &str, expected: &[&str]| refused(&[("config/deploy.rb", text), host], expected);
    capistrano(
        "set :application, 'a'\nset :repo_url, ENV['REPO']\n",
        &["`repo_url` is not a plain value", "deploy.rb:2"],
    );
    let rest = "set :repo_url, 'r:a'\nset :deploy_to, '/a'\n";
    capistrano(
        &format!("{rest}ask :branch, `git rev-parse HEAD`.chomp\n"),
        &["`branch` is not a plain value", "deploy.rb:3"],
    );
    capistrano(
        &format!("{rest}set :branch, 'x' if Time.now.monday?\n"),
        &["`branch` is not a plain value", "deploy.rb:3"],
    );
    capistrano(
        &format!("{rest}if true\n  set :branch, 'x'\nend\n"),
        &["`branch` is not a plain value", "deploy.rb:4"],
    );
    capistrano("set :repo_url, 'r:a'\nset :deploy_to, \"/a/#{`id`}\"\n", &["`deploy_to`", "deploy.rb:2"]);
    refused(&[("config/deploy.rb", rest)], &["no hosts are named", "deploy.rb:1"]);
    let php = |text: &str, expected: &[&str]| refused(&[("deploy.php", &format!("<?php\n{text}"))], expected);
    php(
        "set('repository', $url);\nhost('a')->set('deploy_path', '/a');\n",
        &["`repository` is not a plain value", "deploy.php:2"],
    );
    php(
        "set('repository', 'r:a');\nhost('a')\n  ->set('deploy_path', '/a/' . date('Y'));\n",
        &["`deploy_path`", "deploy.php:4"],
    );
    php(
        "set('repository', 'r:a');\nhost('a')->set('deploy_path', '{{home}}/a');\n",
        &["`deploy_path` is not a plain value"],
    );
    php("host($argv[1]);\n", &["no hosts are named"]);
    refused(
        &[(
            "deploy.yaml",
            "hosts:\n  a:\n    labels: { stage: x }\n  b:\n    labels: { stage: x }\n    branch: y\n",
        )],
        &["`b` has the same stage as `a`, but another branch", "deploy.yaml:4"],
    );
    refused(
        &[("deploy.yaml", "config:\n  repository: [a]\nhosts:\n  a:\n")],
        &["expected a string", "deploy.yaml:2"],
    );
    let js = |text: &str, expected: &[&str]| refused(&[("shipitfile.js", text)], expected);
    js("\nmodule.exports = () => { throw new Error('no') }", &["shipitfile.js:2", "threw no"]);
    js(
        "module.exports = s => s.initConfig({ a: {\n servers: 'a', deployTo: () => '/x', repositoryUrl: 'r:a' } })",
        &["`deployTo` is no text", "shipitfile.js:2"],
    );
    js("module.exports = s => s.initConfig({ default: {} })", &["no hosts are named"]);
}

#[test]
fn what_stands_under_a_condition_is_named_and_not_taken() {
    let rest = "set :repo_url, 'r:a'\nset :deploy_to, '/a'\nrole :app, 'ann@a'\nserver 'a', roles: %w[web]\n";
    let (_directory, file) =
        project(&[("config/deploy.rb", &format!("{rest}server 'b', user: 'x' if ENV['B']\n"))]);
    let text = written(&read(&file).unwrap());
    assert!(text.contains("# deploy.rb:5: not taken over: `server 'b'…`"), "{text}");
    assert!(
        text.contains("host = [{ host = \"a\", roles = [\"app\", \"web\"] }]\nuser = \"ann\"\n"),
        "{text}"
    );
    let stages: Vec<String> = (0..70).map(|n| format!("config/deploy/s{n}.rb")).collect();
    let mut files = vec![("config/deploy.rb", rest)];
    files.extend(stages.iter().map(|name| (name.as_str(), "")));
    refused(&files, &["more than 64 files of stages", "deploy.rb:1"]);
}

#[test]
fn paths_of_the_hosts_are_added_to_those_of_the_file() {
    let text = "set :repo_url, 'r:a'\nset :deploy_to, '/a'\nset :linked_files, %w[a b]\nserver 'h'\n";
    let (_directory, file) = project(&[("config/deploy.rb", text)]);
    let found = BTreeMap::from([("production".to_owned(), vec!["b".to_owned(), "c/".to_owned()])]);
    let text = read(&file).unwrap().written(&found, &[]);
    assert!(text.contains("shared = [\"a\", \"b\", \"c/\"]"), "{text}");
}

#[test]
fn what_does_not_end_is_refused_at_its_line() {
    for (name, text, line) in [
        ("config/deploy.rb", "server 'h'\nset :a, 'b\n", 2),
        ("config/deploy.rb", "server 'h'\n\nset :a, \"b#{fetch(:x)\n", 3),
        ("config/deploy.rb", "server 'h'\nset :a, %w[b\n", 2),
        ("config/deploy.rb", "server 'h'\nset :a, <<~X\nb\n", 2),
        ("config/deploy.rb", "server 'h'\n=begin\n", 2),
        ("config/deploy.rb", "server 'h'\nnamespace :a do\n", 2),
        ("config/deploy.rb", "server 'h', roles: [\n", 1),
        ("deploy.php", "<?php\nhost('a');\nset('a", 3),
        ("deploy.php", "<?php\nhost('a');\n/* ", 3),
        ("deploy.php", "<?php\nset('a', <<<X\nb\n", 2),
        ("deploy.php", "<?php\n\ntask('a', function () {", 3),
        ("deploy.php", "host('a');", 1),
        ("deploy.yaml", "hosts:\n  a: 'b\n", 2),
    ] {
        refused(&[(name, text)], &[&format!("{}:{line}", name.rsplit('/').next().unwrap())]);
    }
}

#[test]
fn a_file_of_no_configuration_ends_soon_and_without_harm() {
    let many = |text: &str| text.repeat((1 << 18) / text.len());
    for (name, start) in [("config/deploy.rb", ""), ("deploy.php", "<?php "), ("deploy.yaml", "")] {
        let parts = "[;(;{ ;'a'+;a.b;a->b;set ;set :a, ;\n;-> { ;\"#{;a: ;- ;{a: ;fetch :a, ;<<A ;/ ;%w;if a\n;do ;#;a\n;&a ;';\\";
        for part in parts.split(';').chain([";", "a;"]) {
            let (_directory, file) = project(&[(name, &format!("{start}{}", many(part)))]);
            if let Ok(document) = read(&file) {
                let _ = document.written(&BTreeMap::new(), &[]);
            }
        }
    }
    let double = "set :a, 'aaaaaaaa'\n".to_owned() + &"set :a, \"#{fetch(:a)}#{fetch(:a)}\"\n".repeat(64);
    let lazy: String = (0..64)
        .map(|n| format!("set :a{}, -> {{ \"#{{fetch(:a{n})}}#{{fetch(:a{n})}}\" }}\n", n + 1))
        .collect();
    for text in [&double, &format!("set :a0, 'x'\n{lazy}set :repo_url, fetch(:a64)\nserver 'h'\n")] {
        let (_directory, file) = project(&[("config/deploy.rb", text)]);
        let _ = read(&file);
    }
    let (_directory, file) = project(&[("deploy.php", "")]);
    fs::File::options().write(true).open(&file).unwrap().set_len(100 << 20).unwrap();
    let error = read(&file).err().unwrap().to_string();
    assert!(error.contains("deploy.php") && error.contains("1048576"), "{error}");
}

const PARTS: [&str; 44] = [
    "set ",
    ":branch",
    ", ",
    "'x'",
    "\"a#{fetch(:b)}\"",
    "fetch(:b)",
    "server ",
    "'h'",
    "user: ",
    "roles: ",
    "%w[a b]",
    "\n",
    " do",
    "end",
    "if ",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "=>",
    "->",
    ".",
    ";",
    "host('a')",
    "->set('deploy_path', '/x')",
    "<?php ",
    "ENV['A']",
    " || ",
    "append :linked_files, ",
    "'",
    "\"",
    "\\",
    "#",
    "é",
    "<<~X",
    "X",
    "%",
    "/",
    "hosts:\n  a:\n",
    "config: ",
    "? ",
    "$a = ",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_text_is_too_much(parts in prop::collection::vec(prop::sample::select(&PARTS[..]), 0..40), any in ".{0,20}") {
        let text = parts.concat() + &any;
        for name in ["config/deploy.rb", "deploy.php", "deploy.yaml"] {
            let (_directory, file) = project(&[(name, &text)]);
            if let Ok(document) = read(&file) {
                for environment in document.environments() {
                    let _ = document.draft(&environment).map(|_| ());
                }
                let _ = document.written(&BTreeMap::new(), &[]);
            }
        }
    }

    #[test]
    fn a_text_is_written_as_it_was(text in "\\PC{1,30}|[ -~\n\t]{1,30}") {
        let quoted = text.replace('\\', "\\\\").replace('\'', "\\'");
        let yaml = serde_json::to_string(&text).unwrap();
        let templated = text.contains("{{");
        for (name, file) in [
            ("config/deploy.rb", format!("set :repo_url, '{quoted}'\nserver 'h'\n")),
            ("deploy.php", format!("<?php\nset('repository', '{quoted}');\nhost('h');\n")),
            ("deploy.yaml", format!("config:\n  repository: {yaml}\nhosts:\n  h:\n")),
        ] {
            if templated && name != "config/deploy.rb" {
                continue;
            }
            let (_directory, file) = project(&[(name, &file)]);
            let document = read(&file).unwrap_or_else(|error| panic!("{error}"));
            let written = document.written(&BTreeMap::new(), &[]);
            prop_assert!(written.contains(&format!("\nrepo = {}\n", config::quoted(&text))), "{}", written);
            let (_directory, file) = project(&[("shipit.toml", &written)]);
            prop_assert!(config::read(&file, &[]).is_ok(), "{}", written);
        }
    }
}
