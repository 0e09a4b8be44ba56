//! What the run says of itself, as its file of JSON events grows: the clock by which faults strike.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

/// The phases of a run in their order; `rollback` is in none.
pub const PHASES: [&str; 8] =
    ["connect", "lock", "local", "prepare", "ready", "activate", "confirm", "finish"];

/// All events so far.
#[derive(Debug, Default)]
pub struct Events {
    file: Option<File>,
    rest: Vec<u8>,
    pub all: Vec<Value>,
    /// The key of each; the second of its kind ends in `#2`.
    pub keys: Vec<String>,
    counts: BTreeMap<String, usize>,
}

impl Events {
    /// Reads what was added.
    pub fn poll(&mut self, path: &Path) {
        if self.file.is_none() {
            self.file = File::open(path).ok();
        }
        let Some(file) = &mut self.file else { return };
        file.read_to_end(&mut self.rest).unwrap();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let event: Value = serde_json::from_slice(&line).unwrap();
            if event["event"] == "output" {
                continue;
            }
            let mut key = key(&event);
            let count = self.counts.entry(key.clone()).or_default();
            *count += 1;
            if *count > 1 {
                key = format!("{key}#{count}");
            }
            self.keys.push(key);
            self.all.push(event);
        }
    }

    /// How far it got, by the number of its phase.
    pub fn phase(&self) -> usize {
        let started = self.all.iter().filter(|event| event["event"] == "phase-started");
        started.filter_map(|e| PHASES.iter().position(|p| e["phase"] == *p)).max().unwrap_or(0)
    }

    /// The release that an app is to serve, once that is known. A revert may take each app to another one.
    pub fn release(&self, app: &str) -> Option<&str> {
        let of_app = |event: &&Value| event["event"] == "resolved" && event["app"] == app;
        self.all.iter().find(of_app)?["release"].as_str()
    }

    /// How it ended, by its own account.
    pub fn outcome(&self) -> Option<&Value> {
        Some(&self.all.iter().find(|event| event["event"] == "finished")?["outcome"])
    }
}

/// `phase-started:activate`, `step-ended:build@web2`, `connected@web1`.
fn key(event: &Value) -> String {
    let mut key = event["event"].as_str().unwrap().to_owned();
    for field in ["step", "phase", "app"] {
        if let Some(word) = event[field].as_str().filter(|word| !word.is_empty()) {
            key = format!("{key}:{}", word.replace(' ', "_"));
        }
    }
    match event["host"].as_str() {
        Some(host) => format!("{key}@{host}"),
        None => key,
    }
}
