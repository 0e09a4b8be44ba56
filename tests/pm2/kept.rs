//! A client that keeps its connection, as browsers and proxies do, or a WebSocket: how often that is cut.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

/// What became of a connection that is kept.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// How many questions.
    pub asked: usize,
    /// How many of them got no answer, since the connection ended.
    pub lost: usize,
    /// How many connections ended.
    pub cut: usize,
}

/// A client that asks every 20 ms over one connection; when that ends, it makes another one.
pub struct Kept {
    stop: Arc<AtomicBool>,
    counts: JoinHandle<Counts>,
}

impl Kept {
    /// HTTP/1.1 requests, one after the other.
    pub fn requests(port: u16) -> Kept {
        Kept::start(port, "", "GET / HTTP/1.1\r\nHost: app\r\n\r\n", "}}")
    }

    /// A WebSocket, over which the app sends back what it gets.
    pub fn socket(port: u16) -> Kept {
        let upgrade = "GET / HTTP/1.1\r\nHost: app\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        Kept::start(port, upgrade, "ping;", "ping;")
    }

    fn start(port: u16, first: &'static str, question: &'static str, end: &'static str) -> Kept {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let counts = spawn(move || {
            let (mut counts, mut open) = (Counts::default(), None);
            while !stopped.load(Ordering::SeqCst) {
                open = open.or_else(|| connect(port, first));
                if let Some(stream) = &mut open {
                    counts.asked += 1;
                    if exchange(stream, question, end).is_none() {
                        counts.lost += 1;
                        counts.cut += 1;
                        open = None;
                    } else if is_closed(stream) {
                        counts.cut += 1;
                        open = None;
                    }
                }
                sleep(Duration::from_millis(20));
            }
            counts
        });
        Kept { stop, counts }
    }

    pub fn end(self) -> Counts {
        self.stop.store(true, Ordering::SeqCst);
        self.counts.join().unwrap()
    }
}

fn connect(port: u16, first: &str) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    if !first.is_empty() {
        exchange(&mut stream, first, "\r\n\r\n")?;
    }
    Some(stream)
}

// Asks, and reads until the answer ends so.
fn exchange(stream: &mut TcpStream, question: &str, end: &str) -> Option<()> {
    stream.write_all(question.as_bytes()).ok()?;
    let (mut answer, mut piece) = (Vec::new(), [0; 4096]);
    while !answer.ends_with(end.as_bytes()) {
        match stream.read(&mut piece) {
            Ok(count @ 1..) => answer.extend_from_slice(&piece[..count]),
            _ => return None,
        }
    }
    Some(())
}

// Whether the other side closed it while nothing was asked.
fn is_closed(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let closed = matches!(stream.peek(&mut [0]), Ok(0));
    stream.set_nonblocking(false).unwrap();
    closed
}
