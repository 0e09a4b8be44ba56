//! The operator's agent on real servers: lent by both clients where that is asked for, and nowhere else.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fs;
use std::process::Command;

use bytes::Bytes;
use shipit::config::{ForwardAgent, Host};
use shipit::transport::{ConnectError, Connection};

use crate::common_ssh::{Agent, Client, Operator, Sshd, finish, friends, refused, run};

on_each_client!(
    an_agent_is_lent_only_where_that_is_asked_for,
    ssh_config_says_which_agent_it_is,
    a_jump_host_is_lent_none,
    an_agent_that_is_lent_is_told_where,
);

/// An agent with the operator's key, which is nowhere else.
fn agent(operator: &Operator) -> Agent {
    let agent = Agent::start(operator.dir.path());
    agent.add(&operator.ssh_file("id_ed25519"), "");
    agent
}

fn lent(server: &Sshd) -> Host {
    let mut lent = server.host();
    lent.forward_agent = ForwardAgent::Git;
    lent
}

/// The keys that a program there can use.
async fn seen(connection: &dyn Connection) -> String {
    let said = run(connection, "[ -z \"$SSH_AUTH_SOCK\" ] && echo no agent || ssh-add -l 2>&1").await;
    String::from_utf8(said.stdout).unwrap()
}

async fn an_agent_is_lent_only_where_that_is_asked_for(by: Client) {
    let (server, operator) = friends();
    let agent = agent(&operator);
    operator.write("config", "ForwardAgent yes\n");
    let transport = operator.with_agent(by, Some(&agent.socket));
    let connection = transport.connect(&lent(&server)).await.unwrap();
    let keys = seen(&*connection).await;
    assert!(keys.contains("ED25519"), "{keys}");
    let mut alone = server.host();
    alone.ssh_options = vec!["ForwardAgent yes".to_owned()];
    // While the other one is open.
    let without = transport.connect(&alone).await.unwrap();
    assert_eq!(seen(&*without).await, "no agent\n", "ssh_config alone lends nothing");
    let again = seen(&*connection).await;
    assert_eq!(again, keys, "each program has it");
    operator.write("config", "ForwardAgent no\n");
    let connection = operator.with_agent(by, Some(&agent.socket)).connect(&lent(&server)).await.unwrap();
    assert_eq!(seen(&*connection).await, keys, "shipit.toml decides");
    let error = refused(&*operator.with_agent(by, None), &lent(&server)).await;
    assert!(matches!(error, ConnectError::NoAgent { .. }), "{error}");
}

async fn ssh_config_says_which_agent_it_is(by: Client) {
    let (server, operator) = friends();
    let agent = agent(&operator);
    for keyword in ["ForwardAgent", "IdentityAgent"] {
        operator.write("config", &format!("{keyword} {}\n", agent.socket.display()));
        let connection = operator.with_agent(by, None).connect(&lent(&server)).await.unwrap();
        let keys = seen(&*connection).await;
        assert!(keys.contains("ED25519"), "{keyword}: {keys}");
        let connection = operator.with_agent(by, None).connect(&server.host()).await.unwrap();
        assert_eq!(seen(&*connection).await, "no agent\n", "{keyword}");
    }
    operator.write("config", "IdentityAgent none\n");
    let error = refused(&*operator.with_agent(by, Some(&agent.socket)), &lent(&server)).await;
    assert!(matches!(error, ConnectError::NoAgent { .. }), "{error}");
}

async fn a_jump_host_is_lent_none(by: Client) {
    const ASKED: &str = "auth-agent-req@openssh.com";
    let (server, operator) = (Sshd::start("LogLevel DEBUG"), Operator::new());
    let gate = Sshd::start("LogLevel DEBUG");
    operator.befriend(&server);
    operator.befriend(&gate);
    let agent = agent(&operator);
    operator.write("config", &format!("Host gate\n HostName 127.0.0.1\n Port {}\n", gate.port));
    let mut behind = lent(&server);
    behind.jump = Some(vec!["gate".to_owned()]);
    let connection = operator.with_agent(by, Some(&agent.socket)).connect(&behind).await.unwrap();
    let keys = seen(&*connection).await;
    assert!(keys.contains("ED25519"), "{keys}");
    assert_eq!((server.count(ASKED) > 0, gate.count(ASKED)), (true, 0));
    assert!(gate.count("Accepted publickey") > 0);
}

/// A key that was loaded for this host alone lets nobody go on from there.
async fn an_agent_that_is_lent_is_told_where(by: Client) {
    let (server, operator) = friends();
    let agent = Agent::start(operator.dir.path());
    let loaded = Command::new("ssh-add")
        .args(["-q", "-H", &operator.ssh_file("known_hosts").to_string_lossy()])
        .args(["-h", &format!("[127.0.0.1]:{}", server.port)])
        .arg(operator.ssh_file("id_ed25519"))
        .env("SSH_AUTH_SOCK", &agent.socket)
        .status();
    assert!(loaded.unwrap().success());
    fs::remove_file(operator.ssh_file("id_ed25519")).unwrap();
    let connection = operator.with_agent(by, Some(&agent.socket)).connect(&lent(&server)).await.unwrap();
    let keys = seen(&*connection).await;
    assert!(keys.contains("no identities"), "{keys}");
}

/// The system's `ssh` waits for such an agent with all that it does.
#[tokio::test]
async fn an_agent_that_hangs_stops_what_asks_it_and_nothing_else() {
    let (server, operator) = friends();
    let agent = agent(&operator);
    let transport = operator.with_agent(Client::Builtin, Some(&agent.socket));
    let connection = transport.connect(&lent(&server)).await.unwrap();
    agent.stop();
    let asking = connection.exec("ssh-add -l 2>&1; echo ended").await.unwrap();
    let asked = finish(asking, Bytes::new());
    tokio::pin!(asked);
    tokio::select! {
        asked = &mut asked => panic!("{asked:?}"),
        other = run(&*connection, "sleep 1; echo still here") => assert_eq!(other.stdout, b"still here\n"),
    }
    let said = String::from_utf8(asked.await.stdout).unwrap();
    assert!(said.ends_with("ended\n") && !said.contains("ED25519"), "{said}");
}
