//! Steps: what a host does one after the other, as its scripts, the hooks and the reports name them.

use std::fmt;

macro_rules! steps {
    ($($name:literal $step:ident,)*) => {
        /// A step. Scripts and hooks use these names and no others; tests compare them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the names say it")]
        pub enum Step {
            $($step,)*
        }

        impl Step {
            /// All of them.
            pub const ALL: &[Step] = &[$(Step::$step),*];

            /// As scripts, hooks and reports name it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Step::$step => $name,)* }
            }

            /// The step of that name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Step> {
                match name { $($name => Some(Step::$step),)* _ => None }
            }
        }
    };
}

steps! {
    // What shipit does.
    "lock" Lock,
    "unlock" Unlock,
    "setup" Setup,
    "resolve" Resolve,
    "check" Check,
    "adopt" Adopt,
    "prepare" Prepare,
    "fetch" Fetch,
    "submodules" Submodules,
    "checkout" Checkout,
    "files" Files,
    "shared" Shared,
    "carry" Carry,
    "keep-assets" KeepAssets,
    "shell" Shell,
    "detect" Detect,
    "save" Save,
    "intent" Intent,
    "switch" Switch,
    "confirm" Confirm,
    "finish" Finish,
    "rollback" Rollback,
    "restart" Restart,
    "prune" Prune,
    "hold" Hold,
    "resume" Resume,
    "exec" Exec,
    "console" Console,
    "logs" Logs,
    "show" Show,
    // What this machine does: where a run can fail without a script of the host being at work.
    "connect" Connect,
    "local" Local,
    "ready" Ready,
    "activate" Activate,
    "deploy" Deploy,
    "pause" Pause,
    "revert" Revert,
    "sync" Sync,
    // A script as a whole, or a step of another version of shipit: a host's word for it is not repeated.
    "script" Script,
    // What the user and the supervisor do.
    "pre-setup" PreSetup,
    "post-setup" PostSetup,
    "pre-deploy" PreDeploy,
    "pre-deploy-local" PreDeployLocal,
    "build" Build,
    "migrate" Migrate,
    "pre-activate" PreActivate,
    "drain" Drain,
    "undrain" Undrain,
    "post-deploy" PostDeploy,
    "post-deploy-local" PostDeployLocal,
    "on-failure-local" OnFailureLocal,
    "start" Start,
    "stop" Stop,
    "reload" Reload,
    "verify" Verify,
    "status" Status,
    "health" Health,
}

impl Step {
    /// The step that a host names in its answer.
    #[must_use]
    pub fn of_host(name: &str) -> Step {
        Step::parse(name).unwrap_or(Step::Script)
    }

    /// Whether `git` may ask the repository's server in it.
    #[must_use]
    pub fn may_fetch(self) -> bool {
        matches!(self, Step::PreSetup | Step::PreDeploy | Step::Fetch | Step::Submodules)
    }

    /// Whether it runs what the user or the supervisor wants done.
    #[must_use]
    pub fn is_users(self) -> bool {
        let first = Step::ALL.iter().position(|step| *step == Step::PreSetup);
        let at = Step::ALL.iter().position(|step| *step == self);
        at >= first
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::program;

    // Functions that take the name of a step, and at which place.
    const TAKES_STEP: [(&str, usize); 14] = [
        ("fail", 2),
        ("write_failed", 1),
        ("make_dirs", 1),
        ("step_failed", 1),
        ("must_run", 1),
        ("must_run_git", 1),
        ("fetch_from", 1),
        ("step_begin", 1),
        ("run_step", 1),
        ("run_stored", 1),
        ("run_adapters", 1),
        ("service_failed", 1),
        ("has_step", 1),
        ("try_hook", 1),
    ];

    #[test]
    fn scripts_name_these_steps_and_no_others() {
        let mut named = 0;
        for line in
            program::all().into_iter().flat_map(str::lines).filter(|line| !line.trim().starts_with('#'))
        {
            let words: Vec<&str> = line.split([' ', '\t', ';']).filter(|word| !word.is_empty()).collect();
            for (at, word) in words.iter().enumerate() {
                let Some((_, place)) = TAKES_STEP.iter().find(|(function, _)| function == word) else {
                    continue;
                };
                let Some(step) = words.get(at + place).map(|step| step.trim_matches('\'')) else { continue };
                if step.starts_with(|first: char| first.is_ascii_lowercase()) {
                    named += 1;
                    assert!(Step::parse(step).is_some(), "not a step: {step} in {line}");
                }
            }
        }
        assert!(named > 80, "where are they? {named}");
    }

    #[test]
    fn every_hook_is_a_step() {
        let reader = include_str!("../config/hooks.rs");
        let hooks: Vec<&str> =
            reader.split(": hook(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(hooks.len() >= 12, "where are they? {hooks:?}");
        assert!(hooks.iter().all(|hook| Step::parse(hook).is_some()), "{hooks:?}");
        assert!(Step::ALL.iter().all(|step| Step::parse(step.name()) == Some(*step)));
    }
}
