//! Each shape of a `deploy` section that is found in public repositories, under its number: read, written by `import` so that
//! it means the same, and planned; or refused with place and remedy.

use std::fs;

use shipit::config;
use shipit::plan::{self, Options};

use crate::config_pm2::{read_in, remarks, same_when_written};

/// What a shape may leave out here: it is the same in each.
const REST: &str = "ref: 'origin/main', repo: 'git@h.example:a/b.git', path: '/srv/a'";

/// A section as it is found; REST stands for what says nothing new.
struct Shape {
    number: u32,
    file: &'static str,
    text: &'static str,
    expected: &'static [&'static str],
    /// Otherwise it is refused, and says so.
    read: bool,
}

const fn javascript(number: u32, text: &'static str, expected: &'static [&'static str]) -> Shape {
    Shape { number, file: "ecosystem.config.js", text, expected, read: true }
}

const fn refused(number: u32, text: &'static str, expected: &'static [&'static str]) -> Shape {
    Shape { number, file: "ecosystem.config.js", text, expected, read: false }
}

const fn of(file: &'static str, number: u32, text: &'static str, expected: &'static [&'static str]) -> Shape {
    Shape { number, file, text, expected, read: true }
}

const YAML: &str = "apps:
  - name: web
deploy:
  production:
    user: root
    host: [203.0.113.1]
    port: 2222
    ref: origin/main
    repo: git@h.example:a/b.git
    path: /srv/a
    post-deploy: docker build -t x . && old=$(docker ps -aq -f name=x) && if [ -n \"$old\" ]; then docker rm -f $old; fi && docker run -d --name x x
";

const SHAPES: [Shape; 28] = [
    javascript(
        1,
        "production: { user: 'node', host: '203.0.113.1', ref: 'origin/master', repo: 'git@h.example:a/b.git', path: '/var/www/production',\n\
         'post-deploy': 'npm install && pm2 reload ecosystem.config.js --env production' }",
        &[
            "user = \"node\"",
            "ref = \"origin/master\"",
            "build = \"npm install\"",
            "supervisor = \"pm2\"",
            "js:2: post-deploy is split",
        ],
    ),
    refused(
        2,
        "production: { user: 'SSH_USERNAME', host: 'SSH_HOSTMACHINE', ref: 'origin/master', repo: 'GIT_REPOSITORY', path: 'DESTINATION_PATH', 'pre-setup': '' }",
        &[
            "`user` was never filled in",
            "`host` was never",
            "`repo` was never",
            "`path` was never",
            "js:1:",
            "write the hosts as after `ssh`",
        ],
    ),
    javascript(
        3,
        "production: { host: ['a', 'b', 'c'], ssh_options: 'StrictHostKeyChecking=no', 'pre-deploy-local': './deploy_env', REST }",
        &[
            "host = [\"a\", \"b\", \"c\"]",
            "ssh-options = [\"StrictHostKeyChecking=no\"]",
            "pre-deploy-local = \"./deploy_env\"",
            "no post-deploy",
        ],
    ),
    javascript(
        4,
        "production: { host: 'h', ssh_options: ['StrictHostKeyChecking=no', 'PasswordAuthentication=no'], REST }",
        &["ssh-options = [\"StrictHostKeyChecking=no\", \"PasswordAuthentication=no\"]"],
    ),
    javascript(
        5,
        "production: { host: ['h'], port: '22', ref: 'origin/main', repo: 'r:x', path: '/root' }",
        &["port = 22", "path = \"/root\""],
    ),
    javascript(
        6,
        "production: { user: 'me', host: 'me@203.0.113.7', key: '~/.ssh/me.pem', REST }",
        &["me@203.0.113.7", "me.pem"],
    ),
    refused(
        7,
        "production: { host: ['site.example -p 625'], REST }",
        &["holds options of ssh", "js:1:", "write host: 'site.example' and port: '625'"],
    ),
    refused(
        8,
        "user: 'root', host: 'h', REST",
        &["`deploy` has no environments", "js:1:", "deploy: { production: {"],
    ),
    javascript(
        9,
        "production: { host: 'h', 'post-deploy': 'npm install', 'post-deploy': 'pm2 startOrRestart e.json', REST }",
        &["`post-deploy` is given twice", "file = \"e.json\""],
    ),
    refused(
        10,
        "production: { host: 'h', key: 'id_rsa.pub', REST }",
        &["public key", "js:1:", "key: 'id_rsa'"],
    ),
    javascript(10, "production: { host: 'h', key: 'deploy.key', REST }", &["deploy.key"]),
    javascript(10, "production: { host: 'h', key: '../x.pem', REST }", &["x.pem"]),
    refused(
        11,
        "production: { host: 'h', 'post-deploy': ['cd app', 'npm ci', 'npm run build'], REST }",
        &["`post-deploy` is a list", "js:1:", "join(' && ')"],
    ),
    of(
        "ecosystem.json5",
        12,
        "{ deploy: { production: { host: 'h', 'post-deploy': ['npm i', 'pm2 startOrRestart e.json5'].join(' && '), REST } } }",
        &["build = \"npm i\"", "file = \"e.json5\""],
    ),
    of(
        "ecosystem.json5",
        13,
        "// what deploys\n{ deploy: { production: { host: 'h', 'post-deploy': '\\\nnpm install && \\\ncp ../p.json5 ./config/', REST } } }",
        &["post-deploy = \"npm install && cp ../p.json5 ./config/\"", "runs whole after the switch"],
    ),
    of(
        "whole.config.js",
        14,
        "require('./dotenv').config(); const { U, H, P } = process.env;\n\
         module.exports = { deploy: { production: { user: U, host: H, ref: 'origin/main', repo: 'r:x', path: `${P}/frontend`,\n\
         'pre-deploy-local': `scp .env ${U}@${H}:${P}` } } };",
        &[
            "user = \"ann\"",
            "host = [\"web1\"]",
            "path = \"/srv/frontend\"",
            "pre-deploy-local = \"scp .env ann@web1:/srv\"",
        ],
    ),
    javascript(
        15,
        "production: { host: ['prod-app'], ssh_options: ['IdentitiesOnly=yes'], repo: 'r:x', path: '/srv/a', ref: process.env.DEPLOY_REF || 'origin/main' }",
        &["ref = \"origin/main\"", "ssh-options = [\"IdentitiesOnly=yes\"]"],
    ),
    javascript(
        16,
        "production: { host: 'appprod', env: { NODE_ENV: 'production' }, REST }",
        &["host = [\"appprod\"]", "NODE_ENV = \"production\""],
    ),
    of(
        "ecosystem.yml",
        17,
        YAML,
        &[
            "port = 2222",
            "post-deploy = ",
            "old=$(docker ps -aq -f name=x) && if [ -n",
            "yml:11: post-deploy runs whole",
        ],
    ),
    javascript(
        18,
        "production: { host: 'h', ssh_options: 'ForwardAgent=yes', 'post-deploy': 'source ~/.nvm/nvm.sh && npm i && pm2 reload e.config.js', REST }",
        &[
            "forward-agent = \"all\"",
            "profile = [\"~/.nvm/nvm.sh\"]",
            "build = \"npm i\"",
            "file = \"e.config.js\"",
            "lends your agent to every hook",
        ],
    ),
    javascript(18, "production: { host: 'h', 'forward-agent': 'yes', REST }", &["forward-agent = \"all\""]),
    javascript(
        19,
        "production: { host: 'h', 'pre-deploy': 'git reset --hard', 'post-deploy': 'npm i; pm2 startOrRestart ~/cfg/x.json; pm2 save', REST },\n\
         staging: { host: 'h', ref: 'origin/dev', repo: 'r:x', path: '/srv/staging' }",
        &[
            "`git reset --hard` is left out",
            "post-deploy = \"npm i; pm2 startOrRestart ~/cfg/x.json; pm2 save\"",
        ],
    ),
    javascript(
        20,
        "production: { host: 'h', 'pre-setup': 'sudo mkdir -p /var/www && sudo chown -R $USER:$USER /var/www', REST }",
        &["pre-setup = \"sudo mkdir -p /var/www && sudo chown -R $USER:$USER /var/www\""],
    ),
    javascript(
        20,
        "production: { host: 'h', 'pre-setup': 'rm -r /var/x/*', REST }",
        &["pre-setup = \"rm -r /var/x/*\""],
    ),
    refused(
        21,
        "production: { host: 'h', repo: '', copy: true, ref: 'main', path: '/x' }",
        &["`repo` is missing", "js:1:", "repo: 'git@github.com:acme/shop.git'"],
    ),
    javascript(
        22,
        "production: { host: 'localhost', ref: 'origin/dev', repo: 'r:x', path: '/srv/a', 'post-deploy': 'cd backend && npm i && pm2 reload e.config.js' }",
        &["build = \"cd backend && npm i\"", "file = \"backend/e.config.js\""],
    ),
    javascript(
        23,
        "production: { host: 'h', ref: 'main', repo: 'r:x', path: '/srv/a', 'post-deploy': './scripts/postDeploy.sh && /home/u/.nvm/versions/node/v22/bin/pnpm i' }",
        &["ref = \"main\"", "post-deploy = \"./scripts/postDeploy.sh &&"],
    ),
    javascript(
        24,
        "production: { host: 'h', env: { PORT: process.env.PORT, DB_URL: process.env.NOT_SET }, REST }",
        &["`env.DB_URL` is undefined"],
    ),
];

fn text(shape: &Shape) -> String {
    let text = shape.text.replace("REST", REST);
    match shape.file {
        "ecosystem.config.js" => {
            format!("module.exports = {{ apps: [{{ name: 'web', script: 'a.js' }}], deploy: {{ {text} }} }};")
        }
        _ => text,
    }
}

fn error_of(shape: &Shape, directory: &std::path::Path) -> Option<String> {
    let env = [("U", "ann"), ("H", "web1"), ("P", "/srv"), ("PORT", "80")];
    let document = match read_in(directory, shape.file, &env) {
        Ok(document) => document,
        Err(error) => return Some(error.to_string()),
    };
    if let Err(error) = document.draft("production") {
        return Some(error.to_string());
    }
    let shown = same_when_written(&document) + &remarks(&document);
    for expected in shape.expected {
        assert!(shown.contains(expected), "shape {}: {expected}\nis missing from\n{shown}", shape.number);
    }
    planned(shape, &document);
    None
}

/// What `import` writes can be planned: setup, deploy and revert.
fn planned(shape: &Shape, document: &config::Document) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    fs::write(&file, document.written(&std::collections::BTreeMap::new(), &[])).unwrap();
    for name in document.environments() {
        let environment = config::load(&file, &name).unwrap_or_else(|error| panic!("{error}"));
        let lookup = |_: &str| Some("a value".to_owned());
        let env =
            environment.sites.iter().map(|site| environment.evaluate_env(site, &lookup).unwrap()).collect();
        let options = Options { env, ..Options::default() };
        for make in [plan::deploy, plan::setup, plan::revert] {
            assert!(!make(environment.clone(), &options).stages.is_empty(), "shape {}", shape.number);
        }
    }
}

#[test]
fn every_shape_is_read_imported_and_planned_or_refused_with_place_and_remedy() {
    for shape in &SHAPES {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(shape.file), text(shape)).unwrap();
        fs::write(directory.path().join("dotenv.js"), "exports.config = () => {};").unwrap();
        match (error_of(shape, directory.path()), shape.read) {
            (None, true) => {}
            (Some(error), false) => {
                for expected in shape.expected {
                    assert!(
                        error.contains(expected),
                        "shape {}: {expected}\nis missing from\n{error}",
                        shape.number
                    );
                }
            }
            (error, _) => panic!("shape {}: {error:?}", shape.number),
        }
    }
    let mut numbers: Vec<u32> = SHAPES.iter().map(|shape| shape.number).collect();
    numbers.dedup();
    assert_eq!(numbers, (1..=24).collect::<Vec<u32>>());
}
