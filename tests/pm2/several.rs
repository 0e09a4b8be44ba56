//! Several processes and several apps: numbers, ports that count up, waves, jobs.

use std::collections::BTreeSet;
use std::fs;
use std::thread::sleep;
use std::time::Duration;

use crate::lab::{Lab, free_port, served};
use crate::on_each_pm2;

on_each_pm2! {
    ports_that_count_up_stay_where_they_are,
    the_number_of_processes_follows_the_file_only,
    a_job_is_moved_and_never_run,
    each_strategy_serves_the_new_release,
}

fn ports_that_count_up_stay_where_they_are(version: u32) {
    let lab = Lab::new(version);
    let app = |base: u16| {
        format!(
            "{{ name: 'web', script: 'app.js', exec_mode: 'fork', instances: 2, increment_var: 'PORT', env: {{ PORT: {base} }} }}"
        )
    };
    let two_free = || {
        (0..50)
            .map(|_| free_port())
            .find(|port| std::net::TcpListener::bind(("127.0.0.1", port + 1)).is_ok())
            .unwrap()
    };
    let (first, second) = (two_free(), two_free());
    let numbers = |base: u16| -> Vec<(String, String)> {
        [base, base + 1]
            .map(served)
            .map(|told| {
                (
                    told["release"].as_str().unwrap().into(),
                    told["env"]["NODE_APP_INSTANCE"].as_str().unwrap().into(),
                )
            })
            .to_vec()
    };
    let both = |release: &str| ["0", "1"].map(|number| (release.to_string(), number.to_string())).to_vec();
    lab.release("r1", &app(first), "");
    lab.deployed("r1");
    assert_eq!(numbers(first), both("r1"));
    lab.release("r2", &app(first), "");
    lab.deployed("r2");
    assert_eq!(numbers(first), both("r2"));
    lab.release("r3", &app(second), "");
    lab.deployed("r3");
    assert_eq!(numbers(second), both("r3"));
}

fn the_number_of_processes_follows_the_file_only(version: u32) {
    let lab = Lab::new(version);
    let app = |instances: &str| lab.cluster().replace("instances: 2", &format!("instances: {instances}"));
    lab.release("r1", &app("2"), "");
    lab.deployed("r1");
    // By hand.
    lab.pm2(&["scale", "web", "3"]);
    lab.release("r2", &app("2"), "");
    lab.deployed("r2");
    assert_eq!((lab.named("web").len(), lab.releases()), (3, vec!["r2".to_string()]));
    lab.release("r3", &app("4"), "");
    lab.deployed("r3");
    let numbers = |lab: &Lab| -> BTreeSet<u64> {
        lab.named("web").iter().map(|one| one["pm2_env"]["NODE_APP_INSTANCE"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers(&lab), BTreeSet::from([0, 1, 2, 3]));
    lab.roll_back("r2");
    assert_eq!((numbers(&lab), lab.releases()), (BTreeSet::from([0, 1]), vec!["r2".to_string()]));
}

fn a_job_is_moved_and_never_run(version: u32) {
    let lab = Lab::new(version);
    let job = |more: &str| {
        format!(
            "{}, {{ name: 'night', script: 'app.js', cron_restart: '0 0 1 1 *', autorestart: false{more} }}",
            lab.cluster()
        )
    };
    // The app of the job crashes: each run is counted and over.
    lab.release("r1", &job(""), "");
    lab.deployed("r1");
    let night = lab.named("night");
    assert_eq!((night.len(), night[0]["pm2_env"]["status"].as_str()), (1, Some("stopped")));
    assert_eq!(lab.runs("r1"), 2, "the two processes of web");
    lab.release("r2", &job(", args: 'again'"), "");
    let moved = lab.deploy("r2");
    assert_eq!(moved.code, 0, "{}", moved.reason());
    let night = lab.named("night");
    assert_eq!((night.len(), night[0]["pm2_env"]["status"].as_str()), (1, Some("stopped")));
    assert_eq!(night[0]["pm2_env"]["args"][0], "again");
    assert_eq!(lab.runs("r2"), 2);
    assert!(lab.step("status", "r2", "status").all("process").iter().any(|fields| fields[0] == "job"));
}

#[test]
fn what_may_take_long_to_end_comes_after_all_else() {
    let lab = Lab::new(7);
    // The first of the file, and the one that pm2 lists first.
    let queue = "{ name: 'queue', script: 'app.js', kill_timeout: 11000, env: { PORT: 0 } }";
    let apps = format!("{queue}, {}", lab.fork());
    lab.release("r1", &apps, "");
    lab.deployed("r1");
    lab.release("r2", &apps, "");
    lab.deployed("r2");
    let since = |name: &str| lab.named(name)[0]["pm2_env"]["pm_uptime"].as_u64().unwrap();
    assert!(since("queue") > since("web"));
    assert_eq!((lab.ran_it("r2").len(), lab.runs("r2"), lab.releases()), (1, 2, vec!["r2".to_string()]));
}

/// Its minute comes.
#[test]
fn a_job_that_was_moved_runs_at_its_time() {
    let lab = Lab::new(7);
    let app = "{ name: 'night', script: 'app.js', cron_restart: '*/5 * * * * *', autorestart: false, env: { PORT: 1 } }";
    lab.release("r1", app, ",\"crash\":0");
    lab.deployed("r1");
    for _ in 0..600 {
        if lab.runs("r1") > 0 {
            return;
        }
        sleep(Duration::from_millis(100));
    }
    panic!("it never ran");
}

/// A job by name runs for as long as it takes; `autorestart: false` alone makes none.
#[test]
fn a_job_that_runs_finishes_and_an_app_that_is_not_started_again_is_reloaded() {
    let mut lab = Lab::new(7);
    lab.parameters.push("jobs\tbatch".into());
    let app = |args: &str| {
        let once = lab_app("once", lab.port, "autorestart: false");
        format!("{once}, {}", lab_app("batch", free_port(), &format!("args: '{args}'")))
    };
    let (first, second) = (app("one"), app("two"));
    lab.release("r1", &first, "");
    lab.deployed("r1");
    let batch = |lab: &Lab| {
        let one = lab.named("batch").remove(0);
        (one["pid"].as_u64().unwrap_or(0), one["pm2_env"]["status"].as_str().unwrap().to_string())
    };
    assert_eq!((batch(&lab), lab.releases()), ((0, "stopped".into()), vec!["r1".to_string()]));
    lab.pm2(&["restart", "batch"]);
    let (running, _) = batch(&lab);
    lab.release("r2", &second, "");
    lab.new_run();
    assert_eq!(lab.step("detect", "r2", "deploy").code, 0);
    lab.switch("r2");
    let moved = lab.step("reload", "r2", "deploy");
    assert!(moved.code == 0 && moved.log.contains("batch runs just now: it finishes"), "{}", moved.log);
    assert_eq!(lab.step("verify", "r2", "deploy").code, 0);
    assert_eq!((batch(&lab), lab.releases()), ((running, "online".into()), vec!["r2".to_string()]));
    lab.pm2(&["stop", "batch"]);
    lab.deployed("r2");
    assert_eq!(lab.named("batch")[0]["pm2_env"]["args"][0], "two");
    assert_eq!(batch(&lab).1, "stopped");
}

fn lab_app(name: &str, port: u16, more: &str) -> String {
    format!("{{ name: '{name}', script: 'app.js', {more}, env: {{ PORT: {port} }} }}")
}

fn each_strategy_serves_the_new_release(version: u32) {
    let mut lab = Lab::new(version);
    lab.release("r1", &lab.cluster(), "");
    lab.deployed("r1");
    lab.parameters.push(format!("wait-port\t{}", lab.port));
    for (number, strategy) in ["restart", "stop-start", "recreate", "reload"].iter().enumerate() {
        lab.parameters[1] = format!("strategy\t{strategy}");
        let release = format!("r{}", number + 2);
        lab.release(&release, &lab.cluster(), "");
        lab.deployed(&release);
        assert_eq!((lab.releases(), lab.named("web").len()), (vec![release], 2), "{strategy}");
    }
}

#[test]
fn many_processes_go_in_quarters_after_a_canary() {
    let lab = Lab::new(7);
    let app = |lab: &Lab| lab.cluster().replace("instances: 2", "instances: 8");
    lab.release("r1", &app(&lab), "");
    lab.deployed("r1");
    lab.release("r2", &app(&lab), ",\"crash\":0");
    assert_eq!(lab.deploy("r2").code, 10);
    lab.roll_back("r1");
    let pids = |lab: &Lab| -> BTreeSet<u64> {
        lab.named("web").iter().map(|one| one["pid"].as_u64().unwrap()).collect()
    };
    let before = pids(&lab);
    lab.release("r3", &app(&lab), "");
    lab.deployed("r3");
    assert_eq!((lab.releases(), pids(&lab).intersection(&before).count()), (vec!["r3".to_string()], 0));
}

#[test]
fn the_process_that_started_the_run_is_the_last() {
    let lab = Lab::new(7);
    let caller =
        format!("{{ name: 'hook', script: 'app.js', env: {{ PORT: {} }} }}, {}", free_port(), lab.cluster());
    lab.release("r1", &caller, "");
    lab.deployed("r1");
    let id = lab.named("hook")[0]["pm_id"].as_u64().unwrap();
    lab.release("r2", &caller, "");
    lab.new_run();
    fs::write(lab.run().join("caller"), format!("{id} {}\n", lab.home.join(".pm2").display())).unwrap();
    assert_eq!(lab.step("detect", "r2", "deploy").code, 0);
    lab.switch("r2");
    assert_eq!(lab.step("reload", "r2", "deploy").code, 0);
    let since = |one: &serde_json::Value| one["pm2_env"]["pm_uptime"].as_u64().unwrap();
    let hook = since(&lab.named("hook")[0]);
    assert!(lab.named("web").iter().all(|one| since(one) < hook));
}

/// Another supervisor was put before it in the list: what this one noted and stored is found all the same.
#[test]
fn a_place_in_the_list_is_no_name() {
    let mut lab = Lab::new(7);
    let new = format!("{{ name: 'new', script: 'app.js', env: {{ PORT: {} }} }}", free_port());
    lab.release("r1", &lab.cluster(), "");
    lab.deployed("r1");
    lab.number = 11;
    lab.release("r2", &format!("{}, {new}", lab.cluster()), "");
    lab.deployed("r2");
    assert_eq!((lab.named("new").len(), lab.releases()), (1, vec!["r2".to_string()]));
    lab.number = 10;
    lab.roll_back("r1");
    assert_eq!((lab.named("new").len(), lab.releases()), (0, vec!["r1".to_string()]));
    // Neither is the list of apps: the way back from a release that names more of them.
    lab.parameters.push("only\tweb".into());
    lab.parameters.push("only\tnew".into());
    lab.release("r3", &format!("{}, {new}", lab.cluster()), "");
    lab.deployed("r3");
    assert_eq!((lab.named("new").len(), lab.releases()), (1, vec!["r3".to_string()]));
    lab.roll_back("r1");
    assert_eq!((lab.named("new").len(), lab.releases()), (0, vec!["r1".to_string()]));
}
