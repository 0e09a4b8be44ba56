//! A deploy path, a home and a pm2 of one version: releases are laid out by hand, steps are run as the resident shell runs
//! them, and a deploy is their order.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use shipit::config::Program;
use shipit::remote::adapters::adapter;
use tempfile::TempDir;

use crate::booted::give;
use crate::client::ask;
use crate::process;

/// A step's end: exit code, answers (fields of each line), log.
pub struct Step {
    pub code: i32,
    pub answers: Vec<Vec<String>>,
    pub log: String,
}

impl Step {
    /// The answers of one kind, without the kind.
    pub fn all(&self, kind: &str) -> Vec<&[String]> {
        self.answers.iter().filter(|line| line[0] == kind).map(|line| &line[1..]).collect()
    }

    /// Why it failed: its last reason, as one text.
    pub fn reason(&self) -> String {
        self.all("reason").last().map(|fields| fields.join(" ")).unwrap_or_default()
    }

    pub fn has_warning(&self, word: &str, name: &str) -> bool {
        self.all("warning").iter().any(|fields| fields[0] == word && fields.iter().any(|field| field == name))
    }
}

/// See the top of the file.
pub struct Lab {
    _dir: TempDir,
    pub base: PathBuf,
    pub root: PathBuf,
    pub home: PathBuf,
    pub port: u16,
    version: u32,
    /// Lines of each release's parameters, beside the first.
    pub parameters: Vec<String>,
    /// Variables that the configuration gives.
    pub env: Vec<(String, String)>,
    /// The place of the supervisor in the list, for releases and steps from now on.
    pub number: u32,
    /// How the host is entered, where that is not this machine.
    pub way_in: Vec<String>,
    /// Where its commands find pm2.
    pub bin: PathBuf,
}

impl Lab {
    pub fn new(version: u32) -> Lab {
        process::require("node");
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        process::remember_older();
        let (root, home) = (base.join("app"), base.join("home"));
        for part in ["releases", ".shipit/releases", ".shipit/run.x", "shared"] {
            fs::create_dir_all(root.join(part)).unwrap();
        }
        fs::create_dir(&home).unwrap();
        fs::write(base.join("adapter.js"), adapter(Program::Pm2)).unwrap();
        let port = free_port();
        let parameters = ["stable-for\t1", "strategy\treload", "environment\tproduction"];
        let parameters = parameters.map(str::to_string).to_vec();
        Lab {
            _dir: dir,
            base,
            root,
            home,
            port,
            version,
            parameters,
            env: Vec::new(),
            number: 10,
            way_in: Vec::new(),
            bin: process::pm2(version),
        }
    }

    /// Where a program of this pm2 is.
    pub fn program(&self, name: &str) -> String {
        process::pm2(self.version).join(name).to_str().unwrap().to_string()
    }

    /// From now on the command `pm2` is of this version.
    pub fn install(&mut self, version: u32) {
        self.version = version;
        self.bin = process::pm2(version);
    }

    /// A release whose app is made of `is` and whose ecosystem file holds this app.
    pub fn release(&self, name: &str, app: &str, is: &str) {
        self.release_with(name, "ecosystem.config.js", &format!("module.exports = {{ apps: [{app}] }}"), is);
    }

    pub fn release_with(&self, name: &str, file: &str, text: &str, is: &str) {
        let directory = self.root.join("releases").join(name);
        let meta = self.meta(name);
        fs::create_dir_all(&directory).unwrap();
        fs::create_dir_all(&meta).unwrap();
        fs::write(directory.join("app.js"), include_str!("app.js")).unwrap();
        fs::write(directory.join("release.json"), format!("{{\"id\":\"{name}\"{is}}}")).unwrap();
        if !file.is_empty() {
            fs::write(directory.join(file), text).unwrap();
        }
        fs::write(
            meta.join(format!("supervisor.{}", self.number)),
            format!("pm2\n{}\n", self.parameters.join("\n")),
        )
        .unwrap();
    }

    /// An app of two processes in cluster mode.
    pub fn cluster(&self) -> String {
        format!(
            "{{ name: 'web', script: 'app.js', exec_mode: 'cluster', instances: 2, env: {{ PORT: {} }} }}",
            self.port
        )
    }

    pub fn fork(&self) -> String {
        format!("{{ name: 'web', script: 'app.js', exec_mode: 'fork', env: {{ PORT: {} }} }}", self.port)
    }

    fn meta(&self, release: &str) -> PathBuf {
        self.root.join(".shipit/releases").join(release)
    }

    pub fn run(&self) -> PathBuf {
        self.root.join(".shipit/run.x")
    }

    pub fn stored(&self, release: &str) -> Value {
        let text = fs::read(self.meta(release).join(format!("supervisor.{}.json", self.number))).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    pub fn switch(&self, release: &str) {
        let link = self.root.join(".current");
        symlink(format!("releases/{release}"), &link).unwrap();
        fs::rename(link, self.root.join("current")).unwrap();
    }

    /// A command with the environment of a plain session on this host.
    pub fn command(&self, program: &str) -> Command {
        let mut command = self.session(&self.home);
        command.args(["NO_COLOR=1", program]);
        command
    }

    // What a command begins with that runs in a plain session, in a directory.
    fn session(&self, directory: &Path) -> Command {
        let mut words = self.way_in.clone();
        words.extend(["env", "-i", "-C"].map(String::from));
        words.push(directory.to_str().unwrap().to_string());
        words.push(format!("HOME={}", self.home.display()));
        words.push(format!("PATH={}:/usr/local/bin:/usr/bin:/bin", self.bin.display()));
        words.push("LANG=C.UTF-8".to_string());
        let mut command = process::command(&words[0]);
        command.args(&words[1..]).stdin(Stdio::null());
        command
    }

    /// Runs `pm2` as a person does.
    pub fn pm2(&self, words: &[&str]) -> String {
        process::succeed(self.command("pm2").args(words))
    }

    /// As a person does who stands in a directory and has exported variables.
    pub fn pm2_in(&self, directory: &str, exported: &str, words: &[&str]) {
        let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let line = format!("cd {directory} && {exported} exec pm2 {}", words.join(" "));
        process::succeed(self.session(&self.root).args(["NO_COLOR=1", "sh", "-c", &line]));
    }

    pub fn start_step(&self, step: &str, release: &str, action: &str) -> Command {
        let mut command = self.session(&self.root.join("releases").join(release));
        command.args([format!("SHIPIT_RELEASE={release}"), "SHIPIT_REVISION=0123".to_string()]);
        command.args(self.env.iter().map(|(name, value)| format!("{name}={value}")));
        command.arg("setsid").arg("--wait").arg("node").arg(self.base.join("adapter.js"));
        command.arg(step).arg(&self.root).arg(release).arg(self.meta(release));
        command
            .arg(self.meta(release).join(format!("supervisor.{}", self.number)))
            .arg(self.run())
            .args([action, "180"]);
        let _ = fs::remove_file(self.run().join("answer"));
        if !self.way_in.is_empty() {
            give(&self.base);
        }
        command
    }

    /// Runs one step to its end.
    pub fn step(&self, step: &str, release: &str, action: &str) -> Step {
        let log = self.base.join("log");
        let file = fs::File::create(&log).unwrap();
        let mut command = self.start_step(step, release, action);
        // A file: what is started may keep it open.
        let status = command.stdout(file.try_clone().unwrap()).stderr(file).status().unwrap();
        let ended = self.ended(status.code().unwrap_or(-1));
        eprintln!("{step} {release} {action}: {} {:?}\n{}", ended.code, ended.answers, ended.log);
        ended
    }

    pub fn ended(&self, code: i32) -> Step {
        let answers = fs::read_to_string(self.run().join("answer")).unwrap_or_default();
        let answers = answers.lines().map(|line| line.split('\t').map(str::to_string).collect()).collect();
        Step { code, answers, log: fs::read_to_string(self.base.join("log")).unwrap_or_default() }
    }

    pub fn new_run(&self) {
        fs::remove_dir_all(self.run()).unwrap();
        fs::create_dir(self.run()).unwrap();
    }

    /// Detect, switch, reload, verify, save: the first step that fails, or the last.
    pub fn deploy(&self, release: &str) -> Step {
        self.new_run();
        let detected = self.step("detect", release, "deploy");
        if detected.code != 0 {
            return detected;
        }
        self.switch(release);
        for step in ["reload", "verify"] {
            let ended = self.step(step, release, "deploy");
            if ended.code != 0 {
                return ended;
            }
        }
        self.step("save", release, "deploy")
    }

    /// The way back, which has to succeed.
    pub fn roll_back(&self, release: &str) {
        self.switch(release);
        for step in ["reload", "verify"] {
            let ended = self.step(step, release, "rollback");
            assert_eq!(ended.code, 0, "{step}: {}", ended.reason());
        }
    }

    /// A deploy that has to succeed.
    pub fn deployed(&self, release: &str) {
        let ended = self.deploy(release);
        assert_eq!(ended.code, 0, "{}", ended.reason());
    }

    /// What pm2 lists: name, pm_id, pid, status, the fields that pm2 keeps.
    pub fn list(&self) -> Vec<Value> {
        let text = self.pm2(&["jlist", "-s"]);
        serde_json::from_str(text.lines().last().unwrap()).unwrap()
    }

    pub fn named(&self, name: &str) -> Vec<Value> {
        self.list().into_iter().filter(|one| one["name"] == name).collect()
    }

    /// What the app says of itself now, once it answers.
    pub fn served(&self) -> Value {
        served(self.port)
    }

    /// The releases that answer to several requests in turn.
    pub fn releases(&self) -> Vec<String> {
        let mut releases: Vec<String> =
            (0..8).map(|_| self.served()["release"].as_str().unwrap().to_string()).collect();
        releases.sort();
        releases.dedup();
        releases
    }

    /// How often the app of a release was started.
    pub fn runs(&self, release: &str) -> usize {
        let file = self.root.join("releases").join(release).join("runs");
        fs::read_to_string(file).unwrap_or_default().lines().count()
    }

    /// Releases from now on say what a file on the operator's machine says of its apps: `NAME MODE` each.
    pub fn knows(&mut self, apps: &[&str]) {
        self.parameters.extend(apps.iter().flat_map(|app| {
            let (name, mode) = app.split_once(' ').unwrap();
            [format!("app\t{name}"), format!("app-mode\t{mode}"), "app-job\tno".to_owned()]
        }));
    }

    /// What `today` answers about apps.
    pub fn today(&self, release: &str) -> Vec<[String; 7]> {
        let asked = self.step("today", release, "check");
        let of = |fields: &[String]| <[String; 7]>::try_from(fields.to_vec()).unwrap();
        asked.all("app").into_iter().map(of).collect()
    }

    /// The numbers of the processes that ran a release, each once.
    pub fn ran_it(&self, release: &str) -> BTreeSet<String> {
        let runs = self.root.join("releases").join(release).join("runs");
        let runs = fs::read_to_string(runs).unwrap_or_default();
        runs.lines().filter_map(|run| run.split(' ').nth(1)).map(str::to_owned).collect()
    }

    pub fn daemon(&self) -> u32 {
        fs::read_to_string(self.home.join(".pm2/pm2.pid")).unwrap().trim().parse().unwrap()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        process::end_all_inside(&self.base);
    }
}

pub fn served(port: u16) -> Value {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(body) = ask(port) {
            return serde_json::from_str(&body).unwrap();
        }
        assert!(Instant::now() < until, "nothing answers on port {port}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
