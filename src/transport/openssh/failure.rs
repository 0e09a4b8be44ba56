//! From the log of an `ssh` that did not connect to why it did not, in the words of every client.
//!
//! Pure but for the file in which the host's key was kept.

use std::path::PathBuf;
use std::time::Duration;

use super::log::{Log, Stage};
use super::resolved::Resolved;
use super::session::Via;
use crate::config::Host;
use crate::transport::{ConnectError, OfferedKey, Refusal, Step};

/// What is known about an `ssh` that did not connect.
pub(super) struct Failed<'a> {
    pub(super) host: &'a Host,
    pub(super) resolved: &'a Resolved,
    /// The connection to the jump host, where it is ours.
    pub(super) via: Option<&'a Via>,
    /// What it wrote into its log.
    pub(super) log: String,
    /// What it, and the `ssh` to a jump host, printed.
    pub(super) printed: String,
    /// It was ended after this long.
    pub(super) late: Option<Duration>,
    /// The key that the host showed, as a line for known_hosts.
    pub(super) key_line: Option<String>,
}

/// How `ssh` calls the other end of a connection that a jump host, or a command, makes for it.
const BEHIND: &str = "UNKNOWN port 65535";

impl Failed<'_> {
    pub(super) fn error(&self) -> ConnectError {
        let log = Log::read(&self.log);
        if let Some(via) = self.via
            && let Some(reason) = via.refused(&self.printed)
        {
            let source = Box::new(ConnectError::Tunnel { target: self.resolved.hostname.clone(), reason });
            return ConnectError::Jump { host: self.machine(), hop: via.hop.clone(), source };
        }
        if let Some(jump) = &self.resolved.jump
            && log.stage <= Stage::KeyExchange
            && log.host_key.is_none()
            && let Some(source) = self.jump_failed()
        {
            let hop = jump.split(',').next_back().unwrap_or_default().to_owned();
            return ConnectError::Jump { host: self.machine(), hop, source: Box::new(source) };
        }
        if let Some(after) = self.late {
            let (host, address) = (self.machine(), self.address(&log));
            let step = match log.stage {
                Stage::Authentication if !log.keys_known || log.waits_for_agent() => Step::AgentOrLogin,
                stage => stage.step(),
            };
            return ConnectError::Timeout { host, address, step, after };
        }
        self.not_reached(&log)
            .or_else(|| self.not_trusted(&log))
            .or_else(|| self.not_let_in(&log))
            .unwrap_or_else(|| self.other(&log))
    }

    fn machine(&self) -> String {
        self.host.machine.clone()
    }

    fn address(&self, log: &Log) -> String {
        let behind = || match &self.resolved.jump {
            Some(jump) => format!("{} port {} via {jump}", self.resolved.hostname, self.resolved.port),
            None => format!("{} port {}", self.resolved.hostname, self.resolved.port),
        };
        log.address.clone().unwrap_or_else(behind)
    }

    /// The `ssh` to a jump host writes its log to where that of the host prints.
    fn jump_failed(&self) -> Option<ConnectError> {
        let log = Log::read(&self.printed);
        let said = log.said.last()?.clone();
        let target = self.resolved.hostname.clone();
        if let Some(reason) = super::log::open_failed(&self.printed) {
            return Some(ConnectError::Tunnel { target, reason });
        }
        if log.stage == Stage::Authenticated {
            return Some(ConnectError::Tunnel { target, reason: said });
        }
        let hop = Failed {
            host: self.host,
            resolved: &Resolved { jump: None, ..self.resolved.clone() },
            via: None,
            log: self.printed.clone(),
            printed: String::new(),
            late: None,
            key_line: None,
        };
        let none = || ConnectError::OpenSsh { host: self.machine(), said };
        Some(hop.not_reached(&log).or_else(|| hop.not_let_in(&log)).unwrap_or_else(none))
    }

    fn not_reached(&self, log: &Log) -> Option<ConnectError> {
        let host = self.machine();
        if let Some(rest) = log.rest_of("ssh: Could not resolve hostname ") {
            let (name, reason) = rest.split_once(": ").unwrap_or((rest, "no address"));
            return Some(ConnectError::Resolve { host: name.to_owned(), reason: reason.to_lowercase() });
        }
        if let Some(rest) = log.rest_of("ssh: connect to host ") {
            let reason = rest.split_once(": ").map_or(rest, |(_, reason)| reason);
            if reason.contains("timed out") && log.attempts.len() <= 1 {
                let (address, after) = (self.address(log), self.patience());
                return Some(ConnectError::Timeout { host, address, step: log.stage.step(), after });
            }
            let (port, attempts) = (self.resolved.port, log.attempts.clone());
            return Some(match attempts.is_empty() {
                true => ConnectError::OpenSsh { host, said: rest.to_owned() },
                false => ConnectError::Unreachable { host, port, attempts },
            });
        }
        if log.says("timed out during banner exchange") {
            let (address, after) = (self.address(log), self.patience());
            return Some(ConnectError::Timeout { host, address, step: log.stage.step(), after });
        }
        if let Some(reason) = log.rest_of("kex_exchange_identification: ")
            && (self.via.is_some() || !log.says(BEHIND))
        {
            let mut reason = reason.to_lowercase();
            if let Some(said) = &log.before_banner {
                reason += &format!("; it said: {said}");
            }
            let address = self.address(log);
            return Some(ConnectError::ClosedEarly { host, address, reason });
        }
        None
    }

    fn patience(&self) -> Duration {
        self.late.unwrap_or_default()
    }

    fn not_trusted(&self, log: &Log) -> Option<ConnectError> {
        if !log.says("Host key verification failed") && !log.says("REVOKED HOST KEY DETECTED") {
            return None;
        }
        let key = Box::new(self.offered_key(log)?);
        if let Some(pinned) = self.host.host_key.clone() {
            return Some(ConnectError::PinnedHostKey { key, pinned });
        }
        // `Offending ED25519 key in FILE:LINE`; of a revoked key `ssh` names the file alone.
        let place = log.said.iter().find_map(|line| line.strip_prefix("Offending ")?.split_once(" key in "));
        let place = place.and_then(|(_, place)| place.rsplit_once(':'));
        let (file, line) =
            place.map_or((key.file.clone(), 0), |(file, n)| (file.into(), n.parse().unwrap_or_default()));
        Some(if log.says("REVOKED HOST KEY DETECTED") {
            ConnectError::RevokedHostKey { key, file, line }
        } else if log.says("REMOTE HOST IDENTIFICATION HAS CHANGED") {
            ConnectError::ChangedHostKey { key, file, line, known: None }
        } else {
            ConnectError::UnknownHostKey { key }
        })
    }

    fn offered_key(&self, log: &Log) -> Option<OfferedKey> {
        let line = self.key_line.clone()?;
        let (key_type, fingerprint) = log.host_key.clone()?;
        Some(OfferedKey {
            host: self.machine(),
            address: self.address(log),
            name: line.split(' ').next().unwrap_or_default().to_owned(),
            key_type,
            fingerprint,
            line,
            file: self.resolved.known_hosts.clone().unwrap_or_else(|| PathBuf::from("~/.ssh/known_hosts")),
            new_keys: self.resolved.new_keys,
            hashed: self.resolved.hashed,
            certificate: None,
        })
    }

    fn not_let_in(&self, log: &Log) -> Option<ConnectError> {
        let too_many = log.says("Too many authentication failures");
        if !too_many && !log.says("Permission denied (") {
            return None;
        }
        let mut refusal = Refusal {
            host: self.machine(),
            address: self.address(log),
            user: self.resolved.user.clone(),
            methods: log.methods.clone(),
            encrypted: log.not_signed.clone(),
            too_many,
            ..Refusal::default()
        };
        for key in &log.offered {
            match key {
                key if log.unsigned.contains(key) => refusal.unsigned.push(key.clone()),
                key if log.rejected.contains(key) => refusal.reject(key),
                key => refusal.tried.push(key.clone()),
            }
        }
        Some(ConnectError::Refused { refusal: Box::new(refusal) })
    }

    fn other(&self, log: &Log) -> ConnectError {
        let host = self.machine();
        if let Some(reason) = log.rest_of("Unable to negotiate with ") {
            let reason = reason.split_once(": ").map_or(reason, |(_, reason)| reason).to_owned();
            return ConnectError::Handshake { host, address: self.address(log), reason };
        }
        let printed = Log::read(&self.printed);
        let said = log.said.last().filter(|line| !line.contains(BEHIND)).or(printed.said.last());
        ConnectError::OpenSsh {
            host,
            said: said.map_or("it ended without a word", String::as_str).to_owned(),
        }
    }
}

/// `FILE: line 3: Bad configuration option: x`, and the like: what `ssh -G` says about a file that it does not read.
pub(super) fn of_configuration(said: &str, host: &str) -> ConnectError {
    for line in said.lines().map(str::trim_end) {
        if let Some(hop) = line.strip_prefix("jumphost loop via ") {
            return ConnectError::jump_circle(hop.to_owned());
        }
        if let Some(file) = line.strip_prefix("Bad owner or permissions on ") {
            return ConnectError::SshConfigExposed { file: file.into() };
        }
        let place = line.split_once(": line ").or_else(|| line.split_once(" line "));
        if let Some((file, rest)) = place.filter(|(file, _)| file.starts_with('/'))
            && let Some((number, reason)) = rest.split_once(": ")
            && let Ok(number) = number.parse()
        {
            return ConnectError::SshConfig {
                file: file.into(),
                line: Some(number),
                reason: reason.to_owned(),
            };
        }
    }
    let said = said.lines().next_back().map_or("it ended without a word", str::trim_end);
    ConnectError::OpenSsh { host: host.to_owned(), said: said.chars().take(300).collect() }
}
