//! A table of what known_hosts lines say about a key.

use std::path::Path;

use super::*;

const ONE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKh6rHrJIqu4KGIXfzf76zkLORm7bV6Xh1I/aU8apGUs";
const TWO: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGSmZJ3w5AobpugxqK9Z8aopYcoK3ICYArkRXUjMkKlE";
const EC: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBI6kh/rp1MYdaXkJVTbpN2JtlgWczuYUcRBcEZK4KU0vejA2s4R2199xbv1huFh8Ehpe5G4vu0Gx4mCeoP3i9pw=";
/// `web1.example.com`, hashed by ssh-keygen -H.
const HASHED: &str = "|1|DOFBS7Cq+af9jFkg03NlU2/iRuw=|98uENkhfiQZVgRLQ8UP5Ao/D5nI=";
/// `[web1.example.com]:2222`, hashed by ssh-keygen -H.
const HASHED_PORT: &str = "|1|CD6JWihO4YmoS18OK8mQMijdXuo=|gfU33D7ZS4Rdxh6oKRUipdaYwcU=";

fn ask(text: &str, host: &str, port: u16, key: &str) -> Verdict {
    let file = Rc::new(KnownHosts::parse(Path::new("known_hosts"), text));
    Trust::of(&[file], Subject { host, port, alias: None }).verdict(&PublicKey::from_openssh(key).unwrap())
}

fn changed(line: usize) -> Verdict {
    let known = PublicKey::from_openssh(TWO).unwrap().fingerprint(HashAlg::Sha256).to_string();
    Verdict::Changed { file: "known_hosts".into(), line, known }
}

fn revoked(line: usize) -> Verdict {
    Verdict::Revoked { file: "known_hosts".into(), line }
}

#[test]
fn lines_about_one_host() {
    let host = "web1.example.com";
    let table = [
        ("nothing", String::new(), Verdict::Unknown),
        ("plain", format!("{host} {ONE}\n"), Verdict::Trusted),
        ("with a comment", format!("{host} {ONE} me@laptop here\n"), Verdict::Trusted),
        ("upper case", format!("WEB1.Example.COM {ONE}"), Verdict::Trusted),
        ("tabs and leading blanks", format!(" \t{host}\t{ONE}"), Verdict::Trusted),
        ("in a list", format!("db1,{host},10.0.0.1 {ONE}"), Verdict::Trusted),
        ("wildcard", format!("*.example.com {ONE}"), Verdict::Trusted),
        ("question mark", format!("web?.example.com {ONE}"), Verdict::Trusted),
        ("negated", format!("*.example.com,!web1.* {ONE}"), Verdict::Unknown),
        ("hashed", format!("{HASHED} {ONE}"), Verdict::Trusted),
        ("hashed, other port", format!("{HASHED_PORT} {ONE}"), Verdict::Unknown),
        ("other host", format!("web2.example.com {ONE}"), Verdict::Unknown),
        ("other key", format!("# note\n\n{host} {TWO}"), changed(3)),
        ("second of a type matches", format!("{host} {TWO}\n{host} {ONE}"), Verdict::Trusted),
        ("other type only", format!("{host} {EC}"), Verdict::Unknown),
        ("revoked", format!("@revoked {host} {ONE}"), revoked(1)),
        ("revoked wins over plain", format!("{host} {ONE}\n@revoked * {ONE}"), revoked(2)),
        ("another key revoked", format!("@revoked {host} {TWO}\n{host} {ONE}"), Verdict::Trusted),
        ("revoked is not a change", format!("@revoked {host} {TWO}"), Verdict::Unknown),
        ("authority", format!("@cert-authority *.example.com {ONE}"), Verdict::Unknown),
        ("two markers", format!("@revoked @cert-authority {host} {ONE}\n{host} {ONE}"), Verdict::Trusted),
        ("unknown marker", format!("@trusted {host} {ONE}"), Verdict::Unknown),
        ("bad lines before", format!("{host}\n{host} ssh-ed25519 AAAA!\n{host} {ONE}"), Verdict::Trusted),
        ("commented out", format!("#{host} {ONE}"), Verdict::Unknown),
    ];
    for (what, text, expected) in table {
        assert_eq!(ask(&text, host, 22, ONE), expected, "{what}");
        assert_eq!(ask(&text.replace('\n', "\r\n"), host, 22, ONE), expected, "{what}, CRLF");
    }
}

#[test]
fn a_port_belongs_to_the_name() {
    let host = "web1.example.com";
    let table = [
        ("port", format!("[{host}]:2222 {ONE}"), Verdict::Trusted),
        ("hashed port", format!("{HASHED_PORT} {ONE}"), Verdict::Trusted),
        ("wildcard in brackets", format!("[*.example.com]:2222 {ONE}"), Verdict::Trusted),
        ("other port", format!("[{host}]:2200 {ONE}"), Verdict::Unknown),
        ("bare name vouches", format!("{host} {ONE}"), Verdict::Trusted),
        ("bare name cannot contradict", format!("{host} {TWO}"), Verdict::Unknown),
        ("changed", format!("[{host}]:2222 {TWO}"), changed(1)),
    ];
    for (what, text, expected) in table {
        assert_eq!(ask(&text, host, 2222, ONE), expected, "{what}");
    }
}

#[test]
fn every_file_is_asked() {
    let first = Rc::new(KnownHosts::parse(Path::new("a"), &format!("web1 {TWO}")));
    let second = Rc::new(KnownHosts::parse(Path::new("b"), &format!("web1 {ONE}\nweb1 {EC}")));
    let trust = Trust::of(&[first, second], Subject { host: "web1", port: 22, alias: None });
    assert_eq!(trust.verdict(&PublicKey::from_openssh(ONE).unwrap()), Verdict::Trusted);
    assert_eq!(trust.algorithms().len(), 3);
}

#[test]
fn a_pin_replaces_the_files() {
    let key = PublicKey::from_openssh(ONE).unwrap();
    let right = key.fingerprint(HashAlg::Sha256).to_string();
    assert_eq!(Trust::pinned(&right).verdict(&key), Verdict::Trusted);
    assert!(matches!(Trust::pinned("SHA256:other").verdict(&key), Verdict::NotPinned { .. }));
}

#[test]
fn an_alias_takes_the_place_of_the_name_and_has_no_port() {
    let table = [
        ("alias", format!("shop {ONE}"), Verdict::Trusted),
        ("changed under the alias", format!("shop {TWO}\n[web1]:2222 {ONE}"), changed(1)),
        ("only the name", format!("[web1]:2222 {ONE}\nweb1 {ONE}"), Verdict::Unknown),
        ("alias with the port", format!("[shop]:2222 {ONE}"), Verdict::Unknown),
    ];
    for (what, text, expected) in table {
        let file = Rc::new(KnownHosts::parse(Path::new("known_hosts"), &text));
        let trust = Trust::of(&[file], Subject { host: "web1", port: 2222, alias: Some("Shop") });
        assert_eq!(trust.verdict(&PublicKey::from_openssh(ONE).unwrap()), expected, "{what}");
    }
}
