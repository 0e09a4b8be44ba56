//! A host and its repository in a temporary directory: what scenarios stand on, and what they look at.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use shipit::remote::script::{Script, assignments};
use tempfile::TempDir;

use crate::driver::Run;
use crate::repo::Repo;
use crate::{Sh, process, shared};

/// How often the hosts here count, where it is said nowhere else: what waits for a tick waits less. Each tick is a process or
/// two, and some scenarios have a dozen shells: with ticks of a tenth of a second they are what costs most.
const TICK: Duration = Duration::from_millis(200);

static COUNT: AtomicUsize = AtomicUsize::new(0);

/// See the top of the file.
pub struct Ground {
    pub(crate) base: PathBuf,
    root: PathBuf,
    // The deploy path as it is seen from here.
    pub(crate) view: PathBuf,
    // How programs of this host are started, when not as they are.
    way_in: Vec<String>,
    pub repo: Repo,
    /// How often its runs count.
    pub tick: Duration,
    given: Mutex<Vec<String>>,
    dir: Mutex<Option<TempDir>>,
}

impl Ground {
    /// A deploy path that was set up.
    pub fn new(sh: Sh) -> Ground {
        Ground::copied(sh, "set-up", |ground| ground.set_up())
    }

    /// A deploy path on which one release is live.
    pub fn deployed(sh: Sh) -> Ground {
        Ground::copied(sh, "deployed", |ground| {
            ground.set_up();
            ground.deploy();
        })
    }

    /// A copy of what is made once for each shell.
    fn copied(sh: Sh, name: &str, make: impl FnOnce(&Ground)) -> Ground {
        let dir = directory();
        let base = dir.path().canonicalize().unwrap();
        shared::copy(&format!("resident-{name}-{sh:?}"), &base, || {
            let ground = Ground::bare(sh);
            make(&ground);
            let count = COUNT.load(Ordering::SeqCst).to_string();
            fs::write(ground.base.join("count"), count).unwrap();
            ground.close()
        });
        // Names go on after those that are in it.
        let count = fs::read_to_string(base.join("count")).unwrap().parse().unwrap();
        COUNT.fetch_max(count, Ordering::SeqCst);
        Ground::in_directory(dir, base.join("app"))
    }

    /// Ends what runs, and leaves the directory to the caller.
    fn close(self) -> PathBuf {
        process::end_all_inside(&self.base);
        let base = self.base.clone();
        let _ = self.dir.lock().unwrap().take().unwrap().keep();
        base
    }

    /// A host on which nothing was set up.
    pub fn bare(sh: Sh) -> Ground {
        Ground::at(sh, |base| base.join("app"))
    }

    /// With a deploy path of the scenario's own.
    pub fn at(sh: Sh, root: impl FnOnce(&Path) -> PathBuf) -> Ground {
        let dir = directory();
        let base = dir.path().canonicalize().unwrap();
        shared::copy("resident-bare", &base, || {
            let dir = directory();
            let base = dir.path().canonicalize().unwrap();
            for name in ["home", "out", "bin"] {
                fs::create_dir(base.join(name)).unwrap();
            }
            Repo::make(&base, &base.join("home"));
            let _ = dir.keep();
            base
        });
        let tool = match sh {
            Sh::Dash => "dash",
            Sh::Bash => "bash",
            Sh::Busybox => "busybox",
        };
        symlink(process::require(tool), base.join("bin/sh")).unwrap();
        Ground::in_directory(dir, root(&base))
    }

    fn in_directory(dir: TempDir, root: PathBuf) -> Ground {
        process::remember_older();
        let base = dir.path().canonicalize().unwrap();
        let repo = Repo::open(&base, &base.join("home"));
        Ground {
            view: root.clone(),
            way_in: Vec::new(),
            root,
            base,
            repo,
            tick: TICK,
            given: Mutex::default(),
            dir: Mutex::new(Some(dir)),
        }
    }

    /// A deploy path that is seen only by what is started with `way_in`, and from here at `view`.
    pub fn behind(&mut self, way_in: Vec<String>, view: PathBuf) {
        self.way_in = way_in;
        self.view = view;
    }

    /// The program that starts the shell, and its first arguments.
    pub fn way_in(&self) -> Vec<String> {
        let mut way = self.way_in.clone();
        way.push(self.sh().to_str().unwrap().to_string());
        way
    }

    /// The directory of everything.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// What `setup` does.
    pub fn set_up(&self) {
        let mut run = Run::start(self, 30);
        run.script(&Script::new().setup_lock().setup_hooks().setup_close().setup(60).unlock()).good();
        assert!(run.bye().success());
    }

    /// The shell that stands for `/bin/sh`.
    pub fn sh(&self) -> PathBuf {
        self.base.join("bin/sh")
    }

    pub fn home(&self) -> PathBuf {
        self.base.join("home")
    }

    /// The deploy path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where hooks write for scenarios to read; not on the deploy path's disk.
    pub fn out(&self) -> PathBuf {
        self.base.join("out")
    }

    /// What hooks wrote there.
    pub fn wrote(&self, name: &str) -> String {
        fs::read_to_string(self.out().join(name)).unwrap_or_default().trim_end().to_string()
    }

    /// Writes a file there, for hooks to find.
    pub fn leave(&self, name: &str, text: &str) {
        fs::write(self.out().join(name), text).unwrap();
    }

    pub fn forget(&self, name: &str) {
        let _ = fs::remove_file(self.out().join(name));
    }

    pub fn closed(&self, command: &mut Command) {
        self.repo.closed(command);
        command.env("TMPDIR", self.base.join("home")).env("SHELL", self.sh());
    }

    /// Names sort in the order they were asked for.
    pub fn new_name(&self) -> String {
        let count = COUNT.fetch_add(1, Ordering::SeqCst);
        let name = format!("20261121T{:06}Z-{:07x}", count, std::process::id());
        self.given.lock().unwrap().push(name.clone());
        name
    }

    /// All names that were given.
    pub fn given(&self) -> Vec<String> {
        self.given.lock().unwrap().clone()
    }

    /// What every run is told.
    pub fn variables(&self, more: &[(&str, &str)]) -> String {
        let url = self.repo.url();
        let known = [
            ("action", "deploy"),
            ("app", "shop"),
            ("digest", "d"),
            ("environment", "production"),
            ("from", ""),
            ("from_revision", ""),
            ("host", "web1"),
            ("parent", ""),
            ("reference", "main"),
            ("release", ""),
            ("reload_limit", "20"),
            ("repo", url.as_str()),
            ("revision", ""),
            ("roles", ""),
            ("shell", "sh"),
            ("target", "web1"),
            ("user", "ops"),
            ("when", "2026-11-21T08:15:02Z"),
            ("who", "ops on there"),
        ];
        let kept = known.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
        assignments(kept.chain(more.iter().copied()))
    }
}

fn directory() -> TempDir {
    tempfile::Builder::new().prefix("shipit-resident-").tempdir().unwrap()
}

impl Drop for Ground {
    fn drop(&mut self) {
        process::end_all_inside(&self.base);
    }
}
