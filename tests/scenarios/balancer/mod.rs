//! An example with a load balancer, as it is in `examples/`, in a world: two hosts, a third one with the real balancer, and a
//! client before it. Replaced are only names, ports, paths and what would ask the balancer's next server after a failure.

pub mod client;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::common::{Host, Kind, Run, Signal, World, require, signal, within};
use crate::examples::root;
use client::{Address, Client, ask};

/// As long as a starved machine may need to start a service.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Stands for systemd's user manager: ends the service whatever it does just then, and starts that of `current`.
const SYSTEMCTL: &str = r#"#!/bin/sh
[ "$*" = "--user restart shop" ] || exit 3
if [ -e ~/pid ]; then
	kill "$(cat ~/pid)" 2>/dev/null || :
	while kill -0 "$(cat ~/pid)" 2>/dev/null; do sleep 0.05; done
fi
cd ~/app/current || exit
HOST=%HOST PORT=%PORT setsid python3 server.py >>~/log 2>&1 </dev/null &
echo $! >~/pid
"#;

/// A file in the home of the balancer's host, what stands there, and what is to stand there.
pub type Change = (&'static str, &'static str, &'static str);

/// One of the examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Example {
    Nginx,
    Haproxy,
    Health,
}

impl Example {
    fn directory(self) -> &'static str {
        match self {
            Self::Nginx => "examples/nginx-drain",
            Self::Haproxy => "examples/haproxy-drain",
            Self::Health => "examples/health-drain",
        }
    }

    /// Worlds of one process use other ports, those of two processes other addresses.
    fn port(self) -> u16 {
        match self {
            Self::Nginx => 23100,
            Self::Haproxy => 23200,
            Self::Health => 23300,
        }
    }

    fn text(self, file: &str) -> String {
        let file = root(self.directory()).join(file);
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }
}

/// What the example deploys, on its hosts, behind its balancer.
#[derive(Debug)]
pub struct Shop {
    example: Example,
    balancer: Child,
    port: u16,
    // last: hosts end what runs on them
    pub world: World,
}

impl Shop {
    /// Deployed for the first time; both hosts take requests. `change` makes what is tried of the example's own lines.
    pub fn open(example: Example, change: impl Fn(String) -> String) -> Self {
        Self::at(example, example.port(), change)
    }

    /// The same, on a port that no other test of this file uses.
    pub fn at(example: Example, port: u16, change: impl Fn(String) -> String) -> Self {
        let world = World::new(Kind::Sshd, 3);
        introduce(&world);
        for host in ["web1", "web2"] {
            let text = SYSTEMCTL.replace("%HOST", &address(host)).replace("%PORT", &port.to_string());
            world.host(host).tool("systemctl", &text);
        }
        let lb = Address { host: address("web3"), port };
        let balancer = match example {
            Example::Nginx => start_nginx(world.host("web3"), &lb),
            Example::Haproxy | Example::Health => start_haproxy(example, world.host("web3"), &lb),
        };
        let shop = Self { example, balancer, port, world };
        shop.configure(&change(shop.toml()));
        shop.publish("one", &example.text("server.py"));
        shop.world.shipit(&["production", "setup"]).ends_with(0);
        // A host that is taken in waits for requests.
        let client = Client::begin(shop.address());
        shop.world.shipit(&["production"]).ends_with(0);
        within(PATIENCE, "both hosts take requests", || shop.all_are_asked());
        client.finish();
        shop
    }

    fn configure(&self, toml: &str) {
        self.world.config(toml);
        if self.example == Example::Health {
            let work = self.world.repo.work();
            fs::create_dir(work.join("deploy")).unwrap();
            for name in ["deploy/drain.sh", "deploy/undrain.sh"] {
                let here = format!("\"http://$SHIPIT_HOST:{}/quiet\"", self.port);
                let text = with(&self.example.text(name), "http://127.0.0.1:3000/quiet", &here);
                fs::write(work.join(name), text).unwrap();
            }
            fs::write(work.join(".git/info/exclude"), "/shipit.toml\n/deploy/\n").unwrap();
        }
    }

    fn toml(&self) -> String {
        let here = format!("http://{{host}}:{}/", self.port);
        let text = self.example.text("shipit.toml");
        let text = if self.example == Example::Health { text } else { with(&text, "deploy@", "") };
        named(&with_all(
            &text,
            &[
                ("user = \"deploy\"\n", ""),
                ("git@git.example.com:acme/shop.git", &self.world.repo.url()),
                ("\"~/shop\"", "\"app\""),
                ("http://127.0.0.1:3000/", &here),
            ],
        ))
    }

    /// Where clients ask.
    pub fn address(&self) -> Address {
        Address { host: address("web3"), port: self.port }
    }

    /// Publishes a page, which tells releases apart, with the service's program.
    fn publish(&self, page: &str, server: &str) {
        self.world.repo.publish(&[("page", page), ("server.py", server)]);
    }

    /// A release that is like the one before, but for its page.
    pub fn publish_good(&self, page: &str) {
        self.publish(page, &self.example.text("server.py"));
    }

    /// One that ends at its start, on the second host only.
    pub fn publish_bad(&self, page: &str) {
        let end = "if os.environ[\"HOST\"].endswith(\".2\"):\n    raise SystemExit(\"no\")\naddress = (";
        self.publish_changed(page, "address = (", end);
    }

    /// One whose program has something else in this place.
    pub fn publish_changed(&self, page: &str, from: &str, to: &str) {
        self.publish(page, &with(&self.example.text("server.py"), from, to));
    }

    /// Runs `lb` on the balancer.
    pub fn lb(&self, command: &str, host: &str) -> Run {
        self.world.ssh("web3", &format!("lb {command} {}", address(host)))
    }

    /// Makes something else of a file on the balancer's host.
    pub fn change_balancer(&self, (file, from, to): Change) {
        let host = self.world.host("web3");
        fs::write(host.path(file), with(&host.read(file).unwrap(), from, to)).unwrap();
    }

    /// Whether the balancer's host runs a command with these words.
    pub fn balancer_runs(&self, words: &str) -> bool {
        self.world.host("web3").processes().iter().any(|process| process.command.contains(words))
    }

    /// Holds both hosts to serving this page and to taking requests.
    #[track_caller]
    pub fn serves(&self, page: &str) {
        ["web1", "web2"].into_iter().for_each(|host| self.world.host(host).serves(page));
        within(PATIENCE, "both hosts take requests", || self.all_are_asked());
        self.world.shipit(&["production", "status", "--check"]).ends_with(0).does_not_say("drained");
    }

    fn all_are_asked(&self) -> bool {
        let asked = || ["web1", "web2"].map(|host| asked(self.world.host(host)));
        let before = asked();
        // A client may go on beside this.
        (0..4).for_each(|_| drop(ask(&self.address())));
        before.iter().zip(asked()).all(|(before, after)| *before < after)
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        signal(self.balancer.id(), Signal::TERM);
        let _ = self.balancer.wait();
    }
}

/// How often a client's request arrived there; checks are other paths.
fn asked(host: &Host) -> usize {
    host.read("log").unwrap_or_default().lines().filter(|line| line.contains("GET /page")).count()
}

/// By which a host is called, and where its service listens.
pub fn address(host: &str) -> String {
    format!("127.23.{}.{}", std::process::id() % 250 + 1, host.trim_start_matches("web"))
}

/// The operator, and its hooks, reach all three by the names of the example.
fn introduce(world: &World) {
    let file = world.home().join(".ssh/config");
    let mut text = String::new();
    for host in world.hosts() {
        let name = if host.name() == "web3" { "lb.example.com".into() } else { address(host.name()) };
        writeln!(text, "Host {name}\n  HostName 127.0.0.1\n  Port {}", host.port()).unwrap();
    }
    text.push_str(&fs::read_to_string(&file).unwrap());
    fs::write(&file, text).unwrap();
    let ssh = format!("#!/bin/sh\nexec {} -F {} \"$@\"\n", require("ssh").display(), file.display());
    world.tool("ssh", &ssh);
    ["web1", "web2"].into_iter().for_each(|host| world.host(host).tool("ssh", &ssh));
}

/// The text with something else in place of what has to be in it.
#[track_caller]
fn with(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from:?} is not in {text}");
    text.replace(from, to)
}

#[track_caller]
fn with_all(text: &str, pairs: &[(&str, &str)]) -> String {
    pairs.iter().fold(text.to_owned(), |text, (from, to)| with(&text, from, to))
}

/// With addresses for the names of both hosts.
fn named(text: &str) -> String {
    let name = |text: String, host: &str| with(&text, &format!("{host}.example.com"), &address(host));
    ["web1", "web2"].into_iter().fold(text.to_owned(), name)
}

fn start_nginx(lb: &Host, listen: &Address) -> Child {
    let home = lb.path("").to_str().unwrap().trim_end_matches('/').to_owned();
    let example = Example::Nginx;
    // Debian's own places are root's.
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let places: String = kinds.iter().map(|kind| format!("    {kind}_temp_path {home}/{kind};\n")).collect();
    let config = with_all(
        &example.text("balancer/nginx.conf"),
        &[
            ("/etc/nginx", &home),
            ("/run/nginx.pid", &format!("{home}/nginx.pid")),
            ("worker_processes auto", "worker_processes 2"),
            ("listen 80", &format!("listen {listen}")),
            ("http {\n", &format!("http {{\n    access_log off;\n{places}")),
            ("proxy_next_upstream error timeout", "proxy_next_upstream off"),
        ],
    );
    lb.put("nginx.conf", &config);
    for host in ["web1", "web2"] {
        let name = format!("{host}.example.com");
        let text = example.text(&format!("balancer/{name}.conf"));
        let to = Address { host: address(host), port: listen.port };
        lb.put(&format!("shop/{}.conf", to.host), &with(&text, &format!("{name}:3000"), &to.to_string()));
    }
    let script = example.text("balancer/lb");
    let pid_file = format!("{home}/nginx.pid");
    lb.tool("lb", &with_all(&script, &[("/etc/nginx", &home), ("/run/nginx.pid", &pid_file)]));
    lb.tool("sudo", "#!/bin/sh\nexec \"$@\"\n");
    let nginx = require("nginx");
    let line = format!("exec {} -e {home}/errors -c {home}/nginx.conf \"$@\"", nginx.display());
    lb.tool("nginx", &format!("#!/bin/sh\n{line}\n"));
    start(lb, Path::new("sh"), &["-c", &line, "nginx", "-g", "daemon off;"])
}

fn start_haproxy(example: Example, lb: &Host, listen: &Address) -> Child {
    let home = lb.path("").to_str().unwrap().trim_end_matches('/').to_owned();
    let mut config = example.text("balancer/haproxy.cfg");
    for host in ["web1", "web2"] {
        let to = Address { host: address(host), port: listen.port };
        config = with(&config, &format!("{host}.example.com:3000"), &to.to_string());
    }
    let mut config = with_all(
        &config,
        &[("bind :80", &format!("bind {listen}")), ("    mode http\n", "    mode http\n    retries 0\n")],
    );
    if example == Example::Haproxy {
        config = with_all(
            &named(&config),
            &[("    user haproxy\n    group haproxy\n", ""), ("/run/haproxy", &home)],
        );
        lb.tool("lb", &with(&example.text("balancer/lb"), "/run/haproxy", &home));
    }
    lb.put("haproxy.cfg", &config);
    start(lb, &require("haproxy"), &["-db", "-f", "haproxy.cfg"])
}

fn start(lb: &Host, program: &Path, arguments: &[&str]) -> Child {
    let log = fs::File::create(lb.path("balancer.log")).unwrap();
    let mut command = Command::new("env");
    command.arg("--default-signal=HUP,INT,QUIT,TERM,PIPE,CHLD").arg(program).args(arguments);
    command.current_dir(lb.path("")).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    command.spawn().unwrap()
}
