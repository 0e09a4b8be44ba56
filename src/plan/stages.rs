//! The stages of a plan, in the making: scripts grow line by line, and a barrier ends them; a hook that runs on the
//! operator's machine cuts a stage in two. Scripts are added for the selected targets: all, those of an app, a batch.

use std::time::Duration;

use super::model::{Batch, LocalHook, Participants, Stage, Work};
use super::phase::Phase;
use crate::config::{App, Environment, Hook, Host, has_role};
use crate::remote::script::{Place, Script};
use crate::remote::step::Step;

/// Limits in seconds, as hosts count.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) hook: u64,
    pub(super) fetch: u64,
    pub(super) reload: u64,
}

/// See the top of the file.
pub(super) struct Stages<'a> {
    pub(super) limits: Limits,
    environment: &'a Environment,
    phase: Phase,
    participants: Participants,
    batch: Option<Batch>,
    // Targets where something is done for all.
    needed: Vec<usize>,
    // The selected targets.
    members: Vec<usize>,
    // One per target.
    scripts: Vec<Script>,
    done: Vec<Stage>,
}

impl<'a> Stages<'a> {
    pub(super) fn new(environment: &'a Environment) -> Self {
        let seconds = |d: Duration| d.as_secs().max(1);
        let timeouts = &environment.timeouts;
        let limits = Limits {
            hook: seconds(timeouts.hook),
            fetch: seconds(timeouts.fetch),
            reload: seconds(timeouts.reload),
        };
        let count = environment.sites.len();
        Stages {
            limits,
            environment,
            phase: Phase::Check,
            participants: Participants::All,
            batch: None,
            needed: Vec::new(),
            members: (0..count).collect(),
            scripts: vec![Script::new(); count],
            done: Vec::new(),
        }
    }

    /// A barrier: what was said so far is one stage.
    pub(super) fn phase(&mut self, phase: Phase) {
        self.part(phase, Participants::All);
    }

    /// A barrier, and the hosts that take part in what follows.
    pub(super) fn part(&mut self, phase: Phase, participants: Participants) {
        let count = self.scripts.len();
        let scripts = std::mem::replace(&mut self.scripts, vec![Script::new(); count]);
        if scripts.iter().any(|script| !script.is_empty()) {
            self.push(Work::Remote(scripts));
        }
        (self.phase, self.participants, self.batch) = (phase, participants, None);
    }

    /// The same, for a part of an app's targets.
    pub(super) fn batch(&mut self, phase: Phase, participants: Participants, batch: Batch) {
        self.part(phase, participants);
        self.batch = Some(batch);
    }

    /// A stage that is no script.
    pub(super) fn work(&mut self, work: Work) {
        let batch = self.batch;
        self.part(self.phase, self.participants);
        self.batch = batch;
        self.push(work);
    }

    fn push(&mut self, work: Work) {
        self.done.push(Stage { phase: self.phase, participants: self.participants, batch: self.batch, work });
    }

    /// A health check from this machine, where the release has one, and what follows when all are healthy.
    pub(super) fn health_check_from_here(
        &mut self,
        batch: Batch,
        participants: Participants,
        then: impl Fn(Script) -> Script,
    ) {
        self.work(Work::Health(self.members.clone()));
        self.batch(self.phase, participants, batch);
        self.all(then);
    }

    /// Selects these targets for what `build` adds.
    pub(super) fn only(&mut self, members: Vec<usize>, build: impl FnOnce(&mut Self)) {
        let all = std::mem::replace(&mut self.members, members);
        build(self);
        self.members = all;
    }

    /// The selected targets.
    pub(super) fn members(&self) -> &[usize] {
        &self.members
    }

    /// Something of each target's host, in the order of the targets.
    pub(super) fn on_hosts<T>(&self, of: impl Fn(&Host) -> T) -> Vec<T> {
        let environment = self.environment;
        environment.sites.iter().map(|site| of(&environment.hosts[site.host])).collect()
    }

    /// Each app, with its targets selected.
    pub(super) fn apps(&mut self, mut build: impl FnMut(&mut Self, &'a App)) {
        for (at, app) in self.environment.apps.iter().enumerate() {
            self.only(self.environment.sites_of(at), |stages| build(stages, app));
        }
    }

    /// The target that a database is changed from: the first with the role `migrate`, else the first.
    pub(super) fn migrating(&self) -> Vec<usize> {
        let role = ["migrate".to_owned()];
        let by_role = self.members.iter().find(|at| self.has_role(**at, &role));
        by_role.or(self.members.first()).copied().into_iter().collect()
    }

    /// See [`super::Plan::needed`].
    pub(super) fn needed(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.needed)
    }

    /// Whether there is one target, which waits for no other.
    pub(super) fn single(&self) -> bool {
        self.scripts.len() == 1
    }

    pub(super) fn end(mut self) -> Vec<Stage> {
        self.phase(Phase::Check);
        self.done
    }

    /// Like [`Stages::end`], the stages of a single host put together: one round trip for all, and no second step of
    /// confirming. Where the release turns out to have a health check from this machine, the script ends before the check, and a
    /// second one comes after it.
    pub(super) fn end_together(self) -> Vec<Stage> {
        let single = self.single();
        let mut stages = self.end();
        let is_here = |stage: &Stage| matches!(stage.work, Work::Local(_) | Work::Pause(_));
        let from = stages.iter().rposition(is_here).map_or(0, |at| at + 1);
        // Where something else comes after the switch, what precedes it could not be distinguished from the rest.
        if !single || stages[..from].iter().any(|stage| stage.phase == Phase::Activate) {
            return stages;
        }
        let mut first = stages.split_off(from);
        let Some(check) = first.iter().position(|stage| matches!(stage.work, Work::Health(_))) else {
            stages.push(together(&first, Participants::All, Script::new()));
            return stages;
        };
        let after = first.split_off(check + 1);
        let check = first.pop().map(|check| Stage { participants: Participants::HealthChecked, ..check });
        first.push(together(&after, Participants::All, Script::new().leave_to_operator()));
        stages.push(together(&first, Participants::All, Script::new()));
        stages.extend(check);
        stages.push(together(&after, Participants::HealthChecked, Script::new()));
        stages
    }

    pub(super) fn all(&mut self, add: impl Fn(Script) -> Script) {
        self.each(|_, script| add(script));
    }

    /// What differs from target to target, by their indices.
    pub(super) fn each(&mut self, add: impl Fn(usize, Script) -> Script) {
        for at in &self.members {
            self.scripts[*at] = add(*at, std::mem::take(&mut self.scripts[*at]));
        }
    }

    /// Keeps the texts of a hook with the release.
    pub(super) fn store(&mut self, step: Step, hooks: &[Hook]) {
        for hook in hooks.iter().filter(|hook| !hook.local) {
            let limit = self.limit(hook);
            let on = self.on(step, hook);
            if hook.once || step == Step::Migrate {
                self.needed.extend(&on);
            }
            for at in on {
                self.scripts[at] =
                    std::mem::take(&mut self.scripts[at]).store(step.name(), limit, &hook.text);
            }
        }
    }

    /// The same for `drain` and `undrain`, which a host also needs on its way back: where they run on the operator's
    /// machine, the host asks for them.
    pub(super) fn store_traffic(&mut self, step: Step, hooks: &[Hook]) {
        self.store(step, hooks);
        let here = self.local_steps_of(step, hooks);
        for at in self.members.clone() {
            if here.iter().any(|hook| hook.target == Some(at)) {
                self.scripts[at] = std::mem::take(&mut self.scripts[at]).store_here(step.name());
            }
        }
    }

    /// The texts of a hook that run on the operator's machine, for each selected target.
    pub(super) fn local_steps_of(&self, step: Step, hooks: &[Hook]) -> Vec<LocalHook> {
        let here = hooks.iter().filter(|hook| hook.local);
        here.flat_map(|hook| self.on(step, hook).into_iter().map(move |at| (hook, at)))
            .map(|(hook, at)| self.local_hook(step, hook, Some(at)))
            .collect()
    }

    /// Runs the texts of a hook, in their order.
    pub(super) fn hooks(&mut self, step: Step, hooks: &[Hook], place: Place) {
        if !hooks.iter().any(|hook| hook.local) {
            if !hooks.is_empty() {
                self.all(|s| s.stored(step.name(), place));
            }
            return;
        }
        let mut part = vec![0; self.scripts.len()];
        for hook in hooks {
            if hook.local && (hook.once || step == Step::Migrate) {
                self.needed.extend(self.on(step, hook));
            }
            if hook.local {
                let hooks =
                    self.on(step, hook).into_iter().map(|at| self.local_hook(step, hook, Some(at))).collect();
                self.work(Work::Local(hooks));
                continue;
            }
            for at in self.on(step, hook) {
                // The hooks of setup belong to no release: a script that was cut names their place again.
                let begun = std::mem::take(&mut self.scripts[at]);
                let of_setup = matches!(step, Step::PreSetup | Step::PostSetup);
                let begun = if begun.is_empty() && of_setup { begun.setup_hooks() } else { begun };
                self.scripts[at] = begun.stored_part(step.name(), part[at], place);
                part[at] += 1;
            }
        }
    }

    // The selected targets that a hook is for.
    fn on(&self, step: Step, hook: &Hook) -> Vec<usize> {
        let fits = |at: &usize| self.has_role(*at, &hook.roles);
        let mut on: Vec<usize> = self.members.iter().copied().filter(fits).collect();
        // `migrate` has its one host already.
        if hook.once && step != Step::Migrate {
            // Once in the whole app, whichever part of it is selected.
            let app = self.members.first().map(|first| self.environment.sites[*first].app);
            let all = app.map(|app| self.environment.sites_of(app)).unwrap_or_default();
            let first = all.into_iter().find(fits);
            on.retain(|at| Some(*at) == first);
        }
        on
    }

    fn has_role(&self, at: usize, roles: &[String]) -> bool {
        has_role(&self.environment.hosts[self.environment.sites[at].host], roles)
    }

    /// Stages on the operator's machine.
    pub(super) fn local(&mut self, step: Step, hooks: &[Hook]) {
        if !hooks.is_empty() {
            let hooks = self.local_hooks(step, hooks);
            self.work(Work::Local(hooks));
        }
    }

    pub(super) fn local_hooks(&self, step: Step, hooks: &[Hook]) -> Vec<LocalHook> {
        hooks.iter().map(|hook| self.local_hook(step, hook, None)).collect()
    }

    fn local_hook(&self, step: Step, hook: &Hook, target: Option<usize>) -> LocalHook {
        let limit = Duration::from_secs(self.limit(hook));
        let app = target.or(self.members.first().copied()).map_or(0, |at| self.environment.sites[at].app);
        LocalHook { step, text: hook.text.clone(), limit, app, target }
    }

    fn limit(&self, hook: &Hook) -> u64 {
        hook.timeout.map_or(self.limits.hook, |limit| limit.as_secs().max(1))
    }
}

// One stage of all scripts for a single host, after `begun`.
fn together(stages: &[Stage], participants: Participants, begun: Script) -> Stage {
    let concerned =
        |stage: &&Stage| stage.participants == Participants::All || stage.participants == participants;
    let rest = stages.iter().filter(|stage| stage.phase != Phase::Confirm).filter(concerned);
    let script = rest.fold(begun, |script, stage| match &stage.work {
        Work::Remote(scripts) => scripts.iter().fold(script, |script, more| script.then(more)),
        _ => script,
    });
    Stage { phase: Phase::SingleHost, participants, batch: None, work: Work::Remote(vec![script]) }
}
