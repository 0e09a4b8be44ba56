//! Eight hosts with a real HTTP service each, behind a client that goes from one to the next and leaves out those that are
//! drained: no request fails, neither while good deploys go over the fleet nor while one is rolled back.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::common::{Kind, World};

const HOSTS: usize = 8;
const PORT: u16 = 7080;

/// Answers with the page of the release that it was started from; of a page `sick`, 503.
const SERVER: &str = r#"
import http.server, os, sys
page = open('page').read()
release = os.path.basename(os.getcwd())
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if page == 'sick' else 200)
        self.send_header('X-Release', release)
        self.send_header('Content-Length', str(len(page)))
        self.end_headers()
        self.wfile.write(page.encode())
    def log_message(self, *args):
        pass
class Server(http.server.ThreadingHTTPServer):
    allow_reuse_address = True
Server((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
"#;

/// Ends the old one, starts the new one from the release itself, and leaves it to `health` whether it came up.
const RELOAD: &str = r#"
if [ -e ~/server.pid ]; then
    old=$(cat ~/server.pid)
    kill "$old" 2>/dev/null || :
    while kill -0 "$old" 2>/dev/null; do sleep 0.05; done
fi
cd "$SHIPIT_RELEASE_PATH"
setsid python3 server.py "$SHIPIT_HOST" 7080 >/dev/null 2>&1 </dev/null &
echo $! > ~/server.pid
"#;

// Each host has an address of its own, by which it is called, too.
fn address(host: usize) -> String {
    format!("127.7.{}.{host}", std::process::id() % 250 + 1)
}

fn world(kind: Kind, hosts: usize) -> World {
    let world = World::new(kind, hosts);
    let config = world.home().join(".ssh/config");
    let mut text = String::new();
    for (at, host) in world.hosts().iter().enumerate() {
        let (name, port) = (address(at + 1), host.port());
        writeln!(text, "Host {name}\n  HostName 127.0.0.1\n  Port {port}").unwrap();
    }
    text.push_str(&fs::read_to_string(&config).unwrap());
    fs::write(&config, text).unwrap();
    let names: Vec<String> = (1..=hosts).map(address).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let out = world.root().join("out");
    fs::create_dir(&out).unwrap();
    // What is drained is left out by the client; a request that was sent before that is waited for.
    world.production_on(
        &names,
        &format!(
            "env = {{ OUT = {out:?} }}\n\
             rollout = {{ batch = '25%' }}\n\
             drain = 'touch $OUT/$SHIPIT_HOST; sleep 0.5'\n\
             undrain = 'rm -f $OUT/$SHIPIT_HOST'\n\
             supervisor = {{ reload = '''{RELOAD}''', stop = 'kill $(cat ~/server.pid)' }}\n\
             health = {{ http = 'http://{{host}}:{PORT}/', release = true, within = '20s', interval = '200ms', timeout = '2s' }}"
        ),
    );
    world.repo.publish(&[("page", "one"), ("server.py", SERVER)]);
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    world
}

struct Client {
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<(usize, Vec<String>)>>,
}

impl Client {
    fn begin(out: PathBuf, hosts: usize) -> Self {
        let end = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&end);
        let thread = std::thread::spawn(move || {
            let (mut asked, mut failures) = (0, Vec::new());
            'asking: while !ends.load(Ordering::Relaxed) {
                for at in 1..=hosts {
                    let name = address(at);
                    if out.join(&name).exists() {
                        continue;
                    }
                    asked += 1;
                    match get(&name) {
                        Ok(200) => {}
                        other => failures.push(format!("{name}: {other:?}")),
                    }
                    if failures.len() > 20 {
                        break 'asking;
                    }
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            (asked, failures)
        });
        Self { end, thread: Some(thread) }
    }

    fn finish(mut self) -> usize {
        self.end.store(true, Ordering::Relaxed);
        let (asked, failures) = self.thread.take().unwrap().join().unwrap();
        assert!(failures.is_empty(), "of {asked} requests: {failures:#?}");
        asked
    }
}

fn get(host: &str) -> std::io::Result<u16> {
    let mut stream = TcpStream::connect((host, PORT))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(format!("GET / HTTP/1.0\r\nHost: {host}\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    status.ok_or_else(|| std::io::Error::other(format!("no answer: {answer:?}")))
}

fn drained(out: &Path) -> usize {
    fs::read_dir(out).unwrap().count()
}

fn end_services(world: &World) {
    for host in world.hosts() {
        if let Some(pid) = host.read("server.pid") {
            let _ = std::process::Command::new("kill").arg(pid.trim()).status();
        }
    }
}

#[test]
fn no_request_fails_while_a_fleet_is_deployed_to() {
    let world = world(Kind::Sshd, HOSTS);
    let out = world.root().join("out");
    let client = Client::begin(out.clone(), HOSTS);
    for page in ["two", "three"] {
        world.repo.publish(&[("page", page)]);
        world.shipit(&["production"]).ends_with(0);
        world.serve(page);
        assert_eq!(drained(&out), 0, "all are in again");
    }
    world.repo.publish(&[("page", "sick")]);
    world.shipit(&["production"]).ends_with(5).says("503");
    world.serve("three");
    assert_eq!(drained(&out), 0, "all are in again");
    world.shipit(&["production", "revert"]).ends_with(0);
    world.serve("two");
    world.shipit(&["production", "restart"]).ends_with(0);
    assert!(client.finish() > 100);
    end_services(&world);
}

#[test]
fn a_host_that_forbids_forwarding_asks_itself() {
    let world = world(Kind::Sshd, 2);
    for host in world.hosts() {
        let config = host.path("../server/config");
        let text = fs::read_to_string(&config).unwrap();
        fs::write(&config, format!("{text}AllowTcpForwarding no\n")).unwrap();
        host.kill_sshd();
        host.start();
    }
    world.repo.publish(&[("page", "two")]);
    world.shipit(&["production"]).ends_with(0);
    world.serve("two");
    world.repo.publish(&[("page", "sick")]);
    world.shipit(&["production"]).ends_with(5).says("still unhealthy");
    world.serve("two");
    assert_eq!(drained(&world.root().join("out")), 0);
    end_services(&world);
}
