//! The settings of the system's ssh as a client, made once per run; nothing below asks the process environment.

use std::path::PathBuf;
use std::time::Duration;

use crate::transport::LOGIN_GRACE;

/// The argument in front with which this program is asked to become an `ssh` that ends with its parent:
/// `--shipit-ssh=PID`, then the program and its arguments.
pub const GUARD: &str = "--shipit-ssh=";
/// The name under which this program answers `ssh`'s questions.
pub const ASKPASS: &str = "shipit-askpass";
/// The variable by which it proves that it was started by an `ssh` of this run: the nonce.
pub const NONCE: &str = "SHIPIT_ASKPASS";

/// The settings of a run.
#[derive(Debug, Clone)]
pub struct Options {
    /// `ssh`, as it is found on the `PATH`.
    pub ssh: PathBuf,
    /// This very program.
    pub program: PathBuf,
    /// Where a directory for sockets may be made, the best first.
    pub bases: Vec<PathBuf>,
    /// For connecting and key exchange together.
    pub connect_timeout: Duration,
    /// A server that is silent for so long is asked for a sign of life; after three without an answer it is lost.
    pub keepalive: Duration,
    /// For the agent to sign: a person may have to agree, or to touch a key.
    pub signature: Duration,
    /// The operator has an agent, `SSH_AUTH_SOCK`.
    pub agent: bool,
    /// Somebody can be asked.
    pub interactive: bool,
}

impl Options {
    /// `ssh`, ten seconds, two minutes for a signature, no agent, and nobody to ask.
    #[must_use]
    pub fn new(program: PathBuf, bases: Vec<PathBuf>) -> Self {
        Self {
            ssh: "ssh".into(),
            program,
            bases,
            connect_timeout: Duration::from_secs(10),
            keepalive: Duration::from_secs(15),
            signature: LOGIN_GRACE,
            agent: false,
            interactive: false,
        }
    }
}
