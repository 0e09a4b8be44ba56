//! A service on a host, asked through a real OpenSSH server: what forbids it, and what ends it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::time::Duration;

use crate::common_ssh::{Operator, Sshd, free_port, friends, run};
use shipit::config::{Health, HealthCheck, HttpCheck, HttpUrl};
use shipit::health::{HealthError, wait};
use shipit::transport::{Connection, Exit, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn http(port: u16) -> Health {
    let url = HttpUrl { tls: false, host: "127.0.0.1".to_owned(), port, target: "/".to_owned() };
    let check = HttpCheck { url, status: vec![200..=200], body: None, release: true };
    Health {
        check: HealthCheck::Http(check),
        within: Duration::from_secs(60),
        interval: Duration::from_millis(50),
        timeout: Duration::from_secs(20),
        stable_for: Duration::ZERO,
    }
}

async fn told(connection: &dyn Connection, health: &Health) -> Result<(), HealthError> {
    let all = wait(connection, health, "20261121T081502Z-1a2b3c4", "1a2b3c4d");
    tokio::time::timeout(Duration::from_secs(100), all).await.expect("it hangs")
}

/// Answers until it is aborted, and names itself.
fn serve(listener: TcpListener, name: &'static str) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut read = Vec::new();
            while !read.ends_with(b"\r\n\r\n") && stream.read_buf(&mut read).await.is_ok_and(|n| n > 0) {}
            // An end of the question before its answer would be an end of the service's interest.
            if tokio::time::timeout(Duration::from_millis(50), stream.read_u8()).await.is_err() {
                let answer = format!("HTTP/1.1 200 OK\r\nX-Release: {name}\r\nContent-Length: 0\r\n\r\n");
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        }
    })
}

#[tokio::test]
async fn it_is_waited_for_until_the_new_release_answers() {
    let (server, operator) = friends();
    let connection = operator.ssh().connect(&server.host()).await.unwrap();
    let port = free_port();
    let service = async {
        // Nobody, then the old one, then the new one.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let old = serve(TcpListener::bind(("127.0.0.1", port)).await.unwrap(), "20261120T000000Z-0000000");
        tokio::time::sleep(Duration::from_millis(300)).await;
        old.abort();
        let _ = old.await;
        drop(serve(TcpListener::bind(("127.0.0.1", port)).await.unwrap(), "20261121T081502Z-1a2b3c4"));
    };
    let health = http(port);
    let (end, ()) = tokio::join!(told(&*connection, &health), service);
    assert_eq!(end, Ok(()));
    assert_eq!(run(&*connection, "exit 3").await.exit, Exit::Code(3));
    assert_eq!(server.count("Accepted publickey"), 1);
}

#[tokio::test]
async fn a_port_is_asked_for_too() {
    let (server, operator) = friends();
    let connection = operator.ssh().connect(&server.host()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tcp = |port| Health {
        check: HealthCheck::Tcp { host: "127.0.0.1".to_owned(), port },
        within: Duration::from_millis(500),
        ..http(port)
    };
    assert_eq!(told(&*connection, &Health { within: Duration::from_secs(60), ..tcp(port) }).await, Ok(()));
    drop(listener);
    let Err(HealthError::Unhealthy { last, .. }) = told(&*connection, &tcp(port)).await else {
        panic!("it was well")
    };
    assert_eq!(last, format!("127.0.0.1 port {port}: the host cannot connect to it"));
}

#[tokio::test]
async fn where_it_is_forbidden_it_is_said_at_once() {
    let (server, operator) = (Sshd::start("AllowTcpForwarding no"), Operator::new());
    operator.befriend(&server);
    let connection = operator.ssh().connect(&server.host()).await.unwrap();
    assert_eq!(told(&*connection, &http(free_port())).await, Err(HealthError::Forbidden));
}

#[tokio::test]
async fn a_line_that_is_lost_meanwhile_ends_it() {
    let (server, operator) = friends();
    let connection = operator.ssh().connect(&server.host()).await.unwrap();
    let cut = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        for session in server.sessions() {
            crate::common_ssh::output("kill", &["-KILL", &session]);
        }
    };
    let health = http(free_port());
    let (end, ()) = tokio::join!(told(&*connection, &health), cut);
    assert!(matches!(end, Err(HealthError::Lost(_))), "{end:?}");
}
