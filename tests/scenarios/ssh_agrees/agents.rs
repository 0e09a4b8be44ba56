//! Agents: what they hold, in which order it is offered, and servers that take few offers.

use std::fs;

use crate::common_ssh::{Agent, Operator, Sshd};

use super::{Row, agree, made, sign};

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "a table")]
async fn about_agents() {
    let operator = Operator::new();
    let home = operator.dir.path();
    let user = crate::common_ssh::output("id", &["-un"]);
    let authority = made(&operator.ssh_file("ca"), "ed25519");
    let file = operator.ssh_file("authority.pub");
    fs::write(&file, format!("{authority}\n")).unwrap();
    let lines = format!("TrustedUserCAKeys {}\nMaxAuthTries", file.display());
    let (usual, strict) = (Sshd::start(&format!("{lines} 6")), Sshd::start(&format!("{lines} 3")));
    let known = format!("{}\n{}\n", usual.known_line(), strict.known_line());
    // Eight keys, of which the last is right, and one with a certificate of another agent.
    let (full, few) = (home.join("full"), home.join("few"));
    fs::create_dir(&full).unwrap();
    fs::create_dir(&few).unwrap();
    let (full, few) = (Agent::start(&full), Agent::start(&few));
    let mut publics = Vec::new();
    for number in 1..=8 {
        let file = operator.ssh_file(&format!("key{number}"));
        publics.push(made(&file, "ed25519"));
        full.add(&file, "");
        if number > 2 {
            few.add(&file, "");
        }
    }
    for server in [&usual, &strict] {
        server.authorize(&publics[7]);
    }
    made(&operator.ssh_file("certified"), "ed25519");
    sign(&operator.ssh_file("ca"), &["-n", &user, "-V", "-1d:+1d"], &operator.ssh_file("certified.pub"));
    let certified = home.join("certified");
    fs::create_dir(&certified).unwrap();
    let certified = Agent::start(&certified);
    certified.add(&operator.ssh_file("certified"), "");
    let moved = operator.ssh_file("moved-cert.pub");
    fs::rename(operator.ssh_file("certified-cert.pub"), &moved).unwrap();
    let plain = home.join("plain");
    fs::create_dir(&plain).unwrap();
    let plain = Agent::start(&plain);
    plain.add(&operator.ssh_file("certified"), "");
    for name in ["certified", "key7", "key8"] {
        fs::remove_file(operator.ssh_file(name)).unwrap();
    }
    let row = |what: &str, server: &Sshd, config: &str| Row::new(what, server.port, known.clone(), config);
    let eighth = "IdentityFile HOME/.ssh/key8.pub\n";
    let only = "IdentitiesOnly yes\n";
    let rows = vec![
        row("no agent", &usual, ""),
        row("eight keys, the last is right", &usual, "").agent(&full.socket),
        row("six keys, the last is right", &usual, "").agent(&few.socket),
        row("eight keys, three tries", &strict, "").agent(&full.socket),
        row("eight keys, three tries, the right one named", &strict, eighth).agent(&full.socket),
        row("named without its file's ending", &strict, "IdentityFile HOME/.ssh/key8\n").agent(&full.socket),
        row("only the named one", &strict, &format!("{only}{eighth}")).agent(&full.socket),
        row("only another", &usual, &format!("{only}IdentityFile HOME/.ssh/key7.pub\n")).agent(&full.socket),
        row("the named one is not in the agent", &usual, "IdentityFile HOME/.ssh/key8.pub\n"),
        row("two named, both there", &strict, &format!("IdentityFile HOME/.ssh/key7.pub\n{eighth}"))
            .agent(&full.socket),
        row("a file is right, after six of the agent", &usual, "IdentityFile HOME/.ssh/key1\n")
            .agent(&few.socket),
        row("the agent is gone", &usual, "").agent(&home.join("gone.sock")),
        row("no agent wanted", &usual, &format!("IdentityAgent none\n{eighth}")).agent(&full.socket),
        row("another agent wanted", &usual, &format!("IdentityAgent {}\n", few.socket.display())),
        row("a certificate in the agent", &usual, "").agent(&certified.socket),
        row("a certificate in the agent, only what is named", &usual, only).agent(&certified.socket),
        row("its key in the agent, no certificate", &usual, "IdentityAgent none\n").agent(&plain.socket),
        row(
            "its key in the agent, its certificate in a file",
            &usual,
            "CertificateFile HOME/.ssh/moved-cert.pub\n",
        )
        .agent(&plain.socket),
        row(
            "the same, only what is named",
            &usual,
            &format!("{only}CertificateFile HOME/.ssh/moved-cert.pub\n"),
        )
        .agent(&plain.socket),
    ];
    agree(&operator, rows).await;
}
