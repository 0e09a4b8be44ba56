//! Jump hosts: one connection to each, shared by all hosts behind it.
//!
//! Each is a host like any other: its own configuration, host key and login. Whoever asks first connects, the
//! others wait; a failure is everybody's, so that a refused login is not tried once per host behind it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::Ssh;
use super::link::Link;
use super::route::{Hop, Route};
use crate::transport::{Boxed, ConnectError};

/// A failure older than this belongs to another attempt at the hosts behind it.
const STALE: Duration = Duration::from_secs(5);

type Shared = Rc<OnceCell<Result<Rc<Link>, (Instant, ConnectError)>>>;

/// The connections, by login and way.
#[derive(Default)]
pub(super) struct Jumps(RefCell<HashMap<String, Shared>>);

impl Jumps {
    fn get(&self, identity: &str) -> Shared {
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

impl Ssh {
    /// The connection to the last jump host before `route`. `trail`: the jump hosts that wait for it.
    pub(super) async fn jump(
        &self,
        route: &Route,
        (hop, before): (&Hop, &[Hop]),
        trail: &[String],
    ) -> Result<Rc<Link>, ConnectError> {
        let to_hop = Route::to_hop(hop, before, self.config()?, &self.options)?;
        let identity = to_hop.identity();
        if trail.contains(&identity) {
            let reason = "the way to it leads through itself; set ProxyJump none for it".to_owned();
            return Err(ConnectError::JumpSpec { hop: hop.to_string(), reason });
        }
        let shared = self.jumps.get(&identity);
        let trail = [trail, &[identity]].concat();
        // Boxed: a jump host may have jump hosts.
        let reach: Boxed<'_, _> = Box::pin(self.reach(&to_hop, &trail));
        let connect = || async { reach.await.map(Rc::new).map_err(|error| (Instant::now(), error)) };
        let link = shared.get_or_init(connect).await;
        link.clone().map_err(|(_, source)| route.jump_failed(hop, source))
    }
}
