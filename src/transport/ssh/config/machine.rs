//! What tokens, `Match` and `BindInterface` want to know of the operator's machine.

use std::net::{IpAddr, SocketAddr};

use nix::net::if_::InterfaceFlags;

/// The operator's machine, as far as values may speak of it.
#[derive(Debug, Clone, Default)]
pub(in crate::transport) struct Machine {
    /// `%l`
    pub(super) name: String,
    /// `%i`
    pub(super) uid: u32,
    /// The operator's environment: for `${NAME}` and `SendEnv`.
    pub(super) variables: Vec<(String, String)>,
}

impl Machine {
    /// This one, with these variables.
    pub(in crate::transport) fn here(variables: Vec<(String, String)>) -> Self {
        let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self { name, uid: rustix::process::getuid().as_raw(), variables }
    }

    /// A variable of the operator's.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The addresses of all interfaces that are up.
pub(super) fn addresses() -> Vec<IpAddr> {
    interfaces().into_iter().map(|(_, address)| address.ip()).collect()
}

/// The addresses of one interface.
pub(in crate::transport::ssh) fn addresses_of(interface: &str) -> Vec<SocketAddr> {
    interfaces().into_iter().filter(|(name, _)| name == interface).map(|(_, address)| address).collect()
}

fn interfaces() -> Vec<(String, SocketAddr)> {
    let Ok(all) = nix::ifaddrs::getifaddrs() else { return Vec::new() };
    let up = all.filter(|interface| interface.flags.contains(InterfaceFlags::IFF_UP));
    up.filter_map(|interface| {
        let address = interface.address?;
        let v4 = address.as_sockaddr_in().map(|v4| SocketAddr::from((v4.ip(), 0)));
        let v6 = || address.as_sockaddr_in6().map(|v6| SocketAddr::V6((*v6).into()));
        Some((interface.interface_name, v4.or_else(v6)?))
    })
    .collect()
}
