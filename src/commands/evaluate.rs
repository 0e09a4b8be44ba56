//! Has node read a file of another tool that is JavaScript. Knows no key of it.
//!
//! The file runs as the user who asks, in the directory of the command, with nothing to read and within a limit. What it prints
//! is kept away from our own output, and shown where it fails. The answer comes on a descriptor of its own.

use std::io::Read;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use crate::config::{ConfigError, EcosystemError};
use crate::report::clean;

/// How long the file may take.
const LIMIT: Duration = Duration::from_secs(10);

/// The answer, at most.
const LARGEST: u64 = 1 << 20;

/// What the file prints is kept up to this.
const KEPT: u64 = 64 << 10;

/// Lines of it that are shown.
const SHOWN: usize = 10;

/// The answer on 3, and what the file prints where our errors go.
const START: &str = r#"exec node -e "$1" -- "$2" 3>&1 1>&2"#;

/// What a shell says of a program that it does not find.
const NOT_FOUND: i32 = 127;

/// The exit code of node where nothing is left that could end an `await`.
const WAITS: i32 = 13;

/// What node answers about a file, asked by a program of ours.
pub(super) fn evaluate(file: &Path, directory: &Path, program: &str) -> Result<Vec<u8>, ConfigError> {
    // Another user's must not be run.
    crate::config::trust(file)?;
    ask(file, directory, program).map_err(ConfigError::Ecosystem)
}

fn ask(file: &Path, directory: &Path, program: &str) -> Result<Vec<u8>, EcosystemError> {
    let file_owned = || file.to_owned();
    let deadline = Instant::now() + LIMIT;
    let mut node = start(file, directory, program)
        .map_err(|source| EcosystemError::NotStarted { file: file_owned(), source })?;
    let answer = receive(node.0.stdout.take(), LARGEST);
    let said = receive(node.0.stderr.take(), KEPT);
    // A descriptor that a child of the file holds must not keep us.
    let answered = answer.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    let status = ended(&mut node.0, deadline);
    drop(node);
    let said = lines(&said.recv_timeout(Duration::from_millis(300)).unwrap_or_default());
    let Ok(bytes) = answered else {
        return Err(EcosystemError::TimedOut { file: file_owned(), limit: LIMIT, said });
    };
    if bytes.len() as u64 > LARGEST {
        return Err(EcosystemError::TooMuch { file: file_owned(), limit: LARGEST });
    }
    // The answer ends with a newline: half of one is none.
    if bytes.ends_with(b"\n") {
        return Ok(bytes);
    }
    Err(why(file_owned(), status, said))
}

fn why(file: PathBuf, status: Option<ExitStatus>, said: Vec<String>) -> EcosystemError {
    let code = status.and_then(|status| status.code());
    match (code, status.and_then(|status| status.signal())) {
        (Some(NOT_FOUND), _) => EcosystemError::NoNode { file },
        (Some(WAITS), _) => EcosystemError::Waits { file, said },
        (Some(code), _) => EcosystemError::Ended { file, how: format!("exit code {code}"), said },
        (None, Some(signal)) => EcosystemError::Ended { file, how: format!("signal {signal}"), said },
        (None, None) => EcosystemError::TimedOut { file, limit: LIMIT, said },
    }
}

/// Node, and all that the file started in its group, ended when this is dropped.
struct Running(Child);

fn start(file: &Path, directory: &Path, program: &str) -> std::io::Result<Running> {
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", START, "sh", program])
        .arg(file)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    shell.spawn().map(Running)
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(pid) = rustix::process::Pid::from_raw(self.0.id().cast_signed()) {
            // Fails where all of it has ended.
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
        let _ = self.0.wait();
    }
}

/// All that is written, up to one byte more than `most`.
fn receive(pipe: Option<impl Read + Send + 'static>, most: u64) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            let _ = pipe.take(most + 1).read_to_end(&mut bytes);
        }
        let _ = sender.send(bytes);
    });
    receiver
}

fn ended(child: &mut Child, deadline: Instant) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(2)),
            _ => return None,
        }
    }
}

/// The last lines of what the file printed, harmless.
fn lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines
        .iter()
        .skip(lines.len().saturating_sub(SHOWN))
        .map(|line| clean::line(line.as_bytes(), 200))
        .collect()
}
