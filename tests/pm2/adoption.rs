//! Apps that people started before shipit came: bound to a folder, stopped, missing, of somebody else.

use std::fs;

use crate::client::Client;
use crate::lab::Lab;
use crate::{on_each_pm2, process};

on_each_pm2! {
    a_pinned_cluster_app_is_moved_without_a_gap,
    a_pinned_fork_app_is_moved_and_keeps_what_its_shell_exported,
    a_stopped_app_stays_stopped_and_one_that_nobody_started_stays_away,
    an_app_of_the_same_name_elsewhere_is_never_touched,
    what_a_reload_of_pm2_would_not_apply_is_applied,
    apps_in_no_file_are_moved_too,
}

fn a_pinned_cluster_app_is_moved_without_a_gap(version: u32) {
    let lab = Lab::new(version);
    lab.release("r1", &lab.cluster(), "");
    lab.release("r2", &lab.cluster(), "");
    lab.switch("r1");
    lab.pm2_in("current", "", &["start", "ecosystem.config.js"]);
    assert_eq!(lab.releases(), ["r1"]);
    let detected = lab.step("detect", "r2", "deploy");
    assert!(
        detected.has_warning("will-recreate", "web") && !detected.has_warning("gap", "web"),
        "{:?}",
        detected.answers
    );
    let client = Client::start(lab.port);
    lab.deployed("r2");
    let (asked, lost) = client.end();
    assert_eq!((lost, lab.releases()), (0, vec!["r2".to_string()]), "of {asked}");
    let web = lab.named("web");
    assert_eq!(web.len(), 2);
    for one in web {
        assert_eq!(one["pm2_env"]["pm_exec_path"], lab.root.join("current/app.js").to_str().unwrap());
    }
}

fn a_pinned_fork_app_is_moved_and_keeps_what_its_shell_exported(version: u32) {
    let mut lab = Lab::new(version);
    // As pm2-deploy leaves it: the work tree is `source`.
    lab.release("r1", &lab.fork(), "");
    fs::rename(lab.root.join("releases/r1"), lab.root.join("source")).unwrap();
    let exported = format!("PORT={} APP_SECRET=by-hand SSH_CLIENT=here", lab.port);
    lab.pm2_in("source", &exported, &["start", "app.js", "--name", "web"]);
    lab.env = vec![("APP_MODE".into(), "configured".into())];
    lab.knows(&["web fork", "new fork", "idle cluster"]);
    lab.release("r2", &lab.fork(), "");
    let today = [["web", "moved", "fork", "1", "online", "source", "gap"]];
    let missing = ["new", "idle"].map(|name| [name, "away", "-", "0", "-", "-", "-"]);
    assert_eq!(lab.today("r2"), [&today[..], &missing].concat());
    let detected = lab.step("detect", "r2", "deploy");
    for warning in ["will-recreate", "gap", "fork-mode"] {
        assert!(detected.has_warning(warning, "web"), "{warning}: {:?}", detected.answers);
    }
    lab.deployed("r2");
    let served = lab.served();
    assert_eq!(served["release"], "r2");
    assert_eq!(
        (served["env"]["APP_SECRET"].as_str(), served["env"]["APP_MODE"].as_str()),
        (Some("by-hand"), Some("configured"))
    );
    assert!(!lab.list()[0]["pm2_env"].to_string().contains("SSH_CLIENT"), "nothing of a session stays");
    lab.release("r3", &lab.fork(), "");
    lab.deployed("r3");
    assert_eq!(lab.served()["env"]["APP_SECRET"], "by-hand");
}

fn a_stopped_app_stays_stopped_and_one_that_nobody_started_stays_away(version: u32) {
    let mut lab = Lab::new(version);
    let two = format!(
        "{}, {{ name: 'idle', script: 'app.js' }}, {{ name: 'never', script: 'app.js' }}",
        lab.cluster()
    );
    lab.release("r1", &two, "");
    lab.switch("r1");
    lab.pm2_in("current", "", &["start", "ecosystem.config.js", "--only", "web"]);
    lab.pm2_in("current", "", &["start", "ecosystem.config.js", "--only", "idle"]);
    lab.pm2(&["stop", "idle"]);
    lab.knows(&["web cluster", "idle fork"]);
    lab.release("r2", &two, "");
    let web = ["web", "moved", "cluster", "2", "online", "releases/r1", "-"];
    let idle = ["idle", "stopped", "fork", "0", "stopped", "releases/r1", "-"];
    assert_eq!(lab.today("r2"), [web, idle]);
    lab.deployed("r2");
    assert_eq!(lab.named("idle")[0]["pm2_env"]["status"], "stopped");
    assert!(lab.named("never").is_empty());
    let detected = lab.step("detect", "r2", "deploy");
    assert!(detected.has_warning("stopped-app", "idle"));
    // What the file names newly is started, and goes again with its release.
    lab.release(
        "r3",
        &format!("{two}, {{ name: 'new', script: 'app.js', env: {{ PORT: {} }} }}", crate::lab::free_port()),
        "",
    );
    lab.deployed("r3");
    assert_eq!((lab.named("new").len(), lab.named("never").len()), (1, 0));
    lab.roll_back("r2");
    assert_eq!((lab.named("new").len(), lab.releases()), (0, vec!["r2".to_string()]));
}

fn an_app_of_the_same_name_elsewhere_is_never_touched(version: u32) {
    let mut lab = Lab::new(version);
    fs::write(lab.home.join("other.js"), "setInterval(() => {}, 1000)").unwrap();
    lab.pm2(&["start", "other.js", "--name", "web"]);
    let pid = lab.list()[0]["pid"].as_u64();
    lab.knows(&["web cluster", "new cluster"]);
    lab.release("r1", &lab.cluster(), "");
    let place = lab.home.join("other.js");
    let taken = ["web", "taken", "fork", "0", "online", place.to_str().unwrap(), "-"];
    assert_eq!(lab.today("r1"), [taken, ["new", "started", "-", "0", "-", "-", "-"]]);
    let refused = lab.step("detect", "r1", "deploy");
    assert_eq!(refused.code, 10);
    assert!(refused.has_warning("not-ours", "web"), "{:?}", refused.answers);
    assert_eq!(refused.reason(), format!("pm2-name-taken web {}", place.display()));
    // Where both run, only ours is reloaded.
    lab.pm2(&["delete", "web"]);
    lab.deployed("r1");
    lab.pm2(&["start", "other.js", "--name", "web", "--force"]);
    let other = |lab: &Lab| {
        let mut list = lab.named("web");
        list.retain(|one| one["pm2_env"]["pm_cwd"] == lab.home.to_str().unwrap());
        (list.len(), list[0]["pid"].as_u64())
    };
    let before = other(&lab);
    lab.release("r2", &lab.cluster(), "");
    lab.deployed("r2");
    assert_eq!((other(&lab), lab.releases()), (before, vec!["r2".to_string()]));
    assert_ne!(pid, before.1);
}

fn what_a_reload_of_pm2_would_not_apply_is_applied(version: u32) {
    let lab = Lab::new(version);
    lab.release("r1", &lab.fork(), "");
    lab.deployed("r1");
    // Another script, mode, number, log file, namespace and interpreter options at once.
    let changed = format!(
        "{{ name: 'web', script: './bin/server.js', exec_mode: 'cluster', instances: 3, out_file: './logs/out.log', merge_logs: true, \
         namespace: 'shop', node_args: '--no-warnings', max_memory_restart: '300M', env: {{ PORT: {} }} }}",
        lab.port
    );
    fs::create_dir_all(lab.root.join("releases/r2/bin")).unwrap();
    fs::write(lab.root.join("releases/r2/bin/server.js"), "require('../app.js')").unwrap();
    lab.release("r2", &changed, "");
    let detected = lab.step("detect", "r2", "deploy");
    assert!(detected.has_warning("will-recreate", "web"), "{:?}", detected.answers);
    lab.deployed("r2");
    assert_eq!(lab.releases(), ["r2"]);
    let web = lab.named("web");
    assert_eq!(web.len(), 3);
    for one in &web {
        let env = &one["pm2_env"];
        assert_eq!(
            (env["exec_mode"].as_str(), env["namespace"].as_str()),
            (Some("cluster_mode"), Some("shop"))
        );
        assert_eq!(env["pm_exec_path"], lab.root.join("current/bin/server.js").to_str().unwrap());
        assert_eq!(env["pm_out_log_path"], lab.root.join("current/logs/out.log").to_str().unwrap());
        assert_eq!(env["max_memory_restart"], 300 * 1024 * 1024);
    }
    let detected = lab.step("detect", "r2", "deploy");
    assert!(!detected.has_warning("will-recreate", "web"), "{:?}", detected.answers);
    // And all of it back.
    lab.new_run();
    lab.roll_back("r1");
    let web = lab.named("web");
    assert_eq!((web.len(), lab.releases()), (1, vec!["r1".to_string()]));
    let env = &web[0]["pm2_env"];
    assert_eq!((env["exec_mode"].as_str(), env["namespace"].as_str()), (Some("fork_mode"), Some("default")));
    assert!(env["max_memory_restart"].is_null());
}

fn apps_in_no_file_are_moved_too(version: u32) {
    let lab = Lab::new(version);
    lab.release_with("r1", "", "", "");
    lab.release_with("r2", "", "", "");
    lab.switch("r1");
    let port = format!("PORT={}", lab.port);
    lab.pm2_in("releases/r1", &port, &["start", "app.js", "--name", "by hand", "-i", "2"]);
    assert_eq!(lab.today("r2"), [["by hand", "moved", "cluster", "2", "online", "releases/r1", "-"]]);
    assert_eq!(lab.releases(), ["r1"]);
    lab.deployed("r2");
    assert_eq!(lab.releases(), ["r2"]);
    let status = lab.step("status", "r2", "status");
    assert_eq!(
        (status.code, status.all("process").len(), status.all("process")[0][5].as_str()),
        (0, 2, "by hand")
    );
    assert_eq!(lab.today("r2"), [["by hand", "reloaded", "cluster", "2", "online", "current", "-"]]);
    let killed = lab.daemon();
    process::signal(killed, process::Signal::KILL);
    assert_eq!(lab.step("status", "r2", "status").code, 0, "nothing is expected of nothing");
    let asked = lab.step("today", "r2", "check");
    assert_eq!(asked.reason(), format!("supervisor-down pm2 no daemon runs in {}/.pm2", lab.home.display()));
    assert_eq!(lab.daemon(), killed, "a question starts no daemon");
}

/// Three processes by hand, and `max` in the file, which is compared as it is written.
#[test]
fn a_number_by_hand_stays_where_the_file_says_max_and_a_module_is_not_ours() {
    let lab = Lab::new(7);
    let app = lab.cluster().replace("instances: 2", "instances: 'max'");
    lab.release("r1", &app, "");
    lab.switch("r1");
    let port = format!("PORT={}", lab.port);
    lab.pm2_in("current", &port, &["start", "app.js", "--name", "web", "-i", "3"]);
    for release in ["r2", "r3"] {
        lab.release(release, &app, "");
        lab.deployed(release);
        assert_eq!((lab.named("web").len(), lab.releases()), (3, vec![release.to_string()]));
    }
    // A module, below the deploy path even.
    let place = lab.root.join("module");
    fs::create_dir(&place).unwrap();
    fs::write(place.join("index.js"), "setInterval(() => {}, 1000)").unwrap();
    fs::write(place.join("package.json"), r#"{ "name": "extra", "version": "1.0.0", "main": "index.js" }"#)
        .unwrap();
    lab.pm2_in("module", "", &["install", "."]);
    let module = |lab: &Lab| lab.named("extra").iter().map(|one| one["pid"].as_u64()).collect::<Vec<_>>();
    let before = module(&lab);
    assert_eq!((before.len(), lab.named("extra")[0]["pm2_env"]["pmx_module"].as_bool()), (1, Some(true)));
    lab.release("r4", &app, "");
    lab.deployed("r4");
    assert_eq!((module(&lab), lab.releases()), (before, vec!["r4".to_string()]));
}

/// Some daemons end an app that was in fork mode as soon as it starts in cluster mode.
#[test]
fn a_fork_app_that_dies_in_cluster_mode_is_told_what_may_be_the_cause() {
    let lab = Lab::new(7);
    lab.release("r1", &lab.fork(), "");
    lab.deployed("r1");
    lab.release("r2", &lab.cluster(), ",\"crash\":0");
    let failed = lab.deploy("r2");
    assert_eq!(failed.code, 10);
    assert!(failed.log.contains("the daemon has to be started anew:\n  pm2 update"), "{}", failed.log);
    lab.roll_back("r1");
    assert_eq!(lab.releases(), ["r1"]);
}

/// A first deploy that fails: what it moved goes back to the place where a person had started it.
#[test]
fn adopted_apps_go_back_when_a_first_deploy_is_undone() {
    let lab = Lab::new(7);
    lab.release("r1", &lab.cluster(), "");
    fs::rename(lab.root.join("releases/r1"), lab.root.join("source")).unwrap();
    lab.pm2_in("source", "", &["start", "ecosystem.config.js"]);
    assert_eq!(lab.releases(), ["r1"]);
    let bad = format!("{}, {{ name: 'new', script: 'app.js' }}", lab.cluster());
    lab.release("r2", &bad, ",\"crash\":1500");
    let failed = lab.deploy("r2");
    assert_eq!(failed.code, 10, "{:?}", failed.answers);
    assert_eq!(lab.step("stop", "r2", "rollback").code, 0);
    fs::remove_file(lab.root.join("current")).unwrap();
    assert_eq!((lab.releases(), lab.named("web").len()), (vec!["r1".to_string()], 2));
    assert!(lab.named("new").is_empty(), "what the run started is gone");
    for one in lab.named("web") {
        assert_eq!(one["pm2_env"]["pm_cwd"], lab.root.join("source").to_str().unwrap());
    }
}
