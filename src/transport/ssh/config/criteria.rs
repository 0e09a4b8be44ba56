//! `Match`: its words as criteria. What they are held against is in `walk`. Pure.

use std::net::IpAddr;

/// One criterion of a `Match` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Criterion {
    /// Without `!` before it.
    pub(super) wanted: bool,
    pub(super) what: What,
}

/// What has to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    All,
    /// Both hold in the second pass over the files only; `final` asks for one.
    Canonical,
    Final,
    /// A list of patterns that the host name, the name as typed, … has to match.
    Host(String),
    OriginalHost(String),
    User(String),
    LocalUser(String),
    Tagged(String),
    SessionType(String),
    /// A command of the user's that has to end with 0.
    Exec(String),
    /// One of this machine's addresses is in one of these networks.
    LocalNetwork(Vec<Network>),
    /// About ssh itself (`command`, `version`): only it can tell.
    OfOpenSsh(&'static str),
}

/// The criteria of a line, or what is wrong with it.
pub(super) fn parse(words: &[String]) -> Result<Vec<Criterion>, String> {
    let mut words = words.iter().map(String::as_str);
    let mut criteria: Vec<Criterion> = Vec::new();
    while let Some(word) = words.next() {
        let (bare, wanted) = word.strip_prefix('!').map_or((word, true), |bare| (bare, false));
        let (name, value) = bare.split_once('=').map_or((bare, None), |(name, value)| (name, Some(value)));
        let what = match name.to_ascii_lowercase().as_str() {
            "all" if criteria.len() > 1 || words.next().is_some() => {
                return Err("Match all cannot stand beside other criteria".to_owned());
            }
            "all" => What::All,
            "canonical" => What::Canonical,
            "final" => What::Final,
            name => {
                // `host=web1`, `host web1`, `host = web1`
                let value = match value.filter(|value| !value.is_empty()) {
                    Some(value) => Some(value),
                    None => words.next().and_then(|next| if next == "=" { words.next() } else { Some(next) }),
                };
                // Only a tag, a command and a version may be empty.
                let value = value.filter(|value| !value.is_empty() || matches!(name, "tagged" | "command"));
                with_value(name, value)?
            }
        };
        criteria.push(Criterion { wanted, what });
    }
    Ok(criteria)
}

fn with_value(name: &str, value: Option<&str>) -> Result<What, String> {
    let list = || value.map(str::to_owned).ok_or_else(|| format!("Match {name} lacks its argument"));
    Ok(match name {
        "host" => What::Host(list()?),
        "originalhost" => What::OriginalHost(list()?),
        "user" => What::User(list()?),
        "localuser" => What::LocalUser(list()?),
        "tagged" => What::Tagged(list()?),
        "sessiontype" => What::SessionType(list()?),
        "exec" => What::Exec(list()?),
        "localnetwork" => {
            What::LocalNetwork(list()?.split(',').map(Network::parse).collect::<Option<_>>().ok_or_else(
                || format!("{} is not a list of networks like 192.0.2.0/24", value.unwrap_or_default()),
            )?)
        }
        "command" => list().map(|_| What::OfOpenSsh("Match command"))?,
        "version" => list().map(|_| What::OfOpenSsh("Match version"))?,
        _ => return Err(format!("Match has no criterion {name}")),
    })
}

/// A network in CIDR form; without a length, one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Network {
    wanted: bool,
    base: IpAddr,
    length: u32,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (text, wanted) = text.strip_prefix('!').map_or((text, true), |text| (text, false));
        let (base, length) = text.split_once('/').map_or((text, None), |(base, length)| (base, Some(length)));
        let base: IpAddr = base.parse().ok()?;
        let longest = if base.is_ipv4() { 32 } else { 128 };
        let length = length.map_or(Some(longest), |length| length.parse().ok())?;
        (length <= longest).then_some(Self { wanted, base, length })
    }

    fn holds(&self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let differing = u32::from(base) ^ u32::from(address);
                differing.checked_shr(32 - self.length).unwrap_or(0) == 0
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let differing = u128::from(base) ^ u128::from(address);
                differing.checked_shr(128 - self.length).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// Whether one of `addresses` is in one of `networks` and in none of the negated ones.
pub(super) fn in_networks(networks: &[Network], addresses: &[IpAddr]) -> bool {
    addresses.iter().any(|address| {
        let mut within = networks.iter().filter(|network| network.holds(*address));
        let mut found = within.clone().peekable();
        found.peek().is_some() && within.all(|network| network.wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<Criterion>, String> {
        parse(&text.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn criteria_in_all_their_spellings() {
        let host = |wanted| Criterion { wanted, what: What::Host("web1,!db".into()) };
        for text in ["host web1,!db", "HOST=web1,!db", "host = web1,!db", "host= web1,!db"] {
            assert_eq!(parsed(text).unwrap(), [host(true)], "{text}");
        }
        assert_eq!(parsed("!host web1,!db").unwrap(), [host(false)]);
        let exec = Criterion { wanted: true, what: What::Exec("a=b".into()) };
        assert_eq!(parsed("exec a=b").unwrap(), [exec], "a value keeps its =");
        assert_eq!(parsed("final all").unwrap().len(), 2);
    }

    #[test]
    fn mistakes() {
        let table = [
            ("host", "Match host lacks its argument"),
            ("user a host b all", "Match all cannot stand beside other criteria"),
            ("all user", "Match all cannot stand beside other criteria"),
            ("sometime later", "Match has no criterion sometime"),
            ("localnetwork 10.0.0.0/33", "10.0.0.0/33 is not a list of networks like 192.0.2.0/24"),
        ];
        for (text, expected) in table {
            assert_eq!(parsed(text).unwrap_err(), expected, "{text}");
        }
    }

    #[test]
    fn addresses_in_networks() {
        let table = [
            ("192.0.2.0/24", true),
            ("192.0.3.0/24", false),
            ("0.0.0.0/0", true),
            ("192.0.2.7", true),
            ("2001:db8::/32", true),
            ("2001:db9::/32", false),
            ("192.0.2.0/24,!192.0.2.7", false),
            ("!198.51.100.0/24", false),
        ];
        for (text, expected) in table {
            let networks: Vec<_> = text.split(',').map(|text| Network::parse(text).unwrap()).collect();
            let v4: Vec<IpAddr> = vec!["192.0.2.7".parse().unwrap()];
            let addresses = if text.contains(':') { vec!["2001:db8::1".parse().unwrap()] } else { v4 };
            assert_eq!(in_networks(&networks, &addresses), expected, "{text}");
        }
    }
}
