//! What a host said in a word about its access to the repository, made a message and, once it is known which hosts
//! say the same, one remedy for all of them.

use super::host::HostState;
use crate::config::{Environment, Site, nearest};
use crate::remote::access::{Asked, Trouble};

impl HostState {
    /// Words the failure of git, if it is one.
    pub(super) fn explain(&mut self, repo: &str) {
        if let (Some(trouble), Some(failure)) = (self.access_error, &mut self.failure)
            && let Some(message) = trouble.message(repo)
        {
            failure.message = message;
        }
    }
}

/// Adds what to type: hosts in the same trouble get the same text, so that it is told once.
pub(super) fn advise(hosts: &mut [HostState], environment: &Environment) {
    for at in 0..hosts.len() {
        let Some(trouble) = hosts[at].access_error else { continue };
        let site = &environment.sites[at];
        let app = &environment.apps[site.app];
        let of = |site: &Site| (site.app, environment.hosts[site.host].local);
        let live = hosts[at].live().is_some();
        let alike: Vec<&Site> = (hosts.iter().zip(&environment.sites))
            .filter(|(state, other)| {
                state.access_error == Some(trouble) && state.live().is_some() == live && of(other) == of(site)
            })
            .map(|(_, site)| site)
            .collect();
        let hint = match trouble {
            Trouble::NoRef => near(&hosts[at], &app.reference),
            trouble => Some(trouble.remedy(&Asked { environment, app, sites: &alike, live })),
        };
        if let Some(failure) = &mut hosts[at].failure {
            failure.hint = failure.hint.take().or(hint);
        }
    }
}

/// The name that may have been meant.
fn near(host: &HostState, reference: &str) -> Option<String> {
    let near = nearest(reference, host.facts.names.iter().map(String::as_str))
        .map(|name| format!("did you mean `{name}`?"));
    near.or_else(|| Some("push it, or name another".to_owned()))
}
