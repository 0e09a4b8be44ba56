//! What `ssh -v` writes into its log, as facts: how far it came, what it offered, how a program ended.
//!
//! Pure. Of prose only what OpenSSH has said in the same words for many versions; a line that is not known here is what
//! `ssh` itself says about a failure, and is shown as it is.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use crate::transport::{Attempt, Step};

/// Behind the name of a key that the agent has.
const OF_AGENT: &str = " (agent)";
/// Characters that are kept of what `ssh` says.
const LONGEST: usize = 300;

/// A connection's log.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Log {
    /// `address:port` of the last attempt.
    pub(super) address: Option<String>,
    pub(super) attempts: Vec<Attempt>,
    /// How far it came.
    pub(super) stage: Stage,
    /// Type and fingerprint.
    pub(super) host_key: Option<(String, String)>,
    /// The keys that were offered.
    pub(super) offered: Vec<String>,
    /// The last of them that the server would take, and that did not let in: a file that could not be opened.
    pub(super) not_signed: Option<PathBuf>,
    /// The last of them that the server would take, where the agent has it.
    of_agent: Option<String>,
    /// Those with which the agent refused to sign.
    pub(super) unsigned: Vec<String>,
    /// Those that the server would take, and whose signature it did not.
    pub(super) rejected: Vec<String>,
    /// The keys to offer are known: the agent has told its own.
    pub(super) keys_known: bool,
    /// The methods that the server would take.
    pub(super) methods: Vec<String>,
    /// What the server said instead of its banner.
    pub(super) before_banner: Option<String>,
    /// What is no remark for debugging: warnings and errors, in order.
    pub(super) said: Vec<String>,
}

/// How far a connection came.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    #[default]
    Connecting,
    KeyExchange,
    Authentication,
    Authenticated,
}

impl Stage {
    /// What did not happen, where the time ran out.
    pub(super) fn step(self) -> Step {
        match self {
            Self::Connecting => Step::Connect,
            Self::KeyExchange => Step::KeyExchange,
            Self::Authentication | Self::Authenticated => Step::Authentication,
        }
    }
}

impl Log {
    pub(super) fn read(text: &str) -> Self {
        let mut log = Self::default();
        for line in text.lines() {
            match line.trim_end().strip_prefix("debug1: ") {
                Some(remark) => log.remark(remark),
                None if line.starts_with("debug") || line.starts_with("OpenSSH_") => {}
                None => log.say(line.trim_end()),
            }
        }
        log
    }

    fn remark(&mut self, line: &str) {
        let mut reached = |stage| self.stage = self.stage.max(stage);
        if let Some(rest) = line.strip_prefix("Connecting to ") {
            self.address = address(rest).map(|address| address.to_string());
        } else if let Some((address, reason)) = line.strip_prefix("connect to address ").and_then(attempt) {
            self.attempts.push(Attempt { address, reason });
        } else if line.starts_with("Connection established") {
            reached(Stage::KeyExchange);
        } else if let Some(rest) = line.strip_prefix("Server host key: ") {
            self.host_key = rest.split_once(' ').map(|(kind, key)| (kind.to_owned(), key.to_owned()));
        } else if let Some(rest) = line.strip_prefix("kex_exchange_identification: banner line ") {
            self.before_banner = rest.split_once(": ").map(|(_, said)| short(said));
        } else if line.starts_with("SSH2_MSG_NEWKEYS received") {
            reached(Stage::Authentication);
        } else if line.starts_with("Will attempt key: ") {
            self.keys_known = true;
        } else if let Some(methods) = line.strip_prefix("Authentications that can continue: ") {
            self.rejected.extend(self.of_agent.take());
            self.methods = methods.split(',').map(|method| short(method.trim())).collect();
        } else if let Some(key) = line.strip_prefix("Offering public key: ") {
            self.offered.push(offered(key));
        } else if let Some(key) = line.strip_prefix("Server accepts key: ") {
            let key = offered(key);
            self.of_agent = key.ends_with(OF_AGENT).then(|| key.clone());
            self.not_signed =
                Some(PathBuf::from(key)).filter(|file| file.is_absolute() && self.of_agent.is_none());
        }
    }

    fn say(&mut self, line: &str) {
        if line.starts_with("Authenticated to ") {
            self.stage = Stage::Authenticated;
        } else if line.starts_with("Authenticated using ") {
            // One of several methods that are asked for.
            (self.not_signed, self.of_agent) = (None, None);
        } else if line.starts_with("sign_and_send_pubkey: ") && line.ends_with(": agent refused operation") {
            self.unsigned.extend(self.of_agent.take());
        } else if !line.is_empty() {
            self.said.push(short(line));
        }
    }

    /// The agent has been asked to sign, and has not answered: a person may have to touch a key, or agree.
    pub(super) fn waits_for_agent(&self) -> bool {
        self.of_agent.is_some()
    }

    /// The rest of the first line that begins so.
    pub(super) fn rest_of(&self, beginning: &str) -> Option<&str> {
        self.said.iter().find_map(|line| line.strip_prefix(beginning))
    }

    pub(super) fn says(&self, words: &str) -> bool {
        self.said.iter().any(|line| line.contains(words))
    }
}

/// How a program ended whose `ssh` ended with 255, from that one's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// The host said this code.
    Code(u32),
    /// The host said none. On this channel of the shared connection, where it was one.
    NoCode { channel: Option<u32> },
}

/// `client`: the log of the `ssh` of one program, with two `-v`.
pub(super) fn ending(client: &str) -> Ending {
    let mut channel = None;
    for line in client.lines().filter_map(|line| line.split_once(": ").map(|(_, line)| line.trim_end())) {
        let number = |beginning: &str| line.strip_prefix(beginning)?.trim().parse::<u32>().ok();
        // The second is what it says where it was no shared connection.
        if let Some(code) = number("Received exit status from master ").or_else(|| number("Exit status ")) {
            return Ending::Code(code);
        }
        channel = number("mux_client_request_session: master session id: ").or(channel);
    }
    Ending::NoCode { channel }
}

/// Whether the program that ended last on this channel was killed by a signal. `master`: the log of the shared connection. Numbers of
/// channels are given anew, perhaps while this is read.
pub(super) fn was_killed(master: &str, channel: u32) -> bool {
    let begins = format!("debug1: channel {channel}: new ");
    let ends = format!("debug1: channel {channel}: free");
    let told = format!("debug1: client_input_channel_req: channel {channel} rtype exit-signal");
    let (mut killed, mut last) = (false, false);
    for line in master.lines() {
        if line.starts_with(&begins) {
            killed = false;
        } else if line.starts_with(&told) {
            killed = true;
        } else if line.starts_with(&ends) {
            last = killed;
        }
    }
    last
}

/// The same of a program that had a connection of its own, from the log of that one.
pub(super) fn was_killed_alone(client: &str) -> bool {
    let kind =
        |line: &str| line.split_once(" rtype ").is_some_and(|(_, kind)| kind.starts_with("exit-signal"));
    client.lines().filter_map(|line| line.strip_prefix("debug1: client_input_channel_req: ")).any(kind)
}

/// Why the last connection that the host was to open for us was not: what follows `open failed: `.
pub(super) fn open_failed(master: &str) -> Option<String> {
    let lines = master.lines().filter(|line| line.starts_with("channel "));
    lines.filter_map(|line| Some(short(line.split_once(": open failed: ")?.1.trim_end()))).next_back()
}

/// `web1 [192.0.2.1] port 22.`
fn address(text: &str) -> Option<SocketAddr> {
    let (_, rest) = text.split_once('[')?;
    let (address, port) = rest.split_once("] port ")?;
    Some(SocketAddr::new(ip(address)?, port.trim_end_matches('.').parse().ok()?))
}

/// `192.0.2.1 port 22: Connection refused`
fn attempt(text: &str) -> Option<(SocketAddr, String)> {
    let (address, rest) = text.split_once(" port ")?;
    let (port, reason) = rest.split_once(": ")?;
    Some((SocketAddr::new(ip(address)?, port.parse().ok()?), short(reason).to_lowercase()))
}

fn ip(text: &str) -> Option<IpAddr> {
    text.split('%').next()?.parse().ok()
}

/// `/home/o/.ssh/id ED25519 SHA256:… agent`: its name, its fingerprint, and where it is.
fn offered(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let key = words.iter().position(|word| word.contains("SHA256:")).unwrap_or(words.len());
    let name = words[..key.saturating_sub(1)].join(" ");
    let from = if words[key.min(words.len())..].contains(&"agent") { OF_AGENT } else { "" };
    short(&format!("{name}{from}"))
}

fn short(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: &str = "OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19 27 Jan 2026\r\n\
        debug1: Reading configuration data /etc/ssh/ssh_config\r\n\
        debug1: Connecting to web1 [192.0.2.1] port 2222.\r\n\
        debug1: Connection established.\r\n\
        debug1: Server host key: ssh-ed25519 SHA256:WklU\r\n\
        debug1: SSH2_MSG_NEWKEYS received\r\n\
        debug1: Authentications that can continue: publickey,password\r\n\
        debug1: Offering public key: /home/o/my keys/id ED25519 SHA256:Y1Mt explicit\r\n\
        debug1: Offering public key: o@desk RSA SHA256:Q2Mt agent\r\n\
        ops@192.0.2.1: Permission denied (publickey,password).\r\n";

    #[test]
    fn a_refused_login_says_what_was_offered() {
        let log = Log::read(REFUSED);
        assert_eq!(log.address.as_deref(), Some("192.0.2.1:2222"));
        assert_eq!(log.stage, Stage::Authentication);
        assert_eq!(log.offered, ["/home/o/my keys/id", "o@desk (agent)"]);
        assert_eq!(log.methods, ["publickey", "password"]);
        assert_eq!(log.said, ["ops@192.0.2.1: Permission denied (publickey,password)."]);
    }

    #[test]
    fn a_key_that_the_server_would_take_and_that_has_a_passphrase_is_named() {
        let accepted = "debug1: Server accepts key: /home/o/my keys/id ED25519 SHA256:Y1Mt explicit\n";
        let log = Log::read(accepted);
        assert_eq!(log.not_signed, Some("/home/o/my keys/id".into()));
        let partial = format!("{accepted}Authenticated using \"publickey\" with partial success.\n");
        assert_eq!(Log::read(&partial).not_signed, None);
    }

    #[test]
    fn addresses_that_did_not_answer_are_listed() {
        let log = Log::read(
            "debug1: Connecting to web1 [2001:db8::1] port 22.\n\
             debug1: connect to address 2001:db8::1 port 22: Network is unreachable\n\
             debug1: Connecting to web1 [192.0.2.1] port 22.\n\
             debug1: connect to address 192.0.2.1 port 22: Connection refused\n\
             ssh: connect to host web1 port 22: Connection refused\n",
        );
        let reasons: Vec<&str> = log.attempts.iter().map(|attempt| attempt.reason.as_str()).collect();
        assert_eq!(reasons, ["network is unreachable", "connection refused"]);
        assert_eq!(log.rest_of("ssh: connect to host "), Some("web1 port 22: Connection refused"));
    }

    #[test]
    fn the_code_255_of_the_host_is_told_from_an_end_without_one() {
        let shared = "debug2: mux_client_hello_exchange: master version 4\r\n\
                      debug1: mux_client_request_session: master session id: 2\r\n";
        let code = format!("{shared}debug2: Received exit status from master 255\r\n");
        assert_eq!(ending(&code), Ending::Code(255));
        let none = format!("{shared}debug2: Control master terminated unexpectedly\r\n");
        assert_eq!(ending(&none), Ending::NoCode { channel: Some(2) });
        assert_eq!(ending("debug1: Exit status 255\r\n"), Ending::Code(255));
        assert_eq!(ending("debug1: Exit status -1\r\n"), Ending::NoCode { channel: None });
    }

    #[test]
    fn a_program_that_a_signal_killed_is_told_from_the_next_one_on_its_channel() {
        let first = "debug1: channel 2: new session [client-session] (inactive timeout: 0)\r\n\
                     debug1: client_input_channel_req: channel 2 rtype exit-signal reply 0\r\n\
                     debug1: client_input_channel_req: channel 2 rtype eow@openssh.com reply 0\r\n\
                     debug1: channel 2: free: client-session, nchannels 3\r\n";
        assert!(was_killed(first, 2) && !was_killed(first, 3));
        let running = format!("{first}debug1: channel 2: new session [client-session]\r\n");
        assert!(was_killed(&running, 2), "the next one has begun");
        let ended = format!(
            "{running}debug1: client_input_channel_req: channel 2 rtype exit-status reply 0\r\n\
             debug1: channel 2: free: client-session, nchannels 3\r\n"
        );
        assert!(!was_killed(&ended, 2), "it had a code");
        let alone = "debug1: client_input_channel_req: channel 0 rtype exit-signal reply 0\r\n";
        assert!(was_killed_alone(alone) && !was_killed_alone("debug1: Exit status -1\r\n"));
    }

    #[test]
    fn a_forbidden_forwarding_is_told_from_a_port_on_which_nothing_listens() {
        let master = "channel 2: open failed: administratively prohibited: open failed\r\n\
                      channel 3: open failed: connect failed: Connection refused\r\n";
        assert_eq!(open_failed(master).as_deref(), Some("connect failed: Connection refused"));
        assert_eq!(open_failed("debug1: channel 2: free\r\n"), None);
    }
}
