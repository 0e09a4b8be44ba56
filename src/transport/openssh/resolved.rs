//! What `ssh -G` says about a host: where it leads, and what of the user's configuration decides how it is connected.
//!
//! Pure: text in, fields out. `ssh` prints a keyword in lower case and its value, a line each.

use std::path::PathBuf;

use crate::transport::NewKeys;

/// A host as `ssh` sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) hostname: String,
    pub(super) port: u16,
    pub(super) user: String,
    /// Where the user's own shared connection would listen.
    pub(super) control: Option<PathBuf>,
    /// `ProxyJump`, as written.
    pub(super) jump: Option<String>,
    /// The file to which unknown keys are added.
    pub(super) known_hosts: Option<PathBuf>,
    pub(super) new_keys: NewKeys,
    pub(super) hashed: bool,
    /// The user has a command of his own that knows host keys.
    pub(super) asks_for_keys: bool,
    /// `ForwardAgent`, and which agent would be lent to the host.
    pub(super) forwards: Forwards,
}

/// `ForwardAgent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Forwards {
    /// It is set: a shared connection of the user's lends an agent.
    pub(super) by_itself: bool,
    /// The agent that it would be.
    pub(super) agent: Lends,
}

/// An agent that can be lent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lends {
    /// The one that `ForwardAgent` names.
    Named,
    /// The one that `IdentityAgent` names.
    Identity,
    /// That of the session.
    Session,
    /// `IdentityAgent none`.
    Nothing,
}

impl Resolved {
    pub(super) fn read(text: &str) -> Self {
        let value = |keyword: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once(' '));
            lines.find(|(name, _)| *name == keyword).map(|(_, value)| value).filter(|value| *value != "none")
        };
        Self {
            hostname: value("hostname").unwrap_or_default().to_owned(),
            port: value("port").and_then(|port| port.parse().ok()).unwrap_or(22),
            user: value("user").unwrap_or_default().to_owned(),
            control: value("controlpath").map(PathBuf::from),
            jump: value("proxyjump").map(str::to_owned),
            known_hosts: value("userknownhostsfile")
                .and_then(|files| files.split(' ').next())
                .map(PathBuf::from),
            new_keys: match value("stricthostkeychecking") {
                Some("true" | "yes") => NewKeys::Refuse,
                Some("accept-new" | "false" | "no" | "off") => NewKeys::Accept,
                _ => NewKeys::Ask,
            },
            hashed: value("hashknownhosts") == Some("yes"),
            asks_for_keys: value("knownhostscommand").is_some(),
            forwards: Forwards::read(text),
        }
    }

    /// The machine that is connected to first: those behind one jump host share its patience, unless the connection to it stands (`via`).
    pub(super) fn first(&self, via: bool) -> String {
        match &self.jump {
            Some(jump) if !via => jump.split(',').next().unwrap_or_default().to_owned(),
            _ => format!("{}:{}", self.hostname, self.port),
        }
    }
}

impl Forwards {
    fn read(text: &str) -> Self {
        let value =
            |keyword: &str| text.lines().find_map(|line| line.strip_prefix(keyword)?.strip_prefix(' '));
        let said = value("forwardagent").unwrap_or("no");
        let agent = match value("identityagent") {
            _ if !["yes", "no"].contains(&said) => Lends::Named,
            None | Some("SSH_AUTH_SOCK" | "$SSH_AUTH_SOCK" | "${SSH_AUTH_SOCK}") => Lends::Session,
            Some("none") => Lends::Nothing,
            Some(_) => Lends::Identity,
        };
        Self { by_itself: said != "no", agent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_that_matter_are_found() {
        let text = "user ops\nhostname 192.0.2.1\nport 2222\ncontrolpath /home/o/my socket\nproxyjump a,b\n\
                    userknownhostsfile /home/o/.ssh/known_hosts /x\nstricthostkeychecking accept-new\nhashknownhosts yes\n";
        let read = Resolved::read(text);
        assert_eq!((read.user.as_str(), read.port, read.hashed), ("ops", 2222, true));
        assert_eq!(read.control, Some("/home/o/my socket".into()));
        assert_eq!((read.first(false).as_str(), read.new_keys), ("a", NewKeys::Accept));
        assert_eq!(read.known_hosts, Some("/home/o/.ssh/known_hosts".into()));
        let bare = Resolved::read("hostname web1\ncontrolpath none\nstricthostkeychecking ask\n");
        assert_eq!((bare.control, bare.port, bare.new_keys), (None, 22, NewKeys::Ask));
        for (text, by_itself, agent) in [
            ("", false, Lends::Session),
            ("forwardagent no\n", false, Lends::Session),
            ("forwardagent yes\nidentityagent SSH_AUTH_SOCK\n", true, Lends::Session),
            ("identityagent none\nforwardagent yes\n", true, Lends::Nothing),
            ("forwardagent $OTHER\nidentityagent none\n", true, Lends::Named),
            ("forwardagent /a\n", true, Lends::Named),
            ("forwardagent no\nidentityagent ~/.agent\n", false, Lends::Identity),
        ] {
            assert_eq!(Resolved::read(text).forwards, Forwards { by_itself, agent }, "{text}");
        }
    }
}
