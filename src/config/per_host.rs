//! What an app has on one host: its texts with `{host}` filled in.

use super::app::{App, Supervisor};
use super::environment::Host;
use super::health::Health;
use super::placeholders::Placeholders;

impl App {
    /// The supervisor's commands for a host: `{host}` is its name. (`{env}` and `{app}` are filled in already.)
    pub fn supervisor_on(&self, host: &Host) -> Option<Supervisor> {
        let fill = |text: &String| of_host(&host.name).fill_command(text);
        self.supervisor.as_ref().map(|supervisor| supervisor.map(fill))
    }

    /// `health` for a host: `{host}` is its name or address, without port, since URLs are made of it.
    #[must_use]
    pub fn health_on(&self, host: &Host) -> Option<Health> {
        let fill = |text: &String| of_host(&host.machine).fill_command(text);
        self.health.as_ref().map(|health| health.map(fill))
    }
}

/// What was left when all but the host was filled in.
fn of_host(host: &str) -> Placeholders<'_> {
    Placeholders { environment: "{env}", app: "{app}", host: Some(host) }
}
