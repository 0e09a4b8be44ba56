//! What is to be connected how: a host of shipit.toml merged with ssh_config, and the jump hosts before it.
//!
//! shipit.toml wins over ssh_config, which wins over the defaults. Pure but for the configuration already read.

use std::path::PathBuf;
use std::rc::Rc;

use super::config::{Agent, Settings};
use super::hop::Hop;
use super::lend;
use super::options::Options;
use super::resolver::{Asked, Resolver};
use super::trust::Subject;
use crate::config::Host;
use crate::transport::ConnectError;

/// One login on one machine.
#[derive(Debug, Clone)]
pub(super) struct Route {
    /// The host as asked for: what the user calls it.
    pub(super) asked: String,
    /// What ssh_config and the defaults say; user and port already include what shipit.toml says.
    pub(super) settings: Rc<Settings>,
    /// The one key that shipit.toml names.
    pub(super) key: Option<PathBuf>,
    /// The pinned host key.
    pub(super) pinned: Option<String>,
    /// Nearest first.
    pub(super) jumps: Vec<Hop>,
    /// The agent that is lent to the host.
    pub(super) lent: Option<PathBuf>,
}

impl Route {
    /// The way to a host of shipit.toml.
    pub(super) async fn to_host(
        host: &Host,
        resolver: &Resolver,
        options: &Options,
    ) -> Result<Self, ConnectError> {
        let asked = Asked {
            host: &host.machine,
            user: host.user.as_deref(),
            port: host.port,
            options: &host.ssh_options,
        };
        let mut settings = resolver.settings(&asked).await?;
        if host.jump.is_some() {
            Rc::make_mut(&mut settings).way.proxy_command = None;
        }
        fits(&settings)?;
        let jumps = hops(host.jump.as_ref(), &settings)?;
        Ok(Self {
            asked: host.machine.clone(),
            lent: lend::agent(host, &settings, options)?,
            settings,
            key: host.key.clone(),
            pinned: host.host_key.clone(),
            jumps,
        })
    }

    /// The way to a jump host. `before`: those in front of it; with none of them its own configuration is asked.
    pub(super) async fn to_hop(hop: &Hop, before: &[Hop], resolver: &Resolver) -> Result<Self, ConnectError> {
        let asked = Asked { host: &hop.host, user: hop.user.as_deref(), port: hop.port, options: &[] };
        let mut settings = resolver.settings(&asked).await?;
        let jumps = match before {
            [] => hops(None, &settings)?,
            before => before.to_vec(),
        };
        if !before.is_empty() {
            Rc::make_mut(&mut settings).way.proxy_command = None;
        }
        fits(&settings)?;
        Ok(Self { asked: hop.host.clone(), settings, key: None, pinned: None, jumps, lent: None })
    }

    pub(super) fn jump_failed(&self, hop: &Hop, source: ConnectError) -> ConnectError {
        ConnectError::Jump { host: self.asked.clone(), hop: hop.to_string(), source: Box::new(source) }
    }

    /// What the host's key is looked for under.
    pub(super) fn subject(&self) -> Subject<'_> {
        let settings = &self.settings;
        Subject { host: &settings.hostname, port: settings.port, alias: settings.trust.alias.as_deref() }
    }

    /// One login in the table of shared connections.
    pub(super) fn identity(&self) -> String {
        let jumps: Vec<String> = self.jumps.iter().map(Hop::to_string).collect();
        format!(
            "{}@{}:{} {} {}",
            self.settings.user,
            self.settings.hostname,
            self.settings.port,
            jumps.join(","),
            self.settings.way.proxy_command.as_deref().unwrap_or_default(),
        )
    }
}

/// The built-in client can do what the settings ask for.
fn fits(settings: &Settings) -> Result<(), ConnectError> {
    let Some(need) = settings.needs_openssh.first() else { return Ok(()) };
    Err(ConnectError::NeedsOpenSsh {
        host: settings.asked.clone(),
        keyword: need.keyword.clone(),
        file: need.place.file.to_path_buf(),
        line: need.place.line,
        known: need.known,
    })
}

fn hops(own: Option<&Vec<String>>, settings: &Settings) -> Result<Vec<Hop>, ConnectError> {
    own.unwrap_or(&settings.way.jumps).iter().map(|text| Hop::parse(text)).collect()
}

impl Agent {
    /// The socket to ask, if any.
    pub(super) fn socket(&self, session: Option<&PathBuf>) -> Option<PathBuf> {
        match self {
            Self::Session => session.cloned(),
            Self::None => None,
            Self::Socket(path) => Some(path.clone()),
        }
    }
}
