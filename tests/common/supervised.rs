//! Real supervisors that run a real service: supervisord, runit and s6, below a directory of their own.
//!
//! The service is `supervised.py`, which serves the name of its release (or its `page`) and goes wrong as `behave` says.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::process::{self, Signal};

/// The service's files.
pub const SERVICE: [(&str, &str); 2] =
    [("start", include_str!("supervised.sh")), ("app.py", include_str!("supervised.py"))];

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    Supervisord,
    Runit,
    S6,
}

/// A daemon, and what it runs.
pub struct Supervisor {
    pub program: Program,
    dir: PathBuf,
    daemon: Option<Child>,
}

impl Supervisor {
    /// Sets up a service `web` that serves the release in `current` of `root` on each of the ports; not yet started.
    pub fn set_up(program: Program, dir: &Path, root: &Path, ports: &[u16]) -> Supervisor {
        fs::create_dir_all(dir.join("log")).unwrap();
        match program {
            Program::Supervisord => configure(dir, root, ports),
            Program::Runit => service(dir, root, ports[0], "svlogd -tt"),
            Program::S6 => service(dir, root, ports[0], "s6-log t"),
        }
        Supervisor { program, dir: dir.to_owned(), daemon: None }
    }

    /// The directory of its configuration: supervisord's file, or the directories of services.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What its tools need on the PATH.
    pub fn path(&self) -> String {
        let tools = match self.program {
            Program::Supervisord => process::tools().join("supervisor/bin"),
            Program::Runit => process::tools().join("runit/usr/bin"),
            Program::S6 => PathBuf::from("/usr/bin"),
        };
        let first = if self.program == Program::S6 { "s6-svc" } else { "" };
        assert!(
            tools.join(first).exists(),
            "this test needs {}, which is not there: tests/run installs it",
            tools.display()
        );
        format!("{}:/usr/bin:/bin", tools.display())
    }

    /// Its logger packs what it moves away. Before the daemon starts.
    pub fn packs_logs(&self) {
        match self.program {
            Program::Supervisord => {}
            Program::Runit => fs::write(self.dir.join("log/config"), "!gzip\n").unwrap(),
            Program::S6 => {
                let run = self.dir.join("service/web/log/run");
                let text = fs::read_to_string(&run).unwrap();
                fs::write(&run, text.replace("s6-log t", "s6-log t '!gzip'")).unwrap();
            }
        }
    }

    /// What its logger has moved away.
    pub fn archives(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.join("log")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with('@') && name.ends_with(".s")).collect()
    }

    /// Has its logger move away what it wrote, without waiting for that.
    pub fn rotate_logs(&self) {
        let log = self.dir.join("service/web/log");
        let log = log.to_str().unwrap();
        let mut tell = match self.program {
            Program::Supervisord => return,
            Program::Runit => self.tool("sv", &["alarm", log]),
            Program::S6 => self.tool("s6-svc", &["-a", log]),
        };
        process::succeed(&mut tell);
    }

    /// Starts the daemon, and waits until it answers.
    pub fn start(&mut self) {
        let services = self.dir.join("service");
        let (program, args): (&str, Vec<&str>) = match self.program {
            Program::Supervisord => ("supervisord", vec!["-n", "-c", "supervisord.conf"]),
            Program::Runit => ("runsvdir", vec![services.to_str().unwrap()]),
            Program::S6 => ("s6-svscan", vec![services.to_str().unwrap()]),
        };
        let mut command = process::command("env");
        command.arg(program).args(args).env_clear().env("PATH", self.path()).env("HOME", &self.dir);
        command.current_dir(&self.dir).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.daemon = Some(command.spawn().unwrap());
    }

    /// Whether it knows its service.
    pub fn is_up(&self) -> bool {
        let web = self.dir.join("service/web");
        let mut ask = match self.program {
            Program::Supervisord => self.tool("supervisorctl", &["-c", "supervisord.conf", "pid"]),
            Program::Runit => self.tool("sv", &["status", web.to_str().unwrap()]),
            Program::S6 => self.tool("s6-svstat", &[web.to_str().unwrap()]),
        };
        ask.output().unwrap().status.success()
    }

    /// One of its tools.
    pub fn tool(&self, tool: &str, args: &[&str]) -> Command {
        let mut command = process::command("env");
        command.arg(tool).args(args).env_clear().env("PATH", self.path()).env("HOME", &self.dir);
        command.current_dir(&self.dir);
        command
    }

    /// Ends the daemon at once; what it started lives on.
    pub fn kill(&mut self) {
        let Some(mut daemon) = self.daemon.take() else { return };
        // runsvdir and s6-svscan have a supervisor for each service.
        let below = process::descendants(daemon.id());
        let own =
            below.into_iter().filter(|pid| ["runsv", "s6-supervise"].contains(&process::name(*pid).as_str()));
        let own: Vec<u32> = own.collect();
        let _ = daemon.kill();
        let _ = daemon.wait();
        own.into_iter().for_each(|pid| process::signal(pid, Signal::KILL));
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.kill();
        process::end_all_inside(&self.dir);
    }
}

fn configure(dir: &Path, root: &Path, ports: &[u16]) {
    let (dir_text, current) = (dir.display(), root.join("current").display().to_string());
    let mut text = format!(
        "[unix_http_server]\nfile={dir_text}/socket\n[supervisord]\nlogfile={dir_text}/daemon.log\npidfile={dir_text}/pid\n\
         [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
         [supervisorctl]\nserverurl=unix://{dir_text}/socket\n"
    );
    let mut program = |name: &str, port: u16| {
        text.push_str(&format!(
            "[program:{name}]\ncommand=/bin/sh start {port}\ndirectory={current}\nstartsecs=1\nstopwaitsecs=10\n\
             autostart=false\nredirect_stderr=true\nstdout_logfile={dir_text}/log/{name}\n"
        ));
    };
    match ports {
        [port] => program("web", *port),
        ports => {
            ports.iter().enumerate().for_each(|(at, port)| program(&format!("web{at}"), *port));
            let names: Vec<String> = (0..ports.len()).map(|at| format!("web{at}")).collect();
            text.push_str(&format!("[group:web]\nprograms={}\n", names.join(",")));
        }
    }
    fs::write(dir.join("supervisord.conf"), text).unwrap();
}

fn service(dir: &Path, root: &Path, port: u16, logger: &str) {
    let (web, log) = (dir.join("service/web"), dir.join("log"));
    fs::create_dir_all(web.join("log")).unwrap();
    let current = root.join("current").display().to_string();
    let run = format!("#!/bin/sh\nexec 2>&1\ncd {current} || exit 111\nexec /bin/sh start {port}\n");
    let files = [("run", run), ("log/run", format!("#!/bin/sh\nexec {logger} {}\n", log.display()))];
    for (name, text) in files {
        let file = web.join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::write(web.join("down"), "").unwrap();
}

/// A port that nothing listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// What is served there.
pub fn served(port: u16) -> Option<String> {
    asked(port, "/")
}

/// Has the service print a word.
pub fn says(port: u16, word: &str) {
    asked(port, &format!("/say/{word}")).unwrap();
}

fn asked(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text.rsplit_once("\r\n\r\n")?.1.to_owned())
}
