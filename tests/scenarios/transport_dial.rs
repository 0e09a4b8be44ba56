//! Connections that a host opens for us: through a real OpenSSH server, through the server in this process, and here.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::sync::Arc;
use std::time::Duration;

use crate::common_ssh::{Operator, Sshd, free_port, friends, host, run};
use shipit::transport::local::Local;
use shipit::transport::ssh::server::{KeyPair, Machine, Server};
use shipit::transport::{Channel, Connection, DialError, Exit, Forwarding, Screen, Stream, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::Child;
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(30);

/// Something that listens on loopback.
async fn service() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

async fn dialled(connection: &dyn Connection, port: u16) -> Box<dyn Stream> {
    timeout(LONG, connection.dial("127.0.0.1", port)).await.expect("it hangs").unwrap()
}

async fn failed(connection: &dyn Connection, host: &str, port: u16) -> DialError {
    match timeout(LONG, connection.dial(host, port)).await.expect("it hangs") {
        Ok(_) => panic!("it connected"),
        Err(error) => error,
    }
}

/// Takes one connection: a question that ends with a newline, and an answer only if the asker still listens a while later.
async fn answer(listener: &TcpListener, answer: &[u8]) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut asked = Vec::new();
    while !asked.ends_with(b"\n") {
        assert_ne!(stream.read_buf(&mut asked).await.unwrap(), 0, "an end before the question");
    }
    let more = timeout(Duration::from_millis(200), stream.read_u8()).await;
    assert!(more.is_err(), "an end before the answer: {more:?}");
    stream.write_all(answer).await.unwrap();
}

async fn ask(connection: &dyn Connection, port: u16) -> Vec<u8> {
    let mut stream = dialled(connection, port).await;
    stream.write_all(b"how are you?\n").await.unwrap();
    let mut said = Vec::new();
    timeout(LONG, stream.read_to_end(&mut said)).await.expect("it hangs").unwrap();
    said
}

#[tokio::test]
async fn a_service_of_the_host_is_asked_through_the_connection() {
    let (server, operator) = friends();
    let connection = operator.ssh().connect(&server.host()).await.unwrap();
    let (listener, port) = service().await;
    let long = vec![b'x'; 3 << 20];
    let (said, _) = tokio::join!(ask(&*connection, port), answer(&listener, &long));
    assert_eq!(said.len(), long.len());
    assert_eq!(run(&*connection, "exit 3").await.exit, Exit::Code(3));
    assert_eq!(server.count("Accepted publickey"), 1, "one login for all of it");
}

#[tokio::test]
async fn what_is_dropped_is_closed_and_takes_no_place() {
    let (server, operator) = (Sshd::start("MaxSessions 2"), Operator::new());
    operator.befriend(&server);
    let connection = operator.ssh().connect(&server.host()).await.unwrap();
    let (listener, port) = service().await;
    for _ in 0..30 {
        let stream = dialled(&*connection, port).await;
        let (mut other, _) = listener.accept().await.unwrap();
        drop(stream);
        assert_eq!(timeout(LONG, other.read(&mut [0])).await.expect("still open").unwrap(), 0);
    }
    // One that does not close in its turn, and one that never stops sending.
    let stream = dialled(&*connection, port).await;
    let (mut other, _) = listener.accept().await.unwrap();
    drop(stream);
    let flood = async { while other.write_all(&[0; 1 << 16]).await.is_ok() {} };
    timeout(LONG, flood).await.expect("still open");
    assert_eq!(run(&*connection, "exit 3").await.exit, Exit::Code(3));
}

#[tokio::test]
async fn nobody_there_is_a_refusal_and_the_connection_lives_on() {
    let (server, operator) = friends();
    let connection = operator.ssh().connect(&server.host()).await.unwrap();
    let port = free_port();
    let error = failed(&*connection, "127.0.0.1", port).await;
    let text = format!("127.0.0.1 port {port}: the host cannot connect to it");
    assert_eq!(error, DialError::Refused(text));
    assert!(matches!(failed(&*connection, "no-such-host.invalid", 80).await, DialError::Refused(_)));
    assert_eq!(connection.forwarding().await, Forwarding::Allowed);
    assert_eq!(run(&*connection, "exit 3").await.exit, Exit::Code(3));
}

#[tokio::test]
async fn a_server_that_forbids_it_is_told_from_one_that_finds_nobody() {
    for line in [
        "AllowTcpForwarding no",
        "AllowTcpForwarding remote",
        "DisableForwarding yes",
        "PermitOpen 127.0.0.1:1",
    ] {
        let (server, operator) = (Sshd::start(line), Operator::new());
        operator.befriend(&server);
        let connection = operator.ssh().connect(&server.host()).await.unwrap();
        let (_listener, port) = service().await;
        assert_eq!(failed(&*connection, "127.0.0.1", port).await, DialError::Forbidden, "{line}");
        assert_eq!(failed(&*connection, "127.0.0.1", free_port()).await, DialError::Forbidden, "{line}");
        assert_eq!(run(&*connection, "exit 3").await.exit, Exit::Code(3));
    }
    let (server, operator) = (Sshd::start(""), Operator::new());
    server.authorize(&format!("restrict {}", operator.public));
    operator.write("known_hosts", &format!("{}\n", server.known_line()));
    let connection = operator.ssh().connect(&server.host()).await.unwrap();
    assert_eq!(failed(&*connection, "127.0.0.1", free_port()).await, DialError::Forbidden, "restrict");
}

#[tokio::test]
async fn a_line_that_is_lost_ends_the_stream_and_is_told_from_a_refusal() {
    let (server, operator) = friends();
    let connection = operator.ssh().connect(&server.host()).await.unwrap();
    let (listener, port) = service().await;
    let mut stream = dialled(&*connection, port).await;
    let _other = listener.accept().await.unwrap();
    for session in server.sessions() {
        crate::common_ssh::output("kill", &["-KILL", &session]);
    }
    let end = timeout(LONG, stream.read(&mut [0])).await.expect("it hangs");
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    assert!(matches!(failed(&*connection, "127.0.0.1", port).await, DialError::Lost(_)));
}

#[tokio::test]
async fn a_given_up_dial_leaves_nothing_open() {
    let (server, operator) = friends();
    let connection = operator.ssh().connect(&server.host()).await.unwrap();
    let (listener, port) = service().await;
    let _ = timeout(Duration::from_micros(50), connection.dial("127.0.0.1", port)).await;
    // Either it never came, or it is closed again.
    if let Ok(accepted) = timeout(Duration::from_secs(2), listener.accept()).await {
        let (mut other, _) = accepted.unwrap();
        assert_eq!(timeout(LONG, other.read(&mut [0])).await.expect("still open").unwrap(), 0);
    }
}

#[tokio::test]
async fn here_it_is_a_plain_connection() {
    let local = Local::new(std::env::temp_dir(), []).connect(&host("localhost", 22)).await.unwrap();
    let (listener, port) = service().await;
    let (said, _) = tokio::join!(ask(&*local, port), answer(&listener, b"well"));
    assert_eq!(said, b"well");
    let port = free_port();
    let refused = failed(&*local, "127.0.0.1", port).await;
    assert_eq!(refused, DialError::Refused(format!("127.0.0.1 port {port}: connection refused")));
}

/// Runs nothing.
struct Idle;

impl Machine for Idle {
    fn entered(&self) {}

    fn start(&self, _: &str) -> std::io::Result<Child> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn start_on(&self, _: &str, _: Screen) -> std::io::Result<Channel> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

#[tokio::test]
async fn the_server_in_this_process_leads_to_loopback_and_nowhere_else() {
    let operator = Operator::new();
    let guest = KeyPair::read(&operator.ssh_file("id_ed25519")).unwrap();
    let key = KeyPair::new().unwrap();
    let (front, at) = service().await;
    operator.write("known_hosts", &format!("[127.0.0.1]:{at} {}\n", key.public_text().unwrap()));
    let server = Server::new(&key, &guest, Arc::new(Idle));
    let serving = tokio::spawn(async move {
        let (socket, _) = front.accept().await.unwrap();
        server.serve(socket).await;
    });
    let connection = operator.ssh().connect(&host("127.0.0.1", at)).await.unwrap();
    let (listener, port) = service().await;
    let (said, _) = tokio::join!(ask(&*connection, port), answer(&listener, b"well"));
    assert_eq!(said, b"well");
    assert!(matches!(failed(&*connection, "127.0.0.1", free_port()).await, DialError::Refused(_)));
    assert_eq!(failed(&*connection, "192.0.2.1", port).await, DialError::Forbidden);
    assert_eq!(connection.forwarding().await, Forwarding::Allowed);
    drop(connection);
    timeout(LONG, serving).await.expect("the server hangs").unwrap();
}
