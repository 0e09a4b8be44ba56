//! Certificates of hosts: who signed them, for whom, and until when.

use std::path::Path;

use crate::common_ssh::{Operator, Sshd};

use super::{Row, agree, made, public, sign};

/// A server with an ECDSA key and a certificate for it.
fn certified(dir: &Path, name: &str, authority: &str, arguments: &[&str]) -> (Sshd, String) {
    let file = dir.join(name);
    let key = made(&file, "ecdsa");
    sign(&dir.join(authority), arguments, &file.with_extension("pub"));
    let file = file.display();
    (Sshd::start(&format!("HostKey {file}\nHostCertificate {file}-cert.pub")), key)
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "a table")]
async fn about_certificates_of_hosts() {
    let operator = Operator::new();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (ca, other) = (made(&dir.join("ca"), "ed25519"), made(&dir.join("other"), "ed25519"));
    let rsa = made(&dir.join("rsa_ca"), "rsa");
    let (good, key) = certified(dir, "good", "ca", &["-h", "-n", "127.0.0.1,shop", "-V", "-1d:+1d"]);
    let (wrong, wrong_key) = certified(dir, "wrong", "ca", &["-h", "-n", "db1", "-V", "-1d:+1d"]);
    let (expired, expired_key) = certified(dir, "expired", "ca", &["-h", "-n", "127.0.0.1", "-V", "-2d:-1d"]);
    let (early, _) = certified(dir, "early", "ca", &["-h", "-n", "127.0.0.1", "-V", "+1d:+2d"]);
    let (nobody, _) = certified(dir, "nobody", "ca", &["-h", "-V", "-1d:+1d"]);
    let (wild, _) = certified(dir, "wild", "ca", &["-h", "-n", "127.*", "-V", "-1d:+1d"]);
    let (by_rsa, _) =
        certified(dir, "by_rsa", "rsa_ca", &["-h", "-n", "127.0.0.1", "-V", "-1d:+1d", "-t", "rsa-sha2-512"]);
    for server in [&good, &wrong, &expired, &early, &nobody, &wild, &by_rsa] {
        server.authorize(&operator.public);
    }
    let at = |server: &Sshd| format!("[127.0.0.1]:{}", server.port);
    let row =
        |what: &str, server: &Sshd, known: String, config: &str| Row::new(what, server.port, known, config);
    let authority = |key: &str| format!("@cert-authority * {key}\n");
    let name = at(&good);
    let rows = vec![
        row("signed by an authority", &good, authority(&ca), ""),
        row("for this name", &good, format!("@cert-authority {name} {ca}\n"), ""),
        row("for the name without port", &good, format!("@cert-authority 127.0.0.1 {ca}\n"), ""),
        row("for other names", &good, format!("@cert-authority *.example.com {ca}\n"), ""),
        row("negated", &good, format!("@cert-authority *,!{name} {ca}\n"), ""),
        row("another authority", &good, authority(&other), ""),
        row(
            "another authority, but the key is known",
            &good,
            format!("{}{name} {key}\n", authority(&other)),
            "",
        ),
        row("the authority is revoked", &good, format!("{}@revoked * {ca}\n", authority(&ca)), ""),
        row("the key is revoked", &good, format!("{}@revoked * {key}\n", authority(&ca)), ""),
        row("another authority is revoked", &good, format!("{}@revoked * {other}\n", authority(&ca)), ""),
        row("the authority as a plain key", &good, format!("{name} {ca}\n"), ""),
        row("an alias that it is for", &good, format!("@cert-authority shop {ca}\n"), "HostKeyAlias shop\n"),
        row("an alias that it is not for", &good, authority(&ca), "HostKeyAlias db1\n"),
        row(
            "accept-new and another authority",
            &good,
            authority(&other),
            "StrictHostKeyChecking accept-new\n",
        ),
        row(
            "an algorithm that is not allowed",
            &good,
            authority(&ca),
            "CASignatureAlgorithms rsa-sha2-512\n",
        ),
        row("for another host", &wrong, authority(&ca), ""),
        row(
            "for another host, but the key is known",
            &wrong,
            format!("{}{} {wrong_key}\n", authority(&ca), at(&wrong)),
            "",
        ),
        row("expired", &expired, authority(&ca), ""),
        row(
            "expired, but the key is known",
            &expired,
            format!("{}{} {expired_key}\n", authority(&ca), at(&expired)),
            "",
        ),
        row("not valid yet", &early, authority(&ca), ""),
        row("for nobody in particular", &nobody, authority(&ca), ""),
        row("for a pattern", &wild, authority(&ca), ""),
        row("signed with RSA", &by_rsa, authority(&rsa), ""),
        row(
            "signed with RSA, which is not allowed",
            &by_rsa,
            authority(&rsa),
            "CASignatureAlgorithms ssh-ed25519\n",
        ),
    ];
    agree(&operator, rows).await;
    assert_eq!(public(&dir.join("good.pub")), key);
}
