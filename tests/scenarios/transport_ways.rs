//! The ways to a host that ssh_config names, on real servers: commands, addresses, algorithms, and what programs are given.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use shipit::config::Host;
use shipit::transport::ssh::Ssh;
use shipit::transport::{ConnectError, Exit, Transport};

use crate::common_ssh::{Operator, Sshd, friends, host, refused, run};

/// A command that connects its input and output to a port, as `nc` does; it leaves its process id in a file.
const NC: &str = "echo $$ >>'PIDS'; echo 'half a line' >&2; exec 3<>/dev/tcp/%h/%p; cat <&3 & cat >&3";

fn named(name: &str) -> Host {
    let mut host = host(name, 22);
    host.port = None;
    host
}

/// The operator's configuration for `web`, which is the server.
fn configured(operator: &Operator, server: &Sshd, text: &str) -> Ssh {
    operator.write("config", &format!("Host web*\n HostName 127.0.0.1\n Port {}\n {text}\n", server.port));
    operator.ssh()
}

fn script(operator: &Operator, name: &str, text: &str) -> String {
    let file = operator.ssh_file(name);
    fs::write(&file, text.replace("PIDS", &operator.ssh_file("pids").to_string_lossy())).unwrap();
    file.to_string_lossy().into_owned()
}

/// Waits until the processes of that list are gone; for ever is a failure.
fn wait_for_the_end(pids: &Path) {
    let until = Instant::now() + Duration::from_secs(30);
    let pids = fs::read_to_string(pids).unwrap();
    assert!(!pids.is_empty());
    while pids.lines().any(alive) {
        assert!(Instant::now() < until, "still there: {pids}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.starts_with(['Z', 'X']) && !rest.is_empty())
}

#[tokio::test]
async fn a_proxy_command_carries_the_connection_and_ends_with_it() {
    let (server, operator) = friends();
    let nc = script(&operator, "nc", NC);
    // The command knows the port; the configuration's name is what known_hosts knows.
    let command = format!("ProxyCommand bash -c \"$(sed 's/%%h/%h/; s/%%p/%p/' '{nc}')\"");
    let ssh = configured(&operator, &server, &command);
    {
        let connection = ssh.connect(&named("web")).await.unwrap();
        let result = run(&*connection, "echo through").await;
        assert_eq!((result.stdout.as_slice(), &result.exit), (&b"through\n"[..], &Exit::Code(0)));
        assert!(result.stderr.is_empty(), "what the command says is not the program's");
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let pids = operator.ssh_file("pids");
    tokio::task::spawn_blocking(move || wait_for_the_end(&pids)).await.unwrap();
}

#[tokio::test]
async fn a_proxy_command_that_fails_says_its_last_words() {
    let (server, operator) = friends();
    let command =
        "ProxyCommand sh -c 'printf \"\\033[31mno route to %h\\n\" >&2; echo \"%n %r\" >&2; exit 3'";
    let error = refused(&configured(&operator, &server, command), &named("web")).await;
    let text = error.to_string();
    assert!(matches!(error, ConnectError::ProxyCommand { .. }), "{text}");
    assert!(text.starts_with("no connection to web by its ProxyCommand: "), "{text}");
    assert!(text.contains("it said: [31mno route to 127.0.0.1; web "), "{text}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
    // Options of shipit.toml come before the file.
    let mut host = named("web");
    host.ssh_options = vec!["ProxyCommand=none".to_owned()];
    assert!(configured(&operator, &server, command).connect(&host).await.is_ok());
    host.ssh_options = vec!["User=x".to_owned(), "NoSuch=1".to_owned()];
    let wrong = refused(&configured(&operator, &server, ""), &host).await;
    assert!(wrong.to_string().starts_with("NoSuch in ssh-options:2 counts for web"), "{wrong}");
    // One that never answers is given up, and ends.
    let stuck = script(&operator, "stuck", "echo $$ >>'PIDS'; trap '' HUP; while :; do sleep 1; done\n");
    operator.write("config", &format!("Host web\n ConnectTimeout 1\n ProxyCommand sh '{stuck}'\n"));
    let error = refused(&operator.ssh(), &named("web")).await;
    assert!(error.to_string().contains("SSH did not respond within 1"), "{error}");
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let pids = operator.ssh_file("pids");
    tokio::task::spawn_blocking(move || wait_for_the_end(&pids)).await.unwrap();
    // `none` is no command.
    let ssh = configured(&operator, &server, "ProxyCommand none");
    assert!(ssh.connect(&named("web")).await.is_ok());
}

#[tokio::test]
async fn variables_are_sent_as_ssh_sends_them() {
    let (server, operator) = (Sshd::start("AcceptEnv SHIP_* LANG"), Operator::new());
    operator.befriend(&server);
    let text = "SendEnv SHIP_* -SHIP_NOT OTHER\n SetEnv SHIP_SET=\"a b\" REFUSED=1";
    configured(&operator, &server, text);
    let mut options = operator.options();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    options.variables = vec![pair("SHIP_ONE", "$(x)'\n"), pair("SHIP_NOT", "1"), pair("OTHER", "1")];
    let connection = Ssh::new(options).connect(&named("web")).await.unwrap();
    let result = run(&*connection, "env -0 | grep -z -e SHIP_ -e OTHER -e REFUSED | sort -z").await;
    let text = String::from_utf8(result.stdout).unwrap();
    // A pattern takes back patterns, not names: SHIP_NOT is one of SHIP_*.
    assert_eq!(text, "SHIP_NOT=1\0SHIP_ONE=$(x)'\n\0SHIP_SET=a b\0");
}

#[tokio::test]
async fn addresses_as_the_configuration_wants_them() {
    let (server, operator) = friends();
    let ssh = configured(&operator, &server, "BindAddress 127.0.0.2\n TCPKeepAlive no\n AddressFamily inet");
    assert!(ssh.connect(&named("web")).await.is_ok());
    assert!(server.log().contains("Connection from 127.0.0.2 port"), "{}", server.log());
    let ssh = configured(&operator, &server, "BindInterface lo");
    assert!(ssh.connect(&named("web")).await.is_ok());
    for (text, expected) in [
        ("AddressFamily inet6", "it has no IPv6 address, and AddressFamily is inet6"),
        ("BindInterface no-such-0", "BindInterface no-such-0: there is no such interface that is up"),
        ("BindAddress ::1", "the address to bind to is of the other family"),
    ] {
        let error = refused(&configured(&operator, &server, text), &named("web")).await;
        assert!(error.to_string().contains(expected), "{text}: {error}");
    }
    // An alias is what known_hosts knows the host by, whatever its port.
    operator.write("aliases", &format!("the-web {}\n", server.host_key()));
    let text = "HostKeyAlias the-web\n UserKnownHostsFile ~/.ssh/aliases";
    assert!(configured(&operator, &server, text).connect(&named("web")).await.is_ok());
    // A zone, and a second attempt at a port where nobody listens.
    let closed = crate::common_ssh::free_port();
    operator.write(
        "config",
        &format!(
            "Host web\n HostName fe80::1%%lo\n Port {closed}\n ConnectTimeout 2\n  ConnectionAttempts 2\n"
        ),
    );
    let began = Instant::now();
    let error = refused(&operator.ssh(), &named("web")).await;
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
    assert!(began.elapsed() >= Duration::from_secs(1), "one attempt only");
}

#[tokio::test]
async fn algorithms_as_the_configuration_wants_them() {
    let only = "Ciphers aes256-ctr\nMACs hmac-sha2-512\nKexAlgorithms diffie-hellman-group14-sha256\nCompression yes";
    let (server, operator) = (Sshd::start(only), Operator::new());
    operator.befriend(&server);
    let text = "Ciphers ^aes256-ctr\n MACs hmac-sha2-512\n KexAlgorithms -mlkem*,curve*\n Compression yes";
    let connection = configured(&operator, &server, text).connect(&named("web")).await.unwrap();
    let result = run(&*connection, "head -c 1000000 /dev/zero | tr '\\0' a").await;
    assert_eq!((result.stdout.len(), result.exit), (1_000_000, Exit::Code(0)));
    for (text, expected) in [
        ("Ciphers aes128-ctr", "no common algorithm (Cipher); the server offers aes256-ctr"),
        (
            "Ciphers 3des-cbc",
            "Ciphers in HOME/.ssh/config:4 counts for web, and shipit's SSH client cannot do that",
        ),
        ("HostKeyAlgorithms rsa-sha2-512", "no common algorithm"),
    ] {
        let error = refused(&configured(&operator, &server, text), &named("web")).await;
        let error = error.to_string().replace(&*operator.dir.path().to_string_lossy(), "HOME");
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[tokio::test]
async fn a_command_of_match_exec_is_run_once_and_never_waited_for_without_end() {
    let (server, operator) = friends();
    let count = operator.ssh_file("count");
    let text = format!(
        "Match exec \"echo x >>'{}'\"\n HostName 127.0.0.1\n Port {}\n",
        count.display(),
        server.port
    );
    operator.write("config", &text);
    let ssh = operator.ssh();
    let (one, two) = (named("web1"), named("web2"));
    assert_eq!(ssh.lacks(&one).await, None, "asked to choose the client, too");
    let both = tokio::join!(ssh.connect(&one), ssh.connect(&two));
    assert!(both.0.is_ok() && both.1.is_ok());
    assert_eq!(fs::read_to_string(&count).unwrap(), "x\n");
    let stuck = script(&operator, "stuck", "echo $$ >>'PIDS'; sleep 1000 & wait\n");
    operator.write("config", &format!("\nMatch exec \"sh '{stuck}'\"\n Port 1\n"));
    let mut options = operator.options();
    options.connect_timeout = Duration::from_millis(500);
    let error = refused(&Ssh::new(options), &one).await;
    let text = error.to_string();
    assert!(text.contains("config:2: the command of Match exec `sh '"), "{text}");
    assert!(text.ends_with("failed: it did not end within 0.5 s"), "{text}");
    wait_for_the_end(&operator.ssh_file("pids"));
}
