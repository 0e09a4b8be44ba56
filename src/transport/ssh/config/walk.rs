//! A walk over the tree of ssh_config for one host: which blocks count, and what is said there.
//!
//! Asks neither the network nor a program. Where the answer of a command is missing (`Match exec`), the walk stops and says so; it
//! begins anew when there is one. Criteria short-circuit as in ssh: a command is not asked for where an earlier criterion fails.

use super::criteria::{Criterion, What, in_networks};
use super::parse::Item;
use super::place::Place;
use super::query::{Query, Stop};
use super::settings::Need;
use super::tokens::{MOST, Tokens};
use super::values::Values;
use crate::transport::ssh::pattern::{any_matches, matches};

/// What the walk has met so far.
pub(super) struct Walk<'a> {
    query: &'a Query<'a>,
    pub(super) values: Values,
    /// What only OpenSSH can do, as far as it is no row of the table.
    pub(super) needs: Vec<Need>,
    /// The host name, in the second pass.
    second: Option<String>,
    /// Some `Match final` asks for a second pass.
    pub(super) wants_second: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(query: &'a Query<'a>) -> Self {
        Self { query, values: Values::default(), needs: Vec::new(), second: None, wants_second: false }
    }

    /// `Host` and `Match host` are held against `hostname` from now on; what was said stays.
    pub(super) fn again_for(&mut self, hostname: String) {
        self.second = Some(hostname);
    }

    /// `enclosing`: whether the block that included these items counts.
    pub(super) fn items(&mut self, items: &[Item], enclosing: bool) -> Result<(), Stop> {
        let mut active = enclosing;
        for item in items {
            match item {
                Item::Host(patterns) => {
                    let host = self.second.as_deref().unwrap_or(self.query.host);
                    active = enclosing && any_matches(patterns.iter().map(String::as_str), host);
                }
                Item::Match(criteria, place) => active = enclosing && self.all_hold(criteria, place)?,
                Item::Include(files) => {
                    for file in files {
                        self.items(file, active)?;
                    }
                }
                Item::Set { keyword, arguments, place } if active => {
                    self.values.keep(keyword.name, keyword.kind, arguments, place);
                }
                Item::Set { .. } => {}
                Item::Unknown { keyword, place } => {
                    let ignored = self.values.first("IgnoreUnknown").unwrap_or_default();
                    if !ignored.split(',').any(|pattern| matches(pattern, &keyword.to_ascii_lowercase())) {
                        self.need(keyword, place, false);
                    }
                }
                Item::OfOpenSsh { what, place } if active => self.need(what, place, true),
                Item::OfOpenSsh { .. } => {}
            }
        }
        Ok(())
    }

    fn need(&mut self, keyword: &str, place: &Place, known: bool) {
        let need = Need { keyword: keyword.to_owned(), place: place.clone(), known };
        if !self.needs.contains(&need) {
            self.needs.push(need);
        }
    }

    fn all_hold(&mut self, criteria: &[Criterion], place: &Place) -> Result<bool, Stop> {
        // Asked for even where an earlier criterion fails.
        self.wants_second |= criteria.iter().any(|criterion| criterion.what == What::Final);
        for Criterion { wanted, what } in criteria {
            if self.holds(what, place)? != *wanted {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn holds(&mut self, what: &What, place: &Place) -> Result<bool, Stop> {
        let listed = |list: &str, text: &str| any_matches(list.split(','), text);
        Ok(match what {
            What::All => true,
            What::Canonical | What::Final => self.second.is_some(),
            // Host names have no case.
            What::Host(list) => listed(&list.to_ascii_lowercase(), &self.hostname().to_ascii_lowercase()),
            What::OriginalHost(list) => {
                listed(&list.to_ascii_lowercase(), &self.query.host.to_ascii_lowercase())
            }
            What::User(list) => listed(list, self.user()),
            What::LocalUser(list) => listed(list, self.query.local_user),
            What::Tagged(list) => listed(list, self.values.first("Tag").unwrap_or_default()),
            What::SessionType(list) => listed(list, "exec"),
            What::LocalNetwork(networks) => in_networks(networks, &super::machine::addresses()),
            What::Exec(command) => return self.ends_well(command, place),
            What::OfOpenSsh(what) => {
                self.need(what, place, true);
                false
            }
        })
    }

    fn ends_well(&self, command: &str, place: &Place) -> Result<bool, Stop> {
        let hostname = self.hostname();
        let command = self.tokens(&hostname).expand(command, MOST).map_err(|reason| place.error(reason))?;
        match self.query.answers.get(&command) {
            Some(answer) => Ok(*answer),
            None => Err(Stop::Ask { command, place: place.clone() }),
        }
    }

    /// `HostName` with its tokens, as far as it is known.
    pub(super) fn hostname(&self) -> String {
        if let Some(second) = &self.second {
            return second.clone();
        }
        let said = self.values.first("Hostname").unwrap_or("%h");
        said.replace("%%", "\0").replace("%h", self.query.host).replace('\0', "%")
    }

    pub(super) fn user(&self) -> &str {
        self.query.user.or_else(|| self.values.first("User")).unwrap_or(self.query.local_user)
    }

    pub(super) fn port(&self) -> u16 {
        let said = || self.values.first("Port").and_then(super::kind::port);
        self.query.port.or_else(said).unwrap_or(22)
    }

    pub(super) fn tokens<'t>(&'t self, hostname: &'t str) -> Tokens<'t> {
        let jump = self.values.first("ProxyJump").filter(|jump| !jump.eq_ignore_ascii_case("none"));
        Tokens {
            hostname,
            original: self.query.host,
            port: self.port(),
            user: self.user(),
            local_user: self.query.local_user,
            home: self.query.home,
            alias: self.values.first("HostKeyAlias"),
            jump: jump.unwrap_or_default(),
            machine: self.query.machine,
        }
    }
}
