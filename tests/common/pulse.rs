//! A service that answers health questions as the scenario says: `http://127.0.0.1:PORT/HOST`.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// An answer.
#[derive(Debug, Clone, Default)]
pub struct Beat {
    /// The code of HTTP; 0: none ever comes.
    pub status: u16,
    /// What it says it serves.
    pub release: String,
}

impl Beat {
    /// With that code.
    pub fn of(status: u16) -> Beat {
        Beat { status, release: String::new() }
    }
}

/// The service, while it is there.
#[derive(Debug)]
pub struct Pulse {
    port: u16,
    closed: Arc<AtomicBool>,
}

impl Pulse {
    /// Answers by the name of the host that is asked about.
    pub fn new(answer: impl Fn(&str) -> Beat + Send + Sync + 'static) -> Pulse {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let closed = Arc::new(AtomicBool::new(false));
        let (closes, answer) = (Arc::clone(&closed), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if closes.load(Ordering::SeqCst) {
                    return;
                }
                let answer = Arc::clone(&answer);
                thread::spawn(move || tell(stream, &*answer));
            }
        });
        Pulse { port, closed }
    }

    /// The `health` of a configuration that asks it.
    pub fn http(&self, more: &str) -> String {
        format!("health = {{ http = \"http://127.0.0.1:{}/{{host}}\", {more} }}\n", self.port)
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::SeqCst);
        // So that it looks.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn tell(mut stream: TcpStream, answer: &dyn Fn(&str) -> Beat) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(30)));
    let (mut heard, mut piece) = (Vec::new(), [0; 1024]);
    while !heard.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut piece) {
            Ok(count) if count > 0 => heard.extend(&piece[..count]),
            _ => return,
        }
    }
    let heard = String::from_utf8_lossy(&heard).into_owned();
    let host = heard.split_whitespace().nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
    let beat = answer(&host);
    if beat.status == 0 {
        // Till whoever asks gives up.
        while stream.read(&mut piece).is_ok_and(|count| count > 0) {}
        return;
    }
    let Beat { status, release } = beat;
    let _ = write!(
        stream,
        "HTTP/1.1 {status} so\r\nX-Release: {release}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
}
