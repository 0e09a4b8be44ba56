//! Calls of `scripts/traffic.sh`, `scripts/health.sh` and `scripts/ask.sh`: whether a host takes requests, and whether it is
//! healthy.

use std::time::Duration;

use super::Script;
use crate::config::Health;
use crate::remote::program;

/// Who finds out whether a release is healthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthKind {
    /// The host, by the texts stored as step `health`.
    Command,
    /// The operator's side, through its connection.
    Client,
}

/// How often something is asked, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tries {
    /// In all.
    pub within: u64,
    /// Between two of them; at least 1.
    pub interval: u64,
    /// The limit of one.
    pub timeout: u64,
    /// How long it must stay good.
    pub stable: u64,
}

/// What an answer over HTTP must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected<'a> {
    /// Its status, as `200-399` or `200,204`.
    pub status: &'a str,
    /// What its body must hold; empty: anything.
    pub body: &'a str,
    /// It must name what is live, in headers or body.
    pub release: bool,
}

impl Tries {
    /// Of a health check; what is less than a second counts as one.
    #[must_use]
    pub fn of(health: &Health) -> Tries {
        let seconds = |time: Duration| time.as_secs() + u64::from(time.subsec_nanos() > 0);
        Tries {
            within: seconds(health.within),
            interval: seconds(health.interval),
            timeout: seconds(health.timeout),
            stable: seconds(health.stable_for),
        }
    }
}

impl Script {
    /// Takes the host out, by the release that is going live; nothing on a first deploy.
    #[must_use]
    pub fn drain(self) -> Self {
        self.call("drain", &[])
    }

    /// Takes it in again, with what is live.
    #[must_use]
    pub fn undrain(self) -> Self {
        self.call("undrain", &[])
    }

    /// Keeps with the release how its health is found out. What a `command` runs is stored as step `health`, with the timeout
    /// of one try as its limit; `timeout` is not used here. `spec`, a line, is what the operator's side is told to ask.
    #[must_use]
    pub fn health_store(self, kind: HealthKind, tries: Tries, spec: &str) -> Self {
        let kind = match kind {
            HealthKind::Command => "command",
            HealthKind::Client => "client",
        };
        let numbers = [tries.within, tries.interval.max(1), tries.stable].map(|number| number.to_string());
        self.call("health_store", &[kind, &numbers[0], &numbers[1], &numbers[2], spec])
    }

    /// What went live takes requests: at once, or, where the operator's side is to find out whether it is healthy, when it
    /// was told so ([`Script::undrain`]); the fact `health` then says what to ask.
    #[must_use]
    pub fn serve(self) -> Self {
        self.call("serve", &[])
    }

    /// The operator's side found out that a host which was reverted is not healthy: [`Script::abandon`] leaves it drained, and
    /// records that it failed. Harmless where nothing went live.
    #[must_use]
    pub fn unwell(self) -> Self {
        self.call("unwell", &[])
    }

    /// Waits until the release is healthy, where the host can tell.
    #[must_use]
    pub fn health(self) -> Self {
        self.call("health", &[])
    }

    /// Answers the fact `undo-health`. Harmless where nothing waits for it.
    #[must_use]
    pub fn undo_end(self, healthy: bool) -> Self {
        self.call("undo_end", &[if healthy { "yes" } else { "no" }])
    }

    /// Lets the host itself ask over HTTP, with curl or wget.
    #[must_use]
    pub fn ask_http(self, tries: Tries, url: &str, expected: Expected<'_>) -> Self {
        let release = if expected.release { "yes" } else { "no" };
        self.ask("ask_http", tries, &[expected.status, expected.body, release, url])
    }

    /// Lets the host itself find out whether somebody listens there.
    #[must_use]
    pub fn ask_tcp(self, tries: Tries, host: &str, port: u16) -> Self {
        self.ask("ask_tcp", tries, &[host, &port.to_string()])
    }

    fn ask(mut self, function: &str, tries: Tries, what: &[&str]) -> Self {
        let Tries { within, interval, timeout, stable } = tries;
        let numbers = [within, interval.max(1), timeout.max(1), stable].map(|number| number.to_string());
        self.0.push_str(&program::ASK);
        self.call(function, &[&numbers.each_ref().map(String::as_str)[..], what].concat())
    }
}
