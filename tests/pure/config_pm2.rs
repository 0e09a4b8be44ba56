//! Files of pm2's: every shape of a `deploy` section that is found in public repositories is read as a `shipit.toml` would be, or
//! refused with place and remedy; and what `import` writes means the same as the file itself.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::fs;
use std::path::Path;
use std::process::Command;

use shipit::config::{self, ConfigError, Document};

/// What goes around a section, so that a shape is written in a line.
const WHOLE: &str = "ref: 'origin/main', repo: 'git@h.example:a/b.git', path: '/srv/a'";

pub(super) fn read_in(directory: &Path, file: &str, env: &[(&str, &str)]) -> Result<Document, ConfigError> {
    let file = directory.join(file);
    if !config::needs_node(&file) {
        return config::read(&file, &[]);
    }
    let start = "exec node -e \"$1\" -- \"$2\" 3>&1 1>&2";
    let mut node = Command::new("sh");
    node.args(["-c", start, "sh", config::EVALUATE])
        .arg(&file)
        .envs(env.iter().copied())
        .current_dir(directory);
    let answer = node.output().unwrap();
    config::read_evaluated(&file, &answer.stdout, &[])
}

fn read(file: &str, text: &str) -> Result<Document, ConfigError> {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(file), text).unwrap();
    read_in(directory.path(), file, &[])
}

fn javascript(section: &str) -> Result<Document, ConfigError> {
    read(
        "ecosystem.config.js",
        &format!(
            "module.exports = {{\n  apps: [{{ name: 'web', script: 'a.js' }}],\n  deploy: {{\n    production: {section},\n  }},\n}};\n"
        ),
    )
}

/// The resolved configuration in lines, without what is the default.
fn shown(document: &Document) -> String {
    let keys = [
        "host",
        "user",
        "port",
        "key",
        "ssh-options",
        "forward-agent",
        "repo",
        "ref",
        "path",
        "fetch",
        "env",
        "profile",
        "prepend-path",
        "build",
        "migrate",
        "supervisor",
        "pre-setup",
        "post-setup",
        "pre-deploy-local",
        "pre-deploy",
        "post-deploy",
    ];
    let lines = keys.iter().filter_map(|key| document.show("production", Some(key), false).unwrap());
    lines.collect::<String>()
}

/// The same, and the same again of the file that `import` writes.
pub(super) fn same_when_written(document: &Document) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    let kept = [("production".to_owned(), vec![".env".to_owned(), "up loads/".to_owned()])];
    fs::write(&file, document.written(&kept.into(), &[])).unwrap();
    let written = config::read(&file, &[]).unwrap_or_else(|error| panic!("{error}"));
    written.draft("production").unwrap_or_else(|error| panic!("{error}"));
    let shared = written.show("production", Some("shared"), false).unwrap();
    assert!(shared.unwrap().contains("\".env\", \"up loads/\""));
    // A key file is shown with its directory.
    let directory = document.draft("production").unwrap().environment.root;
    let here = |text: String, root: &Path| text.replace(&root.display().to_string(), "");
    let ours = here(shown(document), &directory);
    assert_eq!(here(shown(&written), file.parent().unwrap()), ours);
    shown(document)
}

pub(super) fn remarks(document: &Document) -> String {
    document.remarks("production").iter().map(|remark| format!("{remark}\n")).collect()
}

#[track_caller]
fn has(section: &str, expected: &[&str]) {
    let document = javascript(section).unwrap_or_else(|error| panic!("{section}\n{error}"));
    let shown = match document.draft("production") {
        Ok(_) => same_when_written(&document) + &remarks(&document),
        Err(error) => panic!("{section}\n{error}"),
    };
    for expected in expected {
        assert!(shown.contains(expected), "{expected}\nis missing from\n{shown}");
    }
}

#[track_caller]
fn refused(section: &str, expected: &[&str]) {
    let error = javascript(section).and_then(|document| document.draft("production").map(|_| ()));
    let error = error.expect_err(section).to_string();
    for expected in expected.iter().chain(&["ecosystem.config.js"]) {
        assert!(error.contains(expected), "{expected}\nis missing from\n{error}");
    }
}

#[test]
fn what_else_is_read() {
    has(
        &format!(
            "{{ host: 'appprod', {WHOLE}, env: {{ NODE_ENV: 'production', port: 8080, a: true, b: '${{X}}' }} }}"
        ),
        &[
            "NODE_ENV = \"production\"",
            "PORT = \"8080\"",
            "A = \"true\"",
            "B = \"$${X}\"",
            "`env` reaches every hook",
        ],
    );
    has(
        &format!(
            "{{ host: [{{ host: 'a', port: '2222', user: 'x' }}, 'b'], {WHOLE}, needs_tty: true, fetch: 'fast' }}"
        ),
        &["2222", "fetch = \"fast\"", "needs_tty has no effect"],
    );
    has(
        &format!("{{ host: 'h', {WHOLE}, 'post-deply': 'x', copy: true, shared: ['a'] }}"),
        &["did you mean `post-deploy`?", "unknown key `copy`", "`shared` is a key of shipit.toml"],
    );
    has(
        &format!(
            "{{ host: 'h', {WHOLE}, 'post-setup': 'npm ci', 'post-deploy': 'npm run build && pm2 reload web' }}"
        ),
        &["build = \"(npm ci) && npm run build\"", "only = [\"web\"]"],
    );
    has(
        &format!(
            "{{ host: 'h', {WHOLE}, 'post-deploy': 'source ~/.nvm/nvm.sh && export A=b && npx prisma migrate deploy && /opt/bin/pm2 reload all --env stage' }}"
        ),
        &[
            "profile = [\"~/.nvm/nvm.sh\"]",
            "A = \"b\"",
            "migrate = \"npx prisma migrate deploy\"",
            "/opt/bin",
            "env = \"stage\"",
        ],
    );
}

#[test]
fn what_a_split_hook_loses_and_keeps_is_said() {
    let hook = |pre: &str, post: &str| {
        format!("{{ host: 'h', {WHOLE}, 'pre-deploy': '{pre}', 'post-deploy': '{post}' }}")
    };
    has(
        &hook("git checkout . && date", "npm ci && pm2 reload web --env production && pm2 save --force"),
        &["pre-deploy = \"date\"", "`git checkout .` is left out", "build = \"npm ci\"", "only = [\"web\"]"],
    );
    // What takes effect at once, or is not understood, stays where it was: all of it.
    for part in [
        "cp -r dist /var/www",
        "./deploy.sh",
        "npm run pm2:prod",
        "sudo pm2 reload web",
        "npm ci; pm2 reload web",
    ] {
        let text = format!("npm ci && {part}");
        has(&hook("date", &text), &[&format!("post-deploy = \"{text}\""), "post-deploy runs whole"]);
    }
    // A release is no work tree.
    has(
        &hook("date", "git rev-parse HEAD >version && pm2 reload web"),
        &["post-deploy runs whole", "REVISION"],
    );
    has(
        &hook("git rev-parse HEAD >~/version", "pm2 reload web"),
        &["pre-deploy = \"git rev-parse HEAD", "REVISION"],
    );
}

#[test]
fn a_local_script_is_what_the_host_runs() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("setup.sh"), "echo set up\n").unwrap();
    let resolved = |setup: &str| {
        let text =
            format!("{{ deploy: {{ production: {{ host: 'h', {WHOLE}, 'pre-setup': '{setup}' }} }} }}");
        fs::write(directory.path().join("ecosystem.json5"), text).unwrap();
        let document = read_in(directory.path(), "ecosystem.json5", &[])?;
        document.draft("production").map(|draft| draft.environment.apps[0].hooks.pre_setup[0].text.clone())
    };
    assert_eq!(resolved("./setup.sh").unwrap(), "echo set up\n");
    assert_eq!(resolved("./other.sh").unwrap(), "./other.sh");
    let error = resolved("./setup.sh now").unwrap_err().to_string();
    assert!(error.contains("arguments cannot be sent"), "{error}");
}

#[test]
fn what_else_is_refused() {
    refused(&format!("{{ host: [], {WHOLE} }}"), &["has no hosts"]);
    refused(&format!("{{ {WHOLE} }}"), &["`host` is missing"]);
    refused(&format!("{{ host: 'h', {WHOLE}, port: 'x' }}"), &["not a port"]);
    refused(
        &format!("{{ host: [{{ host: 'a', ref: 'b' }}], {WHOLE} }}"),
        &["`ref` cannot be set for one host"],
    );
    // Of the templates of older versions, and of pm2's documentation.
    for (key, left) in [
        ("host", "212.83.163.1"),
        ("host", "deploy@212.83.163.1"),
        ("repo", "repo.git"),
        ("user", "SSH_USERNAME"),
    ] {
        let section = format!("{{ user: 'u', host: 'h', {WHOLE}, {key}: '{left}' }}");
        refused(&section, &[&format!("`{key}` was never filled in"), "this is from pm2's template"]);
    }
    let error = read("ecosystem.config.js", "module.exports = { apps: [] }").err().unwrap().to_string();
    assert!(error.contains("has no `deploy` section"), "{error}");
}

#[test]
fn other_ways_to_write_the_same() {
    let expected = shown(
        &javascript(&format!(
            "{{ user: 'u', host: ['h'], port: 22, {WHOLE}, 'post-deploy': 'npm ci && pm2 reload web' }}"
        ))
        .unwrap(),
    );
    let section =
        "user: 'u', host: ['h'], port: 22, ref: 'origin/main', repo: 'git@h.example:a/b.git', path: '/srv/a'";
    for (file, text) in [
        ("ecosystem.json", format!("// deploys\n{{ \"apps\": [{{ \"name\": \"web\" }}], \"deploy\": {{ \"production\": {{ {}, \"post-deploy\": \"npm ci && pm2 reload web\", }} }} /* end */ }}", section.replace('\'', "\""))),
        ("ecosystem.json5", format!("// a comment before\n{{ apps: [{{ name: 'web' }}], deploy: {{ production: {{ {section}, 'post-deploy': 'npm ci && \\\npm2 reload web' }} }} }}")),
        ("ecosystem.json5", format!("{{ apps: [{{ name: 'web' }}], deploy: {{ production: {{ {section}, 'post-deploy': ['npm ci', 'pm2 reload web'].join(' && ') }} }} }}")),
        ("ecosystem.yml", "base: &base\n  user: u\n  host: [h]\n  port: 1\napps:\n  - name: web\ndeploy:\n  production:\n    <<: *base\n    port: 22\n    ref: origin/main\n    repo: git@h.example:a/b.git\n    path: /srv/a\n    post-deploy: npm ci && pm2 reload web\n".to_owned()),
        ("ecosystem.config.mjs", format!("export default {{ apps: [{{ name: 'web' }}], deploy: {{ production: {{ {section}, 'post-deploy': 'npm ci && pm2 reload web' }} }} }}")),
        ("ecosystem.config.cjs", format!("const deploy = {{}};\ndeploy.production = {{ {section}, 'post-deploy': 'npm ci && pm2 reload web' }};\nmodule.exports = {{ apps: [{{ name: 'web' }}], deploy }}")),
        ("package.json", format!("{{ \"name\": \"x\", \"apps\": [{{ \"name\": \"web\" }}], \"deploy\": {{ \"production\": {{ {}, \"post-deploy\": \"npm ci && pm2 reload web\" }} }} }}", section.replace("user:", "\"user\":").replace("host:", "\"host\":").replace("port:", "\"port\":").replace("ref:", "\"ref\":").replace("repo:", "\"repo\":").replace("path:", "\"path\":").replace('\'', "\""))),
    ] {
        let document = read(file, &text).unwrap_or_else(|error| panic!("{file}: {error}"));
        document.draft("production").unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(shown(&document), expected, "{file}\n{text}");
    }
}

#[test]
fn the_operators_variables_stay_variables_in_env_and_only_there() {
    let directory = tempfile::tempdir().unwrap();
    let text = "const { U, H, P } = process.env; module.exports = { deploy: { production: { user: U, host: H || 'h', repo: 'r:x',\n\
        ref: process.env.DEPLOY_REF || 'origin/main', path: `${P}/frontend`,\n\
        env: { PORT: process.env.PORT, DB_URL: `${process.env.DB_URL}?ssl=1`, MODE: 'production' } } } }";
    fs::write(directory.path().join("ecosystem.config.js"), text).unwrap();
    let env =
        [("U", "me"), ("H", "web1"), ("P", "/srv"), ("PORT", "80"), ("DB_URL", "postgres://u:secret@db/x")];
    let document = read_in(directory.path(), "ecosystem.config.js", &env).unwrap();
    let shown = shown(&document);
    for expected in
        ["user = \"me\"", "path = \"/srv/frontend\"", "MODE = \"production\"", "ref = \"origin/main\""]
    {
        assert!(shown.contains(expected), "{shown}");
    }
    assert!(!shown.contains("secret") && !shown.contains("\"80\""), "{shown}");
}

#[test]
fn yaml_that_asks_for_more_than_memory_holds_is_refused() {
    let mut text = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (before, after) in ["a", "b", "c", "d", "e", "f", "g"].iter().zip(["b", "c", "d", "e", "f", "g", "h"])
    {
        text += &format!("{after}: &{after} [{}]\n", vec![format!("*{before}"); 9].join(", "));
    }
    let error = read("ecosystem.yml", &text).err().unwrap().to_string();
    assert!(error.contains("anchors make more values"), "{error}");
    for (text, said) in [
        ("", "empty"),
        ("- a\n", "holds no table"),
        ("deploy: {", "not YAML"),
        ("deploy: *x\n", "not YAML"),
        ("deploy: {}\n", "has no environments"),
        ("deploy:\n  production:\n    ? [a]\n    : b\n", "a key must be a text"),
        ("deploy:\n  <<: 5\n", "merges a table"),
    ] {
        let error = read("ecosystem.yml", text).err().unwrap().to_string();
        assert!(error.contains(said), "{text}: {error}");
    }
}

#[test]
fn a_mistake_in_one_environment_leaves_the_others_alone() {
    let document =
        javascript(&format!("{{ host: 'h', {WHOLE} }}, staging: {{ host: [], {WHOLE} }}")).unwrap();
    assert!(document.draft("production").is_ok());
    assert!(document.draft("staging").is_err());
    assert_eq!(document.environments(), ["production", "staging"]);
}

#[test]
fn the_file_of_a_directory_is_the_one_that_pm2_would_read() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().canonicalize().unwrap().join(name);
    assert!(config::find(None, directory.path()).is_err());
    fs::write(at("package.json"), "{ \"name\": \"x\" }").unwrap();
    assert!(config::find(None, directory.path()).is_err(), "without a deploy section it is no configuration");
    fs::write(at("package.json"), "{ \"deploy\": {} }").unwrap();
    assert_eq!(config::find(None, directory.path()).unwrap(), at("package.json"));
    for name in [
        "ecosystem.json5",
        "ecosystem.config.mjs",
        "ecosystem.config.js",
        "ecosystem.yml",
        "ecosystem.json",
        "shipit.toml",
    ] {
        fs::write(at(name), "").unwrap();
        assert_eq!(config::find(None, directory.path()).unwrap(), at(name));
    }
}
