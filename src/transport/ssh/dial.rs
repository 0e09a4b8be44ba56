//! From a host name to a connected socket: look up, then one address after another.
//!
//! Knows TCP, not SSH. Says of every address what happened there.

use std::net::SocketAddr;

use tokio::net::TcpStream;
use tokio::time::{Duration, Instant, timeout_at};

use super::handler::io;
use crate::transport::{Attempt, ConnectError};

/// However little time is left, an address gets this much.
const LEAST: Duration = Duration::from_millis(500);

/// All addresses of a host, as the system's resolver orders them.
pub(super) async fn addresses(host: &str, port: u16) -> Result<Vec<SocketAddr>, ConnectError> {
    let failed = |reason| ConnectError::Resolve { host: host.to_owned(), reason };
    let found = tokio::net::lookup_host((host, port)).await;
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in found.map_err(|error| failed(resolver_words(&error)))? {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() { Err(failed("the name has no address".to_owned())) } else { Ok(addresses) }
}

fn resolver_words(error: &std::io::Error) -> String {
    io(error).trim_start_matches("failed to lookup address information: ").to_owned()
}

/// The first address that answers. Each gets an equal part of the time that is left.
pub(super) async fn connect(
    host: &str,
    addresses: &[SocketAddr],
    deadline: Instant,
) -> Result<(TcpStream, SocketAddr), ConnectError> {
    let mut attempts = Vec::new();
    let started = Instant::now();
    for (tried, address) in (0_u32..).zip(addresses) {
        let left = u32::try_from(addresses.len()).unwrap_or(u32::MAX).saturating_sub(tried).max(1);
        let share = deadline.saturating_duration_since(Instant::now()) / left;
        let until = Instant::now() + share.max(LEAST);
        let reason = match timeout_at(until, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Without it each small packet may wait for an ACK: slower, not wrong.
                let _ = stream.set_nodelay(true);
                return Ok((stream, *address));
            }
            Ok(Err(error)) => io(&error),
            Err(_) if addresses.len() == 1 => return Err(too_slow(host, address, started)),
            Err(_) => format!("no answer in {:.1} s", share.max(LEAST).as_secs_f64()),
        };
        attempts.push(Attempt { address: *address, reason });
    }
    let port = addresses.first().map_or(0, SocketAddr::port);
    Err(ConnectError::Unreachable { host: host.to_owned(), port, attempts })
}

fn too_slow(host: &str, address: &SocketAddr, started: Instant) -> ConnectError {
    ConnectError::Timeout {
        host: host.to_owned(),
        address: address.to_string(),
        step: crate::transport::Step::Connect,
        after: started.elapsed(),
    }
}
