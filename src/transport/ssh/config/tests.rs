//! Our answers beside those of `ssh -G`, field by field, and what is said about mistakes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::transport::ConnectError;

const CONFIG: &str = r#"
# before any Host: for all
IdentitiesOnly=yes

Host web1 web2
	HostName %h.example.com
	User = deploy
	Port 2222   # a comment
	IdentityFile ~/.ssh/web_%r
	IdentityFile "/keys/with blank"

Host "web*" !web2
    IdentityFile %d/.ssh/%u-%h.key
    ProxyJump ops@gate:2200,inner
    UserKnownHostsFile /tmp/a /tmp/b
    IDENTITYAGENT /run/agent-%r.sock

Host direct
  ProxyJump none
  Port 2300

Host d?rect
  ProxyJump gate
  GlobalKnownHostsFile "/etc/known hosts"

Include INCLUDED/*.conf

Match originalhost matched user alice
  HostName by-match
Match host by-match
  Port 2400
Match !originalhost matched localuser nobody-has-this-name
  Port 2500
Match canonical
  Port 2600

Host nested
  Include INCLUDED/inner

Host *
  User alice
  Port 2999
  IdentityFile ~/.ssh/last
Match all
  IdentityAgent none
  ProxyJump never
"#;

const INCLUDED: &str = "User early\nHost included\n  HostName in.example.com\n";
const INNER: &str = "HostName from-nested\nHost other\n  Port 1\nHost nested\n  Port 2700\n";

struct Fixture {
    _dir: tempfile::TempDir,
    file: PathBuf,
    home: PathBuf,
    user: String,
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn fixture(text: &str) -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("more")).unwrap();
    std::fs::write(dir.path().join("more/1.conf"), INCLUDED).unwrap();
    std::fs::write(dir.path().join("more/inner"), INNER).unwrap();
    let file = dir.path().join("config");
    std::fs::write(&file, text.replace("INCLUDED", &dir.path().join("more").to_string_lossy())).unwrap();
    // ssh takes both from the password database, whatever the environment says.
    let user = output("id", &["-un"]);
    let home = output("sh", &["-c", &format!("echo ~{user}")]).into();
    Fixture { _dir: dir, file, home, user }
}

fn ours(fixture: &Fixture, host: &str) -> Result<Settings, ConnectError> {
    let query = Query { host, user: None, port: None, local_user: &fixture.user, home: &fixture.home };
    SshConfig::load(std::slice::from_ref(&fixture.file), &fixture.home)?.resolve(&query)
}

fn theirs(fixture: &Fixture, host: &str) -> HashMap<String, Vec<String>> {
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    for line in output("ssh", &["-T", "-G", "-F", &fixture.file.to_string_lossy(), host]).lines() {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        found.entry(key.to_owned()).or_default().push(value.to_owned());
    }
    found
}

/// `ssh -G` leaves `~` and tokens in key files as they are.
fn expanded(text: &str, settings: &Settings, fixture: &Fixture) -> PathBuf {
    let home = fixture.home.to_string_lossy();
    let text = text.strip_prefix('~').map_or(text.to_owned(), |rest| format!("{home}{rest}"));
    let text = text.replace("%d", &home).replace("%u", &fixture.user);
    text.replace("%h", &settings.hostname).replace("%r", &settings.user).into()
}

fn joined(files: Option<&Vec<PathBuf>>) -> Option<String> {
    let names: Vec<_> = files?.iter().map(|file| file.to_string_lossy()).collect();
    Some(names.join(" "))
}

#[test]
fn the_same_answers_as_openssh() {
    let fixture = fixture(CONFIG);
    for host in ["web1", "web2", "web3", "direct", "included", "matched", "nested", "other", "UPPER", "::1"] {
        let ours = ours(&fixture, host).unwrap();
        let theirs = theirs(&fixture, host);
        let one = |key: &str| theirs.get(key).map(|values| values[0].clone());
        assert_eq!(Some(ours.hostname.clone()), one("hostname"), "{host}");
        assert_eq!(Some(ours.user.clone()), one("user"), "{host}");
        assert_eq!(Some(ours.port.to_string()), one("port"), "{host}");
        let only = if ours.identities_only { "yes" } else { "no" };
        assert_eq!(Some(only.to_owned()), one("identitiesonly"), "{host}");
        let files: Vec<_> = theirs["identityfile"].iter().map(|f| expanded(f, &ours, &fixture)).collect();
        assert_eq!(ours.identity_files, files, "{host}");
        let jumps = Some(ours.jumps.join(",")).filter(|jumps| !jumps.is_empty());
        assert_eq!(jumps, one("proxyjump"), "{host}");
        let agent = match &ours.agent {
            Agent::Session => None,
            Agent::None => Some("none".into()),
            Agent::Socket(path) => Some(path.clone()),
        };
        assert_eq!(agent, one("identityagent").map(|a| expanded(&a, &ours, &fixture)), "{host}");
        if let Some(files) = joined(ours.user_known_hosts.as_ref()) {
            assert_eq!(Some(files), one("userknownhostsfile"), "{host}");
        }
        if let Some(files) = joined(ours.global_known_hosts.as_ref()) {
            assert_eq!(Some(files), one("globalknownhostsfile"), "{host}");
        }
    }
}

#[test]
fn what_is_decided_elsewhere_stays() {
    let fixture = fixture(CONFIG);
    let query = Query {
        host: "web1",
        user: Some("root"),
        port: Some(1),
        local_user: &fixture.user,
        home: &fixture.home,
    };
    let config = SshConfig::load(std::slice::from_ref(&fixture.file), &fixture.home).unwrap();
    let settings = config.resolve(&query).unwrap();
    assert_eq!((settings.user.as_str(), settings.port), ("root", 1));
    assert!(settings.identity_files[0].ends_with(".ssh/web_root"), "{:?}", settings.identity_files);
}

#[test]
fn programs_are_not_run_and_unknown_criteria_leave_their_block_out() {
    let fixture = fixture(
        "Match exec \"touch /nonexistent\"\nPort 1\nMatch !exec true\nPort 2\nMatch sometime later\nPort 3\nHost *\nPort 4",
    );
    assert_eq!(ours(&fixture, "web").unwrap().port, 4);
}

#[test]
fn whichever_proxy_comes_first_counts() {
    let table = [
        ("ProxyCommand nc %h %p\nProxyJump gate", true, 0),
        ("ProxyJump gate\nProxyCommand nc %h %p", false, 1),
        ("ProxyCommand none\nProxyJump gate", false, 0),
        ("ProxyJump a,ssh://b:22", false, 2),
    ];
    for (text, command, jumps) in table {
        let settings = ours(&fixture(text), "web").unwrap();
        assert_eq!((settings.proxy_command.is_some(), settings.jumps.len()), (command, jumps), "{text}");
    }
}

#[test]
fn mistakes_name_their_line() {
    let table = [
        ("\nPort 22x", "22x is not a port"),
        ("\nPort 0", "0 is not a port"),
        ("\nUser", "user lacks its argument"),
        ("\nHost", "an argument is missing"),
        ("\nHost \"web", "a quote is not closed"),
        ("\nIdentitiesOnly perhaps", "identitiesonly is yes or no, not perhaps"),
        ("\nIdentityFile ~/.ssh/%C", "the token %C is not supported here"),
        ("\nMatch user", "Match user lacks its patterns"),
    ];
    for (text, expected) in table {
        match ours(&fixture(text), "web") {
            Err(ConnectError::SshConfig { line: Some(2), reason, .. }) => assert_eq!(reason, expected),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn files_that_include_each_other_end() {
    let fixture = fixture("Include INCLUDED/../config");
    assert!(matches!(ours(&fixture, "web"), Err(ConnectError::SshConfig { .. })));
}

#[test]
fn a_missing_file_is_empty_and_an_unreadable_one_an_error() {
    let dir = tempfile::tempdir().unwrap();
    assert!(SshConfig::load(&[dir.path().join("none")], Path::new("/")).is_ok());
    assert!(SshConfig::load(&[dir.path().to_path_buf()], Path::new("/")).is_err());
}
