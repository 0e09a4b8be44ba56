//! What happens every day: a first start, an update, the way back, what is saved and shown.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::client::Client;
use crate::kept::{Counts, Kept};
use crate::lab::{Lab, Step};
use crate::on_each_pm2;

on_each_pm2! {
    a_first_deploy_starts_the_app_and_an_update_reloads_every_process,
    an_update_loses_no_request,
    a_fork_app_is_restarted_and_that_is_said,
    the_way_back_reloads_only_what_runs_another_release,
    an_app_gets_the_environment_of_the_file_and_of_the_configuration_only,
}

fn pids(lab: &Lab) -> HashSet<u64> {
    lab.named("web").iter().map(|one| one["pid"].as_u64().unwrap()).collect()
}

fn a_first_deploy_starts_the_app_and_an_update_reloads_every_process(version: u32) {
    let lab = Lab::new(version);
    lab.release("r1", &lab.cluster(), "");
    lab.release("r2", &lab.cluster(), "");
    lab.deployed("r1");
    let first = pids(&lab);
    assert_eq!((first.len(), lab.releases()), (2, vec!["r1".to_string()]));
    lab.deployed("r2");
    let second = pids(&lab);
    assert_eq!((second.len(), lab.releases()), (2, vec!["r2".to_string()]));
    assert!(first.is_disjoint(&second));
    for one in lab.named("web") {
        assert_eq!(one["pm2_env"]["pm_cwd"], lab.root.join("current").to_str().unwrap());
    }
    let status = lab.step("status", "r2", "status");
    assert_eq!(status.code, 0);
    let processes = status.all("process");
    assert_eq!(processes.len(), 2);
    for process in processes {
        assert_eq!((process[0].as_str(), process[4].as_str(), process[5].as_str()), ("up", "r2", "web"));
        let used = |at: usize| process[at].parse::<u64>().unwrap();
        assert!(used(6) < 10_000, "percent of one processor: {process:?}");
        // No node is smaller than 10 MB.
        assert!((10 << 20..1 << 40).contains(&used(7)), "bytes: {process:?}");
    }
    let logs = lab.step("logs", "r2", "status");
    assert!(logs.all("log").len() >= 2, "{:?}", logs.answers);
}

fn an_update_loses_no_request(version: u32) {
    let lab = Lab::new(version);
    lab.release("r1", &lab.cluster(), "");
    // It listens later than pm2 waits by itself.
    lab.release("r2", &lab.cluster(), ",\"boot\":4000");
    lab.deployed("r1");
    lab.served();
    let client = Client::start(lab.port);
    lab.deployed("r2");
    let (asked, lost) = client.end();
    assert_eq!((lost, lab.releases()), (0, vec!["r2".to_string()]), "of {asked}");
}

fn a_fork_app_is_restarted_and_that_is_said(version: u32) {
    let lab = Lab::new(version);
    lab.release("r1", &lab.fork(), "");
    lab.release("r2", &lab.fork(), "");
    lab.deployed("r1");
    let detected = lab.step("detect", "r2", "deploy");
    assert!(detected.has_warning("fork-mode", "web"));
    assert!(!detected.has_warning("will-recreate", "web"), "{:?}", detected.answers);
    lab.deployed("r2");
    assert_eq!(lab.releases(), ["r2"]);
}

fn the_way_back_reloads_only_what_runs_another_release(version: u32) {
    let lab = Lab::new(version);
    lab.release("r1", &lab.cluster(), "");
    lab.release("r2", &lab.cluster(), ",\"crash\":0");
    lab.deployed("r1");
    let before = pids(&lab);
    let client = Client::start(lab.port);
    let failed = lab.deploy("r2");
    assert_eq!(failed.code, 10);
    assert!(failed.reason().starts_with("crash-loop pm2 web"), "{}", failed.reason());
    assert!(failed.log.contains("this release crashes at boot"), "{}", failed.log);
    lab.roll_back("r1");
    let (asked, lost) = client.end();
    assert_eq!(lost, 0, "of {asked}");
    assert_eq!(lab.releases(), ["r1"]);
    assert_eq!(before.intersection(&pids(&lab)).count(), 1, "the second process was never touched");
    // The worker that pm2 had parked meanwhile is no hindrance.
    lab.release("r3", &lab.cluster(), "");
    lab.deployed("r3");
    assert_eq!(lab.releases(), ["r3"]);
}

fn an_app_gets_the_environment_of_the_file_and_of_the_configuration_only(version: u32) {
    let mut lab = Lab::new(version);
    let app = |more: &str| {
        format!(
            "{{ name: 'web', script: 'app.js', exec_mode: 'cluster', instances: 2, env: {{ PORT: {}, {more} }}, \
             env_production: {{ APP_MODE: 'live' }} }}",
            lab.port
        )
    };
    let (first, second) = (app("APP_MODE: 'dev', APP_OLD: 1, APP_HERE: __dirname"), app("APP_NEW: 2"));
    lab.env = vec![("APP_SECRET".into(), "from the configuration".into())];
    lab.release("r1", &first, "");
    lab.deployed("r1");
    let env = &lab.served()["env"];
    assert_eq!((env["APP_MODE"].as_str(), env["APP_OLD"].as_str()), (Some("live"), Some("1")));
    assert_eq!(env["APP_SECRET"], "from the configuration");
    assert_eq!(env["APP_HERE"], lab.root.join("current").to_str().unwrap());
    assert_eq!(env["SHIPIT_RELEASE"], "r1");
    lab.env = vec![];
    lab.release("r2", &second, "");
    let detected = lab.step("detect", "r2", "deploy");
    assert!(!detected.log.contains("from the configuration"));
    lab.deployed("r2");
    for _ in 0..4 {
        let env = &lab.served()["env"];
        assert_eq!((env["APP_NEW"].as_str(), env["SHIPIT_RELEASE"].as_str()), (Some("2"), Some("r2")));
        assert!(
            env["APP_OLD"].is_null() && env["APP_SECRET"].is_null() && env["APP_HERE"].is_null(),
            "{env}"
        );
    }
    let instances: HashSet<String> =
        (0..8).map(|_| lab.served()["env"]["NODE_APP_INSTANCE"].as_str().unwrap().to_string()).collect();
    assert_eq!(instances, HashSet::from(["0".to_string(), "1".to_string()]));
    for one in lab.named("web") {
        assert!(one["pm2_env"]["APP_SECRET"].is_null(), "what is gone is not saved");
    }
}

/// New connections lose nothing. Those that clients keep end with the worker that has them: how many do, and how many messages
/// got no answer then, is printed, since only clients can decide what to do about it.
#[test]
fn twenty_deploys_lose_no_request() {
    let lab = Lab::new(7);
    let names: Vec<String> = (0..=20).map(|number| format!("r{number}")).collect();
    names.iter().for_each(|name| lab.release(name, &lab.cluster(), ""));
    lab.deployed("r0");
    lab.served();
    let client = Client::start(lab.port);
    let kept = [
        ("kept connections", Kept::requests(lab.port)),
        ("WebSockets", Kept::socket(lab.port, "/")),
        ("WebSockets that are told", Kept::socket(lab.port, "/goodbye")),
    ];
    names.iter().skip(1).for_each(|name| lab.deployed(name));
    let (asked, lost) = client.end();
    eprintln!("20 deploys: {asked} asked, {lost} lost");
    for (what, kept) in kept {
        let Counts { asked, lost, cut, told } = kept.end();
        eprintln!(
            "20 deploys, {what}: {asked} asked, {lost} lost, {cut} connections ended, {told} of them with a word"
        );
        assert!(asked > 100 && cut <= 40, "each worker is replaced once in each deploy");
        assert!(lost <= cut && told == if what.ends_with("told") { cut } else { 0 });
    }
    assert_eq!((lost, lab.releases()), (0, vec!["r20".to_string()]));
}

#[test]
fn it_is_saved_only_where_that_forgets_nothing() {
    let not_saved = |step: &Step| step.all("warning").iter().any(|fields| fields[0] == "not-saved");
    let lab = Lab::new(7);
    lab.release("r1", &lab.cluster(), "");
    let first = lab.deploy("r1");
    assert!(first.code == 0 && not_saved(&first), "nothing was saved before");
    lab.release("again", &lab.cluster(), "");
    let again = lab.deploy("again");
    assert!(again.code == 0 && !not_saved(&again), "said once");
    let dump = lab.home.join(".pm2/dump.pm2");
    lab.pm2(&["save"]);
    fs::set_permissions(&dump, fs::Permissions::from_mode(0o644)).unwrap();
    lab.release("r2", &lab.cluster(), "");
    let second = lab.deploy("r2");
    assert!(second.code == 0 && !not_saved(&second));
    assert_eq!(fs::metadata(&dump).unwrap().permissions().mode() & 0o777, 0o600);
    let mut saved: serde_json::Value = serde_json::from_slice(&fs::read(&dump).unwrap()).unwrap();
    assert_eq!(saved[0]["env"]["SHIPIT_RELEASE"], "r2");
    // The machine boots: what pm2 saved comes up on the release that is live.
    lab.pm2(&["kill"]);
    lab.pm2(&["resurrect"]);
    assert_eq!(lab.releases(), ["r2"]);
    let status = lab.step("status", "r2", "status");
    assert!(
        status.code == 0 && status.all("process").iter().all(|one| one[4] == "r2"),
        "{:?}",
        status.answers
    );
    // A neighbour that is saved and not in the list would be forgotten.
    saved[0]["name"] = "neighbour".into();
    fs::write(&dump, saved.to_string()).unwrap();
    lab.release("r3", &lab.cluster(), "");
    let third = lab.deploy("r3");
    assert!(third.code == 0 && not_saved(&third));
    assert!(fs::read_to_string(&dump).unwrap().contains("neighbour"));
}
