//! Why a configuration of pm2's cannot be read: nothing was planned, and no host was contacted.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// What a file exports that is no configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are what they are called")]
pub enum Exported {
    Function,
    Promise,
    Nothing,
    Other,
}

/// Why node did not answer, or answered nothing of use.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields say what their types and the variant say")]
pub enum EcosystemError {
    /// The command does not run what is in a file.
    #[error(
        "{} has to be run by node, which `{command}` does not do; `shipit import` writes a shipit.toml from it", file.display()
    )]
    NotRun { file: PathBuf, command: String },
    /// There is no node.
    #[error("{} has to be run by node, which is not found here; install Node.js, or write a shipit.toml", file.display())]
    NoNode { file: PathBuf },
    /// node could not be started.
    #[error("cannot start node to read {}", file.display())]
    NotStarted { file: PathBuf, source: io::Error },
    /// It did not come to its end.
    #[error(
        "{} did not finish within {} s: node was stopped; the file must export its table without waiting for anything{}",
        file.display(), limit.as_secs(), shown(said)
    )]
    TimedOut { file: PathBuf, limit: Duration, said: Vec<String> },
    /// It waits for what never comes.
    #[error("{} waits for something that never comes (`await`); it must export its table{}", file.display(), shown(said))]
    Waits { file: PathBuf, said: Vec<String> },
    /// It ended node before it exported anything.
    #[error(
        "{} ended node with {how} before it exported anything; remove what ends it (`process.exit`){}",
        file.display(), shown(said)
    )]
    Ended { file: PathBuf, how: String, said: Vec<String> },
    /// It threw, or is no JavaScript.
    #[error("{}{}: {message}{}", file.display(), line_of(*line), module_missing(message))]
    Threw { file: PathBuf, line: Option<usize>, message: String },
    /// What it exports is no table.
    #[error(
        "{}{}: exports {}; export a table: module.exports = {{ apps: […], deploy: {{ … }} }}",
        file.display(), line_of(*line), exported.words()
    )]
    Exports { file: PathBuf, line: Option<usize>, exported: Exported },
    /// More than a configuration holds.
    #[error("what {} exports is larger than {limit} bytes: this is not a configuration", file.display())]
    TooMuch { file: PathBuf, limit: u64 },
    /// What arrived is no answer of ours.
    #[error("{} wrote into the answer that node gave about it; it must not use descriptor 3", file.display())]
    Garbled { file: PathBuf },
    /// Only apps, as most files of pm2.
    #[error("{} has no `deploy` section; `shipit init` writes a shipit.toml", file.display())]
    NoDeploy { file: PathBuf },
}

impl Exported {
    fn words(self) -> &'static str {
        match self {
            Exported::Function => "a function, which pm2 does not call either",
            Exported::Promise => "a promise, which pm2 does not wait for either",
            Exported::Nothing => "nothing",
            Exported::Other => "something that is no table",
        }
    }
}

fn line_of(line: Option<usize>) -> String {
    line.map_or(String::new(), |line| format!(":{line}"))
}

fn module_missing(message: &str) -> &'static str {
    if message.contains("Cannot find module") { "; install it here: npm install" } else { "" }
}

/// What the file printed, below the message.
fn shown(said: &[String]) -> String {
    said.iter().map(|line| format!("\n  | {line}")).collect()
}
