//! What a host said of its access to the repository, made a message and, once it is known which hosts failed for the same
//! reason, one remedy for all of them; and other remedies that name the environment.

use super::host::HostState;
use crate::config::{App, Environment, Site, nearest};
use crate::remote::access::{AccessError, Affected};
use crate::remote::reason::{Reason, with_commands};

impl HostState {
    fn access_error(&self) -> Option<AccessError> {
        self.failure.as_ref()?.reason.as_ref()?.access_error()
    }

    /// Words the failure of git, if it is one, and writes the commands of a hint in full.
    pub(super) fn explain(&mut self, environment: &Environment) {
        let repo = &environment.apps[self.app].repo;
        if let Some(failure) = &mut self.failure
            && matches!(failure.reason, Some(Reason::Unhealthy { .. }))
        {
            failure.hint = Some(unhealthy_hint(&environment.apps[self.app]).to_owned());
        }
        if let Some(hint) = self.failure.as_mut().and_then(|failure| failure.hint.as_mut()) {
            *hint = with_commands(hint, &environment.name);
        }
        if let (Some(error), Some(failure)) = (self.access_error(), &mut self.failure)
            && let Some(message) = error.message(repo)
        {
            failure.message = message;
        }
    }
}

/// What to do about a service that does not become healthy. `logs` shows what it says where there is anything to show.
pub(super) fn unhealthy_hint(app: &App) -> &'static str {
    if app.has_logs() {
        "see `{shipit} logs`, or raise `health.within`"
    } else {
        "raise `health.within` if it needs longer; with `logs` set, what it logs stands here"
    }
}

/// Adds what to type: hosts that failed for the same reason get the same text, so that it is shown once.
pub(super) fn advise(hosts: &mut [HostState], environment: &Environment) {
    for at in 0..hosts.len() {
        let Some(error) = hosts[at].access_error() else { continue };
        let site = &environment.sites[at];
        let app = &environment.apps[site.app];
        let of = |site: &Site| (site.app, environment.hosts[site.host].local);
        let live = hosts[at].live().is_some();
        let alike: Vec<&Site> = (hosts.iter().zip(&environment.sites))
            .filter(|(state, other)| {
                state.access_error() == Some(error) && state.live().is_some() == live && of(other) == of(site)
            })
            .map(|(_, site)| site)
            .collect();
        let hint = match error {
            AccessError::NoRef => nearest_ref(&hosts[at], &app.reference),
            error => error.remedy(&Affected { environment, app, sites: &alike, live }),
        };
        if let Some(failure) = &mut hosts[at].failure {
            failure.hint.get_or_insert(hint);
        }
    }
}

// The ref that may have been meant.
fn nearest_ref(host: &HostState, reference: &str) -> String {
    let near = nearest(reference, host.facts.names.iter().map(String::as_str));
    near.map_or_else(|| "push it, or name another".to_owned(), |name| format!("did you mean `{name}`?"))
}
