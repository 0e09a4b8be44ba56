//! A client before a balancer: a request every 20 ms on a connection of its own, and beside it one connection that is kept. What
//! fails on the one and on the other is counted apart.

use std::fmt;
use std::io::{Error, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_millis(20);

/// Where something listens.
#[derive(Debug, Clone)]
pub struct Address {
    pub host: String,
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// What was asked, and what came of it.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    pub asked: usize,
    /// Answers that were not 200 and whole, and none at all, with the time since the client began.
    pub failed: Vec<String>,
    pub connections: usize,
    /// Of a kept connection: closed by the other side without a byte of an answer. HTTP's clients ask again then.
    pub closed: usize,
}

/// Asks until it is told to end.
#[derive(Debug)]
pub struct Client {
    end: Arc<AtomicBool>,
    new: Arc<Mutex<Tally>>,
    threads: Vec<JoinHandle<()>>,
    kept: Arc<Mutex<Tally>>,
}

impl Client {
    pub fn begin(to: Address) -> Self {
        let end = Arc::new(AtomicBool::new(false));
        let (new, kept) = (Arc::<Mutex<Tally>>::default(), Arc::<Mutex<Tally>>::default());
        let threads = vec![
            thread::spawn({
                let (end, new, to) = (Arc::clone(&end), Arc::clone(&new), to.clone());
                move || on_new_connections(&to, &end, &new)
            }),
            thread::spawn({
                let (end, kept) = (Arc::clone(&end), Arc::clone(&kept));
                move || on_a_kept_connection(&to, &end, &kept)
            }),
        ];
        Self { end, new, threads, kept }
    }

    /// What came of new connections, and of the kept one.
    pub fn finish(self) -> (Tally, Tally) {
        self.end.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        let tally = |of: &Mutex<Tally>| of.lock().unwrap().clone();
        (tally(&self.new), tally(&self.kept))
    }
}

// A slow answer delays no request.
fn on_new_connections(to: &Address, end: &AtomicBool, tally: &Arc<Mutex<Tally>>) {
    let start = Instant::now();
    let mut running = Vec::new();
    while !end.load(Ordering::Relaxed) {
        let (to, tally) = (to.clone(), Arc::clone(tally));
        running.push(thread::spawn(move || {
            let at = start.elapsed();
            let answer = ask(&to);
            let mut tally = tally.lock().unwrap();
            tally.asked += 1;
            tally.connections += 1;
            tally.failed.extend(answer.err().map(|error| format!("{at:.2?}: {error}")));
        }));
        running.retain(|thread| !thread.is_finished());
        thread::sleep(EVERY);
    }
    running.into_iter().for_each(|thread| thread.join().unwrap());
}

fn on_a_kept_connection(to: &Address, end: &AtomicBool, tally: &Mutex<Tally>) {
    let start = Instant::now();
    let mut connection = None;
    while !end.load(Ordering::Relaxed) {
        let is_new = connection.is_none();
        let answer = match connection.take().map_or_else(|| connect(to), Ok) {
            Ok(stream) => request(stream, "/page", "keep-alive"),
            Err(error) => Err((0, error)),
        };
        let mut tally = tally.lock().unwrap();
        tally.asked += 1;
        tally.connections += usize::from(is_new);
        match answer {
            Ok(stream) => connection = stream,
            Err((0, error)) if !is_new && error.kind() != ErrorKind::WouldBlock => tally.closed += 1,
            Err((_, error)) => tally.failed.push(format!("{:.2?}: {error}", start.elapsed())),
        }
        drop(tally);
        thread::sleep(EVERY);
    }
}

/// One request on a connection of its own.
pub fn ask(to: &Address) -> Result<(), Error> {
    ask_for(to, "/page")
}

/// The same, for another path.
pub fn ask_for(to: &Address, path: &str) -> Result<(), Error> {
    request(connect(to)?, path, "close").map(drop).map_err(|(_, error)| error)
}

fn connect(to: &Address) -> Result<TcpStream, Error> {
    let stream = TcpStream::connect((to.host.as_str(), to.port))?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    Ok(stream)
}

/// The connection, where it goes on; else how much of an answer came, and what was wrong.
fn request(mut stream: TcpStream, path: &str, connection: &str) -> Result<Option<TcpStream>, (usize, Error)> {
    let text = format!("GET {path} HTTP/1.1\r\nHost: shop\r\nConnection: {connection}\r\n\r\n");
    stream.write_all(text.as_bytes()).map_err(|error| (0, error))?;
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while !is_whole(&answer) {
        match stream.read(&mut piece) {
            Ok(0) => {
                return Err((answer.len(), Error::other(format!("an end after {:?}", text_of(&answer)))));
            }
            Ok(n) => answer.extend_from_slice(&piece[..n]),
            Err(error) => return Err((answer.len(), error)),
        }
    }
    let text = text_of(&answer);
    if !text.starts_with("HTTP/1.1 200 ") {
        return Err((answer.len(), Error::other(text.lines().next().unwrap_or_default().to_owned())));
    }
    let closes = text.to_ascii_lowercase().contains("\r\nconnection: close\r\n");
    Ok((!closes).then_some(stream))
}

/// Services and balancers say how long a body is.
fn is_whole(answer: &[u8]) -> bool {
    let text = text_of(answer).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    length.is_some_and(|length: usize| body.len() >= length)
}

fn text_of(answer: &[u8]) -> String {
    String::from_utf8_lossy(answer).into_owned()
}
