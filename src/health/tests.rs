//! Against small servers that really listen: good answers, bad ones, half ones, and none.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{HealthError, LONGEST, line, wait};
use crate::config::{Health, HealthCheck, HttpCheck, HttpUrl};
use crate::transport::local::Local;

const RELEASE: &str = "20261121T081502Z-1a2b3c4";
const REVISION: &str = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d";

/// A service, and how often it was asked.
struct Service {
    port: u16,
    asked: Arc<AtomicUsize>,
}

impl Service {
    /// Reads a head, and answers the n-th (from 0) with what `answer` makes of it; None: hangs up.
    async fn start(answer: impl Fn(usize, &str) -> Option<Vec<u8>> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let number = count.fetch_add(1, Ordering::SeqCst);
                if let Some(answer) = head(&mut stream).await.and_then(|head| answer(number, &head)) {
                    let _ = stream.write_all(&answer).await;
                }
            }
        });
        Self { port, asked }
    }

    /// One that always says the same.
    async fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |_, _| Some(answer.clone())).await
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn http(&self) -> HttpCheck {
        let url =
            HttpUrl { tls: false, host: "127.0.0.1".into(), port: self.port, target: "/healthz?a=b".into() };
        HttpCheck { url, status: vec![200..=399], body: None, release: false }
    }
}

/// The head of a request; none where an end comes before it, or so soon after it that many a server would hang up.
async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    }
    match tokio::time::timeout(Duration::from_millis(20), stream.read_u8()).await {
        Ok(_) => None,
        Err(_) => String::from_utf8(read).ok(),
    }
}

fn page(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len())
}

/// A check that has little patience with who is ill, and much with a slow machine.
fn quick(check: HealthCheck) -> Health {
    Health {
        check,
        within: Duration::from_secs(2),
        interval: Duration::from_millis(50),
        timeout: Duration::from_millis(1500),
        stable_for: Duration::ZERO,
    }
}

fn patient(check: HealthCheck) -> Health {
    Health { within: Duration::from_secs(60), timeout: Duration::from_secs(30), ..quick(check) }
}

async fn told(health: &Health) -> Result<(), HealthError> {
    let local = Local::new(std::env::temp_dir(), []);
    let all = wait(&local, health, RELEASE, REVISION);
    tokio::time::timeout(Duration::from_secs(120), all).await.expect("it hangs")
}

async fn is_well(check: HttpCheck) {
    assert_eq!(told(&patient(HealthCheck::Http(check))).await, Ok(()));
}

/// What was wrong with the last answer.
async fn last(check: HttpCheck) -> String {
    match told(&quick(HealthCheck::Http(check))).await {
        Err(HealthError::Unhealthy { last, asked: 1.. }) => last,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_first_good_answer_is_enough() {
    let service = Service::saying(page("200 OK", "", "fine")).await;
    is_well(service.http()).await;
    assert_eq!(service.asked(), 1);
}

#[tokio::test]
async fn what_is_asked() {
    let service = Service::start(|_, head| Some(page("200 OK", "", &head.to_lowercase()).into())).await;
    let port = service.port;
    for wanted in [
        "get /healthz?a=b http/1.1\r\n",
        &format!("\r\nhost: 127.0.0.1:{port}\r\n"),
        "\r\nconnection: close\r\n",
    ] {
        is_well(HttpCheck { body: Some(wanted.to_owned()), ..service.http() }).await;
    }
}

#[tokio::test]
async fn codes_decide_and_a_redirect_is_a_code_that_is_not_followed() {
    for (status, wanted, well) in [
        ("200 OK", 200..=399, true),
        ("302 Found", 200..=399, true),
        ("302 Found", 200..=299, false),
        ("503 Service Unavailable", 200..=399, false),
        ("503 Service Unavailable", 503..=503, true),
    ] {
        let service = Service::saying(page(status, "Location: /elsewhere\r\n", "words")).await;
        let check = HttpCheck { status: vec![204..=204, wanted], ..service.http() };
        if well {
            is_well(check).await;
            assert_eq!(service.asked(), 1, "{status}");
        } else {
            assert_eq!(last(check).await, format!("it answered {status}: words"));
        }
    }
}

#[tokio::test]
async fn the_body_has_to_hold_the_text() {
    let service = Service::saying(page("200 OK", "", "{\"status\":\"ok\"}")).await;
    is_well(HttpCheck { body: Some("\"ok\"".to_owned()), ..service.http() }).await;
    let wrong = last(HttpCheck { body: Some("okay".to_owned()), ..service.http() }).await;
    assert_eq!(wrong, "it answered 200 OK, without \"okay\" in the body");
}

#[tokio::test]
async fn the_release_is_named_by_a_header_or_the_body() {
    let header = |name: &str| format!("X-Release: v={name};\r\n");
    for (headers, body, well) in [
        (header(RELEASE), String::new(), true),
        (header(REVISION), String::new(), true),
        (String::new(), format!("runs {RELEASE}"), true),
        (String::new(), format!("{{\"sha\":\"{REVISION}\"}}"), true),
        (String::new(), "fine".to_owned(), false),
        // The short one is part of many a text; the old process names another.
        (header(&REVISION[..7]), "20261120T081502Z-1a2b3c4".to_owned(), false),
    ] {
        let service = Service::saying(page("200 OK", &headers, &body)).await;
        let check = HttpCheck { release: true, ..service.http() };
        if well {
            is_well(check).await;
        } else {
            assert!(last(check).await.contains(&format!("names neither the release {RELEASE}")), "{headers}");
        }
    }
}

#[tokio::test]
async fn chunks_and_a_body_without_length_are_read() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nfin\r\n1\r\ne\r\n0\r\n\r\n";
    for answer in [chunked, "HTTP/1.0 200 OK\r\n\r\nfine"] {
        let service = Service::saying(answer).await;
        is_well(HttpCheck { body: Some("fine".to_owned()), ..service.http() }).await;
    }
}

#[tokio::test]
async fn half_answers_and_garbage_are_none() {
    let answers = [
        "",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfi",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nfin\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\u{1b}[2Jhello\n\n\n",
        "200 OK\r\n\r\n",
    ];
    let asked = answers.map(|answer| async move {
        let service = Service::saying(answer).await;
        let wrong = last(service.http()).await;
        assert!(wrong.starts_with("no whole answer in HTTP: "), "{answer:?}: {wrong}");
    });
    futures_util::future::join_all(asked).await;
    let endless = Service::saying(vec![b'x'; 4 << 20]).await;
    assert!(last(endless.http()).await.starts_with("no whole answer in HTTP: "));
    let headers = "X-Padding: x\r\n".repeat(50_000);
    let endless = Service::saying(page("200 OK", &headers, "")).await;
    assert!(last(endless.http()).await.starts_with("no whole answer in HTTP: "));
}

#[tokio::test]
async fn of_a_huge_body_only_the_beginning_counts() {
    let huge = |before: usize| {
        let body = format!("{}here{}", "x".repeat(before), "x".repeat(8 << 20));
        Service::saying(page("200 OK", "", &body))
    };
    let service = huge(1000).await;
    is_well(HttpCheck { body: Some("here".to_owned()), ..service.http() }).await;
    let service = huge(2 << 20).await;
    let check = HttpCheck { body: Some("here".to_owned()), ..service.http() };
    let health = Health {
        timeout: Duration::from_secs(30),
        within: Duration::from_secs(2),
        ..quick(HealthCheck::Http(check))
    };
    let Err(HealthError::Unhealthy { last, .. }) = told(&health).await else { panic!("it was well") };
    assert!(last.contains("without \"here\""), "{last}");
}

#[tokio::test]
async fn a_service_that_comes_up_late_is_waited_for() {
    let service = Service::start(|number, _| {
        Some(match number {
            0 => Vec::new(),
            1 => page("503 Service Unavailable", "", "").into(),
            _ => page("200 OK", "", "").into(),
        })
    })
    .await;
    is_well(service.http()).await;
    assert_eq!(service.asked(), 3);
}

#[tokio::test]
async fn nobody_there_is_said_so_until_time_is_over() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let health = quick(HealthCheck::Tcp { host: "127.0.0.1".into(), port: closed });
    let Err(HealthError::Unhealthy { last, asked }) = told(&health).await else { panic!("it was well") };
    assert_eq!(last, format!("127.0.0.1 port {closed}: connection refused"));
    assert!(asked > 1);
}

#[tokio::test]
async fn a_port_that_takes_connections_is_well() {
    let service = Service::saying("").await;
    let health = patient(HealthCheck::Tcp { host: "127.0.0.1".into(), port: service.port });
    assert_eq!(told(&health).await, Ok(()));
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_asked_for_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = tokio::spawn(async move {
        let first = listener.accept().await.unwrap();
        let (mut second, _) = listener.accept().await.unwrap();
        head(&mut second).await.unwrap();
        second.write_all(page("200 OK", "", "").as_bytes()).await.unwrap();
        drop(first);
    });
    let url = HttpUrl { tls: false, host: "127.0.0.1".into(), port, target: "/".into() };
    let check = HttpCheck { url, status: vec![200..=200], body: None, release: false };
    let health = Health { timeout: Duration::from_secs(2), ..patient(HealthCheck::Http(check)) };
    assert_eq!(told(&health).await, Ok(()));
    silent.await.unwrap();
}

#[tokio::test]
async fn an_answer_in_drops_is_no_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                head(&mut stream).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n").await;
                while stream.write_all(b"x").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            });
        }
    });
    let url = HttpUrl { tls: false, host: "127.0.0.1".into(), port, target: "/".into() };
    let check = HttpCheck { url, status: vec![200..=200], body: None, release: false };
    assert_eq!(last(check).await, "no answer in 1.5 s");
}

#[tokio::test]
async fn who_has_to_stay_well_is_asked_on_and_a_bad_answer_starts_anew() {
    let stable_for = Duration::from_millis(400);
    let service = Service::start(|number, _| {
        let status = if number == 1 { "500 Internal Server Error" } else { "200 OK" };
        Some(page(status, "", "").into())
    })
    .await;
    let health = Health { stable_for, ..patient(HealthCheck::Http(service.http())) };
    let begin = tokio::time::Instant::now();
    assert_eq!(told(&health).await, Ok(()));
    assert!(begin.elapsed() >= stable_for);
    assert!(service.asked() >= 4, "good, bad, good, and good at the end of its time: {}", service.asked());
}

#[tokio::test]
async fn the_time_of_being_well_may_go_beyond_the_time_of_waiting() {
    let service = Service::saying(page("200 OK", "", "")).await;
    let within = Duration::from_secs(2);
    let stable_for = Duration::from_secs(3);
    let health = Health { within, stable_for, ..patient(HealthCheck::Http(service.http())) };
    assert_eq!(told(&health).await, Ok(()));
}

#[tokio::test]
async fn who_is_never_well_for_long_enough_is_given_up() {
    let service = Service::start(|number, _| {
        let status = if number % 2 == 1 { "500 Internal Server Error" } else { "200 OK" };
        Some(page(status, "", "").into())
    })
    .await;
    let stable_for = Duration::from_secs(60);
    let health = Health { stable_for, ..quick(HealthCheck::Http(service.http())) };
    let Err(HealthError::Unhealthy { last, .. }) = told(&health).await else { panic!("it was well") };
    assert_eq!(last, "it answered 500 Internal Server Error");
}

#[tokio::test]
async fn long_pauses_leave_a_last_question_before_the_end() {
    let service = Service::saying(page("503 Service Unavailable", "", "")).await;
    let health = Health {
        within: Duration::from_secs(2),
        interval: Duration::from_secs(50),
        timeout: Duration::from_secs(1),
        ..quick(HealthCheck::Http(service.http()))
    };
    assert!(matches!(told(&health).await, Err(HealthError::Unhealthy { asked: 2, .. })));
}

#[tokio::test]
async fn what_only_the_host_can_ask_is_asked_by_nobody_here() {
    let service = Service::saying(page("200 OK", "", "")).await;
    let mut http = service.http();
    http.url.tls = true;
    assert_eq!(told(&patient(HealthCheck::Http(http))).await, Err(HealthError::AskHost));
    assert_eq!(told(&patient(HealthCheck::Command("true".into()))).await, Err(HealthError::AskHost));
    assert_eq!(service.asked(), 0);
}

#[tokio::test]
async fn words_of_the_service_are_one_short_line() {
    let words = format!("down\r\n\u{1b}[31mred {}", "x".repeat(5000));
    let service = Service::saying(page("500 Internal Server Error", "", &words)).await;
    let wrong = last(service.http()).await;
    assert!(wrong.starts_with("it answered 500 Internal Server Error: down   [31mred xxx"), "{wrong}");
    assert_eq!(wrong.chars().count(), LONGEST);
    assert_eq!(line(" a\nb\u{7f}\u{85}c\t"), "a b  c");
}

#[tokio::test]
async fn a_body_that_never_ends_is_judged_by_its_beginning() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            head(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nfine").await;
            while stream.write_all(&[b'x'; 1 << 16]).await.is_ok() {}
        }
    });
    let url = HttpUrl { tls: false, host: "127.0.0.1".into(), port, target: "/".into() };
    is_well(HttpCheck { url, status: vec![200..=200], body: Some("fine".into()), release: false }).await;
}
