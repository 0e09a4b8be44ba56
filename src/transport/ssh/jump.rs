//! Jump hosts: one connection to each, shared by all hosts behind it.
//!
//! Each is a host like any other: its own configuration, host key and login. The first caller connects, the
//! others wait; a failure is shared, too, so that a refused login is not tried once per host behind it. Jump hosts whose way
//! leads through each other are found before they wait for each other.

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
    /// A jump host that is being connected, and the one that it waits for.
    waits: RefCell<HashMap<String, String>>,
    is_closed: fn(&L) -> bool,
}

impl<L> Jumps<L> {
    /// None yet.
    pub(in crate::transport) fn new(is_closed: fn(&L) -> bool) -> Self {
        Self { all: RefCell::default(), waits: RefCell::default(), is_closed }
    }

    /// The connection to a jump host, which the first caller makes. `trail`: the jump hosts that wait for it, the nearest last.
    /// None: its own way leads through one of these.
    pub(in crate::transport) fn get(&self, identity: &str, trail: &[String]) -> Option<Wait<'_, L>> {
        let mut waits = self.waits.borrow_mut();
        let mut at = identity;
        while !trail.iter().any(|waiting| waiting == at) {
            let Some(next) = waits.get(at) else {
                let of = trail.last().cloned();
                of.iter().for_each(|of| _ = waits.insert(of.clone(), identity.to_owned()));
                return Some(Wait { shared: self.shared(identity), of, waits: &self.waits });
            };
            at = next;
        }
        None
    }

    fn shared(&self, identity: &str) -> Shared<L> {
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

/// The connection to a jump host, and while it is held, who waits for it.
pub(in crate::transport) struct Wait<'a, L> {
    pub(in crate::transport) shared: Shared<L>,
    of: Option<String>,
    waits: &'a RefCell<HashMap<String, String>>,
}

impl<L> Drop for Wait<'_, L> {
    fn drop(&mut self) {
        self.of.iter().for_each(|of| _ = self.waits.borrow_mut().remove(of));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_that_lead_through_each_other_do_not_wait_for_each_other() {
        let jumps: Jumps<()> = Jumps::new(|()| false);
        let trail = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        // One host behind a, another one behind b, at once.
        let _first = jumps.get("a", &[]).unwrap();
        let _second = jumps.get("b", &[]).unwrap();
        let waiting = jumps.get("b", &trail(&["a"])).unwrap();
        assert!(jumps.get("a", &trail(&["b"])).is_none());
        assert!(jumps.get("c", &trail(&["b"])).is_some(), "another way");
        drop(waiting);
        assert!(jumps.get("a", &trail(&["b"])).is_some(), "nobody waits any more");
        assert!(jumps.get("a", &trail(&["a"])).is_none());
    }
}
