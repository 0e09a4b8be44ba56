//! What `ssh -G` cannot judge: newer keywords, what is handed to OpenSSH, wording.

use std::path::{Path, PathBuf};

use super::oracle::Fixture;
use crate::transport::ConnectError;
use crate::transport::ssh::config::{KEYWORDS, SshConfig};

fn port(fixture: &Fixture, text: &str) -> u16 {
    fixture.with(text);
    fixture.ours("web1").unwrap().port
}

#[test]
fn criteria_of_newer_versions() {
    let fixture = Fixture::new();
    let table = [
        ("Tag prod\nMatch tagged prod\nPort 23", 23),
        ("Match tagged prod\nPort 23\nTag prod", 22),
        ("Tag prod\nMatch tagged p*,!prod\nPort 23", 22),
        ("Match tagged \"\"\nPort 23", 23),
        ("Match sessiontype exec\nPort 23", 23),
        ("Match sessiontype shell,subsystem\nPort 23", 22),
        ("Match localnetwork 127.0.0.0/8\nPort 23", 23),
        ("Match localnetwork 203.0.113.0/24\nPort 23", 22),
        ("Match !localnetwork 203.0.113.0/24\nPort 23", 23),
    ];
    for (text, expected) in table {
        assert_eq!(port(&fixture, text), expected, "{text}");
    }
}

#[test]
fn what_only_openssh_can_do_is_named() {
    let fixture = Fixture::new();
    let table: [(&str, &[&str]); 17] = [
        ("PKCS11Provider /usr/lib/opensc.so", &["PKCS11Provider"]),
        ("PKCS11Provider none", &[]),
        ("Host other\nPKCS11Provider /usr/lib/opensc.so", &[]),
        ("GSSAPIAuthentication yes", &[]),
        ("GSSAPIAuthentication yes\nPreferredAuthentications gssapi-with-mic", &["GSSAPIAuthentication"]),
        ("GSSAPIAuthentication yes\nPreferredAuthentications gssapi-with-mic,publickey", &[]),
        ("CanonicalizeHostname no\nCanonicalDomains example.com", &[]),
        ("CanonicalizeHostname always", &["CanonicalizeHostname"]),
        ("ProxyUseFdpass yes\nProxyCommand x", &["ProxyUseFdpass"]),
        ("ProxyUseFdpass yes", &[]),
        ("User %u-x", &["User"]),
        ("SetEnv A=${HOME}", &["SetEnv"]),
        ("Match version OpenSSH_10*\nPort 23", &["Match version"]),
        ("Match host other version OpenSSH_10*\nPort 23", &[]),
        ("Include ${HOME}/x", &["Include"]),
        ("NoSuch x\nHostbasedAuthentication yes", &["NoSuch", "HostbasedAuthentication"]),
        ("PermitLocalCommand yes\nLocalCommand true\nKnownHostsCommand none", &[]),
    ];
    for (text, expected) in table {
        fixture.with(text);
        let needs = fixture.ours("web1").unwrap().needs_openssh;
        let names: Vec<&str> = needs.iter().map(|need| need.keyword.as_str()).collect();
        assert_eq!(names, expected, "{text}");
    }
}

#[test]
fn mistakes_name_their_line() {
    let fixture = Fixture::new();
    let table = [
        ("\nPort 22x", "22x is not a port"),
        ("\nUser", "User lacks its argument"),
        ("\nHost", "Host lacks its argument"),
        ("\nHost \"web", "a quote is not closed"),
        ("\nIdentitiesOnly perhaps", "IdentitiesOnly is yes or no, not perhaps"),
        ("\nIdentityFile ~/.ssh/%T", "%T"),
        ("\nIdentityFile ${NOT_SET}/id", "the variable NOT_SET is not set"),
        ("\nMatch user", "Match user lacks its argument"),
        ("\nProxyJump @gate", "it should look like user@host:port"),
        ("\nInclude DIR/circle", "too many files include each other"),
    ];
    for (text, expected) in table {
        fixture.with(text);
        match fixture.ours("web1") {
            Err(ConnectError::SshConfig { reason, .. }) => {
                assert!(reason.contains(expected), "{text}: {reason}")
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    fixture.with("\nRefuseConnection \"moved to web9\"");
    let refused = fixture.ours("web1").unwrap_err();
    assert!(matches!(refused, ConnectError::RefusedByConfig { line: 2, .. }), "{refused}");
}

#[test]
fn files_that_are_none() {
    let dir = tempfile::tempdir().unwrap();
    let home = Path::new("/");
    let load = |path: PathBuf| SshConfig::load(&[path], home).map(drop);
    assert!(load(dir.path().join("none")).is_ok());
    assert!(load(dir.path().to_path_buf()).is_ok(), "a directory is empty, as for ssh");
    let socket = dir.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    assert!(load(socket).is_err());
    let exposed = dir.path().join("exposed");
    std::fs::write(&exposed, "").unwrap();
    std::fs::set_permissions(&exposed, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    assert!(matches!(load(exposed), Err(ConnectError::SshConfigExposed { .. })));
}

#[test]
fn relative_files_are_the_logins_or_the_machines() {
    let home = tempfile::tempdir().unwrap();
    let ssh = home.path().join(".ssh");
    std::fs::create_dir(&ssh).unwrap();
    std::fs::write(ssh.join("config"), "Include more.conf ~/.ssh/other.conf\n").unwrap();
    std::fs::write(ssh.join("more.conf"), "Port x\n").unwrap();
    let error = SshConfig::load(&[ssh.join("config")], home.path()).map(drop).unwrap_err();
    assert!(error.to_string().contains("more.conf:1"), "{error}");
}

#[test]
fn each_keyword_has_one_row() {
    let mut names: Vec<String> = KEYWORDS.iter().map(|keyword| keyword.name.to_ascii_lowercase()).collect();
    names.sort();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}
