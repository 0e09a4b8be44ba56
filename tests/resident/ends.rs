//! The ways in which a line ends, and the processes at its other end.

use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};

use shipit::remote::wire::Message;

use crate::driver::{PATIENCE, Run};
use crate::process::{self, Signal};

impl Run {
    /// No beats from now on, the pipes stay.
    pub fn silence(&self) {
        self.beating.store(false, Ordering::SeqCst);
    }

    /// Reads nothing any more; the pipes stay, and fill.
    pub fn stop_reading(&self) {
        self.deaf.store(true, Ordering::SeqCst);
    }

    /// The end of its input.
    pub fn close(&self) {
        *self.input.lock().unwrap() = None;
    }

    /// All pipes at once.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        let heard = Arc::clone(&self.heard);
        crate::eventually("the listeners stop", || heard.lock().unwrap().ended == 2);
        self.close();
    }

    /// The end that both sides want.
    pub fn bye(mut self) -> ExitStatus {
        self.message(&Message::Bye);
        let status = self.ended();
        self.close();
        status
    }

    /// Waits for the end of the main shell.
    pub fn ended(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "the resident shell {} does not end", self.name);
            sleep(Duration::from_millis(3));
        }
    }

    /// Its main shell, which the token names.
    pub fn main(&self) -> u32 {
        self.child.id()
    }

    /// Ticker, reader and worker.
    pub fn parts(&self) -> [u32; 3] {
        let mut parts = Vec::new();
        crate::eventually("three processes in a pipeline", || {
            parts = process::descendants(self.main());
            parts.retain(|pid| process::parent(*pid) == Some(self.main()));
            parts.sort_unstable();
            parts.len() == 3
        });
        parts.try_into().unwrap()
    }

    /// How many beats were answered.
    pub fn beats(&self) -> usize {
        self.heard.lock().unwrap().beats
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.cut.store(true, Ordering::SeqCst);
        *self.input.lock().unwrap() = None;
        // Waited for, so that no zombie stays; the ground ends what is left of it.
        for _ in 0..100 {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            sleep(Duration::from_millis(10));
        }
        process::signal(self.main(), Signal::KILL);
        let _ = self.child.wait();
    }
}
