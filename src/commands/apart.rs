//! A run from inside pm2 that reloads what pm2 runs. pm2 ends an app with all processes that descend from it, and would end
//! in its middle the run that reloads the app. So the run goes on in a process that has no ancestor but init, made before
//! anything is connected, and the first process only follows what that one prints.
//!
//! The first process starts a second one, which starts the third and ends at once: so the third is handed to init. The
//! three are the same program with the same arguments, and one in front that says which they are.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use super::started::Started;
use crate::cli::{Command, Invocation};
use crate::error::exit;
use crate::report::Printer;

/// The argument in front: `--shipit-apart=second:DIR`, and `third:DIR`.
pub const ARGUMENT: &str = "--shipit-apart=";
/// How often the first process looks for more output.
const PAUSE: Duration = Duration::from_millis(100);

/// What the argument in front says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Started by a user or a program: it decides whether the run goes on apart.
    First,
    /// Starts the third, and ends.
    Second(PathBuf),
    /// Does the work, and keeps how it ended in that directory.
    Third(PathBuf),
}

impl Role {
    /// Reads the argument; the second value: whether it was one of ours.
    #[must_use]
    pub fn read(argument: Option<&std::ffi::OsStr>) -> (Role, bool) {
        let text =
            argument.and_then(|argument| argument.to_str()).and_then(|text| text.strip_prefix(ARGUMENT));
        match text.and_then(|text| text.split_once(':')) {
            Some(("second", directory)) => (Role::Second(directory.into()), true),
            Some(("third", directory)) => (Role::Third(directory.into()), true),
            _ => (Role::First, false),
        }
    }
}

/// Whether a run has to go on apart.
#[must_use]
pub fn is_needed(invocation: &Invocation) -> bool {
    let reloads = matches!(
        invocation.command,
        Command::Deploy { .. } | Command::Revert(_) | Command::Sync | Command::Restart
    );
    reloads && !invocation.dry_run && invocation.inside_pm2
}

/// The first process: starts the others and passes on what the third prints. Its exit code.
#[must_use]
pub fn follow(invocation: &Invocation, printer: &Printer) -> u8 {
    let directory = match begin() {
        Ok(directory) => directory,
        Err(error) => {
            printer.error(&format!("error: cannot go on in a process of its own, outside of pm2: {error}\n"));
            return exit::FAILED;
        }
    };
    let environment = &invocation.environment;
    printer.error(&format!(
        "started from inside pm2: the run goes on in a process of its own, and is not ended with this one \
         (its output: {})\n",
        directory.display()
    ));
    let mut streams = [Stream::new(&directory, "out"), Stream::new(&directory, "err")];
    loop {
        let ended = ended(&directory);
        for (stream, is_data) in streams.iter_mut().zip([true, false]) {
            let text = stream.more(ended.is_some());
            match is_data {
                _ if text.is_empty() => {}
                true => printer.data_as_it_is(&text),
                false => printer.error(&text),
            }
        }
        match ended {
            Some(Some(code)) => {
                let _ = fs::remove_dir_all(&directory);
                return code;
            }
            Some(None) => {
                printer.error(&format!(
                    "error: the process that did the work ended without an outcome; see `shipit {environment} status`\n"
                ));
                return exit::SPLIT;
            }
            None => std::thread::sleep(PAUSE),
        }
    }
}

// Makes the directory that the three share, and starts the second.
fn begin() -> io::Result<PathBuf> {
    let name = format!("shipit-{}-{}", Started::this(), jiff::Timestamp::now().as_nanosecond());
    let directory = std::env::temp_dir().join(name);
    DirBuilder::new().mode(0o700).create(&directory)?;
    let status = again("second", &directory, 1)?.status()?;
    let started = fs::read_to_string(directory.join("pid"));
    match (status.success(), started) {
        (true, Ok(_)) => Ok(directory),
        _ => Err(io::Error::other(format!("it could not be started; see {}", directory.display()))),
    }
}

/// The second process: starts the third. Its exit code.
#[must_use]
pub fn start_third(directory: &Path) -> u8 {
    // A session of its own: no terminal, and no signal that is sent to the first one's group.
    let _ = rustix::process::setsid();
    let start = || -> io::Result<()> {
        let stream = |name: &str| new_file(&directory.join(name));
        let mut third = again("third", directory, 2)?;
        let third = third.stdout(stream("out")?).stderr(stream("err")?).spawn()?;
        fs::write(directory.join("pid"), Started::of(third.id()).to_string())
    };
    if start().is_ok() { exit::OK } else { exit::FAILED }
}

/// The third process has ended: the first one reads the code. If that was ended by pm2, the output of a run that succeeded is
/// of no use any more: hosts keep it.
pub fn end_third(directory: &Path, code: u8) {
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    let first = name.split('-').nth(1).and_then(Started::read);
    if code == exit::OK && first.is_some_and(|first| !first.runs()) {
        let _ = fs::remove_dir_all(directory);
        return;
    }
    let file = directory.join("code.new");
    if fs::write(&file, code.to_string()).is_ok() {
        let _ = fs::rename(&file, directory.join("code"));
    }
}

// This program again, with its arguments from the `from`th on.
fn again(role: &str, directory: &Path, from: usize) -> io::Result<Process> {
    let mut argument = std::ffi::OsString::from(format!("{ARGUMENT}{role}:"));
    argument.push(directory);
    let mut process = Process::new(std::env::current_exe()?);
    process.arg(argument).args(std::env::args_os().skip(from)).stdin(Stdio::null());
    Ok(process)
}

fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().create_new(true).append(true).mode(0o600).open(path)
}

// Whether the third has ended, and how; it may have ended without a word.
fn ended(directory: &Path) -> Option<Option<u8>> {
    let code = || fs::read_to_string(directory.join("code")).ok()?.trim().parse().ok();
    if let Some(code) = code() {
        return Some(Some(code));
    }
    let third = Started::read(&fs::read_to_string(directory.join("pid")).ok()?)?;
    // It may have ended since.
    if third.runs() { None } else { Some(code()) }
}

/// What the third prints, line by line.
struct Stream {
    file: Option<File>,
    held: Vec<u8>,
}

impl Stream {
    fn new(directory: &Path, name: &str) -> Stream {
        Stream { file: File::open(directory.join(name)).ok(), held: Vec::new() }
    }

    // The whole lines that came since; at the end what is left.
    fn more(&mut self, all: bool) -> String {
        if let Some(file) = &mut self.file {
            let _ = file.read_to_end(&mut self.held);
        }
        let end = if all {
            self.held.len()
        } else {
            self.held.iter().rposition(|c| *c == b'\n').map_or(0, |at| at + 1)
        };
        let lines: Vec<u8> = self.held.drain(..end).collect();
        String::from_utf8_lossy(&lines).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_argument_gives_a_role() {
        let role = |text: &str| Role::read(Some(std::ffi::OsStr::new(text)));
        assert_eq!(role("--shipit-apart=third:/tmp/x:y"), (Role::Third("/tmp/x:y".into()), true));
        assert_eq!(role("--shipit-apart=fourth:/tmp/x"), (Role::First, false));
        assert_eq!(role("production"), (Role::First, false));
        assert_eq!(Role::read(None), (Role::First, false));
    }
}
