//! Ecosystem files as people write them: printing, throwing, in other languages and places, with paths of a release.

use std::fs;
use std::os::unix::fs::symlink;

use crate::lab::Lab;
use crate::on_each_pm2;

on_each_pm2! {
    a_file_that_misbehaves_is_refused_in_its_own_words,
    files_that_pm2_serves_are_live,
    files_are_read_in_every_language_that_pm2_reads,
    paths_of_the_release_become_paths_below_current,
}

#[test]
fn old_workers_that_may_take_long_are_announced_and_get_the_time() {
    let lab = Lab::new(7);
    let app =
        |kill: &str| lab.cluster().replace("instances: 2", &format!("instances: 2, kill_timeout: {kill}"));
    let takes = |release: &str| {
        let file = lab.root.join(".shipit/releases").join(release).join("supervisor.10.takes");
        fs::read_to_string(file).unwrap()
    };
    lab.release("r1", &app("20000"), "");
    lab.deployed("r1");
    lab.release("r2", &app("20000"), "");
    assert!(lab.step("detect", "r2", "deploy").all("warning").is_empty());
    assert_eq!(takes("r2"), "40\n", "two, one after the other");
    // Those of now end by their own time, those that have to be rolled back by that of the file.
    lab.release("r3", &app("200000"), "");
    let told = lab.step("detect", "r3", "deploy");
    assert_eq!(told.all("warning"), [["long-reload", "pm2", "web", "7 min"]]);
    lab.release("r4", &app("600000"), "");
    let told = lab.step("detect", "r4", "deploy");
    assert_eq!(told.all("warning"), [["reload-limit", "pm2", "web", "20 min", "540", "1260"]]);
    assert_eq!(takes("r4"), "1200\n");
}

fn a_file_that_misbehaves_is_refused_in_its_own_words(version: u32) {
    let lab = Lab::new(version);
    let app = lab.cluster();
    let bad = [
        (
            format!("console.log('[PM2] noise');\nmodule.exports = {{ apps: [{app}] }};\nnull.x"),
            "line 3: Cannot read",
        ),
        ("throw new Error('no DATABASE_URL')".to_string(), "no DATABASE_URL"),
        ("process.exit(0)".into(), "it ended the process (exit code 0)"),
        ("console.error('sorry'); process.exit(3)".into(), "it ended the process (exit code 3): sorry"),
        ("while (true) {}".into(), "it did not end within 10 s"),
        ("module.exports = { apps: [] }".into(), "it names no app"),
        ("module.exports = 7".into(), "it exports no apps"),
        ("module.exports = {".into(), "Unexpected"),
        ("module.exports = { apps: [{ name: 'web' }] }".into(), "an app has no script"),
        ("module.exports = { apps: [{ script: 'missing.js' }] }".into(), "missing.js does not exist"),
        (
            "module.exports = { apps: [{ script: 'app.js', cwd: 'nowhere' }] }".into(),
            "nowhere does not exist",
        ),
    ];
    for (text, said) in bad {
        lab.release_with("r1", "ecosystem.config.js", &text, "");
        let refused = lab.step("detect", "r1", "deploy");
        assert_eq!(refused.code, 10, "{text}");
        assert!(
            refused.reason().starts_with("bad-pm2-file ") && refused.reason().contains(said),
            "{}",
            refused.reason()
        );
    }
    let watched = app.replace("script:", "watch: ['src'], script:");
    lab.release("r1", &watched, "");
    assert_eq!(lab.step("detect", "r1", "deploy").reason(), "pm2-watch web");
    assert!(!lab.home.join(".pm2").exists(), "no daemon was started");
}

fn files_are_read_in_every_language_that_pm2_reads(version: u32) {
    let lab = Lab::new(version);
    let port = lab.port;
    let json = format!(
        "// a comment\n{{ apps: [ {{ \"name\": 'web', script: 'app.js', env: {{ PORT: {port} }}, args: ['a'].join('') }} ] }}"
    );
    let yaml = format!("apps:\n  - name: web\n    script: ./app.js\n    env:\n      PORT: {port}\n");
    let module = format!("export default {{ apps: [{}] }}", lab.cluster());
    let package = format!(
        "{{ \"name\": \"x\", \"pm2\": [ {{ \"name\": \"web\", \"script\": \"app.js\", \"env\": {{ \"PORT\": {port} }} }} ] }}"
    );
    let noisy =
        format!("console.log('{{}}'); console.error('[]'); module.exports = {{ apps: {} }}", lab.fork());
    let files = [
        ("ecosystem.json", json.clone()),
        ("ecosystem.json5", json.clone()),
        ("process.json", json),
        ("ecosystem.yml", yaml.clone()),
        ("ecosystem.yaml", yaml),
        ("ecosystem.config.mjs", module),
        ("ecosystem.config.cjs", noisy.clone()),
        ("ecosystem.config.js", noisy),
        ("package.json", package),
    ];
    for (number, (file, text)) in files.iter().enumerate() {
        let release = format!("r{number}");
        lab.release_with(&release, file, text, "");
        let detected = lab.step("detect", &release, "deploy");
        assert_eq!(detected.code, 0, "{file}: {}", detected.reason());
        let app = &lab.stored(&release)["apps"][0];
        assert_eq!(
            (app["name"].as_str(), app["env"]["PORT"].as_u64()),
            (Some("web"), Some(port.into())),
            "{file}"
        );
        assert_eq!(app["cwd"], lab.root.join("current").to_str().unwrap());
    }
}

fn paths_of_the_release_become_paths_below_current(version: u32) {
    let mut lab = Lab::new(version);
    let current = lab.root.join("current");
    let text = format!(
        "const path = require('path'); module.exports = {{ apps: [\
         {{ name: 'a', script: './app.js', cwd: __dirname, error_file: './logs/a.log', args: '--at ' + __dirname + '/x', env: {{ PORT: {}, P: __dirname + ':/bin' }} }},\
         {{ name: 'b', script: path.join(process.cwd(), 'app.js'), env: {{ DEEP: {{ at: __dirname }} }} }},\
         {{ name: 'c', script: 'app.js', cwd: path.resolve(__dirname, '../../current') }},\
         {{ name: 'd', script: 'npm start' }}, {{ name: 'e', script: 'npm', args: 'start', cwd: './sub' }} ] }}",
        lab.port
    );
    let release = lab.root.join("releases/r1");
    fs::create_dir_all(release.join("sub")).unwrap();
    // The file itself lies in `shared`, behind a link.
    lab.release_with("r1", "", "", "");
    fs::write(lab.root.join("shared/ecosystem.config.js"), text).unwrap();
    symlink("../../shared/ecosystem.config.js", release.join("ecosystem.config.js")).unwrap();
    let detected = lab.step("detect", "r1", "deploy");
    assert_eq!(detected.code, 0, "{}", detected.reason());
    assert!(detected.has_warning("log-in-release", "a"), "{:?}", detected.answers);
    let stored = lab.stored("r1");
    let at = current.to_str().unwrap();
    let apps = stored["apps"].as_array().unwrap();
    for (app, cwd) in apps.iter().zip([at, at, at, at, &format!("{at}/sub")]) {
        assert_eq!(app["cwd"], *cwd, "{app}");
    }
    assert_eq!(apps[0]["error_file"], format!("{at}/logs/a.log"));
    assert_eq!(
        (apps[0]["args"].as_str(), apps[0]["env"]["P"].as_str()),
        (Some(&*format!("--at {at}/x")), Some(&*format!("{at}:/bin")))
    );
    assert_eq!(apps[1]["env"]["DEEP"], format!("{{\"at\":\"{at}\"}}"));
    assert!(!stored.to_string().contains("releases/r1/app"), "{stored}");
    // A file that lies elsewhere, and one that is not there.
    lab.parameters.push("file\t~/cfg/web.json".into());
    lab.release_with("r2", "", "", "");
    assert!(lab.step("detect", "r2", "deploy").reason().starts_with("bad-pm2-file ~/cfg/web.json"));
    fs::create_dir(lab.home.join("cfg")).unwrap();
    fs::write(lab.home.join("cfg/web.json"), "{ apps: [{ name: 'web', script: 'app.js' }] }").unwrap();
    assert_eq!(lab.step("detect", "r2", "deploy").code, 0);
    assert_eq!(lab.stored("r2")["apps"][0]["cwd"], at);
}

#[test]
fn the_environment_of_the_file_is_chosen_by_name() {
    let mut lab = Lab::new(7);
    let text = "module.exports = { apps: [{ name: 'web', script: 'app.js', env: { A: 1, B: 1 }, env_production: { A: 2 }, env_staging: { A: 3 } }],\
                deploy: { staging: { env: { C: 4, B: 9 } } } }";
    let env = |lab: &Lab| {
        lab.release_with("r1", "ecosystem.config.js", text, "");
        assert_eq!(lab.step("detect", "r1", "deploy").code, 0);
        lab.stored("r1")["apps"][0]["env"].to_string()
    };
    assert_eq!(env(&lab), r#"{"A":2,"B":1}"#);
    lab.parameters[2] = "environment\tother".into();
    assert_eq!(env(&lab), r#"{"A":1,"B":1}"#);
    lab.parameters.push("env\tstaging".into());
    assert_eq!(env(&lab), r#"{"A":3,"B":1,"C":4}"#);
}

#[test]
fn what_is_missing_is_named() {
    let mut lab = Lab::new(7);
    lab.release_with("r1", "", "", "");
    assert!(lab.step("detect", "r1", "deploy").reason().starts_with("no-pm2-file "));
    lab.parameters.push("only\tworker".into());
    lab.release("r2", &lab.cluster(), "");
    assert_eq!(lab.step("detect", "r2", "deploy").reason(), "no-pm2-app worker ecosystem.config.js");
    // pm2 out of the app's own packages would go with its release.
    let own = lab.root.join("releases/r1/node_modules/pm2");
    fs::create_dir_all(own.join("bin")).unwrap();
    fs::write(own.join("package.json"), "{\"name\":\"pm2\",\"version\":\"7.0.0\"}").unwrap();
    fs::write(own.join("bin/pm2"), "#!/usr/bin/env node\n").unwrap();
    let bin = lab.base.join("bin");
    fs::create_dir(&bin).unwrap();
    symlink(own.join("bin/pm2"), bin.join("pm2")).unwrap();
    fs::set_permissions(own.join("bin/pm2"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    lab.env.push(("PATH".into(), format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display())));
    assert_eq!(lab.step("detect", "r2", "deploy").reason(), format!("pm2-in-release {}", own.display()));
    lab.env[0].1 = "/nowhere".into();
    let failed = lab.step("detect", "r2", "deploy");
    assert_ne!(failed.code, 0, "without node not even the adapter starts");
}

// What such a shim prints, and pm2 on its first start, comes before any answer.
#[test]
fn a_shim_of_a_version_manager_that_prints_a_banner_leads_to_pm2() {
    let mut lab = Lab::new(7);
    let shims = lab.base.join("shims");
    fs::create_dir(&shims).unwrap();
    let banner = "[PM2] welcome\n[{\"name\":\"web\",\"pm2_env\":{\"status\":\"stopped\"}}]\nat:/nowhere";
    let shim =
        format!("#!/bin/sh\necho '{banner}'\necho '{banner}' >&2\nexec {} \"$@\"\n", lab.program("pm2"));
    fs::write(shims.join("pm2"), shim).unwrap();
    fs::set_permissions(shims.join("pm2"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    lab.env.push(("PATH".into(), format!("{}:/usr/local/bin:/usr/bin:/bin", shims.display())));
    for release in ["r1", "r2"] {
        lab.release(release, &lab.cluster(), "");
        lab.deployed(release);
        assert_eq!(lab.releases(), [release]);
    }
    assert_eq!(lab.step("status", "r2", "status").code, 0);
}

fn files_that_pm2_serves_are_live(version: u32) {
    let lab = Lab::new(version);
    let app = format!(
        "{{ name: 'site', script: 'serve', env: {{ PM2_SERVE_PATH: './public', PM2_SERVE_PORT: {} }} }}",
        lab.port
    );
    for release in ["r1", "r2"] {
        lab.release(release, &app, "");
        fs::create_dir(lab.root.join("releases").join(release).join("public")).unwrap();
        let page = lab.root.join("releases").join(release).join("public/index.html");
        fs::write(page, format!("{{\"release\":\"{release}\"}}")).unwrap();
    }
    assert!(lab.step("detect", "r1", "deploy").has_warning("live-at-switch", "site"));
    lab.deployed("r1");
    assert_eq!(lab.releases(), ["r1"]);
    lab.deployed("r2");
    assert_eq!(lab.releases(), ["r2"]);
}
