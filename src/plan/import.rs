//! The questions of `import`: what the hosts hold that another tool made, and how pm2 runs the apps there. No lock, and nothing
//! is changed.

use std::time::Duration;

use super::action::Action;
use super::base::{free, plan};
use super::model::Plan;
use super::options::Options;
use super::phase::Phase;
use crate::config::{Environment, KnownSupervisor, Pm2App, Program, Strategy, Supervisor, SupervisorKind};
use crate::remote::script::Script;

/// One script per host. `apps`: those of pm2's file, if that is what was read.
#[must_use]
pub fn import(mut environment: Environment, options: &Options, apps: Option<&[Pm2App]>) -> Plan {
    if apps.is_some() {
        environment.apps.iter_mut().filter(|app| app.supervisors.is_empty()).for_each(|app| {
            app.supervisors.push(Supervisor { roles: Vec::new(), kind: SupervisorKind::Known(usual()) });
        });
    }
    let of_sites = environment.sites.iter().map(|site| {
        let script = Script::new().import_place();
        let Some(apps) = apps else { return script };
        let supervisors = environment.apps[site.app].supervisors_on(&environment.hosts[site.host]);
        let pm2 =
            supervisors.iter().filter_map(Supervisor::known).find(|known| known.program == Program::Pm2);
        pm2.map_or(script.clone(), |known| script.import_apps(&with(known, apps)))
    });
    let of_sites: Vec<Script> = of_sites.collect();
    let mut plan = free(plan(Action::Check, environment, options, Script::new()));
    plan.opening = of_sites;
    plan.opening_phase = Phase::Check;
    plan
}

/// pm2 as it is asked where a hook of the user reloads it.
fn usual() -> KnownSupervisor {
    KnownSupervisor {
        program: Program::Pm2,
        strategy: Strategy::Reload,
        stable_for: Duration::ZERO,
        wait_port: None,
        sudo: false,
        settings: Vec::new(),
    }
}

/// With the apps of the file. A host stores a setting as a line.
fn with(known: &KnownSupervisor, apps: &[Pm2App]) -> KnownSupervisor {
    let mut known = known.clone();
    let is_line = |text: &str| !text.contains(char::is_control);
    for app in
        apps.iter().filter(|app| [&app.name, &app.cwd, &app.script].into_iter().all(|text| is_line(text)))
    {
        let job = if app.job { "yes" } else { "no" };
        let of_app = [
            ("app", app.name.as_str()),
            ("app-mode", app.mode.as_str()),
            ("app-job", job),
            ("app-cwd", app.cwd.as_str()),
            ("app-script", app.script.as_str()),
        ];
        known.settings.extend(of_app.map(|(key, value)| (key, value.to_owned())));
    }
    known
}
