//! Hosts over SSH: the transport of a run.
//!
//! The one door to the SSH library (`server` is its other side). Must not know what is run on a host. One connection and one login per call
//! of `connect`, one shared connection per jump host; a host is spoken to only if its key is known, and
//! keys are added to known_hosts only by [`Ssh::add_known_keys`]. What OpenSSH reads (`~/.ssh/config`, known_hosts, keys, agent) is read here, once.

mod agent;
mod algorithms;
mod answers;
mod auth;
mod channel;
mod config;
mod dial;
mod forward;
mod group;
mod handler;
mod hop;
mod identities;
mod jump;
mod keys;
mod known_hosts;
mod lack;
mod lend;
mod limits;
mod link;
mod login;
mod method;
mod offer;
mod options;
mod pattern;
mod pem;
mod proxy;
mod resolver;
mod route;
mod secrets;
pub mod server;
mod sessions;
mod signer;
mod trust;
mod unknown_keys;
mod wire;

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use self::dial::Source;
pub(super) use self::hop::Hop;
pub(super) use self::jump::Jumps;
use self::keys::KeyFiles;
use self::known_hosts::KnownHosts;
pub use self::lack::Lack;
pub(super) use self::limits::Limits;
use self::link::{Dialed, HostKeys, Link};
use self::login::Login;
pub use self::options::Options;
use self::resolver::Resolver;
use self::route::Route;
use self::secrets::Secrets;
use self::trust::Trust;
use self::wire::Socket;
use super::{
    Boxed, Channel, ConnectError, Connection, DialError, Forwarding, Person, Screen, Step, Stream, Transport,
};
use crate::config::Host;

/// Between two tries to connect (`ConnectionAttempts`): ssh's.
const AGAIN: Duration = Duration::from_secs(1);
/// A server that hangs up before its banner is asked again this often: `MaxStartups` refuses by chance.
pub(super) const TRIES: u32 = 4;

/// Keys that are accepted unseen on the way to one host: its own, and those of jump hosts behind jump hosts.
const ACCEPTED: u32 = 8;

/// The way to hosts over SSH.
pub struct Ssh {
    options: Options,
    resolver: Resolver,
    known_hosts: RefCell<HashMap<PathBuf, Rc<KnownHosts>>>,
    /// The keys that were added in this run, as text and parsed.
    added_keys: RefCell<(String, Rc<KnownHosts>)>,
    keys: KeyFiles,
    secrets: Secrets,
    limits: Limits,
    jumps: Jumps<Link>,
}

impl Ssh {
    /// Raises the limit of open files; reads nothing yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            resolver: Resolver::new(&options),
            options,
            known_hosts: RefCell::default(),
            added_keys: RefCell::default(),
            keys: KeyFiles::default(),
            secrets: Secrets::default(),
            limits: Limits::new(),
            jumps: Jumps::new(Link::is_closed),
        }
    }

    /// The same with a person who can be asked for passphrases and passwords.
    #[must_use]
    pub fn asking(self, person: Rc<dyn Person>) -> Self {
        Self { secrets: Secrets::of(person), ..self }
    }

    /// What stands in the way of this client on the way to a host.
    pub async fn lacks(&self, host: &Host) -> Option<Lack> {
        Lack::on_the_way_to(host, &self.resolver, &self.options).await
    }

    /// The known_hosts files are read again by the next `connect`, for a caller that has added keys to them.
    pub fn reload_known_hosts(&self) {
        self.known_hosts.borrow_mut().clear();
        self.jumps.forget_failures();
    }

    async fn session(&self, host: &Host) -> Result<Box<dyn Connection>, ConnectError> {
        let route = Route::to_host(host, &self.resolver, &self.options).await?;
        for _ in 0..ACCEPTED {
            match self.reach(&route, &[]).await {
                // Nobody logged in yet: a key is judged before that.
                Err(error) if self.accepts(&error) => {}
                result => return Ok(Box::new(Session(result?))),
            }
        }
        Ok(Box::new(Session(self.reach(&route, &[]).await?)))
    }

    /// `trail`: the jump hosts that wait for this connection.
    async fn reach(&self, route: &Route, trail: &[String]) -> Result<Link, ConnectError> {
        match route.jumps.last() {
            None => match &route.settings.way.proxy_command {
                Some(command) => self.reach_by_command(route, command).await,
                None => self.reach_directly(route).await,
            },
            Some(hop) => {
                let via = self.jump(route, hop, trail).await?;
                self.reach_through(route, hop, via).await
            }
        }
    }

    /// The connection to the last jump host of `route`, its last. `trail`: the jump hosts that wait for it.
    async fn jump(&self, route: &Route, hop: &Hop, trail: &[String]) -> Result<Rc<Link>, ConnectError> {
        let before = &route.jumps[..route.jumps.len() - 1];
        let to_hop = Route::to_hop(hop, before, &self.resolver).await?;
        let identity = to_hop.identity();
        let Some(wait) = self.jumps.get(&identity, trail) else {
            return Err(ConnectError::jump_circle(hop.to_string()));
        };
        let trail = [trail, &[identity]].concat();
        // Boxed: a jump host may have jump hosts.
        let reach: Boxed<'_, _> = Box::pin(self.reach(&to_hop, &trail));
        let connect = || async { reach.await.map(Rc::new).map_err(|error| (Instant::now(), error)) };
        let link = wait.shared.get_or_init(connect).await;
        link.clone().map_err(|(_, source)| route.jump_failed(hop, source))
    }

    async fn reach_through(&self, route: &Route, hop: &Hop, via: Rc<Link>) -> Result<Link, ConnectError> {
        let settings = &route.settings;
        let address = format!("{} port {} via {hop}", settings.hostname, settings.port);
        let _slot = self.limits.enter(&address).await;
        let stream = via.tunnel(&settings.hostname, settings.port).await;
        let failed = |reason| ConnectError::Tunnel { target: settings.hostname.clone(), reason };
        let stream = stream.map_err(|reason| route.jump_failed(hop, failed(reason)))?;
        let deadline = Instant::now() + self.limit(route);
        let dialed = Dialed { socket: Socket::Channel(Box::new(stream)), via: Some(via), deadline };
        self.establish(route, &address, dialed).await
    }

    async fn reach_directly(&self, route: &Route) -> Result<Link, ConnectError> {
        let settings = &route.settings;
        let (addresses, source) = {
            let _slot = self.limits.lookup().await;
            let source = Source::of(&settings.way).await?;
            (dial::addresses(&settings.hostname, settings.port, settings.way.family).await?, source)
        };
        let _slot = match addresses.first() {
            Some(address) => self.limits.enter(&address.to_string()).await,
            None => self.limits.enter(&settings.hostname).await,
        };
        let mut attempt = 1;
        loop {
            match self.dial(route, &addresses, &source).await {
                Err(error) if attempt < settings.way.attempts && error.is_unreachable() => {
                    sleep(AGAIN).await;
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    /// One attempt; a server that is full is asked again within its time.
    async fn dial(
        &self,
        route: &Route,
        addresses: &[SocketAddr],
        source: &Source,
    ) -> Result<Link, ConnectError> {
        let deadline = Instant::now() + self.limit(route);
        let mut tries = 1;
        loop {
            let (stream, address) = dial::connect(&route.asked, addresses, source, deadline).await?;
            let dialed = Dialed { socket: Socket::Tcp(stream), via: None, deadline };
            match self.establish(route, &address.to_string(), dialed).await {
                Err(ConnectError::ClosedEarly { .. }) if tries < TRIES && Instant::now() < deadline => {
                    sleep(jitter(tries)).await;
                    tries += 1;
                }
                result => return result,
            }
        }
    }

    /// Commands count as one server: most of them log in at the same one.
    async fn reach_by_command(&self, route: &Route, command: &str) -> Result<Link, ConnectError> {
        const NAME: &str = "ProxyCommand";
        let host = &route.asked;
        let failed = |reason, said| ConnectError::ProxyCommand { host: host.clone(), reason, said };
        let _slot = self.limits.enter(NAME).await;
        let deadline = Instant::now() + self.limit(route);
        let started = proxy::start(command, self.options.shell());
        let (program, words) = started.map_err(|error| failed(handler::io(&error), Vec::new()))?;
        let dialed = Dialed { socket: Socket::Program(Box::new(program)), via: None, deadline };
        match self.establish(route, NAME, dialed).await {
            Err(ConnectError::ClosedEarly { reason, .. } | ConnectError::Handshake { reason, .. }) => {
                Err(failed(reason, words.lines().await))
            }
            Err(error @ ConnectError::Timeout { step: Step::KeyExchange, .. }) => {
                Err(failed(error.to_string(), words.lines().await))
            }
            result => result,
        }
    }

    /// For connecting and key exchange, and then for each answer: what shipit.toml says, else ssh_config, else the default.
    fn limit(&self, route: &Route) -> Duration {
        let said = route.settings.way.connect_timeout.filter(|_| !self.options.connect_timeout_said);
        said.unwrap_or(self.options.connect_timeout)
    }

    async fn establish(&self, route: &Route, address: &str, dialed: Dialed) -> Result<Link, ConnectError> {
        let (trust, add_to) = self.trust(route)?;
        let login = Login {
            route,
            address,
            files: &self.keys,
            secrets: &self.secrets,
            agent: route.settings.login.agent.socket(self.options.agent.as_ref()),
            home: &self.options.home,
            limit: self.limit(route),
            signature: self.options.signature,
        };
        let keys = HostKeys { trust, options: &self.options, add_to: &add_to };
        Link::establish(dialed, keys, &login).await
    }

    /// What is known about the host's keys, and the file to which an unknown one would be added.
    fn trust(&self, route: &Route) -> Result<(Trust, PathBuf), ConnectError> {
        let settings = &route.settings;
        let user = settings.trust.user_files.as_ref().unwrap_or(&self.options.user_known_hosts);
        let global = settings.trust.global_files.as_ref().unwrap_or(&self.options.global_known_hosts);
        let add_to = user.first().cloned().unwrap_or_else(|| self.options.home.join(".ssh/known_hosts"));
        if let Some(pinned) = &route.pinned {
            let trust = Trust::pinned(pinned).with_least_rsa_bits(settings.algorithms.rsa_bits);
            return Ok((trust, add_to));
        }
        let files = user.iter().chain(global).map(|file| self.known_hosts(file));
        let added = Rc::clone(&self.added_keys.borrow().1);
        let files = files.chain([Ok(added)]).collect::<Result<Vec<_>, _>>()?;
        let trust = Trust::of(&files, route.subject()).with_least_rsa_bits(settings.algorithms.rsa_bits);
        let allowed = settings.algorithms.authorities.as_ref();
        let trust = match allowed.map(|choice| choice.of(&trust::AUTHORITY_ALGORITHMS)) {
            Some(names) => trust.with_authority_algorithms(&names),
            None => trust,
        };
        Ok((trust, add_to))
    }

    fn known_hosts(&self, file: &Path) -> Result<Rc<KnownHosts>, ConnectError> {
        let mut read = self.known_hosts.borrow_mut();
        if let Some(known) = read.get(file) {
            return Ok(Rc::clone(known));
        }
        let known = Rc::new(KnownHosts::read(file)?);
        read.insert(file.to_path_buf(), Rc::clone(&known));
        Ok(known)
    }
}

impl Transport for Ssh {
    fn connect<'a>(&'a self, host: &'a Host) -> Boxed<'a, Result<Box<dyn Connection>, ConnectError>> {
        Box::pin(self.session(host))
    }
}

/// A connection that runs programs.
struct Session(Link);

impl Session {
    fn start(&self, program: channel::Program) -> Boxed<'_, Result<Channel, ConnectError>> {
        let Link { handle, shared, sessions, .. } = &self.0;
        let opener =
            sessions::Opener { handle: handle.clone(), shared: shared.clone(), sessions: sessions.clone() };
        Box::pin(channel::start(opener, program))
    }
}

impl Connection for Session {
    fn exec<'a>(&'a self, command: &'a str) -> Boxed<'a, Result<Channel, ConnectError>> {
        self.start(channel::Program {
            command: command.to_owned(),
            variables: Arc::clone(&self.0.variables),
            lends: self.0.lends,
            screen: None,
        })
    }

    fn terminal<'a>(&'a self, command: &'a str, screen: Screen) -> Boxed<'a, Result<Channel, ConnectError>> {
        self.start(channel::Program {
            command: command.to_owned(),
            variables: Arc::clone(&self.0.variables),
            lends: self.0.lends,
            screen: Some(screen),
        })
    }

    fn forwarding(&self) -> Boxed<'_, Forwarding> {
        Box::pin(self.0.forwarding())
    }

    fn dial<'a>(&'a self, host: &'a str, port: u16) -> Boxed<'a, Result<Box<dyn Stream>, DialError>> {
        Box::pin(async move { Ok(Box::new(self.0.dial(host, port).await?) as Box<dyn Stream>) })
    }
}

/// Longer with each try, and never the same for two hosts.
pub(super) fn jitter(tries: u32) -> Duration {
    let chance = getrandom::u32().unwrap_or(u32::MAX / 2) % 200;
    Duration::from_millis(u64::from(50 + chance)) * tries
}
