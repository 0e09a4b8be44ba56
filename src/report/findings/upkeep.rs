//! What to type where a supervisor does its work, and something else about it is not as it should be: after a reboot, or when
//! logs have grown. Pure.

use super::remedy::{Remote, at_home};
use crate::config::{App, Program};
use crate::remote::quote::quote;
use crate::remote::supervisor_warning::SupervisorWarning;

/// The line, where one is known. `exec`: how a command of shipit begins that runs something on this host.
pub(super) fn remedy(
    warning: &SupervisorWarning,
    remote: &Remote<'_>,
    app: &App,
    exec: &str,
) -> Option<String> {
    Some(match warning {
        // With the PATH and the profile of hooks, on which pm2 is. Only where it is needed: `pm2 save` forgets what is not in the
        // list just now.
        SupervisorWarning::NoBootUnit {} | SupervisorWarning::UnitBroken { .. } => pm2(exec, app, "startup"),
        SupervisorWarning::NoDump { .. }
        | SupervisorWarning::NotInDump { .. }
        | SupervisorWarning::DumpPinned { .. } => pm2(exec, app, "save"),
        SupervisorWarning::LogNotRotated { .. } => pm2(exec, app, "install pm2-logrotate"),
        SupervisorWarning::UnitNotEnabled { scope, unit } if scope == "user" => {
            remote.run(&format!("systemctl --user enable {}", quote(unit)))
        }
        SupervisorWarning::UnitDisabled { unit } | SupervisorWarning::UnitNotEnabled { unit, .. } => {
            remote.sudo(&[&format!("systemctl enable {}", quote(unit))])
        }
        SupervisorWarning::DownFile { file, .. } => remote.sudo(&[&format!("rm {}", quote(file))]),
        _ => return None,
    })
}

/// What to know before the line is pasted.
pub(super) fn advice(warning: &SupervisorWarning) -> Option<&'static str> {
    match warning {
        SupervisorWarning::NoBootUnit {} => Some("this prints the line for root:"),
        SupervisorWarning::UnitBroken { .. } => {
            Some("this prints the line for root, which writes the unit anew:")
        }
        _ => None,
    }
}

fn pm2(exec: &str, app: &App, words: &str) -> String {
    let known = app.supervisors.iter().filter_map(|one| one.known()).find(|one| one.program == Program::Pm2);
    let home = known.and_then(|known| known.settings.iter().find(|(key, _)| *key == "home"));
    match home {
        Some((_, home)) => {
            let script = format!("export PM2_HOME={}; pm2 {words}", at_home(home));
            format!("{exec} {}", quote(&script))
        }
        None => format!("{exec} pm2 {words}"),
    }
}
