//! What ssh_config asks for a host and this client lacks: then only the system's `ssh` will do. No host is contacted.

use std::path::PathBuf;

use super::options::Options;
use super::resolver::Resolver;
use super::route::Route;
use crate::config::Host;
use crate::transport::ConnectError;

/// A keyword that this client does not honour, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lack {
    /// As ssh_config(5) writes it.
    pub keyword: String,
    /// The file of ssh's configuration.
    pub file: PathBuf,
    /// The line in it.
    pub line: usize,
}

impl Lack {
    /// What stands in the way of this client on the way to a host; its jump hosts are part of the way. Where that cannot be
    /// found out, nothing does: the run says why.
    pub(super) async fn on_the_way_to(host: &Host, resolver: &Resolver, options: &Options) -> Option<Self> {
        let route = match Route::to_host(host, resolver, options).await {
            Ok(route) => route,
            Err(error) => return lack(error),
        };
        for (at, hop) in route.jumps.iter().enumerate() {
            if let Err(error) = Route::to_hop(hop, &route.jumps[..at], resolver).await {
                return lack(error);
            }
        }
        None
    }
}

fn lack(error: ConnectError) -> Option<Lack> {
    match error {
        // A keyword that nobody knows is one that `ssh` does not know either.
        ConnectError::NeedsOpenSsh { keyword, file, line, known: true, .. } => {
            Some(Lack { keyword, file, line })
        }
        _ => None,
    }
}
