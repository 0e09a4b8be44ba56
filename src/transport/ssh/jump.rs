//! Jump hosts: one connection to each, shared by all hosts behind it.
//!
//! Each is a host like any other: its own configuration, host key and login. The first caller connects, the
//! others wait; a failure is shared, too, so that a refused login is not tried once per host behind it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::transport::ConnectError;

/// A failure older than this belongs to another attempt at the hosts behind it.
const STALE: Duration = Duration::from_secs(5);

/// One connection to a jump host, or why there is none and since when.
pub(in crate::transport) type Shared<L> = Rc<OnceCell<Result<Rc<L>, (Instant, ConnectError)>>>;

/// The connections, by login and way.
pub(in crate::transport) struct Jumps<L> {
    all: RefCell<HashMap<String, Shared<L>>>,
    is_closed: fn(&L) -> bool,
}

impl<L> Jumps<L> {
    /// None yet.
    pub(in crate::transport) fn new(is_closed: fn(&L) -> bool) -> Self {
        Self { all: RefCell::default(), is_closed }
    }

    /// The connection to a jump host, which the first caller makes.
    pub(in crate::transport) fn get(&self, identity: &str) -> Shared<L> {
        let mut jumps = self.all.borrow_mut();
        let useless = |shared: &Shared<L>| match shared.get() {
            None => false,
            Some(Ok(link)) => (self.is_closed)(link),
            Some(Err((when, _))) => when.elapsed() > STALE,
        };
        if jumps.get(identity).is_some_and(useless) {
            jumps.remove(identity);
        }
        Rc::clone(jumps.entry(identity.to_owned()).or_default())
    }

    /// What failed is tried anew.
    pub(in crate::transport) fn forget_failures(&self) {
        self.all.borrow_mut().retain(|_, shared| !matches!(shared.get(), Some(Err(_))));
    }
}
