//! Running one program on one host, here or over SSH, behind one trait.
//!
//! Knows no plan, no protocol and no terminal: it carries bytes. Every channel has a task that always drains the
//! other side into the receiver it was handed, so no caller can stop a connection by not reading
//! for a while; when the receiver is dropped, the bytes are, too.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};

use crate::config::Host;

mod error;
mod exit_status;
pub mod local;
pub mod modes;
mod offered_key;
pub mod openssh;
mod paste;
mod person;
mod pipes;
pub mod pty;
mod refusal;
pub mod ssh;

pub use error::{Attempt, ConnectError, Step};
pub use offered_key::{NewKeys, OfferedKey};
pub use person::{Answer, LoginNote, LoginQuestion, Person};
pub use refusal::Refusal;

/// After so long without a login, sshd hangs up (`LoginGraceTime`, if its configuration says no other).
const LOGIN_GRACE: Duration = Duration::from_secs(120);

/// A future that is stored: what an object-safe trait can return.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// How hosts are reached: [`ssh::Ssh`], [`openssh::OpenSsh`] and [`local::Local`].
pub trait Transport {
    /// Connects and authenticates, once.
    ///
    /// # Errors
    /// Whatever kept the host from being reached, authenticated or trusted.
    fn connect<'a>(&'a self, host: &'a Host) -> Boxed<'a, Result<Box<dyn Connection>, ConnectError>>;
}

/// An authenticated connection to a host; closed when dropped.
pub trait Connection {
    /// Starts `command` the way the host's login does (over SSH: the login shell's `-c`), without a terminal.
    ///
    /// # Errors
    /// When the channel cannot be opened.
    fn exec<'a>(&'a self, command: &'a str) -> Boxed<'a, Result<Channel, ConnectError>>;

    /// The same on a terminal of its own, which follows the size of the screen. All it shows comes as
    /// [`Output::Stdout`]; closing the input hangs it up.
    ///
    /// # Errors
    /// When the channel or the terminal cannot be opened.
    fn terminal<'a>(&'a self, command: &'a str, screen: Screen) -> Boxed<'a, Result<Channel, ConnectError>>;

    /// Asks whether the host opens connections of its own for us: over SSH, whether it allows forwarding.
    fn forwarding(&self) -> Boxed<'_, Forwarding>;

    /// Connects from the host to `host` and `port`, as a program there would: `127.0.0.1` is the host's own. Closed when
    /// dropped.
    ///
    /// Read the stream or drop it: over SSH, one that is not read stops all else on the connection.
    ///
    /// # Errors
    /// When the host forbids it, when nothing answers there, or when the connection is lost.
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> Boxed<'a, Result<Box<dyn Stream>, DialError>>;
}

/// Bytes to and from a service on a host. Shutting it down says that no more is sent; much that listens takes that for
/// the end and answers nothing.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Why a host opened no connection for us.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// It opens none for us, whatever the address (or not this one).
    #[error("the host's sshd forbids forwarding")]
    Forbidden,
    /// It tried, and nothing accepted. The text says what is known.
    #[error("{0}")]
    Refused(String),
    /// The connection to the host is lost. The text says what is known.
    #[error("{0}")]
    Lost(String),
}

/// Whether a host opens connections for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forwarding {
    /// It does.
    Allowed,
    /// It says that it may not.
    Forbidden,
    /// It gave no answer that tells. The text says what is known.
    Unknown(String),
}

/// The screen that a remote terminal is shown on.
#[derive(Debug, Clone)]
pub struct Screen {
    /// What kind it is: `TERM`.
    pub term: String,
    /// Its keys and what it does with what is typed and shown ([`modes`]); none: as the host has it.
    pub modes: Vec<modes::Mode>,
    /// Its size, now and later.
    pub window: watch::Receiver<Window>,
}

/// Size of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Characters in a line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
}

/// A running remote program. Dropping `input` ends its standard input; dropping both leaves it to itself.
#[derive(Debug)]
pub struct Channel {
    /// Its standard input. A closed sender means that the program stopped reading or the connection is lost.
    pub input: mpsc::Sender<Bytes>,
    /// What it prints and, last, how it ended. Bounded: a reader that is slow slows the program, not the
    /// connection's other channels.
    pub output: mpsc::Receiver<Output>,
}

/// Something a remote program did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Bytes on its standard output.
    Stdout(Bytes),
    /// Bytes on its standard error.
    Stderr(Bytes),
    /// Its end; nothing comes after.
    End(Exit),
}

/// The three endings of a remote command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// Ended by itself.
    Code(u32),
    /// Killed by a signal, named without `SIG`.
    Signal(String),
    /// The connection was lost first; how the command ended is not known. The text says what is known.
    Lost(String),
}
