//! Plans for the commands. Pure: the same configuration and options give the same plan.

use secrecy::SecretString;

use super::stages::Stages;
use super::store::store_all;
use super::target::target;
use super::{Action, Batch, LocalHook, Phase, Plan, Who, Work};
use crate::config::{App, EnvEntry, Environment, FileEntry, HealthCheck, Hook, Hooks, Pause};
use crate::git::{self, Revision};
use crate::remote::script::{Place, Script};
use crate::remote::wire::Mode;

/// What the command line and the operator's surroundings add to the configuration.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `env` of each site, evaluated, in the order of the sites.
    pub env: Vec<Vec<EnvEntry>>,
    /// What `files` of each app names, read.
    pub files: Vec<Vec<FileEntry>>,
    /// `repo-token` of each app, evaluated.
    pub tokens: Vec<Option<SecretString>>,
    /// The operator's login name: `SHIPIT_USER`.
    pub user: String,
    /// Who holds the lock, for others to read: one line.
    pub who: String,
    /// When the run began: RFC 3339.
    pub when: String,
    /// At most so many hosts are worked on at a time.
    pub concurrency: Option<usize>,
    /// An older commit may go out.
    pub allow_older: bool,
    /// The directory of a release that fails stays.
    pub keep_failed: bool,
}

/// A new release.
#[must_use]
pub fn deploy(environment: Environment, options: &Options) -> Plan {
    let mut stages = Stages::new(&environment);
    let fetch = stages.limits.fetch;
    stages.phase(Phase::Local);
    stages.apps(|stages, app| stages.local("pre-deploy-local", &app.hooks.pre_deploy_local));
    stages.phase(Phase::Prepare);
    stages.apps(|stages, app| prepare(stages, app, options));
    let some = |of: fn(&Hooks) -> &Vec<Hook>| environment.apps.iter().any(|app| !of(&app.hooks).is_empty());
    if some(|hooks| &hooks.migrate) {
        stages.phase(Phase::Ready);
        stages.apps(|stages, app| {
            let one = stages.migrating();
            stages.only(one, |one| one.hooks("migrate", &app.hooks.migrate, Place::Release));
        });
    }
    if some(|hooks| &hooks.pre_activate) || some(|hooks| &hooks.migrate) {
        stages.phase(Phase::Ready);
        stages.apps(|stages, app| stages.hooks("pre-activate", &app.hooks.pre_activate, Place::Release));
    }
    stages.all(Script::intent);
    stages.apps(|stages, app| {
        let going =
            ActivateOptions { who: Who::All, pause: environment.rollout.pause, hooks: Some(&app.hooks) };
        go_live(stages, app, &environment, &going);
    });
    finish(&mut stages);
    let (after, after_failure) = afterwards(&mut stages);
    let needed = stages.needed();
    let stages = stages.end_together();
    let opening = Script::new().lock().held().live().newest();
    let mut plan =
        Plan { stages, needed, after, after_failure, ..plan(Action::Deploy, environment, options, opening) };
    let find = Script::new().find_ref(fetch);
    for (at, app) in plan.environment.apps.iter().enumerate() {
        if app.reference == "HEAD" || Revision::parse(&app.reference).is_some() {
            continue;
        }
        let first = plan.first_of(at);
        if let Some(first) = first.filter(|_| git::is_path(&app.repo)) {
            // A path is the host's: asked in the same round trip.
            plan.opening[first] = std::mem::take(&mut plan.opening[first]).then(&find);
        }
        plan.find[at] = find.clone();
    }
    plan
}

fn prepare(stages: &mut Stages<'_>, app: &App, options: &Options) {
    let fetch = stages.limits.fetch;
    stages.all(|s| if options.allow_older { s } else { s.guard() });
    stages.all(|s| if options.keep_failed { s.keep_failed() } else { s }.begin());
    store_all(stages, app);
    stages.hooks("pre-deploy", &app.hooks.pre_deploy, Place::Old);
    stages.all(|s| s.fetch(fetch).checkout(fetch));
    stages.all(|s| sent(app).into_iter().enumerate().fold(s, |s, (n, (path, mode))| s.file(n, mode, &path)));
    stages.all(|s| s.link(&links(app)).carry(fetch, &app.carry));
    stages.hooks("build", &app.hooks.build, Place::Release);
}

/// An earlier release, by what was stored with it.
#[must_use]
pub fn revert(environment: Environment, options: &Options) -> Plan {
    let mut stages = Stages::new(&environment);
    let fetch = stages.limits.fetch;
    stages.phase(Phase::Prepare);
    stages.all(|s| s.again(fetch).intent());
    stages.apps(|stages, app| {
        let going = ActivateOptions { who: Who::All, pause: Pause::None, hooks: None };
        go_live(stages, app, &environment, &going);
    });
    finish(&mut stages);
    let (after, after_failure) = afterwards(&mut stages);
    let opening = Script::new().lock().live().newest().journal();
    let undo = Script::new().abandon().unlock();
    Plan {
        stages: stages.end_together(),
        after,
        after_failure,
        undo,
        ..plan(Action::Revert, environment, options, opening)
    }
}

/// How an app goes live.
pub(super) struct ActivateOptions<'a> {
    pub(super) who: Who,
    pub(super) pause: Pause,
    /// Today's; none: what was stored with the release, whatever that is.
    pub(super) hooks: Option<&'a Hooks>,
}

/// Batch by batch, a barrier after each.
pub(super) fn go_live(
    stages: &mut Stages<'_>,
    app: &App,
    environment: &Environment,
    going: &ActivateOptions<'_>,
) {
    for (batch, members) in batches(stages, app, environment) {
        stages.only(members, |stages| {
            stages.batch(Phase::Activate, going.who, batch);
            if batch.number > 1 && going.pause != Pause::None {
                stages.work(Work::Pause(going.pause));
            }
            stages
                .all(|s| if going.hooks.is_none_or(|hooks| !hooks.drain.is_empty()) { s.drain() } else { s });
            stages.all(Script::switch);
            match going.hooks {
                Some(hooks) if hooks.post_deploy.iter().any(|hook| hook.local) => {
                    stages.hooks("post-deploy", &hooks.post_deploy, Place::Current);
                }
                _ => stages.all(|s| s.stored("post-deploy", Place::Current)),
            }
            stages.all(Script::activate_service);
            in_service(stages, batch, going.hooks.map(|_| app));
        });
    }
}

/// What follows a reload: whether it is healthy, asked there or from here, and then it takes requests. `app`: as today's
/// configuration says; none: as what is stored with the release says, whatever that is.
pub(super) fn in_service(stages: &mut Stages<'_>, batch: Batch, app: Option<&App>) {
    let check = app.map(|app| app.health.as_ref().map(|health| &health.check));
    let on_host = matches!(check, None | Some(Some(HealthCheck::Command(_))));
    let from_here = check.is_none_or(|check| check.is_some() && !on_host);
    if on_host {
        stages.all(Script::health);
    }
    if from_here || app.is_some_and(|app| !app.hooks.undrain.is_empty()) {
        stages.all(Script::serve);
    }
    if from_here {
        stages.asked(batch, Who::Asking, Script::undrain);
    }
}

/// The parts of an app's targets that go live together.
pub(super) fn batches(stages: &Stages<'_>, app: &App, environment: &Environment) -> Vec<(Batch, Vec<usize>)> {
    let members = stages.members();
    let sizes = environment.rollout.batches(members.len(), !app.hooks.drain.is_empty());
    let at = members.first().map_or(0, |first| environment.sites[*first].app);
    let mut rest = members;
    let of = sizes.len();
    let cut = |(number, size): (usize, &usize)| {
        let (now, later) = rest.split_at(*size);
        rest = later;
        (Batch { app: at, number: number + 1, of }, now.to_vec())
    };
    sizes.iter().enumerate().map(cut).collect()
}

// Confirm, record: the same for a deploy and a revert.
fn finish(stages: &mut Stages<'_>) {
    stages.phase(Phase::Confirm);
    stages.all(Script::healthy);
    stages.phase(Phase::Finish);
    stages.apps(|stages, app| stages.all(|s| s.finish(app.keep_releases).unlock()));
}

pub(super) fn afterwards(stages: &mut Stages<'_>) -> (Vec<LocalHook>, Vec<LocalHook>) {
    let (mut after, mut after_failure) = (Vec::new(), Vec::new());
    stages.apps(|stages, app| {
        after.extend(stages.local_hooks("post-deploy-local", &app.hooks.post_deploy_local));
        after_failure.extend(stages.local_hooks("on-failure-local", &app.hooks.on_failure_local));
    });
    (after, after_failure)
}

/// Directories, the repository, a look at the host.
#[must_use]
pub fn setup(environment: Environment, options: &Options) -> Plan {
    let mut stages = Stages::new(&environment);
    stages.phase(Phase::Prepare);
    stages.apps(set_up);
    stages.phase(Phase::Finish);
    stages.all(Script::unlock);
    Plan { stages: stages.end(), ..plan(Action::Setup, environment, options, Script::new().setup_lock()) }
}

pub(super) fn set_up(stages: &mut Stages<'_>, app: &App) {
    let fetch = stages.limits.fetch;
    stages.all(Script::setup_hooks);
    stages.store("pre-setup", &app.hooks.pre_setup);
    stages.hooks("pre-setup", &app.hooks.pre_setup, Place::Home);
    stages.all(Script::setup_close);
    let dirs: Vec<String> = app.shared.iter().filter(|s| s.directory).map(|s| s.path.clone()).collect();
    stages.all(|s| if s.is_empty() { s.setup_hooks() } else { s }.setup(fetch).dirs(&dirs));
    stages.store("post-setup", &app.hooks.post_setup);
    stages.hooks("post-setup", &app.hooks.post_setup, Place::Root);
}

/// A command of the user's: one word is a script, several are an argv.
#[must_use]
pub fn exec(environment: Environment, options: &Options, words: &[String]) -> Plan {
    let script = match words {
        [text] => Script::new().exec_text(text),
        words => Script::new().exec_argv(words),
    };
    let mut plan = plan(Action::Exec, environment, options, script);
    plan.mode = Mode::Free;
    plan.opening_phase = Phase::Exec;
    plan.leave = Script::new();
    plan.undo = Script::new();
    plan
}

/// Questions: what is live, who holds the lock, the journal.
#[must_use]
pub fn look(environment: Environment, options: &Options) -> Plan {
    let mut plan = plan(Action::Look, environment, options, Script::new().live().holder().held().journal());
    plan.opening_phase = Phase::Connect;
    plan.leave = Script::new();
    plan.undo = Script::new();
    plan
}

/// The end of another run.
#[must_use]
pub fn unlock(environment: Environment, options: &Options) -> Plan {
    let mut plan = plan(Action::Unlock, environment, options, Script::new().steal());
    plan.leave = Script::new();
    plan.undo = Script::new();
    plan
}

pub(super) fn plan(action: Action, environment: Environment, options: &Options, opening: Script) -> Plan {
    let opening = vec![opening; environment.sites.len()];
    let targets = (0..environment.sites.len()).map(|at| target(action, &environment, at, options)).collect();
    let goes_live = matches!(action, Action::Deploy | Action::Revert | Action::Sync | Action::Restart);
    let here = if goes_live { here(&environment) } else { Vec::new() };
    Plan {
        action,
        targets,
        needed: Vec::new(),
        concurrency: options.concurrency,
        mode: Mode::Held,
        opening,
        opening_phase: Phase::Lock,
        find: vec![Script::new(); environment.apps.len()],
        leave: Script::new().unlock(),
        stages: Vec::new(),
        undo: Script::new().undo(),
        here,
        after: Vec::new(),
        after_failure: Vec::new(),
        environment,
    }
}

fn here(environment: &Environment) -> Vec<LocalHook> {
    let mut stages = Stages::new(environment);
    let mut all = Vec::new();
    stages.apps(|stages, app| {
        for (step, hooks) in [("drain", &app.hooks.drain), ("undrain", &app.hooks.undrain)] {
            all.extend(stages.hooks_here(step, hooks));
        }
    });
    all
}

// The files of a deploy, in the order of their numbers.
pub(super) fn sent(app: &App) -> Vec<(String, u32)> {
    let files = app.files.iter().map(|file| (file.path.clone(), file.mode));
    files.chain(app.env_file(&[]).map(|file| (file.path, file.mode))).collect()
}

pub(super) fn links(app: &App) -> Vec<String> {
    app.shared.iter().map(|s| format!("{}:{}", if s.directory { 'd' } else { 'f' }, s.path)).collect()
}
