//! What this program is when an `ssh` of a run needs it: the one that becomes `ssh`, and the one that answers its questions.
//!
//! Neither is a command: no user types them. The first lets `ssh` end with the run, however that ends; the second passes a
//! question to the run, and knows nothing itself.

use std::ffi::{OsStr, OsString};
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Signal, getppid, set_parent_process_death_signal, setsid};

use crate::error::exit;
use crate::transport::openssh::{ANSWERED, ASKPASS, BETWEEN, GUARD, NONCE, SOCKET};

/// The exit code, where this program was started for one of the two.
#[must_use]
pub fn run(
    mut arguments: impl Iterator<Item = OsString>,
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Option<u8> {
    let name = PathBuf::from(arguments.next()?);
    let first = arguments.next();
    let text = first.as_deref().unwrap_or_default().to_string_lossy().into_owned();
    if name.file_name() == Some(OsStr::new(ASKPASS)) {
        let socket = name.with_file_name(SOCKET);
        let nonce = variable(NONCE)?.to_string_lossy().into_owned();
        let kind = variable("SSH_ASKPASS_PROMPT").unwrap_or_default().to_string_lossy().into_owned();
        return Some(ask(&socket, &[&nonce, &parent(), &kind, &text]));
    }
    let parent = text.strip_prefix(GUARD)?;
    Some(become_ssh(parent, arguments))
}

/// Becomes the program that the arguments name: it has no terminal, and ends with the process of that number.
fn become_ssh(expected: &str, mut arguments: impl Iterator<Item = OsString>) -> u8 {
    let Some(program) = arguments.next() else { return exit::USAGE };
    // Fails where it is the leader of a group already; then it has no terminal either.
    let _ = setsid();
    let guarded = set_parent_process_death_signal(Some(Signal::TERM));
    // It may have died before that was set.
    if guarded.is_err() || parent() != expected {
        return exit::FAILED;
    }
    let error = Command::new(&program).args(arguments).exec();
    let _ = writeln!(std::io::stderr(), "{}: {error}", program.to_string_lossy());
    exit::FAILED
}

fn parent() -> String {
    getppid().map_or_else(|| "0".to_owned(), |pid| pid.as_raw_nonzero().to_string())
}

/// Asks the run and prints the answer for `ssh`.
fn ask(socket: &Path, fields: &[&str; 4]) -> u8 {
    // A question must not outlive the `ssh` that asks it.
    let _ = set_parent_process_death_signal(Some(Signal::TERM));
    let answer = || -> std::io::Result<Vec<u8>> {
        let mut stream = UnixStream::connect(socket)?;
        stream.write_all(fields.join(&BETWEEN.to_string()).as_bytes())?;
        stream.shutdown(Shutdown::Write)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    };
    let answer = answer().unwrap_or_default();
    if fields[2] == "none" {
        // `ssh` ends what shows a notice when that has become needless.
        std::thread::park();
    }
    let Some((&ANSWERED, answer)) = answer.split_first() else { return exit::FAILED };
    if fields[2] == "confirm" {
        return if answer == b"yes" { exit::OK } else { exit::FAILED };
    }
    let mut out = std::io::stdout();
    let written = out.write_all(answer).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
    if written.is_ok() { exit::OK } else { exit::FAILED }
}
