//! From a host's answers to findings. Which are broken and which are warnings is decided here: broken is what makes a
//! deploy fail. A clock, forwarding and what logind ends do not, so they warn.

use super::answers::Answers;
use super::remedy::{Way, at_home, toml_list};
use super::{Finding, Group, repository};
use crate::config::{App, Environment, Site};
use crate::executor::event::{Failure, FailureKind};
use crate::executor::{Checked, Clock};
use crate::remote::quote::quote;
use crate::transport::Forwarding;

/// Clocks that are further apart than this, in seconds, are told.
const APART: f64 = 5.0;
/// The first git with all that a release is fetched with (`--no-write-fetch-head`).
const OLDEST_GIT: (u32, u32) = (2, 29);
/// With less than this, in kB, not even a journal entry and a few logs are sure to fit.
const LEAST_SPACE: u64 = 1024;
/// So many files every release makes.
const LEAST_INODES: u64 = 100;
/// Programs that come with another.
const FROM_NPM: [&str; 3] = ["pm2", "pnpm", "yarn"];

/// What is wrong on a host.
#[must_use]
pub fn examine(environment: &Environment, site: &Site, checked: &Checked) -> Group {
    let (host, app) = (&environment.hosts[site.host], &environment.apps[site.app]);
    let mut group = Group { name: checked.host.clone(), findings: Vec::new(), unreached: None };
    let answers = Answers::new(&checked.found);
    let [me, uid, packager, root, home] = answers.first("me").unwrap_or_default();
    let way = Way { host, root: uid == "0", packager };
    let found = &mut group.findings;
    path(&answers, &way, (me, root), found);
    space(&answers, &way, found);
    found.extend(git(&answers, &way));
    found.extend(repository::access(&answers, &way, &app.repo));
    hooks(&answers, &way, (&environment.name, app), home, found);
    if answers.first::<0>("setup").is_some() {
        let again = Finding::broken("nothing was set up here");
        found.push(again.remedy(format!("shipit {} setup", quote(&environment.name))));
    }
    session(&answers, &way, (me, app), found);
    found.extend(checked.clock.and_then(|clock| apart(clock, &way)));
    found.extend(checked.forwarding.as_ref().and_then(|forwarding| forwards(forwarding, &way, me)));
    match &checked.failure {
        Some(failure) if is_unreached(failure) => group.unreached = Some(failure.clone()),
        Some(failure) => {
            let finding = Finding::broken(super::human::failure(failure));
            group.findings.push(Finding { advice: failure.hint.clone(), ..finding });
        }
        None => {}
    }
    group
}

fn is_unreached(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Unreachable | FailureKind::Lost | FailureKind::Interrupted)
}

fn path(answers: &Answers<'_>, way: &Way<'_>, (me, root): (&str, &str), found: &mut Vec<Finding>) {
    if let Some([dir, owner, mode]) = answers.first("closed") {
        found.push(closed(dir, (owner, mode), way, (me, root)));
    }
    let aside =
        |path: &str| way.run(&format!("mv {} {}", quote(path), quote(&format!("{path}.before-shipit"))));
    if let Some([path]) = answers.first("blocked") {
        let text = format!("{path} is in the way: it leads to no directory");
        found.push(Finding::broken(text).advice("to move it aside:").remedy(aside(path)));
    }
    for [path, target] in answers.all("foreign") {
        let text = match target {
            "" if path.ends_with("/source") => {
                format!("{path} is a work tree (of pm2 deploy?), and not shipit's")
            }
            "" => format!("{path} is not a link: shipit does not touch it"),
            target => format!("{path} points to {target}, which shipit did not make"),
        };
        let advice = "what serves from there stops until the next deploy; to move it aside:";
        found.push(Finding::broken(text).advice(advice).remedy(aside(path)));
    }
    if let Some([dir]) = answers.first("scratch") {
        let text =
            format!("neither /dev/shm nor {dir} can be written to; repository and tools were not looked at");
        found.push(Finding::broken(text).remedy(way.run(&format!("df -h /dev/shm {}", quote(dir)))));
    }
}

fn closed(dir: &str, (owner, mode): (&str, &str), way: &Way<'_>, (me, root): (&str, &str)) -> Finding {
    let place = quote(dir);
    let inside = dir == root || dir.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'));
    let what = if inside {
        "cannot be written to".to_owned()
    } else {
        format!("cannot be written to, so {root} cannot be made")
    };
    if owner == me && mode.get(1..4) == Some("rwx") {
        let remount = format!("mount -o remount,rw \"$(df -P {place} | awk 'END {{ print $NF }}')\"");
        let text = format!("{dir} {what}, though it is yours: is the file system read-only?");
        return Finding::broken(text).remedy(way.sudo(&[&remount]));
    }
    let finding = Finding::broken(format!("{dir} {what} by {me}: it belongs to {owner} ({mode})"));
    if owner == me {
        return finding.remedy(way.run(&format!("chmod u+rwx {place}")));
    }
    let me = quote(me);
    if !inside {
        let (make, give) = (format!("mkdir -p {}", quote(root)), format!("chown {me} {}", quote(root)));
        return finding.remedy(way.sudo(&[&make, &give]));
    }
    // What is shared is also the app's; what is shipit's alone is given as a whole.
    let whole = if dir.ends_with("/shared") || dir == root { "" } else { "-R " };
    finding.remedy(way.sudo(&[&format!("chown {whole}{me} {place}")]))
}

fn space(answers: &Answers<'_>, way: &Way<'_>, found: &mut Vec<Finding>) {
    let biggest = |dir: &str| way.run(&format!("du -xk {} | sort -n | tail -n 20", quote(dir)));
    let number = |text: &str| text.parse::<u64>().ok();
    if let Some([free, want, dir]) = answers.first("space")
        && let (Some(free), Some(want)) = (number(free), number(want))
        && free <= want.max(LEAST_SPACE)
    {
        let need = if want > 0 { format!(", and the live release takes {want} kB") } else { String::new() };
        let finding = Finding::broken(format!("not enough space for a release: {free} kB are free{need}"));
        found.push(finding.advice("what takes it, in kB, biggest last:").remedy(biggest(dir)));
    }
    if let Some([total, free, dir]) = answers.first("inodes")
        && let (Some(1..), Some(free)) = (number(total), number(free))
        && free < LEAST_INODES
    {
        let text = format!("there is room for {free} files and no more (inodes)");
        let count = format!("du -x --inodes {} | sort -n | tail -n 20", quote(dir));
        found.push(Finding::broken(text).advice("where they are, most last:").remedy(way.run(&count)));
    }
}

fn git(answers: &Answers<'_>, way: &Way<'_>) -> Option<Finding> {
    let [version, path] = answers.first("git")?;
    let finding = if version.is_empty() {
        Finding::broken(format!("git is not on the PATH of a session without a terminal ({path})"))
    } else {
        let mut numbers = version.split(['.', ' ', '-']).map_while(|number| number.parse().ok());
        let (Some(major), Some(minor)) = (numbers.next(), numbers.next()) else { return None };
        if (major, minor) >= OLDEST_GIT {
            return None;
        }
        let (major, minor) = OLDEST_GIT;
        Finding::broken(format!("git is too old: {version}, and at least {major}.{minor} is needed"))
    };
    Some(match way.install("git") {
        Some(install) => finding.remedy(install),
        None => finding.advice("install it, or link it into /usr/local/bin"),
    })
}

fn hooks(
    answers: &Answers<'_>,
    way: &Way<'_>,
    (environment, app): (&str, &App),
    home: &str,
    found: &mut Vec<Finding>,
) {
    if let Some([shell, login]) = answers.first("shell") {
        let text = format!("shell = \"{shell}\" cannot be had here (the login shell is {login})");
        let finding = Finding::broken(text).advice("install it, or choose another in shipit.toml");
        let install = (shell == "bash").then(|| way.install("bash")).flatten();
        found.push(Finding { remedy: install.into_iter().collect(), ..finding });
    }
    if let Some([why, code, said]) = answers.first("profile") {
        let how =
            if why == "limit" { "takes longer than 30 s".to_owned() } else { format!("ends with {code}") };
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        let finding = Finding::broken(format!("what hooks read first (`profile`) {how}{said}"));
        let files: Vec<String> = app.profile.iter().map(|file| at_home(file)).collect();
        let finding = finding.advice("every hook would fail of it; check `profile` in shipit.toml:");
        found.push(finding.remedy(way.run(&format!("ls -l {}", files.join(" ")))));
    }
    let (mut elsewhere, mut directories) = (Vec::new(), app.prepend_path.clone());
    for [tool, directory] in answers.all("tool") {
        if directory.is_empty() {
            found.push(nowhere(tool, way));
            continue;
        }
        elsewhere.push(tool);
        let short = directory.strip_prefix(home).filter(|rest| rest.starts_with('/') && !home.is_empty());
        let directory = short.map_or(directory.to_owned(), |rest| format!("~{rest}"));
        if !directories.contains(&directory) {
            directories.push(directory);
        }
    }
    if !elsewhere.is_empty() {
        let tools = super::human::names(&elsewhere);
        let text = format!("{tools}: not on the PATH that hooks have, only on that of a login");
        let advice = format!("in shipit.toml, in [deploy.{environment}] or [defaults]:");
        let line = format!("prepend-path = {}", toml_list(&directories));
        found.push(Finding::broken(text).advice(advice).remedy(line));
    }
}

fn nowhere(tool: &str, way: &Way<'_>) -> Finding {
    let finding = Finding::broken(format!("{tool}, with which a hook begins, is not found on this host"))
        .advice(
            "name its directory in shipit.toml (prepend-path), or install it, where its package is called so:",
        );
    let install = match tool {
        tool if FROM_NPM.contains(&tool) => Some(way.sudo(&[&format!("npm install --global {tool}")])),
        "node" => way.install("nodejs"),
        tool => way.install(tool.rsplit('/').next().unwrap_or(tool)),
    };
    Finding { remedy: install.into_iter().collect(), ..finding }
}

fn session(answers: &Answers<'_>, way: &Way<'_>, (me, app): (&str, &App), found: &mut Vec<Finding>) {
    let hooks = [&app.hooks.build, &app.hooks.post_deploy];
    let hooks = hooks.into_iter().flatten().map(|hook| hook.text.as_str());
    let supervisor = app.supervisor.iter().map(|supervisor| supervisor.reload.as_str());
    let of_user = hooks.chain(supervisor).any(|text| text.contains("systemctl --user"));
    if of_user && answers.first::<0>("linger").is_some() {
        let text =
            format!("services of {me} end with the last session, and start with the first: linger is off");
        let enable = format!("loginctl enable-linger {}", quote(me));
        found.push(Finding::warning(text).remedy(way.sudo(&[&enable])));
    }
    if answers.first::<0>("kills").is_some() {
        let text = "logind ends all that a session leaves behind (KillUserProcesses): what a hook starts as a daemon, \
                    and shipit's own rolling back when the connection is lost";
        // Linger does not help: only what runs outside of the session is spared.
        let write = format!(
            "mkdir -p /etc/systemd/logind.conf.d && printf \"[Login]\\nKillExcludeUsers=root %s\\n\" {} \
             >/etc/systemd/logind.conf.d/zz-shipit.conf && systemctl restart systemd-logind",
            quote(me)
        );
        found.push(Finding::warning(text).remedy(way.sudo(&[&format!("sh -c {}", quote(&write))])));
    }
}

fn apart(clock: Clock, way: &Way<'_>) -> Option<Finding> {
    let apart = clock.ahead.abs();
    if apart <= APART + clock.unsure {
        return None;
    }
    let which = if clock.ahead > 0.0 { "ahead of" } else { "behind" };
    let text = format!(
        "its clock is {apart:.0} s {which} the one here: certificates, tokens and the times in `list` depend on it"
    );
    let finding = Finding::warning(text).advice("if `date -u` is wrong there and not here:");
    Some(finding.remedy(way.sudo(&["timedatectl set-ntp true"])))
}

fn forwards(forwarding: &Forwarding, way: &Way<'_>, me: &str) -> Option<Finding> {
    let finding = match forwarding {
        Forwarding::Allowed => return None,
        Forwarding::Unknown(why) => {
            return Some(Finding::warning(format!(
                "whether sshd allows forwarding could not be learned: {why}"
            )));
        }
        Forwarding::Forbidden => Finding::warning(
            "sshd forbids forwarding: nothing on the host can be asked through the connection, and it is no jump host",
        ),
    };
    let write = format!(
        "printf \"Match User %s\\n  DisableForwarding no\\n  AllowTcpForwarding local\\n\" {} \
         >/etc/ssh/sshd_config.d/zz-shipit.conf && {reload}",
        quote(me),
        reload = "{ systemctl reload ssh || systemctl reload sshd; }"
    );
    let advice = "or the key is restricted in authorized_keys (restrict, no-port-forwarding); where sshd_config includes sshd_config.d:";
    Some(finding.advice(advice).remedy(way.sudo(&[&format!("sh -c {}", quote(&write))])))
}
