//! What lies on the hosts' disks and runs there, judged without asking shipit.

use std::fs;
use std::path::Path;

use crate::fleet::{APPS, DRAINED, Fleet, HOSTS};

/// The signals 1 to 31: those above are the C library's own, and inherited from whoever runs the tests.
const NAMED: u64 = 0x7fff_ffff;

/// What one host serves, an app each, and what is wrong there.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Seen {
    pub live: Vec<Option<String>>,
    /// What was loaded at the last reload.
    pub running: Vec<Option<String>>,
    pub troubles: Vec<String>,
}

/// All hosts.
pub fn all(fleet: &Fleet) -> Vec<Seen> {
    (0..HOSTS).map(|at| host(fleet, at)).collect()
}

/// A host: `current` whole, no lock, no run, no job, no half release, nothing that nobody wrote down.
pub fn host(fleet: &Fleet, at: usize) -> Seen {
    let mut seen = Seen::default();
    for app in APPS {
        look(fleet, at, app, &mut seen);
    }
    let mut left = fleet.host(at).processes();
    // What pm2 runs is to be there.
    left.retain(|process| !process.command.contains("God Daemon") && !process.command.contains("node "));
    seen.troubles.extend(left.iter().map(|process| format!("still runs: {}", process.command)));
    seen
}

fn look(fleet: &Fleet, at: usize, app: &str, seen: &mut Seen) {
    let path = |tail: &str| fleet.path(at, app, tail);
    let mut trouble = |text: String| seen.troubles.push(format!("{app}: {text}"));
    let link = fs::read_link(path("current")).ok().and_then(|to| to.to_str().map(str::to_owned));
    let live = link.as_deref().and_then(|to| to.strip_prefix("releases/")).map(str::to_owned);
    match &live {
        Some(live) if live.contains('/') || !path(&format!("releases/{live}/page")).exists() => {
            trouble(format!("current leads to {live}, which is not whole"));
        }
        Some(live) => {
            let page = fs::read(path(&format!("releases/{live}/page"))).unwrap_or_default();
            if fs::read(path("shared/env")).unwrap_or_default() != page {
                trouble(format!("shared/env is not that of {live}"));
            }
        }
        None if !path("current").is_symlink() && !path("current").exists() => {
            if path("shared/env").exists() {
                trouble("shared/env is there, and nothing is live".to_owned());
            }
        }
        None => trouble(format!("current is {link:?}")),
    }
    let (releases, records) = (names(&path("releases")), names(&path(".shipit/releases")));
    let journal = names(&path(".shipit/journal"));
    let good = |name: &str| journal.iter().any(|entry| entry.ends_with(&format!(".{name}.done")));
    for name in &releases {
        if !path(&format!("releases/{name}/REVISION")).exists() || !records.contains(name) {
            trouble(format!("{name} is half a release"));
        }
    }
    for name in records.iter().filter(|name| !releases.contains(name) && !good(name)) {
        trouble(format!("there is a record of {name}, which was never live"));
    }
    for pin in names(&path("source/refs/shipit")).iter().filter(|pin| !releases.contains(pin)) {
        trouble(format!("{pin} is pinned and not there"));
    }
    for entry in journal.iter().filter(|e| e.ends_with(".open") || e.ends_with(".healthy")) {
        trouble(format!("{entry} is open"));
    }
    for left in names(&path(".shipit")).iter().filter(|n| *n == "lock" || n.starts_with("run.")) {
        trouble(format!("{left} is left"));
    }
    for left in names(&path("shared")).iter().filter(|n| !["env", "logs", "pids"].contains(&n.as_str())) {
        trouble(format!("shared/{left} is left"));
    }
    for dir in ["source", "source/objects/info", "source/refs/heads", "source/refs/shipit", "source/refs"] {
        for left in names(&path(dir)).iter().filter(|name| name.ends_with(".lock")) {
            trouble(format!("{dir}/{left} is left"));
        }
    }
    let drained = path(".shipit/drained").exists();
    if app == DRAINED && live.is_some() && drained != fleet.host(at).path(&format!("out.{app}")).exists() {
        trouble(format!("that it is drained is {drained}, and it is not so"));
    }
    let running = fleet.host(at).read(&format!("running.{app}")).map(|text| text.trim().to_owned());
    seen.live.push(live);
    seen.running.push(running);
}

fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut names: Vec<_> = entries.flatten().filter_map(|e| e.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// What a host wrote down of its last run, and what it keeps.
pub fn records(fleet: &Fleet, at: usize) -> String {
    let of = |app: &str| {
        let kept = names(&fleet.path(at, app, ".shipit"));
        let logs = fleet.path(at, app, ".shipit/logs");
        let last = names(&logs).into_iter().rfind(|name| name.ends_with(".steps")).unwrap_or_default();
        let steps = fs::read_to_string(logs.join(&last)).unwrap_or_default();
        let journal = names(&fleet.path(at, app, ".shipit/journal")).pop();
        format!("web{} {app}: {kept:?}, {journal:?}, {last}:\n{steps}", at + 1)
    };
    APPS.map(of).concat()
}

/// What the hooks wrote down: no signal was ignored in any of them, and nothing went live anywhere before all were ready.
pub fn hooks(fleet: &Fleet) -> Vec<String> {
    let mut faults = Vec::new();
    let mut ready: Option<f64> = None;
    let mut live: Option<f64> = None;
    for at in 0..HOSTS {
        let order = fleet.host(at).read("order").unwrap_or_default();
        if order.contains("undrained") {
            faults.push(format!("web{} was reloaded while it took requests", at + 1));
        }
        for line in order.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let [up, _, step, action, _, ignored] = words[..] else { continue };
            // Of those with names; in busybox ash SIGQUIT is ignored in what a pipeline starts.
            let ignored = u64::from_str_radix(ignored, 16).unwrap() & NAMED & !4;
            if ignored != 0 {
                faults.push(format!("web{}: signals {ignored:x} are ignored in {step}", at + 1));
            }
            let Ok(up) = up.parse::<f64>() else { continue };
            match (step, action) {
                ("pre-activate", "deploy") => ready = Some(ready.map_or(up, |latest| latest.max(up))),
                ("post-deploy", "deploy") => live = Some(live.map_or(up, |first| first.min(up))),
                _ => {}
            }
        }
    }
    if let (Some(ready), Some(live)) = (ready, live)
        && live < ready
    {
        faults.push(format!("one went live at {live} while another was still made ready at {ready}"));
    }
    faults
}
