//! A connection to one host: the shared connection, ours or the user's, and the programs over it.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;

use tokio_util::sync::{CancellationToken, DropGuard};

use super::arguments::Words;
use super::channel::Carrier;
use super::ground::Ground;
use super::invocation::{Invocation, tail};
use super::log::open_failed;
use super::master::Master;
use crate::transport::{Boxed, Channel, ConnectError, Connection, DialError, Forwarding, Screen, Stream};

/// What carries the programs of a host.
pub(super) struct Carriage {
    pub(super) invocation: Invocation,
    /// None: the user's own connection does.
    pub(super) master: Option<Master>,
    pub(super) via: Option<Via>,
}

/// The connection to the last jump host on the way to a host.
#[derive(Clone)]
pub(super) struct Via {
    pub(super) hop: String,
    pub(super) session: Rc<Session>,
}

/// What an `ssh` says for which the jump host opened no connection.
const NOT_OPENED: &str = "Stdio forwarding request failed";

impl Via {
    /// For every `ssh` to the host behind it.
    pub(super) fn words(&self) -> Words {
        let command = format!("ProxyCommand={}", self.session.carrier.proxy_command());
        ["-o", &command, "-o", "ProxyUseFdpass=no"].map(str::to_owned).to_vec()
    }

    /// Why the jump host opened no connection, if that is what an `ssh` printed.
    pub(super) fn refused(&self, printed: &str) -> Option<String> {
        if !printed.contains(NOT_OPENED) {
            return None;
        }
        let log = self.session.carrier.own.as_ref().map(|(_, log)| tail(log));
        let unknown = || "the jump host cannot connect there".to_owned();
        Some(log.as_deref().and_then(open_failed).unwrap_or_else(unknown))
    }
}

/// A connection that runs programs.
pub(super) struct Session {
    pub(super) carrier: Carrier,
    logs: PathBuf,
    number: Cell<u32>,
    /// Ends the programs before the connection.
    _cut: DropGuard,
    /// None: the user's own connection carries the programs.
    master: RefCell<Option<Master>>,
    /// The connection to the jump host, and the directory of the sockets, stay as long.
    _via: Option<Via>,
    _ground: Rc<Ground>,
}

impl Session {
    /// `logs`: what the names of its programs' logs begin with.
    pub(super) fn new(carriage: Carriage, ground: Rc<Ground>, logs: PathBuf) -> Self {
        let Carriage { invocation, master, via } = carriage;
        let cut = CancellationToken::new();
        let own = master.as_ref().map(|master| (master.socket.clone(), master.log.clone()));
        let carrier = Carrier { invocation, own, cut: cut.clone() };
        Self {
            carrier,
            logs,
            number: Cell::new(0),
            _cut: cut.drop_guard(),
            master: RefCell::new(master),
            _via: via,
            _ground: ground,
        }
    }

    pub(super) fn if_alive(self) -> Option<Self> {
        self.is_alive().then_some(self)
    }

    pub(super) fn is_alive(&self) -> bool {
        self.master.borrow_mut().as_mut().is_none_or(Master::is_alive)
    }

    fn start(&self, command: &str, screen: Option<Screen>) -> Result<Channel, ConnectError> {
        // `ssh` would log in anew.
        if !self.is_alive() {
            return Err(ConnectError::Channel { reason: "the connection is gone".to_owned() });
        }
        self.number.set(self.number.get() + 1);
        self.carrier.start(command, self.logs.with_extension(self.number.get().to_string()), screen)
    }
}

impl Connection for Session {
    fn exec<'a>(&'a self, command: &'a str) -> Boxed<'a, Result<Channel, ConnectError>> {
        Box::pin(async move { self.start(command, None) })
    }

    fn terminal<'a>(&'a self, command: &'a str, screen: Screen) -> Boxed<'a, Result<Channel, ConnectError>> {
        Box::pin(async move { self.start(command, Some(screen)) })
    }

    fn forwarding(&self) -> Boxed<'_, Forwarding> {
        Box::pin(self.carrier.forwarding())
    }

    fn dial<'a>(&'a self, host: &'a str, port: u16) -> Boxed<'a, Result<Box<dyn Stream>, DialError>> {
        Box::pin(async move { Ok(Box::new(self.carrier.dial(host, port).await?) as Box<dyn Stream>) })
    }
}
