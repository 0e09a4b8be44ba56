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

use super::link::Link;
use crate::transport::ConnectError;

/// A failure older than this belongs to another attempt at the hosts behind it.
const STALE: Duration = Duration::from_secs(5);

/// One connection to a jump host, or why there is none and since when.
pub(super) type Shared = Rc<OnceCell<Result<Rc<Link>, (Instant, ConnectError)>>>;

/// The connections, by login and way.
#[derive(Default)]
pub(super) struct Jumps(RefCell<HashMap<String, Shared>>);

impl Jumps {
    /// The connection to a jump host, which the first caller makes.
    pub(super) fn get(&self, identity: &str) -> Shared {
        let mut jumps = self.0.borrow_mut();
        let useless = |shared: &Shared| match shared.get() {
            None => false,
            Some(Ok(link)) => link.is_closed(),
            Some(Err((when, _))) => when.elapsed() > STALE,
        };
        if jumps.get(identity).is_some_and(useless) {
            jumps.remove(identity);
        }
        Rc::clone(jumps.entry(identity.to_owned()).or_default())
    }

    /// What failed is tried anew.
    pub(super) fn forget_failures(&self) {
        self.0.borrow_mut().retain(|_, shared| !matches!(shared.get(), Some(Err(_))));
    }
}
