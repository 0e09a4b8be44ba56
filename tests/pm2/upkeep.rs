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
fn what_a_reboot_would_lose_and_logs_that_grow_are_told() {
    let lab = Lab::new(7);
    let home = lab.home.join(".pm2");
    let said = || -> Vec<Vec<String>> {
        let step = lab.step("check", "r1", "check");
        assert_eq!((step.code, step.reason()), (0, String::new()));
        step.all("warning").into_iter().map(<[String]>::to_vec).collect()
    };
    lab.pm2(&["ping"]);
    lab.release("r1", &lab.cluster(), "");
    assert_eq!(said(), [[""; 0]; 0], "nothing of ours runs yet");
    lab.deployed("r1");
    let log = ["log-not-rotated".to_string(), home.join("logs/web-out-0.log").display().to_string()];
    let (told, home_told) = (said(), home.display().to_string());
    assert_eq!(told[0], ["no-dump", &home_told]);
    assert!(told[1][0] == log[0] && told[1][1].starts_with(&format!("{home_told}/logs/web-")), "{told:?}");
    // A module rotates them, and is left alone.
    let module = lab.home.join("pm2-logrotate");
    fs::create_dir(&module).unwrap();
    fs::write(module.join("app.js"), "setInterval(() => {}, 1000)").unwrap();
    let described =
        r#"{"name":"pm2-logrotate","version":"1.0.0","apps":[{"script":"app.js","name":"pm2-logrotate"}]}"#;
    fs::write(module.join("package.json"), described).unwrap();
    lab.pm2_in(module.to_str().unwrap(), "", &["install", "."]);
    lab.pm2(&["save"]);
    assert_eq!(said(), [[""; 0]; 0], "all is well");
    // As `pm2 save` by hand left it before a deploy moved the app, or a save of other apps alone.
    let dump = home.join("dump.pm2");
    let saved = fs::read_to_string(&dump).unwrap();
    let pinned = lab.root.join("releases/r1");
    fs::write(&dump, saved.replace(lab.root.join("current").to_str().unwrap(), pinned.to_str().unwrap()))
        .unwrap();
    let place = pinned.join("app.js").display().to_string();
    assert_eq!(said(), [["dump-pinned", &home_told, "web", &place]]);
    fs::write(&dump, "[]").unwrap();
    assert_eq!(said(), [["not-in-dump", &home_told, "web"]]);
    lab.deployed("r1");
    assert_eq!(said(), [["not-in-dump", &home_told, "web"]; 0], "a deploy saves all that runs");
    // What a save would forget is no reason to save.
    fs::write(&dump, r#"[{"name":"neighbour"}]"#).unwrap();
    assert_eq!(said(), [["not-saved", "neighbour was saved and is not in the list now"]]);
    fs::write(&dump, "{").unwrap();
    assert_eq!(said(), [["not-saved", &format!("{} cannot be read", dump.display())]]);
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
