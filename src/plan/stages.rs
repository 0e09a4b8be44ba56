//! The stages of a plan, in the making: scripts grow line by line, and a barrier ends them; a hook that runs on the
//! operator's machine cuts a stage in two.

use std::time::Duration;

use super::{LocalHook, Phase, Stage, Who, Work};
use crate::config::{Environment, Hook};
use crate::remote::script::{Place, Script};

/// Limits in seconds, as hosts count.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) hook: u64,
    pub(super) fetch: u64,
    pub(super) reload: u64,
}

/// See the top of the file.
pub(super) struct Stages {
    pub(super) limits: Limits,
    phase: Phase,
    who: Who,
    // One per host.
    scripts: Vec<Script>,
    done: Vec<Stage>,
}

impl Stages {
    pub(super) fn new(environment: &Environment) -> Self {
        let seconds = |d: Duration| d.as_secs().max(1);
        let timeouts = &environment.timeouts;
        let limits = Limits {
            hook: seconds(timeouts.hook),
            fetch: seconds(timeouts.fetch),
            reload: seconds(timeouts.reload),
        };
        let scripts = vec![Script::new(); environment.hosts.len()];
        Stages { limits, phase: Phase::Check, who: Who::All, scripts, done: Vec::new() }
    }

    /// A barrier: what was said so far is one stage.
    pub(super) fn phase(&mut self, phase: Phase) {
        self.part(phase, Who::All);
    }

    /// A barrier, and who takes part in what follows.
    pub(super) fn part(&mut self, phase: Phase, who: Who) {
        let count = self.scripts.len();
        let scripts = std::mem::replace(&mut self.scripts, vec![Script::new(); count]);
        if scripts.iter().any(|script| !script.is_empty()) {
            self.done.push(Stage { phase: self.phase, who: self.who, work: Work::Remote(scripts) });
        }
        (self.phase, self.who) = (phase, who);
    }

    /// On a single host there is nobody to wait for: no barriers, no second step of confirming.
    pub(super) fn single(&self) -> bool {
        self.scripts.len() == 1
    }

    pub(super) fn end(mut self) -> Vec<Stage> {
        self.phase(Phase::Check);
        self.done
    }

    /// Like [`Stages::end`], the stages of a single host put together: one round trip for all.
    pub(super) fn end_together(self) -> Vec<Stage> {
        let single = self.single();
        let stages = self.end();
        let last_local = stages.iter().rposition(|stage| matches!(stage.work, Work::Local(_)));
        let from = last_local.map_or(0, |at| at + 1);
        // Where a local hook comes after the switch, what precedes it could not be told apart from the rest.
        if !single || stages[..from].iter().any(|stage| stage.phase == Phase::Activate) {
            return stages;
        }
        let mut together = stages;
        let script = together.drain(from..).fold(Script::new(), |script, stage| match stage.work {
            Work::Remote(scripts) => scripts.iter().fold(script, |script, more| script.then(more)),
            Work::Local(_) => script,
        });
        together.push(Stage { phase: Phase::Whole, who: Who::All, work: Work::Remote(vec![script]) });
        together
    }

    pub(super) fn all(&mut self, add: impl Fn(Script) -> Script) {
        self.first(self.scripts.len(), add);
    }

    /// What differs from host to host; told by their numbers.
    pub(super) fn each(&mut self, add: impl Fn(usize, Script) -> Script) {
        for (at, script) in self.scripts.iter_mut().enumerate() {
            *script = add(at, std::mem::take(script));
        }
    }

    fn first(&mut self, count: usize, add: impl Fn(Script) -> Script) {
        for script in self.scripts.iter_mut().take(count) {
            *script = add(std::mem::take(script));
        }
    }

    /// What `tell` says is said to the first host only.
    pub(super) fn on_first(&mut self, tell: impl FnOnce(&mut Stages)) {
        let others = self.scripts.split_off(1);
        tell(self);
        self.scripts.extend(others);
        let count = self.scripts.len();
        for stage in &mut self.done {
            if let Work::Remote(scripts) = &mut stage.work {
                scripts.resize(count, Script::new());
            }
        }
    }

    /// Keeps the texts of a hook with the release.
    pub(super) fn store(&mut self, step: &str, hooks: &[Hook]) {
        for hook in hooks.iter().filter(|hook| !hook.local) {
            let limit = self.limit(hook);
            self.first(self.count(hook), |s| s.store(step, limit, &hook.text));
        }
    }

    /// Runs the texts of a hook, in their order.
    pub(super) fn hooks(&mut self, step: &str, hooks: &[Hook], place: Place) {
        if !hooks.iter().any(|hook| hook.local) {
            if !hooks.is_empty() {
                self.all(|s| s.stored(step, place));
            }
            return;
        }
        let mut part = vec![0; self.scripts.len()];
        for hook in hooks {
            let count = self.count(hook);
            if hook.local {
                let hooks = (0..count).map(|at| self.local_hook(step, hook, Some(at))).collect();
                self.part(self.phase, self.who);
                self.done.push(Stage { phase: self.phase, who: self.who, work: Work::Local(hooks) });
                continue;
            }
            for (script, part) in self.scripts.iter_mut().zip(&mut part).take(count) {
                // The hooks of setup belong to no release: a script that was cut names their place again.
                let begun = std::mem::take(script);
                let begun =
                    if begun.is_empty() && step.ends_with("-setup") { begun.setup_hooks() } else { begun };
                *script = begun.stored_part(step, *part, place);
                *part += 1;
            }
        }
    }

    fn count(&self, hook: &Hook) -> usize {
        if hook.once { 1 } else { self.scripts.len() }
    }

    /// A stage on the operator's machine.
    pub(super) fn local(&mut self, phase: Phase, step: &str, hooks: &[Hook]) {
        self.phase(phase);
        if !hooks.is_empty() {
            let work = Work::Local(self.local_hooks(step, hooks));
            self.done.push(Stage { phase, who: Who::All, work });
        }
    }

    pub(super) fn local_hooks(&self, step: &str, hooks: &[Hook]) -> Vec<LocalHook> {
        hooks.iter().map(|hook| self.local_hook(step, hook, None)).collect()
    }

    fn local_hook(&self, step: &str, hook: &Hook, target: Option<usize>) -> LocalHook {
        let limit = Duration::from_secs(self.limit(hook));
        LocalHook { step: step.to_owned(), text: hook.text.clone(), limit, target }
    }

    fn limit(&self, hook: &Hook) -> u64 {
        hook.timeout.map_or(self.limits.hook, |limit| limit.as_secs().max(1))
    }
}
