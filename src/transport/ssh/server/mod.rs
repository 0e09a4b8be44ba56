//! The other end of an SSH connection: a server in this process that really executes. It stands before the hosts
//! of `shipit demo`; no deploy needs it.
//!
//! As sshd does: the end of a command is sent when it comes, the channel is closed when its output has ended too,
//! and when the connection dies its pipes close and it is not killed. One key may log in, by no other way than
//! that key, and only to run commands, on a terminal or without, and to be connected to what listens on the loopback of this
//! machine (direct-tcpip): no other forwarding, no subsystem.

mod connection;
mod machine;
mod terminal;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{PrivateKey, PublicKey};
use russh::server::Config;
use russh::{MethodKind, MethodSet};
use tokio::net::TcpStream;

use self::connection::Login;
pub use self::machine::Machine;

/// A key pair: of a server, or of a client that logs in.
#[derive(Clone)]
pub struct KeyPair(PrivateKey);

impl KeyPair {
    /// A new ed25519 pair.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn new() -> std::io::Result<Self> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| std::io::Error::other(error.to_string()))?;
        Ok(Self(PrivateKey::from(Ed25519Keypair::from_seed(&seed))))
    }

    /// The pair in a file of OpenSSH's, which must not be encrypted.
    ///
    /// # Errors
    /// When there is none.
    pub fn read(file: &Path) -> std::io::Result<Self> {
        let text = std::fs::read_to_string(file)?;
        PrivateKey::from_openssh(text).map(Self).map_err(std::io::Error::other)
    }

    /// The private half, as it stands in a file of OpenSSH's.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn private_text(&self) -> std::io::Result<String> {
        let text = self.0.to_openssh(LineEnding::LF).map_err(std::io::Error::other)?;
        Ok(text.to_string())
    }

    /// The public half: type and key, as in a line of known_hosts.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn public_text(&self) -> std::io::Result<String> {
        let text = self.0.public_key().to_openssh().map_err(std::io::Error::other)?;
        Ok(text.split(' ').take(2).collect::<Vec<_>>().join(" "))
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("KeyPair").field(&self.0.public_key().key_data()).finish()
    }
}

/// A server for the connections to a socket that its owner listens on.
#[derive(Clone)]
pub struct Server {
    config: Arc<Config>,
    guest: PublicKey,
    machine: Arc<dyn Machine>,
}

impl Server {
    /// One that shows `host_key` and lets only the owner of `guest` in.
    #[must_use]
    pub fn new(host_key: &KeyPair, guest: &KeyPair, machine: Arc<dyn Machine>) -> Self {
        let config = Config {
            keys: vec![host_key.0.clone()],
            methods: MethodSet::from(&[MethodKind::PublicKey][..]),
            // One key and no password: there is nothing to guess that a pause would protect.
            auth_rejection_time: Duration::from_millis(10),
            auth_rejection_time_initial: Some(Duration::ZERO),
            inactivity_timeout: None,
            nodelay: true,
            ..Config::default()
        };
        Self { config: Arc::new(config), guest: guest.0.public_key().clone(), machine }
    }

    /// Serves one connection to its end, whatever that is.
    pub async fn serve(&self, socket: TcpStream) {
        let login = Login::new(self.guest.clone(), Arc::clone(&self.machine));
        if let Ok(session) = russh::server::run_stream(Arc::clone(&self.config), socket, login).await {
            // How it ended is the client's to tell.
            let _ = session.await;
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Server").field("guest", &self.guest.key_data()).finish_non_exhaustive()
    }
}
