//! Runs the commands of the configuration on the operator's machine (`{ command = "…" }`), each once, all at once.
//!
//! They have the operator's environment, the directory of the file that names them, nothing on stdin, and the terminal,
//! so that a store of secrets can ask its owner there. What they print on stderr is shown, cleaned.

use std::fs::File;
use std::io::Read;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use secrecy::SecretString;

use crate::config::{Answers, LocalCommand};
use crate::error::CommandFailure;
use crate::report::{Printer, clean};

/// More than this is neither a list of hosts nor a secret.
const LARGEST: u64 = 1 << 20;

/// How often the end of a command is looked for.
const LOOK: Duration = Duration::from_millis(5);

/// How long what it said is waited for, when it has ended.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// What the commands print, or why one of them failed; none takes longer than `limit`.
pub(super) fn ask(
    commands: &[LocalCommand],
    environment: &str,
    limit: Duration,
    printer: &Printer,
) -> Answers {
    let mut answers = Answers::default();
    std::thread::scope(|scope| {
        let started: Vec<_> = commands
            .iter()
            .map(|command| (command, scope.spawn(move || text(command, environment, limit, printer))))
            .collect();
        for (command, thread) in started {
            let answer = thread.join().unwrap_or_else(|_| Err(CommandFailure::Panicked));
            answers.insert(command, answer.map_err(|failure| failure.to_string()));
        }
    });
    answers
}

fn text(
    command: &LocalCommand,
    environment: &str,
    limit: Duration,
    printer: &Printer,
) -> Result<SecretString, CommandFailure> {
    let bytes = print(command, environment, limit, printer)?;
    String::from_utf8(bytes).map(SecretString::from).map_err(|_| CommandFailure::NotText)
}

/// The bytes that a command prints.
pub(super) fn print(
    command: &LocalCommand,
    environment: &str,
    limit: Duration,
    printer: &Printer,
) -> Result<Vec<u8>, CommandFailure> {
    let deadline = Instant::now() + limit;
    let left = || deadline.saturating_duration_since(Instant::now());
    let too_long = || CommandFailure::TimedOut { limit };
    let mut child = start(command, environment)
        .map_err(|error| CommandFailure::NotStarted { directory: command.directory.clone(), error })?;
    let printed = read(child.0.stdout.take());
    let shown = show(child.0.stderr.take(), printer.clone());
    let bytes = match printed.recv_timeout(left()) {
        Ok(bytes) => bytes.map_err(|error| CommandFailure::Unreadable { error })?,
        Err(_) => return Err(too_long()),
    };
    if bytes.len() as u64 > LARGEST {
        return Err(CommandFailure::TooMuch { limit: LARGEST });
    }
    let status = loop {
        match child.0.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if left().is_zero() => return Err(too_long()),
            Ok(None) => std::thread::sleep(LOOK),
            Err(error) => return Err(CommandFailure::NoStatus { error }),
        }
    };
    // What it said comes before what is said of it; a daemon of its making does not keep us.
    let _ = shown.recv_timeout(LAST_WORDS);
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(bytes),
        (Some(code), _) => Err(CommandFailure::Exit { code }),
        (None, signal) => Err(CommandFailure::Signal { number: signal.unwrap_or_default() }),
    }
}

/// All it prints, at its end. Nobody listens any more where its time was up.
fn read(stdout: Option<impl Read + Send + 'static>) -> Receiver<std::io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.map_or(Ok(0), |stdout| stdout.take(LARGEST + 1).read_to_end(&mut bytes));
        let _ = sender.send(read.map(|_| bytes));
    });
    receiver
}

/// Passes on what it says; tells when it says no more.
fn show(stderr: Option<impl Read + Send + 'static>, printer: Printer) -> Receiver<()> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut lines = clean::Lines::default();
        let mut piece = [0; 4096];
        let Some(mut stderr) = stderr else { return };
        while let Ok(count @ 1..) = stderr.read(&mut piece) {
            lines.push(&piece[..count], &mut |line| printer.error(&line));
        }
        if let Some(line) = lines.finish() {
            printer.error(&line);
        }
        let _ = sender.send(());
    });
    receiver
}

/// A command that is ended when this is dropped.
struct Running(Child, bool);

fn start(command: &LocalCommand, environment: &str) -> std::io::Result<Running> {
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", &command.text])
        .current_dir(&command.directory)
        .env("SHIPIT_ENV", environment)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // With a terminal it stays among ours: Ctrl-C reaches it, and it may ask there. Without one, a group of its own can be ended whole.
    let grouped = File::open("/dev/tty").is_err();
    if grouped {
        shell.process_group(0);
    }
    Ok(Running(shell.spawn()?, grouped))
}

impl Drop for Running {
    fn drop(&mut self) {
        let Running(child, grouped) = self;
        if matches!(child.try_wait(), Ok(Some(_))) {
            return;
        }
        if let Some(pid) = rustix::process::Pid::from_raw(child.id().cast_signed())
            && *grouped
        {
            // Fails where it has just ended.
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}
