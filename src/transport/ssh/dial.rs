//! From a host name to a connected socket: look up, then the addresses of both families in turn, a new one every quarter of a second
//! until one answers (RFC 8305).
//!
//! Knows TCP, not SSH. Says of every address what happened there.

use std::net::{IpAddr, SocketAddr};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Duration, Instant, sleep, sleep_until};

use super::config::{Family, Way, addresses_of};
use super::handler::io;
use crate::transport::{Attempt, ConnectError};

/// Until the next address is tried beside those that have not answered yet.
const NEXT: Duration = Duration::from_millis(250);

/// All addresses of a host of the families that are wanted, in the order in which they are tried.
pub(super) async fn addresses(
    host: &str,
    port: u16,
    family: Family,
) -> Result<Vec<SocketAddr>, ConnectError> {
    let failed = |reason| ConnectError::Resolve { host: host.to_owned(), reason };
    let found = tokio::net::lookup_host((host, port)).await;
    let found = found.map_err(|error| failed(resolver_words(&error)))?;
    let wanted = |address: &SocketAddr| match family {
        Family::Any => true,
        Family::V4 => address.is_ipv4(),
        Family::V6 => address.is_ipv6(),
    };
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in found.filter(wanted) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    match (addresses.is_empty(), family) {
        (false, _) => Ok(in_turn(addresses)),
        (true, Family::Any) => Err(failed("the name has no address".to_owned())),
        (true, Family::V4) => Err(failed("it has no IPv4 address, and AddressFamily is inet".to_owned())),
        (true, Family::V6) => Err(failed("it has no IPv6 address, and AddressFamily is inet6".to_owned())),
    }
}

fn resolver_words(error: &std::io::Error) -> String {
    io(error).trim_start_matches("failed to lookup address information: ").to_owned()
}

/// The family of the first address first, then the families in turn; within one the resolver's order.
fn in_turn(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first().map(SocketAddr::is_ipv4) else { return addresses };
    let (one, other): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv4() == first);
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    let mut mixed = Vec::new();
    loop {
        let pair = [one.next(), other.next()];
        if pair.iter().all(Option::is_none) {
            return mixed;
        }
        mixed.extend(pair.into_iter().flatten());
    }
}

/// How a socket is made: from which of this machine's addresses, and with what kept alive.
pub(super) struct Source {
    /// None: the system chooses.
    from: Option<Vec<IpAddr>>,
    keepalive: bool,
}

impl Source {
    /// `BindAddress`, else `BindInterface`.
    pub(super) async fn of(way: &Way) -> Result<Self, ConnectError> {
        let wrong = |keyword: &str, what: &str, reason: &str| ConnectError::Bind {
            what: format!("{keyword} {what}"),
            reason: reason.to_owned(),
        };
        let from = if let Some(name) = &way.bind_address {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            let found = found.map_err(|error| wrong("BindAddress", name, &resolver_words(&error)))?;
            Some(found.map(|address| address.ip()).collect())
        } else if let Some(name) = &way.bind_interface {
            let mut found: Vec<IpAddr> = addresses_of(name).iter().map(SocketAddr::ip).collect();
            if found.is_empty() {
                return Err(wrong("BindInterface", name, "there is no such interface that is up"));
            }
            // As ssh: what leads nowhere else comes last.
            found.sort_by_key(is_local);
            Some(found)
        } else {
            None
        };
        Ok(Self { from, keepalive: way.tcp_keepalive })
    }

    async fn connect(&self, address: SocketAddr) -> Result<TcpStream, String> {
        let connected = async {
            let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            if let Some(from) = &self.from {
                let Some(own) = from.iter().find(|own| own.is_ipv4() == address.is_ipv4()) else {
                    return Ok(Err("the address to bind to is of the other family".to_owned()));
                };
                socket.bind(SocketAddr::new(*own, 0))?;
            }
            socket.set_keepalive(self.keepalive)?;
            // Without it each small packet may wait for an ACK: slower, not wrong.
            let _ = socket.set_nodelay(true);
            socket.connect(address).await.map(Ok)
        };
        connected.await.unwrap_or_else(|error| Err(io(&error)))
    }
}

fn is_local(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unicast_link_local(),
    }
}

/// The first address that answers.
pub(super) async fn connect(
    host: &str,
    addresses: &[SocketAddr],
    source: &Source,
    deadline: Instant,
) -> Result<(TcpStream, SocketAddr), ConnectError> {
    let started = Instant::now();
    let mut waiting = addresses.iter();
    let mut racing = FuturesUnordered::new();
    let mut failed: Vec<Attempt> = Vec::new();
    loop {
        if let Some(address) = waiting.next() {
            racing.push(async move { (*address, source.connect(*address).await) });
        }
        let next = sleep(NEXT);
        tokio::select! {
            answer = racing.next() => match answer {
                Some((address, Ok(stream))) => return Ok((stream, address)),
                Some((address, Err(reason))) => failed.push(Attempt { address, reason }),
                None => return Err(unreachable(host, addresses, failed, started)),
            },
            () = next, if waiting.len() > 0 => {}
            () = sleep_until(deadline) => return Err(unreachable(host, addresses, failed, started)),
        }
    }
}

/// What happened at each address, in the order of the addresses.
fn unreachable(
    host: &str,
    addresses: &[SocketAddr],
    mut failed: Vec<Attempt>,
    started: Instant,
) -> ConnectError {
    let after = started.elapsed();
    if let ([address], true) = (addresses, failed.is_empty()) {
        return ConnectError::Timeout {
            host: host.to_owned(),
            address: address.to_string(),
            step: crate::transport::Step::Connect,
            after,
        };
    }
    for address in addresses {
        if failed.iter().all(|attempt| attempt.address != *address) {
            let reason = format!("no answer in {:.1} s", after.as_secs_f64());
            failed.push(Attempt { address: *address, reason });
        }
    }
    failed.sort_by_key(|attempt| addresses.iter().position(|address| *address == attempt.address));
    let port = addresses.first().map_or(0, SocketAddr::port);
    ConnectError::Unreachable { host: host.to_owned(), port, attempts: failed }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener, TcpStream};

    use socket2::{Domain, Socket, Type};

    use super::{Duration, Instant, Source, connect, in_turn};

    #[tokio::test]
    async fn an_address_that_does_not_answer_holds_up_none_of_the_others() {
        // A listener whose queue is full answers nothing.
        let silent = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        silent.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        silent.listen(0).unwrap();
        let full = silent.local_addr().unwrap().as_socket().unwrap();
        let attempt = || TcpStream::connect_timeout(&full, Duration::from_millis(300));
        let mut held = Vec::new();
        while let Ok(stream) = attempt().or_else(|_| attempt()) {
            held.push(stream);
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let open = listener.local_addr().unwrap();
        let source = Source { from: None, keepalive: true };
        let until = |seconds| Instant::now() + Duration::from_secs(seconds);
        let (_, answered) = connect("web1", &[full, open], &source, until(60)).await.unwrap();
        assert_eq!(answered, open);
        let error = connect("web1", &[full], &source, until(1)).await.unwrap_err();
        assert!(error.to_string().starts_with("no answer from web1 (127.0.0.1:"), "{error}");
        let error = connect("web1", &[full, full], &source, until(1)).await.unwrap_err();
        assert!(error.to_string().contains(": no answer in 1"), "{error}");
    }

    #[test]
    fn the_families_take_turns() {
        let parse = |text: &str| text.split(' ').map(|a| a.parse().unwrap()).collect();
        let mixed = in_turn(parse("[::1]:1 [::2]:1 [::3]:1 1.1.1.1:1 2.2.2.2:1"));
        assert_eq!(mixed, parse("[::1]:1 1.1.1.1:1 [::2]:1 2.2.2.2:1 [::3]:1"));
        assert_eq!(in_turn(Vec::new()), []);
    }
}
