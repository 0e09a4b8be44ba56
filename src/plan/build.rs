//! Plans for the commands. Pure: the same configuration and options give the same plan.

use secrecy::{ExposeSecret, SecretString};

use super::stages::Stages;
use super::{Action, Phase, Plan, Target};
use crate::config::{App, EnvEntry, Environment, Fetch, FileEntry, Host, Shell, Supervisor};
use crate::git::{self, Revision};
use crate::remote::script::{Place, Script, enter, exports, ssh_with};
use crate::remote::wire::Mode;

/// What the command line and the operator's surroundings add to the configuration.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `env` of each host, evaluated, in the order of the hosts.
    pub env: Vec<Vec<EnvEntry>>,
    /// What `files` names, read.
    pub files: Vec<FileEntry>,
    /// `repo-token`, evaluated.
    pub token: Option<SecretString>,
    /// The operator's login name: `SHIPIT_USER`.
    pub user: String,
    /// Who holds the lock, for others to read: one line.
    pub who: String,
    /// When the run began: RFC 3339.
    pub when: String,
    /// An older commit may go out.
    pub allow_older: bool,
    /// The directory of a release that fails stays.
    pub keep_failed: bool,
}

/// A new release.
#[must_use]
pub fn deploy(environment: Environment, options: &Options) -> Plan {
    let app = environment.app.clone();
    let hooks = &app.hooks;
    let mut stages = Stages::new(&environment);
    let fetch = stages.limits.fetch;
    stages.local(Phase::Local, "pre-deploy-local", &hooks.pre_deploy_local);

    stages.phase(Phase::Prepare);
    stages.all(|s| if options.allow_older { s } else { s.guard() });
    stages.all(|s| if options.keep_failed { s.keep_failed() } else { s }.begin());
    store_all(&mut stages, &environment);
    stages.hooks("pre-deploy", &hooks.pre_deploy, Place::Old);
    stages.all(|s| s.fetch(fetch).checkout(fetch));
    stages.all(|s| sent(&app).into_iter().enumerate().fold(s, |s, (n, (path, mode))| s.file(n, mode, &path)));
    stages.all(|s| s.link(&links(&app)).carry(fetch, &app.carry));
    stages.hooks("build", &hooks.build, Place::Release);
    if !hooks.migrate.is_empty() {
        stages.phase(Phase::Ready);
        stages.on_first(|first| first.hooks("migrate", &hooks.migrate, Place::Release));
    }
    if !hooks.pre_activate.is_empty() {
        stages.phase(Phase::Ready);
        stages.hooks("pre-activate", &hooks.pre_activate, Place::Release);
    } else if !hooks.migrate.is_empty() {
        stages.phase(Phase::Ready);
    }
    stages.all(Script::intent);

    stages.phase(Phase::Activate);
    stages.all(Script::switch);
    if hooks.post_deploy.iter().any(|hook| hook.local) {
        stages.hooks("post-deploy", &hooks.post_deploy, Place::Current);
    } else {
        stages.all(|s| s.stored("post-deploy", Place::Current));
    }
    finish(&mut stages, &app);
    let after = stages.local_hooks("post-deploy-local", &hooks.post_deploy_local);
    let after_failure = stages.local_hooks("on-failure-local", &hooks.on_failure_local);
    let stages = stages.end_together();
    let opening = Script::new().lock().held().live().newest();
    let mut plan =
        Plan { stages, after, after_failure, ..plan(Action::Deploy, environment, options, opening) };
    let find = Script::new().find_ref(fetch);
    if app.reference == "HEAD" || Revision::parse(&app.reference).is_some() {
        return plan;
    }
    if git::is_path(&app.repo) {
        // A path is the host's: asked in the same round trip.
        plan.opening[0] = std::mem::take(&mut plan.opening[0]).then(&find);
    } else {
        plan.find = find;
    }
    plan
}

/// An earlier release, by what was stored with it.
#[must_use]
pub fn revert(environment: Environment, options: &Options) -> Plan {
    let app = environment.app.clone();
    let mut stages = Stages::new(&environment);
    let fetch = stages.limits.fetch;
    stages.phase(Phase::Prepare);
    stages.all(|s| s.again(fetch).intent());
    stages.phase(Phase::Activate);
    stages.all(|s| s.switch().stored("post-deploy", Place::Current));
    finish(&mut stages, &app);
    let after = stages.local_hooks("post-deploy-local", &app.hooks.post_deploy_local);
    let after_failure = stages.local_hooks("on-failure-local", &app.hooks.on_failure_local);
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

// Reload, verify, confirm, record: the same for a deploy and a revert.
fn finish(stages: &mut Stages, app: &App) {
    stages.all(Script::activate_service);
    if !stages.single() {
        stages.phase(Phase::Confirm);
        stages.all(Script::healthy);
    }
    stages.phase(Phase::Finish);
    stages.all(|s| s.finish(app.keep_releases).unlock());
}

/// Directories, the repository, a look at the host.
#[must_use]
pub fn setup(environment: Environment, options: &Options) -> Plan {
    let mut stages = Stages::new(&environment);
    stages.phase(Phase::Prepare);
    set_up(&mut stages, &environment.app);
    stages.phase(Phase::Finish);
    stages.all(Script::unlock);
    Plan { stages: stages.end(), ..plan(Action::Setup, environment, options, Script::new().setup_lock()) }
}

pub(super) fn set_up(stages: &mut Stages, app: &App) {
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
    let none = Vec::new();
    let opening = vec![opening; environment.hosts.len()];
    let targets = environment
        .hosts
        .iter()
        .enumerate()
        .map(|(at, host)| target(action, &environment, host, options, options.env.get(at).unwrap_or(&none)))
        .collect();
    Plan {
        action,
        targets,
        mode: Mode::Held,
        opening,
        opening_phase: Phase::Lock,
        find: Script::new(),
        leave: Script::new().unlock(),
        stages: Vec::new(),
        undo: Script::new().undo(),
        after: Vec::new(),
        after_failure: Vec::new(),
        environment,
    }
}

fn target(
    action: Action,
    environment: &Environment,
    host: &Host,
    options: &Options,
    env: &[EnvEntry],
) -> Target {
    let app = &environment.app;
    let files: Vec<FileEntry> = match action {
        Action::Deploy | Action::Sync => options.files.iter().cloned().chain(app.env_file(env)).collect(),
        _ => Vec::new(),
    };
    let shell = match app.shell {
        Shell::BashOrSh => "auto",
        Shell::Sh => "sh",
        Shell::Bash => "bash",
        Shell::Login => "login",
    };
    let mut variables = vec![
        ("action", action.name().to_owned()),
        ("app", app.name.clone()),
        ("digest", environment.digest(host, env, &files)),
        ("environment", environment.name.clone()),
        ("host", host.name.clone()),
        ("reference", app.reference.clone()),
        ("reload_limit", environment.timeouts.reload.as_secs().max(1).to_string()),
        ("repo", app.repo.clone()),
        ("roles", String::new()),
        ("shell", shell.to_owned()),
        ("user", options.user.clone()),
        ("when", options.when.clone()),
        ("who", options.who.clone()),
    ];
    variables.extend(repository(app));
    variables.sort_by_key(|(name, _)| *name);
    Target {
        host: host.clone(),
        variables,
        enter: enter(&app.profile, &app.prepend_path),
        files: sent(app).into_iter().filter(|_| matches!(action, Action::Deploy | Action::Sync)).collect(),
        data: (files.into_iter().enumerate().map(|(n, file)| (format!("file.{n}"), file.content)))
            .chain(options.token.iter().map(|token| ("token".to_owned(), token.clone())))
            .collect(),
        exports: SecretString::from(exports(env.iter().map(|e| (e.name.as_str(), e.value.expose_secret())))),
        shown_env: env
            .iter()
            .map(|e| (e.name.clone(), (!e.secret).then(|| e.value.expose_secret().to_owned())))
            .collect(),
    }
}

// How a host gets at the repository: only what is not as usual.
fn repository(app: &App) -> Vec<(&'static str, String)> {
    let mut variables = Vec::new();
    match app.fetch {
        Fetch::Full => {}
        Fetch::Fast => variables.push(("fetch_mode", "fast".to_owned())),
        Fetch::Blobless => variables.push(("fetch_mode", "blobless".to_owned())),
    }
    if app.submodules {
        variables.push(("submodules", "yes".to_owned()));
    }
    variables.extend(app.subdir.iter().map(|subdir| ("subdir", subdir.clone())));
    if let Some(key) = &app.repo_key {
        variables.push(("repo_key", key.strip_prefix("~/").unwrap_or(key).to_owned()));
        variables.push(("ssh_command", ssh_with(key)));
    }
    if let (Some(_), Some((origin, login))) = (&app.repo_token, git::origin(&app.repo)) {
        variables.push(("token_for", origin));
        // Servers that take a token by itself take any name with it.
        variables.push(("token_user", login.unwrap_or_else(|| "x-access-token".to_owned())));
    }
    variables
}

// The files of a deploy, in the order of their numbers.
pub(super) fn sent(app: &App) -> Vec<(String, u32)> {
    let files = app.files.iter().map(|file| (file.path.clone(), file.mode));
    files.chain(app.env_file(&[]).map(|file| (file.path, file.mode))).collect()
}

pub(super) fn links(app: &App) -> Vec<String> {
    app.shared.iter().map(|s| format!("{}:{}", if s.directory { 'd' } else { 'f' }, s.path)).collect()
}

// Everything that a later revert or put-back needs, and what this run runs: all texts are kept with the release.
pub(super) fn store_all(stages: &mut Stages, environment: &Environment) {
    let hooks = &environment.app.hooks;
    stages.store("pre-deploy", &hooks.pre_deploy);
    stages.store("build", &hooks.build);
    stages.on_first(|first| first.store("migrate", &hooks.migrate));
    stages.store("pre-activate", &hooks.pre_activate);
    stages.store("post-deploy", &hooks.post_deploy);
    let limit = stages.limits.reload;
    let supervisors: Vec<Option<Supervisor>> =
        environment.hosts.iter().map(|host| environment.app.supervisor_on(host)).collect();
    stages.each(|at, script| match &supervisors[at] {
        Some(supervisor) => store_supervisor(script, limit, supervisor),
        None => script,
    });
}

fn store_supervisor(script: Script, limit: u64, supervisor: &Supervisor) -> Script {
    let Supervisor { reload, start, stop, status, verify } = supervisor;
    let texts = [
        ("reload", Some(reload)),
        ("start", start.as_ref()),
        ("stop", stop.as_ref()),
        ("status", status.as_ref()),
        ("verify", verify.as_ref()),
    ];
    texts.into_iter().fold(script, |script, (step, text)| match text {
        Some(text) => script.store(step, limit, text),
        None => script,
    })
}
