//! What differs from target to target: what the resident shell there knows, and what travels apart from the scripts.

use secrecy::{ExposeSecret, SecretString};

use super::action::Action;
use super::limits::ScriptLimits;
use super::model::Target;
use super::options::Options;
use crate::config::{App, EnvEntry, Environment, Fetch, FileEntry, ForwardAgent, Program, Shell};
use crate::git;
use crate::remote::adapters::adapter;
use crate::remote::script::{enter, exports, ssh_with};

/// Runs that may reload.
const RELOADING: [Action; 4] = [Action::Deploy, Action::Sync, Action::Revert, Action::Restart];

/// The files that travel with a deploy: path and mode, in the order of their numbers.
pub(super) fn sent_files(app: &App) -> Vec<(String, u32)> {
    let files = app.files.iter().map(|file| (file.path.clone(), file.mode));
    files.chain(app.env_file(&[]).map(|file| (file.path, file.mode))).collect()
}

/// What is sent to a target, and what its configuration comes to, part by part.
pub(super) fn parts(environment: &Environment, at: usize, options: &Options) -> String {
    let site = &environment.sites[at];
    let env = options.env.get(at).map(Vec::as_slice).unwrap_or_default();
    environment.digest_of_parts(site, env, &files(&environment.apps[site.app], site.app, env, options))
}

fn files(app: &App, at: usize, env: &[EnvEntry], options: &Options) -> Vec<FileEntry> {
    let of_app = options.files.get(at).map(Vec::as_slice).unwrap_or_default();
    of_app.iter().cloned().chain(app.env_file(env)).collect()
}

pub(super) fn target(action: Action, environment: &Environment, at: usize, options: &Options) -> Target {
    let site = &environment.sites[at];
    let (app, host) = (&environment.apps[site.app], &environment.hosts[site.host]);
    let env = options.env.get(at).map(Vec::as_slice).unwrap_or_default();
    let sends = matches!(action, Action::Deploy | Action::Sync);
    let files: Vec<FileEntry> = if sends { self::files(app, site.app, env, options) } else { Vec::new() };
    let sent = files.iter().map(|file| file.content.expose_secret().len()).sum();
    let token = options.tokens.get(site.app).cloned().flatten();
    let shell = match app.shell {
        Shell::BashOrSh => "auto",
        Shell::Sh => "sh",
        Shell::Bash => "bash",
        Shell::Login => "login",
    };
    let mut variables = vec![
        ("action", action.name().to_owned()),
        ("app", app.name.clone()),
        ("digest", environment.digest(site, env, &files)),
        ("environment", environment.name.clone()),
        ("host", host.name.clone()),
        ("reference", app.reference.clone()),
        ("reload_limit", environment.timeouts.reload.as_secs().max(1).to_string()),
        ("repo", app.repo.clone()),
        ("roles", host.roles.join(" ")),
        ("shell", shell.to_owned()),
        ("target", environment.site_name(site)),
        ("user", options.user.clone()),
        ("when", options.when.clone()),
        ("who", options.who.clone()),
    ];
    variables.extend(repository(app));
    if host.forward_agent == ForwardAgent::Git {
        variables.push(("agent", "git".to_owned()));
    }
    variables.extend(options.caller.iter().map(|caller| ("caller", caller.clone())));
    variables.sort_by_key(|(name, _)| *name);
    Target {
        name: environment.site_name(site),
        host: host.clone(),
        machine: site.host,
        app: site.app,
        path: site.path.clone(),
        variables,
        enter: enter(&app.profile, &app.prepend_path),
        files: sent_files(app).into_iter().filter(|_| sends).collect(),
        // `check` asks all at once, in the opening.
        data: (token.map(|token| ("token".to_owned(), token)).into_iter())
            .chain(adapters(&[Action::Check], action, app))
            .collect(),
        bulk: (files.into_iter().enumerate().map(|(n, file)| (format!("file.{n}"), file.content)))
            .chain(adapters(&RELOADING, action, app))
            .collect(),
        limits: ScriptLimits::of(environment, app, host, sent),
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

// The adapters of the supervisors in the file, where the run is one of these. Other kinds have theirs on the host from the
// run that brought them.
fn adapters(of: &[Action], action: Action, app: &App) -> Vec<(String, SecretString)> {
    let mut programs: Vec<Program> =
        app.supervisors.iter().filter_map(|one| Some(one.known()?.program)).collect();
    programs.sort_unstable();
    programs.dedup();
    let sent = programs.into_iter().filter(|_| of.contains(&action));
    sent.map(|program| (format!("adapter.{}", program.name()), adapter(program).to_owned().into())).collect()
}
