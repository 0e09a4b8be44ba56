//! An SSH server in the test's own process that really executes, and can be asked what it received.
//!
//! As sshd does: a session's command gets its own kernel session, its end is told when it comes, the channel is
//! closed when its output has ended too, and when the connection dies its pipes close and nobody kills it. The
//! whole server is one thread, so that blocking that thread is what SIGSTOP is to sshd.

mod connection;

use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use connection::Connection;
use russh::keys::{PrivateKey, PublicKey, load_public_key, load_secret_key};
use russh::server::Config;
use russh::{MethodKind, MethodSet};
use tokio::sync::oneshot;

/// The server of one host.
#[derive(Debug)]
pub struct Server {
    port: u16,
    seen: Arc<Seen>,
    key: PrivateKey,
    life: Mutex<Option<Life>>,
    ice: Mutex<Option<mpsc::Sender<()>>>,
}

/// What lives only while it can be reached.
#[derive(Debug)]
struct Life {
    runtime: tokio::runtime::Handle,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// What it knows and what it has seen, over all its lives.
#[derive(Debug)]
struct Seen {
    login: PathBuf,
    operator: PublicKey,
    logins: AtomicUsize,
    sessions: Mutex<Vec<Recorded>>,
    sockets: Mutex<Vec<Arc<TcpStream>>>,
}

#[derive(Debug)]
struct Recorded {
    command: String,
    stdin: Arc<Mutex<Vec<u8>>>,
}

impl Server {
    /// Starts it for the machine at `root`.
    pub fn start(root: &Path, operator_key: &Path) -> Self {
        let key = load_secret_key(root.join("server/key"), None).unwrap();
        let seen = Seen {
            login: root.join("login"),
            operator: load_public_key(operator_key.with_extension("pub")).unwrap(),
            logins: AtomicUsize::new(0),
            sessions: Mutex::default(),
            sockets: Mutex::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self { port, seen: Arc::new(seen), key, life: Mutex::default(), ice: Mutex::default() };
        server.live(listener);
        server
    }

    fn live(&self, listener: TcpListener) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let accepting = accept(listener, self.config(), Arc::clone(&self.seen));
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! { () = accepting => (), _ = stopped => () }
            });
        });
        *self.life.lock().unwrap() = Some(Life { runtime: handle, stop, thread });
    }

    fn config(&self) -> Arc<Config> {
        Arc::new(Config {
            keys: vec![self.key.clone()],
            methods: MethodSet::from(&[MethodKind::PublicKey][..]),
            auth_rejection_time: Duration::from_millis(10),
            auth_rejection_time_initial: Some(Duration::ZERO),
            inactivity_timeout: None,
            nodelay: true,
            ..Config::default()
        })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Successful logins so far.
    pub fn logins(&self) -> usize {
        self.seen.logins.load(Ordering::SeqCst)
    }

    /// What each session received on its standard input.
    pub fn recorded(&self) -> Vec<Vec<u8>> {
        let sessions = self.seen.sessions.lock().unwrap();
        sessions.iter().map(|session| session.stdin.lock().unwrap().clone()).collect()
    }

    /// What each session was asked to run.
    pub fn commands(&self) -> Vec<String> {
        self.seen.sessions.lock().unwrap().iter().map(|session| session.command.clone()).collect()
    }

    /// Ends every connection without a word of SSH.
    pub fn drop_connections(&self) {
        for socket in self.seen.sockets.lock().unwrap().drain(..) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// Ends the server; pipes close, processes stay.
    pub fn kill(&self) {
        self.freeze(false);
        if let Some(life) = self.life.lock().unwrap().take() {
            let _ = life.stop.send(());
            let _ = life.thread.join();
        }
        self.drop_connections();
    }

    /// Starts it again on the same port.
    pub fn restart(&self) {
        self.kill();
        self.live(TcpListener::bind(("127.0.0.1", self.port)).unwrap());
    }

    /// Stops the thread, or lets it go on.
    pub fn freeze(&self, frozen: bool) {
        let (ice, thaw) = mpsc::channel();
        // dropping the sender before is what thaws
        let before = self.ice.lock().unwrap().take();
        if let (true, Some(life)) = (frozen, &*self.life.lock().unwrap()) {
            life.runtime.spawn(async move { thaw.recv() });
            *self.ice.lock().unwrap() = Some(ice);
        }
        drop(before);
    }
}

async fn accept(listener: TcpListener, config: Arc<Config>, seen: Arc<Seen>) {
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    while let Ok((socket, _)) = listener.accept().await {
        let socket = socket.into_std().unwrap();
        let handle = Arc::new(socket.try_clone().unwrap());
        seen.sockets.lock().unwrap().push(Arc::clone(&handle));
        let socket = tokio::net::TcpStream::from_std(socket).unwrap();
        let (config, seen) = (Arc::clone(&config), Arc::clone(&seen));
        tokio::spawn(async move {
            let connection = Connection::new(Arc::clone(&seen));
            if let Ok(session) = russh::server::run_stream(config, socket, connection).await {
                let _ = session.await;
            }
            // while there is a second handle, closing the first closes nothing
            let _ = handle.shutdown(Shutdown::Both);
            seen.sockets.lock().unwrap().retain(|other| !Arc::ptr_eq(other, &handle));
        });
    }
}
