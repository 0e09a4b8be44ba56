//! The line to one host: a TCP proxy of the test's own, which can cut it, after so many bytes or at once, or make it silent.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::case::{Cut, Way};

/// A line that is passed on byte by byte.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    to: u16,
    silent: [AtomicBool; 2],
    passed: [AtomicU64; 2],
    plan: Mutex<Option<(Way, u64, Cut)>>,
    was_cut: AtomicBool,
    closed: AtomicBool,
    lines: Mutex<Vec<Arc<Line>>>,
}

#[derive(Debug)]
struct Line {
    // towards the client, towards the host
    ends: [TcpStream; 2],
    over: AtomicBool,
}

impl Proxy {
    /// Listens on a port of its own, before the one of a host.
    pub fn before(to: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared { to, ..Shared::default() });
        let known = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if known.closed.load(Ordering::SeqCst) {
                    return;
                }
                Shared::join(&known, client);
            }
        });
        Proxy { port, shared }
    }

    /// Where it listens on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Forgets what passed and what was planned.
    pub fn reset(&self) {
        self.shared.plan.lock().unwrap().take();
        self.shared.was_cut.store(false, Ordering::SeqCst);
        self.shared.passed.iter().for_each(|count| count.store(0, Ordering::SeqCst));
    }

    /// How many bytes passed that way.
    pub fn passed(&self, way: Way) -> u64 {
        self.shared.passed[way as usize].load(Ordering::SeqCst)
    }

    /// Cuts the line when so many bytes have passed that way.
    pub fn cut_after(&self, way: Way, bytes: u64, cut: Cut) {
        *self.shared.plan.lock().unwrap() = Some((way, bytes, cut));
    }

    /// Whether what was planned has happened.
    pub fn was_cut(&self) -> bool {
        self.shared.was_cut.load(Ordering::SeqCst)
    }

    /// Cuts all lines now.
    pub fn cut(&self, cut: Cut) {
        let lines = std::mem::take(&mut *self.shared.lines.lock().unwrap());
        lines.iter().for_each(|line| line.end(cut));
    }

    /// Lets nothing pass that way, or again.
    pub fn silent(&self, way: Way, silent: bool) {
        self.shared.silent[way as usize].store(silent, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        self.cut(Cut::Rst);
        // So that it looks.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn join(shared: &Arc<Shared>, client: TcpStream) {
        // Nobody there: the client sees its connection end, as behind a router.
        let Ok(host) = TcpStream::connect(("127.0.0.1", shared.to)) else { return };
        let _ = (client.set_nodelay(true), host.set_nodelay(true));
        let line = Arc::new(Line { ends: [client, host], over: AtomicBool::new(false) });
        let mut lines = shared.lines.lock().unwrap();
        lines.retain(|line| !line.over.load(Ordering::SeqCst));
        lines.push(Arc::clone(&line));
        for way in [Way::Up, Way::Down] {
            let (shared, line) = (Arc::clone(shared), Arc::clone(&line));
            thread::spawn(move || shared.pass(way, &line));
        }
    }

    fn pass(&self, way: Way, line: &Line) {
        let (mut from, mut to) = match way {
            Way::Up => (&line.ends[0], &line.ends[1]),
            Way::Down => (&line.ends[1], &line.ends[0]),
        };
        let mut piece = [0; 16 * 1024];
        loop {
            let count = from.read(&mut piece).unwrap_or(0);
            while self.silent[way as usize].load(Ordering::SeqCst) && !line.over.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(5));
            }
            if count == 0 || line.over.load(Ordering::SeqCst) {
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
            let passed = self.passed[way as usize].load(Ordering::SeqCst);
            let plan = *self.plan.lock().unwrap();
            let ends = plan.filter(|(at, bytes, _)| *at == way && *bytes <= passed + count as u64);
            let last = ends.map_or(count, |(_, bytes, _)| usize::try_from(bytes - passed).unwrap());
            let sent = to.write_all(&piece[..last]).is_ok();
            self.passed[way as usize].fetch_add(last as u64, Ordering::SeqCst);
            if let Some((_, _, cut)) = ends {
                self.plan.lock().unwrap().take();
                // Whoever still has it keeps it open.
                self.lines.lock().unwrap().retain(|other| !std::ptr::eq(&raw const **other, line));
                line.end(cut);
                self.was_cut.store(true, Ordering::SeqCst);
                return;
            }
            if !sent {
                let _ = from.shutdown(Shutdown::Read);
                return;
            }
        }
    }
}

impl Line {
    fn end(&self, cut: Cut) {
        self.over.store(true, Ordering::SeqCst);
        for end in &self.ends {
            match cut {
                // Closed so, by whoever lets go of it last, it says RST; to end reading says nothing and wakes who reads.
                Cut::Rst => {
                    let _ = socket2::SockRef::from(end).set_linger(Some(Duration::ZERO));
                    let _ = end.shutdown(Shutdown::Read);
                }
                Cut::Fin => {
                    let _ = end.shutdown(Shutdown::Both);
                }
            }
        }
    }
}
