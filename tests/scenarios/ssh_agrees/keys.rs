//! Keys of the login in files: their formats, permissions, order, and certificates.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::common_ssh::{Operator, Sshd, keygen, output};

use super::{Row, agree, made, sign};

/// Writes a key anew in another format.
fn convert(operator: &Operator, name: &str, format: &str, passphrase: &str) {
    let file = operator.ssh_file(name);
    let file = file.to_string_lossy();
    output("ssh-keygen", &["-q", "-p", "-m", format, "-P", passphrase, "-N", passphrase, "-f", &file]);
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "a table")]
async fn about_key_files() {
    let operator = Operator::new();
    let user = output("id", &["-un"]);
    let (ca, stranger) = (operator.ssh_file("ca"), operator.ssh_file("stranger"));
    let authority = made(&ca, "ed25519");
    made(&stranger, "ed25519");
    let file = operator.ssh_file("authority.pub");
    fs::write(&file, format!("{authority}\n")).unwrap();
    let server = Sshd::start(&format!("TrustedUserCAKeys {}", file.display()));
    let known = format!("{}\n", server.known_line());
    let row = |what: &str, config: &str| {
        Row::new(what, server.port, known.clone(), &format!("{config}\nIdentitiesOnly yes\n"))
    };
    let one = |name: &str| format!("IdentityFile HOME/.ssh/{name}");
    let mut rows = Vec::new();
    for (name, kind, format) in [
        ("ed25519", "ed25519", ""),
        ("ecdsa", "ecdsa", ""),
        ("rsa", "rsa", ""),
        ("rsa_pem", "rsa", "PEM"),
        ("rsa_pkcs8", "rsa", "PKCS8"),
        ("ecdsa_pem", "ecdsa", "PEM"),
        ("ecdsa_pkcs8", "ecdsa", "PKCS8"),
    ] {
        server.authorize(&keygen(&operator.ssh_file(name), kind, ""));
        if !format.is_empty() {
            convert(&operator, name, format, "");
        }
        rows.push(row(name, &one(name)));
    }
    for (name, kind, format) in
        [("locked", "ed25519", ""), ("locked_pem", "rsa", "PEM"), ("locked_pkcs8", "rsa", "PKCS8")]
    {
        server.authorize(&keygen(&operator.ssh_file(name), kind, "a secret"));
        if !format.is_empty() {
            convert(&operator, name, format, "a secret");
        }
        rows.push(row(name, &one(name)));
    }
    for name in
        ["exposed", "alone", "certified", "rsa_certified", "expired", "foreign", "of_hosts", "elsewhere"]
    {
        let kind = if name.starts_with("rsa") { "rsa" } else { "ed25519" };
        made(&operator.ssh_file(name), kind);
    }
    let open = |name: &str| {
        let text = fs::read_to_string(operator.ssh_file(&format!("{name}.pub"))).unwrap();
        server.authorize(text.trim());
    };
    open("exposed");
    open("alone");
    fs::set_permissions(operator.ssh_file("exposed"), fs::Permissions::from_mode(0o640)).unwrap();
    fs::remove_file(operator.ssh_file("alone")).unwrap();
    let signed =
        |name: &str, arguments: &[&str]| sign(&ca, arguments, &operator.ssh_file(&format!("{name}.pub")));
    signed("certified", &["-n", &user, "-V", "-1d:+1d"]);
    signed("rsa_certified", &["-n", &user, "-V", "-1d:+1d"]);
    signed("expired", &["-n", &user, "-V", "-2d:-1d"]);
    signed("foreign", &["-n", "nobody-else", "-V", "-1d:+1d"]);
    signed("of_hosts", &["-h", "-n", &user, "-V", "-1d:+1d"]);
    signed("elsewhere", &["-n", &user, "-V", "-1d:+1d"]);
    fs::rename(operator.ssh_file("elsewhere-cert.pub"), operator.ssh_file("moved.pub")).unwrap();
    operator.write("garbage", "no key\n");
    let certificate = "CertificateFile HOME/.ssh/moved.pub\n";
    rows.extend([
        row("a stranger's", &one("stranger")),
        row("other users can read it", &one("exposed")),
        row("only the public half", &one("alone")),
        row("missing", &one("missing")),
        row("garbage", &one("garbage")),
        row("the second is right", &format!("{}\n{}", one("stranger"), one("rsa"))),
        row("garbage before the right one", &format!("{}\n{}", one("garbage"), one("ecdsa"))),
        row("the certificate beside it", &one("certified")),
        row("the certificate beside an RSA key", &one("rsa_certified")),
        row("an expired certificate", &one("expired")),
        row("a certificate for another login", &one("foreign")),
        row("a certificate for hosts", &one("of_hosts")),
        row("no certificate beside it", &one("elsewhere")),
        row("a certificate by name", &format!("{certificate}{}", one("elsewhere"))),
        row("a certificate without its key", &format!("{certificate}{}", one("stranger"))),
        row("a missing certificate", &format!("CertificateFile HOME/.ssh/none\n{}", one("rsa"))),
        row("an algorithm left out", &format!("PubkeyAcceptedAlgorithms -ssh-ed25519\n{}", one("ed25519"))),
        row("RSA with the shorter hash", &format!("PubkeyAcceptedAlgorithms rsa-sha2-256\n{}", one("rsa"))),
        row("an RSA key that is too short", &format!("RequiredRSASize 8192\n{}", one("rsa"))),
        row("no public keys", &format!("PubkeyAuthentication no\n{}", one("rsa"))),
        row("passwords first", &format!("PreferredAuthentications password,publickey\n{}", one("rsa"))),
        row("passwords only", &format!("PreferredAuthentications password\n{}", one("rsa"))),
    ]);
    agree(&operator, rows).await;
}
