//! Servers that cut, garble or drag out the handshake, at every byte of it: each attempt ends in time, with an error that names
//! the host, and nothing panics.
//!
//! What a real handshake sends is recorded once and played back, which costs the client its half and nobody the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::common_ssh::{Operator, host};
use shipit::transport::ssh::server::{KeyPair, Machine, Server};
use shipit::transport::ssh::{Options, Ssh};
use shipit::transport::{Channel, ConnectError, Screen, Transport as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Child;
use tokio::time::{sleep, timeout};

/// Attempts that run side by side.
const AT_ONCE: usize = 24;
/// For banner and key exchange; what a silent server costs.
const PATIENCE: Duration = Duration::from_millis(1500);

/// A machine on which nothing runs.
struct Nothing;

impl Machine for Nothing {
    fn entered(&self) {}

    fn start(&self, _: &str) -> std::io::Result<Child> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn start_on(&self, _: &str, _: Screen) -> std::io::Result<Channel> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

/// What a server does with what it should send.
#[derive(Debug, Clone)]
struct Case {
    bytes: Vec<u8>,
    end: End,
}

#[derive(Debug, Clone, Copy)]
enum End {
    Close,
    Silence,
    /// A byte at a time, and then silence.
    Slow,
}

/// Sends a case to whoever connects, until it is dropped.
async fn perform(mut socket: TcpStream, case: Case) {
    let (mut read, mut write) = socket.split();
    let send = async {
        if matches!(case.end, End::Slow) {
            for byte in &case.bytes {
                write.write_all(&[*byte]).await?;
                sleep(Duration::from_millis(1)).await;
            }
        } else {
            write.write_all(&case.bytes).await?;
        }
        match case.end {
            End::Close => write.shutdown().await,
            End::Silence | End::Slow => std::future::pending().await,
        }
    };
    let hear = async {
        let mut bytes = [0; 4096];
        while matches!(read.read(&mut bytes).await, Ok(1..)) {}
    };
    tokio::select! { _ = send => {}, () = hear => {} }
}

fn options(operator: &Operator) -> Options {
    let mut options = operator.options();
    options.connect_timeout = PATIENCE;
    options
}

async fn attempt(operator: &Operator, port: u16) -> Result<(), ConnectError> {
    let ssh = Ssh::new(options(operator));
    let host = host("127.0.0.1", port);
    let ended = timeout(Duration::from_secs(60), ssh.connect(&host)).await;
    ended.expect("it hangs").map(|_| ())
}

/// What the server sends in a handshake and a login that end well, and how much of it comes before encryption.
async fn recorded(operator: &Operator, server: Arc<Server>) -> (Vec<u8>, usize) {
    let all = through(operator, server, usize::MAX, 0).await.1;
    let mut plain = all.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    // Key exchange, its reply, and the word that all is encrypted from here.
    for _ in 0..3 {
        let length = all[plain..plain + 4].try_into().unwrap();
        plain += 4 + u32::from_be_bytes(length) as usize;
    }
    (all, plain)
}

/// An attempt through a proxy that garbles the byte at `at` of what the server sends (by `mask`), or ends there (0).
async fn through(
    operator: &Operator,
    server: Arc<Server>,
    at: usize,
    mask: u8,
) -> (Result<(), ConnectError>, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let proxy = async {
        let mut sent = Vec::new();
        let inner = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = inner.local_addr().unwrap();
        let (mut client, _) = listener.accept().await.unwrap();
        let (behind, accepted) = tokio::join!(TcpStream::connect(address), inner.accept());
        let (mut behind, served) = (behind.unwrap(), accepted.unwrap().0);
        let serve = tokio::spawn(async move { server.serve(served).await });
        let (mut ours, mut theirs) = ([0; 4096], [0; 4096]);
        loop {
            tokio::select! {
                count = client.read(&mut ours) => match count {
                    Ok(count @ 1..) => if behind.write_all(&ours[..count]).await.is_err() { break },
                    _ => break,
                },
                count = behind.read(&mut theirs) => match count {
                    Ok(count @ 1..) => {
                        let begin = sent.len();
                        sent.extend_from_slice(&theirs[..count]);
                        if at < sent.len() {
                            if mask == 0 { sent.truncate(at) } else { sent[at] ^= mask }
                        }
                        let passed = client.write_all(&sent[begin.min(sent.len())..]).await;
                        if passed.is_err() || mask == 0 && sent.len() == at { break }
                    }
                    _ => break,
                },
            }
        }
        serve.abort();
        sent
    };
    tokio::join!(attempt(operator, port), proxy)
}

/// Numbers that are the same in every run.
fn numbers(seed: u32) -> impl FnMut() -> usize {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize
    }
}

fn cases(plain: &[u8]) -> Vec<Case> {
    let mut chance = numbers(14);
    let close = |bytes: Vec<u8>| Case { bytes, end: End::Close };
    // Cut at every byte; behind the key exchange's own message every third.
    let cuts = (0..plain.len()).filter(|at| *at < 1000 || at % 3 == 0);
    let mut cases: Vec<Case> = cuts.map(|at| close(plain[..at].to_vec())).collect();
    // A byte garbled, several, or a piece left out or sent twice.
    for _ in 0..500 {
        let mut bytes = plain.to_vec();
        for _ in 0..=chance() % 4 {
            let at = chance() % bytes.len();
            bytes[at] ^= 1 + (chance() % 255) as u8;
        }
        cases.push(close(bytes));
    }
    for _ in 0..200 {
        let (from, to) = (chance() % plain.len(), chance() % plain.len());
        let (from, to) = (from.min(to), from.max(to));
        let twice = chance().is_multiple_of(2);
        let again = if twice { &plain[from..] } else { &plain[to..] };
        cases.push(close([&plain[..if twice { to } else { from }], again].concat()));
    }
    // Noise from the start, and behind a right banner.
    let banner = plain.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for number in 0..300 {
        let noise: Vec<u8> = (0..chance() % 3000).map(|_| (chance() % 256) as u8).collect();
        let start = if number % 3 == 0 { 0 } else { banner };
        cases.push(close([&plain[..start], &noise].concat()));
    }
    for banner in [
        "",
        "\n",
        "SSH-1.5-old\r\n",
        "SSH-2.0\r\n",
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "220 mail ESMTP\r\n",
        "\0\0\0\0",
        "SSH-2.0-x\n",
    ] {
        for end in [End::Close, End::Silence] {
            cases.push(Case { bytes: banner.as_bytes().to_vec(), end });
        }
    }
    cases.push(close(vec![b'x'; 1 << 20]));
    cases.push(close("a line before the banner\r\n".repeat(5000).into_bytes()));
    for step in 0..24 {
        let bytes = plain[..plain.len() * step / 24].to_vec();
        let end = if step % 2 == 0 { End::Silence } else { End::Slow };
        cases.push(Case { bytes, end });
    }
    cases
}

#[tokio::test]
async fn a_garbled_handshake_ends_in_time_and_names_the_host() {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    std::panic::set_hook(Box::new(|panic| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        eprintln!("{panic}");
    }));
    let operator = Operator::new();
    let key = KeyPair::new().unwrap();
    operator.write("known_hosts", &format!("* {}\n", key.public_text().unwrap()));
    let guest = KeyPair::read(&operator.ssh_file("id_ed25519")).unwrap();
    let server = Arc::new(Server::new(&key, &guest, Arc::new(Nothing)));
    let (all, plain) = recorded(&operator, Arc::clone(&server)).await;
    let cases = cases(&all[..plain]);
    assert!(cases.len() >= 2000, "{}", cases.len());
    let queue = std::cell::RefCell::new(cases.into_iter());
    let worker = async || {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        loop {
            let Some(case) = queue.borrow_mut().next() else { break };
            let serve = async {
                let mut served = tokio::task::JoinSet::new();
                while let Ok((socket, _)) = listener.accept().await {
                    served.spawn(perform(socket, case.clone()));
                }
            };
            let error = tokio::select! {
                ended = attempt(&operator, port) => ended.expect_err("let in"),
                () = serve => unreachable!("it serves until it is dropped"),
            };
            assert!(error.to_string().contains("127.0.0.1"), "{error}: {:?}", case.end);
            assert!(error.hint().is_some(), "{error}");
        }
    };
    futures_util::future::join_all((0..AT_ONCE).map(|_| worker())).await;
    // Once all is encrypted the real server is needed; at every step of the login.
    let mut chance = numbers(15);
    for number in 0..60 {
        let at = plain + chance() % (all.len() - plain);
        let mask = if number % 2 == 0 { 0 } else { 1 + (chance() % 255) as u8 };
        let error = through(&operator, Arc::clone(&server), at, mask).await.0.expect_err("let in");
        assert!(error.to_string().contains("127.0.0.1"), "{at} {mask}: {error}");
    }
    assert_eq!(PANICS.load(Ordering::Relaxed), 0);
}
