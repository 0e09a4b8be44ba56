//! How long a script may take on a host: the sum of the limits of its steps, and a minute for all that is no step. A host
//! that takes longer is treated as one whose connection was lost: there may be a FIFO where a file should be, a file
//! system that does not answer, or a host that wants to keep the fleet locked.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::{App, Environment, Hook, Host};
use crate::remote::script::{Script, Takes, Tries};

/// Seconds for what is no step.
const BESIDE_STEPS: u64 = 60;
/// Of a release that was made with other limits only today's are known: its hooks and its supervisor have these at least.
const LEAST_HOOK: u64 = 15 * 60;
const LEAST_RELOAD: u64 = 2 * 60;
/// Submodules that are fetched and checked out one after the other, each with the limit of a fetch.
const MODULES: u64 = 20;
/// `git gc` at the end of a run, by `live.sh`.
const TIDY: u64 = 300;
/// Bytes a second that the operator's files need at least: they travel before the first script.
const SLOWEST: usize = 16 << 10;
/// Files that are copied or linked.
const FILES: u64 = 60;

/// Limits in seconds, by the names of steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptLimits {
    /// For what is no step.
    pub beside_steps: u64,
    /// For a reload, which is left to end when a host is stopped.
    pub reload: u64,
    steps: BTreeMap<&'static str, u64>,
    recovery: u64,
}

impl ScriptLimits {
    pub(super) fn of(environment: &Environment, app: &App, host: &Host, sent: usize) -> ScriptLimits {
        let times = &environment.timeouts;
        let seconds = |time: Duration| time.as_secs().saturating_add(1);
        let hooks = |hooks: &[Hook]| {
            hooks.iter().map(|hook| seconds(hook.timeout.unwrap_or(times.hook))).fold(0, u64::saturating_add)
        };
        let all = &app.hooks;
        // A release may have hooks that the file of today lacks.
        let kept = |texts: &[Hook]| hooks(texts).max(LEAST_HOOK);
        let fetch = seconds(times.fetch).saturating_mul(if app.submodules { MODULES } else { 1 });
        let reload = seconds(times.reload).max(LEAST_RELOAD);
        // Supervisors are reloaded one after the other, and the user's own commands count as one more.
        let known = 1 + app.supervisors.len() as u64;
        let own = app.supervisors.iter().filter(|one| one.known().is_none()).count().max(1) as u64;
        let health = app.health_on(host).map_or(LEAST_RELOAD, |health| {
            let Tries { within, interval, timeout, stable } = Tries::of(&health);
            [within, interval, timeout, stable].into_iter().fold(0, u64::saturating_add)
        });
        let build = hooks(&all.build);
        let steps = BTreeMap::from([
            ("pre-setup", hooks(&all.pre_setup)),
            ("post-setup", hooks(&all.post_setup)),
            ("pre-deploy", hooks(&all.pre_deploy)),
            ("clone", fetch),
            ("fetch", fetch),
            ("checkout", fetch),
            ("files", FILES),
            ("shared", FILES),
            ("carry", seconds(times.fetch).saturating_mul(app.carry.len() as u64)),
            ("keep-assets", seconds(times.fetch).saturating_mul(app.keep_assets.len() as u64)),
            ("restore", fetch.saturating_mul(2).saturating_add(build.max(LEAST_HOOK))),
            ("build", build),
            ("migrate", hooks(&all.migrate)),
            ("pre-activate", hooks(&all.pre_activate)),
            ("drain", kept(&all.drain)),
            ("post-deploy", kept(&all.post_deploy)),
            ("detect", reload.saturating_mul(known)),
            // With commands it asks first whether the service runs, and tries again while that is busy. An adapter has three times
            // the limit where old processes may take so long to end (adapter.sh).
            ("reload", reload.saturating_mul(2 * own + 3 * known - 2)),
            ("verify", reload.saturating_mul(known)),
            ("save", reload.saturating_mul(known)),
            ("health", health.max(LEAST_RELOAD)),
            ("undrain", kept(&all.undrain)),
            ("prune", fetch.saturating_add(TIDY)),
        ]);
        // A supervisor is told twice, if need be.
        let back =
            ["drain", "post-deploy", "reload", "verify", "reload", "verify", "health", "undrain", "prune"];
        let recovery =
            back.iter().filter_map(|step| steps.get(step)).fold(0, |all: u64, one| all.saturating_add(*one));
        // A host that lost its operator waits that long before it ends a run by itself.
        ScriptLimits {
            recovery: recovery.saturating_add(seconds(times.lost)),
            reload: steps["reload"],
            beside_steps: BESIDE_STEPS + (sent / SLOWEST) as u64,
            steps,
        }
    }

    /// How long a script may take in all; none: as long as the user wants.
    #[must_use]
    pub fn deadline(&self, script: &Script) -> Option<Duration> {
        let steps = script.steps().iter().map(|step| self.steps.get(step.as_str()).copied().unwrap_or(0));
        let mut all = steps.fold(self.beside_steps, u64::saturating_add);
        for takes in script.takes() {
            all = all.saturating_add(match takes {
                Takes::Seconds(seconds) => *seconds,
                Takes::Health => self.steps.get("health").copied().unwrap_or(0),
                Takes::Recovery => self.recovery,
                Takes::Endless => return None,
            });
        }
        Some(Duration::from_secs(all))
    }

    /// What a script has on top that ends another run first.
    #[must_use]
    pub fn recovery(&self) -> Duration {
        Duration::from_secs(self.recovery.saturating_add(self.beside_steps))
    }
}
