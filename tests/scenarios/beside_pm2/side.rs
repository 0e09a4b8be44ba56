//! One tool in a world of its own: the same words, the same file and the same commits for both, and what is seen of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::common::{Kind, Run, Running, World, pm2};

/// Who deploys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    Pm2,
    Shipit,
}

/// What a hook sources: it writes down where it runs and with what. No quote is in the hook itself, which pm2 would cut.
pub const OBSERVE: &str = include_str!("observe.sh");

pub struct Side {
    pub tool: Tool,
    pub world: World,
    /// By what is looked at.
    pub facts: BTreeMap<String, String>,
    /// That of a plain login, and of the operator.
    pub umask: String,
    /// Commits by the page that they hold.
    commits: Vec<(String, String)>,
    log: PathBuf,
}

/// What a hook wrote.
pub struct Seen {
    pub lines: BTreeMap<String, String>,
    pub env: BTreeMap<String, String>,
}

impl Side {
    pub fn new(tool: Tool) -> Side {
        let world = World::new(Kind::Sshd, 2);
        let config = world.home().join(".ssh/config");
        let shared = world.home().join("shared");
        world.tool(
            "ssh",
            &format!(
                "#!/bin/sh\n[ ! -e '{0}' ] || set -- -o ControlMaster=auto -o ControlPath='{0}/%n' -o ControlPersist=60 \"$@\"\n\
                 exec {1} -F '{2}' -o BatchMode=yes \"$@\"\n",
                shared.display(),
                crate::common::require("ssh").display(),
                config.display()
            ),
        );
        for host in world.hosts() {
            host.put("observe", OBSERVE);
        }
        fs::write(world.repo.work().join("observe"), OBSERVE).unwrap();
        let name = world.root().file_name().unwrap().to_str().unwrap().to_owned();
        world.env("USER", &name);
        world.env("MINE", "the operator's");
        world.env("TOKEN", "s3cret-of-ann");
        let exclude = "/ecosystem.*\n/observe\n/*.sh.local\n/rel\n/id_rsa.pub\n";
        fs::write(world.repo.work().join(".git/info/exclude"), exclude).unwrap();
        let log = PathBuf::from(format!("/tmp/pm2-deploy-{name}.log"));
        let umask = world.ssh("web1", "umask").ends_with(0).stdout.trim().to_owned();
        Side { tool, world, facts: BTreeMap::new(), umask, commits: Vec::new(), log }
    }

    /// Whether pm2's `ssh` makes a connection anew each time.
    pub fn share_connections(&self, share: bool) {
        let shared = self.world.home().join("shared");
        if share {
            fs::create_dir(shared).unwrap()
        } else {
            fs::rename(&shared, shared.with_extension("no")).unwrap()
        }
    }

    /// The same words for both.
    pub fn run(&self, words: &[&str]) -> Run {
        self.run_in(&self.world.repo.work().to_path_buf(), words)
    }

    pub fn run_in(&self, directory: &PathBuf, words: &[&str]) -> Run {
        match self.tool {
            Tool::Shipit => {
                let mut command = self.world.command(std::path::Path::new(env!("CARGO_BIN_EXE_shipit")));
                command.args(words).current_dir(directory);
                Running::start(command, format!("shipit {}", words.join(" "))).wait()
            }
            Tool::Pm2 => {
                let mut command = self.world.command(&pm2(7).join("pm2"));
                command.env("PM2_HOME", self.world.home().join(".pm2")).current_dir(directory);
                command.arg("deploy").args(words);
                Running::start(command, format!("pm2 deploy {}", words.join(" "))).wait()
            }
        }
    }

    /// Runs these words and notes how they ended.
    pub fn ends(&mut self, fact: &str, words: &[&str]) -> Run {
        let run = self.run(words);
        self.note_end(fact, &run);
        run
    }

    pub fn note_end(&mut self, fact: &str, run: &Run) {
        if std::env::var_os("SHOW_RUNS").is_some() {
            eprintln!("{fact}: {run}");
        }
        self.note(fact, &run.code.map_or("a signal".to_owned(), |code| format!("exit {code}")));
    }

    pub fn note(&mut self, fact: &str, value: &str) {
        let value = self.plain(value);
        let before = self.facts.insert(fact.to_owned(), value);
        assert!(before.is_none(), "{fact} is noted twice");
    }

    /// Commits these files and pushes them, under the name of the page.
    pub fn publish(&mut self, page: &str, files: &[(&str, &str)]) -> String {
        let all = [&[("page", page)], files].concat();
        let sha = self.world.repo.publish(&all);
        self.commits.push((sha.clone(), page.to_owned()));
        sha
    }

    /// The commit that holds this page.
    pub fn commit(&self, page: &str) -> String {
        self.commits.iter().find(|(_, name)| name == page).map(|(sha, _)| sha.clone()).unwrap()
    }

    /// A text without what differs from world to world: paths, logins and ids of commits.
    pub fn plain(&self, text: &str) -> String {
        let root = fs::canonicalize(self.world.root()).unwrap();
        let root = root.to_str().unwrap();
        let mut text = text.to_owned();
        for (sha, page) in &self.commits {
            text = text.replace(sha, page).replace(&sha[..7], page);
        }
        text = text.replace(&format!("{root}/web1/home/app/source"), "SOURCE");
        let releases = format!("{root}/web1/home/app/releases/");
        while let Some(at) = text.find(&releases) {
            let rest = &text[at + releases.len()..];
            let end = rest.find(['/', '\n', ' ']).unwrap_or(rest.len());
            text.replace_range(at..at + releases.len() + end, "RELEASE");
        }
        text.replace(&format!("{root}/web1/home/app"), "PATH")
            .replace(&format!("{root}/web1/home"), "HOME")
            .replace(&format!("{root}/operator"), "OPERATOR")
            .replace(root, "ROOT")
    }

    /// The file, whose environments are these. The text is the same for both tools, but for the directory of the world.
    pub fn write(&self, environments: &[(&str, &str)]) -> String {
        let root = fs::canonicalize(self.world.root()).unwrap();
        let root = root.display();
        let port = self.world.host("web1").port();
        let repo = self.world.repo.url();
        let deploy: String =
            environments.iter().map(|(name, more)| format!("    {name}: {{ ...base, {more} }},\n")).collect();
        let text = format!(
            "const root = '{root}';\nconst port = '{port}';\n\
             const base = {{ host: 'web1', ref: 'origin/main', repo: '{repo}', path: root + '/web1/home/app' }};\n\
             module.exports = {{\n  apps: [],\n  deploy: {{\n{deploy}  }},\n}};\n"
        );
        self.world.repo.write("ecosystem.config.js", &text);
        self.plain(&text).replace(&format!("'{port}'"), "PORT")
    }

    /// The file with one environment, `production`.
    pub fn production(&self, more: &str) -> String {
        self.write(&[("production", more)])
    }

    /// What a hook wrote down, which is gone then.
    pub fn seen(&self, name: &str) -> Seen {
        let host = self.world.host("web1");
        let here = self.world.home().join("seen");
        let read = |name: &str| {
            let files = [host.path(&format!("seen/{name}")), here.join(name)];
            let file = files.into_iter().find(|file| file.exists());
            let text = file.as_ref().map(|file| fs::read_to_string(file).unwrap()).unwrap_or_default();
            if let Some(file) = file {
                fs::remove_file(file).unwrap();
            }
            let lines = text.lines().filter_map(|line| line.split_once('='));
            lines.map(|(key, value)| (key.to_owned(), self.plain(value))).collect::<BTreeMap<_, _>>()
        };
        Seen { lines: read(name), env: read(&format!("{name}.env")) }
    }

    /// The variables of a plain login to the host.
    pub fn login(&self) -> BTreeMap<String, String> {
        let text = self.plain(&self.world.ssh("web1", "env").ends_with(0).stdout);
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// Where `app/current` leads and what is served there.
    pub fn page(&self) -> String {
        self.world.host("web1").page().unwrap_or_else(|| "nothing".to_owned())
    }

    pub fn read(&self, path: &str) -> String {
        self.world.host("web1").read(path).unwrap_or_else(|| "nothing".to_owned())
    }

    pub fn logins(&self, host: &str) -> usize {
        self.world.host(host).logins()
    }

    /// What pm2-deploy logs on the operator's machine, which is the host's machine here, too.
    pub fn tmp_log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Seen {
    pub fn line(&self, name: &str) -> String {
        self.lines.get(name).cloned().unwrap_or_else(|| "did not run".to_owned())
    }

    pub fn var(&self, name: &str) -> String {
        match self.lines.is_empty() {
            true => "did not run".to_owned(),
            false => self.env.get(name).cloned().unwrap_or_else(|| "not set".to_owned()),
        }
    }

    /// The variables that it has beyond these, and those of these that it has not, or otherwise.
    pub fn against(&self, login: &BTreeMap<String, String>) -> (String, String) {
        // Of the shell, of this connection, or of the observer; those of shipit are looked at by themselves.
        let own = ["_", "PWD", "OLDPWD", "SHLVL", "SSH_CLIENT", "SSH_CONNECTION", "seen"];
        let counts = |name: &&String| !own.contains(&name.as_str()) && !name.starts_with("SHIPIT_");
        let more: Vec<&str> = self
            .env
            .keys()
            .filter(counts)
            .filter(|name| !login.contains_key(*name))
            .map(String::as_str)
            .collect();
        let other: Vec<&str> = (login.keys().filter(counts))
            .filter(|name| self.env.get(*name) != login.get(*name))
            .map(String::as_str)
            .collect();
        (more.join(" "), other.join(" "))
    }

    /// The variables whose names begin so.
    pub fn names(&self, begin: &str) -> String {
        let names: Vec<&str> =
            self.env.keys().map(String::as_str).filter(|name| name.starts_with(begin)).collect();
        names.join(" ")
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.log);
    }
}
