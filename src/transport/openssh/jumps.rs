//! Jump hosts: one connection to each, through which all hosts behind it are reached.
//!
//! `ssh` alone would log in to a jump host once for every host behind it. Each is a host like any other here: `ssh` reads its own
//! configuration, and it may have jump hosts. A jump host that cannot be told from its text is left to `ssh`.

use std::rc::Rc;

use tokio::time::Instant;

use super::OpenSsh;
use super::resolved::Resolved;
use super::session::Via;
use crate::config::{ForwardAgent, Host, SshClient};
use crate::transport::ssh::Hop;
use crate::transport::{Boxed, ConnectError};

impl OpenSsh {
    /// The way to a host that `ssh` reaches by jump hosts; None: it has none. `trail`: the jump hosts that wait for this one.
    pub(super) async fn via(
        &self,
        host: &Host,
        resolved: &Resolved,
        trail: &[String],
    ) -> Result<Option<Via>, ConnectError> {
        let Some(text) = &resolved.jump else { return Ok(None) };
        let (before, last) = match text.rsplit_once(',') {
            Some((before, last)) => (Some(before), last),
            None => (None, text.as_str()),
        };
        let Ok(hop) = Hop::parse(last) else { return Ok(None) };
        let failed = |source| ConnectError::Jump {
            host: host.machine.clone(),
            hop: hop.to_string(),
            source: Box::new(source),
        };
        let Some(wait) = self.jumps.get(text, trail) else {
            return Err(failed(ConnectError::jump_circle(hop.to_string())));
        };
        let trail = [trail, std::slice::from_ref(text)].concat();
        let gate = gate(&hop, before);
        // Boxed: a jump host may have jump hosts.
        let connect: Boxed<'_, _> = Box::pin(self.session(&gate, &trail));
        let connect = || async { connect.await.map(Rc::new).map_err(|error| (Instant::now(), error)) };
        match wait.shared.get_or_init(connect).await {
            Ok(session) => Ok(Some(Via { hop: hop.to_string(), session: Rc::clone(session) })),
            Err((_, error)) => Err(failed(error.clone())),
        }
    }
}

/// A jump host as a host. As with `ssh`: where nothing is said of what lies before it, its own configuration says so; no option of the
/// host behind it counts for it.
fn gate(hop: &Hop, before: Option<&str>) -> Host {
    Host {
        name: hop.to_string(),
        machine: hop.host.clone(),
        local: false,
        user: hop.user.clone(),
        port: hop.port,
        key: None,
        jump: before.map(|hops| hops.split(',').map(str::to_owned).collect()),
        host_key: None,
        forward_agent: ForwardAgent::No,
        ssh_options: Vec::new(),
        ssh: SshClient::OpenSsh,
        roles: Vec::new(),
    }
}
