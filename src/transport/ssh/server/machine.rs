//! What a server starts programs on.

use tokio::process::Child;

use crate::transport::{Channel, Screen};

/// The machine behind a server.
pub trait Machine: Send + Sync + 'static {
    /// The key was accepted.
    fn entered(&self);

    /// Starts what a login was asked to run, with pipes for its three streams.
    ///
    /// # Errors
    /// When it cannot be started; the client gets the answer that the request failed.
    fn start(&self, command: &str) -> std::io::Result<Child>;

    /// The same on a terminal of its own (by [`pty::start`](crate::transport::pty::start)).
    ///
    /// # Errors
    /// As [`Machine::start`].
    fn start_on(&self, command: &str, screen: Screen) -> std::io::Result<Channel>;
}
