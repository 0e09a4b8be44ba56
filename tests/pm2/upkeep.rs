//! Long lists, several homes, and steps that are asked of a host where nothing runs.

use std::fs;
use std::os::unix::net::UnixListener;

use crate::lab::Lab;

#[test]
fn a_list_of_two_megabytes_is_read() {
    let lab = Lab::new(7);
    let long = "x".repeat(60_000);
    let apps = (0..20).map(|number| {
        format!("{{ name: 'n{number}', script: 'app.js', autostart: false, env: {{ LONG: '{long}' }} }}")
    });
    fs::write(lab.home.join("app.js"), "").unwrap();
    fs::write(
        lab.home.join("many.config.js"),
        format!("module.exports = [{}]", apps.collect::<Vec<_>>().join(",")),
    )
    .unwrap();
    lab.pm2(&["start", "many.config.js"]);
    assert!(lab.pm2(&["jlist", "-s"]).len() > 2_000_000);
    lab.release("r1", &lab.cluster(), "");
    lab.deployed("r1");
    lab.release("r2", &lab.cluster(), "");
    lab.deployed("r2");
    assert_eq!(lab.releases(), ["r2"]);
}

#[test]
fn each_home_has_a_daemon_of_its_own() {
    let mut lab = Lab::new(7);
    lab.pm2(&["ping"]);
    lab.parameters.push("home\t~/second".into());
    lab.release("r1", &lab.cluster(), "");
    lab.deployed("r1");
    assert!(lab.list().is_empty());
    assert!(lab.home.join("second/pm2.pid").exists());
    assert_eq!(lab.step("status", "r1", "status").all("process").len(), 2);
    assert_eq!(lab.releases(), ["r1"]);
}

// A daemon that was killed leaves its number and its sockets. The number is given to another process some day.
#[test]
fn the_daemon_of_another_home_under_an_old_number_is_not_ours() {
    let mut lab = Lab::new(7);
    lab.pm2(&["ping"]);
    let other = lab.daemon();
    let second = lab.home.join("second");
    fs::create_dir(&second).unwrap();
    fs::write(second.join("pm2.pid"), other.to_string()).unwrap();
    drop(UnixListener::bind(second.join("rpc.sock")).unwrap());
    lab.parameters.push("home\t~/second".into());
    lab.release("r1", &lab.cluster(), "");
    lab.deployed("r1");
    assert_ne!(fs::read_to_string(second.join("pm2.pid")).unwrap().trim(), other.to_string());
    assert_eq!((lab.releases(), lab.daemon()), (vec!["r1".to_string()], other));
}

#[test]
fn nothing_is_started_by_a_question() {
    let lab = Lab::new(7);
    lab.release("r1", &lab.cluster(), "");
    assert_eq!(lab.step("detect", "r1", "deploy").code, 0);
    let status = lab.step("status", "r1", "status");
    let unknown = ["down", "-", "-", "-", "-", "web", "-", "-"];
    assert_eq!((status.code, status.all("process")[0]), (1, &unknown.map(String::from)[..]));
    assert_eq!(lab.step("verify", "r1", "deploy").reason().split(' ').next(), Some("supervisor-down"));
    assert_eq!(lab.step("stop", "r1", "deploy").code, 0);
    assert_eq!(lab.step("logs", "r1", "deploy").code, 0);
    assert!(!lab.home.join(".pm2").exists());
}

#[test]
fn names_with_blanks_quotes_and_dashes_are_names() {
    let lab = Lab::new(7);
    let name = "-rf 'a \\\"b";
    lab.release("r1", &lab.cluster().replace("'web'", &format!("\"{name}\"")), "");
    lab.deployed("r1");
    lab.release("r2", &lab.cluster().replace("'web'", &format!("\"{name}\"")), "");
    lab.deployed("r2");
    assert_eq!(lab.releases(), ["r2"]);
    assert_eq!(lab.step("status", "r2", "status").all("process")[0][5], "-rf 'a \"b");
}

#[test]
fn what_a_release_stores_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let lab = Lab::new(7);
    lab.release("r1", &lab.cluster(), "");
    assert_eq!(lab.step("detect", "r1", "deploy").code, 0);
    let stored = lab.root.join(".shipit/releases/r1/supervisor.10.json");
    assert_eq!(fs::metadata(stored).unwrap().permissions().mode() & 0o777, 0o600);
}
