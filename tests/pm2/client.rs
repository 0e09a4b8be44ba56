//! Asks an app over new connections: once, or every 20 ms while something else happens.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

/// The body of the answer to one request.
pub fn ask(port: u16) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    stream.write_all(b"GET / HTTP/1.0\r\nHost: app\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    (head.contains(" 200 ") && body.ends_with('}')).then(|| body.to_string())
}

/// A client that asks every 20 ms until it is told to stop.
pub struct Client {
    stop: Arc<AtomicBool>,
    asked: JoinHandle<usize>,
    lost: Arc<AtomicUsize>,
}

impl Client {
    pub fn start(port: u16) -> Client {
        let stop = Arc::new(AtomicBool::new(false));
        let lost = Arc::new(AtomicUsize::new(0));
        let (stopped, losing) = (stop.clone(), lost.clone());
        let asked = spawn(move || {
            let mut requests = Vec::new();
            while !stopped.load(Ordering::SeqCst) {
                let lost = losing.clone();
                requests.push(spawn(move || {
                    if ask(port).is_none() {
                        lost.fetch_add(1, Ordering::SeqCst);
                    }
                }));
                sleep(Duration::from_millis(20));
            }
            let count = requests.len();
            requests.into_iter().for_each(|request| request.join().unwrap());
            count
        });
        Client { stop, asked, lost }
    }

    /// How many were asked, and how many got no answer.
    pub fn end(self) -> (usize, usize) {
        self.stop.store(true, Ordering::SeqCst);
        let asked = self.asked.join().unwrap();
        (asked, self.lost.load(Ordering::SeqCst))
    }
}
