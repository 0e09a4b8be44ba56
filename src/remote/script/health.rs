//! Calls of `scripts/traffic.sh`, `scripts/health.sh` and `scripts/ask.sh`: whether a host takes requests, and whether it is
//! healthy.

use std::time::Duration;

use super::text::{Script, Takes};
use crate::config::{Health, HealthCheck};
use crate::remote::program;

/// What finds out whether a release is healthy.
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
        self.step(&["drain"], "drain", &[])
    }

    /// Takes it in again, with what is live.
    #[must_use]
    pub fn undrain(self) -> Self {
        self.step(&["undrain"], "undrain", &[])
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
        self.call("store_health", &[kind, &numbers[0], &numbers[1], &numbers[2], spec])
    }

    /// The new release takes requests: at once, or, if the operator has to check its health, after [`Script::undrain`]; the
    /// fact `health` then says which check to make.
    #[must_use]
    pub fn serve(self) -> Self {
        self.step(&["undrain"], "serve_if_known_healthy", &[])
    }

    /// Ends the script where the operator has to check its health: what follows comes again after that. After [`Script::serve`].
    #[must_use]
    pub fn leave_to_operator(self) -> Self {
        self.call("leave_to_operator", &[])
    }

    /// The operator's side found out that a host which was reverted is not healthy: [`Script::abandon`] leaves it drained, and
    /// records that it failed. Harmless where nothing went live.
    #[must_use]
    pub fn unwell(self) -> Self {
        self.call("mark_unhealthy", &[])
    }

    /// Waits until the release is healthy, where the host can tell.
    #[must_use]
    pub fn health(self) -> Self {
        self.step(&["health"], "need_health", &[])
    }

    /// Answers the fact `undo-health`. Harmless where nothing waits for it.
    #[must_use]
    pub fn undo_end(self, healthy: bool) -> Self {
        self.call("undo_end", &[if healthy { "yes" } else { "no" }]).taking(Takes::Recovery)
    }

    /// Lets the host itself check its health over HTTP (with curl or wget) or TCP: what is checked is in the variables of
    /// [`health_variables`].
    #[must_use]
    pub fn check_health(mut self) -> Self {
        self.text.push_str(&program::ASK);
        self.call("probe", &[]).taking(Takes::Health)
    }
}

/// What [`Script::check_health`] checks; none for a command, which the host has stored.
#[must_use]
pub fn health_variables(health: &Health) -> Option<Vec<(&'static str, String)>> {
    let what = match &health.check {
        HealthCheck::Http(http) => [
            ("probe_kind", "http".to_owned()),
            ("probe_status", http.status_text()),
            ("probe_body", http.body.clone().unwrap_or_default()),
            ("probe_release", if http.release { "yes" } else { "no" }.to_owned()),
            ("probe_at", http.url.to_string()),
            ("probe_port", String::new()),
        ],
        HealthCheck::Tcp { host, port } => [
            ("probe_kind", "tcp".to_owned()),
            ("probe_status", String::new()),
            ("probe_body", String::new()),
            ("probe_release", String::new()),
            ("probe_at", host.clone()),
            ("probe_port", port.to_string()),
        ],
        HealthCheck::Command(_) => return None,
    };
    let Tries { within, interval, timeout, stable } = Tries::of(health);
    let times = [
        ("probe_within", within),
        ("probe_interval", interval.max(1)),
        ("probe_timeout", timeout.max(1)),
        ("probe_stable", stable),
    ];
    Some(what.into_iter().chain(times.map(|(name, time)| (name, time.to_string()))).collect())
}
