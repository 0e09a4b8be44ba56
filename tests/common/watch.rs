//! A reader that never rests: what a web server would have found in a file at every moment of a deploy.
//!
//! Opens the path anew each time, so it follows `current` wherever that points; a file that was not there even once
//! is on the record.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// What stands for a file that could not be read.
pub const ABSENT: &str = "(absent)";

/// A watch that is being kept.
#[derive(Debug)]
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<BTreeMap<String, usize>>>,
}

impl Watch {
    /// Begins to read `path` in a tight loop.
    pub fn begin(path: PathBuf) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut seen = BTreeMap::new();
            while !stopped.load(Ordering::Relaxed) {
                let text = fs::read_to_string(&path).unwrap_or_else(|_| ABSENT.into());
                *seen.entry(text).or_default() += 1;
            }
            seen
        });
        Self { stop, thread: Some(thread) }
    }

    /// Ends it: each text that was found, with how often.
    pub fn end(mut self) -> BTreeMap<String, usize> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
