//! The text form of hosts: `user@name:port`, ranges `web[01:12]`, IPv6 in brackets.
//!
//! Used for `host`, `jump` and `--hosts`. The results need no quoting in a command line or a path.

use std::net::Ipv6Addr;

use super::problem::Fault;

/// More hosts than this in one range is a slip of the finger.
pub(super) const MOST_HOSTS: usize = 10_000;

/// A host text taken apart; `name` may still hold ranges.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address<'a> {
    pub user: Option<&'a str>,
    pub name: &'a str,
    pub port: Option<u16>,
}

pub(super) fn parse(text: &str) -> Result<Address<'_>, Fault> {
    let fault = |reason: &str| Fault::new(format!("`{text}` is not a host: {reason}"));
    if text.is_empty() {
        return Err(Fault::new("the name of a host must not be empty"));
    }
    if text.starts_with('-') {
        return Err(fault("it begins with `-`"));
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(fault("it contains blanks or control characters"));
    }
    // The last one: user names of some directories hold an `@` themselves.
    let (user, rest) = match text.rsplit_once('@') {
        Some((user, rest)) => (Some(user), rest),
        None => (None, text),
    };
    if let Some(user) = user {
        check_user(user).map_err(&fault)?;
    }
    let (name, port) = split_port(rest).map_err(&fault)?;
    let known = |c: char| c.is_alphanumeric() || "._-%+".contains(c);
    let ranges = |c: char| "[]:".contains(c);
    if is_ipv6(name) || (!name.is_empty() && name.chars().all(|c| known(c) || ranges(c))) {
        if name.starts_with('-') || name.starts_with('.') {
            return Err(fault("its name begins with `-` or a dot"));
        }
        return Ok(Address { user, name, port });
    }
    Err(fault("a name has only letters, digits and . _ -")
        .help("write a name or an address: web1, ops@web1:2222, [::1]:22, web[01:12].example.com"))
}

/// Why this names no host, where it is typed in place of one in a file.
#[must_use]
pub fn host_fault(text: &str) -> Option<String> {
    let read = parse(text).and_then(|address| expand(address.name));
    read.err().map(|fault| fault.message)
}

/// Why this cannot be a login, where it is typed.
#[must_use]
pub fn user_fault(user: &str) -> Option<String> {
    check_user(user).err().map(str::to_owned)
}

/// Why this cannot be a login.
pub(super) fn check_user(user: &str) -> Result<(), &'static str> {
    let bad = |c: char| c.is_control() || c.is_whitespace() || "/:'\"`$;&|<>()!*?[]".contains(c);
    if user.is_empty() {
        Err("the user is empty")
    } else if user.starts_with('-') {
        Err("the user begins with `-`")
    } else if user.chars().any(bad) {
        Err("the user contains a character that is not possible in a login")
    } else {
        Ok(())
    }
}

fn is_ipv6(name: &str) -> bool {
    name.split('%').next().is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

fn split_port(rest: &str) -> Result<(&str, Option<u16>), &'static str> {
    // `[::1]:22`; a range in front (`[1:3].example.com`) is no address and falls through.
    if let Some((inner, after)) = rest.strip_prefix('[').and_then(|inner| inner.split_once(']'))
        && is_ipv6(inner)
    {
        return match after.strip_prefix(':') {
            None if after.is_empty() => Ok((inner, None)),
            None => Err("after an address in brackets only `:PORT` can follow"),
            Some(port) => Ok((inner, Some(parse_port(port)?))),
        };
    }
    if is_ipv6(rest) {
        return Ok((rest, None));
    }
    let after_ranges = rest.rfind(']').map_or(0, |end| end + 1);
    match rest[after_ranges..].split_once(':') {
        None => Ok((rest, None)),
        Some((name, port)) => Ok((&rest[..after_ranges + name.len()], Some(parse_port(port)?))),
    }
}

fn parse_port(text: &str) -> Result<u16, &'static str> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port != 0).ok_or("its port is not between 1 and 65535")
}

/// All names that a name with ranges stands for.
pub(super) fn expand(name: &str) -> Result<Vec<String>, Fault> {
    if is_ipv6(name) {
        return Ok(vec![name.to_owned()]);
    }
    let names = expand_pattern(name)?;
    // A `:` that belongs to no range and no port.
    match names.iter().find(|name| name.contains(':')) {
        Some(_) => Err(Fault::new(format!("`{name}` has more than one port, or is no IPv6 address"))),
        None => Ok(names),
    }
}

/// Ranges written out, whatever stands around them, the last range counting fastest.
pub(super) fn expand_pattern(name: &str) -> Result<Vec<String>, Fault> {
    let mut names = vec![String::new()];
    let mut rest = name;
    while let Some(open) = rest.find(['[', ']']) {
        let (literal, after) = rest.split_at(open);
        let bad = || {
            Fault::new(format!("`{name}` has a range that cannot be read"))
                .help("a range counts up: [1:12], or [01:12] for names with leading zeros")
        };
        let (range, after) =
            after.strip_prefix('[').and_then(|after| after.split_once(']')).ok_or_else(bad)?;
        let range = Range::parse(range).ok_or_else(bad)?;
        if range.len().saturating_mul(names.len() as u64) > MOST_HOSTS as u64 {
            return Err(Fault::new(format!("`{name}` expands to more than {MOST_HOSTS} hosts")));
        }
        names = names
            .iter()
            .flat_map(|name| range.numbers().map(move |number| format!("{name}{literal}{number}")))
            .collect();
        rest = after;
    }
    for name in &mut names {
        name.push_str(rest);
    }
    Ok(names)
}

#[derive(Clone, Copy)]
struct Range {
    first: u64,
    last: u64,
    width: usize,
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once(':')?;
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(first) || !digits(last) {
            return None;
        }
        let width = if first.starts_with('0') { first.len() } else { 0 };
        let range = Self { first: first.parse().ok()?, last: last.parse().ok()?, width };
        (range.first <= range.last).then_some(range)
    }

    fn len(self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }

    fn numbers(self) -> impl Iterator<Item = String> {
        (self.first..=self.last).map(move |number| format!("{number:0width$}", width = self.width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_text_is_taken_apart() {
        for (text, user, name, port) in [
            ("web1", None, "web1", None),
            ("ops@web1:2222", Some("ops"), "web1", Some(2222)),
            ("[::1]:22", None, "::1", Some(22)),
            ("[fe80::1%eth0]", None, "fe80::1%eth0", None),
            ("::1", None, "::1", None),
            ("ops@corp@web1", Some("ops@corp"), "web1", None),
            ("ops@web[01:12].example.com:22", Some("ops"), "web[01:12].example.com", Some(22)),
            ("[1:3].example.com", None, "[1:3].example.com", None),
        ] {
            assert_eq!(parse(text), Ok(Address { user, name, port }), "{text}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "",
            "-oProxyCommand=x",
            "a b",
            "a/b",
            "@web",
            "-u@web",
            "web:",
            "web:0",
            "web:70000",
            "web:+22",
            "web;id",
            "web$(id)",
            "a\nb",
            "web*",
            "[::1]x",
            "u@-x",
            ".web",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ranges_stand_for_names() {
        assert_eq!(expand("web[08:11]").unwrap(), ["web08", "web09", "web10", "web11"]);
        assert_eq!(expand("[1:2]-[0:1].x").unwrap(), ["1-0.x", "1-1.x", "2-0.x", "2-1.x"]);
        assert_eq!(expand("web").unwrap(), ["web"]);
        for bad in
            ["web[3:1]", "web[a:b]", "web[1]", "web[1:2", "web]", "web[0:99999]", "a[1:200][1:200]", "a:b"]
        {
            assert!(expand(bad).is_err(), "{bad}");
        }
    }
}
