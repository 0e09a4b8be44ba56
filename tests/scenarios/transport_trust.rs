//! Whom to trust and who is let in, on a real OpenSSH server: host keys, user keys, agents, jump hosts.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::common_ssh::{Agent, Client, Operator, Sshd, friends, keygen, output, refused, run};
use shipit::transport::ssh::Ssh;
use shipit::transport::{ConnectError, Exit, Transport};

on_each_client!(
    hosts_behind_a_jump_host_share_one_connection_to_it,
    a_chain_of_jump_hosts_from_the_config,
    fifty_hosts_behind_two_jump_hosts_are_one_login_at_each_of_these,
    jump_hosts_that_fail_say_which_and_why,
);

/// The text of an error with what changes from run to run replaced.
fn fixed(error: &ConnectError, server: &Sshd, operator: &Operator) -> String {
    let text = error.to_string().replace(&operator.dir.path().to_string_lossy().into_owned(), "HOME");
    text.replace(&server.port.to_string(), "PORT").replace(&output("id", &["-un"]), "USER")
}

fn fingerprint(key: &str) -> String {
    let key = russh::keys::PublicKey::from_openssh(key).unwrap();
    key.fingerprint(russh::keys::HashAlg::Sha256).to_string()
}

#[tokio::test]
async fn an_unknown_host_key_is_refused_with_the_line_to_add() {
    let (server, operator) = (Sshd::start(""), Operator::new());
    server.authorize(&operator.public);
    let ssh = operator.ssh();
    let error = refused(&ssh, &server.host()).await;
    let ConnectError::UnknownHostKey { key } = &error else { panic!("{error}") };
    assert_eq!(key.line, server.known_line());
    assert_eq!(key.file, operator.ssh_file("known_hosts"));
    assert!(
        output("ssh-keygen", &["-lf", &server.dir.path().join("host_ed25519").to_string_lossy()])
            .contains(&key.fingerprint)
    );
    assert!(error.hint().unwrap().contains(&key.line));
    assert_eq!(server.count("Accepted"), 0, "nobody logged in");

    operator.write("known_hosts", &format!("{}\n", key.line));
    ssh.reload_known_hosts();
    assert_eq!(run(&*ssh.connect(&server.host()).await.unwrap(), "true").await.exit, Exit::Code(0));
}

#[tokio::test]
async fn changed_and_revoked_host_keys_are_refused_whatever_the_config_says() {
    let (server, operator) = (Sshd::start(""), Operator::new());
    server.authorize(&operator.public);
    operator.write("config", "Host *\n StrictHostKeyChecking no\n");
    let other = keygen(&operator.ssh_file("other"), "ed25519", "");
    operator.write("known_hosts", &format!("# note\n[127.0.0.1]:{} {other}\n", server.port));
    let changed = refused(&operator.ssh(), &server.host()).await;
    assert!(matches!(&changed, ConnectError::ChangedHostKey { line: 2, .. }), "{changed}");
    let (new, old) = (fingerprint(&server.host_key()), fingerprint(&other));
    assert!(changed.to_string().contains(&new), "{changed}");
    assert!(changed.to_string().ends_with(&format!("known_hosts:2, {old}")), "{changed}");

    operator.write("known_hosts", &format!("{}\n@revoked * {}\n", server.known_line(), server.host_key()));
    let revoked = refused(&operator.ssh(), &server.host()).await;
    assert!(matches!(revoked, ConnectError::RevokedHostKey { line: 2, .. }), "{revoked}");
    assert_eq!(server.count("Accepted"), 0);
}

#[tokio::test]
async fn a_known_rsa_host_key_is_refused_where_it_is_short() {
    let operator = Operator::new();
    let key = operator.ssh_file("host_rsa");
    let public = keygen(&key, "rsa", "");
    let server = Sshd::start(&format!("HostKey {}", key.display()));
    server.authorize(&operator.public);
    operator.write("known_hosts", &format!("[127.0.0.1]:{} {public}\n", server.port));
    for (bits, refused_for) in [(3072, None), (4096, Some((3072, 4096)))] {
        operator
            .write("config", &format!("Host *\n HostKeyAlgorithms rsa-sha2-512\n RequiredRSASize {bits}\n"));
        match operator.ssh().connect(&server.host()).await {
            Ok(_) => assert_eq!(refused_for, None),
            Err(ConnectError::ShortHostKey { bits, least, .. }) => {
                assert_eq!(Some((bits, least)), refused_for)
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn a_pinned_host_key_replaces_known_hosts() {
    let (server, operator) = (Sshd::start(""), Operator::new());
    server.authorize(&operator.public);
    let listing = output("ssh-keygen", &["-lf", &server.dir.path().join("host_ed25519").to_string_lossy()]);
    let mut host = server.host();
    host.host_key = listing.split_whitespace().nth(1).map(str::to_owned);
    assert!(operator.ssh().connect(&host).await.is_ok());
    host.host_key = Some("SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned());
    let error = refused(&operator.ssh(), &host).await;
    assert!(matches!(error, ConnectError::PinnedHostKey { .. }), "{error}");
}

#[tokio::test]
async fn the_server_shows_the_key_type_that_is_known() {
    let rsa = tempfile::tempdir().unwrap();
    let public = keygen(&rsa.path().join("rsa"), "rsa", "");
    let (server, operator) = (Sshd::start(&format!("HostKey {}/rsa", rsa.path().display())), Operator::new());
    server.authorize(&operator.public);
    operator.write("known_hosts", &format!("[127.0.0.1]:{} {public}\n", server.port));
    assert!(operator.ssh().connect(&server.host()).await.is_ok());
}

#[tokio::test]
async fn a_wrong_key_is_refused_once_with_all_that_is_known() {
    let (server, operator) = friends();
    keygen(&operator.ssh_file("stranger"), "ed25519", "");
    let mut host = server.host();
    host.key = Some(operator.ssh_file("stranger"));
    let error = refused(&operator.ssh(), &host).await;
    assert_eq!(
        fixed(&error, &server, &operator),
        "permission denied for user USER at 127.0.0.1 (127.0.0.1:PORT): offered HOME/.ssh/stranger; the server accepts publickey"
    );
    assert_eq!(server.count("Failed publickey"), 1, "{}", server.log());
}

#[tokio::test]
async fn key_files_of_all_kinds_let_in() {
    let (server, operator) = friends();
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let file = operator.ssh_file(&format!("some_{kind}"));
        server.authorize(&keygen(&file, kind, ""));
        let mut host = server.host();
        host.key = Some(file);
        assert!(operator.ssh().connect(&host).await.is_ok(), "{kind}");
    }
}

#[tokio::test]
async fn useless_key_files_say_why() {
    let (server, operator) = friends();
    let mut host = server.host();
    host.key = Some(operator.ssh_file("missing"));
    let missing = refused(&operator.ssh(), &host).await;
    assert_eq!(
        fixed(&missing, &server, &operator),
        "cannot read the private key HOME/.ssh/missing: no such file or directory"
    );
    host.key = Some(operator.ssh_file("known_hosts"));
    let other = refused(&operator.ssh(), &host).await;
    assert!(matches!(other, ConnectError::KeyFile { .. }), "{other}");
}

#[tokio::test]
async fn a_key_with_a_passphrase_needs_the_agent() {
    let (server, operator) = friends();
    let file = operator.ssh_file("locked");
    server.authorize(&keygen(&file, "ed25519", "a secret"));
    let mut host = server.host();
    host.key = Some(file.clone());
    let error = refused(&operator.ssh(), &host).await;
    assert_eq!(error, ConnectError::KeyEncrypted { path: file.clone() });
    assert_eq!(error.hint(), Some(format!("ssh-add {}", file.display())));

    let agent = Agent::start(operator.dir.path());
    let mut options = operator.options();
    options.agent = Some(agent.socket.clone());
    assert!(matches!(refused(&Ssh::new(options.clone()), &host).await, ConnectError::KeyEncrypted { .. }));
    agent.add(&file, "a secret");
    assert!(Ssh::new(options.clone()).connect(&host).await.is_ok());

    // The old format does not show its public half: the file beside it does.
    let pem = operator.ssh_file("pem");
    server.authorize(&keygen(&pem, "rsa", "a secret"));
    output(
        "ssh-keygen",
        &["-q", "-p", "-m", "PEM", "-P", "a secret", "-N", "a secret", "-f", &pem.to_string_lossy()],
    );
    agent.add(&pem, "a secret");
    host.key = Some(pem);
    assert!(Ssh::new(options).connect(&host).await.is_ok());
}

/// As ssh does: until the server says that it is enough. What is left is named.
#[tokio::test]
async fn keys_are_offered_until_the_server_hangs_up() {
    let (server, operator) = (Sshd::start("MaxAuthTries 3"), Operator::new());
    operator.befriend(&server);
    let agent = Agent::start(operator.dir.path());
    for number in 0..8 {
        let file = operator.ssh_file(&format!("spare{number}"));
        keygen(&file, "ed25519", "");
        agent.add(&file, "");
    }
    let mut options = operator.options();
    options.agent = Some(agent.socket.clone());
    let error = refused(&Ssh::new(options.clone()), &server.host()).await;
    let ConnectError::Refused { refusal } = &error else { panic!("{error}") };
    assert_eq!((refusal.tried.len(), refusal.skipped.len()), (3, 6), "{error}");
    assert_eq!(refusal.last_words.as_deref(), Some("Too many authentication failures"));
    assert!(error.hint().unwrap().contains("IdentitiesOnly"), "{:?}", error.hint());
    assert_eq!(server.log().matches("Connection from").count(), 1, "it is not tried again");

    agent.add(&operator.ssh_file("id_ed25519"), "");
    operator.write("config", "IdentityFile ~/.ssh/id_ed25519\n");
    assert!(Ssh::new(options.clone()).connect(&server.host()).await.is_ok(), "the named key comes first");
    operator.write("config", "IdentityFile ~/.ssh/spare0\nIdentitiesOnly yes\n");
    let error = refused(&Ssh::new(options), &server.host()).await;
    let ConnectError::Refused { refusal } = &error else { panic!("{error}") };
    assert_eq!(refusal.tried, [operator.ssh_file("spare0").display().to_string()]);
}

#[tokio::test]
async fn what_other_users_can_read_or_change_is_refused() {
    let (server, operator) = friends();
    let mode = |name: &str, mode| {
        fs::set_permissions(operator.ssh_file(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("id_ed25519", 0o644);
    let error = refused(&Ssh::new(operator.options()), &server.host()).await;
    assert!(error.to_string().contains("id_ed25519 (can be read by other users"), "{error}");
    let chmod = format!("chmod 600 {}", operator.ssh_file("id_ed25519").display());
    assert_eq!(error.hint().as_ref(), Some(&chmod));
    let mut host = server.host();
    host.key = Some(operator.ssh_file("id_ed25519"));
    let error = refused(&Ssh::new(operator.options()), &host).await;
    assert!(matches!(error, ConnectError::KeyExposed { .. }), "{error}");
    assert_eq!(error.hint(), Some(chmod));
    // The agent has it from elsewhere, and the file is not used.
    mode("id_ed25519", 0o600);
    let agent = Agent::start(operator.dir.path());
    agent.add(&operator.ssh_file("id_ed25519"), "");
    mode("id_ed25519", 0o644);
    let mut options = operator.options();
    options.agent = Some(agent.socket.clone());
    assert!(Ssh::new(options).connect(&host).await.is_ok());
    mode("id_ed25519", 0o600);
    operator.write("config", "Compression no\n");
    assert!(Ssh::new(operator.options()).connect(&server.host()).await.is_ok());
    mode("config", 0o664);
    let error = refused(&Ssh::new(operator.options()), &server.host()).await;
    assert!(matches!(error, ConnectError::SshConfigExposed { .. }), "{error}");
    assert!(error.hint().unwrap().starts_with("chmod go-w "), "{:?}", error.hint());
}

#[tokio::test]
async fn an_agent_that_is_gone_is_a_note() {
    let (server, operator) = friends();
    let mut options = operator.options();
    options.agent = Some(operator.dir.path().join("gone.sock"));
    assert!(Ssh::new(options.clone()).connect(&server.host()).await.is_ok(), "the key file is enough");
    fs::remove_file(operator.ssh_file("id_ed25519")).unwrap();
    fs::remove_file(operator.ssh_file("id_ed25519.pub")).unwrap();
    let error = refused(&Ssh::new(options), &server.host()).await;
    assert!(error.to_string().contains("gone.sock (no such file or directory)"), "{error}");
}

#[tokio::test]
async fn a_server_that_hangs_up_has_the_last_word() {
    let (server, operator) = (Sshd::start("MaxAuthTries 1"), Operator::new());
    operator.write("known_hosts", &server.known_line());
    let error = refused(&operator.ssh(), &server.host()).await;
    assert!(error.to_string().ends_with("it said: Too many authentication failures"), "{error}");
}

#[tokio::test]
async fn the_users_ssh_config_is_honoured() {
    let (server, operator) = (Sshd::start(""), Operator::new());
    let key = operator.ssh_file("deploy key");
    server.authorize(&keygen(&key, "ed25519", ""));
    operator.write("known", &format!("{}\n", server.known_line()));
    operator.write(
        "config",
        &format!(
            "Host web\n HostName 127.0.0.1\n Port {}\n IdentityFile \"~/.ssh/deploy key\"\n UserKnownHostsFile ~/.ssh/known\n",
            server.port
        ),
    );
    let mut host = server.host();
    (host.machine, host.port) = ("web".to_owned(), None);
    assert!(operator.ssh().connect(&host).await.is_ok());
}

async fn hosts_behind_a_jump_host_share_one_connection_to_it(by: Client) {
    let (gate, operator) = friends();
    let inner = [Sshd::start(""), Sshd::start("")];
    inner.iter().for_each(|server| operator.befriend(server));
    let ssh = operator.by(by);
    let both = inner.iter().map(|server| {
        let mut host = server.host();
        host.jump = Some(vec![format!("127.0.0.1:{}", gate.port)]);
        let ssh = &ssh;
        async move { run(&*ssh.connect(&host).await.unwrap(), "exit 6").await.exit }
    });
    assert_eq!(futures_util::future::join_all(both).await, [Exit::Code(6), Exit::Code(6)]);
    assert_eq!(gate.count("Accepted publickey"), 1);
    assert!(inner.iter().all(|server| server.count("Accepted publickey") == 1));
}

async fn a_chain_of_jump_hosts_from_the_config(by: Client) {
    let (first, operator) = friends();
    let (second, target) = (Sshd::start(""), Sshd::start(""));
    operator.befriend(&second);
    operator.befriend(&target);
    operator.write(
        "config",
        &format!(
            "Host first second target\n HostName 127.0.0.1\nHost first\n Port {}\nHost second\n Port {}\n\
             Host target\n Port {}\n ProxyJump first,second\n",
            first.port, second.port, target.port
        ),
    );
    let mut host = target.host();
    (host.machine, host.port) = ("target".to_owned(), None);
    let ssh = operator.by(by);
    let connection = ssh.connect(&host).await.unwrap();
    assert_eq!(run(&*connection, "exit 8").await.exit, Exit::Code(8));
    assert!([&first, &second, &target].iter().all(|server| server.count("Accepted publickey") == 1));
}

async fn fifty_hosts_behind_two_jump_hosts_are_one_login_at_each_of_these(by: Client) {
    // Each is a process, and a login, of the system's `ssh`.
    let count = if by == Client::Builtin { 50 } else { 5 };
    let (first, operator) = friends();
    let (second, target) = (Sshd::start(""), Sshd::start(""));
    operator.befriend(&second);
    operator.befriend(&target);
    operator.write(
        "config",
        &format!(
            "Host *\n HostName 127.0.0.1\nHost first\n Port {}\nHost second\n Port {}\n ProxyJump first\n\
             Host web*\n Port {}\n ProxyJump second\n",
            first.port, second.port, target.port
        ),
    );
    let ssh = operator.by(by);
    let all = (0..count).map(|number| {
        let (mut host, ssh) = (target.host(), &ssh);
        (host.machine, host.port) = (format!("web{number}"), None);
        async move { run(&*ssh.connect(&host).await.unwrap(), &format!("exit {number}")).await.exit }
    });
    let exits = futures_util::future::join_all(all).await;
    assert_eq!(exits, (0..count).map(Exit::Code).collect::<Vec<_>>());
    assert_eq!(
        [&first, &second, &target].map(|server| server.count("Accepted publickey")),
        [1, 1, count as usize]
    );
}

async fn jump_hosts_that_fail_say_which_and_why(by: Client) {
    let (gate, operator) = friends();
    let mut host = crate::common_ssh::host("127.0.0.1", crate::common_ssh::free_port());
    host.jump = Some(vec![format!("127.0.0.1:{}", gate.port)]);
    let behind = refused(&*operator.by(by), &host).await;
    let ConnectError::Jump { source, .. } = &behind else { panic!("{behind}") };
    assert!(matches!(**source, ConnectError::Tunnel { .. }), "{source}");

    host.jump = Some(vec![format!("127.0.0.1:{}", crate::common_ssh::free_port())]);
    let before = refused(&*operator.by(by), &host).await;
    let ConnectError::Jump { source, .. } = &before else { panic!("{before}") };
    assert!(matches!(**source, ConnectError::Unreachable { .. }), "{source}");

    operator.write("config", "Host *\n ProxyJump gate\n");
    host.jump = None;
    let endless = refused(&*operator.by(by), &host).await;
    let ConnectError::Jump { source, .. } = &endless else { panic!("{endless}") };
    assert!(matches!(**source, ConnectError::JumpSpec { .. }), "{source}");
}
