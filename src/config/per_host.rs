//! What an app has on one host: its texts with `{host}` filled in.

use super::app::App;
use super::environment::Host;
use super::health::Health;
use super::placeholders::Placeholders;
use super::sites::has_role;
use super::supervisor::Supervisor;

impl App {
    /// The supervisors of a host, by its roles: `{host}` is its name. (`{env}` and `{app}` are filled in already.)
    #[must_use]
    pub fn supervisors_on(&self, host: &Host) -> Vec<Supervisor> {
        let fill = |text: &String| of_host(&host.name).fill_command(text);
        let here = self.supervisors.iter().filter(|supervisor| has_role(host, &supervisor.roles));
        here.map(|supervisor| supervisor.map(fill)).collect()
    }

    /// Whether a host does not serve for a moment while it goes live.
    #[must_use]
    pub fn interrupts(&self) -> bool {
        !self.hooks.drain.is_empty() || self.supervisors.iter().any(Supervisor::interrupts)
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
