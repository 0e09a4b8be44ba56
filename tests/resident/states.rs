//! A deploy, state by state: the forward edges of the drawing in `remote`, each one script or a few.

use shipit::remote::script::{Place, Script};

use crate::answer::Answer;
use crate::driver::Run;
use crate::ground::Ground;

/// Where a run can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    Locked,
    Begun,
    Fetched,
    CheckedOut,
    /// A build is running.
    Building,
    /// The intent is in the journal.
    Ready,
    /// Out of service, with what was live before.
    Drained,
    Switched,
    /// The new release's reload is running.
    Reloading,
    /// Taken in again.
    Active,
    /// All hosts are healthy.
    Healthy,
    /// Recorded, and not yet unlocked.
    Finished,
}

impl State {
    pub const ALL: [State; 12] = [
        State::Locked,
        State::Begun,
        State::Fetched,
        State::CheckedOut,
        State::Building,
        State::Ready,
        State::Drained,
        State::Switched,
        State::Reloading,
        State::Active,
        State::Healthy,
        State::Finished,
    ];

    /// A run that ends here goes forward.
    pub fn goes_forward(self) -> bool {
        self >= State::Healthy
    }
}

/// A deploy on its way.
pub struct Deploy<'a> {
    pub run: Run,
    ground: &'a Ground,
    pub release: String,
    pub from: Option<String>,
    pub revision: String,
}

const BUILD: &str = r#"echo building; printf x >artefact; [ ! -e "$OUT/hang-build" ] || sleep 1000"#;
const POST_DEPLOY: &str = r#"echo "$SHIPIT_ACTION $SHIPIT_RELEASE" >>"$OUT/post-deploy""#;
const RELOAD: &str = r#"echo reloading
here=$(pwd -P)
echo "${here##*/}" >"$OUT/served"
grep SigIgn /proc/self/status >"$OUT/ignored.$SHIPIT_ACTION"
env >"$OUT/env.$SHIPIT_ACTION"
[ "$SHIPIT_ACTION" != deploy ] || [ ! -e "$OUT/hang-reload" ] || sleep 1000"#;
const DRAIN: &str = r#"echo out >"$OUT/traffic""#;
// More than a full disk has room for, where that must do no harm.
const UNDRAIN: &str = r#"
[ "$SHIPIT_ACTION" != rollback ] || head -c 8192 /dev/zero | tr '\\0' x
echo in >"$OUT/traffic""#;
const STOP: &str = r#"echo nothing >"$OUT/served""#;

impl<'a> Deploy<'a> {
    /// Starts a run and takes the lock.
    pub fn begin(ground: &'a Ground, lost: u64) -> Deploy<'a> {
        let mut run = Run::start(ground, lost);
        let answer = run.script(&Script::new().lock().live().newest()).good();
        let from = answer.facts.get("live").cloned();
        let mut deploy =
            Deploy { release: ground.new_name(), revision: ground.repo.head(), run, ground, from };
        deploy.set(&[]);
        deploy
    }

    /// Tells the run what it is about, with these variables on top.
    pub fn set(&mut self, more: &[(&str, &str)]) {
        let from = self.from.clone().unwrap_or_default();
        let from_revision = match &self.from {
            // The work tree of another tool has none.
            Some(from)
                if !self.ground.names(&format!("releases/{from}")).contains(&"REVISION".to_owned()) =>
            {
                String::new()
            }
            Some(from) => self.ground.read(&format!("releases/{from}/REVISION")),
            None => String::new(),
        };
        let mut all = vec![
            ("release", self.release.as_str()),
            ("revision", self.revision.as_str()),
            ("from", from.as_str()),
            ("from_revision", from_revision.as_str()),
        ];
        all.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        all.extend_from_slice(more);
        self.run.set(self.ground, &all);
    }

    /// `begin`, and the texts that are kept with the release.
    pub fn opening() -> Script {
        let script = Script::new().guard().begin().store("build", 600, BUILD);
        let script = script.store("post-deploy", 600, POST_DEPLOY).store("reload", 6, RELOAD);
        let script = script.store("drain", 20, DRAIN).store("undrain", 20, UNDRAIN);
        script.store("stop", 20, STOP).store("verify", 20, "[ -s REVISION ]")
    }

    /// The script that leads to a state from the one before.
    pub fn script_to(state: State) -> Script {
        let script = Script::new();
        match state {
            State::Locked => script,
            State::Begun => Deploy::opening(),
            State::Fetched => script.fetch(60),
            State::CheckedOut => script.checkout(60).link(&["d:log".into()]),
            State::Building => script.stored("build", Place::Release),
            State::Ready => script.intent(),
            State::Drained => script.drain(),
            State::Switched => script.switch().stored("post-deploy", Place::Current),
            State::Reloading => script.activate_service(),
            State::Active => script.undrain(),
            State::Healthy => script.healthy(),
            State::Finished => script.finish(5),
        }
    }

    /// Goes on from where it is, `after`, to `state`.
    pub fn go(&mut self, after: State, state: State) {
        for next in State::ALL.into_iter().filter(|next| *next > after && *next <= state) {
            let script = Deploy::script_to(next);
            let hangs = match next {
                _ if next != state => None,
                State::Building => Some(("hang-build", "build")),
                State::Reloading => Some(("hang-reload", "reload")),
                _ => None,
            };
            if let Some((flag, step)) = hangs {
                self.ground.leave(flag, "");
                self.run.tell(&script);
                self.run.step_begun(step, 1);
                crate::eventually("the job runs", || {
                    self.ground.processes().iter().any(|p| p.command.contains("sleep 1000"))
                });
                self.ground.forget(flag);
            } else if !script.is_empty() {
                self.run.script(&script).good();
            }
        }
    }

    /// Straight to a state.
    pub fn reach(ground: &'a Ground, lost: u64, state: State) -> Deploy<'a> {
        let mut deploy = Deploy::begin(ground, lost);
        deploy.go(State::Locked, state);
        deploy
    }

    /// From the lock to the unlock.
    pub fn complete(&mut self) -> Answer {
        self.go(State::Locked, State::Finished);
        self.run.script(&Script::new().unlock()).good()
    }

    /// Asserts what is true when this run, lost in `state`, is over.
    pub fn is_resolved(&self, state: State, what: &str) {
        self.ground.comes_to_rest(what);
        self.stands(state, what);
    }

    /// The same, but for the processes and the lock.
    pub fn stands(&self, state: State, what: &str) {
        let from = self.from.clone().unwrap();
        let entry = self.ground.newest_entry().unwrap();
        if state.goes_forward() {
            assert_eq!(entry, (self.release.clone(), "done".into()), "{what}");
            self.ground.serves(&self.release);
            return;
        }
        if state >= State::Switched {
            assert_eq!(entry, (self.release.clone(), "back".into()), "{what}");
        } else {
            assert_eq!(entry, (from.clone(), "done".into()), "{what}: no entry stays");
        }
        self.ground.serves(&from);
        self.ground.knows_nothing_of(&self.release);
    }
}
