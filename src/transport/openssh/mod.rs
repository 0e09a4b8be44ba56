//! Hosts by the system's `ssh`: the second client, with all that the user's configuration says.
//!
//! Must not know what is run on a host. Each host has one shared connection: the user's own where one is open (`ControlPath`; it
//! is used and never ended), else one that is started here and ends with the run, also when this process is killed. Each
//! program is one more `ssh` over it. `ssh` is asked how it sees a host (`ssh -G`); its files are not read here.

mod arguments;
mod channel;
mod failure;
mod forward;
mod ground;
mod invocation;
mod jumps;
mod log;
mod master;
mod options;
mod questions;
mod resolved;
mod run_directory;
mod session;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use futures_util::future::join_all;
use tokio::sync::{Mutex, OnceCell as AsyncOnceCell, mpsc};
use tokio::time::sleep;

use self::arguments::Words;
use self::failure::Failed;
use self::ground::Ground;
use self::invocation::{Invocation, ask, tail};
use self::master::{Master, NoMaster, Patience};
pub use self::options::{ASKPASS, GUARD, NONCE, Options};
pub use self::questions::{ANSWERED, BETWEEN, Kind, Question, SOCKET};
use self::resolved::{Lends, Resolved};
use self::session::{Carriage, Session, Via};
use super::ssh::{Jumps, Limits, TRIES, jitter};
use super::{Boxed, ConnectError, Connection, Transport};
use crate::config::{ForwardAgent, Host};
use crate::transport::{NewKeys, OfferedKey};

/// The oldest version with all the options that are needed.
const OLDEST: (u32, u32) = (8, 7);
/// Questions that wait for the user to be asked.
const QUESTIONS: usize = 64;

/// The way to hosts by the system's `ssh`.
pub struct OpenSsh {
    options: Options,
    /// That it can be used, once that is known.
    usable: AsyncOnceCell<Result<(), ConnectError>>,
    ground: OnceCell<Result<Rc<Ground>, ConnectError>>,
    limits: Limits,
    jumps: Jumps<Session>,
    /// Connections that were made before they were asked for, by the names of hosts.
    ahead: RefCell<HashMap<String, Result<Session, ConnectError>>>,
    open_questions: Arc<AtomicUsize>,
    questions: (mpsc::Sender<Question>, Mutex<mpsc::Receiver<Question>>),
    /// Of sockets and logs.
    number: Cell<u32>,
}

/// A host, as it is to be reached.
struct Aim<'a> {
    host: &'a Host,
    resolved: &'a Resolved,
    via: Option<&'a Via>,
}

/// Of one connection.
struct Files {
    socket: PathBuf,
    /// The key that the host showed.
    key: PathBuf,
}

impl OpenSsh {
    /// Starts nothing yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let (sender, receiver) = mpsc::channel(QUESTIONS);
        Self {
            options,
            usable: AsyncOnceCell::new(),
            ground: OnceCell::new(),
            limits: Limits::new(),
            jumps: Jumps::new(|session: &Session| !session.is_alive()),
            ahead: RefCell::default(),
            open_questions: Arc::default(),
            questions: (sender, Mutex::new(receiver)),
            number: Cell::new(0),
        }
    }

    /// Connects these hosts before a run asks for them, so that the user can be asked while no host is locked. The keys that
    /// are not known, each once, and the hosts that are not connected for that: it may be a jump host's key. What else goes
    /// wrong, the run says.
    pub async fn connect_ahead<'a>(&self, hosts: &[&'a Host]) -> (Vec<OfferedKey>, Vec<&'a Host>) {
        self.jumps.forget_failures();
        let connected = join_all(hosts.iter().map(|host| self.session(host, &[]))).await;
        let (mut unknown, mut left) = (Vec::<OfferedKey>::new(), Vec::new());
        for (host, connected) in hosts.iter().zip(connected) {
            let key = connected.as_ref().err().and_then(ConnectError::unknown_key);
            match key.filter(|key| key.new_keys == NewKeys::Ask) {
                Some(key) => {
                    left.push(*host);
                    if unknown.iter().all(|known| known.line != key.line) {
                        unknown.push(key.clone());
                    }
                }
                None => {
                    self.ahead.borrow_mut().insert(host.name.clone(), connected);
                }
            }
        }
        (unknown, left)
    }

    /// What an `ssh` asks next. Waits for it.
    pub async fn next_question(&self) -> Option<Question> {
        self.questions.1.lock().await.recv().await
    }

    fn ground(&self) -> Result<Rc<Ground>, ConnectError> {
        let make = || {
            let (open, asked) = (Arc::clone(&self.open_questions), self.questions.0.clone());
            Ground::make(&self.options.bases, &self.options.program, open, asked).map(Rc::new)
        };
        let failed =
            |error| ConnectError::NoOpenSsh { reason: format!("no directory for its sockets: {error}") };
        self.ground.get_or_init(|| make().map_err(failed)).clone()
    }

    /// Whether `ssh` is there, and new enough.
    async fn usable(&self) -> Result<(), ConnectError> {
        let look = || async {
            let mut command = tokio::process::Command::new(&self.options.ssh);
            command.arg("-V");
            let failed = |reason: String| Err(ConnectError::NoOpenSsh { reason });
            match ask(command, self.options.connect_timeout).await {
                Ok(Some(said)) => match version(&String::from_utf8_lossy(&said.stderr)) {
                    Some((found, number)) if number < OLDEST => failed(format!("{found} is too old")),
                    // Something else under this name may still be one.
                    _ => Ok(()),
                },
                Ok(None) => failed(format!("{} -V does not end", self.options.ssh.display())),
                Err(error) => failed(format!("{}: {error}", self.options.ssh.display())),
            }
        };
        self.usable.get_or_init(look).await.clone()
    }

    fn next(&self) -> u32 {
        self.number.set(self.number.get() + 1);
        self.number.get()
    }

    /// `trail`: the jump hosts that wait for this connection.
    async fn session(&self, host: &Host, trail: &[String]) -> Result<Session, ConnectError> {
        self.usable().await?;
        let ground = self.ground()?;
        let askpass = || (ground.directory.file(ASKPASS), ground.nonce.clone());
        let plain = Invocation {
            ssh: self.options.ssh.clone(),
            program: self.options.program.clone(),
            words: arguments::of_host(host, &self.options),
            machine: host.machine.clone(),
            askpass: self.options.interactive.then(askpass),
        };
        let lookup = self.limits.lookup().await;
        let resolved = self.resolve(host, &plain).await?;
        let number = self.next();
        let key_file = ground.directory.file(&format!("{number}.key"));
        let mut more = Vec::new();
        if host.host_key.is_some() || !resolved.asks_for_keys {
            let pinned = host.host_key.as_deref();
            more = arguments::known_keys(&ground.directory.keys(), &key_file, pinned);
        }
        if resolved.new_keys == NewKeys::Ask {
            // The user is asked by us, once for all hosts.
            more.extend(["-o".to_owned(), "StrictHostKeyChecking=yes".to_owned()]);
        }
        more.extend(self.lent(host, &resolved)?);
        let invocation = plain.with(more);
        // Of the user's own nobody can tell which key it saw, nor whether it lends an agent: one that does lends it to all that
        // goes over it.
        let lends = host.forward_agent != ForwardAgent::No || resolved.forwards.by_itself;
        let may_share = host.host_key.is_none() && !lends;
        let logs = ground.directory.file(&self.next().to_string());
        if may_share && self.has_live_master(&resolved, &invocation).await {
            return Ok(Session::new(Carriage { invocation, master: None, via: None }, ground, logs));
        }
        drop(lookup);
        let via = self.via(host, &resolved, trail).await?;
        let invocation = invocation.with(via.as_ref().map(|via| via.words()).unwrap_or_default());
        let _slot = self.limits.enter(&resolved.first(via.is_some())).await;
        let files = Files { socket: ground.directory.file(&number.to_string()), key: key_file };
        let aim = Aim { host, resolved: &resolved, via: via.as_ref() };
        let mut tries = 1;
        let master = loop {
            match self.start_master(&aim, &invocation, &files).await {
                Err(ConnectError::ClosedEarly { .. }) if tries < TRIES => {
                    sleep(jitter(tries)).await;
                    tries += 1;
                }
                started => break started?,
            }
        };
        Ok(Session::new(Carriage { invocation, master: Some(master), via }, ground, logs))
    }

    /// What lends the agent, or does not, whatever the configuration says. Which one, the user's configuration may say.
    fn lent(&self, host: &Host, resolved: &Resolved) -> Result<Words, ConnectError> {
        let option = |text: &str| Ok(vec!["-o".to_owned(), text.to_owned()]);
        match resolved.forwards.agent {
            _ if host.forward_agent == ForwardAgent::No => option("ForwardAgent=no"),
            Lends::Named => Ok(Words::new()),
            Lends::Identity => option("ForwardAgent=yes"),
            Lends::Session if self.options.agent => option("ForwardAgent=yes"),
            // `ssh` would lend nothing, and not say so.
            Lends::Session | Lends::Nothing => Err(ConnectError::NoAgent { host: host.machine.clone() }),
        }
    }

    async fn start_master(
        &self,
        aim: &Aim<'_>,
        invocation: &Invocation,
        files: &Files,
    ) -> Result<Master, ConnectError> {
        let patience = Patience {
            // What `ssh` itself limits, and as much again for logging in.
            limit: self.options.connect_timeout * 2,
            signature: self.options.signature,
            questions: Arc::clone(&self.open_questions),
        };
        let started = Master::start(invocation, files.socket.clone(), &patience).await;
        let key_line = Some(tail(&files.key).trim_end().to_owned()).filter(|line| !line.is_empty());
        let _ = std::fs::remove_file(&files.key);
        started.map_err(|failed| match failed {
            NoMaster::Start(error) => ConnectError::NoOpenSsh { reason: error.to_string() },
            NoMaster::Ended { log, printed, late } => {
                let Aim { host, resolved, via } = *aim;
                Failed { host, resolved, via, log, printed, late, key_line }.error()
            }
        })
    }

    /// How `ssh` sees the host.
    async fn resolve(&self, host: &Host, plain: &Invocation) -> Result<Resolved, ConnectError> {
        let limit = self.options.connect_timeout;
        let failed = |said: String| ConnectError::OpenSsh { host: host.machine.clone(), said };
        match ask(plain.command(&["-G"]), limit).await {
            Ok(Some(said)) if said.status.success() => {
                Ok(Resolved::read(&String::from_utf8_lossy(&said.stdout)))
            }
            Ok(Some(said)) => {
                Err(failure::of_configuration(&String::from_utf8_lossy(&said.stderr), &host.machine))
            }
            Ok(None) => Err(failed(format!(
                "it does not end reading its configuration within {} s: does a `Match exec` hang?",
                limit.as_secs()
            ))),
            Err(error) => Err(failed(error.to_string())),
        }
    }

    /// Whether the user has a connection open that others may use. One that does not answer counts as none.
    async fn has_live_master(&self, resolved: &Resolved, invocation: &Invocation) -> bool {
        resolved.control.as_ref().is_some_and(|socket| socket.exists())
            && invocation.is_shared(self.options.connect_timeout).await
    }
}

impl Transport for OpenSsh {
    fn connect<'a>(&'a self, host: &'a Host) -> Boxed<'a, Result<Box<dyn Connection>, ConnectError>> {
        Box::pin(async move {
            let made = self.ahead.borrow_mut().remove(&host.name).transpose()?;
            let session = match made.and_then(Session::if_alive) {
                Some(session) => session,
                None => self.session(host, &[]).await?,
            };
            Ok(Box::new(session) as Box<dyn Connection>)
        })
    }
}

/// `OpenSSH_9.2p1 Debian-2, …`: its name, and the numbers.
fn version(said: &str) -> Option<(String, (u32, u32))> {
    let name = said.split([' ', ',']).next()?;
    let (major, rest) = name.strip_prefix("OpenSSH_")?.split_once('.')?;
    let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((name.to_owned(), (major.parse().ok()?, minor.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn versions_are_read() {
        let number = |said: &str| super::version(said).map(|(_, number)| number);
        assert_eq!(number("OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19\n"), Some((9, 2)));
        assert_eq!(number("OpenSSH_10.0p2, OpenSSL 3.5\n"), Some((10, 0)));
        assert_eq!(number("dropbear 2022.83\n"), None);
    }
}
