//! One `ssh` per host that logs in and then carries the programs of all others (a master): `ControlMaster` of our own.
//!
//! It says that it is ready by `LocalCommand`, which `ssh` runs when it has logged in and listens. It runs no program, so that
//! it takes none of the server's sessions.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::Child;
use tokio::time::sleep;

use super::arguments::path;
use super::invocation::{Invocation, end, end_group, tail};
use super::log::Log;

/// What it prints when it listens.
const READY: &str = "shipit-ready";
/// Bytes that are kept of what it prints.
const PRINTED: usize = 16 << 10;
/// How often is looked whether a question is open.
const TURN: Duration = Duration::from_millis(200);
/// How long it may take to end by itself.
const FAREWELL: Duration = Duration::from_secs(1);

/// A connection of our own. Ended when dropped.
#[derive(Debug)]
pub(super) struct Master {
    child: Child,
    pub(super) socket: PathBuf,
    pub(super) log: PathBuf,
}

/// How long is waited. Time in which the user is asked does not count.
#[derive(Debug, Clone)]
pub(super) struct Patience {
    pub(super) limit: Duration,
    /// For the agent to sign, where a person may have to agree or to touch a key. `ssh` does not tell when that is done.
    pub(super) signature: Duration,
    pub(super) questions: Arc<AtomicUsize>,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum NoMaster {
    /// It could not be started.
    Start(std::io::Error),
    /// It ended, or was ended because it took so long.
    Ended { log: String, printed: String, late: Option<Duration> },
}

impl Master {
    /// Logs in. `socket`: where it is to listen.
    pub(super) async fn start(
        invocation: &Invocation,
        socket: PathBuf,
        patience: &Patience,
    ) -> Result<Self, NoMaster> {
        let log = socket.with_extension("log");
        let control = format!("ControlPath={}", path(&socket));
        let (ready, file) = (format!("LocalCommand=echo {READY}"), log.to_string_lossy());
        let more = ["-N", "-T", "-v", "-E", &file, "-o", "ControlMaster=yes", "-o", &control];
        let more = [&more[..], &["-o", "PermitLocalCommand=yes", "-o", &ready]].concat();
        let mut command = invocation.guarded(&more);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(NoMaster::Start)?;
        let printed = Arc::<Mutex<Vec<u8>>>::default();
        let collecting =
            child.stderr.take().map(|stderr| tokio::spawn(collect(stderr, Arc::clone(&printed))));
        let stdout = child.stdout.take();
        // From here on it is ended on every way out.
        let mut master = Self { child, socket, log: log.clone() };
        let late = tokio::select! {
            true = is_ready(stdout) => return Ok(master),
            _ = master.child.wait() => None,
            after = patience.ends(&log) => Some(after),
        };
        if late.is_some() {
            end(&master.child, Signal::KILL);
        }
        if let Some(collecting) = collecting {
            // A command of the user's that it started may hold the pipe for ever.
            let _ = tokio::time::timeout(FAREWELL, collecting).await;
        }
        let printed = printed.lock().unwrap_or_else(PoisonError::into_inner);
        let printed = String::from_utf8_lossy(&printed).into_owned();
        Err(NoMaster::Ended { log: tail(&master.log), printed, late })
    }

    /// Whether it still runs, and listens.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None)) && UnixStream::connect(&self.socket).is_ok()
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.log);
        end(&self.child, Signal::TERM);
        // One that is stopped does not end by that. Its number is its own until it was waited for, and nobody does before.
        let pid = self.child.id();
        if let (Some(pid), Ok(runtime)) = (pid, tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                sleep(FAREWELL).await;
                if is_ours(pid) {
                    end_group(Some(pid), Signal::KILL);
                }
            });
        }
    }
}

/// Whether a process of that number is still a child of this one.
fn is_ours(pid: u32) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    let parent =
        stat.ok().and_then(|stat| Some(stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.to_owned()));
    parent.is_some_and(|parent| parent == std::process::id().to_string())
}

impl Patience {
    /// Returns when the time is over: how long it was.
    async fn ends(&self, log: &Path) -> Duration {
        self.passes(self.limit).await;
        let more = self.signature.saturating_sub(self.limit);
        if more.is_zero() || !Log::read(&tail(log)).waits_for_agent() {
            return self.limit;
        }
        self.passes(more).await;
        self.signature
    }

    async fn passes(&self, mut left: Duration) {
        while !left.is_zero() {
            sleep(TURN.min(left)).await;
            if self.questions.load(Ordering::Relaxed) == 0 {
                left = left.saturating_sub(TURN);
            }
        }
    }
}

/// Reads what is printed until that is the word. Without it, the end of the process decides.
async fn is_ready(stdout: Option<impl AsyncRead + Unpin>) -> bool {
    let Some(stdout) = stdout else { return false };
    let mut lines = BufReader::new(stdout.take(PRINTED as u64)).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        if line == READY.as_bytes() {
            return true;
        }
    }
    false
}

/// Reads to the end, and keeps the last of it.
async fn collect(mut from: impl AsyncRead + Unpin, kept: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(buffer.get(..count).unwrap_or_default());
        let extra = kept.len().saturating_sub(PRINTED);
        kept.drain(..extra);
    }
}
