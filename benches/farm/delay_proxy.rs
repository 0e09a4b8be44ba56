//! Adds a fixed round-trip delay to TCP connections, for measuring what a
//! deploy tool pays per round trip where the kernel has no netem.
//!
//!     delay_proxy --from 127.2 --to 127.1 --port 2222 --hosts 50 --rtt-ms 50
//!
//! Host n listens on FROM.x.y:PORT and forwards to TO.x.y:PORT. Each byte is
//! handed on half a round trip after it was read; throughput is not limited.
//! The kernel accepts at once on loopback, so the TCP handshake is modelled
//! too: the far side sees the connection 1.5 RTT after it was accepted here,
//! and nothing the client sends counts as sent before 1 RTT has gone by.
//! Standard library only; four threads a connection.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

type Piece = (Instant, Vec<u8>); // an empty piece is the end of the stream

fn addr(prefix: &str, n: u32, port: u16) -> SocketAddr {
    let mut p = prefix.split('.').map(|s| s.parse::<u8>().expect("prefix like 127.2"));
    let (a, b) = (p.next().unwrap(), p.next().unwrap());
    let ip = Ipv4Addr::new(a, b, (n / 250) as u8, (n % 250 + 1) as u8);
    SocketAddr::V4(SocketAddrV4::new(ip, port))
}

fn sleep_until(t: Instant) {
    let now = Instant::now();
    if t > now {
        thread::sleep(t - now);
    }
}

fn read_side(mut from: TcpStream, to: SyncSender<Piece>, not_before: Instant, delay: Duration) {
    let mut buf = vec![0u8; 65536];
    loop {
        let n = from.read(&mut buf).unwrap_or(0);
        let due = Instant::now().max(not_before) + delay;
        if to.send((due, buf[..n].to_vec())).is_err() || n == 0 {
            return;
        }
    }
}

fn write_side(mut to: TcpStream, from: Receiver<Piece>) {
    for (due, piece) in from {
        sleep_until(due);
        if piece.is_empty() || to.write_all(&piece).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

fn small<F: FnOnce() + Send + 'static>(f: F) -> thread::JoinHandle<()> {
    thread::Builder::new().stack_size(128 * 1024).spawn(f).expect("thread")
}

fn serve(client: TcpStream, backend: SocketAddr, delay: Duration) {
    let t0 = Instant::now();
    let _ = client.set_nodelay(true);
    let (up_tx, up_rx) = sync_channel::<Piece>(1024);
    let c = client.try_clone().expect("clone");
    small(move || read_side(c, up_tx, t0 + 2 * delay, delay));
    sleep_until(t0 + 3 * delay);
    let server = match TcpStream::connect(backend) {
        Ok(s) => s,
        Err(e) => {
            eprintln!("{backend}: {e}");
            let _ = client.shutdown(Shutdown::Both);
            return;
        }
    };
    let _ = server.set_nodelay(true);
    let s = server.try_clone().expect("clone");
    small(move || write_side(s, up_rx));
    let (down_tx, down_rx) = sync_channel::<Piece>(1024);
    small(move || write_side(client, down_rx));
    read_side(server, down_tx, t0, delay);
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let get = |name: &str, default: &str| -> String {
        args.iter().position(|a| a == name).and_then(|i| args.get(i + 1)).cloned().unwrap_or(default.into())
    };
    let (from, to) = (get("--from", "127.2"), get("--to", "127.1"));
    let port: u16 = get("--port", "2222").parse().expect("--port");
    let hosts: u32 = get("--hosts", "1").parse().expect("--hosts");
    let rtt: f64 = get("--rtt-ms", "50").parse().expect("--rtt-ms");
    let delay = Duration::from_secs_f64(rtt / 2000.0);
    let mut all = Vec::new();
    for n in 0..hosts {
        let (here, backend) = (addr(&from, n, port), addr(&to, n, port));
        let l = TcpListener::bind(here).unwrap_or_else(|e| panic!("{here}: {e}"));
        all.push(small(move || {
            for c in l.incoming().flatten() {
                small(move || serve(c, backend, delay));
            }
        }));
    }
    println!("ready");
    let _ = std::io::stdout().flush();
    for t in all {
        let _ = t.join();
    }
}
