//! `list` as JSON.

use serde_json::{Value, json};

use super::by::by;
use crate::remote::history::Deploy;
use crate::remote::journal::State;
use crate::remote::version::Version;
use crate::report::deploys::Deploys;

/// `list`: the deploys that are known, newest first, all or so many of them, `revert` being the number that `revert` counts by.
#[must_use]
pub fn list(deploys: &Deploys<'_>, most: Option<usize>) -> Value {
    let deploy = |deploy: &Deploy<'_>| {
        let entry = deploy.entry;
        let good = entry.action == "deploy" && matches!(entry.state, State::Done | State::Healthy);
        let number = deploys.numbers.get(entry.release.as_str());
        let app = |(name, version): &(String, Version)| json!({ "app": name, "revision": version });
        json!({
            "apps": entry.apps.iter().map(app).collect::<Vec<_>>(),
            "release": entry.release,
            "revision": entry.version,
            "ref": entry.reference,
            "action": entry.action,
            "when": entry.when,
            "by": by(&entry.who),
            "subject": entry.subject,
            "state": state_name(entry.state),
            "live": good && entry.release == deploys.live,
            "revert": number.filter(|_| good && entry.release != deploys.live),
        })
    };
    deploys.all.iter().rev().take(most.unwrap_or(usize::MAX)).map(deploy).collect()
}

/// The state of a deploy on a host.
pub(super) fn state_name(state: State) -> &'static str {
    match state {
        State::Open => "open",
        State::Healthy => "healthy",
        State::Done => "done",
        State::Back => "rolled-back",
        State::Failed => "failed",
    }
}
