//! A line between two network namespaces with a delay: packets of the kernel's own TCP, so slow start, delayed
//! acknowledgements and Nagle's waits are real. A proxy that ends TCP on both sides (`delay_proxy.rs`) hides them.
//!
//! wan_link NAMESPACE_A NAMESPACE_B DELAY_MS: prints "up" when the device `wan0` is in both.
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const CLONE_NEWNET: i32 = 0x4000_0000;
const TUNSETIFF: u64 = 0x4004_54ca;

unsafe extern "C" {
    fn ioctl(fd: i32, request: u64, argument: *const u8) -> i32;
    fn setns(fd: i32, kind: i32) -> i32;
}

type Packets = Arc<(Mutex<VecDeque<(Instant, Vec<u8>)>>, Condvar)>;

/// The device in a namespace. A thread enters it, as a namespace is a thread's.
fn device(namespace: &str) -> File {
    let namespace = namespace.to_owned();
    let open = move || {
        let at = File::open(format!("/run/netns/{namespace}")).expect("the namespace");
        assert_eq!(unsafe { setns(at.as_raw_fd(), CLONE_NEWNET) }, 0, "setns");
        let tun = OpenOptions::new().read(true).write(true).open("/dev/net/tun").expect("/dev/net/tun");
        let mut request = [0_u8; 40];
        request[..4].copy_from_slice(b"wan0");
        // IFF_TUN | IFF_NO_PI
        request[16..18].copy_from_slice(&[0x01, 0x10]);
        assert_eq!(unsafe { ioctl(tun.as_raw_fd(), TUNSETIFF, request.as_ptr()) }, 0, "TUNSETIFF");
        tun
    };
    thread::spawn(open).join().unwrap()
}

fn take_in(mut from: File, packets: &Packets, delay: Duration) {
    let mut buffer = vec![0_u8; 65536];
    loop {
        let size = from.read(&mut buffer).expect("a packet");
        packets.0.lock().unwrap().push_back((Instant::now() + delay, buffer[..size].to_vec()));
        packets.1.notify_one();
    }
}

fn hand_on(mut to: File, packets: &Packets) {
    loop {
        let waiting = packets.0.lock().unwrap();
        let next = packets.1.wait_while(waiting, |waiting| waiting.is_empty()).unwrap().pop_front();
        let Some((at, packet)) = next else { continue };
        thread::sleep(at.saturating_duration_since(Instant::now()));
        // What does not fit is lost, as on any line.
        let _ = to.write_all(&packet);
    }
}

fn carry(from: File, to: File, delay: Duration) {
    let packets = Packets::default();
    let taken = Arc::clone(&packets);
    thread::spawn(move || take_in(from, &taken, delay));
    thread::spawn(move || hand_on(to, &packets));
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let delay = Duration::from_secs_f64(words[3].parse::<f64>().expect("milliseconds") / 1000.0);
    let (a, b) = (device(&words[1]), device(&words[2]));
    carry(a.try_clone().unwrap(), b.try_clone().unwrap(), delay);
    carry(b, a, delay);
    println!("up");
    loop {
        thread::park();
    }
}
