//! What an operator who may not forward lets the host ask itself: over HTTP by whatever tool is there, and over TCP.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::thread::spawn;

use shipit::remote::script::Script;

use crate::ground::Ground;
use crate::states::{Deploy, State};
use crate::{Sh, on_each_shell, process};

on_each_shell!(
    curl_asks,
    wget_of_gnu_asks,
    wget_of_busybox_asks,
    a_wget_that_tells_no_status_asks,
    without_a_tool_it_says_so,
    who_listens_is_found_out,
);

/// What is asked, as the operator's variables say it.
#[derive(Clone)]
struct Probe {
    kind: &'static str,
    within: &'static str,
    timeout: &'static str,
    status: String,
    body: String,
    named: bool,
    at: String,
    port: String,
}

fn http(at: &str) -> Probe {
    Probe {
        kind: "http",
        within: "1",
        timeout: "5",
        status: "200".into(),
        body: String::new(),
        named: false,
        at: at.into(),
        port: String::new(),
    }
}

fn tcp(host: &str, port: u16) -> Probe {
    Probe { kind: "tcp", port: port.to_string(), ..http(host) }
}

/// Answers every request: its path is the status, and what is to be in the answer is asked for by name.
fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    spawn(move || listener.incoming().flatten().for_each(|stream| drop(spawn(move || answer(stream)))));
    port
}

fn answer(mut stream: TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut request = String::new();
    reader.read_line(&mut request).ok()?;
    let mut line = String::new();
    while reader.read_line(&mut line).ok()? > 2 {
        line.clear();
    }
    let path = request.split(' ').nth(1)?.trim_start_matches('/');
    let (status, query) = path.split_once('?').unwrap_or((path, ""));
    if status == "slow" {
        let _ = stream.read(&mut [0; 1]);
        return None;
    }
    let body = "  Name: first\nit's \"well\" -- $HOME \u{e9}\n";
    let more = match status {
        "302" => "Location: /200\r\n".to_owned(),
        _ => format!("X-Serves: {query}\r\n"),
    };
    let length = if status == "204" { 0 } else { body.len() };
    write!(stream, "HTTP/1.1 {status} Some\r\n{more}Content-Length: {length}\r\nConnection: close\r\n\r\n")
        .ok()?;
    if length > 0 {
        stream.write_all(body.as_bytes()).ok()?;
    }
    Some(())
}

/// Only these tools are on the host's PATH, and what every host has.
fn with(ground: &Ground, tools: &[(&str, &str)]) -> String {
    let dir = ground.base().join("tools");
    fs::create_dir_all(&dir).unwrap();
    for tool in ["setsid", "head", "tail", "wc", "sleep", "readlink", "rm", "tee", "cat", "mv", "grep"] {
        symlink(process::require(tool), dir.join(tool)).unwrap();
    }
    for (name, tool) in tools {
        let tool = process::require(tool);
        if *name == "wget" && tool.ends_with("busybox") {
            // By its own name it would be whatever is asked for.
            fs::write(dir.join(name), format!("#!/bin/sh\nexec {} wget \"$@\"\n", tool.display())).unwrap();
            fs::set_permissions(dir.join(name), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        } else {
            symlink(tool, dir.join(name)).unwrap();
        }
    }
    format!("PATH={}\n", dir.display())
}

fn ask(deploy: &mut Deploy<'_>, path: &str, probe: &Probe) -> crate::answer::Answer {
    deploy.set(&[
        ("probe_kind", probe.kind),
        ("probe_within", probe.within),
        ("probe_interval", "1"),
        ("probe_timeout", probe.timeout),
        ("probe_stable", "0"),
        ("probe_status", &probe.status),
        ("probe_body", &probe.body),
        ("probe_release", if probe.named { "yes" } else { "no" }),
        ("probe_at", &probe.at),
        ("probe_port", &probe.port),
    ]);
    let script = Script::new().check_health();
    let number = deploy.run.tell_text(&format!("{path}{}", script.as_str()));
    deploy.run.wait(number)
}

fn active(ground: &Ground) -> Deploy<'_> {
    Deploy::reach(ground, 30, State::Active)
}

fn asks(sh: Sh, tools: &[(&str, &str)], knows_status: bool, follows: bool) {
    let ground = Ground::new(sh);
    let mut deploy = active(&ground);
    let path = with(&ground, tools);
    let base = format!("http://127.0.0.1:{}", server());
    let release = deploy.release.clone();
    let mut answer = |status: &str, body: &str, named: bool, at: &str| {
        let probe = Probe { status: status.into(), body: body.into(), named, ..http(&format!("{base}{at}")) };
        ask(&mut deploy, &path, &probe)
    };
    assert_eq!(answer("200-399", "", false, "/200").good().ends, [("health".into(), 0, "exit".into())]);
    let says = |code: &str| if knows_status { format!("HTTP {code}") } else { String::new() };
    answer("200-399", "", false, "/503").failed("unhealthy", &says("503"));
    answer("200-399", "", false, "/204").good();
    answer("301", "", false, "/200").failed("unhealthy", &says("200"));
    if knows_status {
        answer("201,503", "", false, "/503").good();
        answer("200", "", false, "/302").failed("unhealthy", "HTTP 302");
        answer("300-302", "", false, "/302").good();
    }
    let body = "it's \"well\" -- $HOME \u{e9}";
    answer("200", body, false, "/200?it's%20$(touch%20x)").good();
    answer("200", "-- $HOME", false, "/200").good();
    answer("200", "unwell", false, "/200").failed("unhealthy", "without the text");
    if knows_status {
        answer("200", "X-Serves", false, "/200").failed("unhealthy", "without the text");
        answer("200", "", true, &format!("/200?{release}")).good();
        answer("200", "", true, &format!("/200?{}", ground.repo.head())).good();
        if !follows {
            answer("503", body, true, &format!("/503?{release}")).good();
        }
    }
    answer("200", "", true, "/200?another").failed("unhealthy", "not release");
    let slow = Probe { timeout: "1", ..http(&format!("{base}/slow")) };
    ask(&mut deploy, &path, &slow).failed("unhealthy", "after 1 s");
    for url in ["http://127.0.0.1:1/", "-x", "--help", "nonsense it's"] {
        let answer = ask(&mut deploy, &path, &http(url));
        assert_eq!(answer.failed("unhealthy", "still unhealthy after").fail.unwrap().1, "health", "{url}");
    }
    deploy.run.script(&Script::new().finish(5).unlock()).good();
    assert!(deploy.run.bye().success());
    ground.comes_to_rest("asked");
}

fn curl_asks(sh: Sh) {
    asks(sh, &[("curl", "curl"), ("wget", "busybox")], true, false);
}

fn wget_of_gnu_asks(sh: Sh) {
    asks(sh, &[("wget", "wget")], true, false);
}

fn wget_of_busybox_asks(sh: Sh) {
    asks(sh, &[("wget", "busybox")], true, true);
}

fn a_wget_that_tells_no_status_asks(sh: Sh) {
    let ground = Ground::new(sh);
    let wget = ground.base().join("plain");
    let text = "#!/bin/sh\ncase $* in *-S* | --*) echo usage >&2; exit 1 ;; esac\nexec busybox wget \"$@\"\n";
    fs::write(&wget, text).unwrap();
    fs::set_permissions(&wget, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    asks(sh, &[("wget", wget.to_str().unwrap()), ("busybox", "busybox")], false, true);
}

fn without_a_tool_it_says_so(sh: Sh) {
    let ground = Ground::new(sh);
    let mut deploy = active(&ground);
    let path = with(&ground, &[]);
    ask(&mut deploy, &path, &http("http://127.0.0.1:1/")).failed("no-http-client", "");
    ask(&mut deploy, &path, &tcp("127.0.0.1", 1)).failed("no-tcp-client", "");
}

fn who_listens_is_found_out(sh: Sh) {
    let ground = Ground::new(sh);
    let mut deploy = active(&ground);
    let port = server();
    let fake = ground.base().join("nc");
    // As the ones that have -z, told by their help.
    let text = "#!/bin/bash\n[ \"$1\" != -h ] || { echo ' -z zero-I/O mode' >&2; exit 1; }\n\
                [ \"$*\" = \"-z -w 5 -- 127.0.0.1 $6\" ] && exec 3<>\"/dev/tcp/$5/$6\"\n";
    fs::write(&fake, text).unwrap();
    fs::set_permissions(&fake, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let none: [(&str, &str); 1] = [("nc", fake.to_str().unwrap())];
    for tools in [&[("bash", "bash")][..], &none, &[("curl", "curl"), ("nc", "false")]] {
        let _ = fs::remove_dir_all(ground.base().join("tools"));
        let path = with(&ground, tools);
        ask(&mut deploy, &path, &Probe { within: "5", ..tcp("127.0.0.1", port) }).good();
        for (host, port) in [("127.0.0.1", 1), ("-z it's", 1)] {
            let answer = ask(&mut deploy, &path, &tcp(host, port));
            answer.failed("unhealthy", "nobody listens at");
        }
    }
}
