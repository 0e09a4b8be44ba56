//! The system's `ssh` as a client: the user's shared connection, configurations that would disturb, and agreement with `ssh`
//! itself on who is let in.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::common_ssh::{Agent, Client, Operator, Sshd, friends, output, refused, run};
use shipit::config::ForwardAgent;
use shipit::transport::openssh::OpenSsh;
use shipit::transport::{ConnectError, DialError, Exit, Forwarding};

/// What the operator types as `ssh`, in its own home.
fn ssh(operator: &Operator) -> Command {
    Command::new(operator.openssh_options().ssh)
}

/// A shared connection of the user's own; ends when dropped.
struct Shared(Child);

impl Shared {
    fn open(operator: &Operator, server: &Sshd, socket: &Path) -> Self {
        let mut command = ssh(operator);
        command.args(["-M", "-N", "-p", &server.port.to_string(), "-S"]).arg(socket).arg("127.0.0.1");
        let child = command.stdin(Stdio::null()).spawn().unwrap();
        let start = Instant::now();
        while !socket.exists() {
            assert!(start.elapsed() < Duration::from_secs(20), "no shared connection");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self(child)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_users_shared_connection_is_used_and_stays_and_a_stale_socket_is_no_obstacle() {
    let (server, operator) = friends();
    let socket = operator.dir.path().join("shared");
    operator.write("config", &format!("Host *\n ControlPath {}\n ControlMaster auto\n", socket.display()));
    let mut shared = Shared::open(&operator, &server, &socket);
    let by = operator.by(Client::OpenSsh);
    let connection = by.connect(&server.host()).await.unwrap();
    assert_eq!(run(&*connection, "exit 7").await.exit, Exit::Code(7));
    assert_eq!(run(&*connection, "kill -KILL $$").await.exit, Exit::Signal(String::new()));
    assert_eq!(connection.dial("127.0.0.1", server.port).await.err(), Some(DialError::Forbidden));
    assert!(matches!(connection.forwarding().await, Forwarding::Unknown(_)));
    let mut running = connection.exec("echo started; sleep 60").await.unwrap();
    assert!(running.output.recv().await.is_some());
    drop(connection);
    let end = tokio::time::timeout(Duration::from_secs(20), running.output.recv()).await;
    assert!(end.is_ok(), "what runs is ended with the connection");
    assert_eq!(server.count("Accepted publickey"), 1, "one login for all of it");
    assert!(shared.0.try_wait().unwrap().is_none(), "it stays");

    // A pinned key is checked, and the shared connection tells none.
    let listing = output("ssh-keygen", &["-lf", &server.dir.path().join("host_ed25519").to_string_lossy()]);
    let mut pinned = server.host();
    pinned.host_key = listing.split_whitespace().nth(1).map(str::to_owned);
    assert!(by.connect(&pinned).await.is_ok());
    assert_eq!(server.count("Accepted publickey"), 2);

    // Killed, it leaves its socket behind; stopped, it answers nobody.
    output("kill", &["-STOP", &shared.0.id().to_string()]);
    let impatient = operator.by_with(Client::OpenSsh, Duration::from_secs(1), Duration::from_secs(15));
    let own = impatient.connect(&server.host()).await.unwrap();
    assert_eq!(run(&*own, "exit 8").await.exit, Exit::Code(8));
    drop(shared);
    assert!(socket.exists());
    let own = by.connect(&server.host()).await.unwrap();
    assert_eq!(run(&*own, "exit 9").await.exit, Exit::Code(9));
}

#[tokio::test]
async fn the_users_shared_connection_is_not_used_to_lend_an_agent_and_is_not_made_to() {
    let (server, operator) = friends();
    let socket = operator.dir.path().join("shared");
    operator.write("config", &format!("Host *\n ControlPath {}\n ControlMaster auto\n", socket.display()));
    let mut shared = Shared::open(&operator, &server, &socket);
    let agent = Agent::start(operator.dir.path());
    // Named, for the shared connection is to know of none.
    let mut lent = server.host();
    lent.forward_agent = ForwardAgent::All;
    lent.ssh_options = vec![format!("ForwardAgent {}", agent.socket.display())];
    let by = operator.by(Client::OpenSsh);
    let connection = by.connect(&lent).await.unwrap();
    let seen = "ssh-add -l 2>&1; [ -S \"$SSH_AUTH_SOCK\" ]";
    let said = run(&*connection, seen).await;
    assert_eq!((said.stdout.as_slice(), said.exit), (&b"The agent has no identities.\n"[..], Exit::Code(0)));
    assert_eq!(server.count("Accepted publickey"), 2, "its own login");
    let connection = by.connect(&server.host()).await.unwrap();
    assert_eq!(run(&*connection, seen).await.exit, Exit::Code(1));
    assert_eq!(server.count("Accepted publickey"), 2, "the shared one");
    assert!(shared.0.try_wait().unwrap().is_none(), "it stays");
}

#[tokio::test]
async fn a_shared_connection_that_lends_an_agent_is_not_used_where_none_is_to_be_lent() {
    let (server, operator) = friends();
    let agent = Agent::start(operator.dir.path());
    let socket = operator.dir.path().join("shared");
    operator.write(
        "config",
        &format!(
            "Host *\n ControlPath {}\n ControlMaster auto\n ForwardAgent {}\n",
            socket.display(),
            agent.socket.display()
        ),
    );
    let shared = Shared::open(&operator, &server, &socket);
    // It lends what one of its programs asked for to all of them.
    let asked = ssh(&operator).args(["-p", &server.port.to_string(), "127.0.0.1", "true"]).status();
    assert!(asked.unwrap().success());
    let connection = operator.by(Client::OpenSsh).connect(&server.host()).await.unwrap();
    assert_eq!(run(&*connection, "echo \"$SSH_AUTH_SOCK\"").await.stdout, b"\n");
    assert_eq!(server.count("Accepted publickey"), 2, "its own login");
    drop(shared);
}

#[tokio::test]
async fn what_would_hang_or_disturb_a_run_is_overridden() {
    let (server, operator) = friends();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    operator.write(
        "config",
        &format!(
            "Host *\n RemoteCommand sleep 60\n RequestTTY force\n ForkAfterAuthentication yes\n StdinNull yes\n\
             LocalForward {port} 127.0.0.1:1\n RemoteForward 1 127.0.0.1:1\n DynamicForward {port}\n\
             ExitOnForwardFailure yes\n PermitLocalCommand yes\n LocalCommand sleep 60\n SessionType none\n\
             LogLevel QUIET\n ControlPersist yes\n EscapeChar x\n ForwardAgent yes\n ForwardX11 yes\n\
             Tunnel ethernet\n VisualHostKey yes\n SetEnv LC_SHIPIT=kept\n"
        ),
    );
    let connection = operator.by(Client::OpenSsh).connect(&server.host()).await.unwrap();
    let channel = connection.exec("cat; tty; echo $SSH_AUTH_SOCK; exit 3").await.unwrap();
    let result = crate::common_ssh::finish(channel, bytes::Bytes::from_static(b"in\nx.\n")).await;
    assert_eq!(String::from_utf8_lossy(&result.stdout), "in\nx.\nnot a tty\n\n");
    assert_eq!(result.exit, Exit::Code(3));
}

#[tokio::test]
async fn services_of_the_host_are_asked_over_our_own_connection() {
    let (server, operator) = friends();
    let connection = operator.by(Client::OpenSsh).connect(&server.host()).await.unwrap();
    assert_eq!(connection.forwarding().await, Forwarding::Allowed);
    let mut stream = connection.dial("127.0.0.1", server.port).await.unwrap();
    let mut said = [0; 8];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut said).await.unwrap();
    assert_eq!(&said, b"SSH-2.0-");
    let nothing = connection.dial("127.0.0.1", 1).await.err();
    assert!(matches!(nothing, Some(DialError::Refused(_))), "{nothing:?}");

    let (server, operator) = (Sshd::start("AllowTcpForwarding no"), Operator::new());
    operator.befriend(&server);
    let connection = operator.by(Client::OpenSsh).connect(&server.host()).await.unwrap();
    assert_eq!(connection.forwarding().await, Forwarding::Forbidden);
    assert_eq!(run(&*connection, "exit 4").await.exit, Exit::Code(4), "nothing else is disturbed");
}

#[tokio::test]
async fn a_killed_ssh_of_a_program_is_a_lost_connection_and_one_of_the_host_is_all_of_them() {
    let (server, operator) = friends();
    let connection = operator.by(Client::OpenSsh).connect(&server.host()).await.unwrap();
    // Those of this test, by the option that only they have.
    let pid = |flag: &str| {
        let listing = output("ps", &["-e", "-o", "pid=,args="]);
        let home = operator.dir.path().to_string_lossy().into_owned();
        let found = listing.lines().find(|line| line.contains(&home) && line.contains(flag));
        found
            .unwrap_or_else(|| panic!("no ssh with {flag}:\n{listing}"))
            .split_whitespace()
            .next()
            .unwrap()
            .to_owned()
    };
    let mut one = connection.exec("echo started; sleep 60").await.unwrap();
    assert!(one.output.recv().await.is_some());
    output("kill", &["-KILL", &pid(" -vv ")]);
    let end = tokio::time::timeout(Duration::from_secs(20), one.output.recv()).await.unwrap();
    assert!(matches!(end, Some(shipit::transport::Output::End(Exit::Lost(_)))), "{end:?}");
    assert_eq!(run(&*connection, "exit 4").await.exit, Exit::Code(4), "the others go on");
    let master = pid(" -N -T -v ");
    output("kill", &["-KILL", &master]);
    let state = || std::fs::read_to_string(format!("/proc/{master}/stat")).unwrap_or_default();
    crate::common::eventually("it is gone", || state().is_empty() || state().contains(") Z "));
    let gone = run_or_gone(&*connection).await;
    assert!(gone, "nothing runs over it any more, and nothing logs in anew");
    assert_eq!(server.count("Accepted publickey"), 1);
}

async fn run_or_gone(connection: &dyn shipit::transport::Connection) -> bool {
    match connection.exec("true").await {
        Err(_) => true,
        Ok(channel) => {
            let result = crate::common_ssh::finish(channel, bytes::Bytes::new()).await;
            matches!(result.exit, Exit::Lost(_))
        }
    }
}

#[tokio::test]
async fn mistakes_of_the_configuration_are_said_with_their_line() {
    let (server, operator) = friends();
    operator.write("config", "Host *\n User operator\n NoSuchKeyword yes\n");
    let error = refused(&*operator.by(Client::OpenSsh), &server.host()).await;
    assert!(matches!(&error, ConnectError::SshConfig { line: Some(3), .. }), "{error}");
    operator.write("config", "Match exec \"sleep 60\"\n User nobody\n");
    let impatient = operator.by_with(Client::OpenSsh, Duration::from_secs(1), Duration::from_secs(15));
    let error = refused(&*impatient, &server.host()).await;
    assert!(error.to_string().contains("does a `Match exec` hang?"), "{error}");
    let mut options = operator.openssh_options();
    options.ssh = "/nowhere/ssh".into();
    let error = refused(&OpenSsh::new(options), &server.host()).await;
    assert!(matches!(&error, ConnectError::NoOpenSsh { .. }), "{error}");
}

#[tokio::test]
async fn a_jump_host_that_lets_nobody_in_is_named() {
    let (server, operator) = friends();
    let gate = Sshd::start("");
    let mut behind = server.host();
    behind.jump = Some(vec![format!("127.0.0.1:{}", gate.port)]);
    let by = operator.by(Client::OpenSsh);
    let strange = refused(&*by, &behind).await;
    assert!(matches!(&strange, ConnectError::Jump { .. }), "{strange}: {strange:?}");
    operator.befriend(&gate);
    operator.befriend(&server);
    // Another run: in one, a jump host that failed is not tried again by each host behind it.
    let by = operator.by(Client::OpenSsh);
    let connection = by.connect(&behind).await.unwrap();
    assert_eq!(run(&*connection, "exit 6").await.exit, Exit::Code(6));
    behind.machine = "127.0.0.1".into();
    behind.port = Some(1);
    let nothing = refused(&*by, &behind).await;
    assert!(matches!(&nothing, ConnectError::Jump { .. }), "{nothing}: {nothing:?}");
}
