//! One run of the `shipit` binary: waited for, or left running to be signalled.
//!
//! A run that hangs is killed and fails its test with all it had printed; no test waits for ever.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::process::{self, Signal};

/// No scenario's run takes as long, even on a loaded machine.
const HANG: Duration = Duration::from_secs(120);

/// What a process printed so far, filled by a thread so that a full pipe never stops it.
type Printed = Arc<Mutex<Vec<u8>>>;

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Run {
    /// The exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// The data.
    pub stdout: String,
    /// The progress.
    pub stderr: String,
    /// From start to end.
    pub took: Duration,
    command: String,
}

impl Run {
    /// Holds the run to its exit code.
    ///
    /// # Panics
    /// When it ended otherwise, with all that was printed.
    #[track_caller]
    pub fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "the exit code of {self}");
        self
    }

    /// Holds the run to having said this, on either stream.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.said(text), "{text:?} is not said by {self}");
        self
    }

    /// Holds the run to not having said this, on either stream.
    ///
    /// # Panics
    /// When it did.
    #[track_caller]
    pub fn does_not_say(self, text: &str) -> Self {
        assert!(!self.said(text), "{text:?} is said by {self}");
        self
    }

    fn said(&self, text: &str) -> bool {
        self.stdout.contains(text) || self.stderr.contains(text)
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { command, code, took, stdout, stderr } = self;
        write!(f, "{command} ({code:?} after {took:.2?})\n--- stdout\n{stdout}\n--- stderr\n{stderr}\n---")
    }
}

/// A run that is still going on; killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: Printed,
    stderr: Printed,
    start: Instant,
    command: String,
}

impl Running {
    /// Starts a command whose arguments after the first few of the harness are `said`.
    pub fn start(mut command: Command, said: String) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{said}: {e}"));
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (stdout, stderr) = (collect(stdout), collect(stderr));
        Self { child, stdout, stderr, start: Instant::now(), command: said }
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn kill(&self, signal: Signal) {
        process::signal(self.pid(), signal);
    }

    /// What it printed on stderr so far.
    pub fn stderr(&self) -> String {
        text(&self.stderr)
    }

    /// What it printed on stdout so far.
    pub fn stdout(&self) -> String {
        text(&self.stdout)
    }

    /// Whether it has ended.
    pub fn ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it hangs.
    #[track_caller]
    pub fn wait(mut self) -> Run {
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if self.start.elapsed() > HANG {
                let _ = self.child.kill();
                let _ = self.child.wait();
                panic!("hangs: {}", self.outcome(None));
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let took = self.start.elapsed();
        // what it left running may hold its output open: then what is there has to do
        let all_read = |p: &Printed| Arc::strong_count(p) == 1;
        let patience = Instant::now() + Duration::from_secs(5);
        while !(all_read(&self.stdout) && all_read(&self.stderr)) && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(1));
        }
        Run { took, ..self.outcome(Some(status)) }
    }

    fn outcome(&self, status: Option<ExitStatus>) -> Run {
        Run {
            code: status.and_then(|status| status.code()),
            stdout: self.stdout(),
            stderr: self.stderr(),
            took: self.start.elapsed(),
            command: self.command.clone(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads to the end in a thread, which lets go of its share when it is there.
fn collect(mut from: impl Read + Send + 'static) -> Printed {
    let printed = Printed::default();
    let share = Arc::clone(&printed);
    std::thread::spawn(move || {
        let mut piece = [0; 8192];
        while let Ok(n @ 1..) = from.read(&mut piece) {
            share.lock().unwrap().extend_from_slice(&piece[..n]);
        }
    });
    printed
}

fn text(printed: &Printed) -> String {
    String::from_utf8_lossy(&printed.lock().unwrap()).into_owned()
}
