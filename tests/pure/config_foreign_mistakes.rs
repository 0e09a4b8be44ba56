//! Mistakes that were once made with files of Capistrano, Deployer and shipit-js: each keeps its case.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::config_foreign::{project, read, refused, written};

const RUBY: &str = "set :repo_url, 'r:a'\nset :deploy_to, '/a'\n";
const PHP: &str = "<?php\nset('repository', 'r:a');\nset('deploy_path', '/a');\n";

/// What is written of a file, with the start that all of its tool have.
#[track_caller]
fn of(name: &str, text: &str) -> String {
    let text = match name {
        "config/deploy.rb" if text.contains("server ") => format!("{RUBY}{text}"),
        "config/deploy.rb" => format!("{RUBY}{text}server 'h'\n"),
        "deploy.php" if text.contains("\nhost(") => format!("{PHP}{text}"),
        "deploy.php" => format!("{PHP}{text}host('h');\n"),
        _ => text.to_owned(),
    };
    let (_directory, file) = project(&[(name, &text)]);
    written(&read(&file).unwrap_or_else(|error| panic!("{error}\n{text}")))
}

/// Texts, with what is written of them, and what is not (after a `!`).
#[track_caller]
fn hold(name: &str, cases: &[(&str, &[&str])]) {
    for (text, expected) in cases {
        let written = of(name, text);
        for expected in *expected {
            let (there, what) = expected.strip_prefix('!').map_or((true, *expected), |what| (false, what));
            assert_eq!(written.contains(what), there, "{what}\nin what is written of\n{text}\n{written}");
        }
    }
}

#[track_caller]
fn not_plain(name: &str, key: &str, texts: &[&str]) {
    for text in texts {
        let start = if name == "deploy.php" {
            format!("{PHP}{text}\nhost('h');\n")
        } else {
            format!("{RUBY}{text}\nserver 'h'\n")
        };
        refused(&[(name, &start)], &[&format!("`{key}` is not a plain value")]);
    }
}

#[test]
fn a_heredoc_whose_name_has_no_second_quote_is_none() {
    for text in ["x = <<'A→\n", "x = <<\"A→B\n", "x = <<~'A\n", "x = <<`É→\n", "x = <<'A"] {
        let (_directory, file) = project(&[("config/deploy.rb", &format!("{text}server 'h'\n"))]);
        let _ = read(&file).map(|document| document.written(&BTreeMap::new(), &[]));
    }
}

#[test]
fn what_a_few_lines_can_ask_for_is_bounded() {
    let list = |item: &str| vec![item; 1000].join(", ");
    let ruby =
        format!("a = [{}]\nb = [{}]\nc = [{}]\nset :linked_files, c\n", list("1"), list("a"), list("b"));
    let php = format!(
        "$a = [{}];\n$b = [{}];\n$c = [{}];\nadd('shared_files', $c);\n",
        list("1"),
        list("$a"),
        list("$b")
    );
    let cloned = format!("a = [{}]\n", list("'x'")) + &"set :x, [a]\n".repeat(40_000);
    let fetched =
        format!("set :branch, '{}'\n", "x".repeat(4000)) + &"set :branch, fetch(:branch)\n".repeat(30_000);
    let appended = "append :linked_files, 'a'\n".repeat(38_000);
    let added = "add('shared_files', ['a']);\n".repeat(36_000);
    let servers: String = (0..60_000).map(|n| format!("server 'h{n}'\n")).collect();
    let machines: String = (0..50_000).map(|n| format!("host('h{n}');\n")).collect();
    let yaml: String = (0..30_000).map(|n| format!("  h{n}: {{branch: b{n}}}\n")).collect();
    let stages: String = (0..900).map(|n| format!("  h{n}: {{labels: {{stage: s{n}}}}}\n")).collect();
    let same: String = (0..900).map(|n| format!("  '-{n}': {{branch: b{n}}}\n")).collect();
    let keys: String = (0..80_000).map(|n| format!("  k{n}: x\n")).collect();
    let filled = format!(
        "config:\n  a: x\n  shared_files: [{}]\nhosts:\n{}",
        list(&format!("\"{}\"", "{{a}}".repeat(60))),
        (0..900).map(|n| format!("  h{n}: {{}}\n")).collect::<String>()
    );
    for (name, text) in [
        ("config/deploy.rb", format!("{RUBY}{ruby}server 'h'\n")),
        ("config/deploy.rb", format!("{RUBY}{cloned}server 'h'\n")),
        ("config/deploy.rb", format!("{RUBY}{fetched}server 'h'\n")),
        ("config/deploy.rb", format!("{RUBY}{appended}server 'h'\n")),
        ("config/deploy.rb", format!("{RUBY}{servers}")),
        ("deploy.php", format!("{PHP}{php}host('h');\n")),
        ("deploy.php", format!("{PHP}{added}host('h');\n")),
        ("deploy.php", format!("{PHP}{machines}")),
        ("deploy.yaml", format!("hosts:\n{yaml}")),
        ("deploy.yaml", format!("hosts:\n{stages}")),
        ("deploy.yaml", format!("hosts:\n{same}")),
        ("deploy.yaml", format!("config:\n{keys}hosts:\n  h:\n")),
        ("deploy.yaml", filled),
    ] {
        assert!(text.len() < 1 << 20, "{}", text.len());
        let (_directory, file) = project(&[(name, &text)]);
        let began = Instant::now();
        let end = read(&file).map(|document| document.written(&BTreeMap::new(), &[]).len());
        // A second each in a debug build; without bounds hours.
        assert!(began.elapsed() < Duration::from_secs(60), "{name}: {:?}, {}", end.is_ok(), &text[..200]);
    }
    refused(&[("deploy.yaml", &format!("hosts:\n{stages}"))], &["more than 200 environments"]);
    let many: String = (0..1100).map(|n| format!("  h{n}: {{}}\n")).collect();
    refused(&[("deploy.yaml", &format!("hosts:\n{many}"))], &["more than 1000 hosts"]);
    refused(&[("deploy.php", &format!("{PHP}{machines}"))], &["more than 1000 hosts"]);
    refused(&[("config/deploy.rb", &format!("{RUBY}{servers}"))], &["more than 1000 hosts"]);
}

#[test]
fn what_a_statement_that_is_left_out_may_change_is_no_longer_known() {
    not_plain(
        "config/deploy.rb",
        "branch",
        &[
            "b = 'main'\nif x\n  b = 'dev'\nend\nset :branch, b",
            "b = 'main'\nb << '/x'\nset :branch, b",
            "b = 'main'\nb.concat('x')\nset :branch, b",
            "b = 'main'\nb.strip.sub! 'a', 'b'\nset :branch, b",
            "b = 'main'\nb ||= x\nset :branch, b",
            "b = 'main'\na, b = 'x', 'y'\nset :branch, b",
            "b = ['main']\nb[0] = 'y' if x\nset :branch, \"#{b}\"",
            "set :b, 'main'\nset :b, 'dev' if x\nset :branch, fetch(:b)",
            "set :b, 'main' if x\nset :branch, fetch(:b, 'dev')",
            "set :b, x\nset :branch, fetch(:b, 'dev')",
            "set :b, 'main'\nfetch(:b) << 'x'\nset :branch, fetch(:b)",
            "set :branch, 'main'\nfetch(:branch) << 'x'",
        ],
    );
    not_plain(
        "deploy.php",
        "branch",
        &[
            "$b = 'main';\nif ($x) { $b = 'dev'; }\nset('branch', $b);",
            "$b = 'main';\n$b .= '/x';\nset('branch', $b);",
            "$b = 'main';\n[$a, $b] = ['x', 'y'];\nset('branch', $b);",
            "$b = 'main';\nforeach ($x as $b) {}\nset('branch', $b);",
            "$b = 'main';\nforeach ($x as $k => $b) {}\nset('branch', $b);",
            "$b = 'main';\n$c = &$b;\nset('branch', $b);",
            "$b = 'main';\npreg_match('/x/', 'y', $b);\nset('branch', $b);",
            "$b = 'main';\nextract($x);\nset('branch', $b);",
            "set('b', 'main');\nif ($x) { set('b', 'dev'); }\nset('branch', get('b'));",
        ],
    );
    // What is only read stays.
    hold(
        "config/deploy.rb",
        &[
            (
                "b = 'main'\nputs b\nif b == 'x'\n  puts b\nend\nset :tmp_dir, b\nset :branch, b\n",
                &["ref = \"main\""],
            ),
            ("b = 'main'\nc = b.gsub('a', 'b')\nset :branch, b\n", &["ref = \"main\""]),
            ("set :b, 'main'\nset :branch, fetch(:b)\n", &["ref = \"main\""]),
        ],
    );
    hold(
        "deploy.php",
        &[(
            "$b = 'main';\nset('x', trim($b));\nif ($b == 'x') { f($b); }\nset('branch', $b);\n",
            &["ref = \"main\""],
        )],
    );
    // A key of a host that only PHP knows is not the one for all hosts.
    refused(
        &[(
            "deploy.php",
            "<?php\nset('repository', 'r:a');\nset('name', 'a');\nset('deploy_path', '/srv/{{name}}');\nhost('h')->set('name', $x);\n",
        )],
        &["`deploy_path` is not a plain value"],
    );
}

#[test]
fn a_setting_of_deployer_is_what_was_set() {
    hold("deploy.php", &[("set('k', 'dev');\nset('branch', get('k', 'main'));\n", &["ref = \"dev\""])]);
    not_plain(
        "deploy.php",
        "branch",
        &["set('branch', get('k', 'main'));", "set('k', $x);\nset('branch', get('k', 'main'));"],
    );
    hold("deploy.php", &[("$b = 'opt';\nset('branch', ($b ?: 'srv') . '/app');\n", &["ref = \"opt/app\""])]);
    not_plain("deploy.php", "branch", &["$b = '/opt';\nset('branch', $b ?: '/srv' . '/app');"]);
    not_plain("config/deploy.rb", "branch", &["b = '/opt'\nset :branch, b || '/srv' + '/app'"]);
}

#[test]
fn hosts_of_one_name_and_two_ports_are_two() {
    let two = "host = [{ host = \"10.0.0.1\", port = 2201 }, { host = \"10.0.0.1\", port = 2202 }]";
    hold(
        "config/deploy.rb",
        &[
            ("server '10.0.0.1', port: 2201\nserver '10.0.0.1', port: 2202\n", &[two]),
            ("server '10.0.0.1:2201'\nserver '10.0.0.1', port: 2202\nserver '10.0.0.1:2202'\n", &[two]),
            (
                "server '10.0.0.1'\nserver '10.0.0.1', port: 2202\n",
                &["host = [\"10.0.0.1\", { host = \"10.0.0.1\", port = 2202 }]"],
            ),
            (
                "server 'a', ssh_options: { port: 2201 }\nrole :app, 'a'\n",
                &["host = [{ host = \"a\", port = 2201, roles = [\"app\"] }]"],
            ),
        ],
    );
}

#[test]
fn paths_that_were_read_stay_when_more_of_them_are_left_out() {
    hold(
        "config/deploy.rb",
        &[
            (
                "set :linked_dirs, %w[log]\nappend :linked_dirs, x\n",
                &["shared = [\"log/\"]", "`append :linked_dirs…`"],
            ),
            (
                "set :linked_dirs, %w[log]\nappend :linked_dirs, 'a' if x\n",
                &["shared = [\"log/\"]", "`append :linked_dirs…`"],
            ),
        ],
    );
    hold(
        "deploy.php",
        &[
            (
                "require 'recipe/laravel.php';\nadd('shared_dirs', $x);\n",
                &[
                    "shared = [\".env\", \"storage/\"]",
                    "`add('shared_dirs'…`",
                    "where the file sets nothing else",
                ],
            ),
            ("set('shared_files', $x);\n\nhost('h')->set('shared_files', ['a']);\n", &["shared = [\"a\"]"]),
        ],
    );
}

#[test]
fn a_default_for_a_variable_that_is_not_set_is_said() {
    let said = "branch is `main`: what the file says where your environment variable is not set";
    hold(
        "config/deploy.rb",
        &[
            ("set :branch, -> { ENV.fetch('B', 'main') }\n", &[said]),
            ("set :b, ENV.fetch('B', 'main')\nset :branch, fetch(:b)\n", &[said]),
            ("b = ENV['B'] || 'main'\nset :branch, b\n", &[said]),
            ("server ENV.fetch('H', 'a')\n", &["server `a` is as below: what the file says where"]),
            ("ask :branch, -> { 'x' }\n", &["branch is `x`: Capistrano asks for it", "ref = \"x\""]),
        ],
    );
    hold(
        "deploy.php",
        &[
            ("set('branch', getenv('B') ?: 'main');\n", &[said]),
            ("$b = getenv('B') ?: 'main';\nset('branch', $b);\n", &[said]),
            ("set('b', getenv('B') ?: 'main');\nset('branch', get('b'));\n", &[said]),
            (
                "set('b', getenv('B') ?: 'main');\nset('branch', '{{b}}');\n",
                &["branch is `{{b}}`: what the file says"],
            ),
            ("\nhost('h')->set('branch', getenv('B') ?: 'main');\n", &[said]),
            (
                "set('b', getenv('B') ?: 'main');\nset('b', 'x');\nset('branch', get('b'));\n",
                &["!environment variable"],
            ),
        ],
    );
}

#[test]
fn what_is_left_out_is_named_without_its_values() {
    hold(
        "config/deploy.rb",
        &[
            (
                "set :default_env, { 'DATABASE_URL' => 'postgres://app:hush@db/a' }\n",
                &["`set :default_env…`", "!hush"],
            ),
            ("set :slack, 'https://hooks.example.com/hush'\n", &["`set :slack…`", "!hush"]),
            ("notify 'https://hooks.example.com/hush'\n", &["`notify…`", "!hush"]),
            ("KEY = 'hush'.strip\nif KEY == 'hush'\nend\n", &["`KEY…`", "`if…`", "!hush"]),
            ("server 'h', password: 'hush', note: 'hush'\n", &["`password:…`", "`note:…`", "!hush"]),
            (
                "after 'deploy:x', 'hush'\nset \"a#{'hush'}\", 1\n",
                &["`after 'deploy:x'…`", "`set…`", "!hush"],
            ),
        ],
    );
    hold(
        "deploy.php",
        &[
            (
                "set('api_key', 'hush');\nset('env', ['URL' => 'hush']);\n",
                &["`set('api_key'…`", "`set('env'…`", "!hush"],
            ),
            (
                "\nhost('h')->set('sudo', 'hush')->setHush('hush');\n",
                &["`->set('sudo'…`", "`->setHush…`", "!'hush'"],
            ),
        ],
    );
    hold(
        "shipitfile.js",
        &[(
            "module.exports = s => { s.log('hush hush'); s.local(`curl ${'hush'}`); s.task('build', () => {}); s.initConfig({ a: { servers: 'h', deployTo: '/a', repositoryUrl: 'r:a', apiKey: 'hush' } }) }",
            &["`log`", "`local`", "`task build`", "`a: apiKey`", "!hush"],
        )],
    );
}

#[test]
fn a_key_that_comes_from_elsewhere_is_named() {
    let (_directory, file) = project(&[
        ("shipitfile.js", "module.exports = s => s.initConfig(require('./conf'))"),
        (
            "conf.json",
            "{\"default\": {\"ignores\": [], \"asUser\": \"x\"}, \"a\": {\"servers\": \"h\", \"deployTo\": \"/a\", \"repositoryUrl\": \"r:a\", \"keepReleases\": \"x\"}}",
        ),
    ]);
    let document = read(&file).unwrap();
    let error = document.draft("a").err().unwrap().to_string();
    assert!(error.contains("`keepReleases` is no number"), "{error}");
    let text = document.written(&BTreeMap::new(), &[]);
    for line in [
        "shipitfile.js: not taken over: `default: ignores`",
        "shipitfile.js: not taken over: `default: asUser`",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn names_that_are_imported_of_a_plugin_are_refused_with_place_and_remedy() {
    let text =
        "// Deploys\nimport {\n  registerTask,\n} from 'shipit-utils';\nexport default s => registerTask(s);";
    let (_directory, file) = project(&[("shipitfile.mjs", text), ("package.json", "{}")]);
    let error = read(&file).err().unwrap().to_string();
    let remedy = "`import plugin from \"shipit-utils\"`";
    assert!(error.contains("shipitfile.mjs:2") && error.contains(remedy), "{error}");
}

/// A setting whose name has to be worked out may be any.
#[test]
fn settings_of_computed_names_are_named_and_what_they_may_change_is_unknown() {
    let file = |line: &str| format!("{RUBY}{line}\nserver 'h'\n");
    for line in [
        "set :\"x_#{y}\", 'b'",
        "set key, 'b'",
        "%w[a].each { |key| set key, 'b' }",
        "set_if_empty(y.to_sym, 'b')",
    ] {
        refused(&[("config/deploy.rb", &file(line))], &["repo_url"]);
    }
    // One that is made of what is known is that one, and so is one that another object is told.
    for line in ["set \"x_#{fetch(:stage)}\", `b`", "cache.set key, 'b'"] {
        let (_directory, file) = project(&[("config/deploy.rb", &file(line))]);
        let text = written(&read(&file).unwrap_or_else(|error| panic!("{line}: {error}")));
        assert!(text.contains("not taken over"), "{text}");
    }
}

#[test]
fn plugins_are_not_loaded_whatever_a_shipitfile_asks_of_them() {
    let config = "s.initConfig({ a: { servers: 'h', deployTo: '/a', repositoryUrl: 'r:a' } })";
    let plugin = ("node_modules/shipit-deploy/index.js", "throw new Error('it is loaded')");
    let module = format!(
        "import d from 'shipit-deploy'; import u from 'shipit-utils';\nexport default s => {{ d(s); u.registerTask(s); {config} }}"
    );
    let common = format!(
        "module.exports = s => {{ require('shipit-utils').registerTask(s); require('shipit-deploy')(s); {config} }}"
    );
    for (name, text, manifest) in [
        ("shipitfile.mjs", &module, "{}"),
        ("shipitfile.js", &module, "{\"type\": \"module\"}"),
        ("shipitfile.js", &common, "{}"),
    ] {
        let (_directory, file) = project(&[(name, text), ("package.json", manifest), plugin]);
        let text = written(&read(&file).unwrap_or_else(|error| panic!("{name}: {error}")));
        assert!(text.contains("not taken over: `require shipit-utils`"), "{text}");
    }
}
