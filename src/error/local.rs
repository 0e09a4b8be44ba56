//! What fails on the operator's machine: the system, a file that is to be sent, a command of the configuration.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// What the operating system did not do.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields say what their types and the variant say")]
pub enum SystemError {
    /// The working directory.
    #[error("cannot find the current directory")]
    CurrentDirectory { source: io::Error },
    /// The home directory.
    #[error("HOME names no directory: set it to yours")]
    NoHome,
    /// Signal handlers.
    #[error("cannot listen to signals")]
    Signals { source: io::Error },
    /// Standard output, which has the answer of a command.
    #[error("cannot write to standard output")]
    Stdout { source: io::Error },
    /// What carries out a run.
    #[error("cannot start the runtime")]
    Runtime { source: io::Error },
    /// A new file.
    #[error("cannot write {}", file.display())]
    Write { file: PathBuf, source: io::Error },
}

/// Why a file cannot be sent to the hosts.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields say what their types and the variant say")]
pub enum FileError {
    /// It cannot be opened or read.
    #[error("cannot read {}", file.display())]
    Unreadable { file: PathBuf, source: io::Error },
    /// A directory, a pipe, a device.
    #[error("{} is not a file", file.display())]
    NotAFile { file: PathBuf },
    /// More than can be sent.
    #[error("{} is larger than {limit} bytes, the most that can be sent", file.display())]
    TooLarge { file: PathBuf, limit: u64 },
    /// The same of a command.
    #[error("the output of `{command}` is larger than {limit} bytes, the most that can be sent")]
    TooMuchOutput { command: String, limit: u64 },
    /// The command that makes it failed.
    #[error("`{command}` {failure}")]
    Command { command: String, failure: CommandFailure },
}

/// Why a command of the configuration has no answer. The text follows the name of the command.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields say what their types and the variant say")]
pub enum CommandFailure {
    /// No shell.
    #[error("cannot be started in {}: {}", directory.display(), plain(error))]
    NotStarted { directory: PathBuf, error: io::Error },
    /// The pipe from it broke.
    #[error("cannot be read from: {}", plain(error))]
    Unreadable { error: io::Error },
    /// The system does not say how it ended.
    #[error("cannot be waited for: {}", plain(error))]
    NoStatus { error: io::Error },
    /// The thread that ran it is gone.
    #[error("could not be run")]
    Panicked,
    /// What has to be text is none.
    #[error("printed bytes that are not UTF-8 text")]
    NotText,
    /// More than any answer is long.
    #[error("printed more than {limit} bytes")]
    TooMuch { limit: u64 },
    /// Its time was up.
    #[error("took longer than {} s (timeout.hook)", limit.as_secs())]
    TimedOut { limit: Duration },
    /// It failed.
    #[error("failed: exit {code}")]
    Exit { code: i32 },
    /// It was killed.
    #[error("was killed by signal {number}")]
    Signal { number: i32 },
}

/// Without Rust's `(os error 2)`, in lower case.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.as_str(), |(text, _)| text).to_lowercase()
}

/// Why the demo cannot go on.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields say what their types and the variant say")]
pub enum DemoError {
    /// Hosts and project need git.
    #[error("cannot start git, which this machine and every host need")]
    NoGit { source: io::Error },
    /// The demo runs this program.
    #[error("cannot find the file of this program")]
    Program { source: io::Error },
    /// Its directory.
    #[error("cannot make a directory in {}", parent.display())]
    Directory { parent: PathBuf, source: io::Error },
    /// The path goes into files with quotes of their own.
    #[error("{} has a quote or another special character in its name: set TMPDIR to another directory", parent.display())]
    SpecialCharacter { parent: PathBuf },
    /// Mounted `noexec`.
    #[error("no program can be run in {}: set TMPDIR to another directory", directory.display())]
    NoExec { directory: PathBuf },
    /// The variable `PATH`.
    #[error("cannot read PATH")]
    Path { source: io::Error },
    /// A key pair.
    #[error("cannot make a key")]
    Key { source: io::Error },
    /// The servers.
    #[error("cannot start hosts on 127.0.0.1")]
    Hosts { source: io::Error },
    /// The files of the project.
    #[error("cannot write the project")]
    Project { source: io::Error },
    /// A command.
    #[error("cannot run `{command}`")]
    Run { command: String, source: io::Error },
    /// The system does not say how one ended.
    #[error("cannot wait for `{command}`")]
    Wait { command: String, source: io::Error },
    /// A command of the preparation.
    #[error("`{command}` failed: {output}")]
    Failed { command: String, output: String },
    /// A command that is shown.
    #[error("`{command}` ended with exit code {code}, not {expected}")]
    UnexpectedExit { command: String, code: u8, expected: u8 },
}
