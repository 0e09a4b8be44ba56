//! Adapters, run as the resident shell runs them: a host's directories, and what an adapter answers.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use shipit::config::Program;
use shipit::remote::adapters::adapter;
use tempfile::TempDir;

use crate::supervised::{SERVICE, served};
use crate::{Sh, eventually, process};

/// A host with releases of the service, and the adapter that drives its supervisor.
pub struct Host {
    /// What stands with each release that is made.
    pub params: String,
    /// What the adapter finds on its PATH.
    pub path: String,
    // How it is entered.
    pub way_in: Vec<String>,
    /// Seconds that each step has.
    pub limit: u32,
    /// `stable-for` of releases that are made from now on: few seconds, where nothing is expected to end by itself.
    pub stable: u32,
    /// Whose all is, when not ours.
    pub owner: Option<u32>,
    run: Cell<u32>,
    pub base: PathBuf,
    _dir: TempDir,
}

/// How a step of an adapter ended.
#[derive(Debug)]
pub struct Told {
    pub code: i32,
    pub answers: Vec<Vec<String>>,
    pub output: String,
}

impl Told {
    /// The reason that it gave, with its fields.
    pub fn reason(&self) -> Vec<&str> {
        self.all("reason").pop().unwrap_or_default()
    }

    /// The fields of all answers with this word.
    pub fn all(&self, word: &str) -> Vec<Vec<&str>> {
        let fitting = self.answers.iter().filter(|answer| answer[0] == word);
        fitting.map(|answer| answer[1..].iter().map(String::as_str).collect()).collect()
    }

    #[track_caller]
    pub fn good(self) -> Told {
        assert_eq!(self.code, 0, "{self:#?}");
        self
    }

    /// It failed, for one of these reasons.
    #[track_caller]
    pub fn fails(self, reasons: &[&str]) -> Told {
        assert_eq!(self.code, 10, "{self:#?}");
        assert!(reasons.contains(self.reason().first().unwrap_or(&"")), "not {reasons:?}: {self:#?}");
        self
    }
}

/// A line of `status`: of a process that is up, of that release and name, and that uses something by now.
#[track_caller]
pub fn is_up(process: &[&str], release: &str, name: &str) {
    assert_eq!((process[0], &process[4..6]), ("up", &[release, name][..]), "{process:?}");
    let used = |at: usize| process[at].parse::<u64>().unwrap();
    assert!((1..10_000).contains(&used(6)), "percent of one processor: {process:?}");
    // Python and its child: no python is smaller than 4 MB.
    assert!((8 << 20..1 << 40).contains(&used(7)), "bytes: {process:?}");
}

impl Host {
    pub fn new(sh: Sh, program: Program) -> Host {
        process::remember_older();
        let dir = tempfile::Builder::new().prefix("shipit-adapter-").tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        for name in ["home", "bin", "app/releases", "app/.shipit/releases"] {
            fs::create_dir_all(base.join(name)).unwrap();
        }
        let tool = match sh {
            Sh::Dash => "dash",
            Sh::Bash => "bash",
            Sh::Busybox => "busybox",
        };
        symlink(process::require(tool), base.join("bin/sh")).unwrap();
        fs::write(base.join("adapter"), adapter(program)).unwrap();
        let params = format!("{}\n", program.name());
        Host {
            params,
            path: "/usr/bin:/bin".into(),
            way_in: Vec::new(),
            limit: 120,
            stable: 1,
            owner: None,
            run: Cell::new(0),
            base,
            _dir: dir,
        }
    }

    pub fn root(&self) -> PathBuf {
        self.base.join("app")
    }

    /// Adds a parameter for releases that are made from now on.
    pub fn set(&mut self, key: &str, value: &str) {
        self.params.push_str(&format!("{key}\t{value}\n"));
    }

    /// Makes a release that behaves so.
    pub fn release(&self, name: &str, behave: &str) {
        let (dir, meta) = (self.root().join("releases").join(name), self.meta(name));
        fs::create_dir_all(&dir).unwrap();
        fs::create_dir_all(&meta).unwrap();
        fs::write(dir.join("behave"), behave).unwrap();
        if behave != "missing" {
            SERVICE.iter().for_each(|(name, text)| fs::write(dir.join(name), text).unwrap());
        }
        let params = format!("{}stable-for\t{}\n", self.params, self.stable);
        fs::write(meta.join("supervisor.10"), params).unwrap();
    }

    fn meta(&self, release: &str) -> PathBuf {
        self.root().join(".shipit/releases").join(release)
    }

    pub fn switch(&self, release: &str) {
        let (link, next) = (self.root().join("current"), self.root().join("next"));
        symlink(format!("releases/{release}"), &next).unwrap();
        fs::rename(next, link).unwrap();
    }

    fn run_dir(&self) -> PathBuf {
        self.root().join(format!(".shipit/run.{}", self.run.get()))
    }

    /// What follows belongs to another run.
    pub fn new_run(&self) {
        self.run.set(self.run.get() + 1);
        fs::create_dir(self.run_dir()).unwrap();
    }

    /// The command of a step.
    pub fn command(&self, step: &str, release: &str, action: &str) -> Command {
        let mut words = self.way_in.clone();
        words.extend(["env", "-i"].map(String::from));
        words.push(format!("HOME={}", self.base.join("home").display()));
        words.push(format!("PATH={}", self.path));
        let path = |path: PathBuf| path.to_str().unwrap().to_owned();
        words.push(path(self.base.join("bin/sh")));
        words.extend([path(self.base.join("adapter")), step.into(), path(self.root()), release.into()]);
        words.extend([path(self.meta(release)), path(self.meta(release).join("supervisor.10"))]);
        words.extend([path(self.run_dir()), action.into(), self.limit.to_string()]);
        let mut command = process::command(&words[0]);
        command.args(&words[1..]).process_group(0).stdin(Stdio::null());
        command.current_dir("/").stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a step.
    pub fn step(&self, step: &str, release: &str, action: &str) -> Told {
        let _ = fs::remove_file(self.run_dir().join("answer"));
        self.give();
        let child = self.command(step, release, action).spawn().unwrap();
        self.told(child)
    }

    /// Waits for a step.
    pub fn told(&self, child: Child) -> Told {
        let out = child.wait_with_output().unwrap();
        let text = fs::read_to_string(self.run_dir().join("answer")).unwrap_or_default();
        let answers = text.lines().map(|line| line.split('\t').map(String::from).collect()).collect();
        let output =
            [out.stdout, out.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        Told { code: out.status.code().unwrap_or(-1), answers, output }
    }

    /// Reload and verify, after the switch.
    pub fn make_run(&self, release: &str, action: &str) -> Told {
        let told = self.step("reload", release, action);
        if told.code != 0 { told } else { self.step("verify", release, action) }
    }

    /// A run that deploys the release.
    pub fn deploy(&self, release: &str) -> Told {
        self.new_run();
        self.switch(release);
        self.make_run(release, "deploy")
    }

    /// Gives all that was made here to the one whose host it is.
    fn give(&self) {
        if let Some(owner) = self.owner {
            process::succeed(
                Command::new("chown").args(["-R", &format!("{owner}:{owner}")]).arg(self.root()),
            );
        }
    }

    /// The same run goes back.
    pub fn back(&self, release: &str) -> Told {
        self.switch(release);
        let told = self.make_run(release, "rollback");
        // A host does so, too (`serve_again`): between two starts of what crashes in a loop an order may come late.
        if told.code == 0 { told } else { self.make_run(release, "rollback") }
    }

    /// Whether an adapter has noted what ran before.
    pub fn has_noted(&self) -> bool {
        let is_note = |name: &str| name.starts_with("adapter.") && name.ends_with(".before");
        fs::read_dir(self.run_dir())
            .unwrap()
            .flatten()
            .any(|file| is_note(&file.file_name().to_string_lossy()))
    }

    pub fn stop_file(&self) -> PathBuf {
        self.run_dir().join("stop")
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        process::end_all_inside(&self.base);
    }
}

/// The service serves that, sooner or later: its program needs a moment after its process is there.
#[track_caller]
pub fn serves(port: u16, release: &str) {
    eventually(&format!("{release} on {port}"), || served(port).as_deref() == Some(release));
}

/// The releases of the matrix: what each of them must fail with, in the words of any kind.
pub const BAD: [(&str, &str, &[&str]); 4] = [
    ("boot", "boot", &["crash-loop", "not-running"]),
    ("dies-1", "dies 1", &["crash-loop", "not-running"]),
    ("dies-3", "dies 3", &["crash-loop", "not-running"]),
    ("missing", "missing", &["crash-loop", "not-running"]),
];

/// Each bad release fails, and the way back serves the one before again.
pub fn bad_releases_are_left_again(host: &mut Host, port: u16) {
    host.release("old", "good");
    host.stable = 5;
    host.deploy("old").good();
    serves(port, "old");
    for (name, behave, reasons) in BAD {
        host.release(name, behave);
        let told = host.deploy(name);
        assert_ne!(told.code, 0, "{name}: {told:#?}");
        let told = told.fails(reasons);
        assert!(told.output.contains("the last lines of"), "{name}: {told:#?}");
        host.back("old").good();
        serves(port, "old");
    }
    // A link to nothing.
    host.release("gone", "good");
    fs::remove_dir_all(host.root().join("releases/gone")).unwrap();
    host.deploy("gone").fails(&["crash-loop", "not-running"]);
    host.back("old").good();
    serves(port, "old");
}

/// Something of the old release keeps the port: a restart fails and says what, stop-start waits for it.
pub fn a_port_is_waited_for(host: &mut Host, port: u16) {
    host.set("wait-port", &port.to_string());
    // Longer than it takes to find out on a busy machine.
    host.release("old", "lingers 25");
    host.stable = 5;
    host.release("new", "good");
    host.stable = 1;
    host.deploy("old").good();
    serves(port, "old");
    let told = host.deploy("new").fails(&["port-held"]);
    assert_eq!(told.reason()[1], port.to_string());
    assert!(told.reason()[2].contains("(s"), "{told:#?}");
    host.set("strategy", "stop-start");
    host.release("old", "lingers 8");
    host.release("new", "good");
    host.back("old").good();
    serves(port, "old");
    host.deploy("new").good();
    serves(port, "new");
}

/// Where the file lies that a path of the adapter's answer names.
pub fn names_a_file(told: &Told) {
    let logs = told.all("log");
    assert!(!logs.is_empty() && logs.iter().all(|log| Path::new(log[0]).is_file()), "{told:#?}");
}
