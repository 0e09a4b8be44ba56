//! The settings of one host: a walk over the tree in which the first value wins and key files add up.
//!
//! Pure: asks neither the network nor a program. `Match exec`, and every criterion that is not known, leaves its block out.

use std::path::{Path, PathBuf};

use super::parse::{Item, Place};
use super::tokens::Tokens;
use super::values::{Agent, Proxy, Said, agent, file_list, identity_files, new_keys, port, proxy, yes_no};
use crate::transport::ssh::pattern::any_matches;
use crate::transport::{ConnectError, NewKeys};

/// Who asks, and what is already decided.
pub(in crate::transport::ssh) struct Query<'a> {
    /// The host as written: what `Host` patterns are held against.
    pub(in crate::transport::ssh) host: &'a str,
    /// Decided elsewhere; the files cannot change it.
    pub(in crate::transport::ssh) user: Option<&'a str>,
    /// Decided elsewhere.
    pub(in crate::transport::ssh) port: Option<u16>,
    /// The operator's login name.
    pub(in crate::transport::ssh) local_user: &'a str,
    /// The operator's home.
    pub(in crate::transport::ssh) home: &'a Path,
}

/// What the files, and the defaults behind them, say of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "named for the keywords")]
pub(in crate::transport::ssh) struct Settings {
    pub(in crate::transport::ssh) hostname: String,
    pub(in crate::transport::ssh) user: String,
    pub(in crate::transport::ssh) port: u16,
    pub(in crate::transport::ssh) identity_files: Vec<PathBuf>,
    /// Whether the files name keys at all: `IdentityFile none` names none, but it does say so.
    pub(in crate::transport::ssh) identities_set: bool,
    pub(in crate::transport::ssh) identities_only: bool,
    pub(in crate::transport::ssh) agent: Agent,
    /// Nearest first.
    pub(in crate::transport::ssh) jumps: Vec<String>,
    /// Where `ProxyCommand` stands, if it is set.
    pub(in crate::transport::ssh) proxy_command: Option<(PathBuf, usize)>,
    pub(in crate::transport::ssh) user_known_hosts: Option<Vec<PathBuf>>,
    pub(in crate::transport::ssh) global_known_hosts: Option<Vec<PathBuf>>,
    /// `StrictHostKeyChecking`
    pub(in crate::transport::ssh) new_keys: NewKeys,
    pub(in crate::transport::ssh) hash_known_hosts: bool,
}

pub(super) fn resolve(files: &[Vec<Item>], query: &Query<'_>) -> Result<Settings, ConnectError> {
    let mut found = Found { user: query.user.map(str::to_owned), port: query.port, ..Found::new(query) };
    for items in files {
        found.walk(items, true)?;
    }
    found.finish()
}

/// What the walk has met so far.
struct Found<'a> {
    query: &'a Query<'a>,
    hostname: Said<String>,
    user: Option<String>,
    port: Option<u16>,
    identity_files: Vec<(String, Place)>,
    identities_only: Option<bool>,
    agent: Said<String>,
    /// `ProxyJump` and `ProxyCommand` share one place: whichever comes first counts.
    proxy: Said<Proxy>,
    user_known_hosts: Said<Vec<String>>,
    global_known_hosts: Said<Vec<String>>,
    new_keys: Option<NewKeys>,
    hash_known_hosts: Option<bool>,
}

impl<'a> Found<'a> {
    fn new(query: &'a Query<'a>) -> Self {
        Self {
            query,
            hostname: None,
            user: None,
            port: None,
            identity_files: Vec::new(),
            identities_only: None,
            agent: None,
            proxy: None,
            user_known_hosts: None,
            global_known_hosts: None,
            new_keys: None,
            hash_known_hosts: None,
        }
    }

    /// `enclosing`: whether the block that included these items counts.
    fn walk(&mut self, items: &[Item], enclosing: bool) -> Result<(), ConnectError> {
        let mut active = enclosing;
        for item in items {
            match item {
                Item::Host(patterns) => {
                    active = enclosing && any_matches(patterns.iter().map(String::as_str), self.query.host);
                }
                Item::Match(criteria, place) => active = enclosing && self.all_hold(criteria, place)?,
                Item::Include(files) => {
                    for file in files {
                        self.walk(file, active)?;
                    }
                }
                Item::Set { keyword, arguments, place } if active => self.set(keyword, arguments, place)?,
                Item::Set { .. } => {}
            }
        }
        Ok(())
    }

    fn all_hold(&self, criteria: &[String], place: &Place) -> Result<bool, ConnectError> {
        let mut words = criteria.iter().flat_map(|word| match word.split_once('=') {
            Some((name, value)) => vec![name, value],
            None => vec![word.as_str()],
        });
        let mut all = true;
        while let Some(word) = words.next() {
            let (name, wanted) = word.strip_prefix('!').map_or((word, true), |name| (name, false));
            let holds = match name.to_ascii_lowercase().as_str() {
                "all" => true,
                // These belong to a second pass over the files, which only host name canonicalisation needs.
                "canonical" | "final" => false,
                name @ ("host" | "originalhost" | "user" | "localuser") => {
                    let list = words
                        .next()
                        .ok_or_else(|| place.error(format!("Match {name} lacks its patterns")))?;
                    any_matches(list.split(','), &self.subject(name))
                }
                _ => return Ok(false),
            };
            all &= holds == wanted;
        }
        Ok(all)
    }

    /// What a `Match` criterion is held against.
    fn subject(&self, criterion: &str) -> String {
        match criterion {
            "host" => self.hostname(),
            "originalhost" => self.query.host.to_owned(),
            "user" => self.user.clone().unwrap_or_else(|| self.query.local_user.to_owned()),
            _ => self.query.local_user.to_owned(),
        }
    }

    fn hostname(&self) -> String {
        let said = self.hostname.as_ref().map_or(self.query.host, |(name, _)| name);
        said.replace("%%", "\0").replace("%h", self.query.host).replace('\0', "%").to_ascii_lowercase()
    }

    fn set(&mut self, keyword: &str, arguments: &[String], place: &Place) -> Result<(), ConnectError> {
        let first = || {
            let missing = || place.error(format!("{keyword} lacks its argument"));
            arguments.first().filter(|a| !a.is_empty()).cloned().ok_or_else(missing)
        };
        match keyword {
            "hostname" => keep(&mut self.hostname, first()?, place),
            "user" => self.user = self.user.take().or(Some(first()?)),
            "port" => self.port = self.port.or(Some(port(&first()?, place)?)),
            "identityfile" => self.identity_files.push((first()?, place.clone())),
            "identitiesonly" => {
                self.identities_only = self.identities_only.or(Some(yes_no(keyword, &first()?, place)?));
            }
            "identityagent" => keep(&mut self.agent, first()?, place),
            "proxyjump" => match first()? {
                none if none.eq_ignore_ascii_case("none") => keep(&mut self.proxy, Proxy::None, place),
                jumps => keep(&mut self.proxy, Proxy::Jump(jumps), place),
            },
            "proxycommand" => match first()? {
                none if none.eq_ignore_ascii_case("none") => keep(&mut self.proxy, Proxy::None, place),
                _ => keep(&mut self.proxy, Proxy::Command, place),
            },
            "userknownhostsfile" => {
                first()?;
                keep(&mut self.user_known_hosts, arguments.to_vec(), place);
            }
            "globalknownhostsfile" => {
                first()?;
                keep(&mut self.global_known_hosts, arguments.to_vec(), place);
            }
            "stricthostkeychecking" => {
                self.new_keys = self.new_keys.or(Some(new_keys(&first()?, place)?));
            }
            "hashknownhosts" => {
                self.hash_known_hosts = self.hash_known_hosts.or(Some(yes_no(keyword, &first()?, place)?));
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(self) -> Result<Settings, ConnectError> {
        let hostname = self.hostname();
        let user = self.user.clone().unwrap_or_else(|| self.query.local_user.to_owned());
        let port = self.port.unwrap_or(22);
        let tokens = Tokens {
            hostname: &hostname,
            original: self.query.host,
            port,
            user: &user,
            local_user: self.query.local_user,
            home: self.query.home,
        };
        let (jumps, proxy_command) = proxy(self.proxy, &tokens)?;
        Ok(Settings {
            identities_set: !self.identity_files.is_empty(),
            identity_files: identity_files(self.identity_files, &tokens)?,
            identities_only: self.identities_only.unwrap_or(false),
            agent: agent(self.agent, &tokens)?,
            jumps,
            proxy_command,
            user_known_hosts: file_list(self.user_known_hosts, &tokens)?,
            global_known_hosts: file_list(self.global_known_hosts, &tokens)?,
            new_keys: self.new_keys.unwrap_or_default(),
            hash_known_hosts: self.hash_known_hosts.unwrap_or(false),
            port,
            user: user.clone(),
            hostname: hostname.clone(),
        })
    }
}

fn keep<T>(slot: &mut Said<T>, value: T, place: &Place) {
    slot.get_or_insert_with(|| (value, place.clone()));
}
