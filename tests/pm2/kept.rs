//! A client that keeps its connection, as browsers and proxies do, or a WebSocket: how often that is cut.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

/// What became of a connection that is kept.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// How many questions.
    pub asked: usize,
    /// How many of them got no answer, since the connection ended.
    pub lost: usize,
    /// How many connections ended.
    pub cut: usize,
    /// How many of those with a word: the close frame of a WebSocket.
    pub told: usize,
}

/// A client that asks every 20 ms over one connection; when that ends, it makes another one.
pub struct Kept {
    stop: Arc<AtomicBool>,
    counts: JoinHandle<Counts>,
}

/// What such a client says, and how it reads what comes.
#[derive(Clone)]
struct Protocol {
    opening: String,
    opened: &'static str,
    question: Vec<u8>,
    /// Takes a message off what was read.
    take: fn(&mut Vec<u8>) -> Option<Heard>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    Answer,
    Goodbye,
    Nothing,
    End,
}

impl Kept {
    /// HTTP/1.1 requests, one after the other.
    pub fn requests(port: u16) -> Kept {
        let take = |read: &mut Vec<u8>| {
            let whole = read.ends_with(b"}}");
            if whole {
                read.clear();
            }
            whole.then_some(Heard::Answer)
        };
        let question = b"GET / HTTP/1.1\r\nHost: app\r\n\r\n".to_vec();
        Kept::start(port, Protocol { opening: String::new(), opened: "", question, take })
    }

    /// A WebSocket, over which the app sends back what it gets. At `/goodbye` it also says that it ends.
    pub fn socket(port: u16, path: &str) -> Kept {
        // Key and answer are those of the RFC's own example.
        let opening = format!(
            "GET {path} HTTP/1.1\r\nHost: app\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        let take = |read: &mut Vec<u8>| {
            let end = 2 + usize::from(*read.get(1)?);
            let frame: Vec<u8> = (read.len() >= end).then(|| read.drain(..end).collect())?;
            match (frame[0], &frame[2..]) {
                (0x81, b"ping") => Some(Heard::Answer),
                (0x88, [0x03, 0xf4]) => Some(Heard::Goodbye),
                _ => panic!("no frame of the app: {frame:?}"),
            }
        };
        let opened = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
        Kept::start(port, Protocol { opening, opened, question: frame(0x81, b"ping"), take })
    }

    fn start(port: u16, protocol: Protocol) -> Kept {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let counts = spawn(move || {
            let (mut counts, mut open) = (Counts::default(), None);
            while !stopped.load(Ordering::SeqCst) {
                open = open.or_else(|| Connection::open(port, protocol.clone()));
                match &mut open {
                    Some(connection) => {
                        if !connection.ask(&mut counts) {
                            open = None;
                        }
                    }
                    None => sleep(Duration::from_millis(20)),
                }
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

// A short frame of a client: masked, by a mask that changes nothing.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first, 0x80 | u8::try_from(payload.len()).unwrap(), 0, 0, 0, 0], payload].concat()
}

struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
    protocol: Protocol,
}

impl Connection {
    fn open(port: u16, protocol: Protocol) -> Option<Connection> {
        let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_nodelay(true).unwrap();
        let mut connection = Connection { stream, read: Vec::new(), protocol };
        if connection.protocol.opening.is_empty() {
            return Some(connection);
        }
        connection.stream.write_all(connection.protocol.opening.as_bytes()).ok()?;
        while !connection.read.ends_with(b"\r\n\r\n") {
            connection.more(Duration::from_secs(20)).then_some(())?;
        }
        let head = String::from_utf8(std::mem::take(&mut connection.read)).unwrap();
        assert!(head.contains(connection.protocol.opened), "{head}");
        Some(connection)
    }

    // Asks once, and listens until the next question. False: it is over.
    fn ask(&mut self, counts: &mut Counts) -> bool {
        counts.asked += 1;
        let question = self.protocol.question.clone();
        let answered = self.stream.write_all(&question).is_ok().then(|| self.hear(Duration::from_secs(20)));
        let last = match answered {
            Some(Heard::Answer) => self.hear(Duration::from_millis(20)),
            other => {
                counts.lost += 1;
                other.unwrap_or(Heard::End)
            }
        };
        if last == Heard::Nothing {
            return true;
        }
        counts.cut += 1;
        if last == Heard::Goodbye {
            counts.told += 1;
            let _ = self.stream.write_all(&frame(0x88, &[0x03, 0xf4]));
        }
        false
    }

    fn hear(&mut self, time: Duration) -> Heard {
        let until = Instant::now() + time;
        loop {
            if let Some(heard) = (self.protocol.take)(&mut self.read) {
                return heard;
            }
            let left = until.saturating_duration_since(Instant::now());
            match () {
                () if left.is_zero() => return Heard::Nothing,
                () if !self.more(left) => return Heard::End,
                () => {}
            }
        }
    }

    // Reads once. False: the other side has ended it.
    fn more(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let mut piece = [0; 4096];
        match self.stream.read(&mut piece) {
            Ok(0) => false,
            Ok(count) => {
                self.read.extend_from_slice(&piece[..count]);
                true
            }
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    }
}
