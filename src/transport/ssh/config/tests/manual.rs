//! The table beside ssh_config(5), beside `docs/ssh.md`, and beside the files that systems come with.

use std::process::Command;

use super::oracle::Fixture;
use crate::transport::ssh::config::{KEYWORDS, Keyword};

/// Keywords that OpenSSH got after 9.2, up to 10.1.
const NEWER: [&str; 6] = [
    "ChannelTimeout",
    "ObscureKeystrokeTiming",
    "RefuseConnection",
    "Tag",
    "VersionAddendum",
    "WarnWeakCrypto",
];

/// What no manual of OpenSSH has (any more).
const ELSEWHERE: [&str; 16] = [
    "UseKeychain",
    "Protocol",
    "Cipher",
    "FallBackToRsh",
    "GlobalKnownHostsFile2",
    "RhostsAuthentication",
    "UserKnownHostsFile2",
    "UseRoaming",
    "UseRsh",
    "UsePrivilegedPort",
    "AFSTokenPassing",
    "KerberosAuthentication",
    "KerberosTgtPassing",
    "RSAAuthentication",
    "RhostsRSAAuthentication",
    "CompressionLevel",
];

fn has(name: &str) -> bool {
    KEYWORDS.iter().any(|keyword| keyword.name.eq_ignore_ascii_case(name))
}

/// The keywords of the installed manual; none where the machine has no manuals.
fn manual() -> Vec<String> {
    let page =
        Command::new("sh").arg("-c").arg("gzip -cdf /usr/share/man/man5/ssh_config.5.gz").output().unwrap();
    let page = String::from_utf8_lossy(&page.stdout).into_owned();
    let names = page.lines().filter_map(|line| line.strip_prefix(".It Cm ")?.split(' ').next());
    let is_keyword = |name: &&str| name.starts_with(|c: char| c.is_ascii_uppercase());
    names.filter(is_keyword).map(str::to_owned).collect()
}

#[test]
fn every_keyword_of_the_manual_and_of_ssh_has_a_row() {
    let fixture = Fixture::new();
    fixture.with("");
    let printed = Command::new("ssh").args(["-T", "-G", "-F"]).arg(&fixture.file).arg("x").output().unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    // `host` is what was typed.
    let printed = printed.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned);
    let missing: Vec<String> = manual()
        .into_iter()
        .chain(printed)
        .chain(NEWER.map(str::to_owned))
        .filter(|name| !has(name))
        .collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn every_row_is_a_keyword_of_the_manual() {
    let manual = manual();
    if manual.is_empty() {
        return;
    }
    let known = |keyword: &&Keyword| {
        let is = |name: &str| name.eq_ignore_ascii_case(keyword.name);
        manual.iter().any(|name| is(name)) || NEWER.iter().chain(&ELSEWHERE).any(|name| is(name))
    };
    let strange: Vec<&str> = KEYWORDS.iter().filter(|row| !known(row)).map(|row| row.name).collect();
    assert_eq!(strange, [""; 0]);
}

#[test]
fn the_page_has_all_rows() {
    let page = include_str!("../../../../../docs/ssh.md");
    let rows: Vec<String> =
        KEYWORDS.iter().map(|row| format!("| `{}` | {} |", row.name, row.words())).collect();
    let written: Vec<&str> = page
        .lines()
        .skip_while(|line| !line.starts_with("| keyword"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    let missing: Vec<&String> = rows.iter().filter(|row| !written.contains(&row.as_str())).collect();
    assert!(
        missing.is_empty(),
        "missing or different in docs/ssh.md:\n{}",
        missing.iter().map(|row| row.as_str()).collect::<Vec<_>>().join("\n")
    );
    assert_eq!(written.len(), rows.len(), "docs/ssh.md has rows that the table has not");
}

#[test]
fn the_files_that_systems_come_with_need_nothing() {
    let fixture = Fixture::new();
    let stock = [
        (
            "Debian and Ubuntu",
            "Include /etc/ssh/ssh_config.d/*.conf\nHost *\nSendEnv LANG LC_*\nHashKnownHosts yes\nGSSAPIAuthentication yes",
        ),
        (
            "Fedora",
            "Include /nowhere/ssh_config.d/*.conf\nMatch final all\n\
             Ciphers aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr,aes128-gcm@openssh.com,aes128-ctr\n\
             MACs hmac-sha2-256-etm@openssh.com,hmac-sha1-etm@openssh.com,umac-128-etm@openssh.com,hmac-sha2-512\n\
             GSSAPIKexAlgorithms gss-curve25519-sha256-,gss-nistp256-sha256-\n\
             KexAlgorithms mlkem768x25519-sha256,curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256\n\
             PubkeyAcceptedAlgorithms ecdsa-sha2-nistp256,ssh-ed25519,rsa-sha2-256,rsa-sha2-512\n\
             CASignatureAlgorithms ecdsa-sha2-nistp256,ssh-ed25519,rsa-sha2-256\nRequiredRSASize 2048\n\
             HostKeyAlgorithms ecdsa-sha2-nistp256,ssh-ed25519,rsa-sha2-512\n\
             GSSAPIAuthentication yes\nForwardX11Trusted yes\n\
             SendEnv LANG LC_CTYPE LC_NUMERIC LC_TIME XMODIFIERS",
        ),
        (
            "macOS",
            "Include /nowhere/ssh_config.d/*\nHost *\nSendEnv LANG LC_*\nUseKeychain yes\nAddKeysToAgent yes",
        ),
    ];
    for (system, text) in stock {
        fixture.with(text);
        let settings = fixture.ours("web1").unwrap();
        assert!(settings.needs_openssh.is_empty(), "{system}: {:?}", settings.needs_openssh);
        assert_eq!((settings.port, settings.hostname.as_str()), (22, "web1"), "{system}");
    }
}
