//! What known_hosts says, and what StrictHostKeyChecking makes of it.

use crate::common_ssh::{Operator, Sshd, output};

use super::{Files, Row, agree, by_builtin, by_ssh, made};

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "a table")]
async fn about_known_hosts() {
    let operator = Operator::new();
    let keys = tempfile::tempdir().unwrap();
    let (ec, rsa) = (made(&keys.path().join("ec"), "ecdsa"), made(&keys.path().join("rsa"), "rsa"));
    let lines = format!("HostKey {0}/ec\nHostKey {0}/rsa", keys.path().display());
    let server = Sshd::start(&lines);
    server.authorize(&operator.public);
    let (port, key) = (server.port, server.host_key());
    let (other, name) = (made(&keys.path().join("other"), "ed25519"), format!("[127.0.0.1]:{}", server.port));
    let hashed = hashed(&operator, &format!("{name} {key}\n"));
    let row = |what: &str, known: String, config: &str| Row::new(what, port, known, config);
    let second =
        " UserKnownHostsFile HOME/.ssh/none HOME/.ssh/known_hosts\n GlobalKnownHostsFile HOME/.ssh/global\n";
    operator.write("global", &format!("@revoked * {other}\n{name} {ec}\n"));
    let mut rows = Vec::new();
    for (what, known) in [
        ("nothing", String::new()),
        ("the key", format!("{name} {key}\n")),
        ("no newline at the end", format!("{name} {key}")),
        ("carriage returns", format!("{name} {key}\r\n")),
        ("a comment behind", format!("{name} {key} me@here and there\n")),
        ("tabs and blanks before", format!(" \t{name}\t{key}\n")),
        ("a list of names", format!("db1,{name},10.0.0.1 {key}\n")),
        ("hashed", hashed.clone()),
        ("hashed of another port", hashed.replace("|1|", "|2|")),
        ("another key", format!("{name} {other}\n")),
        ("the second of a type is right", format!("{name} {other}\n{name} {key}\n")),
        ("only ecdsa", format!("{name} {ec}\n")),
        ("only rsa", format!("{name} {rsa}\n")),
        (
            "only an rsa that is wrong",
            format!(
                "{name} {}\n",
                rsa.replace("AAAAB3NzaC1yc2EAAAADAQABAAAB", "AAAAB3NzaC1yc2EAAAADAQABAAAA")
            ),
        ),
        ("a wildcard", format!("[127.*]:{port} {key}\n")),
        ("a question mark", format!("[127.0.0.?]:{port} {key}\n")),
        ("everything", format!("* {key}\n")),
        ("negated", format!("[127.*]:{port},!{name} {key}\n")),
        ("negation alone", format!("!db1 {key}\n")),
        ("the name without port", format!("127.0.0.1 {key}\n")),
        ("the name without port, another key", format!("127.0.0.1 {other}\n")),
        ("another port", format!("[127.0.0.1]:1 {key}\n")),
        ("revoked", format!("@revoked {name} {key}\n")),
        ("revoked and known", format!("{name} {key}\n@revoked * {key}\n")),
        ("another revoked", format!("@revoked * {other}\n{name} {key}\n")),
        ("one type revoked, another known", format!("@revoked * {key}\n{name} {ec}\n")),
        ("an authority that is its key", format!("@cert-authority {name} {key}\n")),
        ("an unknown marker", format!("@trusted {name} {key}\n")),
        ("two markers", format!("@revoked @cert-authority {name} {key}\n")),
        ("garbage before", format!("\0\u{1}x\n{name}\n{name} ssh-ed25519 AAAA!\n\n# x\n{name} {key}\n")),
        ("the wrong type before the key", format!("{name} {}\n", key.replace("ssh-ed25519", "ssh-rsa"))),
        ("commented out", format!("#{name} {key}\n")),
        ("old RSA lines", format!("{name} 1024 35 12345\n{name} {key}\n")),
    ] {
        rows.push(row(what, known, ""));
    }
    let strict = |value: &str| format!("StrictHostKeyChecking {value}\n");
    let changed = || format!("{name} {other}\n");
    rows.extend([
        row("accept-new, nothing known", String::new(), &strict("accept-new")),
        row("accept-new, another type known", format!("{name} {ec}\n"), &strict("accept-new")),
        row("accept-new, changed", changed(), &strict("accept-new")),
        row("accept-new, revoked", format!("@revoked * {key}\n"), &strict("accept-new")),
        row("accept-new, hashed", String::new(), "StrictHostKeyChecking accept-new\nHashKnownHosts yes\n"),
        row("no, nothing known", String::new(), &strict("no")),
        row("no, changed", changed(), &strict("no")).differs("a changed key is never accepted"),
        row("yes, nothing known", String::new(), &strict("yes")),
        row("yes, known", format!("{name} {key}\n"), &strict("yes")),
        row("no file", format!("{name} {key}\n"), "UserKnownHostsFile none\n"),
        row("the second file", format!("{name} {key}\n"), second),
        row("revoked in the machine's file", changed(), second),
        row("another type in the machine's file", String::new(), second),
        row("an alias", format!("Shop {key}\n"), "HostKeyAlias shop\n"),
        row("an alias has no port", format!("[shop]:{port} {key}\n"), "HostKeyAlias shop\n"),
        row("an alias replaces the name", format!("{name} {key}\n127.0.0.1 {key}\n"), "HostKeyAlias shop\n"),
        row(
            "an alias, changed",
            format!("shop {other}\n"),
            "HostKeyAlias shop\nStrictHostKeyChecking accept-new\n",
        ),
    ]);
    agree(&operator, rows).await;
}

/// The lines as `ssh-keygen -H` hashes them.
fn hashed(operator: &Operator, lines: &str) -> String {
    operator.write("hashed", lines);
    let file = operator.ssh_file("hashed");
    output("ssh-keygen", &["-q", "-H", "-f", &file.to_string_lossy()]);
    std::fs::read_to_string(file).unwrap()
}

/// What accept-new adds is what ssh adds, but for the salt.
#[tokio::test]
async fn what_is_added_is_what_ssh_adds() {
    let operator = Operator::new();
    let server = Sshd::start("");
    server.authorize(&operator.public);
    for (number, (config, before)) in
        [("", ""), ("HashKnownHosts yes\n", ""), ("", "# nothing\n"), ("HostKeyAlias shop\n", "x\n")]
            .into_iter()
            .enumerate()
    {
        let config = format!("{config}StrictHostKeyChecking accept-new\n");
        let row = Row::new("", server.port, before.to_owned(), &config);
        let files = |client: &str| Files::write(&operator, &format!("{number}.{client}"), &row);
        let (ssh, builtin) = (files("ssh"), files("builtin"));
        assert_eq!(by_ssh(&ssh, &row).await, Ok(()));
        assert_eq!(by_builtin(&operator, &builtin, &row).await, Ok(()));
        let added = |files: &Files| std::fs::read_to_string(&files.known_hosts).unwrap();
        let without_salt = |text: String| match text.split_once("|1|") {
            Some((start, rest)) => format!("{start}|1|{}", rest.split_once(' ').unwrap().1),
            None => text,
        };
        let (by_ssh_itself, by_shipit) = (without_salt(added(&ssh)), without_salt(added(&builtin)));
        assert_eq!(by_shipit, by_ssh_itself, "{config:?} {before:?}");
        assert_eq!(by_ssh(&builtin, &row).await, Ok(()), "ssh finds it again");
    }
}
