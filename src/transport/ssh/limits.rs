//! How much is done at once, so that neither a server (`MaxStartups`) nor this machine (open files) is overrun.
//!
//! Whoever waits here holds nothing that another waiter needs: the permit for one address is taken before the
//! one for all.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Handshakes and logins in flight.
const ALL: usize = 64;
/// Of them to one address and port: sshd starts to refuse at 10 (`MaxStartups 10:30:100`).
const EACH: usize = 8;
/// Names looked up at once: each takes a thread.
const LOOKUPS: usize = 16;

/// Given back when dropped.
pub(in crate::transport) struct Slot {
    _each: Option<OwnedSemaphorePermit>,
    _all: Option<OwnedSemaphorePermit>,
}

#[derive(Debug)]
pub(in crate::transport) struct Limits {
    all: Arc<Semaphore>,
    each: RefCell<HashMap<String, Arc<Semaphore>>>,
    lookups: Arc<Semaphore>,
}

impl Limits {
    pub(in crate::transport) fn new() -> Self {
        raise_open_files();
        Self {
            all: Arc::new(Semaphore::new(ALL)),
            each: RefCell::default(),
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
        }
    }

    /// Waits until one more connection to `peer` may be begun.
    pub(in crate::transport) async fn enter(&self, peer: &str) -> Slot {
        let each = {
            let mut peers = self.each.borrow_mut();
            Arc::clone(peers.entry(peer.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(EACH))))
        };
        // A semaphore that is never closed always gives a permit.
        let each = each.acquire_owned().await.ok();
        let all = Arc::clone(&self.all).acquire_owned().await.ok();
        Slot { _each: each, _all: all }
    }

    /// Waits until one more name may be looked up.
    pub(in crate::transport) async fn lookup(&self) -> Slot {
        Slot { _each: None, _all: Arc::clone(&self.lookups).acquire_owned().await.ok() }
    }
}

/// A socket per host needs more than the usual 1024. What the system forbids stays as it is.
fn raise_open_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
}
