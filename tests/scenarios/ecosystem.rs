//! A file of pm2's in place of a `shipit.toml`: found, run by node and no other command, deployed from.

use std::fs;

use crate::common::{Kind, World};

const APPS: &str = "apps: [{ name: 'web', script: 'page' }]";

fn write(world: &World, file: &str, text: &str) {
    world.repo.write(file, text);
    fs::write(world.repo.work().join(".git/info/exclude"), "/ecosystem.*\n/started\n/shipit.toml\n").unwrap();
}

fn section(world: &World, more: &str) -> String {
    let hosts: Vec<String> = world.hosts().iter().map(|host| format!("'{}'", host.name())).collect();
    let repo = world.repo.url();
    format!(
        "deploy: {{ production: {{ host: [{}], ref: 'origin/main', repo: '{repo}', path: 'app', {more} }} }}",
        hosts.join(", ")
    )
}

#[test]
fn what_a_file_does_instead_of_exporting_is_told_and_nothing_is_contacted() {
    let world = World::new(Kind::InProcess, 1);
    let read = |text: &str, said: &[&str]| {
        write(&world, "ecosystem.config.js", text);
        let run = world.shipit(&["production"]).ends_with(2);
        assert!(run.stdout.is_empty(), "{run}");
        said.iter()
            .chain(&["ecosystem.config.js"])
            .for_each(|said| assert!(run.stderr.contains(said), "{said}: {run}"));
    };
    read("let a = 1\nthrow new Error('no database')", &["js:2: threw Error: no database"]);
    read("require('no-such-module')", &["js:1: threw Error: Cannot find module", "npm install"]);
    read("module.exports = {\n a: ,\n}", &["js:2: threw SyntaxError"]);
    read(
        "console.log('so far'); console.error('\\u001b[2Jso good'); process.exit(0)",
        &["exit code 0", "| so far", "so good"],
    );
    read("module.exports = () => ({})", &["js:1: exports a function"]);
    read("\nmodule.exports = (async () => ({}))()", &["js:2: exports a promise"]);
    read("const deploy = {}", &["exports nothing"]);
    read("module.exports = 'x'", &["exports something that is no table"]);
    read("module.exports = { apps: [] }", &["has no `deploy` section"]);
    read("module.exports = { deploy: { production: {} } }", &["`host` is missing", "`repo` is missing"]);
    read("require('fs').writeSync(3, '{}\\n'); module.exports = {}", &["descriptor 3"]);
    read("while (true) {}", &["did not finish within 10 s"]);
    write(&world, "ecosystem.config.mjs", "await new Promise(() => {})");
    world
        .shipit(&["ecosystem.config.mjs", "production"])
        .ends_with(2)
        .says("waits for something that never comes");
    // What a shell ends with where there is none.
    world.tool("node", "#!/bin/sh\nexit 127\n");
    world.shipit(&["production"]).ends_with(2).says("node, which is not found here");
    assert_eq!(world.host("web1").logins(), 0);
}

#[test]
fn a_file_of_pm2_deploys_and_only_what_plans_runs_it() {
    let world = World::new(Kind::Sshd, 2);
    let hooks = "env: { greeting: 'it\\'s $HOME' }, 'pre-deploy-local': 'echo here >>started', 'post-deploy': \
        'pwd >~/where && echo \"$GREETING $SHARED\" >~/said'";
    let text = format!(
        "require('fs').appendFileSync('started', 'run\\n'); console.log('noise');\nmodule.exports = {{ {APPS}, {} }}",
        section(&world, hooks)
    );
    write(&world, "ecosystem.config.js", &text);
    let started = || fs::read_to_string(world.repo.work().join("started")).unwrap_or_default();
    world.shipit(&["production", "config"]).ends_with(2).says("`shipit import`");
    world.shipit(&["envs"]).ends_with(2).says("node");
    world.shipit(&["completions", "candidates", "--", "shipit", ""]).ends_with(0);
    assert_eq!(started(), "");
    world.publish("one");
    world.shipit(&["ecosystem.config.js", "production", "setup"]).ends_with(0);
    let run = world.shipit(&["production"]).ends_with(0).says("post-deploy runs whole after the switch");
    assert!(!run.stdout.contains("noise") && !run.stderr.contains("noise"), "{run}");
    world.serve("one");
    assert_eq!(started(), "run\nrun\nhere\n", "the hook runs once, not once per host");
    for host in world.hosts() {
        let home = fs::canonicalize(host.path("")).unwrap();
        let current = fs::canonicalize(host.path("app/current")).unwrap();
        let pwd = host.read("where").unwrap();
        assert_eq!(fs::canonicalize(pwd.trim()).unwrap(), current);
        assert_eq!(host.read("said").unwrap(), format!("it's $HOME {}/app/shared\n", home.display()));
    }
    world.publish("two");
    world.shipit(&["-c", "ecosystem.config.js", "production"]).ends_with(0);
    world.shipit(&["production", "revert"]).ends_with(0);
    world.serve("one");
}
