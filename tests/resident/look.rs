//! What is on a host's disk and among its processes, and what must be.

use std::fs;
use std::process::Command;

use crate::ground::Ground;
use crate::states::Deploy;
use crate::{eventually, process};

impl Ground {
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.view.join(path)).unwrap_or_default().trim_end().to_string()
    }

    /// The names in a directory of the deploy path, sorted.
    pub fn names(&self, path: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.view.join(path)) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The release that `current` names.
    pub fn current(&self) -> Option<String> {
        let to = fs::read_link(self.view.join("current")).ok()?;
        Some(to.strip_prefix("releases").unwrap().to_str().unwrap().to_string())
    }

    /// The newest journal entry: its release and state.
    pub fn newest_entry(&self) -> Option<(String, String)> {
        let name = self.names(".shipit/journal").pop()?;
        let (rest, state) = name.rsplit_once('.')?;
        Some((rest.split_once('.')?.1.to_string(), state.to_string()))
    }

    /// The directories of runs, dead or alive.
    pub fn run_dirs(&self) -> Vec<String> {
        self.names(".shipit").into_iter().filter(|name| name.starts_with("run.")).collect()
    }

    pub fn locked(&self) -> bool {
        fs::symlink_metadata(self.view.join(".shipit/lock")).is_ok()
    }

    /// Commits that git keeps for releases.
    pub fn pins(&self) -> Vec<String> {
        let dir = self.view.join("source");
        let mut git = Command::new("git");
        git.arg("--git-dir").arg(dir).args(["for-each-ref", "--format=%(refname:lstrip=2)", "refs/shipit"]);
        process::succeed(self.repo.closed(&mut git)).lines().map(str::to_string).collect()
    }

    /// What a run leaves when all is over: nothing.
    pub fn comes_to_rest(&self, what: &str) {
        eventually(&format!("{what}: the lock goes"), || !self.locked());
        eventually(&format!("{what}: the run's directory goes"), || self.run_dirs().is_empty());
        let mut left = Vec::new();
        eventually(&format!("{what}: every process ends"), || {
            left = process::inside(&self.base);
            left.is_empty()
        });
    }

    /// The processes of this host.
    pub fn processes(&self) -> Vec<process::Process> {
        process::inside(&self.base)
    }

    /// A whole run: what is live before it is what it says; live and served after it.
    pub fn deploy(&self) -> String {
        let mut deploy = Deploy::begin(self, 30);
        deploy.complete();
        let release = deploy.release.clone();
        assert!(deploy.run.bye().success());
        self.comes_to_rest("a whole run");
        self.serves(&release);
        assert_eq!(self.newest_entry(), Some((release.clone(), "done".into())));
        release
    }

    /// Asserts that `release` is live, whole, was reloaded last, and takes requests.
    pub fn serves(&self, release: &str) {
        assert_eq!(self.current().as_deref(), Some(release), "current");
        assert_eq!(self.wrote("served"), release, "what was reloaded last");
        assert_eq!(self.wrote("traffic"), "in", "whether it takes requests");
        assert_eq!(self.read("current/REVISION").len(), 40);
    }

    /// Asserts that nothing is left of `release`, but its journal entry.
    pub fn knows_nothing_of(&self, release: &str) {
        assert!(!self.names("releases").contains(&release.to_string()), "{release} is still on disk");
        assert!(!self.names(".shipit/releases").contains(&release.to_string()), "its records are");
        assert!(!self.pins().iter().any(|pin| pin.ends_with(release)), "it is still pinned");
    }
}
