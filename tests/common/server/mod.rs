//! The library's SSH server in the test's own process: it really executes, and can be asked what it received.
//!
//! The whole server is one thread, so that blocking that thread is what SIGSTOP is to sshd; sockets are kept, so
//! that a line can be cut.

mod machine;

use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;

use machine::Seen;
use shipit::transport::ssh::server;
use tokio::sync::oneshot;

type Sockets = Arc<Mutex<Vec<Arc<TcpStream>>>>;

/// The server of one host.
#[derive(Debug)]
pub struct Server {
    port: u16,
    seen: Arc<Seen>,
    server: server::Server,
    sockets: Sockets,
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

impl Server {
    /// Starts it for the machine at `root`.
    pub fn start(root: &Path, operator_key: &Path) -> Self {
        let host_key = server::KeyPair::read(&root.join("server/key")).unwrap();
        let guest = server::KeyPair::read(operator_key).unwrap();
        let seen = Arc::new(Seen::new(root.join("login")));
        let server = server::Server::new(&host_key, &guest, Arc::clone(&seen) as Arc<dyn server::Machine>);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (life, ice) = (Mutex::default(), Mutex::default());
        let server = Self { port, seen, server, sockets: Sockets::default(), life, ice };
        server.live(listener);
        server
    }

    fn live(&self, listener: TcpListener) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let accepting = accept(listener, self.server.clone(), Arc::clone(&self.sockets));
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! { () = accepting => (), _ = stopped => () }
            });
        });
        *self.life.lock().unwrap() = Some(Life { runtime: handle, stop, thread });
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
        for socket in self.sockets.lock().unwrap().drain(..) {
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

async fn accept(listener: TcpListener, server: server::Server, sockets: Sockets) {
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    while let Ok((socket, _)) = listener.accept().await {
        let socket = socket.into_std().unwrap();
        let handle = Arc::new(socket.try_clone().unwrap());
        sockets.lock().unwrap().push(Arc::clone(&handle));
        let socket = tokio::net::TcpStream::from_std(socket).unwrap();
        let (server, sockets) = (server.clone(), Arc::clone(&sockets));
        tokio::spawn(async move {
            server.serve(socket).await;
            // while there is a second handle, closing the first closes nothing
            let _ = handle.shutdown(Shutdown::Both);
            sockets.lock().unwrap().retain(|other| !Arc::ptr_eq(other, &handle));
        });
    }
}
